import hashlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from signon.core.errors import PersonError, StoreUnavailable
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon.sessions.memory import MemoryStore
from signon.sessions.sealer import Sealer
from signon.sessions.sessions import (
    CLAIM_SECONDS,
    EPOCH_SECONDS,
    KEPT_SECONDS,
    MARK_SECONDS,
    SWEEP_LIMIT,
    SWEEP_SECONDS,
    TOUCH_SECONDS,
    Ended,
    Sessions,
)
from signon.sessions.sqlite import SqliteStore
from signon.sessions.transactions import TRANSACTION_SECONDS

LIFE = 28_800
NOTHING = Ended(sessions=())
OPERATIONS = [name for name in vars(MemoryStore) if not name.startswith("_") and name != "close"]
MALFORMED = [
    "",
    "a",
    "a" * 42,
    "a" * 44,
    "a" * 42 + "=",
    "a" * 42 + "\n",
    "a" * 43 + "\n",
    "a" * 42 + "é",
    "../" * 15,
]


def ignore(_name):
    """Nothing happens ahead of an operation."""


class Watched(MemoryStore):
    """Calls `before(name)` ahead of each operation."""

    before = staticmethod(ignore)

    def __getattribute__(self, name):
        if name in OPERATIONS:
            Watched.before(name)
        return super().__getattribute__(name)


@pytest.fixture
def watched(monkeypatch):
    """A store, and a function that sets what happens ahead of each of its operations."""

    def watch(before):
        monkeypatch.setattr(Watched, "before", staticmethod(before))

    return Watched(), watch


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    store = (
        MemoryStore()
        if request.param == "memory"
        else SqliteStore(str(tmp_path / "sessions.db"), timeout_seconds=20)
    )
    yield store
    store.close()


@pytest.fixture
def sessions(store, sealer):
    return Sessions(store, sealer, session_seconds=LIFE)


def key_of(session_id):
    return hashlib.sha256(session_id.encode()).digest()


def listed(sessions, session, now):
    """All members of the session's indexes."""
    person = session.login.person
    keys = sessions.sealer.index_keys("subject", person.issuer, person.subject)
    keys += sessions.sealer.index_keys("sid", person.issuer, session.login.sid or "")
    return [member for key in keys for member in sessions.store.index_list(key, now=now)]


def ender(sessions, session, by):
    """A function that ends the session by its provider's session or its person, at a time."""
    person = session.login.person
    if by == "sid":
        return lambda now: sessions.end_sid(person.issuer, session.login.sid, now=now)
    return lambda now: sessions.end_subject(person.issuer, person.subject, now=now)


def test_a_started_session_loads(sessions, session, now):
    """A session is loaded under its new id as it was started, in the first version of its record."""
    session_id = sessions.start(session, now=now)
    loaded = sessions.load(session_id, now=now)
    assert loaded == session
    assert loaded.version == 1


def test_ids_are_random(sessions, session, now):
    """Each start gives an id of 43 characters that was never given before."""
    ids = {sessions.start(session, now=now) for _ in range(20)}
    assert len(ids) == 20
    assert {len(session_id) for session_id in ids} == {43}


def test_the_store_knows_an_id_by_its_digest(sessions, session, now):
    """The record lies under the SHA-256 of the id; the id itself, or the digest as an id, leads nowhere."""
    session_id = sessions.start(session, now=now)
    assert sessions.store.load(key_of(session_id), now=now) is not None
    assert sessions.store.load(session_id.encode(), now=now) is None
    assert sessions.load(key_of(session_id).hex()[:43], now=now) is None


