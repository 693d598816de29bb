"""What a page does with the tokens of a sign-in, and what becomes of it when they have ended."""

import json
import logging
from dataclasses import replace

import pytest
import time_machine
from tests.flask.double import (
    CLICKED,
    FETCHED,
    HTTPS,
    ISSUER,
    LINKED,
    LOCAL,
    TYPED,
    Visitor,
    break_store,
    code_of,
    json_response,
    query_of,
)
from tests.service.token_op import LIFE, TokenOp

from signon.core.errors import ProviderUnavailable
from signon.core.person import Login
from signon.core.provider import RevokedCheck
from signon.flask import current_login, current_user, fresh_login_required, login_required, roles_required
from signon.flask.current import CurrentLogin, forget_session, load_session
from signon.flask.signals import session_ended, tokens_refreshed
from signon.flask.state import KEY
from signon.flask.testing import sign_in
from signon.service.saving import TokensEnded

NOW = 1_800_000_000
MINUTE = 60


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def op(ops, plant):
    """The usual provider, with refresh tokens."""
    ops[ISSUER] = TokenOp(plant)
    return ops[ISSUER]


@pytest.fixture
def app(make_app, op):
    return with_pages(make_app())


def with_pages(app):
    """An application whose pages use the token of whoever looks at them."""
    token = lambda: current_login.access_token()  # noqa: E731, PLW0108 - the proxy is looked up in each request
    app.add_url_rule("/token", "token", token, methods=["GET", "POST"])
    app.add_url_rule("/data", "data", login_required(token), methods=["GET", "POST"])
    app.add_url_rule("/plain", "plain", login_required(lambda: f"plain {current_user.name}"))
    app.add_url_rule("/fresh", "fresh", fresh_login_required(max_age_seconds=10**6)(lambda: "fresh"))
    app.add_url_rule("/any", "any", roles_required()(lambda: "any"))

    @app.post("/refresh")
    def refresh():
        current_login.refresh()
        return f"{current_login.access_token()} {current_user.name}"

    @app.post("/revoke")
    def revoke():
        current_login.revoke()
        return current_user.name

    @app.get("/introspect")
    def introspect():
        return json.dumps(current_login.introspect().active)

    return app


@pytest.fixture
def visitor(clock, app, op):
    visitor = Visitor(app, op)
    visitor.sign_in()
    return visitor


@pytest.fixture
def told():
    """Signals as they come."""
    seen = []

    def refreshed(_app, login, **_):
        seen.append(("refreshed", login.person.subject))

    def ended(_app, login, reason):
        seen.append((reason, login.person.subject))

    with tokens_refreshed.connected_to(refreshed), session_ended.connected_to(ended):
        yield seen


def session_of(visitor):
    """What is kept of a visitor."""
    (name,) = visitor.sessions()
    return visitor.client.application.extensions[KEY].party.sessions.load(visitor.cookies()[name], now=NOW)


# The token


def test_page_gets_a_token_that_is_good(visitor, clock, op, told):
    """A page gets the token of the sign-in, and a new one a minute before that ends; a signal tells of it."""
    first = visitor.get("/token").text
    assert first.startswith("access-")
    clock.shift(LIFE - 61)
    assert visitor.get("/token").text == first
    assert op.refreshes == 0
    clock.shift(1)
    second = visitor.get("/token").text
    assert second not in {first, ""}
    assert visitor.get("/token").text == second
    assert (op.refreshes, told) == (1, [("refreshed", "person-1")])


def test_good_token_reads_the_store_once(visitor, app, monkeypatch):
    """A page that uses a good token costs the store what a page costs that doesn't: one look."""
    store, seen = app.extensions[KEY].party.sessions.store, []
    for name in [name for name in dir(type(store)) if not name.startswith("_")]:
        operation = getattr(store, name)
        monkeypatch.setattr(store, name, lambda *a, _n=name, _o=operation, **k: seen.append(_n) or _o(*a, **k))
    visitor.get("/plain")
    plain, seen[:] = list(seen), []
    visitor.get("/data")
    assert seen == plain == ["load"]


def test_rest_of_the_request_sees_the_refresh(visitor, op, told):
    """After a refresh the same request must see the new token, and what the new ID token says of the person."""
    op.claims["name"] = "Somsak"
    token, _, name = visitor.post("/refresh", Origin=LOCAL).text.partition(" ")
    assert (name, token) == ("Somsak", visitor.get("/token").text)
    assert visitor.who() == "Somsak"
    assert (op.refreshes, told) == (1, [("refreshed", "person-1")])


