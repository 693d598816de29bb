"""The rules of the house that no tool of the set-up holds: who imports what, sizes, names, reasons."""

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES_OF_A_MODULE = 300
LINES_OF_A_FUNCTION = 40
POSITIONAL_ARGUMENTS = 4


@cache
def tracked_files() -> tuple[str, ...]:
    """Every file of the project that git keeps or would keep, as paths from the root."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout: nothing says which files are the project's")
    names = listing.stdout.decode().split("\0")
    return tuple(name for name in names if name and (ROOT / name).is_file())


def modules(*folders: str) -> list[str]:
    """The Python files below these folders."""
    return [name for name in tracked_files() if name.endswith(".py") and name.startswith(folders)]


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text("utf-8"), filename=name)


def imports(name: str) -> Iterator[tuple[int, str]]:
    """The line and full name of each import of a module, also those inside functions."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}:{node.lineno}: a relative import hides where it leads"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def functions(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(name)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def begins(imported: str, package: str) -> bool:
    return imported == package or imported.startswith(f"{package}.")


NOT_IN_THE_CORE = (
    *("time", "datetime", "os", "sys", "socket", "ssl", "select", "logging", "random", "threading", "asyncio"),
    *("pathlib", "io", "tempfile", "subprocess", "sqlite3", "pickle", "http", "urllib.request", "uuid"),
    *("flask", "werkzeug", "jinja2", "click", "urllib3", "requests", "httpx", "redis", "sqlalchemy", "jwcrypto"),
)


def test_core_reads_no_clock_socket_environment_log_or_framework():
    """The core must import nothing that does I/O, tells the time, logs, or belongs to a framework."""
    assert not [
        f"{name}:{line}: {imported}"
        for name in modules("src/signon/core/")
        for line, imported in imports(name)
        if any(begins(imported, package) for package in NOT_IN_THE_CORE)
    ]


ROOMS = {
    "secrets": ("src/signon/core/pkce.py",),
    "joserfc": ("src/signon/core/jose.py",),
    "urllib3": ("src/signon/runtime/transport.py",),
    "redis": ("src/signon/sessions/redis.py",),
    "sqlalchemy": ("src/signon/sessions/sql.py",),
    "jwcrypto": ("src/signon_idp/",),
    "cheroot": ("src/signon_idp/", "src/signon_demo/"),
    "flask": ("src/signon/flask/", "src/signon_idp/", "src/signon_demo/"),
    "werkzeug": ("src/signon/flask/", "src/signon_idp/", "src/signon_demo/"),
}


@pytest.mark.parametrize("package", ROOMS)
def test_package_is_imported_in_its_room_only(package):
    """Each outside package must be known to its own room alone, so that it can be exchanged there."""
    # `secrets` is fenced inside the core; other rooms need random ids of their own.
    where = ("src/signon/core/",) if package == "secrets" else ("src/",)
    assert not [
        f"{name}:{line}: {imported}"
        for name in modules(*where)
        if not name.startswith(ROOMS[package])
        for line, imported in imports(name)
        if begins(imported, package)
    ]


FENCES = [
    ("src/signon/", ("src/signon/cli/",), ("signon_idp", "signon_lab", "signon_demo")),
    ("src/signon_idp/", (), ("signon", "signon_lab", "signon_demo")),
    ("src/signon_lab/", (), ("signon", "signon_demo")),
]


@pytest.mark.parametrize(("folder", "gates", "other_side"), FENCES, ids=[folder for folder, *_ in FENCES])
def test_fence_has_no_hole(folder, gates, other_side):
    """The relying party and the practice provider must share nothing; the command line alone starts both."""
    assert not [
        f"{name}:{line}: {imported}"
        for name in modules(folder)
        if not name.startswith(gates or "-")
        for line, imported in imports(name)
        if any(begins(imported, package) for package in other_side)
    ]


def test_module_is_short_enough_to_read():
    """A module must stay below its ceiling: beyond it there is a room that nobody has named yet."""
    lengths = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in modules("src/", "examples/")}
    assert not {name: lines for name, lines in lengths.items() if lines > LINES_OF_A_MODULE}


def test_function_is_short_enough_to_read():
    """A function must stay below its ceiling, docstring included."""
    assert not [
        f"{name}:{node.lineno}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for name in modules("src/", "examples/")
        for node in functions(name)
        if node.end_lineno - node.lineno >= LINES_OF_A_FUNCTION
    ]


def positional(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return [name for name in names if name not in {"self", "cls"}]


def test_function_takes_few_arguments_by_position():
    """More than four arguments must be named where they are given."""
    assert not [
        f"{name}:{node.lineno}: {node.name}"
        for name in modules("src/", "examples/")
        for node in functions(name)
        if len(positional(node)) > POSITIONAL_ARGUMENTS
    ]


def test_default_is_no_call():
    """No default of a parameter may be a call: it would be made once, at import, and shared by everyone.

    An empty frozenset has no other spelling, and nobody can change it.
    """
    assert not [
        f"{name}:{default.lineno}: {ast.unparse(default)}"
        for name in modules("src/", "examples/", "bench/")
        for node in (*functions(name), *(node for node in ast.walk(tree(name)) if isinstance(node, ast.Lambda)))
        for default in (*node.args.defaults, *node.args.kw_defaults)
        if default is not None and ast.unparse(default) != "frozenset()"
        if any(isinstance(part, ast.Call) for part in ast.walk(default))
    ]


def test_no_module_is_a_drawer():
    """No module or package may be called `utils`: what is in it has a name of its own."""
    drawers = {"util", "utils", "helper", "helpers", "misc"}
    assert not [
        name for name in modules("src/", "tests/", "bench/") if drawers & {*Path(name).with_suffix("").parts}
    ]


def names_a_provider(node: ast.AST) -> bool:
    """Whether an expression is a provider's name: `provider.name`, `session.provider`, `login.person.provider`."""
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    return node.attr == "provider" or (node.attr == "name" and owner == "provider")


def is_text(node: ast.AST) -> bool:
    parts = node.elts if isinstance(node, ast.Tuple | ast.Set | ast.List) else [node]
    return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in parts)


