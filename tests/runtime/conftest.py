from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from signon.runtime.document import Document

Handler = Callable[[socket.socket, "Server"], None]


class Server:
    """A loopback server that does to each connection what its handler says, and counts."""

    def __init__(self, handler: Handler, *, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        self._handler = handler
        self._context = context
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def url(self, path: str = "/token", *, host: str = "localhost") -> str:
        return f"{'https' if self._context else 'http'}://{host}:{self.port}{path}"

    def read_request(self, connection: socket.socket) -> bytes:
        """One whole request, b"" at the end of the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while len(body) < sum(lengths):
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def stop(self) -> None:
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._start(self._handle, connection)

    def _handle(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._context is None:
                self._handler(connection, self)
                return
            with self._context.wrap_socket(connection, server_side=True) as wrapped:
                self._handler(wrapped, self)


def answer(body: bytes = b"{}", *, status: str = "200 OK", fields: str = "") -> bytes:
    """A plain answer with a length."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def always(data: bytes) -> Handler:
    """The same bytes for each request, on a connection that stays open."""

    def handle(connection: socket.socket, server: Server) -> None:
        while server.read_request(connection):
            connection.sendall(data)

    return handle


def once(data: bytes) -> Handler:
    """The bytes for the first request, then the end of the connection."""

    def handle(connection: socket.socket, server: Server) -> None:
        server.read_request(connection)
        connection.sendall(data)

    return handle


def drip(head: bytes, tail: bytes) -> Handler:
    """`head` at once and then `tail`, over and over, a byte every 20 ms."""

    def handle(connection: socket.socket, server: Server) -> None:
        server.read_request(connection)
        connection.sendall(head)
        while True:
            for byte in tail:
                if server.stopped.wait(0.02):
                    return
                connection.sendall(bytes([byte]))

    return handle


@pytest.fixture(name="answer")
def _answer() -> Callable[..., bytes]:
    return answer


@pytest.fixture(name="always")
def _always() -> Callable[[bytes], Handler]:
    return always


@pytest.fixture(name="once")
def _once() -> Callable[[bytes], Handler]:
    return once


@pytest.fixture(name="drip")
def _drip() -> Callable[[bytes, bytes], Handler]:
    return drip


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(handler: Handler, *, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(handler, context=context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


class Source:
    """Hands out a new object each time, living 1,000 s, or the failure set; can be held up in mid-flight."""

    def __init__(self) -> None:
        self.calls = 0
        self.failure: Exception | None = None
        self.entered = threading.Event()
        """Set by flights in other threads than the test's own."""
        self.gate = threading.Event()
        self.gate.set()
        self.thread = self._home = threading.current_thread()

    def __call__(self) -> tuple[list[int], float]:
        self.calls += 1
        self.thread = threading.current_thread()
        if self.thread is not self._home:
            self.entered.set()
        assert self.gate.wait(5)
        if self.failure is not None:
            raise self.failure
        return [self.calls], 1000.0

    def landed(self) -> None:
        """Wait for the flight that was begun in the background."""
        assert self.entered.wait(5)
        self.thread.join(5)
        self.entered.clear()


def in_one_flight(
    kept: Document[list[int]], source: Source, work: Callable[[], object], *, meanwhile: Callable[[], object] = int
) -> list[object]:
    """What `work` returns to, or raises in, each of eight threads that meet while one of them is fetching."""
    source.gate.clear()
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - the test says which
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    pause = threading.Event()
    while (flight := kept._flight) is None or len(flight._condition._waiters) < 7:
        pause.wait(0.005)
    meanwhile()
    source.gate.set()
    for thread in threads:
        thread.join(5)
    assert len(results) == 8
    return results


@pytest.fixture(name="in_one_flight")
def _in_one_flight() -> Callable[..., list[object]]:
    return in_one_flight


@pytest.fixture
def now() -> list[float]:
    """The time, to be moved on by the test."""
    return [50_000.0]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(source: Source, now: list[float]) -> Document[list[int]]:
    return Document(source, name="jwks", provider="x", clock=lambda: now[0])
