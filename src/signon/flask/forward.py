"""The views of API routes: a request of a script goes on to a backend, and its answer comes back, in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from flask import Request, Response, after_this_request
from werkzeug.wsgi import get_input_stream

from signon.core.errors import PersonError, SignOnError, SuspectError
from signon.core.values import Secret
from signon.flask.crosssite import check_fetch, check_unsafe
from signon.flask.current import current_login, load_session
from signon.flask.guards import not_signed_in
from signon.flask.service_tokens import service_token
from signon.flask.state import application, memo, site, state, the_request
from signon.runtime.stream import PIECE_BYTES, Answer, Upload
from signon.service.proxy import Asked, Credential, Route, check_method, forward

NEW_SECONDS = 30.0
"""How old a token must be for another to be fetched when a backend refuses it: it may refuse every one."""
LINGER_BYTES = 1 << 20
_SAFE = frozenset({"GET", "HEAD"})
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_LENGTH = re.compile(r"[0-9]{1,18}\Z")
"""RFC 9110 8.6, and no more than a number of 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTokens:
    """Where the access tokens of a route come from: `signon.service.proxy.Tokens` of the current request."""

    credential: Credential
    provider: str | None
    scope: tuple[str, ...]
    audience: str | None

    def current(self) -> Secret | None:
        """The token for this request. Raises what `current_login` and `service_token` raise."""
        if self.credential == "none":
            return None
        session = load_session()
        if session is None:
            raise not_signed_in()
        if self.credential == "own":
            return Secret(service_token(self.provider, scope=self.scope, audience=self.audience))
        if session.login.person.provider != self.provider:
            raise PersonError(
                "proxy_other_provider", f"this API takes only tokens of {self.provider}, who signed nobody in here"
            )
        return Secret(current_login.access_token())

    def newer(self) -> Secret | None:
        """The person's, refreshed; not right after it was: a backend may refuse every one."""
        session = load_session()
        tokens = session.tokens if session is not None and self.credential == "user" else None
        if tokens is None or tokens.refresh_token is None:
            return None
        if state().party.clock() - (tokens.issued_at or 0) < NEW_SECONDS:
            return None
        current_login.refresh()
        return Secret(current_login.access_token())


def forwarded(route: Route, tokens: RequestTokens) -> Response:
    """The view of a route: what the backend answers, or why it is not asked."""
    upload = _upload(the_request())
    try:
        return _passed_on(_ask(route, tokens, upload))
    except SignOnError:
        _take_in(upload)
        raise


def _ask(route: Route, tokens: RequestTokens, upload: Upload | None) -> Answer:
    asked, here = the_request(), site()
    check_fetch(asked, here, state().settings)
    after_this_request(partial(_allow, route))
    check_method(route, asked.method)
    if asked.method not in _SAFE:
        check_unsafe(asked, here, state().settings)
    memo()["provider"] = tokens.provider
    return forward(route, _asked(asked, here.prefix, upload), tokens)


def _take_in(upload: Upload | None) -> None:
    """Read some of what is left of a refused body: else servers close the connection, and the refusal is lost."""
    left = LINGER_BYTES
    with suppress(SuspectError):
        for piece in upload.pieces if upload is not None else ():
            left -= len(piece)
            if left <= 0:
                return


def _allow(route: Route, response: Response) -> Response:
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(sorted(route.methods))
    return response


def _asked(request: Request, root: str, upload: Upload | None) -> Asked:
    environ = request.environ
    return Asked(
        method=request.method,
        root=root,
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        query=request.query_string,
        raw_target=environ.get("RAW_URI") or environ.get("REQUEST_URI"),
        headers=tuple(request.headers.items()),
        upload=upload,
        address=request.remote_addr,
    )


def _upload(request: Request) -> Upload | None:
    """The body of a request, whose end must be clear (RFC 9112 6.3). What says where it is is read as it was sent:
    of a length that is none werkzeug makes 0, and servers look for chunks alone.
    """
    environ = request.environ
    length, coding = environ.get("CONTENT_LENGTH", ""), environ.get("HTTP_TRANSFER_ENCODING")
    if not length and coding is None:
        return None
    if coding is None:
        if not _LENGTH.match(length):
            raise SuspectError(
                "proxy_header_refused", "the length of the body is no number", section="RFC 9110 8.6"
            )
        return Upload(pieces=_pieces(request, int(length)), length=int(length))
    if coding.strip().lower() != "chunked":
        raise SuspectError("proxy_header_refused", "a body in that transfer coding is not passed on")
    if not environ.get("wsgi.input_terminated"):
        raise SuspectError("proxy_length_missing", "this server takes a body only with its length", status=411)
    return Upload(pieces=_pieces(request, None), length=None)


def _pieces(request: Request, length: int | None) -> Iterator[bytes]:
    """The body as it comes in, in pieces, to its end: a part of it must not pass for the whole."""
    stream, left = get_input_stream(request.environ), length
    while left is None or left > 0:
        try:
            piece = stream.read(PIECE_BYTES if left is None else min(left, PIECE_BYTES))
        except Exception:  # noqa: BLE001 - each server has errors of its own for chunks that are none
            raise _broken_off() from None
        if not piece:
            break
        yield piece
        left = None if left is None else left - len(piece)
    if left:
        raise _broken_off()


def _broken_off() -> SuspectError:
    return SuspectError("proxy_body_broken", "the browser broke off in its request, or sent it in broken pieces")


def _passed_on(answer: Answer) -> Response:
    """The backend's answer, whose body is read when the server sends it."""
    has_body = the_request().method != "HEAD" and answer.status not in _WITHOUT_BODY
    if not has_body:
        answer.body.drain()
    response = application().response_class(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    response.headers.extend(answer.headers)
    if has_body and answer.length is not None:
        response.headers["Content-Length"] = str(answer.length)
    return response
