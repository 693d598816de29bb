"""`SignOn.proxy`: scripts of this application's pages, and of listed origins, ask an API through it, with tokens
that they never see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import get_args
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, Response, after_this_request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter
from werkzeug.wsgi import get_input_stream

from signon.core.errors import ConfigurationError, PersonError, SuspectError
from signon.core.values import Secret, url_problem
from signon.flask import cors
from signon.flask.crosssite import check_fetch, check_unsafe, exempt_from_flask_wtf
from signon.flask.current import current_login, load_session
from signon.flask.guards import not_signed_in
from signon.flask.service_tokens import service_token
from signon.flask.state import KEY, State, application, memo, site, state, the_request
from signon.runtime.stream import PIECE_BYTES, Answer, Upload, Upstream
from signon.service.proxy import (
    IDLE_SECONDS,
    MAX_BODY_BYTES,
    Asked,
    Credential,
    Route,
    check_method,
    forward,
)
from signon.service.proxy_headers import name_problem

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""What a route may offer. No browser's script sends others that an API has a use for."""
NEW_SECONDS = 30.0
"""How old a token must be for another to be fetched when a backend refuses it: it may refuse every one."""
_SAFE = frozenset({"GET", "HEAD"})
_WITHOUT_BODY = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tokens:
    """Where the access tokens of a route come from."""

    credential: Credential
    provider: str | None
    scope: tuple[str, ...]
    audience: str | None

    def get(self, newer: bool) -> Secret | None:  # noqa: FBT001 - the one argument of a `Token`, which says what it is
        """The token for this request. Raises what `current_login` and `service_token` raise."""
        if self.credential == "none":
            return None
        session = load_session()
        if session is None:
            raise not_signed_in()
        if self.credential == "own":
            found = service_token(self.provider, scope=self.scope, audience=self.audience)
            return None if newer else Secret(found)
        if session.login.person.provider != self.provider:
            raise PersonError(
                "proxy_other_provider", f"this API takes only tokens of {self.provider}, who signed nobody in here"
            )
        tokens = session.tokens
        if newer:
            is_new = tokens is None or state().party.clock() - (tokens.issued_at or 0) < NEW_SECONDS
            if tokens is None or tokens.refresh_token is None or is_new:
                return None
            current_login.refresh()
        return Secret(current_login.access_token())


class _Rest(BaseConverter):
    """Whatever comes after a prefix, to be judged by us: werkzeug's own would tidy some of it up first."""

    regex = r"[\s\S]*?"
    part_isolating = False
    weight = 300


