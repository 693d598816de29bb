"""Every test of the contract has a store that breaks that one promise and is caught."""

from dataclasses import replace

import pytest

from signon.sessions.contract import StoreContract
from signon.sessions.memory import MemoryStore
from signon.sessions.store import Stored


class Forgets(MemoryStore):
    def load(self, *_, **__):
        return None


class InventsRecords(MemoryStore):
    def load(self, key, *, now):
        return super().load(key, now=now) or Stored(value=b"", version=1, touched_at=now)


class FoldsCase(MemoryStore):
    def create(self, key, value, *, now, expires_at):
        return super().create(key.lower(), value, now=now, expires_at=expires_at)

    def load(self, key, *, now):
        return super().load(key.lower(), now=now)


class CutsAtZero(MemoryStore):
    def create(self, key, value, *, now, expires_at):
        return super().create(key, value.partition(b"\0")[0], now=now, expires_at=expires_at)


class CreateReplaces(MemoryStore):
    def create(self, key, value, *, now, expires_at):
        self.delete(key)
        return super().create(key, value, now=now, expires_at=expires_at)


class LastsOneMoment(MemoryStore):
    """Counts `expires_at` itself as living, for everything."""

    def load(self, key, *, now):
        return super().load(key, now=now - 0.0005)

    def was_claimed(self, key, *, now):
        return super().was_claimed(key, now=now - 0.0005)

    def lease(self, key, owner, *, now, expires_at):
        return super().lease(key, owner, now=now - 0.0005, expires_at=expires_at)

    def index_list(self, index, *, now):
        return super().index_list(index, now=now - 0.0005)

    def ended_since(self, key, *, since, now):
        return super().ended_since(key, since=since, now=now - 0.0005)


class ExpiredInTheWay(MemoryStore):
    def create(self, key, value, *, expires_at, **_):
        return super().create(key, value, now=0, expires_at=expires_at)


class UpdateIgnoresVersion(MemoryStore):
    def update(self, key, value, *, now, expires_at, **_):
        held = self.load(key, now=now)
        return held is not None and super().update(
            key, value, version=held.version, now=now, expires_at=expires_at
        )


class UpdateKeepsExpiry(MemoryStore):
    def update(self, key, value, *, version, now, **_):
        return super().update(key, value, version=version, now=now, expires_at=now + 1)


class UpdateCreates(MemoryStore):
    def update(self, key, value, *, version, now, expires_at):
        if self.load(key, now=now) is None:
            return self.create(key, value, now=now, expires_at=expires_at)
        return super().update(key, value, version=version, now=now, expires_at=expires_at)


class UpdateRevives(MemoryStore):
    def update(self, key, value, *, version, expires_at, **_):
        return super().update(key, value, version=version, now=0, expires_at=expires_at)


class TouchCountsVersion(MemoryStore):
    def touch(self, key, *, now, expires_at):
        held = self.load(key, now=now)
        return held is not None and self.update(
            key, held.value, version=held.version, now=now, expires_at=expires_at
        )


class TouchRevives(MemoryStore):
    def touch(self, key, *, expires_at, **_):
        return super().touch(key, now=0, expires_at=expires_at)


class DeleteAlwaysSaysYes(MemoryStore):
    def delete(self, key):
        super().delete(key)
        return True


class NoLock(MemoryStore):
    """Reads, lets others run, writes."""

    def create(self, key, value, *, now, expires_at):
        return self._unlocked(self._records, key, Stored(value=value, version=1, touched_at=now), now, expires_at)

    def update(self, key, value, *, version, now, expires_at):
        held = self.load(key, now=now)
        if held is None or held.version != version:
            return False
        self._yield()
        self._records.put(key, replace(held, value=value, version=version + 1), now, expires_at)
        return True

    def claim(self, key, owner, *, now, expires_at):
        return self._unlocked(self._claims, key, owner, now, expires_at)

    def lease(self, key, owner, *, now, expires_at):
        return self._unlocked(self._leases, key, owner, now, expires_at)

    def index_add(self, index, member, *, now, expires_at):
        members = dict(self._indexes.get(index, now) or {})
        self._yield()
        self._indexes.put(index, {**members, member: expires_at}, now, expires_at)

    def next_epoch(self):
        epoch = self._epoch + 1
        self._yield()
        self._epoch = epoch
        return epoch

    def _unlocked(self, table, key, value, now, expires_at):
        if table.get(key, now) not in {None, value}:
            return False
        self._yield()
        table.put(key, value, now, expires_at)
        return True

    def _yield(self):
        import time

        time.sleep(0.005)


class ClaimIsAnybodys(MemoryStore):
    def claim(self, key, _owner, *, now, expires_at):
        return super().claim(key, b"anybody", now=now, expires_at=expires_at)


class ClaimLosesToItself(MemoryStore):
    def claim(self, key, owner, *, now, expires_at):
        return not self.was_claimed(key, now=now) and super().claim(key, owner, now=now, expires_at=expires_at)


