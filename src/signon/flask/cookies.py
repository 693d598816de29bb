"""Our cookies: the session's, and one for each sign-in under way."""

from __future__ import annotations

from flask import Request, Response, after_this_request
from werkzeug.http import parse_cookie

from signon.flask.site import Site
from signon.sessions.transactions import TRANSACTION_SECONDS, tx_started

MAX_TRANSACTIONS = 5
"""Sign-ins under way in one browser. A dozen would make headers that servers refuse on every page."""


def session_id(request: Request, site: Site) -> str | None:
    """The session cookie's value."""
    # Not `request.cookies`, which goes through all header fields to find this one: each page does it once.
    return parse_cookie(request.environ).get(site.session_cookie)


def set_session(response: Response, site: Site, value: str, *, max_age: int | None = None) -> None:
    """Give the browser its session id for `max_age` seconds, or as long as it runs; the store decides the rest."""
    _set(response, site, site.session_cookie, value, max_age=max_age)


def drop_session(response: Response, site: Site) -> None:
    """Take the session id back."""
    _set(response, site, site.session_cookie, "", max_age=0)


def transactions(request: Request, site: Site) -> dict[str, str]:
    """The cookies of this application's sign-ins under way, oldest first."""
    if "HTTP_COOKIE" not in request.environ:
        return {}
    mine = f"{site.transaction_cookie}signon-tx-"
    # A name that we delete goes into a header: one that somebody made up must not break it.
    found = {name: value for name, value in request.cookies.items() if name.startswith(mine) and name.isascii()}
    return dict(sorted(found.items(), key=lambda item: tx_started(item[0]) or 0))


def add_transaction(request: Request, response: Response, site: Site, *, name: str, value: str) -> None:
    """Remember a sign-in, and forget the oldest where there are too many."""
    _set(response, site, site.transaction_cookie + name, value, max_age=TRANSACTION_SECONDS)
    others = list(transactions(request, site))
    for old in others[: max(0, len(others) + 1 - MAX_TRANSACTIONS)]:
        drop_transaction(response, site, old)


def drop_transaction(response: Response, site: Site, name: str) -> None:
    """Forget a sign-in that has ended."""
    _set(response, site, name, "", max_age=0)


def keep_private() -> None:
    """The answer of this request depends on who asks: no cache may keep it or give it to others (RFC 9111 5.2)."""
    after_this_request(make_private)


def make_private(response: Response) -> Response:
    """Mark an answer as one person's own."""
    headers = response.headers
    headers["Cache-Control"] = "private, no-store"
    if headers.getlist("Vary"):  # asked like this, since `in` costs an exception where there is none
        response.vary.add("Cookie")
    else:  # the same, without parsing nothing into a set and writing it back
        headers.add("Vary", "Cookie")
    return response


def _set(response: Response, site: Site, name: str, value: str, *, max_age: int | None = None) -> None:
    # Values are base64url, so the line can be written as it is: werkzeug's writer costs six times as much.
    life = "" if max_age is None else f"; Max-Age={max_age}"
    secure = "; Secure" if site.secure else ""
    response.headers.add(
        "Set-Cookie", f"{name}={value}{life}; Path=/; HttpOnly; SameSite={site.same_site}{secure}"
    )
