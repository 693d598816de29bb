"""Where a request of a page goes on a backend: its path is judged decoded, and written anew from that."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote, urljoin

from signon.core.errors import SuspectError

MAX_ADDRESS_CHARACTERS = 8192
"""Of path and query together: as much as servers take."""
_IN_PATH = "/!$&'()*+,;=:@-._~"
"""What stays as it is in a path (RFC 3986 3.3)."""
_IN_QUERY = _IN_PATH + "?%"
_DOTS = re.compile(r"/\.{1,2}(?:[/;]|\Z)")
_LEADS_OUT = "has a dot segment, which leads out of the API"
_TRICKS = (
    (re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]"), "has a control character in it, or is not UTF-8"),
    (re.compile(r"\\"), "has a backslash in it"),
    (re.compile(r"%[0-9A-Fa-f]{2}"), "is encoded twice"),
    (re.compile(r"//"), "has an empty segment, where a host's name could stand"),
    (_DOTS, _LEADS_OUT),
    (re.compile(r"\A/[^/]*@|:(?:/|\Z)"), "has user information or a scheme in it, as addresses of hosts have"),
)
"""What may not be in a path after the prefix, and why: two readers may make two things of it."""
_HIDDEN = re.compile(r"%(?:2f|5c|[01][0-9a-f]|7f)", re.IGNORECASE)
"""Slashes, backslashes and control characters, which can't be told from plain ones once they are decoded."""


def backend_url(path: str, query: bytes, *, raw: str | None, prefix: str, to: str) -> str:
    """The backend's address for a request: `to`, what comes after the prefix, the query.

    `raw` is the target as it stood in the request's first line, None where the server doesn't tell. Raises
    `SuspectError`: `proxy_path_refused` (400), `proxy_address_too_long` (414).
    """
    if len(path) + len(query) > MAX_ADDRESS_CHARACTERS:
        raise SuspectError("proxy_address_too_long", "the address is longer than any of an API", status=414)
    rest = path.removeprefix(prefix)
    why = "is not below the prefix" if rest == path or rest[:1] not in {"", "/"} else _why_refused(rest, raw)
    if why is not None:
        raise SuspectError("proxy_path_refused", f"the path {why}", section="RFC 3986 3.3")
    return to + quote(rest, safe=_IN_PATH) + (f"?{quote(query, safe=_IN_QUERY)}" if query else "")


def _why_refused(rest: str, raw: str | None) -> str | None:
    if raw is not None and not raw.startswith("/"):
        return "came in a whole address"
    if raw is not None and _HIDDEN.search(raw.partition("?")[0]):
        return "has an encoded slash, backslash or control character in it"
    if not rest.isascii() and _DOTS.search(unicodedata.normalize("NFKC", rest)):
        return _LEADS_OUT  # to readers who take wide dots and slashes for plain ones
    return next((why for trick, why in _TRICKS if trick.search(rest)), None)


def own_location(location: str, *, asked: str, to: str, prefix: str) -> str:
    """Where an answer leads to: a path of ours if that is below `to`, else the whole address: no path at the
    backend must be taken for one of ours.
    """
    try:
        whole = urljoin(asked, location)
    except ValueError:  # what is no URL leads nowhere, in browsers too
        return location
    rest = whole.removeprefix(to)
    if rest == whole or rest[:1] not in {"", "/", "?", "#"}:
        return whole
    path = re.split(r"[?#]", rest, maxsplit=1)[0]
    return whole if _why_refused(unquote(path), prefix + path) is not None else prefix + rest
