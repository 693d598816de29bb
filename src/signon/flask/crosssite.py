"""Which requests act at once, by what the browser says of where they come from (Fetch Metadata, Origin).

The provider-facing routes are exempt and named in `EXEMPT`; each has rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, cast

from flask import Blueprint, Flask, Request, after_this_request
from flask.typing import RouteCallable

from signon.core.errors import SuspectError
from signon.flask.cors import allow_origin
from signon.flask.settings import Settings
from signon.flask.site import Site
from signon.flask.state import the_request

EXEMPT = ("callback", "backchannel_logout", "frontchannel_logout", "initiate")
"""Routes that a provider sends browsers or requests to; they can't come from our own pages."""

_OWN = frozenset({"same-origin", "none"})


def check_unsafe(request: Request, site: Site, settings: Settings) -> None:
    """Refuse an unsafe method that does not come from this origin's own pages: `cross_site`, 403."""
    origin, where = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if where is None:
        fine = origin == site.origin
    else:
        fine = where in _OWN or (origin in settings.cors_origins and is_fetch(request))
    if not fine:
        raise SuspectError("cross_site", "another site has sent this request", status=403)


def is_fetch(request: Request) -> bool:
    """Whether a script has sent this that may: no other site's can send this header without our leave."""
    return request.environ.get("HTTP_X_CSRF") == "1"


def check_fetch(request: Request, site: Site, settings: Settings, *, origin_will_do: bool = False) -> None:
    """Refuse what no script of this origin or a listed one has sent: `cross_site`, `csrf_header_missing`, 403.

    `origin_will_do` is for scripts that don't know the header: those of listed origins, and of this one where a
    reverse proxy serves a frontend under the same host.
    """
    origin, where = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    listed = origin in settings.cors_origins
    own = origin in {None, site.origin} if where is None else where in _OWN
    if not own and not listed:
        raise SuspectError("cross_site", "another site has sent this request", status=403)
    if not is_fetch(request) and not (origin_will_do and (listed or _is_own_script(request))):
        raise SuspectError("csrf_header_missing", "a script must send the header X-CSRF: 1 here", status=403)


def _is_own_script(request: Request) -> bool:
    """Whether a script of this origin asks by the browser's word, and no link, form or picture of a page here.
    A script's GET of its own origin has no Origin to go by (Fetch 3.1).
    """
    sent = request.environ
    return (
        sent.get("HTTP_SEC_FETCH_SITE") == "same-origin"
        and sent.get("HTTP_SEC_FETCH_DEST") == "empty"
        and sent.get("HTTP_SEC_FETCH_MODE") in {"cors", "same-origin"}
    )


def is_speculative(request: Request) -> bool:
    """Whether a browser or a link checker only looks ahead: nothing may start or end."""
    return request.method == "HEAD" or "HTTP_SEC_PURPOSE" in request.environ


def judge_login(request: Request) -> Literal["start", "ask"]:
    """Whether a GET of the login route starts a sign-in, or gets a page with one button; else `cross_site`."""
    sent = request.environ  # and not the headers: to find that one is missing costs those an exception
    if is_speculative(request) or sent.get("HTTP_SEC_FETCH_DEST", "document") != "document":
        raise SuspectError("cross_site", "a sign-in starts only where a person goes to its page", status=403)
    return "start" if sent.get("HTTP_SEC_FETCH_SITE", "none") in _OWN else "ask"


def is_own_navigation(request: Request) -> bool:
    """Whether a GET is a person's click on a page of ours, and nothing else."""
    wanted = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    return not is_speculative(request) and all(request.headers.get(k) == v for k, v in wanted.items())


def is_foreign_post(request: Request, site: Site) -> bool:
    """Whether a POST comes from another site's page, so that it arrives without our cookies."""
    where, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if where is not None:
        return where not in _OWN
    return origin is not None and origin != site.origin


def is_own_post(request: Request, site: Site) -> bool:
    """Whether a POST comes from a page of ours for certain: without Fetch Metadata the Origin must say so."""
    where = request.headers.get("Sec-Fetch-Site")
    return request.headers.get("Origin") == site.origin if where is None else where in _OWN


def wants_page(request: Request) -> bool:
    """Whether a person is looking: a navigation, but not of a frame in another site's page; without Fetch Metadata
    a GET that asks for HTML by name.
    """
    if is_fetch(request):
        return False
    sent = request.environ
    mode = sent.get("HTTP_SEC_FETCH_MODE")
    if mode is None:
        return "text/html" in request.headers.get("Accept", "")
    is_whole = sent.get("HTTP_SEC_FETCH_DEST", "document") == "document"
    return mode == "navigate" and (is_whole or sent.get("HTTP_SEC_FETCH_SITE") in _OWN)


def keep_to_ourselves(app: Flask, settings: Settings) -> None:
    """Let pages of other sites only lead to our routes, and not load them: as a picture, a frame, a prefetch, or
    by a script. They could read nothing, but that one was loaded tells whether somebody is signed in.
    """
    for endpoint, view in tuple(app.view_functions.items()):
        room, _, name = endpoint.partition(".")
        if room == "signon" and not name.startswith(EXEMPT):
            app.view_functions[endpoint] = _kept(view, settings)


def _kept(view: RouteCallable, settings: Settings) -> RouteCallable:
    """The view, for whole pages and our own scripts. Around it, since Flask takes seven calls more to get to a
    function of `before_request`.
    """

    @wraps(view)
    def kept(*args: Any, **kwargs: Any) -> Any:
        sent = the_request().environ
        where, mode = sent.get("HTTP_SEC_FETCH_SITE"), sent.get("HTTP_SEC_FETCH_MODE")
        if where is not None and where not in _OWN and mode is not None:
            is_page = mode == "navigate" and sent.get("HTTP_SEC_FETCH_DEST", "document") == "document"
            is_listed = mode == "cors" and sent.get("HTTP_ORIGIN") in settings.cors_origins
            if not is_page and not is_listed:
                after_this_request(allow_origin)
                raise SuspectError("cross_site", "another site's page loads this into itself", status=403)
        return view(*args, **kwargs)

    return kept


def exempt_from_flask_wtf(app: Flask, routes: Blueprint) -> None:
    """Routes of ours have a stricter rule; this runs before Flask-WTF looks, whoever came first."""

    @routes.url_value_preprocessor
    def exempt(_endpoint: str | None, _values: object) -> None:
        protection = app.extensions.get("csrf")
        if protection is not None:
            cast("Callable[[Blueprint], object]", protection.exempt)(routes)
