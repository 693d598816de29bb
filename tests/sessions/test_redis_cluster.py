import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
from tests.servers.redis import in_the_end, redis_cluster, redis_server, wait_for

from signon.core.errors import StoreUnavailable
from signon.sessions.contract import StoreContract
from signon.sessions.redis import open_redis
from signon.sessions.redis_topology import slot_of
from signon.sessions.store import Stored

pytestmark = pytest.mark.redis

NOW = float(round(time.time()))
END = NOW + 1000
KEYS = [b"a key of this module" + bytes([number]) * 12 for number in range(40)]
NAMES = [b"signon:s" + key for key in KEYS]


@pytest.fixture(scope="module")
def cluster():
    with redis_cluster() as cluster:
        yield cluster


@pytest.fixture
def store(cluster):
    store = open_redis(cluster.url)
    yield store
    store.close()


@pytest.fixture
def whole(cluster, store):
    """The cluster, whole again after the test: every server runs, three of them as replicas that keep up.

    (Tried: one that has just had its first copy may say nothing for a second.)
    """
    yield cluster
    for server in cluster.servers:
        if not server.runs:
            server.start()
    cluster.wait_until_whole()
    for key in KEYS:
        until_it_works(lambda key=key: store.mark_ended(key, now=NOW, expires_at=END))


class TestRedisStoreInCluster(StoreContract):
    """A Redis Cluster keeps the promise of a store."""


def until_it_works(operation):
    """What an operation gives once the store works again; every failure until then is quick and ours."""
    return in_the_end(operation, StoreUnavailable)


def test_keys_are_on_all_masters(cluster, store):
    """Records are spread over the masters, and each is where the cluster has its slot."""
    for key in KEYS:
        store.create(key, b"value", now=NOW, expires_at=END)
    holders = [cluster.master_of(name) for name in NAMES]
    assert [holder.ask("EXISTS", name) for holder, name in zip(holders, NAMES, strict=True)] == [1] * len(NAMES)
    assert len({holder.port for holder in holders}) == 3


@contextmanager
def signing_in_and_out(store):
    """Three threads create records, and delete each third; gives the keys of those that were answered."""
    made, ended, stop = [], [], threading.Event()

    def work(number):
        while not stop.is_set():
            key = b"a key of thread %d" % number + len(made).to_bytes(15, "big")
            with suppress(StoreUnavailable):
                store.create(key, b"value", now=NOW, expires_at=END)
                made.append(key)
                if len(made) % 3 == 0:
                    ended.append(key)
                    store.delete(key)
                    deleted.append(key)

    deleted = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield made, ended, deleted
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def test_a_failover_loses_nothing_that_was_answered(whole, store):
    """A master dies under load: the store works again by itself, and what was answered, made or ended, stays."""
    epoch = store.next_epoch()
    for key in KEYS:
        store.delete(key)
        assert store.create(key, b"value", now=NOW, expires_at=END)
    with signing_in_and_out(store) as (made, ended, deleted):
        wait_for("sign-ins", lambda: len(made) > 30)
        dead = whole.kill_master(NAMES[0])
        assert until_it_works(lambda: store.touch(KEYS[0], now=NOW + 1, expires_at=END))
        before = len(made)
        wait_for("more sign-ins", lambda: len(made) > before + 30)
    wait_for("another master", lambda: whole.master_of(NAMES[0]) is not dead)

    def loaded(keys):
        return until_it_works(lambda: [store.load(key, now=NOW) for key in keys])

    assert loaded(KEYS[:1]) == [Stored(value=b"value", version=1, touched_at=NOW + 1)]
    assert loaded(KEYS[1:]) == [Stored(value=b"value", version=1, touched_at=NOW)] * (len(KEYS) - 1)
    assert None not in loaded(set(made) - set(ended))
    assert set(loaded(deleted)) == {None}
    assert store.epoch() == epoch


