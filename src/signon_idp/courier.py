"""Sending logout tokens in the background: a few workers, a bounded queue, one try each."""

import http.client
import json
import socket
import ssl
from collections import deque
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, Full, Queue
from threading import Condition, Thread, Timer
from urllib.parse import urlencode, urlsplit

_WORKERS = 4
_WAITING = 1000
_REMEMBERED = 20_000
_TIMEOUT_SECONDS = 5.0
_MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A logout token on its way to a client's `backchannel_logout_uri`."""

    client_id: str
    uri: str
    logout_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutDelivery:
    """What became of one: the HTTP status, None without an answer.

    `error` is the code in the client's answer (OIDC Back-Channel Logout 1.0, 2.8), or why there is none:
    `timeout`, `unreachable`, `queue_full`.
    """

    client_id: str
    uri: str
    status: int | None
    error: str = ""


class Courier:
    """Delivers letters from daemon threads, which start with the first letter and end with `close`."""

    def __init__(self, *, timeout_seconds: float = _TIMEOUT_SECONDS, waiting: int = _WAITING) -> None:
        """At most `waiting` letters wait; each may take `timeout_seconds` to connect, and again to be answered."""
        self._timeout_seconds = timeout_seconds
        self._letters: Queue[Letter | None] = Queue(waiting)
        self._changed = Condition()
        self._under_way = 0
        self._threads: list[Thread] = []
        self._done: deque[LogoutDelivery] = deque(maxlen=_REMEMBERED)
        self._closed = False

    def send(self, letter: Letter) -> None:
        """Deliver `letter` some time soon; a full queue drops it and says so among the deliveries."""
        with self._changed:
            if self._closed:
                return
            self._under_way += 1
            self._start()
            try:
                self._letters.put_nowait(letter)
            except Full:
                self._keep(letter, None, "queue_full")

    def deliveries(self) -> tuple[LogoutDelivery, ...]:
        """Those that have been made or given up, in the order of their ends."""
        with self._changed:
            return tuple(self._done)

    def wait(self, seconds: float) -> tuple[LogoutDelivery, ...]:
        """The deliveries, once none is under way; TimeoutError when one still is after so many `seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._under_way, timeout=seconds):
                raise TimeoutError(f"{self._under_way} logout tokens are still under way")
            return tuple(self._done)

    def close(self) -> None:
        """Send nothing any more; what waits is thrown away."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            with suppress(Empty):
                while True:
                    self._letters.get_nowait()
                    self._under_way -= 1
            self._letters.put_nowait(None)
            self._changed.notify_all()

    def _start(self) -> None:
        if not self._threads:
            self._threads = [Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]
            for thread in self._threads:
                thread.start()

    def _work(self) -> None:
        while (letter := self._letters.get()) is not None:
            status, error = _post(letter, self._timeout_seconds)
            self._keep(letter, status, error)
        # The end is handed on to the next worker.
        self._letters.put(None)

    def _keep(self, letter: Letter, status: int | None, error: str) -> None:
        with self._changed:
            self._done.append(
                LogoutDelivery(client_id=letter.client_id, uri=letter.uri, status=status, error=error)
            )
            self._under_way -= 1
            self._changed.notify_all()


def _post(letter: Letter, timeout_seconds: float) -> tuple[int | None, str]:
    """Status and error code of the client's answer; redirects are not followed."""
    late: list[bool] = []
    try:
        with closing(_connection(letter.uri, timeout_seconds)) as connection:
            connection.connect()
            # Its timeout is for one step alone: an answer that drips would hold a worker for good.
            watch = Timer(timeout_seconds, partial(_hang_up, connection.sock, late))
            watch.daemon = True
            watch.start()
            try:
                outcome = _exchange(connection, letter)
            finally:
                watch.cancel()
            # A body that was cut off ends as if it were whole.
            return (None, "timeout") if late else outcome
    except (OSError, http.client.HTTPException, ValueError) as error:
        # A TLS socket that was hung up on may be a ValueError, and so is an address that cannot be written.
        return None, "timeout" if late or isinstance(error, TimeoutError) else "unreachable"


def _connection(uri: str, timeout_seconds: float) -> http.client.HTTPConnection:
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=timeout_seconds)
    # Whom this computer trusts: SSL_CERT_FILE names an authority of one's own.
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(host, parts.port, timeout=timeout_seconds, context=context)


def _exchange(connection: http.client.HTTPConnection, letter: Letter) -> tuple[int, str]:
    parts = urlsplit(letter.uri)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
    connection.request("POST", path, urlencode({"logout_token": letter.logout_token}), headers)
    answer = connection.getresponse()
    return answer.status, _error_code(answer.read(_MAX_ANSWER_BYTES))


def _hang_up(connected: socket.socket, late: list[bool]) -> None:
    late.append(True)
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _error_code(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    return error if isinstance(error, str) else ""
