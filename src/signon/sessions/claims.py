"""What may be done once, or by one at a time, on however many machines: claims and leases under names of ours."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from signon.core.errors import StoreUnavailable
from signon.sessions.sealer import Sealer
from signon.sessions.store import SessionStore

OWNER_BYTES = 16


class Turn:
    """A turn at something: true for the one who has it. It ends with its block, unless it is `kept` for longer."""

    __slots__ = ("_keys", "_mine", "_owner", "_store", "kept")

    def __init__(self, store: SessionStore, keys: list[bytes], owner: bytes, *, mine: bool) -> None:
        self._store = store
        self._keys = keys
        self._owner = owner
        self._mine = mine
        self.kept = False

    def __bool__(self) -> bool:
        return self._mine

    def give_back(self) -> None:
        """Let the next one in."""
        for key in self._keys:
            self._store.release(key, self._owner)


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
    def only_one(self, purpose: str, *parts: str, now: float, seconds: float) -> Iterator[Turn]:
        """Try to be the only one at something for up to `seconds`.

        What is taken is given back at the end, or runs out: so it does where the store can't be told, and after
        the death of a process.
        """
        owner = secrets.token_bytes(OWNER_BYTES)
        # All keys, in an order of their own: while keys change, workers don't agree on which is the first.
        keys = sorted(self._sealer.index_keys(purpose, *parts))
        taken: list[bytes] = []
        turn = Turn(self._store, taken, owner, mine=False)
        try:
            for key in keys:
                taken.append(key)  # beforehand: it may be ours though the store's answer was lost
                if not self._store.lease(key, owner, now=now, expires_at=now + seconds):
                    taken.pop()
                    break
            turn = Turn(self._store, taken, owner, mine=len(taken) == len(keys))
            yield turn
        finally:
            if not turn.kept:
                with suppress(StoreUnavailable):
                    turn.give_back()
