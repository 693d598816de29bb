"""What each vendor's tokens do, at a practice provider that plays it: refreshed, refused for good, revoked."""

import time
from dataclasses import replace

import pytest
from tests.vendors.vendor_stage import ORIGIN, code_of

from signon.flask import current_login
from signon.runtime.transport import Transport
from signon.service.revoke import revoke_tokens
from signon.service.revoked import AGAIN_SECONDS

OFFLINE = {"scope": "openid profile email offline_access"}
REFRESHING = {"auth0": OFFLINE, "pingone": OFFLINE, "thaid": {}}
JSON = {"Accept": "application/json"}


@pytest.fixture
def with_tokens(at_vendor):
    """Make a stage whose application has a page that shows the access token of whoever has signed in."""

    def make(name, **keywords):
        stage = at_vendor(name, **keywords)
        stage.app.add_url_rule("/token", "token", lambda: current_login.access_token())  # noqa: PLW0108 - looked up in each request
        return stage

    return make


def signed_in(stage):
    visitor = stage.visitor()
    assert stage.sign_in(visitor=visitor).status_code == 200
    return visitor


def token(visitor):
    return visitor.get(f"{ORIGIN}/token", **JSON)


def kept(stage, *kinds):
    """The tokens of these kinds that the provider has handed out, the oldest first."""
    return [found for _, found in stage.idp.state.tokens.entries() if found.kind in kinds]


@pytest.mark.parametrize("name", REFRESHING)
def test_token_is_refreshed(with_tokens, name):
    """A token that is over must be refreshed by one request, and the new refresh token be used the next time."""
    stage = with_tokens(name, **REFRESHING[name])
    stage.idp.access_token_seconds = 0
    visitor = signed_in(stage)
    seen = {token(visitor).text for _ in range(3)}
    assert len(seen) == 3
    assert sum(stage.idp.refreshes.values()) == 3
    session = stage.session(visitor)
    assert session.tokens.access_token.reveal() in seen
    assert session.tokens_ended is None


@pytest.mark.parametrize(
    ("name", "code"),
    [("auth0", "invalid_grant"), ("pingone", "invalid_grant"), ("thaid", "invalid_refresh_token")],
)
def test_ending_code_of_the_vendor(with_tokens, name, code):
    """After the vendor's own final no the tokens have ended by its code, and the person signs in again."""
    stage = with_tokens(name, **REFRESHING[name])
    stage.idp.access_token_seconds = 0
    visitor = signed_in(stage)
    for found in kept(stage, "refresh_token"):
        found.grant.ended = True
    refused = token(visitor)
    assert (refused.status_code, code_of(refused)) == (401, "tokens_ended")
    session = stage.session(visitor)
    assert (session.tokens_ended, session.tokens.refresh_token) == (code, None)
    assert stage.idp.calls["token"] == 2
    token(visitor)
    assert stage.idp.calls["token"] == 2


@pytest.mark.parametrize("name", ["sgid", "authmachine"])
def test_vendor_without_refresh_tokens(with_tokens, name):
    """Where no refresh token comes the token is used while it lasts, however long that is."""
    stage = with_tokens(name)
    visitor = signed_in(stage)
    assert stage.session(visitor).tokens.refresh_token is None
    assert token(visitor).text == stage.session(visitor).tokens.access_token.reveal()


REVOKED = {
    "auth0": (OFFLINE, {"refresh_token"}),
    "pingone": (OFFLINE, {"refresh_token", "access_token"}),
    "thaid": ({}, {"refresh_token", "access_token"}),
    "authmachine": ({}, set()),
    "sgid": ({}, set()),
}


@pytest.mark.parametrize("name", REVOKED)
def test_what_is_revoked_after_a_session(with_tokens, name):
    """After a session what the vendor revokes must be dead there, and the others not asked for in vain."""
    keywords, dead = REVOKED[name]
    stage = with_tokens(name, **keywords)
    session = stage.session(signed_in(stage))
    party = stage.app.extensions["signon"].party
    asked = stage.requests_of(lambda: revoke_tokens(party, session))
    assert asked.keys() <= {"revocation"}
    tokens = kept(stage, "refresh_token", "access_token")
    assert {found.kind for found in tokens if found.revoked or found.grant.ended} == dead
    assert asked["revocation"] == {"thaid": 2, "auth0": 1, "pingone": 1}.get(name, 0)


# AuthMachine's question


def end_elsewhere(stage):
    """The person signs out in another application, which revokes all tokens."""
    for found in kept(stage, "access_token"):
        found.grant.ended = True


def test_sign_out_elsewhere_is_noticed_at_the_next_page(with_tokens):
    """As in the vendor's own applications the next page after a sign-out elsewhere knows nobody."""
    stage = with_tokens("authmachine")
    visitor = signed_in(stage)
    assert visitor.get(f"{ORIGIN}/me", **JSON).status_code == 200
    end_elsewhere(stage)
    assert visitor.get(f"{ORIGIN}/me", **JSON).status_code == 401
    assert stage.rows()["records"] == 0


@pytest.mark.parametrize(("often", "calls"), [("off", 0), ("3600", 0), ("each", 3)])
def test_how_often_it_is_asked(with_tokens, often, calls):
    """The setting decides how many of three pages after the first ask, and public pages never do."""
    stage = with_tokens("authmachine", revoked_check=often)
    visitor = signed_in(stage)

    def look():
        for _ in range(3):
            assert visitor.get(f"{ORIGIN}/me", **JSON).status_code == 200
            visitor.get(f"{ORIGIN}/")

    assert stage.requests_of(look)["token"] == calls


@pytest.mark.parametrize(("unknown", "status"), [("keep", 200), ("end", 401)])
def test_provider_without_a_verdict(with_tokens, unknown, status):
    """Where AuthMachine doesn't answer the question the setting keeps or ends the session."""
    stage = with_tokens("authmachine", revoked_unknown=unknown)
    visitor = signed_in(stage)
    stage.idp.dialect = replace(stage.idp.dialect, own_grants={})
    assert visitor.get(f"{ORIGIN}/me", **JSON).status_code == status
    assert (stage.rows()["records"] == 0) is (unknown == "end")


def test_slow_provider_holds_a_page_for_three_seconds_at_most(with_tokens, monkeypatch):
    """The question has a short deadline of its own, and a page after it doesn't wait again."""
    stage = with_tokens("authmachine")
    visitor = signed_in(stage)
    seen, send = [], Transport.send

    def watched(self, request):
        seen.append((request.document, request.total_seconds))
        return send(self, request)

    monkeypatch.setattr(Transport, "send", watched)
    monkeypatch.setattr("signon.core.revocation.CHECK_SECONDS", 0.2)
    grant = stage.idp.dialect.own_grants["check_token_revoked"]

    def slow(*args):
        stage.idp.stopped.wait(1.0)
        return grant(*args)

    stage.idp.dialect = replace(stage.idp.dialect, own_grants={"check_token_revoked": slow})
    started = time.monotonic()
    assert visitor.get(f"{ORIGIN}/me", **JSON).status_code == 200
    assert time.monotonic() - started < 0.9
    assert visitor.get(f"{ORIGIN}/me", **JSON).status_code == 200
    assert seen == [("revoked_check", 0.2)]
    assert AGAIN_SECONDS > 1
