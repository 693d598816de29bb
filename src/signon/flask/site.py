"""Where this application is, as its visitors see it: the base URL, addresses, cookie names, safe return paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from flask import Flask, Request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from signon.core.errors import OperatorError
from signon.core.http import add_query
from signon.core.values import is_loopback_host
from signon.flask.settings import Settings

HOST_MARK = "signon_host"
"""Added to the query of the one redirect to the base URL's host: a proxy that rewrites Host can't make a loop."""
MAX_NEXT_CHARACTERS = 512
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+\Z")
_HIDDEN = re.compile(r"%(?:[01][0-9a-f]|7f|5c)", re.IGNORECASE)
"""Control characters and backslashes in an encoding that some later reader may undo."""
_DOT_SEGMENT = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The application's own address for one request."""

    base_url: str

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def secure(self) -> bool:
        """Whether it is served over https."""
        return self.base_url.startswith("https:")

    @property
    def cookie_prefix(self) -> str:
        """Before the name of each cookie of ours (RFC 6265bis 4.1.3.2); not for plain http on loopback."""
        return "__Host-" if self.secure else ""

    @property
    def session_cookie(self) -> str:
        """The session cookie's name. Cookies are shared by all ports of a host, so on loopback it has the port."""
        return "__Host-signon" if self.secure else f"signon-{urlsplit(self.base_url).port or 80}"

    def path(self, path: str) -> str:
        """A path of the application as the browser must ask for it."""
        return urlsplit(self.base_url).path + path

    def url(self, path: str) -> str:
        """The absolute address of a path of the application."""
        return self.base_url + path


def find_site(settings: Settings, request: Request) -> Site:
    """The base URL of the settings, else the request's own origin on loopback; any other host is refused."""
    if settings.base_url is not None:
        return Site(base_url=settings.base_url)
    host = urlsplit(request.host_url).hostname or ""
    if not is_loopback_host(host):
        raise OperatorError(
            "base_url_missing",
            f"the request is for the host {host[:100]!r}, which is not this machine: set SIGNON_BASE_URL to the"
            " address that visitors use, such as https://app.example.org",
            status=400,
        )
    return Site(base_url=request.url_root.rstrip("/"))


def other_host_redirect(site: Site, request: Request) -> str | None:
    """Where to send a sign-in that was begun on another host name than the base URL's; once, by a mark."""
    ours, theirs = urlsplit(site.base_url).hostname, urlsplit(request.host_url).hostname
    if ours == theirs or HOST_MARK in request.args or request.method != "GET":
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
    if "//" in path or _DOT_SEGMENT.search(path) or _HIDDEN.search(text):
        return None
    return None if _is_ours(app, site, unquote(path)) else text


def _is_ours(app: Flask, site: Site, path: str) -> bool:
    inside = path.removeprefix(urlsplit(site.base_url).path)
    try:
        endpoint, _ = app.url_map.bind("localhost").match(inside, method="GET")
    except RequestRedirect:
        return True  # to a tidier spelling of some route, which may be one of ours
    except HTTPException:
        return False
    return str(endpoint).startswith("signon.")
