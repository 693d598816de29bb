"""Which requests act at once, by what the browser says of where they come from (Fetch Metadata, Origin).

The provider-facing routes are exempt and named in `EXEMPT`; each has rules of its own.
"""

from __future__ import annotations

from typing import Literal

from flask import Request

from signon.core.errors import SuspectError
from signon.flask.settings import Settings
from signon.flask.site import Site

EXEMPT = ("callback",)
"""Routes that a provider sends browsers or requests to; they can't come from our own pages."""

_OWN = frozenset({"same-origin", "none"})


def check_unsafe(request: Request, site: Site, settings: Settings) -> None:
    """Refuse an unsafe method that does not come from this origin's own pages: `cross_site`, 403."""
    origin, where = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if where is None:
        fine = origin == site.origin
    else:
        from_list = origin in settings.cors_origins and request.headers.get("X-CSRF") == "1"
        fine = where in _OWN or from_list
    if not fine:
        raise SuspectError("cross_site", "another site has sent this request", status=403)


def is_speculative(request: Request) -> bool:
    """Whether a browser or a link checker only looks ahead: nothing may start or end."""
    return request.method == "HEAD" or "Sec-Purpose" in request.headers


def judge_login(request: Request) -> Literal["start", "ask"]:
    """Whether a GET of the login route starts a sign-in, or gets a page with one button; else `cross_site`."""
    if is_speculative(request) or request.headers.get("Sec-Fetch-Dest", "document") != "document":
        raise SuspectError("cross_site", "a sign-in starts only where a person goes to its page", status=403)
    return "start" if request.headers.get("Sec-Fetch-Site", "none") in _OWN else "ask"


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


def wants_page(request: Request) -> bool:
    """Whether a person is looking: a navigation, or without Fetch Metadata a GET that asks for HTML by name."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")
