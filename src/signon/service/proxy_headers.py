"""Which header fields go to a backend, and which of its own come back.

Towards the backend only listed ones go: others may claim who somebody is (`X-Forwarded-User`), or ask for
something else than what was judged (`X-HTTP-Method-Override`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from signon.core.errors import MalformedAnswer, SuspectError

MAX_HEADER_BYTES = 16 * 1024
"""Of all fields that go on: as much as servers take."""
_PASSED = frozenset(
    {
        *(
            "accept",
            "accept-encoding",
            "accept-language",
            "cache-control",
            "pragma",
            "prefer",
            "range",
            "user-agent",
        ),
        *("content-type", "content-encoding", "content-language", "content-disposition", "content-digest"),
        *("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"),
        *("idempotency-key", "last-event-id", "traceparent", "tracestate", "x-request-id", "x-correlation-id"),
    }
)
_REFUSED = frozenset({"upgrade", "x-http-method", "x-http-method-override", "x-method-override"})
"""Dropped without a word they would turn a request into another one."""
_OF_THE_CONNECTION = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
"""For this connection alone (RFC 9110 7.6.1)."""
_OURS = frozenset({"host", "cookie", "authorization", "content-length", "expect", "origin", "referer", "x-csrf"})
"""We say these ourselves, or nobody does."""
_NOT_BACK = frozenset(
    {
        *("set-cookie", "set-cookie2", "clear-site-data", "service-worker-allowed", "www-authenticate"),
        *(
            "strict-transport-security",
            "public-key-pins",
            "alt-svc",
            "refresh",
            "server",
            "date",
            "content-length",
        ),
        *(
            "nel",
            "report-to",
            "reporting-endpoints",
            "accept-ch",
            "critical-ch",
            "origin-agent-cluster",
            "set-login",
        ),
        *("x-sendfile", "x-lighttpd-send-file", "x-litespeed-location", "x-reproxy-url"),
        *("surrogate-control", "edge-control"),
        *("content-security-policy", "content-security-policy-report-only", "x-content-type-options"),
    }
)
"""What would speak for our origin, or to the servers in front of us."""
_NOT_BACK_EITHER = re.compile(r"access-control-|x-accel-|secure-session-|.+-cache-control\Z")
_TO_BE_READ_ONLY = (
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("x-content-type-options", "nosniff"),
)
"""Answers are for scripts. One that a browser has kept, and shows as a page, is of no origin and runs nothing."""
_CLAIMS = re.compile(r"forwarded|x-forwarded-.*|x-real-.*|remote-.*|sec-.*|proxy-.*|cf-.*|true-client-ip")
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+\Z")
"""RFC 9110 5.6.2, in lower case."""
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def name_problem(name: str) -> str | None:
    """Why a route can't let a request header of this name through, or None."""
    name = name.lower()
    if not _NAME.match(name):
        return "is no name of a header (RFC 9110 5.1)"
    if name in _OURS | _OF_THE_CONNECTION | _REFUSED or _CLAIMS.match(name):
        return "never goes on from a browser to a backend"
    return None


def request_headers(
    headers: Iterable[tuple[str, str]], *, more: Collection[str], address: str | None
) -> dict[str, str]:
    """The header fields that go to the backend, `more` names those beside the usual; and where they come from.

    Raises `SuspectError`: `proxy_header_refused` (400), `proxy_headers_too_large` (431).
    """
    sent = tuple((name.lower(), value) for name, value in headers)
    if {"content-length", "transfer-encoding"} <= {name for name, _value in sent}:
        raise SuspectError("proxy_header_refused", "the request has two lengths", section="RFC 9112 6.3")
    named = _named(value for name, value in sent if name == "connection")
    found: dict[str, str] = {}
    for lower, value in sent:
        if lower in _REFUSED:
            raise SuspectError("proxy_header_refused", f"an API is not asked with the header {lower}")
        if (lower in _PASSED or lower in more) and lower not in named:
            if _NO_VALUE.search(value):
                raise SuspectError("proxy_header_refused", f"the header {lower} has a control character in it")
            found[lower] = f"{found[lower]}, {value}" if lower in found else value
    if sum(len(name) + len(value) for name, value in found.items()) > MAX_HEADER_BYTES:
        raise SuspectError("proxy_headers_too_large", "the headers are larger than any API needs", status=431)
    return {**found, "X-Forwarded-For": address} if address else found


def _named(connection: Iterable[str]) -> set[str]:
    """The fields that a Connection field names: for this connection alone, too (RFC 9110 7.6.1)."""
    return {word.strip().lower() for value in connection for word in value.split(",")}


def answer_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The header fields, names in lower case, that come back to the page. No content is ever guessed at there, nor
    shown as a page of ours.

    Raises `MalformedAnswer` (`backend_not_http`).
    """
    held = tuple((name, _FOLD.sub(" ", value)) for name, value in headers)
    named = _named(value for name, value in held if name == "connection")
    if any(_NO_VALUE.search(value) or not _NAME.match(name) for name, value in held):
        raise MalformedAnswer(
            "backend_not_http", "the backend sent a malformed header field", section="RFC 9110 5.5"
        )
    never = _NOT_BACK | _OF_THE_CONNECTION | named
    back = (one for one in held if one[0] not in never and not _NOT_BACK_EITHER.match(one[0]))
    return (*back, *_TO_BE_READ_ONLY)
