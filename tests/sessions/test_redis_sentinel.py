import time

import pytest
from tests.servers.redis import in_the_end, redis_sentinel, wait_for

from signon.core.errors import StoreUnavailable
from signon.sessions.contract import StoreContract
from signon.sessions.redis import open_redis
from signon.sessions.redis_topology import Failed
from signon.sessions.redis_url import Address
from signon.sessions.store import Stored

pytestmark = pytest.mark.redis

NOW = float(round(time.time()))
END = NOW + 1000
PASSWORD = "planted-sentinel-password"
KEYS = [b"a key of this module" + bytes([number]) * 12 for number in range(20)]


@pytest.fixture(scope="module")
def servers():
    with redis_sentinel(password=PASSWORD) as servers:
        yield servers


@pytest.fixture
def store(servers):
    store = open_redis(servers.url)
    yield store
    store.close()


class TestRedisStoreWithSentinel(StoreContract):
    """A master that Sentinels name, with a replica, keeps the promise of a store."""


def until_it_works(operation):
    """What an operation gives once the store works again; every failure until then is quick and ours."""
    return in_the_end(operation, StoreUnavailable)


def _address(server):
    return Address("127.0.0.1", server.port)


def test_a_failover_loses_nothing_that_was_answered(servers, store):
    """After the master's death the store works again by itself, with every record and end that was answered.

    The master that comes back is a replica then, and whoever is sent there by an old answer goes elsewhere.
    """
    for key in KEYS:
        assert store.create(key, b"value", now=NOW, expires_at=END)
        store.index_add(KEYS[0], key, now=NOW, expires_at=END)
    assert store.delete(KEYS[1])
    store.mark_ended(KEYS[2], now=NOW, expires_at=END)
    dead = servers.kill_master()
    assert until_it_works(lambda: store.touch(KEYS[0], now=NOW + 1, expires_at=END))
    until_it_works(lambda: store.mark_ended(KEYS[3], now=NOW, expires_at=END))  # which the Sentinels confirm later
    assert store.load(KEYS[0], now=NOW) == Stored(value=b"value", version=1, touched_at=NOW + 1)
    assert [store.load(key, now=NOW) is not None for key in KEYS] == [key != KEYS[1] for key in KEYS]
    assert set(store.index_list(KEYS[0], now=NOW)) == set(KEYS)
    assert store.ended_since(KEYS[2], since=NOW - 1, now=NOW)
    assert store.create(KEYS[1], b"without a replica", now=NOW, expires_at=END)
    assert servers.master is not dead
    dead.start()
    dead.ask("REPLICAOF", "127.0.0.1", servers.master.port)  # as the Sentinels do, after ten seconds
    with pytest.raises(Failed, match="is not the master") as caught:
        store._servers._connect(_address(dead))
    assert caught.value.how == "unreached"
    # Until it has its copy it confirms nothing.
    until_it_works(lambda: store.mark_ended(KEYS[3], now=NOW + 1, expires_at=END))
    store._servers._topology._places = (_address(dead),)  # as a Sentinel that is behind would have it
    store._servers._topology._doubtful = False
    assert store.update(KEYS[0], b"new", version=1, now=NOW + 2, expires_at=END)


def test_a_master_that_is_made_a_replica():
    """Where the Sentinels change master and replica, with both alive, commands go to the new one by themselves."""
    with redis_sentinel() as servers:
        store = open_redis(servers.url)
        assert store.create(KEYS[0], b"value", now=NOW, expires_at=END)
        before = servers.master
        failover = ("SENTINEL", "FAILOVER", servers.service)
        wait_for("a replica that may follow", lambda: servers.sentinels[0].ask(*failover) == b"OK")
        wait_for(
            "another master", lambda: servers.master is not before and servers.master.ask("ROLE")[0] == b"master"
        )
        until_it_works(lambda: store.mark_ended(KEYS[0], now=NOW, expires_at=END))
        assert store.ended_since(KEYS[0], since=NOW - 1, now=NOW)
        assert servers.master.ask("EXISTS", b"signon:m" + KEYS[0]) == 1
        store.close()


def test_a_service_that_the_sentinels_do_not_know(servers):
    """A wrong name of the service is said."""
    store = open_redis(servers.url.removesuffix(servers.service) + "nothing")
    with pytest.raises(StoreUnavailable, match="the Sentinels know no master of this name") as caught:
        store.epoch()
    assert PASSWORD not in str(caught.value)


def test_sentinels_that_are_gone(servers, store):
    """While no Sentinel answers a store that knows the master works, and a new one finds another Sentinel."""
    store.epoch()
    for sentinel in servers.sentinels[:2]:
        sentinel.kill()
    try:
        assert open_redis(servers.url).epoch() == store.epoch()
    finally:
        for sentinel in servers.sentinels[:2]:
            sentinel.start()