@pytest.mark.parametrize("session_id", MALFORMED)
def test_a_malformed_id_costs_no_store_access(watched, sealer, session, now, session_id):
    """What can't be an id of ours is no session, and the store isn't asked."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    watch(pytest.fail)
    assert sessions.load(session_id, now=now) is None
    assert sessions.why_over(session_id, now=now) is None
    assert sessions.end(session_id, now=now) is None
    assert sessions.end_listed("i", "s", session_id, now=now) is None
    assert sessions.replace(session_id, session, now=now) is False


def test_an_unknown_id_is_no_session(sessions, session, now):
    """An id that was never given has no session to load, end or replace."""
    assert sessions.load("a" * 43, now=now) is None
    assert sessions.end("a" * 43, now=now) is None
    assert sessions.replace("a" * 43, replace(session, version=1), now=now) is False


def test_a_session_ends_at_its_expiry(sessions, session, now):
    """A session is there just before `expires_at`, and not at it."""
    session_id = sessions.start(replace(session, expires_at=now + 100), now=now)
    assert sessions.load(session_id, now=now + 99.9) is not None
    assert sessions.load(session_id, now=now + 100) is None


def test_the_expiry_inside_the_seal_decides(sessions, session, now):
    """A store that keeps a record longer, or is made to, makes no session longer."""
    session_id = sessions.start(replace(session, expires_at=now + 100), now=now)
    sessions.store.touch(key_of(session_id), now=now, expires_at=now + 1000)
    assert sessions.load(session_id, now=now + 99.9) is not None
    assert sessions.load(session_id, now=now + 100) is None


def test_a_shorter_life_holds_for_those_that_live(store, sealer, session, now):
    """When the longest life is set shorter, sessions that were made before end earlier too."""
    session_id = Sessions(store, sealer, session_seconds=LIFE).start(session, now=now)
    shorter = Sessions(store, sealer, session_seconds=600)
    assert shorter.load(session_id, now=now + 599) is not None
    assert shorter.load(session_id, now=now + 600) is None


def test_a_record_of_another_seal_is_no_session(sessions, session, new_key, now):
    """Records of a stranger's key, moved from another id, cut, or sealed for something else are no sessions."""
    session_id, victim = (sessions.start(session, now=now) for _ in range(2))
    key = key_of(session_id)
    value = sessions.store.load(key, now=now).value
    body = sessions.sealer.open(value, purpose="session", record_id=key)
    strange = [
        sessions.store.load(key_of(victim), now=now).value,
        Sealer([new_key]).seal(body, purpose="session", record_id=key),
        sessions.sealer.seal(body, purpose="transaction", record_id=key),
        sessions.sealer.seal(b"{}", purpose="session", record_id=key),
        sessions.sealer.seal_salted(body, purpose="session"),
        value[:-1],
        body,
        b"",
    ]
    for version, wrong in enumerate(strange, start=1):
        assert sessions.store.update(key, wrong, version=version, now=now, expires_at=now + 100)
        assert sessions.load(session_id, now=now) is None
    assert sessions.end(session_id, now=now) is None
    assert sessions.store.load(key, now=now) is None


def test_a_change_of_keys_keeps_sessions(store, sealer, rotated, new_key, session, now):
    """With a new key in front, older sessions load, and are sealed anew when they are written."""
    session_id = Sessions(store, sealer, session_seconds=LIFE).start(session, now=now)
    after = Sessions(store, rotated, session_seconds=LIFE)
    loaded = after.load(session_id, now=now)
    assert loaded == session
    alone = Sessions(store, Sealer([new_key]), session_seconds=LIFE)
    assert alone.load(session_id, now=now) is None
    assert after.replace(session_id, loaded, now=now)
    assert alone.load(session_id, now=now) == session


def test_a_sign_out_reaches_across_a_change_of_keys(store, sealer, rotated, session, now):
    """Sessions indexed under the older key are ended, and marks made under it stop a sign-in."""
    before = Sessions(store, sealer, session_seconds=LIFE)
    after = Sessions(store, rotated, session_seconds=LIFE)
    person = session.login.person
    session_id = before.start(session, now=now)
    assert after.end_subject(person.issuer, person.subject, now=now).sessions == (session,)
    assert after.load(session_id, now=now) is None
    before.end_sid(person.issuer, session.login.sid, now=now + 5)
    with pytest.raises(PersonError, match="session_ended_meanwhile"):
        after.start(replace(session, started_at=now + 4), now=now + 6)


@pytest.mark.parametrize("by", ["sid", "subject"])
def test_what_is_sealed_anew_is_found_under_the_new_key(store, sealer, rotated, new_key, session, now, by):
    """A session that outlives its first key by a write is still ended and listed when that key is gone, once."""
    before, after, alone = (
        Sessions(store, one, session_seconds=LIFE) for one in (sealer, rotated, Sealer([new_key]))
    )
    session_id = before.start(session, now=now)
    person = session.login.person
    assert after.replace(session_id, after.load(session_id, now=now), now=now)
    for one in (after, alone):
        (found,) = one.listed(person.issuer, person.subject, now=now)
        assert found.handle == one.handle(session_id)
    assert ender(alone, session, by)(now).sessions == (session,)
    assert after.load(session_id, now=now) is None


@pytest.mark.parametrize("by", ["sid", "subject"])
def test_the_new_key_alone_reaches_what_was_done_since(store, rotated, new_key, session, now, by):
    """What is indexed, marked and claimed after a change of keys needs the older key no more."""
    both = Sessions(store, rotated, session_seconds=LIFE)
    alone = Sessions(store, Sealer([new_key]), session_seconds=LIFE)
    session_id = both.start(session, now=now)
    assert ender(alone, session, by)(now).sessions == (session,)
    assert both.load(session_id, now=now) is None
    ender(both, session, by)(now + 5)
    with pytest.raises(PersonError, match="session_ended_meanwhile"):
        alone.start(replace(session, started_at=now + 4), now=now + 6)
    both.claim_state("state", now=now)
    assert alone.state_was_claimed("state", now=now)


def test_a_replaced_session_loads(sessions, session, now):
    """A session made from a loaded one is written back, with the tokens it has now."""
    session_id = sessions.start(session, now=now)
    loaded = sessions.load(session_id, now=now)
    rotated = TokenSet(access_token=Secret("second"), scope=("openid",))
    assert sessions.replace(session_id, replace(loaded, tokens=rotated), now=now)
    again = sessions.load(session_id, now=now)
    assert again.tokens == rotated
    assert again.version == 2


