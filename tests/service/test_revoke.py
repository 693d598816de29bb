import logging
from dataclasses import replace

import pytest
from tests.flask.double import ISSUER, KEY, Ops, json_response
from tests.service.test_finish_login import Journey
from tests.service.token_op import LIFE, TokenOp

from signon.core.errors import ProviderUnavailable
from signon.service.introspect import introspect
from signon.service.revoke import REVOKED, revoke_tokens


@pytest.fixture
def ops(monkeypatch, plant):
    """The usual provider, with refresh tokens and a place to revoke them."""
    plant(KEY)
    found = Ops({ISSUER: TokenOp(plant)})
    monkeypatch.setattr("signon.runtime.cache.transport_for", found.transport_for)
    return found


@pytest.fixture
def session(party, op):
    return Journey(party, op).finish().session


def revoked(op) -> list[tuple[str, str]]:
    return [(kind, token.partition("-")[0]) for kind, token in op.revoked]


def test_refresh_token_is_revoked(party, op, session):
    """The refresh token of a session that has ended is revoked at the provider, and takes the others along."""
    revoke_tokens(party, session)
    assert op.revoked == [("refresh_token", session.tokens.refresh_token.reveal())]


def test_both_in_their_order(make_party, make_provider, op):
    """Where one doesn't take the other along, the refresh token goes first and the access token follows."""
    party = make_party(replace(make_provider(), revocation_cascades=False))
    revoke_tokens(party, Journey(party, op).finish().session)
    assert revoked(op) == [("refresh_token", "refresh"), ("access_token", "access")]


@pytest.mark.parametrize("cascades", [True, False])
def test_revoked_token_is_asked_about_anew(make_party, make_provider, op, cascades):
    """What was said of an access token while it was good must not outlive its revocation here."""
    provider = replace(make_provider(), revocation_cascades=cascades)
    party = make_party(provider)
    session = Journey(party, op).finish().session
    token = session.tokens.access_token
    assert introspect(party, provider, token).active
    op.active = False
    assert introspect(party, provider, token).active, "remembered"
    revoke_tokens(party, session)
    assert not introspect(party, provider, token).active


def test_one_that_fails_does_not_keep_the_other(make_party, make_provider, op, caplog):
    """A refusal of the first costs a line in the log, without the token, and the second is tried all the same."""
    party = make_party(replace(make_provider(), revocation_cascades=False))
    session = Journey(party, op).finish().session
    answer, first = op._revocation, iter([json_response({"error": "unsupported_token_type"}, status=400)])
    op._revocation = lambda request: next(first, None) or answer(request)
    with caplog.at_level(logging.WARNING, logger="signon"):
        revoke_tokens(party, session)
    assert revoked(op) == [("access_token", "access")]
    assert caplog.text.count("the refresh_token was not revoked: revocation_refused") == 1
    assert session.tokens.refresh_token.reveal() not in caplog.text


@pytest.mark.parametrize("document", ["metadata", "revocation"])
def test_provider_that_is_away(party, op, session, document, caplog):
    """A provider that can't be reached is a line in the log: tokens run out by themselves."""
    party.runtime._caches.clear()
    op.failing[document] = ProviderUnavailable(f"{document}_timeout", "no answer")
    with caplog.at_level(logging.WARNING, logger="signon"):
        revoke_tokens(party, session)
    assert f"{document}_timeout" in caplog.text
    assert not op.revoked


def test_nothing_to_revoke(make_party, party, op, session, clock):
    """No request is made for a session without tokens, of a provider that is gone, or revoked before."""
    revoke_tokens(party, replace(session, tokens=None))
    revoke_tokens(party, replace(session, tokens_ended=REVOKED))
    revoke_tokens(make_party(sessions=party.sessions, providers={}), session)
    clock.now += LIFE
    revoke_tokens(party, replace(session, tokens=replace(session.tokens, refresh_token=None)))
    assert "revocation" not in op.documents()


def test_tokens_that_have_ended_are_revoked_as_far_as_they_go(party, op, session):
    """After a refused refresh the access token may still be alive, and is revoked."""
    ended = replace(session, tokens=replace(session.tokens, refresh_token=None), tokens_ended="invalid_grant")
    revoke_tokens(party, ended)
    assert revoked(op) == [("access_token", "access")]
