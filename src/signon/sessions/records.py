"""Sessions as sealed records of a store, with the indexes that find them and the marks that end them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from signon.core.errors import StoreUnavailable
from signon.sessions.record import Session, read_session, write_session
from signon.sessions.sealer import Sealer
from signon.sessions.store import SessionStore, Stored
from signon.sessions.store_clock import StoreClock

OPENED_SESSIONS = 256
"""Records kept open in a process: as many as are looked at in a row, and 10 MB where each has 40 KB of claims."""

_PURPOSE = "session"


class Records:
    """The records of one store, opened once for as long as the store has the same bytes."""

    def __init__(self, store: SessionStore, sealer: Sealer) -> None:
        self._store = store
        self.clock = StoreClock(store)
        self._sealer = sealer
        self._opened: dict[bytes, tuple[bytes, Session | None]] = {}

    def create(self, key: bytes, session: Session, *, now: float, expires_at: float) -> bool:
        """Index a record, create it, then look whether it has ended: False, and nothing is left, where it has.

        A store may offer all three in one (`create_indexed`); SQLite's does.
        """
        indexes, sealed = self.indexes(session), self.seal(session, key)
        firsts = [index[0] for index in indexes]
        marks = [index_key for index in indexes for index_key in index]
        at_once = getattr(self._store, "create_indexed", None)
        if at_once is not None:
            since = session.started_at
            if not at_once(key, sealed, indexes=firsts, since=since, now=now, expires_at=expires_at):
                return False
            marks = [index_key for index_key in marks if index_key not in firsts]
        else:
            for index in firsts:
                self._store.index_add(index, key, now=now, expires_at=expires_at)
            if not self._store.create(key, sealed, now=now, expires_at=expires_at):
                raise StoreUnavailable("store_unavailable", "the store has a record under an id never used")
        if marks and self._any_ended(marks, since=session.started_at, now=now):
            self.delete(key, session)
            return False
        self._keep(key, sealed, replace(session, version=1, touched_at=now))
        return True

    def load(self, key: bytes, *, now: float) -> Session | None:
        """The session of a record, also one that is over; None where there is no record, or it can't be opened."""
        stored = self._store.load(key, now=now)
        if stored is None:
            self._opened.pop(key, None)
            return None
        held = self._opened.get(key)
        if held is not None and held[0] == stored.value:
            session = held[1]
            if session is None or session.touched_at == stored.touched_at:
                return session
        session = self._open(key, stored)
        self._keep(key, stored.value, session)
        return session

    def update(self, key: bytes, session: Session, *, now: float, expires_at: float) -> bool:
        """Write a changed session back; False where it is gone, or was written since it was loaded."""
        sealed = self.seal(session, key)
        for first, *others in self.indexes(session):
            # While keys change: what is sealed under the new one must be found by it when the old one is gone.
            if others:
                self._store.index_add(first, key, now=now, expires_at=expires_at)
        return self._store.update(key, sealed, version=session.version, now=now, expires_at=expires_at)

    def delete(self, key: bytes, session: Session | None) -> bool:
        """Remove a record, then what finds it; False where there was none."""
        deleted = self._store.delete(key)
        self._opened.pop(key, None)
        indexes = self.indexes(session) if session is not None else []
        self.unlist(key, (index_key for index in indexes for index_key in index))
        return deleted

    def mark_ended(self, index_key: bytes, *, now: float, seconds: float) -> None:
        """Note for some seconds, by the store's clock, that what stands in this index ends now."""
        ended_at = now + self.clock.offset(now)
        self._store.mark_ended(index_key, now=ended_at, expires_at=ended_at + seconds)

    def unlist(self, key: bytes, indexes: Iterable[bytes]) -> None:
        """Take a record that is gone out of indexes. Where the store can't, its time there runs out."""
        with suppress(StoreUnavailable):
            for index_key in indexes:
                self._store.index_remove(index_key, key)

    def indexes(self, session: Session) -> list[tuple[bytes, ...]]:
        """The keys that a session is listed and marked under: its provider's session, and its person."""
        person, sid = session.login.person, session.login.sid
        indexes = [self._sealer.index_keys("subject", person.issuer, person.subject)]
        if sid is not None:
            indexes.append(self._sealer.index_keys("sid", person.issuer, sid))
        return indexes

    def seal(self, session: Session, key: bytes) -> bytes:
        """The bytes of a record, which open only under its key."""
        return self._sealer.seal(write_session(session), purpose=_PURPOSE, record_id=key)

    def _any_ended(self, marks: Iterable[bytes], *, since: float, now: float) -> bool:
        store_now = now + self.clock.offset(now)
        return any(self._store.ended_since(mark, since=since, now=store_now) for mark in marks)

    def _keep(self, key: bytes, sealed: bytes, session: Session | None) -> None:
        while len(self._opened) >= OPENED_SESSIONS:
            with suppress(KeyError, StopIteration, RuntimeError):  # another thread has made room meanwhile
                del self._opened[next(iter(self._opened))]
        self._opened[key] = (sealed, session)

    def _open(self, key: bytes, stored: Stored) -> Session | None:
        body = self._sealer.open(stored.value, purpose=_PURPOSE, record_id=key)
        if body is None:
            return None
        return read_session(body, version=stored.version, touched_at=stored.touched_at)
