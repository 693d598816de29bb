import subprocess
import sys

import pytest
from click.testing import CliRunner

from signon import __version__, cli


@pytest.fixture
def run():
    """Run `signon` with these words."""

    def run(*words):
        return CliRunner().invoke(cli.signon, words)

    return run


def test_help_lists_the_commands(run):
    """`signon --help` must name every command with what it does."""
    result = run("--help")
    assert result.exit_code == 0
    assert "Sign people in with OpenID Connect." in result.output
    for name in ("demo", "idp", "providers"):
        assert f"\n  {name}" in result.output


def test_version_is_the_packages(run):
    """`signon --version` must say the version of the package."""
    result = run("--version")
    assert (result.exit_code, result.output) == (0, f"signon, version {__version__}\n")


@pytest.mark.parametrize("name", ["demo", "idp", "providers"])
def test_command_has_its_own_help(run, name):
    """Each command must be loaded by its name and explain itself."""
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"Usage: signon {name} " in result.output


def test_unknown_command(run):
    """A command that nobody knows must be said to be none, with the usual exit status."""
    result = run("dmeo")
    assert result.exit_code == 2
    assert "No such command 'dmeo'" in result.output


def fail_with(error):
    def fail():
        raise error

    return fail


def test_missing_extra_is_named(monkeypatch, capsys):
    """A package that an extra would bring must be named, with the way to get it."""
    monkeypatch.setattr(cli, "signon", fail_with(ModuleNotFoundError("No module named 'cheroot'", name="cheroot")))
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == "This command needs cheroot: pip install 'signon[demo]'\n"


@pytest.mark.parametrize("name", ["signon_demo.cli", "signon_idp", "signon.flask.nothing", None])
def test_module_of_ours_that_is_missing_is_a_bug(monkeypatch, name):
    """A missing module of ours must come out as it is: no extra would mend it."""
    monkeypatch.setattr(cli, "signon", fail_with(ModuleNotFoundError("x", name=name)))
    with pytest.raises(ModuleNotFoundError):
        cli.main()


def test_main_runs_the_command(monkeypatch, capsys):
    """`main` must run the command of the process's arguments."""
    monkeypatch.setattr(sys, "argv", ["signon", "--version"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 0
    assert __version__ in capsys.readouterr().out


def test_help_needs_no_extra():
    """With the base package alone `signon --help` must work: commands load what they need when they are called."""
    program = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"flask", "werkzeug", "jwcrypto", "cheroot", "segno"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
sys.argv = ["signon", *sys.argv[1:]]
from signon.cli import main
main()
"""
    for words, status, text in (("--help", 0, "Commands:"), ("idp", 1, "This command needs ")):
        done = subprocess.run([sys.executable, "-c", program, words], capture_output=True, text=True, check=False)
        assert (done.returncode, text in done.stdout + done.stderr) == (status, True), done.stderr