def test_a_late_writer_is_told(sessions, session, now):
    """Of two who loaded the same session the second to write is refused, and can load again and merge."""
    session_id = sessions.start(session, now=now)
    first, second = (sessions.load(session_id, now=now) for _ in range(2))
    assert sessions.replace(session_id, replace(first, roles=("first",)), now=now)
    assert not sessions.replace(session_id, replace(second, roles=("second",)), now=now)
    again = sessions.load(session_id, now=now)
    assert again.roles == ("first",)
    assert sessions.replace(session_id, replace(again, roles=("first", "second")), now=now)


def test_a_session_that_was_not_loaded_replaces_nothing(sessions, session, now):
    """Who didn't load a session can't know what it would overwrite."""
    session_id = sessions.start(session, now=now)
    assert not sessions.replace(session_id, session, now=now)


def test_a_late_write_brings_nothing_back(sessions, session, now):
    """A refresh that finishes after the sign-out writes nothing."""
    session_id = sessions.start(session, now=now)
    loaded = sessions.load(session_id, now=now)
    sessions.end(session_id, now=now)
    assert not sessions.replace(session_id, loaded, now=now)
    assert sessions.load(session_id, now=now) is None


def test_an_ended_session_is_returned_once(sessions, session, now):
    """Signing out returns what the session was, once; then it is gone, from its indexes too."""
    session_id, other = (sessions.start(session, now=now) for _ in range(2))
    assert sessions.end(session_id, now=now) == session
    assert sessions.end(session_id, now=now) is None
    assert sessions.load(session_id, now=now) is None
    assert sessions.load(other, now=now) == session
    assert listed(sessions, session, now) == [key_of(other)] * 2


def test_a_sid_ends_its_sessions_only(sessions, session, other_person, now):
    """The provider's session id ends the sessions made in it at this issuer, and no other."""
    mine = [sessions.start(session, now=now) for _ in range(2)]
    others = [
        sessions.start(other_person, now=now),
        sessions.start(replace(session, login=replace(session.login, sid=None)), now=now),
        sessions.start(
            replace(
                session,
                login=replace(session.login, person=replace(session.login.person, issuer="https://other")),
            ),
            now=now,
        ),
    ]
    issuer, sid = session.login.person.issuer, session.login.sid
    assert sessions.end_sid(issuer, sid, now=now) == Ended(sessions=(session, session))
    assert sessions.end_sid(issuer, sid, now=now) == NOTHING
    assert [sessions.load(one, now=now) for one in mine] == [None, None]
    assert all(sessions.load(one, now=now) for one in others)


def test_a_subject_ends_all_their_sessions(sessions, session, other_person, now):
    """All sessions of a person end, in whichever session of the provider or none; no one else's do."""
    mine = [
        sessions.start(replace(session, login=replace(session.login, sid=sid)), now=now)
        for sid in ("one", "two", None)
    ]
    other = sessions.start(other_person, now=now)
    person = session.login.person
    assert sessions.end_subject("https://elsewhere", person.subject, now=now) == NOTHING
    ended = sessions.end_subject(person.issuer, person.subject, now=now)
    assert {one.login.sid for one in ended.sessions} == {"one", "two", None}
    assert (len(ended.sessions), ended.others) == (3, 0)
    assert [sessions.load(one, now=now) for one in mine] == [None] * 3
    assert sessions.load(other, now=now) == other_person
    keys = sessions.sealer.index_keys("subject", person.issuer, person.subject)
    assert sessions.store.index_list(keys[0], now=now) == ()


@pytest.mark.parametrize("by", ["sid", "subject"])
def test_what_was_ended_is_told_though_its_index_stays(watched, sealer, session, now, by):
    """Sessions that are gone are said to be ended: a store that then fails at the index hides none of them."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    ids = [sessions.start(session, now=now) for _ in range(2)]

    def fail(name):
        if name == "index_remove":
            raise StoreUnavailable("store_unavailable", name)

    watch(fail)
    assert ender(sessions, session, by)(now).sessions == (session, session)
    assert [sessions.load(session_id, now=now) for session_id in ids] == [None, None]
    assert ender(sessions, session, by)(now) == NOTHING


def test_a_sid_is_no_subject(sessions, session, now):
    """A session id that reads like somebody's subject ends nothing of theirs."""
    session_id = sessions.start(session, now=now)
    person = session.login.person
    assert sessions.end_sid(person.issuer, person.subject, now=now) == NOTHING
    assert sessions.end_subject(person.issuer, session.login.sid, now=now) == NOTHING
    assert sessions.load(session_id, now=now) == session