def test_current_login_is_a_login(clock, app, op):
    """The sign-in must have every field of a `Login` and be one; nobody's is false."""
    visitor = Visitor(app, op)
    seen = {}

    @app.get("/login-of")
    def login_of():
        seen.update(
            is_login=isinstance(current_login, Login),
            own=isinstance(current_login, CurrentLogin),
            true=bool(current_login),
            name=current_login.person.name,
            shown=repr(current_login),
        )
        same = current_login.claims == load_session().login.claims
        return str(same)

    visitor.sign_in()
    assert visitor.get("/login-of").text == "True"
    assert seen.pop("shown").startswith("CurrentLogin(")
    assert seen == {"is_login": True, "own": True, "true": True, "name": "Somchai"}
    with app.test_request_context("/", base_url=LOCAL):
        assert not current_login


def test_session_of_a_test(app, op):
    """A session that a test has made must have a token to use."""
    client = app.test_client()
    sign_in(client, {"sub": "person-3"})
    assert client.get("/token", base_url=LOCAL).text == "test-access-token"


def test_introspection(visitor, op):
    """The application is told what the provider says of the token, and the answer is remembered."""
    for _ in range(2):
        assert visitor.get("/introspect").text == "true"
    assert op.documents().count("introspection") == 1


def test_application_revokes(visitor, op, told):
    """Revoked tokens are gone at the provider and here; the person stays signed in, also behind a guard."""
    token = session_of(visitor).tokens.refresh_token.reveal()
    assert visitor.post("/revoke", Origin=LOCAL).text == "Somchai"
    assert op.revoked == [("refresh_token", token)]
    for path in ("/plain", "/fresh", "/any"):
        assert visitor.get(path).status_code == 200
    response = visitor.get("/introspect", **FETCHED)
    assert (response.status_code, code_of(response)) == (401, "tokens_ended")
    assert not told


# Tokens that have ended


@pytest.fixture
def ended(visitor, clock, op):
    """Somebody whose refresh the provider refuses for good, an hour after their sign-in."""
    clock.shift(50 * MINUTE)
    op.dead = True
    return visitor


@pytest.mark.parametrize("headers", [{}, TYPED, CLICKED, LINKED])
@pytest.mark.parametrize("path", ["/token?x=1&y=2", "/data"])
def test_navigation_signs_in_again_and_comes_back(ended, op, path, headers):
    """A page whose tokens have ended sends the browser to the same provider, and it comes back to that page."""
    response = ended.get(path, **headers)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{ISSUER}/authorize?")
    assert response.headers["Cache-Control"] == "private, no-store"
    op.dead = False
    op.token.clear()
    back = ended.answer(response.headers["Location"])
    assert back.headers["Location"] == path
    assert ended.get(path).text.startswith("access-")


def test_provider_of_the_session_is_asked(make_app, make_provider, clock, op, ops, plant):
    """With several providers the one that the person has signed in with is asked, and no chooser shown."""
    ops["https://other.example"] = TokenOp(plant, issuer="https://other.example")
    providers = [make_provider("other", "https://other.example"), make_provider()]
    visitor = Visitor(with_pages(make_app({"providers": providers})), op)
    visitor.sign_in("/auth/login/oidc")
    clock.shift(50 * MINUTE)
    op.dead = True
    assert visitor.get("/token").headers["Location"].startswith(f"{ISSUER}/authorize?")


def test_form_that_was_sent_is_lost(ended, op):
    """A form can't be sent again: the person signs in and starts over at the usual page."""
    response = ended.post("/token", Origin=LOCAL)
    assert response.status_code == 302
    op.dead = False
    op.token.clear()
    assert ended.answer(response.headers["Location"]).headers["Location"] == "/"


@pytest.mark.parametrize(
    "headers", [FETCHED, {"Accept": "application/json"}, {**CLICKED, "Sec-Purpose": "prefetch"}]
)
def test_anything_else_gets_401(ended, headers):
    """What isn't a navigation gets 401 with the code, and the way to sign in; no sign-in has started."""
    response = ended.get("/token", **headers)
    assert (response.status_code, code_of(response)) == (401, "tokens_ended")
    assert not ended.transactions()
    if response.is_json:
        assert response.json["login"] == "/auth/login"


def test_guards_ask_again_from_then_on(ended):
    """Once the tokens have ended each guard asks for a new sign-in; pages without one still know the person."""
    ended.get("/token", **FETCHED)
    for path in ("/plain", "/fresh", "/any"):
        assert ended.get(path).headers["Location"].startswith(f"{ISSUER}/authorize?")
        response = ended.get(path, **FETCHED)
        assert (response.status_code, code_of(response)) == (401, "tokens_ended")
    assert ended.who() == "Somchai"
    assert ended.get("/").text == "home"


