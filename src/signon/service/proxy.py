"""Pass requests of a page on to an API, and its answers back: what a backend for a frontend is for
(OAuth 2.0 for Browser-Based Apps, 6.1.2.3).

One route leads from one path prefix to one address of one backend. The browser has no say in where a request goes,
and sends along only what is listed here; what it may not have stays here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeAlias

from signon.core.errors import SuspectError
from signon.core.http import HttpRequest
from signon.core.values import Secret
from signon.runtime.stream import Answer, Upload, Upstream
from signon.service.proxy_address import backend_url, own_location
from signon.service.proxy_headers import answer_headers, request_headers

Credential: TypeAlias = Literal["user", "own", "none"]
"""Whose access token a backend gets: the person's, the application's own, or nobody's."""
IDLE_SECONDS = 60.0
MAX_BODY_BYTES = 100 << 20
REPEATABLE_BYTES = 64 * 1024
"""A body up to this size is held until the answer is there, so that the request can be sent again."""
_UNAUTHORIZED = 401
_LOCATIONS = frozenset({"location", "content-location"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What may be asked of one backend. Neither path nor address has a slash at its end."""

    prefix: str
    to: str
    methods: frozenset[str]
    upstream: Upstream = field(repr=False)
    credential: Credential = "user"
    headers: frozenset[str] = frozenset()
    """Names of request headers, in lower case, that go on beside the usual ones."""
    max_body_bytes: int = MAX_BODY_BYTES


class Tokens(Protocol):
    """The access tokens of one request. Both may raise."""

    def current(self) -> Secret | None:
        """The one that a backend gets, None for none."""
        ...

    def newer(self) -> Secret | None:
        """Another one, now that a backend has refused that; None where there is none to be had."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of a page, as it came in."""

    method: str
    root: str
    """The path that the application is served below."""
    path: str
    """What comes after that, decoded."""
    query: bytes
    raw_target: str | None
    """What stood in the first line, in servers that tell."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    upload: Upload | None
    address: str | None
    """Where it came from: an IP address."""


def check_method(route: Route, method: str) -> None:
    """Refuse what this route does not offer: `proxy_method_refused`, 405."""
    if method not in route.methods:
        raise SuspectError("proxy_method_refused", "this API is not offered with that method", status=405)


def forward(route: Route, asked: Asked, tokens: Tokens) -> Answer:
    """Ask the backend, and give its answer as the page may have it; its body is still to be read, or closed.

    Where the backend answers 401, and the body was small enough to be held, the request is sent once more with a
    newer token, if there is one. Raises `SuspectError` (`proxy_path_refused`, `proxy_address_too_long`,
    `proxy_header_refused`, `proxy_headers_too_large`, `proxy_body_too_large`), what `tokens` raise, and
    `backend_…` as `Upstream.send`.
    """
    url = backend_url(asked.path, asked.query, raw=asked.raw_target, prefix=route.prefix, to=route.to)
    headers = request_headers(asked.headers, more=route.headers, address=asked.address)
    request = HttpRequest(method=asked.method, url=url, document="backend", headers=headers)
    upload, repeatable = _held(_limited(asked.upload, route.max_body_bytes))
    answer = route.upstream.send(_bearing(request, tokens.current()), upload)
    if answer.status == _UNAUTHORIZED and repeatable:
        answer = _once_more(route, request, upload, answer=answer, tokens=tokens)
    return _for_the_page(answer, asked=request.url, to=route.to, prefix=asked.root + route.prefix)


def _bearing(request: HttpRequest, token: Secret | None) -> HttpRequest:
    if token is None:
        return request
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {token.reveal()}"})


def _limited(upload: Upload | None, limit: int) -> Upload | None:
    """The body, which ends with an error where it is longer than the route takes (413)."""
    if upload is None or (upload.length is not None and upload.length <= limit):
        return upload
    if upload.length is not None:
        raise _too_large()
    return replace(upload, pieces=_counted(upload, limit))


def _counted(upload: Upload, left: int) -> Iterator[bytes]:
    for piece in upload.pieces:
        left -= len(piece)
        if left < 0:
            raise _too_large()
        yield piece


def _too_large() -> SuspectError:
    return SuspectError("proxy_body_too_large", "the body is longer than this API is offered with", status=413)


def _held(upload: Upload | None) -> tuple[Upload | None, bool]:
    """The body, and whether it can be sent twice: it can where there is none, or a small one."""
    if upload is None or upload.length is None or upload.length > REPEATABLE_BYTES:
        return upload, upload is None
    return replace(upload, pieces=(b"".join(upload.pieces),)), True


def _once_more(
    route: Route, request: HttpRequest, upload: Upload | None, *, answer: Answer, tokens: Tokens
) -> Answer:
    try:
        newer = tokens.newer()
    except BaseException:
        answer.body.close()
        raise
    if newer is None:
        return answer
    answer.body.close()
    return route.upstream.send(_bearing(request, newer), upload)


def _for_the_page(answer: Answer, **route: str) -> Answer:
    try:
        headers = answer_headers(answer.headers)
    except BaseException:
        answer.body.close()
        raise
    return replace(
        answer,
        headers=tuple(
            (name, own_location(value, **route) if name in _LOCATIONS else value) for name, value in headers
        ),
    )