@pytest.mark.parametrize("by", ["sid", "subject"])
def test_a_sign_out_stops_a_sign_in_under_way(sessions, session, now, by, monkeypatch):
    """What was ended after a sign-in began can't be begun by it, and leaves neither record nor index."""
    session_id = "i" * 43
    monkeypatch.setattr("signon.sessions.sessions.secrets.token_urlsafe", lambda _: session_id)
    ender(sessions, session, by)(now)
    with pytest.raises(PersonError) as caught:
        sessions.start(replace(session, started_at=now - 0.001), now=now + 1)
    assert caught.value.code == "session_ended_meanwhile"
    assert listed(sessions, session, now) == []
    assert sessions.store.load(key_of(session_id), now=now) is None


def test_signing_in_again_after_a_sign_out_works(sessions, session, now):
    """A sign-in that began after the sign-out is not stopped by it."""
    person = session.login.person
    sessions.end_subject(person.issuer, person.subject, now=now)
    assert sessions.start(replace(session, started_at=now), now=now + 1)


def test_a_mark_outlives_every_sign_in_under_way(sessions, session, now):
    """The longest sign-in, with clocks apart, still finds the mark; then it goes."""
    person = session.login.person
    sessions.end_subject(person.issuer, person.subject, now=now)
    begun = replace(session, started_at=now - 1)
    with pytest.raises(PersonError, match="session_ended_meanwhile"):
        sessions.start(begun, now=now + MARK_SECONDS - 0.1)
    assert MARK_SECONDS > TRANSACTION_SECONDS
    assert sessions.start(begun, now=now + MARK_SECONDS)


def interrupt(watch, at, action):
    """Have `action` done ahead of the operation number `at`; returns the list of operations as they come."""
    calls = []

    def before(name):
        calls.append(name)
        if len(calls) == at:
            watch(ignore)
            action()

    watch(before)
    return calls


@pytest.mark.parametrize("by", ["sid", "subject"])
@pytest.mark.parametrize("step", range(1, 8))
def test_no_sign_in_slips_past_a_sign_out(watched, sealer, session, now, by, step):
    """Ahead of whichever step of a start a sign-out happens, no session is left."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    end = ender(sessions, session, by)
    calls = interrupt(watch, step, lambda: end(now))
    session_id = outcome(sessions, session, now)
    expected = ["epoch", "index_add", "index_add", "create", "ended_since", "ended_since", "sweep"]
    assert calls == expected[:step]
    # Past the second look at the marks the sign-out finds a record to delete; until then the start sees the mark.
    assert (session_id == "session_ended_meanwhile") == (step < 6 or (step == 6 and by == "sid"))
    assert sessions.load(session_id, now=now) is None
    assert end(now) == NOTHING


@pytest.mark.parametrize("by", ["sid", "subject"])
@pytest.mark.parametrize("step", [1, 2])
def test_no_sign_in_slips_into_a_sign_out(watched, sealer, session, now, by, step):
    """Ahead of whichever step of a sign-out a whole start happens, no session is left."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    started = []
    calls = interrupt(watch, step, lambda: started.append(outcome(sessions, session, now)))
    ender(sessions, session, by)(now)
    assert calls == ["mark_ended", "index_list"][:step]
    assert (started == ["session_ended_meanwhile"]) == (step == 2)
    assert sessions.load(started[0], now=now) is None


def outcome(sessions, session, now):
    try:
        return sessions.start(session, now=now)
    except PersonError as error:
        return error.code


def test_a_key_that_is_taken_is_no_session(sealer, session, now):
    """A store that says a fresh random id is taken is out of order."""

    class Taken(MemoryStore):
        def create(self, *_, **__):
            return False

    with pytest.raises(StoreUnavailable) as caught:
        Sessions(Taken(), sealer, session_seconds=LIFE).start(session, now=now)
    assert caught.value.code == "store_unavailable"


def test_a_failing_store_is_heard(watched, sealer, session, now):
    """When the store fails, the error comes through as it is: nobody is signed in or out by accident."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    session_id = sessions.start(session, now=now)

    def fail(name):
        raise StoreUnavailable("store_unavailable", name)

    watch(fail)
    for action in (
        lambda: sessions.start(session, now=now),
        lambda: sessions.load(session_id, now=now),
        lambda: sessions.replace(session_id, session, now=now),
        lambda: sessions.end(session_id, now=now),
        lambda: sessions.end_sid("i", "s", now=now),
        lambda: sessions.end_subject("i", "s", now=now),
        lambda: sessions.listed("i", "s", now=now),
        lambda: sessions.listed_sid("i", "s", now=now),
        lambda: sessions.end_listed("i", "s", sessions.handle(session_id), now=now),
        lambda: sessions.why_over(session_id, now=now),
        lambda: sessions.claim_state("state", now=now),
        lambda: sessions.state_was_claimed("state", now=now),
        sessions.end_everything,
    ):
        with pytest.raises(StoreUnavailable):
            action()


def loaded_at(sessions, session_id, *times):
    """Whether the session is there, at each of these times in turn."""
    return [sessions.load(session_id, now=at) is not None for at in times]


def test_an_unused_session_ends(store, sealer, session, now):
    """Just before its idle time is over a session is there, from then on it is not, however often it is tried."""
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=600)
    one, other = (sessions.start(session, now=now) for _ in range(2))
    assert loaded_at(sessions, one, now + 599.9) == [True]
    assert loaded_at(sessions, other, now + 600, now + 600.1, now + 599.9) == [False, False, True]


def test_use_prolongs_a_session_up_to_its_longest_life(store, sealer, session, now):
    """Who comes back in time stays signed in for the idle time more, and no longer than the longest life."""
    sessions = Sessions(store, sealer, session_seconds=1500, idle_seconds=600)
    session_id = sessions.start(session, now=now)
    assert loaded_at(sessions, session_id, now + 500, now + 1000, now + 1499.9, now + 1500) == [
        True,
        True,
        True,
        False,
    ]
    assert sessions.why_over(session_id, now=now + 1500) == "session_expired"


def test_a_use_is_noted_at_most_once_in_a_while(watched, sealer, session, now):
    """However many pages ask: one touch in each minute, and nothing else is written."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=3600, touch_seconds=60)
    session_id = sessions.start(session, now=now)
    done = []
    watch(done.append)
    for second in range(0, 300, 5):
        assert sessions.load(session_id, now=now + second) is not None
    assert done.count("touch") == 4
    assert set(done) == {"epoch", "load", "touch"}
    assert TOUCH_SECONDS == 60


