"""Sessions: the order of several store operations, written once.

A sign-in indexes its session, creates it, and only then looks whether it was ended meanwhile. A sign-out marks,
lists, deletes. Whichever comes first, one of the two sees the other.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import suppress
from dataclasses import replace

from signon.core.errors import PersonError, StoreUnavailable
from signon.core.pkce import RANDOM_BYTES
from signon.sessions.record import Session, read_session, write_session
from signon.sessions.sealer import Sealer
from signon.sessions.store import SessionStore, Stored
from signon.sessions.transactions import TRANSACTION_SECONDS

CLOCK_SKEW_SECONDS = 120
"""How far the clocks of our machines may be apart, with the time a callback takes itself."""
MARK_SECONDS = TRANSACTION_SECONDS + CLOCK_SKEW_SECONDS
"""How long a sign-in can still be under way that a sign-out must reach."""
CLAIM_SECONDS = 2 * TRANSACTION_SECONDS
EPOCH_SECONDS = 1.0
"""How old the epoch may be that a load goes by: ending everything takes that long to reach every process."""
SWEEP_SECONDS = 60.0
SWEEP_LIMIT = 1000
OPENED_SESSIONS = 256
"""Records kept open in a process: as many as are looked at in a row, and 10 MB where each has 40 KB of claims."""

_PURPOSE = "session"
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class Sessions:
    """The sessions of one application in one store.

    `session_seconds` is the longest life of any, also of those made when it was longer.
    """

    def __init__(self, store: SessionStore, sealer: Sealer, *, session_seconds: float) -> None:
        self.store = store
        self.sealer = sealer
        self._session_seconds = session_seconds
        self._opened: dict[bytes, tuple[Stored, Session | None]] = {}
        self._epoch: tuple[int, float] | None = None
        self._next_sweep = float("-inf")

    def start(self, session: Session, *, now: float) -> str:
        """Keep a new session, and return its id: 256 random bits, 43 characters.

        Raises `PersonError` (`session_ended_meanwhile`) where the provider has ended it since `started_at`.
        """
        session_id = secrets.token_urlsafe(RANDOM_BYTES)
        key = _key(session_id)
        # An epoch that has just gone by makes a session that is over at once: the safe way to be late.
        session = replace(session, epoch=self._current_epoch(now))
        expires_at = self._end_of(session)
        indexes, sealed = self._indexes(session), self._seal(session, key)
        self._create(key, sealed, indexes=[index[0] for index in indexes], now=now, expires_at=expires_at)
        if self._ended_since(indexes, since=session.started_at, now=now):
            self.store.delete(key)
            self._unindex(indexes, key)
            raise PersonError("session_ended_meanwhile", "the provider ended this session while it was begun")
        self._sweep(now)
        return session_id

    def load(self, session_id: str, *, now: float) -> Session | None:
        """The session, or None: unknown, malformed, expired, ended, sealed by others."""
        if not _SESSION_ID.match(session_id):
            return None
        session = self._load(_key(session_id), now=now)
        return None if session is None or session.epoch < self._current_epoch(now) else session

    def replace(self, session_id: str, session: Session, *, now: float) -> bool:
        """Write a changed session back; False where it is gone, or was written since it was loaded.

        `session` is made from a loaded one by `dataclasses.replace`, which keeps its `version`. To write
        twice, load in between.
        """
        if not _SESSION_ID.match(session_id):
            return False
        key = _key(session_id)
        return self.store.update(
            key, self._seal(session, key), version=session.version, now=now, expires_at=self._end_of(session)
        )

    def end(self, session_id: str, *, now: float) -> Session | None:
        """Sign one session out, and return what it was; None where there was none."""
        if not _SESSION_ID.match(session_id):
            return None
        key = _key(session_id)
        session = self._load(key, now=now)
        self.store.delete(key)
        if session is not None:
            self._unindex(self._indexes(session), key)
        return session

    def end_sid(self, issuer: str, sid: str, *, now: float) -> int:
        """End the provider's session `sid` (OIDC Back-Channel Logout 2.7), also in sign-ins under way."""
        return self._end_all_under(self.sealer.index_keys("sid", issuer, sid), now=now)

    def end_subject(self, issuer: str, subject: str, *, now: float) -> int:
        """End all sessions of a person at this issuer, also of sign-ins under way. Says how many there were."""
        return self._end_all_under(self.sealer.index_keys("subject", issuer, subject), now=now)

    def end_everything(self) -> int:
        """End every session there is, within a second; returns the new epoch."""
        epoch = self.store.next_epoch()
        self._epoch = None
        return epoch

    def claim_state(self, state: str, *, now: float) -> bool:
        """Whether this is the first use of a `state`. Only one caller is ever told so."""
        first, *others = self.sealer.index_keys("state", state)
        if any(self.store.was_claimed(key, now=now) for key in others):
            return False
        owner = secrets.token_bytes(16)
        return self.store.claim(first, owner, now=now, expires_at=now + CLAIM_SECONDS)

    def state_was_claimed(self, state: str, *, now: float) -> bool:
        """Whether a `state` was used."""
        return any(self.store.was_claimed(key, now=now) for key in self.sealer.index_keys("state", state))

    def _create(self, key: bytes, sealed: bytes, *, indexes: list[bytes], now: float, expires_at: float) -> None:
        """Index a record, then create it. A store may offer both in one (`create_indexed`); SQLite's does."""
        at_once = getattr(self.store, "create_indexed", None)
        if at_once is not None:
            at_once(key, sealed, indexes=indexes, now=now, expires_at=expires_at)
            return
        for index in indexes:
            self.store.index_add(index, key, now=now, expires_at=expires_at)
        if not self.store.create(key, sealed, now=now, expires_at=expires_at):
            raise StoreUnavailable("store_unavailable", "the store has a record under an id that was never used")

    def _load(self, key: bytes, *, now: float) -> Session | None:
        stored = self.store.load(key, now=now)
        if stored is None:
            self._opened.pop(key, None)
            return None
        session = self._open(key, stored)
        return None if session is None or now >= self._end_of(session) else session

    def _open(self, key: bytes, stored: Stored) -> Session | None:
        """Open a record once for as long as the store has the same bytes: people look at pages in a row."""
        held = self._opened.get(key)
        if held is not None and held[0] == stored:
            return held[1]
        body = self.sealer.open(stored.value, purpose=_PURPOSE, record_id=key)
        session = None if body is None else read_session(body, version=stored.version)
        while len(self._opened) >= OPENED_SESSIONS:
            with suppress(KeyError, StopIteration, RuntimeError):  # another thread has made room meanwhile
                del self._opened[next(iter(self._opened))]
        self._opened[key] = (stored, session)
        return session

    def _seal(self, session: Session, key: bytes) -> bytes:
        return self.sealer.seal(write_session(session), purpose=_PURPOSE, record_id=key)

    def _end_of(self, session: Session) -> float:
        return min(session.expires_at, session.created_at + self._session_seconds)

    def _indexes(self, session: Session) -> list[tuple[bytes, ...]]:
        """The keys that a session is listed and marked under: its provider's session, and its person."""
        person, sid = session.login.person, session.login.sid
        indexes = [self.sealer.index_keys("subject", person.issuer, person.subject)]
        if sid is not None:
            indexes.append(self.sealer.index_keys("sid", person.issuer, sid))
        return indexes

    def _unindex(self, indexes: list[tuple[bytes, ...]], key: bytes) -> None:
        for index in indexes:
            for index_key in index:
                self.store.index_remove(index_key, key)

    def _ended_since(self, indexes: list[tuple[bytes, ...]], *, since: float, now: float) -> bool:
        return any(
            self.store.ended_since(index_key, since=since, now=now) for index in indexes for index_key in index
        )

    def _end_all_under(self, index: tuple[bytes, ...], *, now: float) -> int:
        self.store.mark_ended(index[0], now=now, expires_at=now + MARK_SECONDS)
        ended = 0
        for index_key in index:
            for key in self.store.index_list(index_key, now=now):
                ended += self.store.delete(key)
                self.store.index_remove(index_key, key)
        return ended

    def _current_epoch(self, now: float) -> int:
        held = self._epoch
        if held is None or not 0 <= now - held[1] < EPOCH_SECONDS:
            held = self._epoch = (self.store.epoch(), now)
        return held[0]

    def _sweep(self, now: float) -> None:
        """Clear what has expired, by those who add to it: once a minute, more often while there is a lot."""
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            if self.store.sweep(now=now, limit=SWEEP_LIMIT) == SWEEP_LIMIT:
                self._next_sweep = now


def _key(session_id: str) -> bytes:
    """The store's key of a session, from which nobody gets back to the id."""
    return hashlib.sha256(session_id.encode("ascii")).digest()
