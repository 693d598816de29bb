import ast
import sys

import pytest
import requests
from tests.examples.stage import EXAMPLES, run
from tests.journeys.serving import free_port, running

LINES = 80


@pytest.mark.parametrize("name", sorted(run.EXAMPLES))
def test_application_fits_a_page(name):
    """Each document's application is at most a page of code, which says in a sentence what it is."""
    text = (EXAMPLES / name / "app.py").read_text("utf-8")
    assert len(text.splitlines()) <= LINES
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("name", sorted(run.EXAMPLES))
def test_nothing_is_filled_in(name):
    """As it comes no example names a vendor's registration: it runs at its practice provider."""
    assert run.names_the_vendor(name) is False


def test_vendor_is_named_by_the_environment(monkeypatch):
    """The document's name for the client id in the environment means the vendor."""
    monkeypatch.setenv("THAID_CLIENT_ID", "ours")
    assert run.names_the_vendor("thaid") is True
    assert run.names_the_vendor("auth0") is False


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("auth0", "config.py", "CLIENT_ID = 'ours'"),
        ("thaid", "config.py", "THAID_CLIENT_ID = 'ours'"),
        ("authmachine", ".env", "AUTHMACHINE_CLIENT_ID=ours"),
    ],
)
def test_vendor_is_named_by_the_documents_file(monkeypatch, tmp_path, name, file, text):
    """So does the file that the document keeps it in."""
    (tmp_path / name).mkdir()
    (tmp_path / name / file).write_text(text)
    monkeypatch.setattr(run, "FOLDER", tmp_path)
    assert run.names_the_vendor(name) is True


@pytest.mark.parametrize(("name", "file"), [("thaid", "config.py"), ("authmachine", ".env")])
def test_empty_file_leaves_it_to_the_environment(monkeypatch, tmp_path, name, file):
    """A name that is empty in the file counts as unset: the environment's value means the vendor all the same."""
    setting = run.EXAMPLES[name].client_id
    (tmp_path / name).mkdir()
    (tmp_path / name / file).write_text(f"{setting} = ''")
    monkeypatch.setattr(run, "FOLDER", tmp_path)
    assert run.names_the_vendor(name) is False
    monkeypatch.setenv(setting, "ours")
    assert run.names_the_vendor(name) is True


def test_example_that_is_not_there(tmp_path):
    """A folder without an application is named."""
    with pytest.raises(FileNotFoundError):
        run.load("thaid", {}, folder=tmp_path)


def test_vendor_needs_no_practice_provider(monkeypatch, tmp_path):
    """With the vendor named one application is served, and no provider."""
    monkeypatch.setenv("AUTHMACHINE_URL", "https://sso.example")
    monkeypatch.setenv("AUTHMACHINE_CLIENT_ID", "ours")
    monkeypatch.setenv("AUTHMACHINE_CLIENT_SECRET", "a-secret-of-ours")
    monkeypatch.setenv("SIGNON_SESSIONS", "memory:")
    monkeypatch.setenv("SIGNON_KEYS", "a-sealing-key-that-only-the-tests-know")
    monkeypatch.setattr(run, "practice", None)
    with run.serving("authmachine", port=0, idp_port=0) as origins:
        (origin,) = origins
        assert "Log In" in requests.get(origin, timeout=10).text


def test_one_command_runs_it(tmp_path):
    """The command serves the application and its practice provider, and prints the one address to open."""
    port, output = free_port(), tmp_path / "output"
    command = [sys.executable, "-u", str(EXAMPLES / "run.py"), "auth0", "--port", str(port)]
    with running(command, ready=f"http://localhost:{port}/", output=output, settings={}):
        sent = requests.get(f"http://localhost:{port}/login", timeout=10, allow_redirects=False)
        assert sent.status_code == 302
        assert requests.get(sent.headers["Location"], timeout=10).status_code == 200
    lines = output.read_text().splitlines()
    assert [line for line in lines if "http" in line] == [f"Open http://localhost:{port}/"]
    assert "practice provider" in lines[0]
    assert "CLIENT_ID is not set" in lines[0]