def test_a_touch_keeps_the_record_as_it_is(sessions, session, now):
    """A use that is noted changes neither version nor content, so that it gets in nobody's way."""
    session_id = sessions.start(session, now=now)
    loaded = sessions.load(session_id, now=now)
    sessions.load(session_id, now=now + 100)
    again = sessions.load(session_id, now=now + 101)
    assert (again, again.version, again.touched_at) == (loaded, 1, now + 100)
    assert sessions.replace(session_id, loaded, now=now + 102)


def test_a_short_idle_time_is_kept_exactly_enough(store, sealer, session, now):
    """Where the idle time is shorter than a touch's, who uses a session all the time stays signed in."""
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=30, touch_seconds=60)
    session_id = sessions.start(session, now=now)
    assert all(loaded_at(sessions, session_id, *(now + second for second in range(0, 300, 10))))
    assert loaded_at(sessions, session_id, now + 330) == [False]


def test_a_use_that_can_not_be_noted_is_no_matter(watched, sealer, session, now):
    """A store that reads but does not write lets people be who they are; the next page notes it."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=3600)
    session_id = sessions.start(session, now=now)

    def fail(name):
        if name == "touch":
            raise StoreUnavailable("store_unavailable", "read only")

    watch(fail)
    assert sessions.load(session_id, now=now + 100) == session
    watch(ignore)
    assert sessions.look(session_id, now=now + 101).touched_at == now
    assert sessions.load(session_id, now=now + 101).touched_at == now + 101
    assert sessions.look(session_id, now=now + 102).touched_at == now + 101


def test_a_look_is_no_use(store, sealer, session, now):
    """Who only looks whether a session is there must see it, and must not keep it from ending when it is idle."""
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=3600)
    session_id = sessions.start(session, now=now)
    for second in (100, 2000, 3599):
        assert sessions.look(session_id, now=now + second) == session
    assert sessions.look(session_id, now=now + 3600) is None
    assert sessions.look("no id", now=now) is None


def test_what_is_left_of_a_session(store, sealer, session, now):
    """How long a session lasts at most counts from its creation, how long unused from its last use."""
    sessions = Sessions(store, sealer, session_seconds=8000, idle_seconds=3600)
    session_id = sessions.start(session, now=now)
    assert sessions.seconds_left(sessions.look(session_id, now=now + 90), now=now + 90) == (7910, 3510)
    assert sessions.seconds_left(sessions.load(session_id, now=now + 90), now=now + 90) == (7910, 3600)
    assert sessions.load(session_id, now=now + 3600)
    assert sessions.seconds_left(sessions.load(session_id, now=now + 7000), now=now + 7000) == (1000, 1000)
    endless = Sessions(store, sealer, session_seconds=8000)
    assert endless.seconds_left(endless.look(session_id, now=now + 7500), now=now + 7500) == (500, 500)


def test_which_limit_ended_it(store, sealer, session, now):
    """Idle and too old are told apart; a session that lives, was ended or was never there is neither."""
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=600)
    session_id, ended = (sessions.start(session, now=now) for _ in range(2))
    sessions.end(ended, now=now)
    assert sessions.why_over(session_id, now=now + 599) is None
    assert sessions.why_over(session_id, now=now + 600) == "session_idle"
    assert sessions.why_over(session_id, now=now + LIFE - 0.1) == "session_idle"
    assert sessions.why_over(session_id, now=now + LIFE) == "session_expired"
    assert sessions.why_over(session_id, now=now + LIFE + KEPT_SECONDS - 0.1) == "session_expired"
    assert sessions.why_over(session_id, now=now + LIFE + KEPT_SECONDS) is None
    assert sessions.why_over(ended, now=now) is None
    assert sessions.why_over("a" * 43, now=now + 600) is None
    sessions.end_everything()
    assert sessions.why_over(session_id, now=now + 600) is None


def test_a_look_at_why_prolongs_nothing(watched, sealer, session, now):
    """To ask why a session is over, or whether, is no use of it."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=600)
    session_id = sessions.start(session, now=now)
    watch(lambda name: pytest.fail(name) if name not in {"epoch", "load"} else None)
    assert sessions.why_over(session_id, now=now + 300) is None
    assert sessions.why_over(session_id, now=now + 600) == "session_idle"


