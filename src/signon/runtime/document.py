"""One document of a provider, kept: served from memory, renewed in the background, fetched once for everybody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from signon.core.errors import ProviderUnavailable, SignOnError
from signon.runtime.transport import TOTAL_SECONDS

T = TypeVar("T")

SHORTEST_SECONDS = 5 * 60.0
LONGEST_SECONDS = 24 * 3600.0
DEFAULT_SECONDS = 3600.0
USABLE_SECONDS = 7 * 24 * 3600.0
"""How long the last good copy serves while the provider can't be reached: longer than any outage."""
COOLDOWN_SECONDS = 30.0
"""Between two fetches that tokens with unknown keys ask for: anybody can make up such tokens."""
LONGEST_BACKOFF_SECONDS = 60.0
FAILURE_SECONDS = 1.0
"""How long a failure is remembered while nothing is held: enough for a crowd, and soon over."""
_FLIGHT_SECONDS = TOTAL_SECONDS + 1.0
"""A flight is one request, so it has landed by then; waiting is bounded all the same."""
_NOT_REUSED = frozenset({"no-store", "no-cache", "must-revalidate"})

_log = logging.getLogger("signon.runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy(Generic[T]):
    value: T
    fresh_until: float
    usable_until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    error: SignOnError
    at: float
    streak: int

    @property
    def backoff_seconds(self) -> float:
        return min(2.0 ** min(self.streak - 1, 10), LONGEST_BACKOFF_SECONDS)


class Document(Generic[T]):
    """The last good copy of one document, and the one flight at a time that renews it.

    `fetch` returns the value and its lifetime in seconds, or raises a `SignOnError`; `name` begins the codes of
    its errors. A failure never replaces a copy.
    """

    def __init__(
        self, fetch: Callable[[], tuple[T, float]], *, name: str, provider: str, clock: Callable[[], float]
    ) -> None:
        self._fetch = fetch
        self._name = name
        self._provider = provider
        self._clock = clock
        self._lock = threading.Lock()
        self._copy: _Copy[T] | None = None
        self._failure: _Failure | None = None
        self._flight: Future[T] | None = None
        self._asked_at = float("-inf")

    def get(self) -> T:
        """The copy: at once where there is one, even past its lifetime, which starts its renewal."""
        now = self._clock()
        copy = self._copy
        if copy is None or now >= copy.usable_until:
            return self._first(now)
        if now >= copy.fresh_until:
            self._renew_behind(now)
        return copy.value

    def newer_than(self, known: T) -> T:
        """A copy fetched after `known`, asked for every 30 s at most; the held one where none is to be had."""
        held = self.get()
        with self._lock:
            if self._copy is not None and self._copy.value is not known:
                return self._copy.value
            if self._flight is None:
                now = self._clock()
                if now - self._asked_at < COOLDOWN_SECONDS:
                    return held
                self._asked_at = now
            flight, is_ours = self._board()
        try:
            return self._land(flight, is_ours=is_ours)
        except SignOnError:
            return held

    def _first(self, now: float) -> T:
        """Nothing is held: all who ask share one flight, and its failure."""
        with self._lock:
            copy, failure = self._copy, self._failure
            if copy is not None and now < copy.usable_until:
                return copy.value
            if failure is not None and now - failure.at < FAILURE_SECONDS:
                raise _again(failure.error)
            flight, is_ours = self._board()
        return self._land(flight, is_ours=is_ours)

    def _renew_behind(self, now: float) -> None:
        with self._lock:
            copy, failure = self._copy, self._failure
            if self._flight is not None or (copy is not None and now < copy.fresh_until):
                return
            if failure is not None and now - failure.at < failure.backoff_seconds:
                return
            flight, _ = self._board()
        name = f"signon-{self._provider}-{self._name}"
        try:
            threading.Thread(target=self._fly, args=(flight,), name=name, daemon=True).start()
        except RuntimeError:  # the process may have no more threads
            self._fail(flight, self._broken_off())

    def _board(self) -> tuple[Future[T], bool]:
        """The flight under way, or a new one that is the caller's to fly. Under the lock."""
        if self._flight is not None:
            return self._flight, False
        self._flight = Future()
        return self._flight, True

    def _land(self, flight: Future[T], *, is_ours: bool) -> T:
        if is_ours:
            self._fly(flight)
        try:
            error = flight.exception(timeout=_FLIGHT_SECONDS)
        except TimeoutError:
            raise ProviderUnavailable(
                f"{self._name}_timeout", f"the {self._name} endpoint did not answer in time"
            ) from None
        if isinstance(error, SignOnError):
            raise _again(error)
        return flight.result()

    def _fly(self, flight: Future[T]) -> None:
        try:
            value, lifetime_seconds = self._fetch()
        except SignOnError as error:
            self._fail(flight, error)
        except BaseException:
            self._fail(flight, self._broken_off())
            raise
        else:
            now = self._clock()
            with self._lock:
                self._copy = _Copy(
                    value=value, fresh_until=now + lifetime_seconds, usable_until=now + USABLE_SECONDS
                )
                self._failure = self._flight = None
            flight.set_result(value)

    def _fail(self, flight: Future[T], error: SignOnError) -> None:
        error = _again(error)
        with self._lock:
            streak = self._failure.streak + 1 if self._failure else 1
            self._failure = _Failure(error=error, at=self._clock(), streak=streak)
            self._flight = None
        if streak == 1:
            _log.warning("%s: no new %s (%s)", self._provider, self._name, error.code)
        flight.set_exception(error)

    def _broken_off(self) -> ProviderUnavailable:
        return ProviderUnavailable(f"{self._name}_unreachable", f"asking for the {self._name} was broken off")


def lifetime_seconds(headers: Mapping[str, str]) -> float:
    """How long an answer stays fresh (RFC 9111 4.2.1, 5.2.2), within 5 minutes and 24 hours; an hour if unsaid.

    Header names are lower case. What says that it must not be reused, or can't be read, gets the least.
    """
    parts = [part.strip().partition("=") for part in headers.get("cache-control", "").lower().split(",")]
    if any(name in _NOT_REUSED for name, _, _ in parts):
        return SHORTEST_SECONDS
    ages = [_seconds(value.strip('"')) for name, _, value in parts if name == "max-age"]
    if not ages:
        return DEFAULT_SECONDS
    seconds = min(ages) - _seconds(headers.get("age", "0"))
    return min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS)


def _seconds(text: str) -> float:
    """Delta-seconds (RFC 9111 1.2.2): 0 where it is none, and more than any bound where it is long."""
    return float(text[:10]) if text.isascii() and text.isdigit() else 0.0


def _again(error: SignOnError) -> SignOnError:
    """The same error without its history: one for each thread, so that their tracebacks don't pile up on it."""
    copy = error.__class__.__new__(error.__class__, *error.args)
    copy.__dict__.update(error.__dict__)
    return copy
