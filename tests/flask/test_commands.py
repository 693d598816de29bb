from dataclasses import replace

import pytest
from flask import Flask
from tests.flask.double import HTTPS, break_store

from signon.core.errors import ProviderUnavailable


@pytest.fixture
def run():
    """Run `flask signon ...` on an application."""

    def run(app, *words):
        return app.test_cli_runner().invoke(args=["signon", *words])

    return run


def test_routes_lists_what_there_is_and_what_to_register(make_app, run):
    """Each route of ours with its methods, none of the application's, and the addresses for the provider."""
    result = run(make_app(SIGNON_BASE_URL=f"{HTTPS}/shop"), "routes")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "GET       /auth/login" in lines
    assert "GET       /auth/login/<provider>" in lines
    assert "GET,POST  /auth/logout" in lines
    assert "GET,POST  /auth/callback/oidc" in lines
    assert not [line for line in lines if line.endswith("/me")]
    assert "Register with OpenID (oidc):" in lines
    assert f"  redirect URI              {HTTPS}/shop/auth/callback/oidc" in lines
    assert f"  post logout redirect URI  {HTTPS}/shop/auth/logout/callback/oidc" in lines
    assert "SIGNON_BASE_URL" not in result.output


def test_routes_without_a_base_url_says_so(make_app, make_provider, run):
    """Without a base URL the addresses are this machine's, and that is said; a page of one's own is kept."""
    provider = replace(make_provider(), post_logout_path="/bye", callback_path="/back")
    result = run(make_app({"providers": [provider]}), "routes")
    assert "  redirect URI              http://localhost:5000/back" in result.output
    assert "  post logout redirect URI  http://localhost:5000/bye" in result.output
    assert "SIGNON_BASE_URL is not set" in result.output


def test_check_says_what_works(app, op, run):
    """Metadata, keys and store that answer are each `ok`, and the command succeeds."""
    result = run(app, "check")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        ["ok  provider oidc (https://op.example)", "ok  session store"],
    )
    assert op.documents() == ["metadata", "jwks"]


@pytest.mark.parametrize("document", ["metadata", "jwks"])
def test_check_says_which_provider_is_away(app, op, run, document):
    """A provider whose metadata or keys can't be had is `BAD`, with the reason, and the command fails."""
    op.failing[document] = ProviderUnavailable(f"{document}_timeout", "no answer in time")
    result = run(app, "check")
    assert result.exit_code == 1
    assert f"BAD provider oidc (https://op.example): {document}_timeout: no answer in time" in result.output
    assert "ok  session store" in result.output


def test_check_says_that_the_store_is_away(app, run, monkeypatch):
    """A store that fails is `BAD`, and the command fails."""
    break_store(app, monkeypatch)
    result = run(app, "check")
    assert result.exit_code == 1
    assert "BAD session store: store_unavailable: the store is away" in result.output


def test_commands_need_a_sign_on(run):
    """An application without SignOn must not have the commands."""
    assert run(Flask("bare"), "check").exit_code == 2