def test_a_person_sees_their_living_sessions(store, sealer, session, other_person, now):
    """Listed are a person's living sessions at this issuer, the newest first; nobody else's, none that is over."""
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=600)
    person = session.login.person
    idle = sessions.start(session, now=now - 600)
    old, new = (
        sessions.start(replace(session, created_at=now - age, browser=browser), now=now)
        for age, browser in ((50, "Firefox"), (10, "Safari"))
    )
    sessions.end(sessions.start(session, now=now), now=now)
    sessions.start(other_person, now=now)
    found = sessions.listed(person.issuer, person.subject, now=now)
    assert [one.session.browser for one in found] == ["Safari", "Firefox"]
    assert [one.handle for one in found] == [sessions.handle(new), sessions.handle(old)]
    assert [one.session.touched_at for one in found] == [now, now]
    assert sessions.handle(idle) not in repr(found)
    assert person.name not in repr(found)
    assert sessions.listed("https://elsewhere", person.subject, now=now) == ()
    sessions.end_everything()
    assert sessions.listed(person.issuer, person.subject, now=now) == ()


def test_sessions_of_a_sid_are_listed(sessions, session, other_person, now):
    """By the provider's session: what was made in it at this issuer, and no other."""
    mine = sessions.start(session, now=now)
    sessions.start(other_person, now=now)
    issuer, sid = session.login.person.issuer, session.login.sid
    assert [one.handle for one in sessions.listed_sid(issuer, sid, now=now)] == [sessions.handle(mine)]
    assert sessions.listed_sid(issuer, session.login.person.subject, now=now) == ()
    assert sessions.listed_sid("https://elsewhere", sid, now=now) == ()


def test_a_handle_is_no_id(sessions, session, now):
    """The name of a session in lists signs nobody in, and is not the id."""
    session_id = sessions.start(session, now=now)
    handle = sessions.handle(session_id)
    assert handle != session_id
    assert sessions.load(handle, now=now) is None
    assert sessions.end(handle, now=now) is None
    assert sessions.load(session_id, now=now) == session


def test_one_of_ones_own_sessions_is_ended_by_its_handle(sessions, session, other_person, now):
    """Whose a session is decides who may end it: by its handle it ends for its own person alone, and once."""
    mine, kept, theirs = (sessions.start(one, now=now) for one in (session, session, other_person))
    person = session.login.person
    for issuer, subject, session_id in (
        (person.issuer, person.subject, theirs),
        ("https://elsewhere", person.subject, mine),
        (person.issuer, other_person.login.person.subject, mine),
    ):
        assert sessions.end_listed(issuer, subject, sessions.handle(session_id), now=now) is None
    assert all(sessions.load(one, now=now) for one in (mine, kept, theirs))
    assert sessions.end_listed(person.issuer, person.subject, sessions.handle(mine), now=now) == session
    assert sessions.end_listed(person.issuer, person.subject, sessions.handle(mine), now=now) is None
    assert [sessions.load(one, now=now) is None for one in (mine, kept, theirs)] == [True, False, False]
    assert listed(sessions, session, now) == [key_of(kept)] * 2


@pytest.mark.parametrize("handle", [*MALFORMED, "a" * 43, "é" * 43, "a" * 100_000])
def test_what_is_no_handle_reaches_no_store(watched, sealer, now, handle):
    """A handle that can't be one of ours ends nothing, and no store is asked for a key that no store has."""
    store, watch = watched
    watch(pytest.fail)
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    assert sessions.end_listed("i", "s", handle, now=now) is None


def test_a_session_that_is_over_can_not_be_ended_by_its_handle(store, sealer, session, now):
    """Nobody is told that they ended what a limit had ended before; its record goes all the same."""
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=600)
    session_id = sessions.start(session, now=now)
    person, handle = session.login.person, sessions.handle(session_id)
    assert sessions.end_listed(person.issuer, person.subject, handle, now=now + 600) is None
    assert sessions.store.load(key_of(session_id), now=now + 600) is None


def test_all_but_one_of_a_persons_sessions_end(sessions, session, other_person, now):
    """The session to keep lives and stays listed; the others, and sign-ins that began before, do not."""
    kept, *others = (sessions.start(session, now=now) for _ in range(3))
    theirs = sessions.start(other_person, now=now)
    person = session.login.person
    ended = sessions.end_subject(person.issuer, person.subject, keep=kept, now=now)
    assert ended == Ended(sessions=(session, session))
    assert [sessions.load(one, now=now) for one in others] == [None, None]
    assert sessions.load(kept, now=now) == session
    assert sessions.load(theirs, now=now) == other_person
    assert [one.handle for one in sessions.listed(person.issuer, person.subject, now=now)] == [
        sessions.handle(kept)
    ]
    assert outcome(sessions, session, now) == "session_ended_meanwhile"


