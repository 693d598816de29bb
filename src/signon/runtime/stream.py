"""Requests and answers that pass through in pieces, for the API proxy: whatever their size, memory stays the same.

No wait is longer than `idle_seconds`, and there is no total: a download may take an hour. Nothing is sent twice.
"""

from __future__ import annotations

import itertools
import os
import select
import ssl
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from signon.core.errors import ProviderError
from signon.core.http import HttpRequest
from signon.runtime.deadline import Budget, StrictResponse, connect
from signon.runtime.failure import failure
from signon.runtime.transport import tls_context

CONNECT_SECONDS = 5.0
PIECE_BYTES = 64 * 1024
_KEPT_CONNECTIONS = 32
_KEPT_SECONDS = 50.0
"""A connection idle for longer isn't used again: load balancers forget one after 60, some without a word."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Without a body these say so (RFC 9110 8.6)."""
_PLAIN_FRAMING = frozenset({"", "chunked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The body of a request. `length` in bytes; None where nobody knows it yet."""

    pieces: Iterable[bytes]
    length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The head of an answer, header names in lower case and repeats kept, and its body, still to come."""

    status: int
    headers: tuple[tuple[str, str], ...]
    length: int | None
    """Bytes of the body, None where that ends when it ends."""
    body: Download


class Download:
    """The body of an answer, in pieces as they arrive. Whoever has it must read it to its end, or close it.

    Raises `backend_timeout`, `backend_unreachable` and so on where it breaks off: never a shorter body.
    """

    def __init__(self, response: HTTPResponse, connection: _Connection, *, upstream: Upstream) -> None:
        self._response = response
        self._connection: _Connection | None = connection
        self._upstream = upstream

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._connection is None:
            raise StopIteration
        try:
            piece = self._response.read1(PIECE_BYTES)
            if not piece and self._response.length:
                raise IncompleteRead(b"")
        except (HTTPException, OSError) as error:
            problem = self._upstream.failure(error)
        else:
            if piece:
                return piece
            self._end(self._connection, whole=not self._response.will_close)
            raise StopIteration
        self.close()
        raise problem  # here, so that the library's error doesn't hang on as its context: that quotes fields

    def drain(self) -> None:
        """Read what nobody wants: mostly nothing, and then the connection can be used again."""
        deque(self, maxlen=0)

    def close(self) -> None:
        """Let go of the connection, which can't be used again where the body was not read to its end."""
        if self._connection is not None:
            self._end(self._connection, whole=False)

    def _end(self, connection: _Connection, *, whole: bool) -> None:
        self._connection = None
        self._response.close()
        if whole:
            self._upstream.keep(connection)
        else:
            connection.close()


class Upstream:
    """The connections to one backend that this process keeps. Fork safe, and safe for threads."""

    def __init__(self, base_url: str, *, ca_file: str | None = None, idle_seconds: float) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = parts.scheme == "https"
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._idle = _Idle(idle_seconds)
        self._kept: dict[int, list[_Connection]] = {}
        self._origin = f"{parts.scheme}://{parts.netloc}"
        weakref.finalize(self, _close_all, self._kept)

    def send(self, request: HttpRequest, upload: Upload | None = None) -> Answer:
        """Send a request to this backend, and read the head of its answer. A redirect is an answer too.

        `request.body` is not looked at: `upload` has it. Codes: `backend_unreachable`, `backend_timeout`,
        `backend_tls_failed`, `backend_not_http`, and `ca_file_unreadable`; and what `upload` raises.
        """
        connection = self._connection()
        try:
            connection.send_all(request, upload)
            response = connection.getresponse()
            _check_framing(response)
        except (HTTPException, OSError) as error:
            problem = self.failure(error)
        except BaseException:  # also of those who send: half a request is on the line
            connection.close()
            raise
        else:
            return Answer(
                status=response.status,
                headers=tuple((name.lower(), value) for name, value in response.getheaders()),
                length=response.length,
                body=Download(response, connection, upstream=self),
            )
        connection.close()
        raise problem

    def keep(self, connection: _Connection) -> None:
        """Take a connection back whose answer was read to its end."""
        kept = self._kept.setdefault(os.getpid(), [])
        connection.used_at = monotonic()
        if connection.is_clean and len(kept) < _KEPT_CONNECTIONS:
            kept.append(connection)
        else:
            connection.close()

    def failure(self, error: Exception) -> ProviderError:
        """The error for what went wrong, in our words."""
        return failure(error, request=HttpRequest(method="", url=self._origin, document="backend"))

    def _connection(self) -> _Connection:
        kept = self._kept.setdefault(os.getpid(), [])
        with suppress(IndexError):  # another thread may take the last one
            while True:
                connection = kept.pop()
                if connection.is_usable():
                    return connection
                connection.close()
        if self._tls:
            self._context = self._context or tls_context(self._ca_file)
        return _Connection(self._host, self._port, idle=self._idle, context=self._context)


def _close_all(kept: dict[int, list[_Connection]]) -> None:
    for connection in itertools.chain.from_iterable(kept.values()):
        connection.close()


class _Idle(Budget):
    """What is left for each wait by itself: always the same. Bytes are not counted."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def seconds_left(self) -> float:
        return self._seconds

    def spend(self, size: int) -> None:
        pass


class _Connection(HTTPConnection):
    """A connection to a backend. It is clean as long as every request was sent to its end."""

    def __init__(self, host: str, port: int | None, *, idle: _Idle, context: ssl.SSLContext | None) -> None:
        self.default_port = 80 if context is None else 443
        super().__init__(host, port)
        self.used_at = 0.0
        self.is_clean = True
        self._idle = idle
        self._context = context
        self.response_class: Any = partial(StrictResponse, budget=idle)

    def connect(self) -> None:
        sock = connect(self.host, self.port, budget=_Idle(CONNECT_SECONDS), seconds=CONNECT_SECONDS)
        if self._context is not None:
            sock = self._context.wrap_socket(sock, server_hostname=self.host)
        sock.settimeout(self._idle.seconds_left())
        self.sock = sock

    def is_usable(self) -> bool:
        """Whether it is neither idle for long nor closed by the backend, which would show as something to read."""
        waiting = select.poll()
        waiting.register(self.sock, select.POLLIN)
        return monotonic() - self.used_at < _KEPT_SECONDS and not waiting.poll(0)

    def send_all(self, request: HttpRequest, upload: Upload | None) -> None:
        """Send head and body. A backend that answers before it has read all of that is heard."""
        parts = urlsplit(request.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.putrequest(request.method, path, skip_accept_encoding=True)
        for name, value in request.headers.items():
            self.putheader(name, value)
        chunked = upload is not None and upload.length is None
        if chunked:
            self.putheader("Transfer-Encoding", "chunked")
        elif upload is not None or request.method in _WITH_BODY:
            self.putheader("Content-Length", str(upload.length if upload is not None else 0))
        self.endheaders()
        for piece in upload.pieces if upload is not None else ():
            if piece and not self._send_piece(b"%X\r\n%b\r\n" % (len(piece), piece) if chunked else piece):
                return
        if chunked:
            self._send_piece(b"0\r\n\r\n")

    def _send_piece(self, piece: bytes) -> bool:
        self.sock.settimeout(self._idle.seconds_left())
        try:
            self.sock.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            self.is_clean = False
        return self.is_clean


def _check_framing(response: HTTPResponse) -> None:
    """Demand that all who read an answer agree where it ends: by one length, by chunks, or with the connection
    (RFC 9112 6.3).
    """
    lengths = response.headers.get_all("content-length", [])
    framing = response.headers.get("transfer-encoding", "").strip().lower()
    one = framing in _PLAIN_FRAMING and len(lengths) + (framing != "") <= 1
    if not one or not all(length.isascii() and length.isdigit() for length in lengths):
        response.close()
        raise BadStatusLine("")
