"""The clock of the store, by which machines whose own are apart agree on what ended a sign-in under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from signon.core.errors import StoreUnavailable
from signon.sessions.store import SessionStore

ASK_SECONDS = 60.0
"""How long an answer is good for: two machines' seconds differ by a few milliseconds in it."""
RETRY_SECONDS = 5.0
"""How long a store that has failed to say is not asked again."""
WAIT_SECONDS = 0.25
"""How long anybody waits for the answer: to start a sign-in needs no store, and goes on without."""


class StoreClock:
    """How far the clock of a store is ahead of ours. Safe for threads and forks.

    What the store's `clock` said is kept as the distance from the monotonic clock, so that nobody who sets our own
    clock moves the store's.
    """

    def __init__(self, store: SessionStore, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._tell: Callable[[], float] | None = getattr(store, "clock", None)
        self._monotonic = monotonic
        self._known: tuple[float, float] | None = None
        """How far it is ahead of the monotonic clock, and until when that is good."""
        self._asked = (threading.Thread(), float("-inf"))
        """Who asked last, and from when on it may be asked again."""

    def offset(self, now: float) -> float:
        """What to add to `now`, our own clock's time at this moment, in tenths of a millisecond.

        0 for a store without a clock, or that has never said; where it doesn't say now, by what it said last.
        """
        if self._tell is None:
            return 0.0
        at = self._monotonic()
        if self._known is None or at >= self._known[1]:
            self._ask(self._tell, at)
        known = self._known
        return 0.0 if known is None else round(at + known[0] - now, 4)

    def _ask(self, tell: Callable[[], float], at: float) -> None:
        """Have it asked, and wait a little; who comes meanwhile waits for the same answer."""
        asking, again_at = self._asked
        with suppress(RuntimeError):  # the process may have no more threads
            if at >= again_at:
                asking = threading.Thread(target=self._note, args=(tell,), name="signon-store-clock", daemon=True)
                asking.start()
                self._asked = (asking, at + RETRY_SECONDS)
            asking.join(WAIT_SECONDS)

    def _note(self, tell: Callable[[], float]) -> None:
        with suppress(StoreUnavailable):
            # The quicker of two: for the first one it may have to connect.
            _, ahead = min(self._measured(tell), self._measured(tell))
            self._known = (ahead, self._monotonic() + ASK_SECONDS)

    def _measured(self, tell: Callable[[], float]) -> tuple[float, float]:
        """How long the answer took, and how far the store was ahead of the monotonic clock halfway."""
        before = self._monotonic()
        told = tell()
        after = self._monotonic()
        return after - before, told - (before + after) / 2