class LeaseIsForGood(MemoryStore):
    def lease(self, key, owner, *, expires_at, **_):
        return super().lease(key, owner, now=0, expires_at=expires_at)


class AnyoneReleases(MemoryStore):
    def release(self, key, _owner):
        self._leases.pop(key)


class IndexHoldsOne(MemoryStore):
    def index_add(self, index, member, *, now, expires_at):
        for other in self.index_list(index, now=now):
            self.index_remove(index, other)
        super().index_add(index, member, now=now, expires_at=expires_at)


class IndexUnsorted(MemoryStore):
    def index_list(self, index, *, now):
        return tuple(reversed(super().index_list(index, now=now)))


class IndexGrows(MemoryStore):
    def index_add(self, index, member, *, expires_at, **_):
        super().index_add(index, member, now=0, expires_at=expires_at)


class RemovesAll(MemoryStore):
    def index_remove(self, index, _member):
        self._indexes.pop(index)


class MarkWithinTheMoment(MemoryStore):
    def ended_since(self, key, *, since, now):
        return super().ended_since(key, since=since - 0.0001, now=now)


class LastMarkWins(MemoryStore):
    def mark_ended(self, key, *, now, expires_at):
        self._marks.pop(key)
        super().mark_ended(key, now=now, expires_at=expires_at)


class SweepsTheLiving(MemoryStore):
    def sweep(self, *, now, limit=1000):
        return super().sweep(now=now + 1e6, limit=limit)


class SweepsWithoutLimit(MemoryStore):
    def sweep(self, *, now, **_):
        return super().sweep(now=now)


class OneSpace(MemoryStore):
    def __init__(self):
        super().__init__()
        self._leases = self._claims


class ForgetsAtClose(MemoryStore):
    def close(self):
        self.__init__()


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (Forgets, "a_created_record_loads"),
        (CutsAtZero, "bytes_come_back_as_they_went"),
        (FoldsCase, "bytes_come_back_as_they_went"),
        (CreateReplaces, "create_never_replaces"),
        (LastsOneMoment, "a_record_ends_at_its_expiry"),
        (ExpiredInTheWay, "an_expired_record_is_absent_to_create"),
        (UpdateKeepsExpiry, "update_replaces_this_version"),
        (UpdateIgnoresVersion, "update_of_another_version_is_refused"),
        (UpdateCreates, "update_and_touch_never_create"),
        (UpdateRevives, "update_and_touch_never_create"),
        (TouchRevives, "update_and_touch_never_create"),
        (InventsRecords, "update_and_touch_never_create"),
        (TouchCountsVersion, "touch_moves_times_only"),
        (DeleteAlwaysSaysYes, "delete_says_whether_there_was_one"),
        (NoLock, "one_of_eight_creates"),
        (NoLock, "one_of_eight_updates"),
        (NoLock, "one_of_eight_claims_and_leases"),
        (NoLock, "eight_add_at_once"),
        (NoLock, "each_epoch_is_one_callers"),
        (ClaimIsAnybodys, "the_first_owner_claims"),
        (ClaimLosesToItself, "the_first_owner_claims"),
        (LastsOneMoment, "a_claim_ends_at_its_expiry"),
        (LastsOneMoment, "a_lease_has_one_owner"),
        (LeaseIsForGood, "a_lease_has_one_owner"),
        (AnyoneReleases, "only_its_owner_releases_a_lease"),
        (IndexUnsorted, "an_index_lists_by_expiry"),
        (IndexHoldsOne, "an_index_lists_by_expiry"),
        (LastsOneMoment, "a_member_ends_at_its_expiry"),
        (IndexGrows, "expired_members_go"),
        (RemovesAll, "a_removed_member_is_gone"),
        (MarkWithinTheMoment, "a_mark_is_later_than_what_it_ends"),
        (LastsOneMoment, "a_mark_is_later_than_what_it_ends"),
        (LastMarkWins, "the_latest_mark_is_kept"),
        (SweepsTheLiving, "sweep_takes_what_is_over"),
        (SweepsWithoutLimit, "sweep_takes_what_is_over"),
        (OneSpace, "each_kind_is_a_space_of_its_own"),
        (ForgetsAtClose, "a_closed_store_opens_again"),
    ],
)
def test_a_store_that_breaks_a_promise_is_caught(broken, test):
    """Each test of the contract fails for a store that breaks what the test is about."""
    with pytest.raises(AssertionError):
        getattr(StoreContract(), f"test_{test}")(broken())


def test_every_test_of_the_contract_catches_something():
    """The list above leaves no test of the contract out."""
    (mark,) = test_a_store_that_breaks_a_promise_is_caught.pytestmark
    named = {f"test_{test}" for _, test in mark.args[1]}
    assert named == {name for name in vars(StoreContract) if name.startswith("test_")}