def test_no_vendor_is_named_outside_providers():
    """What differs between vendors must be data of theirs: nowhere else may a provider's name be compared."""
    found = []
    for name in modules("src/signon/"):
        if name.startswith("src/signon/providers/"):
            continue
        for node in ast.walk(tree(name)):
            sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            sides += [node.subject, ast.Constant("")] if isinstance(node, ast.Match) else []
            if any(map(names_a_provider, sides)) and any(map(is_text, sides)):
                found.append(f"{name}:{node.lineno}: {ast.unparse(node).splitlines()[0]}")
    assert not found


def test_values_of_the_core_are_frozen_slotted_and_named():
    """Each dataclass of the core must be frozen, slotted and keyword-only; a Secret alone is made by position."""
    found = []
    for name in modules("src/signon/core/"):
        for node in ast.walk(tree(name)):
            for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else []:
                if "dataclass" in ast.unparse(decorator):
                    wanted = ["frozen", "slots"] + ["kw_only"] * (node.name != "Secret")
                    found += [
                        f"{name}: {node.name}: {w}" for w in wanted if f"{w}=True" not in ast.unparse(decorator)
                    ]
    assert not found


PRAGMA = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no\s+(?:cover|branch))", re.IGNORECASE)
PRAGMA_WITH_CODE = re.compile(
    r"#\s*(?:noqa:\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*"
    r"|type:\s*ignore\[[a-z, -]+\]"
    r"|pragma:\s*no\s+(?:cover|branch))"
)
REASON = re.compile(r"[^\W\d_]{2,}(?:\W+[^\W_]+)+")


def comments(name: str) -> Iterator[tuple[int, str]]:
    with (ROOT / name).open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def lacks_reason(comment: str) -> bool:
    return bool(PRAGMA.search(comment)) and not REASON.search(PRAGMA_WITH_CODE.sub("", comment))


def test_every_waiver_says_what_and_why():
    """Each `noqa`, `type: ignore` and `no cover` must name its rule and its reason on the same line."""
    found = []
    for name in modules("src/", "tests/", "bench/", "examples/", "docs/", "tools/"):
        for line, comment in comments(name):
            bare = PRAGMA.search(PRAGMA_WITH_CODE.sub("", comment))
            if bare or lacks_reason(comment):
                found.append(f"{name}:{line}: {comment}")
    assert not found


@pytest.mark.parametrize(
    ("comment", "lacks"),
    [
        ("# noqa" + ": BLE001", True),
        ("# noqa" + ": BLE001 - because it must", False),
        ("# type" + ": ignore[misc]", True),
        ("# type" + ": ignore[misc]  # noqa: SLF001", True),
        ("# type" + ": ignore[misc]  # noqa: SLF001 - its documented way", False),
        ("# pragma" + ": no cover", True),
        ("# pragma" + ": no cover - runs in the child", False),
        ("# an ordinary comment", False),
    ],
)
def test_search_for_reasons_tells_them_apart(comment, lacks):
    """The search itself must see a waiver without its reason, and none where there is one."""
    assert lacks_reason(comment) is lacks


# Written in halves, so that this file does not hold what it looks for.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "yarn" + "pkg.com"]
PLACES = ["/wor" + "k/", "/ro" + "ot/", "/tmp/scr" + "atch", "/home/" + "runner"]
PAGES = ["HOUSE" + r"\.md", "RULES" + r"\.md", r"\bRULES " + r"\d", "LOOK" + r"\.md"]


def test_no_file_names_a_registry_or_a_machine():
    """No file may name a package registry's host, a path of one machine, or pages that aren't in the project."""
    pattern = re.compile("|".join([*map(re.escape, HOSTS + PLACES), *PAGES]).encode())
    found = []
    for name in tracked_files():
        for number, line in enumerate((ROOT / name).read_bytes().splitlines(), 1):
            if pattern.search(line):
                found.append(f"{name}:{number}: {line[:100]!r}")
    assert not found


def test_every_test_says_what_must_hold():
    """Each test must have a docstring that is a sentence."""
    assert not [
        f"{name}:{node.lineno}: {node.name}"
        for name in modules("tests/")
        if Path(name).name.startswith("test_")
        for node in functions(name)
        if node.name.startswith("test_") and not (ast.get_docstring(node) or "").rstrip().endswith((".", "?", "!"))
    ]


def test_each_module_of_the_core_has_a_test_of_its_own():
    """Tests must mirror the core, module for module, so that no coverage is borrowed."""
    here = {Path(name).name for name in modules("tests/core/")}
    assert not [
        name
        for name in modules("src/signon/core/")
        if not name.endswith("__init__.py") and f"test_{Path(name).name}" not in here
    ]
