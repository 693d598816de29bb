"""`SignOn.proxy`: scripts of this application's pages, and of listed origins, ask an API through it, with tokens
that they never see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import product
from typing import get_args

from flask import Blueprint, Flask, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from signon.core.errors import ConfigurationError
from signon.core.values import url_problem
from signon.flask import cors
from signon.flask.crosssite import exempt_from_flask_wtf
from signon.flask.forward import RequestTokens, forwarded
from signon.flask.state import KEY, State
from signon.runtime.stream import Upstream
from signon.service.proxy import IDLE_SECONDS, MAX_BODY_BYTES, Credential, Route
from signon.service.proxy_headers import name_problem

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""What a route may offer. No browser's script sends others that an API has a use for."""
_NOT_IN_A_PREFIX = frozenset("<>?#%\\ ")


def proxy(
    app: Flask,
    prefix: str,
    *,
    to: str,
    methods: Collection[str] = ("GET",),
    credential: Credential = "user",
    provider: str | None = None,
    scope: str = "",
    audience: str | None = None,
    headers: Collection[str] = (),
    ca_file: str | None = None,
    idle_seconds: float = IDLE_SECONDS,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> None:
    """Offer what is below `to`, at one backend, to scripts as paths below `prefix`; GET brings HEAD.

    `credential` is what the backend gets: the person's access token ("user"), the application's own ("own", with
    `scope` and `audience`), or "none", which needs no sign-in. `provider` names whose; it may be left out where
    there is one only. `headers` are names of request headers that go on beside the usual ones. Raises
    `ConfigurationError` with everything that is wrong.
    """
    found = _state(app)
    name = provider or (found.only_provider.name if found.only_provider is not None else None)
    tokens = RequestTokens(credential=credential, provider=name, scope=tuple(scope.split()), audience=audience)
    problems = [*_wrong_address(prefix, to), *_not_offered(methods, headers), *_wrong_tokens(tokens, found)]
    if problems:
        raise ConfigurationError(tuple(f"proxy({prefix!r}): {problem}" for problem in problems))
    route = Route(
        prefix=prefix,
        to=to.rstrip("/"),
        methods=frozenset({*methods, *(["HEAD"] if "GET" in methods else [])}),
        upstream=Upstream(to, ca_file=ca_file, idle_seconds=idle_seconds),
        headers=frozenset(name.lower() for name in headers),
        max_body_bytes=max_body_bytes,
    )
    _add(app, route, cors.shared(partial(forwarded, route, tokens), methods=route.methods, any_header=True))


def _state(app: Flask) -> State:
    found: State | None = app.extensions.get(KEY)
    if found is None:
        msg = "this application has no SignOn yet: call its init_app(app) before proxy(app, ...)"
        raise RuntimeError(msg)
    return found


def _wrong_address(prefix: str, to: str) -> Iterator[str]:
    plain = prefix.startswith("/") and "//" not in prefix and not set(prefix) & _NOT_IN_A_PREFIX
    if not plain or prefix.endswith("/"):
        yield "the prefix must be a path such as /api"
    wrong = url_problem(to, query=False)
    if wrong:
        yield f"the address of the backend {wrong}"


def _not_offered(methods: Collection[str], headers: Collection[str]) -> Iterator[str]:
    for method in sorted(set(methods).difference(METHODS)):
        yield f"the method {method!r} is none of {', '.join(METHODS)}"
    for name in headers:
        wrong = name_problem(name)
        if wrong:
            yield f"the header {name!r} {wrong}"


def _wrong_tokens(tokens: RequestTokens, found: State) -> Iterator[str]:
    known = get_args(Credential)
    if tokens.credential not in known:
        yield f"the credential {tokens.credential!r} is none of {', '.join(known)}"
    elif tokens.credential != "none" and tokens.provider not in found.party.providers:
        yield f"provider must name one of {', '.join(found.party.providers)}"


class _Rest(BaseConverter):
    """Whatever comes after a prefix, to be judged by us: werkzeug's own would tidy some of it up first."""

    regex = r"[\s\S]*?"
    part_isolating = False
    weight = 300


def _add(app: Flask, route: Route, view: Callable[[], Response]) -> None:
    """A route for every method there is, and web sockets: what isn't offered gets our refusal, with its code."""
    routes = Blueprint(f"signon_proxy_{len(app.blueprints)}", "signon.flask")

    @routes.record
    def add(_setup: BlueprintSetupState) -> None:
        app.url_map.converters.setdefault("signon_rest", _Rest)
        endpoint = f"{routes.name}.forwarded"
        paths = (route.prefix, f"{route.prefix}/<signon_rest:_rest>")
        for path, websocket in product(paths, (False, True)):
            rule = app.url_rule_class(path, endpoint=endpoint, websocket=websocket)
            rule.provide_automatic_options = False  # type: ignore[attr-defined]  # Flask sets and reads it, undeclared
            app.url_map.add(rule)
        app.view_functions[endpoint] = lambda **_rest: view()

    exempt_from_flask_wtf(app, routes)
    app.register_blueprint(routes)
