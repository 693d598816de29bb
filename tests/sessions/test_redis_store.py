import random
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.servers.redis import redis_server
from tests.sessions.skewed import APART_SECONDS, JUST, verdicts

from signon.core.errors import StoreUnavailable
from signon.sessions import redis_scripts as scripts
from signon.sessions.circuit import Circuit
from signon.sessions.contract import StoreContract
from signon.sessions.memory import MemoryStore
from signon.sessions.redis import open_redis
from signon.sessions.redis_scripts import AGAIN, FIRST, GRACE_SECONDS
from signon.sessions.redis_store import RedisStore
from signon.sessions.sessions import Sessions
from signon.sessions.store import Stored

pytestmark = pytest.mark.redis

NOW = float(round(time.time()))
END = NOW + 1000
KEY, OWNER = b"k" * 32, b"o" * 16


@pytest.fixture(scope="module")
def server():
    with redis_server() as server:
        yield server


@pytest.fixture
def store(server):
    server.ask("FLUSHALL")
    store = open_redis(server.url)
    yield store
    store.close()


class TestRedisStore(StoreContract):
    """A Redis server keeps the promise of a store."""


def commands(server, work):
    """The commands that a client sent while `work` ran, as the server's monitor shows them."""
    server.ask("CONFIG", "RESETSTAT")
    work()
    stats = server.ask("INFO", "commandstats").decode().splitlines()
    counts = {line[8:].partition(":")[0]: int(line.partition("calls=")[2].partition(",")[0]) for line in stats[1:]}
    return {name: count for name, count in counts.items() if not name.startswith(("config", "info"))}


def test_a_page_is_one_small_command(server, store):
    """A load is one GET and nothing else, also the first on a new connection."""
    store.create(KEY, b"value", now=NOW, expires_at=END)
    store.close()
    assert commands(server, lambda: store.load(KEY, now=NOW)) == {"get": 1}


def test_a_touch_does_not_carry_the_value(server, store):
    """A touch of a large record moves a few bytes, not the record."""
    store.create(KEY, bytes(100_000), now=NOW, expires_at=END)

    def traffic():
        lines = server.ask("INFO", "stats").decode().splitlines()
        stats = dict(line.split(":") for line in lines if ":" in line)
        return sum(int(stats[f"total_net_{way}_bytes"]) for way in ("input", "output", "repl_output"))

    store.touch(KEY, now=NOW, expires_at=END)
    before = traffic()
    store.touch(KEY, now=NOW + 1, expires_at=END)
    assert traffic() - before < 6000  # with what the server says of itself


def test_every_key_goes_by_itself(server, store):
    """Every key but the epoch has a time to go: its expiry and the grace for clocks that differ."""
    store.create(KEY, b"value", now=NOW, expires_at=END)
    store.create(b"u" * 32, b"value", now=NOW, expires_at=END - 500)
    store.update(b"u" * 32, b"value", version=1, now=NOW, expires_at=END)
    store.create(b"t" * 32, b"value", now=NOW, expires_at=END - 500)
    store.touch(b"t" * 32, now=NOW, expires_at=END)
    store.claim(KEY, OWNER, now=NOW, expires_at=END)
    store.lease(KEY, OWNER, now=NOW, expires_at=END)
    store.index_add(KEY, b"m" * 32, now=NOW, expires_at=END)
    store.index_add(KEY, b"n" * 32, now=NOW, expires_at=END - 500)
    store.mark_ended(KEY, now=NOW, expires_at=END - 500)
    store.mark_ended(KEY, now=NOW, expires_at=END)
    store.next_epoch()
    goes = {name: server.ask("PEXPIRETIME", name) for name in server.ask("KEYS", "*")}
    assert goes.pop(b"signon:e") == -1
    assert len(goes) == 7
    assert set(goes.values()) == {int((END + GRACE_SECONDS) * 1000)}


def test_what_has_to_last_is_saved():
    """Sign-ins, refreshes and ends wait for replicas; what a page does, or can be done again, waits for nobody."""
    calls = []

    def call(key, command, *, again=None, saved=False):
        calls.append((saved, again))
        return 1

    store = RedisStore(SimpleNamespace(call=call))
    times = {"now": NOW, "expires_at": END}
    for lasting in (
        lambda: store.create(KEY, b"value", **times),
        lambda: store.update(KEY, b"value", version=1, **times),
        lambda: store.delete(KEY),
        lambda: store.index_add(KEY, OWNER, **times),
        lambda: store.mark_ended(KEY, **times),
        store.next_epoch,
    ):
        lasting()
    assert [saved for saved, _ in calls] == [True] * 6
    assert [again is not None and again[-1] for _, again in calls] == [AGAIN, AGAIN] + [False] * 4
    calls.clear()
    for passing in (
        lambda: store.touch(KEY, **times),
        lambda: store.claim(KEY, OWNER, **times),
        lambda: store.lease(KEY, OWNER, **times),
        lambda: store.release(KEY, OWNER),
        lambda: store.index_remove(KEY, OWNER),
        store.epoch,
    ):
        passing()
    assert calls == [(False, None)] * 6


def test_the_clock_is_the_servers(server, store):
    """Its clock says POSIX seconds with their fractions, by one TIME."""
    before = time.time()
    assert before - 0.1 < store.clock() < time.time() + 0.1
    assert store.clock() % 1 or store.clock() % 1
    assert commands(server, store.clock) == {"time": 1}


