"""Let scripts of listed origins (`SIGNON_CORS_ORIGINS`) read what they ask for, with cookies: CORS (Fetch 3.2).

An origin is on the list as it is written, or it isn't: nothing is ever reflected, and there is no `*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import partial, wraps
from typing import ParamSpec

from flask import Blueprint, Response, after_this_request

from signon.core.errors import SuspectError
from signon.flask.state import application, state, the_request

P = ParamSpec("P")
OWN_HEADERS = "X-CSRF, Content-Type"
"""What scripts send to our own endpoints beside what any page may send."""
PREFLIGHT_SECONDS = 600
"""How long a browser may go by a preflight's answer."""
_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1024}\Z")


def shared(
    view: Callable[P, Response], *, methods: Collection[str], any_header: bool = False
) -> Callable[P, Response]:
    """The view, which answers preflights itself, and whose answers and refusals listed origins may read: of their
    headers all with `any_header`, else the usual ones (Fetch 3.2.3).

    Its route must have the method OPTIONS, and no automatic options.
    """

    @wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> Response:
        after_this_request(partial(allow_origin, any_header=any_header))
        if the_request().method == "OPTIONS":
            return _options(methods, any_header=any_header)
        return view(*args, **kwargs)

    return answered


def add_shared(
    routes: Blueprint,
    path: str,
    endpoint: str,
    view: Callable[..., Response],
    *,
    methods: Collection[str] = ("GET",),
) -> None:
    """Add a route whose view is shared."""
    view = shared(view, methods=methods)
    routes.add_url_rule(path, endpoint, view, methods=[*methods, "OPTIONS"], provide_automatic_options=False)


def allow_origin(response: Response, *, any_header: bool = False) -> Response:
    """Say whether the page that asks may read this answer; caches must not give it to others."""
    response.vary.add("Origin")
    origin = the_request().headers.get("Origin")
    if origin is not None and origin in state().settings.cors_origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        if any_header:
            response.headers["Access-Control-Expose-Headers"] = ", ".join(dict(response.headers))
    return response


def _options(methods: Collection[str], *, any_header: bool) -> Response:
    """What may be asked here. A preflight of an origin that is not listed is refused: `cross_site`, 403."""
    asked = the_request().headers
    response = application().response_class(status=204)
    response.headers["Allow"] = ", ".join(sorted({*methods, "OPTIONS"}))
    if "Access-Control-Request-Method" not in asked:
        return response
    if asked.get("Origin") not in state().settings.cors_origins:
        raise SuspectError("cross_site", "a page of an origin that is not listed asks what it may do", status=403)
    wanted = asked.get("Access-Control-Request-Headers", "")
    response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(methods))
    response.headers["Access-Control-Allow-Headers"] = (
        wanted if any_header and _NAMES.match(wanted) else OWN_HEADERS
    )
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response