def test_a_sid_with_a_subject_ends_that_persons_only(sessions, session, other_person, now):
    """Somebody else's session under the same sid is left and counted; without a subject it ends, too."""
    issuer, sid = session.login.person.issuer, session.login.sid
    stranger = replace(other_person, login=replace(other_person.login, sid=sid))
    theirs, mine = (sessions.start(one, now=now) for one in (stranger, session))
    subject = session.login.person.subject
    assert sessions.end_sid(issuer, sid, subject=subject, now=now) == Ended(sessions=(session,), others=1)
    assert sessions.load(mine, now=now) is None
    assert sessions.load(theirs, now=now) == stranger
    assert sessions.end_sid(issuer, sid, subject=subject, now=now) == Ended(sessions=(), others=1)
    assert sessions.end_sid(issuer, sid, now=now) == Ended(sessions=(stranger,))


@pytest.mark.parametrize("operation", ["delete", "epoch"])
@pytest.mark.parametrize("by", ["sid", "subject"])
def test_what_has_ended_is_told_at_once(sessions, session, now, monkeypatch, operation, by):
    """Where the store fails midway, those that ended must have been told of, since no later try finds them."""
    for _ in range(3):
        sessions.start(session, now=now)
    person, told = session.login.person, []
    end = sessions.end_subject if by == "subject" else sessions.end_sid
    name = person.subject if by == "subject" else session.login.sid
    through, calls = getattr(sessions.store, operation), iter([True])

    def fail(*args, **options):
        if next(calls, False):
            return through(*args, **options)
        raise StoreUnavailable("store_unavailable", "away")

    monkeypatch.setattr("signon.sessions.sessions.EPOCH_SECONDS", 0)
    with monkeypatch.context() as patch:
        patch.setattr(sessions.store, operation, fail)
        with pytest.raises(StoreUnavailable):
            end(person.issuer, name, now=now, each=told.append)
    assert told == [session]
    assert end(person.issuer, name, now=now, each=told.append).sessions == (session, session)
    assert told == [session] * 3


def test_what_is_over_is_not_said_to_be_ended(store, sealer, session, now):
    """Sessions that a limit or the end of everything had ended are cleared away, and not counted a second time."""
    sessions = Sessions(store, sealer, session_seconds=LIFE, idle_seconds=600)
    person = session.login.person
    session_id = sessions.start(session, now=now)
    assert sessions.end_subject(person.issuer, person.subject, now=now + 600) == NOTHING
    assert sessions.store.load(key_of(session_id), now=now + 600) is None
    later = now + 700
    sessions.start(replace(session, started_at=later, created_at=later), now=later)
    sessions.end_everything()
    assert sessions.end_subject(person.issuer, person.subject, now=later) == NOTHING


def test_a_record_that_can_not_be_opened_is_ended_too(store, sealer, new_key, session, now):
    """What was sealed under a key that is gone is nobody's to use, and nothing of it is left."""
    before, after = (Sessions(store, one, session_seconds=LIFE) for one in (sealer, Sealer([new_key])))
    person = session.login.person
    session_id = before.start(session, now=now)
    store.index_add(
        after.sealer.index_keys("subject", person.issuer, person.subject)[0],
        key_of(session_id),
        now=now,
        expires_at=now + 9,
    )
    assert after.listed(person.issuer, person.subject, now=now) == ()
    assert after.end_subject(person.issuer, person.subject, now=now) == NOTHING
    assert before.load(session_id, now=now) is None


def test_a_state_is_used_once(sessions, now):
    """The first to claim a state has it; nobody has it again, for twice as long as a sign-in may take."""
    assert not sessions.state_was_claimed("state", now=now)
    assert sessions.claim_state("state", now=now)
    assert not sessions.claim_state("state", now=now)
    assert sessions.claim_state("other", now=now)
    assert sessions.state_was_claimed("state", now=now + CLAIM_SECONDS - 0.1)
    assert not sessions.claim_state("state", now=now + CLAIM_SECONDS - 0.1)
    assert not sessions.state_was_claimed("state", now=now + CLAIM_SECONDS)
    assert CLAIM_SECONDS == 2 * TRANSACTION_SECONDS


def test_one_of_eight_claims_a_state(sessions, now):
    """Of eight threads that come back with the same state one goes on."""
    gate = threading.Barrier(8)

    def claim(_):
        gate.wait()
        return sessions.claim_state("state", now=now)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(claim, range(8))).count(True) == 1


def test_a_state_is_used_once_across_a_change_of_keys(store, sealer, rotated, now):
    """A state that was used under the older key can't be used again under the new one."""
    Sessions(store, sealer, session_seconds=LIFE).claim_state("state", now=now)
    after = Sessions(store, rotated, session_seconds=LIFE)
    assert after.state_was_claimed("state", now=now)
    assert not after.claim_state("state", now=now)
    assert after.claim_state("other", now=now)