@pytest.mark.parametrize("ahead", [APART_SECONDS, -APART_SECONDS])
def test_clocks_that_are_apart_change_nothing(store, sealer, session, ahead):
    """A sign-in that began before an end is stopped, a later one isn't, whatever the clock that ended says."""
    assert verdicts(store, sealer, session, ahead=ahead) == JUST


def test_to_start_a_sign_in_hardly_waits_for_a_server_that_hangs(server, store, sealer):
    """A server that doesn't answer costs the one who asks for its time a moment, and the next ones nothing."""
    sessions = Sessions(Circuit(store), sealer, session_seconds=28_800)
    with server.pause():
        started = time.monotonic()
        assert sessions.clock_offset(NOW) == 0.0
        assert time.monotonic() - started < 0.9
        with pytest.raises(StoreUnavailable):
            sessions.store.epoch()
        asked = sessions._records.clock._asked[0]
        asked.join(5)
        again = time.monotonic()
        assert sessions.clock_offset(NOW) == 0.0
        assert time.monotonic() - again < 0.2
    assert not asked.is_alive()


def contents(server):
    """Every key, and every value or member, as one text of bytes."""

    def values(name):
        return (
            server.ask("ZRANGE", name, 0, -1) if server.ask("TYPE", name) == b"zset" else [server.ask("GET", name)]
        )

    return b"\n".join(part for name in server.ask("KEYS", "*") for part in (name, *values(name)))


def test_nothing_in_it_can_be_read(server, store, sealer, session, now):
    """Neither a key nor a value holds anything of a session that somebody could read."""
    moved = {name: getattr(session, name) + NOW - now for name in ("started_at", "created_at", "expires_at")}
    sessions = Sessions(store, sealer, session_seconds=28_800)
    person, sid = session.login.person, session.login.sid
    sessions.end_sid(person.issuer, sid, now=NOW - 1000)
    moved["started_at"] = time.time() + 60  # after the end, by the server's clock
    session_id = sessions.start(replace(session, **moved), now=NOW)
    assert sessions.load(session_id, now=NOW).login == session.login
    assert sessions.claim_state("planted-state", now=NOW)
    texts = [session_id, "planted", person.issuer, person.subject, person.name, person.email, sid]
    everything = contents(server)
    assert everything.count(b"signon:") == 5  # the session, its two indexes, the mark, the claim
    assert [text for text in texts if text.encode() in everything] == []


@pytest.mark.parametrize(("time_sent", "done"), [(FIRST, 0), (AGAIN, 1)])
def test_a_write_knows_itself_the_second_time(server, store, time_sent, done):
    """A create or update whose answer was lost finds its own record when it is sent again, and only then."""
    name = b"signon:s" + KEY
    for script, version in ((scripts.CREATE, 1), (scripts.UPDATE, 2)):
        record = scripts.pack_record(b"value %d" % version, version=version, now=NOW, expires_at=END)
        goes_at = scripts.goes_at(END)
        assert store._servers.call(name, scripts.run(script, name, record, goes_at, FIRST)) == 1
        assert store._servers.call(name, scripts.run(script, name, record, goes_at, time_sent)) == done
        other = scripts.pack_record(b"other", version=version, now=NOW, expires_at=END)
        assert store._servers.call(name, scripts.run(script, name, other, goes_at, AGAIN)) == 0
        assert store.load(KEY, now=NOW) == Stored(value=b"value %d" % version, version=version, touched_at=NOW)


def test_a_clock_that_is_ahead_takes_nothing(server, store):
    """A server whose clock is nearly two minutes ahead still has what lives by ours."""
    behind = time.time() - GRACE_SECONDS + 5
    assert store.create(KEY, b"value", now=behind - 10, expires_at=behind)
    assert store.load(KEY, now=behind - 0.001) is not None
    assert store.load(KEY, now=behind) is None


def test_it_does_what_memory_does(store):
    """A thousand operations at random, on few keys and close in time, answer as the store in memory does."""
    dice, memory = random.Random(4711), MemoryStore()
    start = time.time()  # and not NOW: the server clears by its own clock, and this module may be minutes old

    def one(*choices):
        return dice.choice(choices)

    for number in range(1000):
        now = start + number / 8
        keys, only_now = (one(b"a", b"b") * 32,), {"now": now}
        times = {"now": now, "expires_at": now + one(0.5, 2, 8)}
        name, arguments, keywords = one(
            ("create", (*keys, one(b"1", b"2")), times),
            ("update", (*keys, one(b"1", b"2")), times | {"version": one(1, 2, 3)}),
            ("touch", keys, times),
            ("load", keys, only_now),
            ("claim", (*keys, one(b"x", b"y") * 16), times),
            ("was_claimed", keys, only_now),
            ("lease", (*keys, one(b"x", b"y") * 16), times),
            ("release", (*keys, one(b"x", b"y") * 16), {}),
            ("index_add", (*keys, one(b"x", b"y", b"z") * 32), times),
            ("index_list", keys, only_now),
            ("index_remove", (*keys, one(b"x", b"y", b"z") * 32), {}),
            ("mark_ended", keys, times),
            ("ended_since", keys, only_now | {"since": now - one(0.5, 2, 8)}),
            ("next_epoch", (), {}),
            ("epoch", (), {}),
        )
        expected = getattr(memory, name)(*arguments, **keywords)
        assert getattr(store, name)(*arguments, **keywords) == expected, (number, name, arguments, keywords)
