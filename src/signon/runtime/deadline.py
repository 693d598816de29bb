"""What one exchange with a provider may take: seconds in all, and bytes. Held wherever the socket is touched.

An HTTP library's timeouts count each wait by itself, so a peer that sends a byte now and then holds a worker
for as long as it likes. Here every look-up, write and read gets only what is left of the whole.
"""

from __future__ import annotations

import io
import socket
import threading
from http.client import BadStatusLine, HTTPResponse
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Address: TypeAlias = "tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]"
_INFORMATIONAL = range(100, 200)


class TooMuch(Exception):
    """The peer sent more bytes than the exchange may take."""


class Budget(threading.local):
    """What is left for the exchange that this thread is in. A thread has one exchange at a time."""

    ends_at = 0.0
    bytes_left = 0

    def open(self, *, seconds: float, size: int) -> None:
        """Begin an exchange: its whole time from now, and the bytes it may receive, headers included."""
        self.ends_at = monotonic() + seconds
        self.bytes_left = size

    def seconds_left(self) -> float:
        """Seconds until the deadline, always above 0 (a socket takes 0 for "don't wait"); else `TimeoutError`."""
        left = self.ends_at - monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def spend(self, size: int) -> None:
        """Count received bytes; `TooMuch` past the limit."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise TooMuch


class BudgetedReader(io.RawIOBase):
    """The receiving half of a socket, where each read waits for no longer than the budget has left."""

    def __init__(self, sock: socket.socket, *, hold: io.RawIOBase, budget: Budget) -> None:
        """`hold` is the socket's own reader: closing it tells the socket that nobody reads any more."""
        self._sock = sock
        self._hold = hold
        self._budget = budget

    def readable(self) -> bool:
        """True: the only direction there is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Receive once."""
        self._sock.settimeout(self._budget.seconds_left())
        size = self._sock.recv_into(buffer)
        self._budget.spend(size)
        return size

    def close(self) -> None:
        """Let go of the socket."""
        self._hold.close()
        super().close()


class StrictResponse(HTTPResponse):
    """An answer read within a budget, whose status line and header fields must be what they ought to be."""

    def __init__(self, sock: socket.socket, *, budget: Budget, method: str | None = None) -> None:
        super().__init__(sock, method=method)
        hold = self.fp.detach()
        self.fp = io.BufferedReader(BudgetedReader(sock, hold=hold, budget=budget))

    def begin(self) -> None:
        """Read the head; `BadStatusLine` for one that others would read differently (RFC 9112 2.2, 5).

        A final answer may follow an informational one that nobody asked for (RFC 9110 15.2): on a kept-alive
        connection it would be taken for the answer to the next request.
        """
        super().begin()
        if self.status in _INFORMATIONAL or self.msg.defects or self.msg.get_payload():
            # urllib3 would only log such fields, with their text.
            raise BadStatusLine("")


def resolve(host: str, port: int, *, seconds: float) -> list[Address]:
    """The addresses of a host, within so many seconds: else `TimeoutError` or `socket.gaierror`.

    The system's look-up can't be interrupted, so it gets a thread that is left behind if it takes too long.
    New connections are rare enough for that.
    """
    answers: SimpleQueue[list[Address] | OSError] = SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as problem:
            answers.put(problem)
        except UnicodeError:  # a label that no name can have, such as an empty one
            answers.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))
        else:
            answers.put([(family, address) for family, _, _, _, address in found])

    threading.Thread(target=look_up, name="signon-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def connect(host: str, port: int, *, budget: Budget, seconds: float) -> socket.socket:
    """A connection to the first address that answers, each tried for `seconds` at most, all within the budget."""
    problem: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for family, address in resolve(host, port, seconds=budget.seconds_left()):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(min(seconds, budget.seconds_left()))
            sock.connect(address)
            sock.settimeout(min(seconds, budget.seconds_left()))  # for the TLS handshake
        except OSError as failure:
            sock.close()
            problem = failure
        else:
            return sock
    raise problem
