"""Commands to one or several Redis servers: on connections that are kept, to the server that has the key.

A command is sent a second time, once, where the server closed the connection instead of answering: it had been
restarted, or had tired of waiting for us. What was sent may have been done, so every command is one that may be
done twice. After a silence nothing is repeated. A server that couldn't be reached, or sends us away, did nothing:
the same command goes to whoever has its place now.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol

from signon.core.errors import StoreUnavailable
from signon.sessions.redis_scripts import Command, in_full
from signon.sessions.redis_topology import ASKING_SECONDS, Failed, Reply, Topology
from signon.sessions.redis_url import Address

UNCONFIRMED = "store_unconfirmed"
WAIT_MILLISECONDS = 800
"""How long a replica has for saying that it has what was saved; less than a command has."""
_DIRECTIONS = 4
"""How often one command is sent elsewhere: in a cluster that is being changed it may be twice."""


class Line(Protocol):
    """A connection to one server."""

    def call(self, *commands: Command) -> list[Reply]:
        """Send commands at once, read their answers, raise the first that is a refusal as `Failed`."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Servers:
    """Sends commands. Safe for threads and forks; nothing is connected before it is needed.

    `connect` gives a new connection or raises `Failed`. With `replicas` what is `saved` counts as done once so
    many have it. A master that has none online, as after a failover, goes on alone while the others confirm it.
    """

    def __init__(
        self, *, connect: Callable[[Address], Line], topology: Callable[[], Topology], replicas: int
    ) -> None:
        self._connect = connect
        self._new_topology = topology
        self._replicas = replicas
        self._begin()

    def call(self, key: bytes, command: Command, *, again: Command | None = None, saved: bool = False) -> Reply:
        """The answer to a command about this key; `again` is what to send the second time, where that differs.

        Raises `StoreUnavailable`; `store_unconfirmed` where the server has it, and no replica says so.
        """
        if self._pid != os.getpid():
            self._begin()
        started = time.monotonic()
        try:
            try:
                return self._call(key, command, saved=saved, started=started)
            except Failed as failed:
                if failed.how != "closed":
                    raise
            return self._call(key, again or command, saved=saved, started=started)
        except Failed as failed:
            reason, code = str(failed), UNCONFIRMED if failed.code == UNCONFIRMED else "store_unavailable"
        raise StoreUnavailable(code, reason)

    def close(self) -> None:
        """Close the connections that nobody is using."""
        for address in tuple(self._idle):
            self._drop(address)

    def _begin(self) -> None:
        """Start with no connection. A child's copies of its parent's close without a word to the server."""
        self._idle: dict[Address, list[Line]] = {}
        self._topology = self._new_topology()
        self._pid = os.getpid()

    def _call(self, key: bytes, command: Command, *, saved: bool, started: float) -> Reply:
        address, asking = self._topology.find(key), False
        lasting = saved and self._replicas > 0
        for _ in range(_DIRECTIONS):
            try:
                return self._exchange(address, key, command, lasting=lasting, asking=asking)
            except Failed as failed:
                asking = failed.code == "ASK"
                elsewhere = self._topology.instead_of(address, key, failed)
                if elsewhere is None or time.monotonic() - started > ASKING_SECONDS:
                    raise
                address = elsewhere
        raise Failed("the servers of the Redis cluster don't agree who has the key", how="refused")

    def _exchange(self, address: Address, key: bytes, command: Command, *, lasting: bool, asking: bool) -> Reply:
        line = self._take(address)
        before: tuple[Command, ...] = (("ROLE",),) * lasting + (("ASKING",),) * asking
        try:
            try:
                replies = line.call(*before, command)
            except Failed as failed:
                if failed.code != "NOSCRIPT":
                    raise
                replies = line.call(*before, in_full(command))
            if lasting:
                self._make_last(line, address, key, role=replies[0])
        except Failed as failed:
            line.close()
            if failed.how == "closed":
                self._drop(address)  # a server that was restarted has closed them all
            raise
        self._idle.setdefault(address, []).append(line)
        return replies[-1]

    def _make_last(self, line: Line, address: Address, key: bytes, *, role: Reply) -> None:
        """Wait until enough replicas have what this connection wrote; `role` is what its server is."""
        if _has_replicas(role):
            (having,) = line.call(("WAIT", self._replicas, WAIT_MILLISECONDS))
            if having < self._replicas:
                raise Failed(
                    f"no replica of Redis at {address} confirmed what was saved", how="silent", code=UNCONFIRMED
                )
        elif not self._topology.confirms(address, key):
            raise Failed(
                f"Redis at {address} has no replica, and may be the master no longer",
                how="silent",
                code=UNCONFIRMED,
            )

    def _take(self, address: Address) -> Line:
        try:
            return self._idle[address].pop()
        except (KeyError, IndexError):
            return self._connect(address)

    def _drop(self, address: Address) -> None:
        """Close what is idle of one server."""
        for line in self._idle.pop(address, ()):
            line.close()


def _has_replicas(role: Reply) -> bool:
    """Whether a server is a master with a replica in step, by its answer to ROLE: `[b"master", offset, [[host,
    port, offset], …]]`. One that is loading its first copy is listed with the offset 0.
    """
    try:
        return role[0] == b"master" and any(int(offset) > 0 for _, _, offset in role[2])
    except (IndexError, TypeError, ValueError):
        return False