def proxy(  # noqa: PLR0913 - each is one sentence of what a backend is offered
    app: Flask,
    prefix: str,
    *,
    to: str,
    methods: Iterable[str] = ("GET",),
    token: Credential = "user",
    provider: str | None = None,
    scope: str | Iterable[str] = (),
    audience: str | None = None,
    headers: Collection[str] = (),
    ca_file: str | None = None,
    idle_seconds: float = IDLE_SECONDS,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> None:
    """Offer what is below `to`, at one backend, to scripts as paths below `prefix`; GET brings HEAD.

    `token` is what the backend gets: the person's access token ("user"), the application's own ("own", with
    `scope` and `audience`), or "none", which needs no sign-in. `provider` names whose; it may be left out where
    there is one only. `headers` are names of request headers that go on beside the usual ones. Each request must
    bear `X-CSRF: 1`. Raises `ConfigurationError` with everything that is wrong.
    """
    found: State | None = app.extensions.get(KEY)
    if found is None:
        msg = "this application has no SignOn yet: call its init_app(app) before proxy(app, ...)"
        raise RuntimeError(msg)
    offered = frozenset(methods)
    only = found.only_provider
    named = provider or (only.name if only is not None else None)
    problems = [
        *_address_problems(prefix, to),
        *(f"method {name!r} is none of {', '.join(METHODS)}" for name in sorted(offered.difference(METHODS))),
        *(f"header {name!r} {why}" for name in headers if (why := name_problem(name)) is not None),
        *([] if token in get_args(Credential) else [f"token {token!r} is none of user, own, none"]),
        *([] if token == "none" or named in found.party.providers else ["provider must be the name of one"]),  # noqa: S105 - a kind of token, and no token
    ]
    if problems:
        raise ConfigurationError(tuple(f"proxy({prefix!r}): {problem}" for problem in problems))
    route = Route(
        prefix=prefix,
        to=to.rstrip("/"),
        methods=offered | {"HEAD"} if "GET" in offered else offered,
        upstream=Upstream(to, ca_file=ca_file, idle_seconds=idle_seconds),
        headers=frozenset(name.lower() for name in headers),
        max_body_bytes=max_body_bytes,
    )
    words = tuple(scope.split() if isinstance(scope, str) else scope)
    tokens = _Tokens(credential=token, provider=named, scope=words, audience=audience)
    _add(app, route, cors.shared(partial(_forward, route, tokens), methods=route.methods, any_header=True))


def _address_problems(prefix: str, to: str) -> Iterator[str]:
    if not prefix.startswith("/") or prefix.endswith("/") or set(prefix) & set("<>?#%\\ ") or "//" in prefix:
        yield "the prefix must be a path such as /api"
    wrong = url_problem(to, query=False)
    if wrong:
        yield f"the address of the backend {wrong}"


def _add(app: Flask, route: Route, view: Callable[[], Response]) -> None:
    """A route for every method there is: those that aren't offered get our refusal, with its code."""
    routes = Blueprint(f"signon_proxy_{len(app.blueprints)}", "signon.flask")

    @routes.record
    def add(setup: BlueprintSetupState) -> None:
        app.url_map.converters.setdefault("signon_rest", _Rest)
        endpoint = f"{routes.name}.forward"
        for path in (route.prefix, f"{route.prefix}<signon_rest:_rest>"):
            rule = app.url_rule_class(path, endpoint=endpoint, methods=None, merge_slashes=False)
            rule.provide_automatic_options = False  # type: ignore[attr-defined]  # Flask sets and reads it, undeclared
            app.url_map.add(rule)
        app.view_functions[endpoint] = lambda **_rest: view()

    exempt_from_flask_wtf(app, routes)
    app.register_blueprint(routes)


def _forward(route: Route, tokens: _Tokens) -> Response:
    asked, here = the_request(), site()
    check_fetch(asked, here, state().settings)
    after_this_request(partial(_allow, route))
    check_method(route, asked.method)
    if asked.method not in _SAFE:
        check_unsafe(asked, here, state().settings)
    memo()["provider"] = tokens.provider
    return _passed_on(forward(route, _asked(asked, here.prefix), tokens.get), asked.method)


def _allow(route: Route, response: Response) -> Response:
    if response.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(route.methods))
    return response


def _asked(request: Request, root: str) -> Asked:
    environ = request.environ
    return Asked(
        method=request.method,
        root=root,
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        query=request.query_string,
        raw_target=environ.get("RAW_URI") or environ.get("REQUEST_URI"),
        headers=tuple(request.headers.items()),
        upload=_upload(request),
        address=request.remote_addr,
    )


def _upload(request: Request) -> Upload | None:
    length = request.content_length
    if length is None and "Transfer-Encoding" not in request.headers:
        return None
    if length is None and not request.environ.get("wsgi.input_terminated"):
        raise SuspectError("proxy_length_missing", "this server takes a body only with its length", status=411)
    return Upload(pieces=_pieces(request, length), length=length)


def _pieces(request: Request, length: int | None) -> Iterator[bytes]:
    """The body as it comes in, in pieces, to its end: a part of it must not pass for the whole."""
    stream, left = get_input_stream(request.environ), length
    while left is None or left > 0:
        try:
            piece = stream.read(PIECE_BYTES if left is None else min(left, PIECE_BYTES))
        except (OSError, HTTPException):
            raise _broken_off() from None
        if not piece:
            break
        yield piece
        left = None if left is None else left - len(piece)
    if left:
        raise _broken_off()


def _broken_off() -> SuspectError:
    return SuspectError("proxy_body_broken", "the browser broke off in its request")


def _passed_on(answer: Answer, method: str) -> Response:
    """The backend's answer, whose body is read when the server sends it."""
    if method == "HEAD" or answer.status in _WITHOUT_BODY:
        answer.body.drain()
    response = application().response_class(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    response.headers.extend(answer.headers)
    if answer.length is not None and method != "HEAD" and answer.status not in _WITHOUT_BODY:
        response.headers["Content-Length"] = str(answer.length)
    return response