def test_protected_application_asks_again(make_app, clock, op):
    """`protect` asks again, too, and lets people in whose tokens are good."""
    app = make_app()
    app.signon.protect(app, except_=["token"])
    visitor = Visitor(with_pages(app), op)
    visitor.sign_in()
    assert visitor.who() == "Somchai"
    clock.shift(50 * MINUTE)
    op.dead = True
    visitor.get("/token", **FETCHED)
    assert visitor.get("/who").status_code == 302
    assert visitor.get("/who", **FETCHED).status_code == 401


def test_new_sign_in_is_a_new_session(ended, op):
    """After the new sign-in the old record is gone, and nothing of it is left in the way."""
    old = ended.cookies()
    location = ended.get("/data").headers["Location"]
    op.dead = False
    op.token.clear()
    ended.answer(location)
    assert ended.cookies() != old
    assert session_of(ended).tokens_ended is None
    assert ended.get("/data").text.startswith("access-")
    name, value = next(iter(old.items()))
    assert ended.get("/who", Cookie=f"{name}={value}").text == "nobody"


@pytest.mark.parametrize("path", ["/token", "/data"])
def test_tokens_that_end_at_once_make_no_loop(clock, app, op, path):
    """Where each sign-in gives tokens that have ended already, the browser isn't sent round: it gets a page."""
    op.token.update(refresh_token="", expires_in=0)
    visitor = Visitor(app, op)
    visitor.sign_in(f"/auth/login?next={path}")
    for _ in range(2):
        response = visitor.get(path)
        assert (response.status_code, code_of(response)) == (401, "tokens_ended")
        assert f'href="/auth/login/oidc?next=%2F{path[1:]}"' in response.text
    clock.shift(MINUTE)
    assert visitor.get(path).status_code == 302


def test_token_without_refresh(clock, app, op):
    """Without a refresh token the person signs in again when the access token is over, and not before."""
    op.token["refresh_token"] = ""
    visitor = Visitor(app, op)
    visitor.sign_in()
    clock.shift(LIFE - 1)
    assert visitor.get("/token").text.startswith("access-")
    clock.shift(1)
    assert visitor.get("/token").status_code == 302
    assert session_of(visitor).tokens_ended == "token_expired"


def test_session_that_ended_in_flight(visitor, clock, app, op):
    """A page whose session ends while it refreshes lets nobody in: the browser is sent to sign in."""
    party = app.extensions[KEY].party
    (name,) = visitor.sessions()
    clock.shift(LIFE)
    op.before_answer.append(lambda: party.sessions.end(visitor.cookies()[name], now=NOW + LIFE))
    response = visitor.get("/data")
    assert response.headers["Location"].startswith(f"{ISSUER}/authorize?")
    assert visitor.who() == "nobody"
    assert [kind for kind, _ in op.revoked] == ["refresh_token"]


def test_nobody_has_no_tokens(app, op):
    """A page without a guard that wants a token of nobody sends them to sign in, and they come back to it."""
    visitor = Visitor(app, op)
    location = visitor.get("/token?x=1").headers["Location"]
    assert location.startswith(f"{ISSUER}/authorize?")
    assert visitor.answer(location).headers["Location"] == "/token?x=1"
    assert visitor.get("/token?x=1").text.startswith("access-")


@pytest.mark.parametrize("method", ["access_token", "refresh", "revoke", "introspect", "token_set"])
def test_nobodys_login_needs_one(app, method):
    """Whatever is to be done with nobody's tokens says what is needed, and stays false in a condition."""
    with app.test_request_context("/", base_url=LOCAL):
        with pytest.raises(TokensEnded) as error:
            getattr(current_login, method)()
        assert (error.value.code, error.value.status) == ("login_needed", 401)
        assert not current_login
        assert not isinstance(current_login, Login)
        assert not hasattr(current_login, "claims")


def test_anything_but_a_page_of_nobody_gets_401(app, op):
    """A script that asks for nobody's token gets 401 with its code."""
    response = Visitor(app, op).get("/token", **FETCHED)
    assert (response.status_code, code_of(response)) == (401, "login_needed")


@pytest.mark.parametrize(("path", "method"), [("/token", "GET"), ("/data", "GET"), ("/refresh", "POST")])
def test_sign_in_that_brings_no_tokens(visitor, app, clock, path, method):
    """Where only an ID token was asked for a new sign-in brings no more: nobody is sent, the operator is told."""
    (name,) = visitor.sessions()
    party, session_id = app.extensions[KEY].party, visitor.cookies()[name]
    assert party.sessions.replace(session_id, replace(session_of(visitor), tokens=None), now=NOW)
    clock.shift(50 * MINUTE)
    response = visitor.get(path, method=method, Origin=LOCAL)
    assert (response.status_code, code_of(response)) == (502, "tokens_missing")
    assert visitor.get("/plain").text == "plain Somchai"


