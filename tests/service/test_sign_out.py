from dataclasses import replace

import pytest
from tests.flask.double import CLIENT_ID, ISSUER, query_of
from tests.service.conftest import NOW
from tests.service.test_finish_login import Journey

from signon.core.errors import ProviderUnavailable, StoreUnavailable
from signon.service.sign_out import can_leave, sign_out

LANDING = "https://app.example.org/auth/logout/callback/"


def leave(party, session_id, **options):
    return sign_out(party, session_id, landing=lambda provider: LANDING + provider.name, **options)


@pytest.fixture
def session_id(party, op):
    return Journey(party, op).finish().session_id


def test_session_ends_here_then_there(party, session_id):
    """The session must be gone, and the provider's address have hint, client, landing page and a state."""
    ended = leave(party, session_id)
    assert party.sessions.load(session_id, now=NOW) is None
    assert ended.session.login.person.name == "Somchai"
    asked = query_of(ended.url)
    assert ended.url.startswith(f"{ISSUER}/logout?")
    assert asked["id_token_hint"] == ended.session.tokens.id_token.reveal()
    assert (asked["client_id"], asked["post_logout_redirect_uri"]) == (CLIENT_ID, f"{LANDING}oidc")
    assert len(asked["state"]) == 43
    assert asked["id_token_hint"] not in repr(ended)


def test_state_is_fresh(party, op):
    """No two sign-outs may share a state."""
    states = {query_of(leave(party, Journey(party, op).finish().session_id).url)["state"] for _ in range(5)}
    assert len(states) == 5


@pytest.mark.parametrize("session_id", [None, "", "x", "A" * 43])
def test_nobody_signs_out(party, session_id):
    """Without a session nothing happens, and there is nowhere to go."""
    ended = leave(party, session_id)
    assert (ended.session, ended.url) == (None, None)


def test_refused_person_signs_out_at_the_provider(party):
    """Somebody without a session here can leave the provider that is named, and no other."""
    ended = leave(party, None, provider_name="oidc")
    assert ended.session is None
    assert "id_token_hint" not in query_of(ended.url)
    assert leave(party, None, provider_name="nobody").url is None


def test_session_says_which_provider(make_party, make_provider, op):
    """With a session its own provider is left, whatever is named."""
    party = make_party(make_provider(), make_provider("other", "https://other.example"))
    ended = leave(party, Journey(party, op).finish().session_id, provider_name="other")
    assert ended.url.startswith(f"{ISSUER}/logout?")


def test_provider_that_is_no_longer_there(party, session_id, make_party):
    """A session of a provider that was taken out must end all the same."""
    later = make_party(sessions=party.sessions, providers={})
    ended = leave(later, session_id)
    assert (ended.session.login.person.name, ended.url) == ("Somchai", None)


def test_provider_without_a_sign_out(make_party, op):
    """Without an endpoint only the session here ends."""
    op.metadata["end_session_endpoint"] = None
    party = make_party()
    session_id = Journey(party, op).finish().session_id
    assert leave(party, session_id).url is None
    assert party.sessions.load(session_id, now=NOW) is None


def test_provider_that_is_away(party, session_id, op):
    """A provider that can't be asked costs nobody the sign-out here."""
    party.runtime._caches.clear()
    op.failing["metadata"] = ProviderUnavailable("metadata_timeout", "no answer")
    assert leave(party, session_id).url is None
    assert party.sessions.load(session_id, now=NOW) is None


def test_page_of_the_applications_own_gets_no_state(make_party, make_provider, op):
    """A landing page that isn't ours reads no state, so none is sent."""
    party = make_party(replace(make_provider(), post_logout_path="/bye"))
    assert "state" not in query_of(leave(party, Journey(party, op).finish().session_id).url)


def test_session_without_tokens(party, op):
    """A session that has no token set must still lead to the provider."""
    session = Journey(party, op).finish().session
    session_id = party.sessions.start(replace(session, tokens=None), now=NOW)
    assert "id_token_hint" not in query_of(leave(party, session_id).url)


def test_store_that_fails(party, session_id, monkeypatch):
    """Where the session may still live, that must be said and nothing else done."""

    def fail(*_args, **_options):
        raise StoreUnavailable("store_unavailable", "away")

    monkeypatch.setattr(party.sessions, "end", fail)
    with pytest.raises(StoreUnavailable):
        leave(party, session_id)


@pytest.mark.parametrize("configured", ["everywhere", "here"])
@pytest.mark.parametrize("chosen", ["everywhere", "here", None])
def test_how_far_it_goes(make_party, make_provider, op, configured, chosen):
    """The person's choice decides, else the setting; the session here ends in any case, and is returned."""
    party = make_party(replace(make_provider(), sign_out_scope=configured))
    session_id = Journey(party, op).finish().session_id
    ended = leave(party, session_id, scope=chosen)
    assert (ended.url is None) is ((chosen or configured) == "here")
    assert ended.session.login.person.name == "Somchai"
    assert party.sessions.load(session_id, now=NOW) is None


@pytest.mark.parametrize("chosen", ["everywhere", None])
def test_who_has_no_session_here_leaves_the_provider(make_party, make_provider, chosen):
    """With nothing to end here the provider's session is all that can be meant."""
    party = make_party(replace(make_provider(), sign_out_scope="here"))
    assert leave(party, None, provider_name="oidc", scope=chosen).url.startswith(f"{ISSUER}/logout?")


@pytest.mark.parametrize("chosen", ["everywhere", "here"])
def test_second_press_goes_as_far_as_the_first(party, session_id, chosen):
    """Whose session the first press of a button has ended must get where that led: to the provider, or not."""
    first, second = (leave(party, session_id, provider_name="oidc", scope=chosen) for _ in range(2))
    assert (first.session is None, second.session) == (False, None)
    assert (first.url is None, second.url is None) == (chosen == "here", chosen == "here")


def test_who_can_be_left(party, op):
    """A provider can be left where it has a place for that, and while it can be asked."""
    provider = party.providers["oidc"]
    assert can_leave(party, provider)
    assert not can_leave(party, replace(provider, sign_out=()))
    party.runtime._caches.clear()
    op.failing["metadata"] = ProviderUnavailable("metadata_timeout", "no answer")
    assert not can_leave(party, provider)
