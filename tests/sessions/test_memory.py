import pytest

from signon.sessions.contract import StoreContract
from signon.sessions.memory import MemoryStore


@pytest.fixture
def store():
    return MemoryStore()


class TestMemoryStore(StoreContract):
    """A dictionary keeps the promise of a store."""


def held(store):
    tables = (store._records, store._claims, store._leases, store._indexes, store._marks)
    return sum(len(table._entries) + len(table._heap) for table in tables)


def test_what_is_over_leaves_without_a_sweep(store):
    """Ten thousand short-lived things of each kind leave room as they pass: memory is bounded by what lives."""
    for second in range(10_000):
        key = second.to_bytes(32, "big")
        store.create(key, b"value", now=second, expires_at=second + 10)
        store.claim(key, b"a" * 16, now=second, expires_at=second + 10)
        store.lease(key, b"a" * 16, now=second, expires_at=second + 10)
        store.index_add(key, key, now=second, expires_at=second + 10)
        store.mark_ended(key, now=second, expires_at=second + 10)
    assert held(store) <= 5 * 2 * 12


def test_a_key_that_is_written_often_stands_in_the_heap_once(store):
    """A thousand touches, leases and marks of one key don't grow the store."""
    key = bytes(32)
    store.create(key, b"value", now=0, expires_at=1000)
    for second in range(1000):
        store.touch(key, now=second, expires_at=second + 1000)
        store.lease(key, b"a" * 16, now=second, expires_at=second + 1000)
        store.release(key, b"a" * 16)
        store.mark_ended(key, now=second, expires_at=second + 1000)
    assert held(store) <= 6


def test_a_prolonged_record_outlives_its_first_expiry(store):
    """Pruning goes by the expiry that a record has now, and still takes it when that has passed."""
    prolonged, passing = b"p" * 32, b"q" * 32
    store.create(prolonged, b"value", now=0, expires_at=10)
    store.create(passing, b"value", now=0, expires_at=10)
    store.touch(prolonged, now=5, expires_at=100)
    assert store.sweep(now=50) == 1
    assert store.load(prolonged, now=99) is not None
    assert store.sweep(now=100) == 1
    assert held(store) == 0


def test_sweep_counts_what_went(store):
    """A sweep says exactly how many it removed, over all kinds and within its limit; deleted ones don't count."""
    for number in range(4):
        store.create(bytes([number]) * 32, b"value", now=0, expires_at=10)
        store.claim(bytes([number]) * 32, b"a" * 16, now=0, expires_at=10)
    store.delete(bytes(32))
    assert [store.sweep(now=9.9, limit=5), *(store.sweep(now=10, limit=5) for _ in range(3))] == [0, 5, 2, 0]
    assert held(store) == 0


def test_an_empty_index_goes(store):
    """An index that lost its last member keeps no entry."""
    store.index_add(b"i" * 32, b"m" * 32, now=0, expires_at=10)
    store.index_remove(b"i" * 32, b"m" * 32)
    assert not store._indexes._entries


def test_a_key_that_comes_back_goes_again(store):
    """A key that expired, was cleared and is put again is cleared again when that is over."""
    for begin in (0, 100):
        store.claim(bytes(32), b"a" * 16, now=begin, expires_at=begin + 10)
        assert store.sweep(now=begin + 10) == 1
        assert held(store) == 0
