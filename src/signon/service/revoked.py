"""Ask a provider that can be asked whether a session has ended there, and end it here, too."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from signon.core.errors import SignOnError
from signon.core.flow import ask_revoked
from signon.core.provider import Provider, RevokedCheck
from signon.core.revocation import CHECK_SECONDS
from signon.core.tokens import TokenSet
from signon.service.party import RelyingParty
from signon.service.revoke import REVOKED
from signon.sessions.record import Session

AGAIN_SECONDS = 10.0
"""How long a provider that gives no verdict is left alone: each page would wait for it."""
NEW_SECONDS = 5.0
"""How old a token may be whose first page need not ask about it: it comes from the sign-in that led there."""
KEPT = 10_000
"""Sessions whose next time is known in this process. Of one that was forgotten the store knows it."""

log = logging.getLogger("signon")


class _Times:
    """When each session may be asked about again, as this process knows it, and which are being asked about."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: OrderedDict[str, float] = OrderedDict()
        self._asking: set[str] = set()

    def is_new(self, handle: str) -> bool:
        """Whether this process has not looked at a session yet."""
        return handle not in self._next

    def wait_until(self, handle: str, then: float) -> None:
        with self._lock:
            self._next[handle] = then
            self._next.move_to_end(handle)
            while len(self._next) > KEPT:
                self._next.popitem(last=False)

    @contextmanager
    def turn(self, handle: str, *, now: float) -> Iterator[bool]:
        """Whether it is time, and nobody of this process is at it."""
        with self._lock:
            mine = handle not in self._asking and self._next.get(handle, now) <= now
            if mine:
                self._asking.add(handle)
        try:
            yield mine
        finally:
            if mine:
                self._asking.discard(handle)


_TIMES = _Times()


def was_revoked(party: RelyingParty, session_id: str, session: Session) -> bool:
    """Whether the provider has ended this session, by its own word; it has then been ended here.

    Asks when the provider's `revoked_check` says so, one caller at a time; all others take the session as it
    is. Without a check it costs nothing. Raises `StoreUnavailable`.
    """
    provider = party.providers.get(session.login.person.provider)
    if provider is None or provider.revoked_check is None or session.tokens is None:
        return False
    if session.tokens_ended == REVOKED:  # by the application itself, which keeps the person signed in
        return False
    check = provider.revoked_check
    handle = party.sessions.handle(session_id)
    now = party.clock()
    if _TIMES.is_new(handle) and now - (session.tokens.issued_at or 0) < NEW_SECONDS:
        _TIMES.wait_until(handle, now + check.every_seconds)
        return False
    with _TIMES.turn(handle, now=now) as mine:
        if not mine or not _is_first(party, session_id, check, now=now):
            return False
        verdict = _verdict(party, provider, check, session.tokens)
        if verdict is None:
            _TIMES.wait_until(handle, max(now + AGAIN_SECONDS, now + check.every_seconds))
    if verdict or (verdict is None and check.unknown == "end"):
        party.sessions.end(session_id, now=now)
        return True
    return False


def _is_first(party: RelyingParty, session_id: str, check: RevokedCheck, *, now: float) -> bool:
    """Whether no worker has asked within the time; always where each look is to ask."""
    if check.every_seconds <= 0:
        return True
    # For longer than an answer may take: so no two workers ask at the same time.
    seconds = max(check.every_seconds, CHECK_SECONDS + 1)
    first = party.sessions.claims.first("revoked-check", session_id, now=now, seconds=seconds)
    # When another worker's time ends isn't known, so the store is looked at a few times within one.
    _TIMES.wait_until(party.sessions.handle(session_id), now + (seconds if first else seconds / 6))
    return first


def _verdict(party: RelyingParty, provider: Provider, check: RevokedCheck, tokens: TokenSet) -> bool | None:
    """The provider's word, or None. It is asked about a token that is over, too: the session goes on after it."""
    try:
        metadata, now = party.runtime.metadata(provider), party.clock()
        flow = ask_revoked(provider=provider, metadata=metadata, check=check, token=tokens.access_token, now=now)
        return party.runtime.run(provider, flow)
    except SignOnError as error:
        log.warning("whether a session was revoked is not known: %s provider=%s", error, provider.name)
        return None
