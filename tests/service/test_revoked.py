import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.flask.double import CLIENT_ID, CLIENT_SECRET, ISSUER, KEY, Ops, json_response
from tests.service.conftest import NOW
from tests.service.test_finish_login import Journey
from tests.service.token_op import LIFE, TokenOp

from signon.core.errors import ProviderUnavailable, StoreUnavailable
from signon.core.provider import RevokedCheck
from signon.service import revoked
from signon.service.revoked import AGAIN_SECONDS, NEW_SECONDS, was_revoked

EACH = RevokedCheck(grant_type="check_token_revoked")
MINUTE = replace(EACH, every_seconds=60.0)


@pytest.fixture
def ops(monkeypatch, plant):
    """The usual provider, which can be asked whether a token was revoked."""
    plant(KEY)
    found = Ops({ISSUER: TokenOp(plant)})
    monkeypatch.setattr("signon.runtime.cache.transport_for", found.transport_for)
    return found


class Looking:
    """Somebody who looks at a page of theirs again and again."""

    def __init__(self, party, op):
        self.party, self.op = party, op
        self.id = Journey(party, op).finish().session_id

    def session(self):
        return self.party.sessions.load(self.id, now=self.party.clock())

    def look(self, party=None):
        return was_revoked(party or self.party, self.id, self.session())

    @property
    def asked(self):
        return self.op.documents().count("revoked_check")


@pytest.fixture
def looking(make_party, make_provider, op, clock):
    """Make one whose provider has this check, some seconds after their sign-in."""

    def make(check=EACH):
        person = Looking(make_party(replace(make_provider(), revoked_check=check)), op)
        clock.now += NEW_SECONDS
        return person

    return make


def test_without_a_check_nothing_is_asked(looking, op):
    """A provider without that question costs nothing, nor does a session without tokens."""
    person = looking(None)
    assert person.look() is False
    person = looking()
    assert was_revoked(person.party, person.id, replace(person.session(), tokens=None)) is False
    assert was_revoked(replace(person.party, providers={}), person.id, person.session()) is False
    assert person.asked == 0


def test_tokens_that_the_application_revoked_are_not_asked_about(looking, op):
    """An application that has the tokens revoked itself keeps the person signed in."""
    person = looking()
    op.verdict = True
    assert was_revoked(person.party, person.id, replace(person.session(), tokens_ended="revoked")) is False
    assert person.asked == 0


def test_each_look_asks(looking, op):
    """At each look the provider is asked about the access token, and the session stays while it says no."""
    person = looking()
    for times in (1, 2, 3):
        assert person.look() is False
        assert person.asked == times
    request = op.asked[-1]
    token = person.session().tokens.access_token.reveal()
    assert f"access_token={token}".encode() in request.body
    assert (CLIENT_ID.encode() in request.body, CLIENT_SECRET.encode() in request.body) == (True, True)
    assert request.total_seconds == 3


@pytest.mark.parametrize(("check", "seconds"), [(EACH, 0), (MINUTE, 60)])
def test_page_that_a_sign_in_leads_to_asks_nothing(looking, clock, check, seconds):
    """The first look just after the sign-in needs no question: its token is new. The next one does ask."""
    person = looking(check)
    clock.now -= 0.1
    assert person.look() is False
    assert person.asked == 0
    clock.now += seconds
    assert person.look() is False
    assert person.asked == 1


def test_revoked_session_ends(looking, op):
    """By the provider's word the session is over, here and for every other worker."""
    person = looking()
    op.verdict = True
    assert person.look() is True
    assert person.session() is None


@pytest.mark.parametrize("unknown", ["keep", "end"])
@pytest.mark.parametrize(
    "failure",
    [
        ProviderUnavailable("revoked_check_timeout", "no answer"),
        json_response({}, status=500),
        json_response({"error": "invalid_request"}, status=400),
        json_response({"revoked": "yes"}),
    ],
)
def test_without_a_verdict_the_setting_decides(looking, op, unknown, failure, caplog):
    """Where the provider gives no verdict the session is kept or ended as is set, with a line in the log."""
    person = looking(replace(EACH, unknown=unknown))
    op.failing["revoked_check"] = failure
    with caplog.at_level(logging.WARNING, logger="signon"):
        assert person.look() is (unknown == "end")
    assert (person.session() is None) is (unknown == "end")
    assert caplog.text.count("whether a session was revoked is not known") == 1


