"""Browsers without a screen: raw kept-alive sockets, a cookie jar each, redirects followed by hand.

They send no Sec-Fetch headers, as a plain HTTP client does, and cost little, because they share the
machine with what is measured.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIMEOUT_SECONDS = 30
REDIRECTS = 5
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LOCATION = re.compile(rb"\r\nlocation: *([^\r]+)", re.IGNORECASE)
SET_COOKIE = re.compile(rb"\r\nset-cookie: *([^=\r]+)=([^;\r]*)([^\r]*)", re.IGNORECASE)
DELETED = re.compile(rb"max-age=0|1970", re.IGNORECASE)


class Failed(Exception):
    """A sign-in or a page did not end as it must; says where."""


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes


class Connection:
    """A connection to one origin (`http://host:port`), opened at first use and kept."""

    def __init__(self, origin: str, context: ssl.SSLContext | None = None) -> None:
        self.address = urlsplit(origin)
        self.context = context
        self.socket: socket.socket | None = None

    def request(self, target: str, *, method: str = "GET", cookies: str = "") -> Answer:
        if self.socket is None:
            self.socket = self.open()
        cookie = f"Cookie: {cookies}\r\n" if cookies else ""
        length = "" if method == "GET" else "Content-Length: 0\r\n"
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.address.netloc}\r\n{cookie}{length}\r\n"
        try:
            self.socket.sendall(head.encode())
            return self.receive(self.socket)
        except (OSError, Failed):
            self.close()
            raise

    def open(self) -> socket.socket:
        host, port = self.address.hostname, self.address.port
        raw = socket.create_connection((host, port), timeout=TIMEOUT_SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.address.scheme == "https":
            assert self.context is not None
            return self.context.wrap_socket(raw, server_hostname=host)
        return raw

    def receive(self, connection: socket.socket) -> Answer:
        head, blank, body = b"", b"", b""
        while not blank:
            head, blank, body = (head + self.some(connection)).partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if length is None:
            raise Failed("an answer without Content-Length")
        while len(body) < int(length[1]):
            body += self.some(connection)
        return Answer(int(head[9:12]), head, body)

    @staticmethod
    def some(connection: socket.socket) -> bytes:
        data = connection.recv(65536)
        if not data:
            raise ConnectionResetError("closed before the answer was whole")
        return data

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class Browser:
    """One person's browser: a connection to the application, one to the provider, the application's cookies."""

    def __init__(self, application: str, provider: str, context: ssl.SSLContext | None) -> None:
        self.connections = {
            application: Connection(application),
            provider: Connection(provider, context),
        }
        self.application = application
        self.cookies: dict[str, str] = {}

    def get(self, url: str) -> Answer:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        target = url.removeprefix(origin)
        if origin != self.application:
            return self.connections[origin].request(target)
        answer = self.connections[origin].request(target, cookies=self.cookie_header())
        for name, value, attributes in SET_COOKIE.findall(answer.head):
            if DELETED.search(attributes):
                self.cookies.pop(name.decode(), None)
            else:
                self.cookies[name.decode()] = value.decode()
        return answer

    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self, login_path: str) -> None:
        """Login, provider, callback, /me, as a person never seen before."""
        self.cookies.clear()
        url = self.application + login_path
        for _ in range(REDIRECTS):
            answer = self.get(url)
            location = LOCATION.search(answer.head)
            if location is None:
                break
            target = location[1].decode()
            url = self.application + target if target.startswith("/") else target
        if not url.endswith("/me") or answer.status != 200 or not answer.body.startswith(b"Hello Person "):
            raise Failed(f"{urlsplit(url).path}: {answer.status} {answer.body[:100]!r}")

    def read(self, path: str, *, as_nobody: bool = False) -> None:
        """A page that must answer 200; `as_nobody` sends no cookie."""
        cookies = "" if as_nobody else self.cookie_header()
        answer = self.connections[self.application].request(path, cookies=cookies)
        if answer.status != 200:
            raise Failed(f"{path}: {answer.status} {answer.body[:100]!r}")


class Batch(NamedTuple):
    """How long `total` visits took, and what went wrong in those that failed."""

    seconds: float
    failures: list[str]


def drive(browsers: Sequence[Browser], visit: Callable[[Browser], None], total: int) -> Batch:
    """`total` visits, shared out among the browsers, which work at the same time."""
    tickets = iter(range(total))  # taken one by one under the interpreter's lock
    failures: list[str] = []

    def work(browser: Browser) -> None:
        for _ in tickets:
            try:
                visit(browser)
            except Exception as failure:  # noqa: BLE001 - a visit that ends in any other way than it must is counted
                failures.append(f"{type(failure).__name__}: {failure}")

    threads = [threading.Thread(target=work, args=(browser,), daemon=True) for browser in browsers]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Batch(time.perf_counter() - start, failures)