def test_roles_after_a_refresh(make_app, op, clock):
    """Whoever has lost a role at the provider has lost it here with the next refresh, in the same request."""
    app = with_pages(make_app({"roles_from": "groups"}))
    op.claims["groups"] = ["staff"]
    visitor = Visitor(app, op)
    visitor.sign_in()
    assert visitor.get("/staff").status_code == 200
    op.claims["groups"] = []
    visitor.post("/refresh", Origin=LOCAL)
    assert visitor.get("/staff").status_code == 403


def test_session_that_goes_within_the_request(app, clock, visitor):
    """A login that was held while its session ended must not give a token."""
    party = app.extensions[KEY].party
    (name,) = visitor.sessions()
    cookie = f"{name}={visitor.cookies()[name]}"
    with app.test_request_context("/", base_url=LOCAL, headers={"Cookie": cookie}):
        held = current_login._get_current_object()
        party.sessions.end(visitor.cookies()[name], now=NOW)
        forget_session()
        with pytest.raises(TokensEnded) as error:
            held.access_token()
        assert error.value.code == "login_needed"


def test_sign_in_that_cannot_start(ended, app, op):
    """Where the provider can't be reached for the new sign-in either, that is said, with a status of its own."""
    ended.get("/token", **FETCHED)
    app.extensions[KEY].party.runtime._caches.clear()
    op.failing["metadata"] = ProviderUnavailable("metadata_timeout", "no answer")
    response = ended.get("/plain")
    assert (response.status_code, code_of(response)) == (503, "metadata_timeout")


# Providers and stores that fail


def test_provider_that_fails_costs_nobody_the_session(visitor, clock, op):
    """While the provider fails a page that needs a new token answers 503, with a way to try again; others work."""
    clock.shift(LIFE)
    op.failing["token"] = json_response({}, status=500)
    for _ in range(2):
        response = visitor.get("/data?x=1")
        assert (response.status_code, code_of(response)) == (503, "refresh_unavailable")
        assert response.headers["Retry-After"] == "10"
        assert 'href="/data?x=1"' in response.text
        assert "You have not been signed out" in response.text
    assert visitor.get("/plain").text == "plain Somchai"
    del op.failing["token"]
    clock.shift(10)
    assert visitor.get("/data").text.startswith("access-")


def test_store_that_fails(visitor, clock, app, monkeypatch):
    """A store that can't be had when a token is due is 503, and nobody's tokens are lost."""
    clock.shift(LIFE)
    with monkeypatch.context() as patch:
        break_store(app, patch, "lease")
        response = visitor.get("/data")
        assert (response.status_code, code_of(response)) == (503, "store_unavailable")
    assert visitor.get("/data").text.startswith("access-")


def test_no_token_in_page_or_log(ended, caplog):
    """Neither page nor log may show a token when they end."""
    session = session_of(ended)
    with caplog.at_level(logging.DEBUG):
        text = ended.get("/token", **FETCHED).text
    for token in (session.tokens.access_token, session.tokens.refresh_token, session.tokens.id_token):
        assert token.reveal() not in text + caplog.text


# A provider that is asked whether the session has ended there


@pytest.fixture
def checked(make_app, make_provider, op):
    """A visitor of an application whose provider is asked at each look."""
    check = RevokedCheck(grant_type="check_token_revoked")
    app = with_pages(make_app({"providers": [replace(make_provider(), revoked_check=check)]}))
    visitor = Visitor(app, op)
    visitor.sign_in()
    return visitor


def test_session_that_ended_at_the_provider_ends_here(checked, op, told):
    """At the next look at a page the person is signed out here, too, and a signal says why."""
    assert checked.who() == "Somchai"
    op.verdict = True
    assert checked.who() == "nobody"
    assert told == [("revoked", "person-1")]
    op.verdict = False
    assert checked.get("/plain").status_code == 302
    assert checked.get("/plain", **FETCHED).status_code == 401
    assert told == [("revoked", "person-1")]


def test_pages_that_do_not_look_ask_nothing(checked, op):
    """One request asks once, however often it looks, and a public page never."""
    checked.who()
    op.asked.clear()
    assert checked.get("/").text == "home"
    assert op.documents() == []
    assert checked.get("/data").text.startswith("access-")
    assert op.documents() == ["revoked_check"]


def test_https_site(make_app, op, clock):
    """Behind an https base URL all is the same: the browser comes back to its page there."""
    visitor = Visitor(with_pages(make_app(SIGNON_BASE_URL=HTTPS)), op, at=HTTPS)
    visitor.sign_in()
    clock.shift(50 * MINUTE)
    op.dead = True
    location = visitor.get("/data").headers["Location"]
    assert query_of(location)["redirect_uri"] == f"{HTTPS}/auth/callback/oidc"
