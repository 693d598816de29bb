"""What an application imports: every public name is there, typed, and of the version that the package says."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module, metadata
from importlib.resources import files
from inspect import getdoc
from pathlib import Path

import pytest

import signon
from signon.flask import current_login, current_user

ROOT = Path(__file__).parents[1]
PUBLIC = ("signon.flask", "signon.providers", "signon_idp")


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_what_there_is(name):
    """Each name of `__all__` must exist, be listed once, and be what a star import brings."""
    module = import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert not [public for public in module.__all__ if not hasattr(module, public)]
    found: dict[str, object] = {}
    exec(f"from {name} import *", found)
    assert set(module.__all__) == found.keys() - {"__builtins__"}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_say_what_they_are(name):
    """Each public class and function must have a docstring."""
    module = import_module(name)
    public = [getattr(module, one) for one in module.__all__ if not one.startswith("current_")]
    assert not [one for one in public if callable(one) and not getdoc(one)]


def test_names_that_applications_use():
    """The names that the README and the examples import must be there, under these names."""
    wanted = {
        *("SignOn", "current_user", "current_login", "login_required", "fresh_login_required", "roles_required"),
        *("Refused", "ConfigurationError", "SignOnError", "signed_in", "signed_out", "User", "Person", "Login"),
    }
    assert wanted <= set(import_module("signon.flask").__all__)
    assert set(import_module("signon.providers").__all__) >= {
        *("oidc", "thaid", "authmachine", "auth0", "pingone", "sgid"),
    }
    assert callable(import_module("signon.flask.testing").sign_in)


@pytest.mark.parametrize("package", ["signon", "signon_idp"])
def test_package_is_typed(package):
    """Type checkers must see our types (PEP 561)."""
    assert files(package).joinpath("py.typed").is_file()


def test_version_is_one():
    """The version stands in one place, and the installed package says the same."""
    assert re.fullmatch(r"\d+\.\d+\.\d+(?:[ab]\d+|rc\d+)?", signon.__version__)
    assert metadata.version("signon") == signon.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]


def test_templates_are_in_the_package():
    """The pages and their style must be where the installed package finds them."""
    folder = files("signon.flask").joinpath("templates", "signon")
    names = {entry.name for entry in folder.iterdir()}
    assert names >= {"base.html", "chooser.html", "error.html", "sign_out.html", "signed_out.html", "style.css"}


def test_core_needs_no_framework():
    """Neither the core nor its service may bring Flask in: who wants another framework has no Flask."""
    program = "import sys, signon.service.finish_login, signon.providers; print('flask' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_proxies_outside_a_request_are_nobody():
    """Without a request there is nobody, and looking closer says why."""
    assert not current_user
    assert not current_login
    with pytest.raises(RuntimeError, match="request context"):
        _ = current_user.name
