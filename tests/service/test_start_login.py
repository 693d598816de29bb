from dataclasses import replace

import pytest
from tests.flask.double import CLIENT_ID, HTTPS, ISSUER, json_response, query_of
from tests.service.conftest import CALLBACK, NOW

from signon.core.authorize import Wishes
from signon.core.errors import PersonError, ProviderRefused, ProviderUnavailable
from signon.core.provider import SignUp
from signon.service.start_login import start_login
from signon.sessions.memory import MemoryStore
from signon.sessions.sessions import Sessions
from signon.sessions.transactions import open_transaction


def started(party, **options):
    return start_login(party, party.providers["oidc"], redirect_uri=CALLBACK, **options)


def test_start_is_an_address_and_a_cookie(party, op):
    """A start must give the provider's address, and a cookie that remembers what was asked."""
    start = started(party, next_path="/me")
    asked = query_of(start.url)
    assert start.url.startswith(f"{ISSUER}/authorize?")
    assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT_ID, CALLBACK)
    transaction = open_transaction(party.sealer, start.cookie_value, now=NOW)
    assert (transaction.state, transaction.nonce) == (asked["state"], asked["nonce"])
    assert (transaction.provider, transaction.next, transaction.started_at) == ("oidc", "/me", NOW)
    assert party.sealer.read_stamp(asked["state"]) == NOW
    assert op.documents() == ["metadata"]


def test_values_are_fresh(party):
    """No two starts may share a state, nonce, challenge or cookie."""
    starts = [started(party) for _ in range(50)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({query_of(start.url)[name] for start in starts}) == 50
    assert len({start.cookie_name for start in starts}) == 50


def test_start_shows_nothing(party):
    """Neither the address nor the cookie's value may be in a start's repr."""
    start = started(party)
    assert query_of(start.url)["state"] not in repr(start)
    assert start.cookie_value not in repr(start)


def test_wishes_are_asked_and_remembered(party):
    """What one sign-in asks for must be in the request, and be judged by afterwards."""
    start = started(party, wishes=Wishes(prompt="login", max_age_seconds=0, acr_values=("aal2",)))
    asked = query_of(start.url)
    assert (asked["prompt"], asked["max_age"], asked["acr_values"]) == ("login", "0", "aal2")
    transaction = open_transaction(party.sealer, start.cookie_value, now=NOW)
    assert (transaction.fresh, transaction.max_age_seconds, transaction.acr_values) == (True, 0, ("aal2",))


def test_what_the_application_keeps_is_in_the_cookie_alone(party):
    """It must be remembered, and not be told to the provider."""
    start = started(party, wishes=Wishes(keep={"iceCream": "Vanilla"}))
    assert open_transaction(party.sealer, start.cookie_value, now=NOW).kept == {"iceCream": "Vanilla"}
    assert query_of(start.url).keys() == query_of(started(party).url).keys()
    assert "Vanilla" not in start.url


def test_too_much_to_keep_is_no_start(make_party, make_provider, op):
    """What does not fit into the cookie is an error before anybody is asked for anything."""
    pushing(op)
    party = make_party(make_provider(par="true"))
    text = "".join(party.sealer.stamp(now=now) for now in range(30))
    with pytest.raises(PersonError) as caught:
        started(party, next_path="/me", wishes=Wishes(keep={"iceCream": text}))
    assert (caught.value.code, caught.value.status) == ("kept_too_large", 400)
    assert op.documents() == ["metadata"]


@pytest.mark.parametrize("ahead", [60, -60])
def test_start_is_remembered_by_the_stores_clock_too(make_party, ahead):
    """Where the store has a clock the cookie knows how far that is ahead; our own time stays what it is."""

    class Apart(MemoryStore):
        def clock(self):
            return NOW + ahead

    plain = started(make_party())
    party = make_party()
    party = make_party(sessions=Sessions(Apart(), party.sealer, session_seconds=3600))
    start = started(party)
    transaction = open_transaction(party.sealer, start.cookie_value, now=NOW)
    assert transaction.started_at == NOW
    assert transaction.clock_offset_seconds == pytest.approx(ahead, abs=10)
    assert len(start.cookie_value) < len(plain.cookie_value) + 16
    assert open_transaction(party.sealer, plain.cookie_value, now=NOW).clock_offset_seconds == 0


def test_provider_that_is_away(party, op):
    """While the metadata can't be had, a start is `ProviderUnavailable`."""
    op.failing["metadata"] = ProviderUnavailable("metadata_timeout", "no answer")
    with pytest.raises(ProviderUnavailable) as caught:
        started(party)
    assert caught.value.code == "metadata_timeout"


def pushing(op):
    op.metadata["pushed_authorization_request_endpoint"] = f"{ISSUER}/par"
    op._par = lambda _request: json_response({"request_uri": "urn:x:1", "expires_in": 60}, status=201)


@pytest.mark.parametrize("why", ["setting", "metadata"])
def test_request_is_pushed(make_party, make_provider, op, why):
    """By the profile, or where the metadata demands it, everything is pushed and the browser carries a name."""
    pushing(op)
    op.metadata["require_pushed_authorization_requests"] = why == "metadata"
    party = make_party(make_provider(par="true" if why == "setting" else "false"))
    start = started(party)
    assert query_of(start.url) == {"client_id": CLIENT_ID, "request_uri": "urn:x:1"}
    assert op.documents() == ["metadata", "par"]
    assert b"code_challenge" in op.asked[1].body


def test_refused_push_is_no_plain_request(make_party, make_provider, op):
    """Nothing falls back to a plain request where the push is refused."""
    pushing(op)
    op.failing["par"] = json_response({"error": "invalid_request"}, status=400)
    with pytest.raises(ProviderRefused) as caught:
        started(make_party(make_provider(par="true")))
    assert caught.value.code == "par_refused"


def test_sign_up(make_party, make_provider, op):
    """A sign-up goes to the authorization endpoint with its parameters, or to the provider's page for it."""
    here = replace(make_provider(), sign_up=SignUp(parameters={"screen_hint": "signup"}))
    start = started(make_party(here), wishes=Wishes(sign_up=True))
    assert start.url.startswith(f"{ISSUER}/authorize?")
    assert query_of(start.url)["screen_hint"] == "signup"
    there = replace(make_provider(), sign_up=SignUp(at_registration_endpoint=True))
    op.metadata["registration_endpoint"] = f"{ISSUER}/register"
    start = started(make_party(there), wishes=Wishes(sign_up=True))
    assert start.url.startswith(f"{ISSUER}/register?")
    assert query_of(start.url)["redirect_uri"] == CALLBACK


@pytest.mark.parametrize("sign_up", [None, SignUp(at_registration_endpoint=True)])
def test_sign_up_that_nobody_has(make_party, make_provider, sign_up):
    """A provider without a sign-up, or whose metadata names no page for it, is `sign_up_unavailable`."""
    party = make_party(replace(make_provider(), sign_up=sign_up))
    with pytest.raises(PersonError) as caught:
        started(party, wishes=Wishes(sign_up=True))
    assert caught.value.code == "sign_up_unavailable"
    assert HTTPS in CALLBACK
