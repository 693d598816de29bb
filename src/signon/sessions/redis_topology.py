"""Which server has a key: the only one, the master that the Sentinels name, or the one with the key's slot."""

from __future__ import annotations

import threading
import time
from binascii import crc_hqx
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeAlias

from signon.sessions.redis_scripts import Command
from signon.sessions.redis_url import Address, RedisUrl

Reply: TypeAlias = Any
Ask: TypeAlias = Callable[[Address, Command], Reply]
Places: TypeAlias = Sequence[Address | None]
"""One server, or one for each slot; None where no server has the slot."""

SLOTS = 16384
ASKING_SECONDS = 0.9
"""After this long no other server is tried, so that one that hangs costs a page two seconds at most."""


class Failed(Exception):
    """A command has no answer that can be used.

    How: the server wasn't `unreached`, it `refused` (either way nothing was done), it `closed` the connection,
    or it was `silent` (either way the command may have been done).
    """

    def __init__(
        self,
        reason: str,
        *,
        how: Literal["unreached", "refused", "closed", "silent"],
        code: str = "",
        moved_to: Address | None = None,
    ) -> None:
        super().__init__(reason)
        self.how = how
        self.code = code
        """The word that a refusal begins with: `NOSCRIPT`, `MOVED`, `OOM`."""
        self.moved_to = moved_to


class Topology:
    """Where keys are, as one of the servers last said; asked again once there is a reason to doubt it.

    `find` raises `Failed` where nobody says. Safe for threads: one asks, the others go by what was known.
    """

    def __init__(self, url: RedisUrl, ask: Ask) -> None:
        self._given = url.addresses
        self._known = list(url.addresses)
        self._ask = ask
        self._service = url.service
        self._kind = url.kind
        self._places: Places = url.addresses if url.kind == "single" else ()
        self._doubtful = url.kind != "single"
        self._asking = threading.Lock()

    def find(self, key: bytes) -> Address:
        """The server that has this key, or would have it."""
        if self._doubtful or not self._places:
            self._ask_around()
        places = self._places
        place = places[0] if len(places) == 1 else places[slot_of(key)]
        if place is None:
            self._doubtful = True
            raise Failed("no server of the Redis cluster has the key's slot", how="unreached")
        return place

    def instead_of(self, address: Address, key: bytes, failed: Failed) -> Address | None:
        """Who gets a command that failed at one server, if it did nothing there and somebody else has its place.

        Whatever it was, the others are asked before the next command.
        """
        if self._kind == "single":
            return None
        self._put_last(address)
        self._doubtful = True
        if failed.how in {"closed", "silent"}:
            return None
        elsewhere = failed.moved_to or self.find(key)
        return None if elsewhere == address and failed.moved_to is None else elsewhere

    def confirms(self, address: Address, key: bytes) -> bool:
        """Whether a master that has no replica online is one still, as others say than itself.

        A replica that has been promoted in its place has left it, too, and will overwrite what it takes now.
        """
        if self._kind == "single":
            return True
        started, verdicts = time.monotonic(), []
        for other in tuple(self._known):
            if other == address:
                continue
            with suppress(Failed):
                verdicts.append(self._names(other, address, key))
            if time.monotonic() - started > ASKING_SECONDS or (verdicts and self._kind == "cluster"):
                break
        return bool(verdicts) and all(verdicts)

    def _names(self, other: Address, address: Address, key: bytes) -> bool:
        """Whether another server has no doubt about a master. The only Sentinel to know of a failover is the one
        that leads it, so all are asked; in a cluster the masters have decided it beforehand.
        """
        if self._kind == "sentinel":
            return is_settled(self._ask(other, ("SENTINEL", "MASTER", self._service)), address)
        places, _ = read_slots(self._ask(other, ("CLUSTER", "SLOTS")), asked=other)
        return places[slot_of(key)] == address

    def _put_last(self, address: Address) -> None:
        self._known = sorted(self._known, key=address.__eq__)

    def _ask_around(self) -> None:
        if not self._asking.acquire(blocking=not self._places):
            return
        try:
            if self._doubtful or not self._places:
                self._doubtful = False  # first, so that a doubt meanwhile isn't lost
                self._places = self._said_by_any()
        except Failed:
            self._doubtful = True
            if not self._places:
                raise
        finally:
            self._asking.release()

    def _said_by_any(self) -> Places:
        started, failure = time.monotonic(), None
        for address in tuple(self._known):
            try:
                return self._said_by(address)
            except Failed as failed:
                failure = failed
                self._put_last(address)
            if time.monotonic() - started > ASKING_SECONDS:
                break
        raise failure or Failed("no Redis server is known", how="unreached")

    def _said_by(self, address: Address) -> Places:
        if self._kind == "sentinel":
            return read_master(self._ask(address, ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)))
        places, servers = read_slots(self._ask(address, ("CLUSTER", "SLOTS")), asked=address)
        # The given ones stay: names, behind which all servers may have been exchanged.
        self._known = list(dict.fromkeys((address, *servers, *self._given)))
        return places


def slot_of(key: bytes) -> int:
    """The slot of a key: a checksum of it, or of what stands in its first pair of braces."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS


def read_master(reply: Reply) -> Places:
    """The master's address from a Sentinel's answer."""
    if reply is None:
        raise Failed("the Sentinels know no master of this name", how="refused")
    try:
        host, port = reply
        return (Address(host.decode(), int(port)),)
    except (AttributeError, TypeError, ValueError):
        failed = Failed("a Sentinel names the master in a way that can't be read", how="refused")
    raise failed


def is_settled(reply: Reply, address: Address) -> bool:
    """Whether a Sentinel's answer to SENTINEL MASTER names this master, and no failover is under way."""
    try:
        state = dict(zip(reply[::2], reply[1::2], strict=True))
        named = Address(state[b"ip"].decode(), int(state[b"port"]))
        return named == address and b"failover_in_progress" not in state[b"flags"].split(b",")
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def read_slots(reply: Reply, *, asked: Address) -> tuple[Places, list[Address]]:
    """The master of each slot, and all servers, from an answer to CLUSTER SLOTS.

    It lists `[first slot, last slot, master, replica, …]`, a server as `[host, port, …]`; a server that doesn't
    know its own host leaves it empty, and is then where it was asked.
    """
    places: list[Address | None] = [None] * SLOTS
    servers: dict[Address, None] = {}
    try:
        for first, last, *nodes in reply:
            here = [Address(node[0].decode() if node[0] else asked.host, int(node[1])) for node in nodes]
            places[first : last + 1] = [here[0]] * (last + 1 - first)
            servers |= dict.fromkeys(here)
    except (AttributeError, IndexError, TypeError, ValueError):
        servers = {}
    if not servers or len(places) != SLOTS:
        raise Failed("the Redis cluster does not say which server has which slot", how="refused")
    return places, list(servers)