def test_a_master_that_hangs_is_replaced(whole, store):
    """A master that hangs costs a second a command until its replica follows; it changes nothing when it wakes."""
    store.delete(KEYS[0])
    assert store.create(KEYS[0], b"hung", now=NOW, expires_at=END)
    master = whole.master_of(NAMES[0])
    with master.pause():
        assert until_it_works(lambda: store.delete(KEYS[0]) or store.load(KEYS[0], now=NOW) is None)
    wait_for("a replica of the one that hung", lambda: master.ask("ROLE")[0] == b"slave")
    assert until_it_works(lambda: store.load(KEYS[0], now=NOW) is None)


def test_what_no_replica_has_is_not_answered(whole, store):
    """While a replica hangs a sign-in is not answered as done, but by wait=0; a dead one isn't waited for."""
    name, key = NAMES[0], KEYS[0]
    master = whole.master_of(name)
    replica = whole.replica_of(master)
    store.delete(key)
    with replica.pause(), ExitStack() as stack:
        with pytest.raises(StoreUnavailable, match=r"no replica of Redis at .* confirmed"):
            store.create(key, b"value", now=NOW, expires_at=END)
        assert store.touch(key, now=NOW, expires_at=END)
        hasty = open_redis(f"{whole.url}?wait=0")
        stack.callback(hasty.close)
        assert hasty.delete(key)
    replica.kill()
    until_it_works(lambda: store.mark_ended(key, now=NOW, expires_at=END))
    assert store.ended_since(key, since=NOW - 1, now=NOW)


def test_a_slot_that_moves(whole, store):
    """While a slot moves to another master, and afterwards, each of its keys is found by the old map."""
    staying, moving = b"{of one slot}stays".ljust(32), b"{of one slot}moves".ljust(32)
    name, slot = b"signon:c" + moving, slot_of(b"signon:c" + moving)
    source = whole.master_of(name)
    target = next(whole.master_of(other) for other in NAMES if whole.master_of(other) is not source)
    source_id, target_id = source.ask("CLUSTER", "MYID"), target.ask("CLUSTER", "MYID")
    assert store.claim(staying, b"a" * 16, now=NOW, expires_at=END)
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
    assert store.claim(moving, b"a" * 16, now=NOW, expires_at=END)  # by ASK
    assert not store.claim(moving, b"b" * 16, now=NOW, expires_at=END)
    assert source.ask("EXISTS", b"signon:c" + staying) == 1
    assert not store.claim(staying, b"b" * 16, now=NOW, expires_at=END)
    source.ask("MIGRATE", "127.0.0.1", target.port, b"signon:c" + staying, 0, 1000)
    for server in (target, source):
        server.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)
    assert not store.claim(staying, b"b" * 16, now=NOW, expires_at=END)  # by MOVED
    assert store.claim(moving, b"a" * 16, now=NOW, expires_at=END)
    assert [target.ask("EXISTS", b"signon:c" + key) for key in (staying, moving)] == [1, 1]


def test_one_server_of_the_address_is_enough(cluster):
    """A store whose address names one live server finds all others."""
    dead = "127.0.0.1:1"
    store = open_redis(f"redis+cluster://{dead},127.0.0.1:{cluster.servers[5].port}")
    store.delete(KEYS[0])
    assert store.create(KEYS[0], b"value", now=NOW, expires_at=END)
    store.close()


def test_a_cluster_by_the_address_of_one_server(cluster):
    """A server of a cluster is refused as a single one, with the scheme that it wants."""
    wrong = next(server for server in cluster.servers if server is not cluster.master_of(NAMES[0]))
    store = open_redis(wrong.url)
    with pytest.raises(StoreUnavailable, match=r"part of a cluster \(redis\+cluster://\)"):
        store.load(KEYS[0], now=NOW)


def test_a_single_server_is_no_cluster():
    """A server that is in no cluster is refused as one, in its own words."""
    with redis_server() as server:
        store = open_redis(f"redis+cluster://127.0.0.1:{server.port}")
        with pytest.raises(StoreUnavailable, match="cluster support disabled"):
            store.load(KEYS[0], now=NOW)
