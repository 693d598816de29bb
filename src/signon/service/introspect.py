"""Ask a provider what a token is (RFC 7662), and remember the answer for a short while."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from signon.core import flow
from signon.core.introspection import Introspection
from signon.core.provider import Provider
from signon.core.values import Secret
from signon.service.party import RelyingParty

ACTIVE_SECONDS = 60.0
"""How long a token may still pass that was revoked, and never past its own end."""
INACTIVE_SECONDS = 5.0
"""How long one that has become active may still be refused: a new token can be asked about too early."""
KEPT = 2048
"""Answers of each kind. Inactive ones have a room of their own, or random strings would drive out good tokens."""


class _Answers:
    """The latest answers by the hash of their token, each until its own time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[bytes, tuple[float, Introspection]] = OrderedDict()

    def get(self, key: bytes, *, now: float) -> Introspection | None:
        until, answer = self._held.get(key, (now, None))
        return answer if now < until else None

    def keep(self, key: bytes, answer: Introspection, *, until: float) -> None:
        with self._lock:
            self._held[key] = (until, answer)
            self._held.move_to_end(key)
            while len(self._held) > KEPT:
                self._held.popitem(last=False)

    def forget(self, key: bytes) -> None:
        with self._lock:
            self._held.pop(key, None)


_ACTIVE, _INACTIVE = _Answers(), _Answers()


def introspect(party: RelyingParty, provider: Provider, token: Secret) -> Introspection:
    """What the provider says of an access token, or has said of it within a minute (of an inactive one, seconds).

    Raises `OperatorError` (`introspection_unsupported`) where it can't be asked, and what its answer means.
    """
    now = party.clock()
    key = _key(provider, token)
    held = _ACTIVE.get(key, now=now) or _INACTIVE.get(key, now=now)
    if held is not None:
        return held
    metadata = party.runtime.metadata(provider)
    asking = flow.introspect(provider=provider, metadata=metadata, token=token, now=now)
    answer = party.runtime.run(provider, asking)
    if answer.active:
        latest = now + ACTIVE_SECONDS
        until = latest if answer.expires_at is None else min(latest, answer.expires_at)
        _ACTIVE.keep(key, answer, until=until)
    else:
        _INACTIVE.keep(key, answer, until=now + INACTIVE_SECONDS)
    return answer


def forget(provider: Provider, token: Secret) -> None:
    """Ask anew about a token that has just been revoked, in this process; others find out within a minute."""
    _ACTIVE.forget(_key(provider, token))


def _key(provider: Provider, token: Secret) -> bytes:
    """The whole token's hash, with who was asked and as whom: others may be told something else."""
    parts = (provider.issuer, provider.client.client_id, token.reveal())
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).digest()
