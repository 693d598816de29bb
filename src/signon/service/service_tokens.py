"""The application's own tokens at its providers (client credentials): kept until they end, fetched once for all.

They are about no person, so that nothing of them ever gets into a session.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from signon.core.client_credentials import get_service_token
from signon.core.errors import ProviderUnavailable, SignOnError
from signon.core.provider import Provider
from signon.core.tokens import TokenSet
from signon.runtime.cache import ProviderCache
from signon.service.party import RelyingParty

KEPT = 64
"""Tokens of one provider, each for a scope and an audience of its own."""
UNSAID_SECONDS = 300.0
"""How long a token is used of which the provider doesn't say how long it is good."""
AGAIN_SECONDS = 10.0
"""How long a provider is left alone after a failure, while there is a token that is still good."""
_FLIGHT_SECONDS = 30.0
"""Metadata and token take two requests; waiting for others to get them is bounded all the same."""

log = logging.getLogger("signon")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    scope: tuple[str, ...]
    """Each word once, in the order of the alphabet: it means the same in any."""
    audience: str | None


class _Kept:
    """One token, and the request under way for the next. Its fields are changed under its lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tokens: TokenSet | None = None
        self.flight: Future[TokenSet] | None = None
        self.failed_at = -math.inf

    def land(self, tokens: TokenSet | None, *, failed_at: float = -math.inf) -> None:
        """Keep what a flight has brought; the next one may start."""
        with self.lock:
            self.tokens, self.flight, self.failed_at = tokens, None, failed_at

    def good(self, now: float) -> TokenSet | None:
        """The token that can be had without waiting: one that is not due, or one that is not over while others
        fetch the next, or when that has just failed.
        """
        tokens = self.tokens
        if tokens is None or tokens.is_over(now):
            return None
        waits = self.flight is not None or now - self.failed_at < AGAIN_SECONDS
        return tokens if waits or not tokens.is_due(now) else None


class _Shelf:
    """The tokens of one provider by scope and audience."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Wanted, _Kept] = OrderedDict()

    def find(self, wanted: _Wanted) -> _Kept:
        """The place of this token; the one asked for least recently makes room."""
        with self._lock:
            kept = self._kept.setdefault(wanted, _Kept())
            self._kept.move_to_end(wanted)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return kept


_SHELVES: WeakKeyDictionary[ProviderCache, _Shelf] = WeakKeyDictionary()
"""By what this process knows of a provider: a fork starts without tokens, and so does one that was changed."""


def service_token(
    party: RelyingParty, provider: Provider, *, scope: tuple[str, ...] = (), audience: str | None = None
) -> TokenSet:
    """A token of the application's own that is good for a while, for this scope and the API that `audience` names.

    Raises `OperatorError` (`client_credentials_public`, `token_invalid_client`), `ProviderUnavailable`
    (also `service_token_waiting`), and what else the provider's answer means.
    """
    now, wanted = party.clock(), _Wanted(scope=tuple(sorted(set(scope))), audience=audience)
    cache = party.runtime.cache(provider)
    shelf = _SHELVES.get(cache) or _SHELVES.setdefault(cache, _Shelf())
    kept = shelf.find(wanted)
    with kept.lock:
        good, others = kept.good(now), kept.flight
        if good is not None:
            return good
        if others is None:
            mine = kept.flight = Future()
    if others is not None:
        return _wait(others)
    return _fly(party, provider, kept, mine, wanted=wanted)


def _fly(
    party: RelyingParty, provider: Provider, kept: _Kept, flight: Future[TokenSet], *, wanted: _Wanted
) -> TokenSet:
    """Fetch the token for all who wait. A failure is theirs, too, unless the old one is still good."""
    try:
        new = _fetch(party, provider, wanted)
    except SignOnError as error:
        old, now = kept.tokens, party.clock()
        if old is None or old.is_over(now):
            kept.land(None)
            flight.set_exception(error)
            raise
        log.warning("the application's old token still serves: %s provider=%s", error, provider.name)
        kept.land(old, failed_at=now)
        flight.set_result(old)
        return old
    except BaseException:
        kept.land(kept.tokens)
        flight.set_exception(_waiting("was broken off"))
        raise
    kept.land(new)
    flight.set_result(new)
    return new


def _fetch(party: RelyingParty, provider: Provider, wanted: _Wanted) -> TokenSet:
    metadata = party.runtime.metadata(provider)
    now = party.clock()
    flow = get_service_token(
        provider=provider, metadata=metadata, scope=wanted.scope, audience=wanted.audience, now=now
    )
    tokens = party.runtime.run(provider, flow)
    return tokens if tokens.expires_at is not None else replace(tokens, expires_at=now + UNSAID_SECONDS)


def _wait(flight: Future[TokenSet]) -> TokenSet:
    try:
        return flight.result(timeout=_FLIGHT_SECONDS)
    except TimeoutError:
        raise _waiting("takes too long") from None


def _waiting(how: str) -> ProviderUnavailable:
    return ProviderUnavailable("service_token_waiting", f"the request for a token that this one waited for {how}")
