"""What every store must do, as tests for pytest.

For a store of your own:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            store = MyStore(...)
            yield store
            store.close()

Each test uses keys of its own, so a database may be shared by all of them. Every expiry lies in the real future,
and `now` runs ahead of it, so a store may also leave the clearing to its database's clock.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from signon.sessions.store import SessionStore, Stored

T = TypeVar("T")
NOW = float(round(time.time()))
END = NOW + 1000
LATER = END + 1000
RACERS = 8


def new_key() -> bytes:
    """A key that no other test has."""
    return secrets.token_bytes(32)


def race(run: Callable[[int], T]) -> list[T]:
    """What `run` returns in eight threads that start together, each given its number."""
    gate = threading.Barrier(RACERS)

    def runner(number: int) -> T:
        gate.wait()
        return run(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(runner, range(RACERS)))


class StoreContract:
    """The promise of `SessionStore`, one sentence a test. Supply a fixture `store`."""

    def test_a_created_record_loads(self, store: SessionStore) -> None:
        """What was created is loaded, as version 1, last touched when it was created."""
        key = new_key()
        assert store.create(key, b"value", now=NOW, expires_at=END)
        assert store.load(key, now=NOW) == Stored(value=b"value", version=1, touched_at=NOW)

    def test_bytes_come_back_as_they_went(self, store: SessionStore) -> None:
        """Keys and values are bytes: none is folded, cut at a zero, or stripped."""
        keys = [bytes(32), b"a" * 32, b"A" * 32, b"a" * 31 + b" ", b"a" * 31 + b"\0", b"\xff" * 32]
        values = {bytes(key): key + bytes(range(256)) * 64 for key in keys}
        for key in keys:
            store.delete(key)
        for key, value in values.items():
            assert store.create(key, value, now=NOW, expires_at=END)
        loaded = {key: store.load(key, now=NOW) for key in keys}
        assert {key: stored and stored.value for key, stored in loaded.items()} == values

    def test_create_never_replaces(self, store: SessionStore) -> None:
        """A second create under the same key is refused, and the first stays."""
        key = new_key()
        store.create(key, b"first", now=NOW, expires_at=END)
        assert not store.create(key, b"second", now=END - 1, expires_at=LATER)
        assert store.load(key, now=NOW) == Stored(value=b"first", version=1, touched_at=NOW)

    def test_a_record_ends_at_its_expiry(self, store: SessionStore) -> None:
        """A record is there just before `expires_at` and absent at it."""
        key = new_key()
        store.create(key, b"value", now=NOW, expires_at=END)
        assert store.load(key, now=END - 0.001) is not None
        assert store.load(key, now=END) is None

    def test_an_expired_record_is_absent_to_create(self, store: SessionStore) -> None:
        """From its expiry on a record is no obstacle to a new one."""
        key = new_key()
        store.create(key, b"old", now=NOW, expires_at=END)
        assert store.create(key, b"new", now=END, expires_at=LATER)
        assert store.load(key, now=END) == Stored(value=b"new", version=1, touched_at=END)

    def test_update_replaces_this_version(self, store: SessionStore) -> None:
        """An update of the version at hand replaces value and expiry, and counts the version on."""
        key = new_key()
        store.create(key, b"one", now=NOW, expires_at=END)
        assert store.update(key, b"two", version=1, now=NOW + 5, expires_at=LATER)
        assert store.load(key, now=END) == Stored(value=b"two", version=2, touched_at=NOW + 5)

    def test_update_of_another_version_is_refused(self, store: SessionStore) -> None:
        """A late writer, who holds an older version, changes nothing."""
        key = new_key()
        store.create(key, b"one", now=NOW, expires_at=END)
        store.update(key, b"two", version=1, now=NOW, expires_at=END)
        for version in (0, 1, 3):
            assert not store.update(key, b"late", version=version, now=NOW, expires_at=LATER)
        assert store.load(key, now=NOW) == Stored(value=b"two", version=2, touched_at=NOW)

    def test_touch_moves_times_only(self, store: SessionStore) -> None:
        """A touch sets `touched_at` and the expiry; value and version stay."""
        key = new_key()
        store.create(key, b"value", now=NOW, expires_at=END)
        assert store.touch(key, now=NOW + 7, expires_at=LATER)
        assert store.load(key, now=END) == Stored(value=b"value", version=1, touched_at=NOW + 7)
        assert store.load(key, now=LATER) is None

    def test_update_and_touch_never_create(self, store: SessionStore) -> None:
        """An update or touch of what isn't there, was deleted or has expired leaves nothing behind."""
        never, deleted, expired = new_key(), new_key(), new_key()
        for key in (deleted, expired):
            store.create(key, b"value", now=NOW, expires_at=END)
        store.delete(deleted)
        for key in (never, deleted, expired):
            assert not store.update(key, b"late", version=1, now=END, expires_at=LATER)
            assert not store.touch(key, now=END, expires_at=LATER)
            assert store.load(key, now=END) is None

    def test_delete_says_whether_there_was_one(self, store: SessionStore) -> None:
        """A record is deleted once."""
        key = new_key()
        store.create(key, b"value", now=NOW, expires_at=END)
        assert store.delete(key)
        assert store.load(key, now=NOW) is None
        assert not store.delete(key)

    def test_one_of_eight_creates(self, store: SessionStore) -> None:
        """Of eight threads that create the same record one succeeds, and its value is kept."""
        key = new_key()
        won = race(lambda n: store.create(key, bytes([n]), now=NOW, expires_at=END))
        stored = store.load(key, now=NOW)
        assert won.count(True) == 1
        assert stored is not None
        assert stored.value == bytes([won.index(True)])

    def test_one_of_eight_updates(self, store: SessionStore) -> None:
        """Of eight threads that update the same version one succeeds, and its value is kept."""
        key = new_key()
        store.create(key, b"value", now=NOW, expires_at=END)
        won = race(lambda n: store.update(key, bytes([n]), version=1, now=NOW, expires_at=END))
        assert won.count(True) == 1
        assert store.load(key, now=NOW) == Stored(value=bytes([won.index(True)]), version=2, touched_at=NOW)

    def test_the_first_owner_claims(self, store: SessionStore) -> None:
        """A claim is the first owner's, who may ask again; everybody else is too late."""
        key = new_key()
        assert not store.was_claimed(key, now=NOW)
        assert store.claim(key, b"a" * 16, now=NOW, expires_at=END)
        assert store.claim(key, b"a" * 16, now=NOW + 1, expires_at=END)
        assert not store.claim(key, b"A" * 16, now=NOW + 2, expires_at=LATER)
        assert store.was_claimed(key, now=NOW)

    def test_a_claim_ends_at_its_expiry(self, store: SessionStore) -> None:
        """A claim holds until just before `expires_at`, and somebody else can have the key at it."""
        key = new_key()
        store.claim(key, b"a" * 16, now=NOW, expires_at=END)
        assert store.was_claimed(key, now=END - 0.001)
        assert not store.claim(key, b"b" * 16, now=END - 0.001, expires_at=LATER)
        assert not store.was_claimed(key, now=END)
        assert store.claim(key, b"b" * 16, now=END, expires_at=LATER)
        assert not store.claim(key, b"a" * 16, now=END, expires_at=LATER)

    def test_a_lease_has_one_owner(self, store: SessionStore) -> None:
        """A lease keeps others out until just before its end; its owner may prolong it."""
        key = new_key()
        assert store.lease(key, b"a" * 16, now=NOW, expires_at=NOW + 500)
        assert store.lease(key, b"a" * 16, now=NOW, expires_at=END)
        assert not store.lease(key, b"b" * 16, now=END - 0.001, expires_at=LATER)
        assert store.lease(key, b"b" * 16, now=END, expires_at=LATER)

    def test_only_its_owner_releases_a_lease(self, store: SessionStore) -> None:
        """A release by somebody else, or of a key that is free, does nothing."""
        key = new_key()
        store.release(key, b"a" * 16)
        store.lease(key, b"a" * 16, now=NOW, expires_at=END)
        store.release(key, b"b" * 16)
        assert not store.lease(key, b"b" * 16, now=NOW, expires_at=END)
        store.release(key, b"a" * 16)
        assert store.lease(key, b"b" * 16, now=NOW, expires_at=END)

    def test_one_of_eight_claims_and_leases(self, store: SessionStore) -> None:
        """Of eight threads that claim or lease the same key one succeeds."""
        key = new_key()
        claimed = race(lambda n: store.claim(key, bytes([n]) * 16, now=NOW, expires_at=END))
        leased = race(lambda n: store.lease(key, bytes([n]) * 16, now=NOW, expires_at=END))
        assert (claimed.count(True), leased.count(True)) == (1, 1)

    def test_an_index_lists_by_expiry(self, store: SessionStore) -> None:
        """Members are listed in the order of their expiry, each once, with its latest expiry."""
        index, a, b, c = new_key(), new_key(), new_key(), new_key()
        for member, expires_at in ((a, NOW + 300), (b, NOW + 200), (c, NOW + 100), (c, NOW + 400)):
            store.index_add(index, member, now=NOW, expires_at=expires_at)
        assert store.index_list(index, now=NOW) == (b, a, c)
        assert store.index_list(new_key(), now=NOW) == ()

    def test_a_member_ends_at_its_expiry(self, store: SessionStore) -> None:
        """A member is listed just before its expiry and not at it."""
        index, a, b = new_key(), new_key(), new_key()
        store.index_add(index, a, now=NOW, expires_at=END)
        store.index_add(index, b, now=NOW, expires_at=LATER)
        assert store.index_list(index, now=END - 0.001) == (a, b)
        assert store.index_list(index, now=END) == (b,)

    def test_expired_members_go(self, store: SessionStore) -> None:
        """Members that have expired go when another is added or at a sweep: an index can't grow for ever."""
        index, old, new = new_key(), new_key(), new_key()
        store.index_add(index, old, now=NOW, expires_at=END)
        store.index_add(index, new, now=END, expires_at=LATER)
        store.sweep(now=END)
        assert store.index_list(index, now=NOW) == (new,)

    def test_a_removed_member_is_gone(self, store: SessionStore) -> None:
        """Removing takes one member out of one index; what isn't in it can be removed too."""
        index, other, a, b = new_key(), new_key(), new_key(), new_key()
        store.index_remove(index, a)
        for key in (index, other):
            for member in (a, b):
                store.index_add(key, member, now=NOW, expires_at=END)
        store.index_remove(index, a)
        assert store.index_list(index, now=NOW) == (b,)
        store.index_remove(index, b)
        assert store.index_list(index, now=NOW) == ()
        assert set(store.index_list(other, now=NOW)) == {a, b}

    def test_eight_add_at_once(self, store: SessionStore) -> None:
        """None of eight members that are added at the same time is lost."""
        index, members = new_key(), [new_key() for _ in range(RACERS)]
        race(lambda n: store.index_add(index, members[n], now=NOW, expires_at=END))
        assert set(store.index_list(index, now=NOW)) == set(members)

    def test_a_mark_is_later_than_what_it_ends(self, store: SessionStore) -> None:
        """A mark counts for what began before it, and until just before its own expiry."""
        key = new_key()
        assert not store.ended_since(key, since=0, now=NOW)
        store.mark_ended(key, now=NOW, expires_at=END)
        assert store.ended_since(key, since=NOW - 0.001, now=END - 0.001)
        assert not store.ended_since(key, since=NOW, now=NOW)
        assert not store.ended_since(key, since=NOW - 0.001, now=END)

    def test_the_latest_mark_is_kept(self, store: SessionStore) -> None:
        """A mark that arrives late, or from a clock that is behind, takes nothing back."""
        key = new_key()
        for now, expires_at in ((NOW + 1, END), (NOW + 5, LATER), (NOW + 2, END)):
            store.mark_ended(key, now=now, expires_at=expires_at)
        assert store.ended_since(key, since=NOW + 4, now=END)
        assert not store.ended_since(key, since=NOW + 5, now=END)

    def test_each_epoch_is_one_callers(self, store: SessionStore) -> None:
        """The epoch counts up by one, and of eight threads that count it on no two get the same."""
        before = store.epoch()
        assert sorted(race(lambda _: store.next_epoch())) == list(range(before + 1, before + RACERS + 1))
        assert store.epoch() == before + RACERS

    def test_sweep_takes_what_is_over(self, store: SessionStore) -> None:
        """Sweeping removes no more than its limit at a time, comes to an end, and leaves what lives."""
        over, living = [new_key() for _ in range(5)], new_key()
        for key in (*over, living):
            expires_at = END if key in over else LATER
            store.create(key, b"value", now=NOW, expires_at=expires_at)
            store.claim(key, b"a" * 16, now=NOW, expires_at=expires_at)
        while swept := store.sweep(now=END, limit=3):
            assert swept <= 3
        assert [store.load(key, now=END) for key in over] == [None] * 5
        assert not any(store.was_claimed(key, now=END) for key in over)
        assert store.load(living, now=NOW) is not None
        assert store.was_claimed(living, now=NOW)

    def test_each_kind_is_a_space_of_its_own(self, store: SessionStore) -> None:
        """The same bytes may be a record, a claim, a lease, an index and a mark at once."""
        key = new_key()
        assert store.create(key, b"value", now=NOW, expires_at=END)
        assert store.claim(key, b"a" * 16, now=NOW, expires_at=END)
        assert store.lease(key, b"b" * 16, now=NOW, expires_at=END)
        store.index_add(key, key, now=NOW, expires_at=END)
        store.mark_ended(key, now=NOW, expires_at=END)
        assert store.delete(key)
        assert store.was_claimed(key, now=NOW)
        assert not store.lease(key, b"c" * 16, now=NOW, expires_at=END)
        assert store.index_list(key, now=NOW) == (key,)
        assert store.ended_since(key, since=NOW - 1, now=NOW)

    def test_a_closed_store_opens_again(self, store: SessionStore) -> None:
        """After `close` the next operation finds everything as it was."""
        key = new_key()
        store.create(key, b"value", now=NOW, expires_at=END)
        store.close()
        store.close()
        assert store.load(key, now=NOW) == Stored(value=b"value", version=1, touched_at=NOW)
