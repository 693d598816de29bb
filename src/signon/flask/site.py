"""Where this application is, as its visitors see it: the base URL, addresses, cookie names, safe return paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from flask import Flask, Request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from signon.core.errors import OperatorError
from signon.core.http import add_query
from signon.core.values import is_loopback_host
from signon.flask.settings import Settings, origin_of

HOST_MARK = "signon_host"
"""Added to the query of the one redirect to the base URL's host: a proxy that rewrites Host can't make a loop."""
MAX_NEXT_CHARACTERS = 512
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+\Z")
_HIDDEN = re.compile(r"%(?:[01][0-9a-f]|7f|5c)", re.IGNORECASE)
"""Control characters and backslashes in an encoding that some later reader may undo."""
_COME_BACK = frozenset({"signon.sessions", "signon.token_hand_over", "signon.password"})
"""Routes of ours that neither start, end nor receive a sign-in: one may lead back to them."""
_DOT_SEGMENT = re.compile(r"/\.{1,2}(/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The application's own address, and what follows from it. Made once for each address: `site_at`."""

    base_url: str
    origin: str
    """Scheme, host and port as browsers write them."""
    host: str
    """The host name alone, in lower case."""
    prefix: str
    """The path before every route: "" or "/app"."""
    secure: bool
    """Whether it is served over https."""
    session_cookie: str
    """`__Host-` ties a cookie to this host (RFC 6265bis 4.1.3.2). Plain http on loopback can't have that, and
    cookies are shared by all ports of a host: there the name has the port."""
    transaction_cookie: str
    """Before the name of a sign-in's cookie."""
    same_site: str
    """Of every cookie of ours: `Lax`, or `None` for a frontend on another site."""

    def path(self, path: str) -> str:
        """A path of the application as the browser must ask for it."""
        return self.prefix + path

    def url(self, path: str) -> str:
        """The absolute address of a path of the application."""
        return self.base_url + path


@lru_cache(maxsize=64)
def site_at(base_url: str, same_site: str = "Lax") -> Site:
    """The site of a checked base URL without a slash at its end."""
    parts = urlsplit(base_url)
    secure = parts.scheme == "https"
    session_cookie = "__Host-signon" if secure else f"signon-{parts.port or 80}"
    return Site(
        base_url=base_url,
        origin=origin_of(base_url),
        host=parts.hostname or "",
        prefix=parts.path,
        secure=secure,
        session_cookie=session_cookie,
        transaction_cookie="__Host-" if secure else f"{session_cookie}-",
        same_site=same_site,
    )


def find_site(settings: Settings, request: Request) -> Site:
    """The base URL of the settings, else the request's own origin on loopback; any other host is refused."""
    if settings.base_url is not None:
        return site_at(settings.base_url, settings.cookie_same_site)
    host = host_name(request.host)
    if not is_loopback_host(host):
        raise OperatorError(
            "base_url_missing",
            f"the request is for the host {host[:100]!r}, which is not this machine: set SIGNON_BASE_URL to the"
            " address that visitors use, such as https://app.example.org",
            status=400,
        )
    return site_at(request.url_root.rstrip("/"))


def host_name(host: str) -> str:
    """The name in a Host header, in lower case, without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).strip("[]").lower()


def other_host_redirect(site: Site, request: Request) -> str | None:
    """Where to send a sign-in that was begun on another host name than the base URL's; once, by a mark."""
    if site.host == host_name(request.host) or HOST_MARK in request.args or request.method != "GET":
        return None
    query = request.query_string.decode("latin-1")
    target = site.url(quote(request.path)) + (f"?{query}" if query else "")
    return add_query(target, {HOST_MARK: "1"})


def safe_next(app: Flask, site: Site, text: str | None) -> str | None:
    """A return path as given, or None where it is anything but a plain path of this application.

    Refused: other origins in every spelling (`//`, backslashes, control characters, schemes), dot segments,
    over-long ones, and routes of ours, which start, end or receive a sign-in.
    """
    text = "".join(c if c.isascii() else quote(c, errors="replace") for c in text or "")
    path, _, _query = text.partition("?")
    if not path.startswith("/") or len(text) > MAX_NEXT_CHARACTERS or not _PLAIN.match(text):
        return None
    plain = unquote(path)
    if "//" in plain or _DOT_SEGMENT.search(plain) or _HIDDEN.search(text):
        return None
    return None if _is_ours(app, plain.removeprefix(site.prefix)) else text


def _is_ours(app: Flask, path: str, *, tidied: bool = False) -> bool:
    try:
        endpoint, _ = app.url_map.bind("localhost").match(path, method="GET")
    except RequestRedirect as redirect:  # to a tidier spelling of some route, which may be one of ours
        return tidied or _is_ours(app, unquote(urlsplit(redirect.new_url).path), tidied=True)
    except HTTPException:
        return False
    return str(endpoint).startswith("signon.") and endpoint not in _COME_BACK
