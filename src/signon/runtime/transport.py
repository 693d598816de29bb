"""Requests to providers over kept-alive connections. The only module that knows urllib3.

One pool for each origin and one TLS context for each CA file serve the whole process: connecting anew costs
four kept-alive requests, and loading a bundle of CA certificates a hundred.

Nothing is ever sent twice: a request that may have reached the provider may have redeemed its code. A connection
that the provider closed while it was idle is noticed before anything is sent on it.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from http.client import HTTPException
from time import monotonic
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, ProxyManager, make_headers
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ProxyError
from urllib3.util import Retry, Timeout

from signon import __version__
from signon.core.errors import OperatorError, ProviderError, SignOnError
from signon.core.http import HttpRequest, HttpResponse
from signon.core.provider import Provider
from signon.core.values import url_problem
from signon.runtime.deadline import Budget, StrictResponse, TooMuch, connect
from signon.runtime.failure import failure, reason

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
MAX_BYTES = 1 << 20
"""A key set of 64 RSA keys with certificate chains is 600 KB; everything else is far smaller."""
_HEAD_BYTES = 1 << 18
"""Header fields and chunk framing on top of that."""
_KEPT_CONNECTIONS = 32
"""For each origin: as many as the threads of a worker, so that none connects anew."""
_IDLE_SECONDS = 50.0
"""A connection idle for longer isn't used again: load balancers forget one after 60, some without a word."""
_USER_AGENT = f"signon/{__version__}"
_ONCE = Retry(total=False, redirect=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A URL as a pool wants it."""

    scheme: str
    host: str
    port: int | None
    path: str


@lru_cache(maxsize=256)
def _target(url: str) -> _Target | None:
    """The parts of an address, None for one that must not be used. Cached: a provider has a handful of them."""
    if url_problem(url):
        return None
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return _Target(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, path=path)


class _Connection(HTTPConnection):
    """A connection whose every wait is limited by the budget of the exchange."""

    def __init__(self, *args: Any, budget: Budget, **options: Any) -> None:
        super().__init__(*args, **options)
        self._budget = budget
        self._used_at = 0.0
        self._unsent: list[bytes] | None = None
        self.response_class = partial(StrictResponse, budget=budget)  # type: ignore[assignment]  # is only called

    @property
    def is_connected(self) -> bool:
        """Whether it may be used again: not closed by the provider, and not idle for long."""
        return monotonic() - self._used_at < _IDLE_SECONDS and super().is_connected

    def _new_conn(self) -> socket.socket:
        try:
            return connect(self.host, self.port, budget=self._budget, seconds=self.timeout or CONNECT_SECONDS)
        except OSError as problem:
            raise NewConnectionError(self, "") from problem

    def _tunnel(self) -> None:
        super()._tunnel()
        self._limit()

    def _limit(self) -> None:
        self.sock.settimeout(self._budget.seconds_left())

    def request(self, *args: Any, **options: Any) -> None:
        """Send head and body in one piece: one packet, one TLS record, one system call."""
        self._unsent = []
        try:
            super().request(*args, **options)
            data = b"".join(self._unsent)
        finally:
            self._unsent = None
        self._used_at = monotonic()
        self.send(data)

    def send(self, data: Any) -> None:
        """Send within the budget, or keep for later while a request is being put together."""
        if self._unsent is not None:
            self._unsent.append(data)
            return
        if self.sock is None:
            self.connect()
        self._limit()
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class Transport:
    """Sends requests, each within its own total deadline, over connections that the process keeps.

    Fork safe: a connection is used only by the process that made it.
    """

    def __init__(
        self,
        *,
        ca_file: str | None = None,
        proxy: str | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._ca_file = ca_file
        self._proxy = proxy
        self._timeout = Timeout(connect=connect_seconds, read=total_seconds)
        self._total_seconds = total_seconds
        self._max_bytes = max_bytes
        self._budget = Budget()
        self._context: ssl.SSLContext | None = None
        self._pools: dict[tuple[int, str, str, int | None], HTTPConnectionPool] = {}

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send once and read the whole answer, whatever its status. Redirects are answers too.

        Codes, each after `<document>_`: `unreachable`, `timeout`, `tls_failed`, `not_http`, `too_large`,
        `encoding`, and of `OperatorError` `address_refused` and `request_invalid`; without the document
        `ca_file_unreadable` and `proxy_invalid`.
        """
        target = _target(request.url)
        if target is None:
            raise OperatorError(
                f"{request.document}_address_refused",
                f"the address of the {request.document} endpoint {url_problem(request.url)}",
            )
        seconds = self._total_seconds if request.total_seconds is None else request.total_seconds
        self._budget.open(seconds=seconds, size=self._max_bytes + _HEAD_BYTES)
        try:
            return self._exchange(self._pool(target), target.path, request)
        except TooMuch:
            problem: SignOnError = ProviderError(
                f"{request.document}_too_large", f"the {request.document} endpoint sent more than any answer needs"
            )
        except (HTTPError, HTTPException, OSError) as error:
            problem = failure(error, request=request, at_proxy=isinstance(error, ProxyError))
        except ValueError:
            problem = OperatorError(
                f"{request.document}_request_invalid",
                f"the {request.document} request has a malformed header field; see to the provider's `headers`",
            )
        # Raised here and not above, where the library's error would hang on as its context: that quotes fields.
        raise problem

    def _exchange(self, pool: HTTPConnectionPool, path: str, request: HttpRequest) -> HttpResponse:
        response = pool.urlopen(
            request.method,
            path,
            body=request.body,
            headers={"User-Agent": _USER_AGENT, **request.headers, "Accept-Encoding": "identity"},
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            headers = {name.lower(): value for name, value in response.headers.itermerged()}
            _check_encoding(headers, document=request.document)
            body = self._read(cast("HTTPResponse", response))
        except BaseException as problem:
            response.close()
            response.release_conn()
            if isinstance(problem, ValueError) and not isinstance(problem, HTTPError):
                raise HTTPException from None  # a chunk of negative size
            raise
        return HttpResponse(status=response.status, headers=headers, body=body)

    def _read(self, response: HTTPResponse) -> bytes:
        limit = self._max_bytes
        if (response.length_remaining or 0) > limit:
            raise TooMuch
        body = part = response.read(limit + 1)
        while part and len(body) <= limit and not response.isclosed():
            part = response.read(limit + 1 - len(body))
            body += part
        if len(body) > limit:
            raise TooMuch
        return body

    def _pool(self, target: _Target) -> HTTPConnectionPool:
        origin = (os.getpid(), target.scheme, target.host, target.port)
        return self._pools.get(origin) or self._pools.setdefault(origin, self._new_pool(target))

    def _new_pool(self, target: _Target) -> HTTPConnectionPool:
        connections: Callable[..., HTTPConnection]
        options: dict[str, Any] = {"timeout": self._timeout, "maxsize": _KEPT_CONNECTIONS, "block": False}
        if target.scheme == "http":
            # The host is this machine. A proxy elsewhere would see the request in the clear.
            pool, connections = HTTPConnectionPool(target.host, target.port, **options), _Connection
        else:
            self._context = options["ssl_context"] = self._context or tls_context(self._ca_file)
            connections = _TlsConnection
            if self._proxy is None:
                pool = HTTPSConnectionPool(target.host, target.port, **options)
            else:
                pool = _proxies(self._proxy, options).connection_from_host(target.host, target.port, "https")
        pool.ConnectionCls = partial(connections, budget=self._budget)  # type: ignore[assignment]  # is only called
        return pool


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """What TLS with a provider demands; costly to make. `OperatorError` (`ca_file_unreadable`)."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as problem:
        raise OperatorError(
            "ca_file_unreadable", f"the CA file {ca_file!r} can't be read ({reason(problem)})"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _proxies(proxy: str, options: dict[str, Any]) -> ProxyManager:
    parts = urlsplit(proxy)
    if parts.scheme != "http" or not parts.hostname:
        raise OperatorError("proxy_invalid", "the proxy must be an address like http://proxy.example:3128")
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    login = f"{unquote(user)}:{unquote(password)}" if user else None
    headers = make_headers(proxy_basic_auth=login)
    return ProxyManager(f"http://{parts.netloc.rpartition('@')[2]}", proxy_headers=headers, **options)


def _check_encoding(headers: dict[str, str], *, document: str) -> None:
    """Demand the plain body that was asked for (RFC 9110 12.5.3): a packed one would pass the limit unseen."""
    if (
        headers.get("content-encoding", "identity").strip().lower() != "identity"
        or headers.get("transfer-encoding", "chunked").strip().lower() != "chunked"
    ):
        raise ProviderError(
            f"{document}_encoding", f"the {document} endpoint sent an encoded body, which was not asked for"
        )


_TRANSPORTS: dict[tuple[str | None, str | None], Transport] = {}


def transport_for(provider: Provider) -> Transport:
    """The process's one transport for this provider's CA file and proxy."""
    key = (provider.ca_file, provider.proxy)
    return _TRANSPORTS.get(key) or _TRANSPORTS.setdefault(key, Transport(ca_file=key[0], proxy=key[1]))
