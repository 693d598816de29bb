"""The documentation's examples run, and its tables say what the code says."""

import ast
import os
import re
from pathlib import Path

import pytest

from signon.core import errors
from signon.flask.settings import DEFAULTS
from signon.providers.keywords import COMMON

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [
    pytest.param(match[1], id=f"{page.name}-{number}")
    for page in PAGES
    for number, match in enumerate(
        re.finditer(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_python_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who copies an example has something that works."""
    for name in [name for name in os.environ if name.startswith(("SIGNON_", "OIDC_", "FLASK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIGNON_PROVIDERS", "oidc")
    monkeypatch.setenv("OIDC_ISSUER", "https://id.example.org")
    monkeypatch.setenv("OIDC_CLIENT_ID", "test")
    monkeypatch.setenv("SIGNON_SESSIONS", f"sqlite:///{tmp_path}/sessions.sqlite3")
    monkeypatch.setenv("SIGNON_KEYS", "an example's own sealing key")
    names = {"__name__": "example"}
    exec(compile(example, "example.py", "exec"), names)
    assert {"app", "test_a_forged_token_gets_nobody_in"} & names.keys()


def test_there_are_examples() -> None:
    """The pattern above still finds them."""
    assert len(EXAMPLES) >= 4


def test_every_setting_is_documented_with_its_default() -> None:
    """The settings page names each setting of the extension, once, and no other."""
    page = (ROOT / "docs/settings.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(SIGNON_[A-Z_]+)` \| ?([^|]*?) ?\|", page, re.MULTILINE))
    assert rows.keys() == DEFAULTS.keys()
    for name, default in DEFAULTS.items():
        if default:
            assert rows[name] == f"`{default}`", name


def test_every_keyword_is_documented() -> None:
    """The settings page names each common keyword of a provider."""
    page = (ROOT / "docs/settings.md").read_text("utf-8")
    missing = [keyword.name for keyword in COMMON if f"`{keyword.name}`" not in page]
    assert missing == []


def test_every_error_code_is_documented() -> None:
    """The errors page has each code that the source has in one word, or a pattern that it fits."""
    page = (ROOT / "docs/errors.md").read_text("utf-8")
    words = {re.sub(r"<[a-z]+>", "…", word) for word in re.findall(r"`([a-z0-9_…<>]+)`", page)}
    known = re.compile("|".join(re.escape(word).replace("…", ".+") for word in words))
    missing = {
        node.args[0].value
        for file in (ROOT / "src/signon").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and _is_error(node.func.id)
        if node.args and isinstance(node.args[0], ast.Constant) and not known.fullmatch(node.args[0].value)
    }
    assert missing == set()


def _is_error(name: str) -> bool:
    kind = getattr(errors, name, None)
    return isinstance(kind, type) and issubclass(kind, errors.SignOnError)


def test_each_make_command_that_is_named_exists() -> None:
    """A command of the documentation is one of the Makefile."""
    heads = re.findall(r"^([a-z0-9 -]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    targets = {target for head in heads for target in head.split()}
    named = {
        name
        for page in PAGES
        for name in re.findall(r"(?:^|`)make ([a-z0-9-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert named <= targets


def test_each_link_to_a_file_leads_somewhere() -> None:
    """No link of the documentation is dead."""
    dead = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
        if not (page.parent / link).exists()
    ]
    assert dead == []
