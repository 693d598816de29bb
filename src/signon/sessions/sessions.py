"""Sessions: the order of several store operations, written once.

A sign-in indexes its session, creates it, and only then looks whether it was ended meanwhile. A sign-out marks,
lists, deletes. Whichever comes first, one of the two sees the other.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from signon.core.errors import PersonError, StoreUnavailable
from signon.core.pkce import RANDOM_BYTES
from signon.core.values import b64url_decode, b64url_encode
from signon.sessions.claims import Claims
from signon.sessions.record import Session
from signon.sessions.records import Records
from signon.sessions.sealer import Sealer
from signon.sessions.store import SessionStore
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
TOUCH_SECONDS = 60.0
KEPT_SECONDS = 3600.0
"""How long a record outlives its session, so that whoever comes back is told why they are signed out."""

Each: TypeAlias = Callable[[Session], None]
Over: TypeAlias = Literal["session_idle", "session_expired"]
"""Which limit ended a session: it was not used for too long, or it is too old."""

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}\Z")
"""A session's id, and its handle: 32 bytes in base64url."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One of a person's sessions. The handle names it in lists and forms, and signs nobody in."""

    handle: str
    session: Session = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What was ended, and how many sessions under the same name were left, since they are somebody else's."""

    sessions: tuple[Session, ...]
    others: int = 0


