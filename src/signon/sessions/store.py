"""The store: a few operations that each touch one key, so that any database can offer them.

Keys, indexes and members are digests of 32 bytes, owners 16 random bytes, values sealed: nothing is readable.
Times are POSIX seconds. A thing is there while `now < expires_at` and absent from then on, swept or not.
Each kind of key (records, claims, leases, indexes, marks) is a space of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record as the store holds it. `version` is 1 when created and one more after each update."""

    value: bytes = field(repr=False)
    version: int
    touched_at: float
    """When it was last created, updated or touched, POSIX seconds."""


class SessionStore(Protocol):
    """What a store must do. Safe for threads. Every operation may raise `StoreUnavailable` (`store_unavailable`).

    `signon.sessions.contract.StoreContract` is the same promise as tests.

    Two more operations are asked for by their names, and a store may do without. `create_indexed(key, value, *,
    indexes, since, now, expires_at) -> bool` makes a new session in one go, as `SqlStore`'s does. `clock() ->
    float` says the store's own time, POSIX seconds: a store that several machines share should have it, since it
    decides which of a sign-in and an end was first, however far apart the machines' clocks are. `mark_ended` and
    `ended_since` are then given its times, and so is `create_indexed` as `since`.
    """

    def create(self, key: bytes, value: bytes, *, now: float, expires_at: float) -> bool:
        """Keep a new record; False, and nothing changed, where there is one."""
        ...

    def load(self, key: bytes, *, now: float) -> Stored | None:
        """The record, or None."""
        ...

    def update(self, key: bytes, value: bytes, *, version: int, now: float, expires_at: float) -> bool:
        """Replace a record that still has this version. Never creates one."""
        ...

    def touch(self, key: bytes, *, now: float, expires_at: float) -> bool:
        """Note that a record was used: its version stays. Never creates one, never revives an expired one."""
        ...

    def delete(self, key: bytes) -> bool:
        """Remove a record; False where there was none."""
        ...

    def claim(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """Take a key for good: True for the first owner, and for the same owner again.

        Owners are random, so a claim that is sent twice because its answer was lost doesn't lose to itself.
        """
        ...

    def was_claimed(self, key: bytes, *, now: float) -> bool:
        """Whether anybody has claimed the key."""
        ...

    def index_add(self, index: bytes, member: bytes, *, now: float, expires_at: float) -> None:
        """Add a member to a set, or give it a new expiry. Members that have expired go now or at a sweep."""
        ...

    def index_list(self, index: bytes, *, now: float) -> tuple[bytes, ...]:
        """The members of a set, the one that expires first first."""
        ...

    def index_remove(self, index: bytes, member: bytes) -> None:
        """Take a member out of a set; nothing happens where it isn't in it."""
        ...

    def mark_ended(self, key: bytes, *, now: float, expires_at: float) -> None:
        """Note that everything under this key ended at `now`. The latest time and expiry are kept."""
        ...

    def ended_since(self, key: bytes, *, since: float, now: float) -> bool:
        """Whether a mark is later than `since`."""
        ...

    def lease(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """Take a key for a while: True where it is free, its lease is over, or it is this owner's already."""
        ...

    def release(self, key: bytes, owner: bytes) -> None:
        """Give a lease back early. Somebody else's stays."""
        ...

    def epoch(self) -> int:
        """The store's count of "end everything", 0 in a new store."""
        ...

    def next_epoch(self) -> int:
        """Count one on, and say where that leads. No two callers get the same number."""
        ...

    def sweep(self, *, now: float, limit: int = 1000) -> int:
        """Remove up to `limit` expired things and say how many went; `limit` of them means there may be more."""
        ...

    def close(self) -> None:
        """Let go of connections. A later operation opens new ones."""
        ...
