"""Serving a provider from a background thread: cheroot, which keeps connections alive and speaks TLS."""

import logging
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server as CherootServer

from signon_idp.dialect import Dialect
from signon_idp.dialects import DIALECTS
from signon_idp.model import Client
from signon_idp.provider import Idp

_log = logging.getLogger("signon_idp.server")
_MAX_HEADER_BYTES = 256 * 1024
_MAX_BODY_BYTES = 256 * 1024
_TICK_SECONDS = 0.05
_THREADS = 12
_BACKLOG = 128


class Server(CherootServer):
    """A cheroot server that counts its connections and logs without printing requests."""

    def __init__(self, address: tuple[str, int], tls: tuple[str, str] | None) -> None:
        """Bind `address` at once, so that the port is known; `tls` is a certificate file and its key file.

        The application, which needs the port for its issuer, is set before `serve_in_background`.
        """
        super().__init__(address, wsgi_app=None, numthreads=_THREADS, timeout=60, shutdown_timeout=1)
        self.request_queue_size = _BACKLOG
        self.max_request_header_size = _MAX_HEADER_BYTES
        self.max_request_body_size = _MAX_BODY_BYTES
        self.expiration_interval = _TICK_SECONDS
        if tls is not None:
            self.ssl_adapter = BuiltinSSLAdapter(*tls)
        self.count_connection: Callable[[], None] = lambda: None
        self.ConnectionClass = _CountedConnection
        self._prepare_as_daemon()

    def _prepare_as_daemon(self) -> None:
        # Threads inherit being daemons: workers made here never keep a program alive that forgot to stop us.
        trouble: list[OSError] = []

        def prepare() -> None:
            try:
                self.prepare()
            except OSError as error:
                trouble.append(error)

        thread = Thread(target=prepare, daemon=True)
        thread.start()
        thread.join()
        if trouble:
            raise trouble[0]

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001, FBT002 - cheroot's own signature
        """Where cheroot reports trouble; the text names an exception, never a request."""
        _log.log(level, "%s", msg, exc_info=traceback)

    def serve_in_background(self) -> None:
        """Serve until `stop`, from a daemon thread."""
        Thread(target=self.serve, name=f"signon-idp-{self.bind_addr[1]}", daemon=True).start()


class _CountedConnection(HTTPConnection):
    def __init__(self, server: Server, *rest: Any) -> None:
        super().__init__(server, *rest)
        server.count_connection()


def find_dialect(name: str) -> Dialect:
    """The dialect of that name, or ValueError with the names that there are."""
    if name not in DIALECTS:
        raise ValueError(f"no dialect is called {name!r}; there are {', '.join(DIALECTS)}")
    return DIALECTS[name]


def start(
    *,
    dialect: str | Dialect = "oidc",
    host: str = "127.0.0.1",
    port: int = 0,
    path: str = "",
    clients: tuple[Client, ...] = (),
    tls: tuple[str, str] | None = None,
    now: Callable[[], float] = time.time,
    access_token_seconds: int | None = None,
    refresh_grace_seconds: float = 0.0,
) -> Idp:
    """Serve a provider from a background thread; use it as a context manager or call `stop()`.

    Port 0 takes a free one; `path` is the issuer's (`/tenant/a`), `tls` a certificate file and its key file; the
    times are those of `Idp`. Raises ValueError for an unknown dialect or a malformed path, OSError when the port
    is taken.
    """
    spoken = find_dialect(dialect) if isinstance(dialect, str) else dialect
    server = Server((host, port), tls)
    shown = f"[{host}]" if ":" in host else host
    origin = f"{'https' if tls else 'http'}://{shown}:{server.bind_addr[1]}"
    try:
        idp = Idp(
            dialect=spoken,
            origin=origin,
            path=path,
            clients=clients,
            now=now,
            access_token_seconds=access_token_seconds,
            refresh_grace_seconds=refresh_grace_seconds,
        )
        server.wsgi_app = idp.app
    except BaseException:
        server.stop()
        raise
    server.count_connection = idp.count_connection
    idp.server = server
    server.serve_in_background()
    return idp