class Sessions:
    """The sessions of one application in one store.

    `session_seconds` is the longest life of any, also of those made when it was longer; `idle_seconds` how
    long one may go unused, and `touch_seconds` how exactly that is kept: a use is noted once in that time, or
    twice in the idle time where that is shorter, or who uses a session all the time would seem to be idle.
    """

    def __init__(
        self,
        store: SessionStore,
        sealer: Sealer,
        *,
        session_seconds: float,
        idle_seconds: float = math.inf,
        touch_seconds: float = TOUCH_SECONDS,
    ) -> None:
        self.store = store
        self.sealer = sealer
        self.claims = Claims(store, sealer)
        self._records = Records(store, sealer)
        self.clock_offset = self._records.clock.offset
        """Of `now`: what to add for the store's time, by which it is judged what ended a sign-in under way."""
        self._session_seconds = session_seconds
        self._idle_seconds = idle_seconds
        self._touch_seconds = min(touch_seconds, idle_seconds / 2)
        self._epoch: tuple[int, float] | None = None
        self._next_sweep = float("-inf")

    def start(self, session: Session, *, now: float) -> str:
        """Keep a new session, and return its id: 256 random bits, 43 characters.

        Raises `PersonError` (`session_ended_meanwhile`) where what it belongs to was ended since `started_at`.
        """
        session_id = secrets.token_urlsafe(RANDOM_BYTES)
        key = _key(session_id)
        # An epoch that has just gone by makes a session that is over at once: the safe way to be late.
        epoch = self._current_epoch(now)
        session = session if session.epoch == epoch else replace(session, epoch=epoch)
        if not self._records.create(key, session, now=now, expires_at=self._kept_until(session)):
            raise PersonError(
                "session_ended_meanwhile", "this person's sessions were ended while this one was begun"
            )
        self._sweep(now)
        return session_id

    def load(self, session_id: str, *, now: float) -> Session | None:
        """The session, or None: unknown, malformed, over, ended, sealed by others. Notes that it was used."""
        session = self._find(session_id, now=now)
        if session is None or self._why_over(session, now) is not None:
            return None
        if now - session.touched_at >= self._touch_seconds:
            key = _key(session_id)
            with suppress(StoreUnavailable):  # who they are is known; the next page notes it
                self.store.touch(key, now=now, expires_at=self._kept_until(session))
                return replace(session, touched_at=now)
        return session

    def look(self, session_id: str, *, now: float) -> Session | None:
        """The same, and nobody has used it: looking doesn't prolong what ends when it is idle."""
        session = self._find(session_id, now=now)
        return None if session is None or self._why_over(session, now) is not None else session

    def seconds_left(self, session: Session, *, now: float) -> tuple[float, float]:
        """How long a session lasts at most, and how long if it is not used meanwhile."""
        left = self._end_of(session) - now
        return left, min(left, session.touched_at + self._idle_seconds - now)

    def why_over(self, session_id: str, *, now: float) -> Over | None:
        """Which limit ended a session, for an hour after the later one; None where none did, or nobody knows."""
        session = self._find(session_id, now=now)
        return None if session is None else self._why_over(session, now)

    def replace(self, session_id: str, session: Session, *, now: float) -> bool:
        """Write a changed session back; False where it is gone, or was written since it was loaded.

        `session` is made from a loaded one by `dataclasses.replace`, which keeps its `version`. To write
        twice, load in between.
        """
        if not _SESSION_ID.match(session_id):
            return False
        return self._records.update(_key(session_id), session, now=now, expires_at=self._kept_until(session))

    def end(self, session_id: str, *, now: float) -> Session | None:
        """Sign one session out, and return what it was, also if it was over; None where there was none."""
        if not _SESSION_ID.match(session_id):
            return None
        key = _key(session_id)
        session = self._records.load(key, now=now)
        self._records.delete(key, session)
        return session

    def end_sid(
        self, issuer: str, sid: str, *, subject: str | None = None, now: float, each: Each | None = None
    ) -> Ended:
        """End the provider's session `sid` (OIDC Back-Channel Logout 2.7), also in sign-ins under way.

        With `subject` only this person's: a session of somebody else under the same `sid` is left. `each` is
        called with every session as soon as it has ended: where the store fails midway, no later try finds it.
        """
        index = self.sealer.index_keys("sid", issuer, sid)
        return self._end_all_under(index, now=now, each=each, subject=subject, keep=None)

    def end_subject(
        self, issuer: str, subject: str, *, keep: str | None = None, now: float, each: Each | None = None
    ) -> Ended:
        """End all sessions of a person at this issuer, also of sign-ins under way, but for the one to `keep`.

        `each` is as with `end_sid`.
        """
        index, kept = self.sealer.index_keys("subject", issuer, subject), None if keep is None else _key(keep)
        return self._end_all_under(index, now=now, each=each, subject=None, keep=kept)

    def end_everything(self) -> int:
        """End every session there is, within a second; returns the new epoch."""
        epoch = self.store.next_epoch()
        self._epoch = None
        return epoch

    def listed(self, issuer: str, subject: str, *, now: float) -> tuple[Listed, ...]:
        """A person's living sessions at this issuer, the newest first."""
        return self._listed_under(self.sealer.index_keys("subject", issuer, subject), now=now)

    def listed_sid(self, issuer: str, sid: str, *, now: float) -> tuple[Listed, ...]:
        """The living sessions made in the provider's session `sid`, the newest first."""
        return self._listed_under(self.sealer.index_keys("sid", issuer, sid), now=now)

    def end_listed(self, issuer: str, subject: str, handle: str, *, now: float) -> Session | None:
        """End the living session with this handle, if it is this person's; None where there is none."""
        key = b64url_decode(handle) if _SESSION_ID.match(handle) else None
        session = None if key is None else self._records.load(key, now=now)
        if key is None or session is None or not _is_of(session, issuer=issuer, subject=subject):
            return None
        self._records.delete(key, session)
        return session if self._lives(session, now) else None

    @staticmethod
    def handle(session_id: str) -> str:
        """The handle of a session."""
        return b64url_encode(_key(session_id))

    def claim_state(self, state: str, *, now: float) -> bool:
        """Whether this is the first use of a `state`. Only one caller is ever told so."""
        return self.claims.first("state", state, now=now, seconds=CLAIM_SECONDS)

    def state_was_claimed(self, state: str, *, now: float) -> bool:
        """Whether a `state` was used."""
        return self.claims.known("state", state, now=now)

    def _find(self, session_id: str, *, now: float) -> Session | None:
        if not _SESSION_ID.match(session_id):
            return None
        session = self._records.load(_key(session_id), now=now)
        return None if session is None or session.epoch < self._current_epoch(now) else session

    def _listed_under(self, index: Iterable[bytes], *, now: float) -> tuple[Listed, ...]:
        # A session is in several indexes while keys change; each is there once.
        keys = {key for index_key in index for key in self.store.index_list(index_key, now=now)}
        found = ((key, self._records.load(key, now=now)) for key in keys)
        living = (
            Listed(handle=b64url_encode(key), session=session)
            for key, session in found
            if session is not None and self._lives(session, now)
        )
        return tuple(sorted(living, key=lambda listed: listed.session.created_at, reverse=True))

    def _lives(self, session: Session, now: float) -> bool:
        return session.epoch >= self._current_epoch(now) and self._why_over(session, now) is None

    def _why_over(self, session: Session, now: float) -> Over | None:
        if now >= self._end_of(session):
            return "session_expired"
        return "session_idle" if now - session.touched_at >= self._idle_seconds else None

    def _end_of(self, session: Session) -> float:
        return min(session.expires_at, session.created_at + self._session_seconds)

    def _kept_until(self, session: Session) -> float:
        return self._end_of(session) + KEPT_SECONDS

    def _end_all_under(
        self, index: Iterable[bytes], *, now: float, each: Each | None, subject: str | None, keep: bytes | None
    ) -> Ended:
        ended, others = [], 0
        for number, index_key in enumerate(index):
            if number == 0:
                self._records.mark_ended(index_key, now=now, seconds=MARK_SECONDS)
            for key in self.store.index_list(index_key, now=now):
                if key == keep:
                    continue
                session = self._records.load(key, now=now)
                if session is not None and subject is not None and session.login.person.subject != subject:
                    others += 1
                    continue
                lives = session is not None and self._lives(session, now)  # asked first: the store may fail here
                self._records.delete(key, session)
                self._records.unlist(key, (index_key,))  # also one that was gone or can't be opened
                if session is not None and lives:
                    ended.append(session)
                    if each is not None:
                        each(session)
        return Ended(sessions=tuple(ended), others=others)

    def _current_epoch(self, now: float) -> int:
        held = self._epoch
        if held is None or not 0 <= now - held[1] < EPOCH_SECONDS:
            held = self._epoch = (self.store.epoch(), now)
        return held[0]

    def _sweep(self, now: float) -> None:
        """Clear what has expired, by those who add to it: once a minute, more often while there is a lot."""
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            behind = now + min(self.clock_offset(now), 0.0)  # marks expire by the store's clock, all else by ours
            with suppress(StoreUnavailable):  # the session is there, and the next minute tries again
                if self.store.sweep(now=behind, limit=SWEEP_LIMIT) == SWEEP_LIMIT:
                    self._next_sweep = now


def _is_of(session: Session, *, issuer: str, subject: str) -> bool:
    person = session.login.person
    return (person.issuer, person.subject) == (issuer, subject)


def _key(session_id: str) -> bytes:
    """The store's key of a session, from which nobody gets back to the id."""
    return hashlib.sha256(session_id.encode("ascii")).digest()
