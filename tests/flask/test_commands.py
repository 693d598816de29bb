from dataclasses import replace
from email.utils import formatdate

import pytest
import time_machine
from flask import Flask
from jwcrypto import jwk
from tests.flask.double import HTTPS, break_store

from signon.core.errors import ProviderUnavailable, StoreUnavailable
from signon.flask.state import KEY
from signon.sessions.circuit import Circuit
from signon.sessions.memory import MemoryStore

NOW = 1_800_000_000


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
    assert "POST      /auth/backchannel-logout/oidc" in lines
    assert not [line for line in lines if line.endswith("/me")]
    assert "Register with OpenID (oidc):" in lines
    assert f"  redirect URI              {HTTPS}/shop/auth/callback/oidc" in lines
    assert f"  post logout redirect URI  {HTTPS}/shop/auth/logout/callback/oidc" in lines
    assert f"  back-channel logout URI   {HTTPS}/shop/auth/backchannel-logout/oidc" in lines
    assert f"  front-channel logout URI  {HTTPS}/shop/auth/frontchannel-logout/oidc" in lines
    assert f"  initiate login URI        {HTTPS}/shop/auth/initiate/oidc" in lines
    assert "JWKS URI" not in result.output
    assert "SIGNON_BASE_URL" not in result.output


def test_routes_lists_no_address_that_a_vendor_has_no_place_for(make_app, make_provider, run):
    """Where a provider is not known to tell of sign-outs, nobody is told to register addresses for that."""
    result = run(make_app({"providers": [replace(make_provider(), tells_by=frozenset())]}), "routes")
    assert "channel logout URI" not in result.output


def test_routes_lists_where_the_public_keys_are(make_app, make_provider, run):
    """A provider that checks our signatures is told where our public keys are."""
    pem = jwk.JWK.generate(kty="EC", crv="P-256").export_to_pem(private_key=True, password=None).decode()
    result = run(make_app({"providers": [make_provider(private_key=pem)]}), "routes")
    assert "  JWKS URI                  http://localhost:5000/auth/jwks.json" in result.output


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


@pytest.mark.parametrize(
    ("date", "age", "problem"),
    [
        (-60, "", None),
        (60, "", None),
        (-3700, "", "this machine's clock is 1 hour 1 minute ahead of the provider's: its tokens will be refused"),
        (61, "", "this machine's clock is 1 minute 1 second behind the provider's: its tokens will be refused"),
        (-3700, "3700", None),
        (0, "61", "this machine's clock is 1 minute 1 second behind the provider's: its tokens will be refused"),
        (0, "old", None),
        ("", "", None),
        ("yesterday", "", None),
        ("Mon, 99 Foo 2026 00:00:00 GMT", "", None),
        (None, "", None),
    ],
)
def test_check_compares_clocks(app, op, run, date, age, problem):
    """A provider whose clock is further away than tokens are allowed is `BAD`; one that says no time is not, nor
    one whose answer has been in a cache.
    """
    right = op._jwks

    def answer(request):
        said = formatdate(NOW + date, usegmt=True) if isinstance(date, int) else date
        sent = {"content-type": "application/json", "date": said, "age": age}
        return replace(right(request), headers={name: value for name, value in sent.items() if value})

    op._jwks = answer
    with time_machine.travel(NOW, tick=False):
        result = run(app, "check")
    said = (
        f"BAD provider oidc (https://op.example): {problem}"
        if problem
        else "ok  provider oidc (https://op.example)"
    )
    assert (result.exit_code, result.output.splitlines()[0]) == (int(problem is not None), said)


def test_check_says_that_the_store_is_away(app, run, monkeypatch):
    """A store that fails is `BAD`, and the command fails."""
    break_store(app, monkeypatch)
    result = run(app, "check")
    assert result.exit_code == 1
    assert "BAD session store: store_unavailable: the store is away" in result.output


def test_init_store_says_what_it_did(app, run, monkeypatch):
    """A store with tables makes them, also behind its circuit, and its words are the command's."""
    for wrap in (lambda store: store, Circuit):
        store = MemoryStore()
        store.prepare = lambda: "made five tables"
        monkeypatch.setattr(app.extensions[KEY].party.sessions, "store", wrap(store))
        result = run(app, "init-store")
        assert (result.exit_code, result.output) == (0, "made five tables\n")


def test_init_store_has_nothing_to_do(app, run):
    """A store without tables needs no preparation, and that is said."""
    result = run(app, "init-store")
    assert result.exit_code == 0
    assert result.output.startswith("nothing to do: ")


def test_init_store_that_fails_says_why(app, run, monkeypatch):
    """A store that is away is a line and a failure."""

    def fail():
        raise StoreUnavailable("store_unavailable", "the server does not answer")

    store = MemoryStore()
    store.prepare = fail
    monkeypatch.setattr(app.extensions[KEY].party.sessions, "store", store)
    result = run(app, "init-store")
    assert (result.exit_code, result.output) == (
        1,
        "Error: store_unavailable: the server does not answer\n",
    )


def test_commands_need_a_sign_on(run):
    """An application without SignOn must not have the commands."""
    assert run(Flask("bare"), "check").exit_code == 2
