"""A circuit around a store: while it is down nobody waits for it but one caller at a time, who finds out.

A dead store costs each operation its whole timeout, and a server has few threads: without this they would all
stand at the store, and pages that need no store would wait for a thread. Around stores behind a network only:
a locked SQLite file keeps writers waiting while readers are served, and must not be refused to them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ParamSpec, TypeVar

from signon.core.errors import StoreUnavailable
from signon.sessions.store import SessionStore

P = ParamSpec("P")
R = TypeVar("R")
PAUSES_SECONDS = (0.5, 1.0, 2.0)
"""How long a store is left alone after a failure: by how often it was tried again in vain, then always the last.

One failure opens the circuit, since it may be a whole timeout that every thread would spend, and a request that
goes on after it must not spend a second one. Where it was one slow operation among many quick ones, the next
answer to any of those closes it.
"""


@dataclass(slots=True, kw_only=True)
class _Outage:
    """A store that is down, as one process knows it."""

    reason: str
    try_at: float
    tried: int = 0
    """How often in vain."""
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Held by the caller that tries again."""
    pid: int = field(default_factory=os.getpid)


class Circuit:
    """A `SessionStore` that passes every operation on to `store`, and refuses them at once while that is down.

    Any answer closes it, also one to somebody who had asked before it opened, and also where only some of the
    servers of a cluster are back. What it refuses is `StoreUnavailable` with the words of the last failure.
    `clock` counts seconds and never goes back.
    """

    def __init__(self, store: SessionStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.store = store
        self._clock = clock
        self._outage: _Outage | None = None
        self._closings = 0
        # Bound one by one, since a method for each that called a common one would cost a second frame.
        self.create = self._guarded(store.create)
        self.load = self._guarded(store.load)
        self.update = self._guarded(store.update)
        self.touch = self._guarded(store.touch)
        self.delete = self._guarded(store.delete)
        self.claim = self._guarded(store.claim)
        self.was_claimed = self._guarded(store.was_claimed)
        self.index_add = self._guarded(store.index_add)
        self.index_list = self._guarded(store.index_list)
        self.index_remove = self._guarded(store.index_remove)
        self.mark_ended = self._guarded(store.mark_ended)
        self.ended_since = self._guarded(store.ended_since)
        self.lease = self._guarded(store.lease)
        self.release = self._guarded(store.release)
        self.epoch = self._guarded(store.epoch)
        self.next_epoch = self._guarded(store.next_epoch)
        self.sweep = self._guarded(store.sweep)
        self.close = store.close
        at_once: Callable[..., bool] | None = getattr(store, "create_indexed", None)
        if at_once is not None:  # else there must be none here either: it is asked for by its name
            self.create_indexed = self._guarded(at_once)
        told: Callable[[], float] | None = getattr(store, "clock", None)
        if told is not None:
            self.clock = self._unless_down(told)

    def _unless_down(self, operation: Callable[P, R]) -> Callable[P, R]:
        """An operation that sign-ins can do without: nobody tries a store that is down by it, and where it alone
        fails, as with a right that is missing, everything else goes on.
        """

        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            outage = self._outage
            if outage is not None:
                raise _refusal(outage)
            return operation(*args, **kwargs)

        return run

    def _guarded(self, operation: Callable[P, R]) -> Callable[P, R]:
        """The operation behind the circuit. While all is well: no lock, no clock, and this frame only."""

        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            outage, closings = self._outage, self._closings
            if outage is not None:
                outage = self._admitted(outage)
            try:
                answer = operation(*args, **kwargs)
            except StoreUnavailable as error:
                if error.code != "store_unconfirmed":  # which says that the store is there, only its replica isn't
                    self._failed(str(error.args[0]), outage, closings)
                raise
            finally:
                if outage is not None:
                    outage.turn.release()
            if self._outage is not None:
                self._closings += 1
                self._outage = None
            return answer

        return run

    def _admitted(self, outage: _Outage) -> _Outage:
        """Take the turn to try again; refuse everybody else, and everybody before the pause is over."""
        if outage.pid != os.getpid():  # a thread of the parent may hold the turn, and will never give it back here
            outage = self._outage = replace(outage, turn=threading.Lock(), pid=os.getpid())
        if outage.turn.acquire(blocking=False):
            # Looked at with the turn in hand, or one would go by the time that stood before the last try.
            if self._clock() >= outage.try_at:
                return outage
            outage.turn.release()
        raise _refusal(outage)

    def _failed(self, reason: str, outage: _Outage | None, closings: int) -> None:
        """Open the circuit, or keep it open for longer; `outage` where it was this caller's turn to try again."""
        if outage is not None:
            outage.reason, outage.tried = reason, outage.tried + 1
            outage.try_at = self._clock() + PAUSES_SECONDS[min(outage.tried, len(PAUSES_SECONDS) - 1)]
        elif self._outage is None and self._closings == closings:  # a close since is later news than this failure
            self._outage = _Outage(reason=reason, try_at=self._clock() + PAUSES_SECONDS[0])


def _refusal(outage: _Outage) -> StoreUnavailable:
    return StoreUnavailable("store_unavailable", f"the store is not asked again yet: {outage.reason}")