def test_provider_without_a_verdict_is_left_alone(looking, op, clock):
    """A page must not wait for a dead provider each time: it is asked again after ten seconds."""
    person = looking()
    op.failing["revoked_check"] = ProviderUnavailable("revoked_check_timeout", "no answer")
    for _ in range(3):
        assert person.look() is False
    assert person.asked == 1
    clock.now += AGAIN_SECONDS - 0.1
    person.look()
    assert person.asked == 1
    clock.now += 0.1
    person.look()
    assert person.asked == 2


def test_token_that_is_over_is_asked_about(looking, op, clock):
    """A session outlives its token: what the provider says of it counts after that, too."""
    person = looking()
    clock.now = NOW + LIFE
    assert person.look() is False
    op.verdict = True
    assert person.look() is True
    assert (person.session(), person.asked) == (None, 2)


@pytest.mark.parametrize("unknown", ["keep", "end"])
def test_token_that_is_over_and_gets_no_verdict(looking, op, clock, unknown):
    """A provider that says something else of a token that is over has given no verdict: the setting decides."""
    person = looking(replace(EACH, unknown=unknown))
    op.failing["revoked_check"] = json_response({"error": "invalid_token"}, status=400)
    clock.now = NOW + LIFE
    assert person.look() is (unknown == "end")
    assert (person.session() is None) is (unknown == "end")


def test_every_minute_for_all_workers(looking, op, clock, make_party):
    """With a number of seconds one of all workers asks in that time, and the store isn't written by each look."""
    person = looking(MINUTE)
    other = replace(person.party)
    for party in (person.party, other, person.party):
        assert person.look(party) is False
    assert person.asked == 1
    clock.now += 59.9
    person.look(other)
    assert person.asked == 1
    clock.now += 0.1
    person.look(other)
    assert person.asked == 2


def test_other_process_looks_at_the_store(looking, clock, monkeypatch):
    """A process that doesn't know when another has asked learns it from the store, a few times within the time."""
    person = looking(MINUTE)
    person.look()
    monkeypatch.setattr(revoked, "_TIMES", revoked._Times())
    claims, seen = person.party.sessions.claims, []
    first = claims.first
    monkeypatch.setattr(claims, "first", lambda *a, **o: seen.append(a) or first(*a, **o))
    for _ in range(3):
        assert person.look() is False
    assert len(seen) == 1
    clock.now += 10
    person.look()
    assert (len(seen), person.asked) == (2, 1)
    clock.now += 50
    person.look()
    assert person.asked == 2


def test_short_time_is_no_shorter_than_an_answer(looking, clock):
    """Where the time is shorter than an answer may take, two workers must not ask at once all the same."""
    person = looking(replace(EACH, every_seconds=1.0))
    person.look()
    clock.now += 3.9
    person.look()
    assert person.asked == 1
    clock.now += 0.1
    person.look()
    assert person.asked == 2


@pytest.mark.parametrize("check", [EACH, MINUTE])
def test_one_call_at_a_time(looking, op, check):
    """While one asks, others take the session as it is: nobody waits, and nobody asks a second time."""
    person = looking(check)
    session = person.session()
    answering, let = threading.Event(), threading.Event()

    def slow(_request):
        answering.set()
        let.wait(5)
        return json_response({"revoked": False})

    op._revoked_check = slow
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(was_revoked, person.party, person.id, session)
        assert answering.wait(5)
        others = [was_revoked(person.party, person.id, session) for _ in range(7)]
        let.set()
        assert [asking.result(5), *others] == [False] * 8
    assert person.asked == 1


def test_memory_is_bounded(looking, monkeypatch):
    """Of the sessions whose next time is known in a process the latest are kept."""
    monkeypatch.setattr(revoked, "KEPT", 2)
    monkeypatch.setattr(revoked, "_TIMES", revoked._Times())
    for _ in range(4):
        looking(MINUTE).look()
    assert len(revoked._TIMES._next) == 2
    assert not revoked._TIMES._asking


def test_store_that_fails_is_said(looking, op, monkeypatch):
    """Where the session can't be ended it must not pass for ended, nor for alive."""
    person = looking()
    op.verdict = True

    def fail(*_args, **_options):
        raise StoreUnavailable("store_unavailable", "away")

    monkeypatch.setattr(person.party.sessions, "end", fail)
    with pytest.raises(StoreUnavailable):
        person.look()