def test_everything_ends_within_a_second(store, sealer, session, now):
    """Ending everything ends each session here at once and elsewhere within a second; new ones live."""
    here, elsewhere = (Sessions(store, sealer, session_seconds=LIFE) for _ in range(2))
    old = here.start(session, now=now)
    assert elsewhere.load(old, now=now) == session
    assert here.end_everything() == 1
    assert here.load(old, now=now) is None
    assert elsewhere.load(old, now=now + EPOCH_SECONDS) is None
    new = elsewhere.start(session, now=now)
    assert here.load(new, now=now).epoch == 1
    assert elsewhere.load(new, now=now) == replace(session, epoch=1)


def test_the_epoch_is_read_once_a_second(watched, sealer, session, now):
    """A start and many loads within a second ask for the epoch once, also when the clock is set back."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    asked = []
    watch(asked.append)
    session_id = sessions.start(session, now=now)
    for later in (0, 0, 0.5, 0.99, 1.0, 1.5):
        sessions.load(session_id, now=now + later)
    sessions.load(session_id, now=now - 5)
    assert asked.count("epoch") == 3


def test_a_start_sweeps_once_a_minute(watched, sealer, session, now):
    """Signing in clears what has expired, once a minute, so that a store needs no other care."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    swept = []
    watch(lambda name: swept.append(name) if name == "sweep" else None)
    for later in (0, 1, SWEEP_SECONDS - 0.1, SWEEP_SECONDS, SWEEP_SECONDS + 1):
        sessions.start(session, now=now + later)
    assert len(swept) == 2


def test_a_sweep_that_fails_keeps_nobody_out(watched, sealer, session, now):
    """Who has signed in is signed in, whatever becomes of the tidying after it; the next minute tries again."""
    store, watch = watched
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    swept = []

    def fail(name):
        if name == "sweep":
            swept.append(name)
            raise StoreUnavailable("store_unavailable", name)

    watch(fail)
    for later in (0, 1, SWEEP_SECONDS):
        assert sessions.load(sessions.start(session, now=now + later), now=now + later) == session
    assert len(swept) == 2


def test_a_full_sweep_is_followed_by_another(sealer, session, now):
    """While there is more to clear than one sweep may, each start goes on with it."""

    class Full(MemoryStore):
        swept = 0

        def sweep(self, *, limit, **_):
            self.swept += 1
            return limit if self.swept < 3 else 0

    store = Full()
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    for _ in range(6):
        sessions.start(session, now=now)
    assert store.swept == 3
    assert SWEEP_LIMIT == 1000


@pytest.mark.parametrize(("ahead", "swept_at"), [(60, 0), (-60, -60)])
def test_a_sweep_goes_by_the_clock_that_is_behind(sealer, session, now, ahead, swept_at):
    """What still counts by the store's clock or by ours is not cleared."""

    class Apart(MemoryStore):
        swept = None

        def clock(self):
            return now + ahead

        def sweep(self, *, now, **_):
            self.swept = now
            return 0

    store = Apart()
    Sessions(store, sealer, session_seconds=LIFE).start(session, now=now)
    assert store.swept == pytest.approx(now + swept_at, abs=10)


def test_nothing_readable_is_in_the_file(tmp_path, sealer, session, now):
    """Neither the SQLite file nor its log holds a token, a claim, an id, a state, an issuer or a subject."""
    store = SqliteStore(str(tmp_path / "sessions.db"), timeout_seconds=20)
    sessions = Sessions(store, sealer, session_seconds=LIFE)
    state = sealer.stamp(now=now)
    sessions.claim_state(state, now=now)
    kept = sessions.start(session, now=now)
    sessions.replace(kept, sessions.load(kept, now=now), now=now)
    ended = sessions.start(session, now=now)
    sessions.end(ended, now=now)
    person, tokens = session.login.person, session.tokens
    sessions.end_sid(person.issuer, "ended-sid", now=now)
    sessions.end_subject(person.issuer, "ended-subject", now=now)
    planted = [
        *(kept, ended, state, "ended-sid", "ended-subject", session.login.sid, session.user_key, "auditor"),
        *(person.issuer, person.subject, person.public_subject, person.name, person.email, "thaid", "ถนน"),
        *(one.reveal() for one in (tokens.access_token, tokens.refresh_token, tokens.id_token)),
        *("access_token", "login", "subject"),
    ]
    dump = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    store.close()
    dump += b"".join(file.read_bytes() for file in tmp_path.iterdir())
    connection = sqlite3.connect(tmp_path / "sessions.db")
    assert connection.execute("SELECT count(*) FROM records").fetchone() == (1,)
    connection.close()
    for text in planted:
        assert text.encode() not in dump, text
        assert text.encode("utf-16-le") not in dump, text
        assert hashlib.sha256(text.encode()).digest() not in dump or text in {kept, ended}, text
