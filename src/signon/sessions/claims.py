"""What may be done once, or by one at a time, on however many machines: claims and leases under names of ours."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from signon.sessions.sealer import Sealer
from signon.sessions.store import SessionStore

OWNER_BYTES = 16


class Claims:
    """Claims and leases in a store. A name is a purpose and its parts; the store sees neither."""

    def __init__(self, store: SessionStore, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def first(self, purpose: str, *parts: str, now: float, seconds: float) -> bool:
        """Whether this is the first time in `seconds`. Only one caller is ever told so."""
        first, *others = self._sealer.index_keys(purpose, *parts)
        if any(self._store.was_claimed(key, now=now) for key in others):
            return False
        return self._store.claim(first, secrets.token_bytes(OWNER_BYTES), now=now, expires_at=now + seconds)

    def known(self, purpose: str, *parts: str, now: float) -> bool:
        """Whether there was a first time, whose seconds are not over."""
        keys = self._sealer.index_keys(purpose, *parts)
        return any(self._store.was_claimed(key, now=now) for key in keys)

    @contextmanager
    def only_one(self, purpose: str, *parts: str, now: float, seconds: float) -> Iterator[bool]:
        """Try to be the only one at something for up to `seconds`: gives whether it worked.

        What is taken is given back at the end. A process that dies on the way leaves it to run out.
        """
        owner = secrets.token_bytes(OWNER_BYTES)
        # All keys, in an order of their own: while keys change, workers don't agree on which is the first.
        keys = sorted(self._sealer.index_keys(purpose, *parts))
        taken: list[bytes] = []
        try:
            for key in keys:
                if not self._store.lease(key, owner, now=now, expires_at=now + seconds):
                    break
                taken.append(key)
            yield len(taken) == len(keys)
        finally:
            for key in taken:
                self._store.release(key, owner)
