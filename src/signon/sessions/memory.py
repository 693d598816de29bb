"""A store in this process's memory: for tests, and for one worker that may forget everyone at a restart."""

from __future__ import annotations

import heapq
import threading
from typing import Generic, TypeVar

from signon.sessions.store import Stored

V = TypeVar("V")


class _Table(Generic[V]):
    """Entries with an expiry. Each put removes two that are over, so a table is never much larger than its
    living entries.

    A key stands in the heap once, under the expiry that it had when it was first put; an entry that lives
    longer than that is put back when its turn comes. So a touch costs no heap operation.
    """

    __slots__ = ("_entries", "_heap", "_queued")

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[V, float]] = {}
        self._heap: list[tuple[float, bytes]] = []
        self._queued: set[bytes] = set()

    def get(self, key: bytes, now: float) -> V | None:
        entry = self._entries.get(key)
        return entry[0] if entry is not None and now < entry[1] else None

    def put(self, key: bytes, value: V, now: float, expires_at: float) -> None:
        self._entries[key] = (value, expires_at)
        if key not in self._queued:
            self._queued.add(key)
            heapq.heappush(self._heap, (expires_at, key))
        self.prune(now, limit=2)

    def pop(self, key: bytes) -> bool:
        return self._entries.pop(key, None) is not None

    def prune(self, now: float, *, limit: int) -> int:
        """Remove up to `limit` entries that are over, and say how many."""
        removed = 0
        while removed < limit and self._heap and self._heap[0][0] <= now:
            _, key = heapq.heappop(self._heap)
            entry = self._entries.get(key)
            if entry is not None and now < entry[1]:
                heapq.heappush(self._heap, (entry[1], key))
                continue
            self._queued.discard(key)
            if entry is not None:
                del self._entries[key]
                removed += 1
        return removed


class MemoryStore:
    """A `SessionStore` of dictionaries under one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: _Table[Stored] = _Table()
        self._claims: _Table[bytes] = _Table()
        self._leases: _Table[bytes] = _Table()
        self._indexes: _Table[dict[bytes, float]] = _Table()
        self._marks: _Table[tuple[float, float]] = _Table()
        self._epoch = 0

    def create(self, key: bytes, value: bytes, *, now: float, expires_at: float) -> bool:
        """Keep a new record, also where one has expired."""
        with self._lock:
            if self._records.get(key, now) is not None:
                return False
            self._records.put(key, Stored(value=value, version=1, touched_at=now), now, expires_at)
            return True

    def load(self, key: bytes, *, now: float) -> Stored | None:
        """The record, or None."""
        with self._lock:
            return self._records.get(key, now)

    def update(self, key: bytes, value: bytes, *, version: int, now: float, expires_at: float) -> bool:
        """Replace a record that still has this version."""
        with self._lock:
            held = self._records.get(key, now)
            if held is None or held.version != version:
                return False
            self._records.put(key, Stored(value=value, version=version + 1, touched_at=now), now, expires_at)
            return True

    def touch(self, key: bytes, *, now: float, expires_at: float) -> bool:
        """Note that a living record was used."""
        with self._lock:
            held = self._records.get(key, now)
            if held is None:
                return False
            touched = Stored(value=held.value, version=held.version, touched_at=now)
            self._records.put(key, touched, now, expires_at)
            return True

    def delete(self, key: bytes) -> bool:
        """Remove a record."""
        with self._lock:
            return self._records.pop(key)

    def claim(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """Take a key for its first owner."""
        with self._lock:
            return _take(self._claims, key, owner, now=now, expires_at=expires_at)

    def was_claimed(self, key: bytes, *, now: float) -> bool:
        """Whether anybody has claimed the key."""
        with self._lock:
            return self._claims.get(key, now) is not None

    def index_add(self, index: bytes, member: bytes, *, now: float, expires_at: float) -> None:
        """Add to a set, without its expired members."""
        with self._lock:
            held = self._indexes.get(index, now) or {}
            members = {m: expiry for m, expiry in held.items() if now < expiry}
            members[member] = expires_at
            self._indexes.put(index, members, now, max(members.values()))

    def index_list(self, index: bytes, *, now: float) -> tuple[bytes, ...]:
        """The members, by expiry."""
        with self._lock:
            members = self._indexes.get(index, now) or {}
            return tuple(m for expiry, m in sorted((expiry, m) for m, expiry in members.items()) if now < expiry)

    def index_remove(self, index: bytes, member: bytes) -> None:
        """Take a member out; an empty set goes."""
        with self._lock:
            members = self._indexes.get(index, float("-inf"))
            if members is not None:
                members.pop(member, None)
                if not members:
                    self._indexes.pop(index)

    def mark_ended(self, key: bytes, *, now: float, expires_at: float) -> None:
        """Note an end, keeping the latest time and expiry."""
        with self._lock:
            ended_at, until = self._marks.get(key, now) or (now, expires_at)
            latest = (max(now, ended_at), max(expires_at, until))
            self._marks.put(key, latest, now, latest[1])

    def ended_since(self, key: bytes, *, since: float, now: float) -> bool:
        """Whether a mark is later than `since`."""
        with self._lock:
            mark = self._marks.get(key, now)
            return mark is not None and mark[0] > since

    def lease(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """Take a key that is free, over, or one's own."""
        with self._lock:
            return _take(self._leases, key, owner, now=now, expires_at=expires_at)

    def release(self, key: bytes, owner: bytes) -> None:
        """Give back a lease of one's own."""
        with self._lock:
            if self._leases.get(key, float("-inf")) == owner:
                self._leases.pop(key)

    def epoch(self) -> int:
        """The count as it stands."""
        with self._lock:
            return self._epoch

    def next_epoch(self) -> int:
        """The count, one further."""
        with self._lock:
            self._epoch += 1
            return self._epoch

    def sweep(self, *, now: float, limit: int = 1000) -> int:
        """Remove up to `limit` expired entries."""
        removed = 0
        with self._lock:
            for table in (self._records, self._claims, self._leases, self._indexes, self._marks):
                removed += table.prune(now, limit=limit - removed)
        return removed

    def close(self) -> None:
        """Nothing to let go of: what is kept is kept until the process ends."""


def _take(table: _Table[bytes], key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
    if table.get(key, now) not in {None, owner}:
        return False
    table.put(key, owner, now, expires_at)
    return True
