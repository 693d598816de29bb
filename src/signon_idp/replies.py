"""An answer of a back-channel endpoint, before it is handed to Flask: faults change it here."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Response

from signon_idp.model import JsonObject

JSON = "application/json"
JWT = "application/jwt"
_NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
DROP = "signon_idp.drop"
"""The WSGI environment's mark for "close the connection without an answer"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Status, body and headers; `trickle` replaces the body by a stream, `dropped` the whole answer by silence."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = JSON
    headers: tuple[tuple[str, str], ...] = ()
    trickle: Callable[[], Iterator[bytes]] | None = None
    dropped: bool = False

    def members(self) -> JsonObject:
        """The JSON object in the body."""
        found: JsonObject = json.loads(self.body)
        return found


def dump(value: object) -> bytes:
    """UTF-8 JSON without blanks; non-ASCII text stays as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_reply(members: JsonObject, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A JSON answer that nobody may cache (RFC 6749 5.1)."""
    return Reply(status=status, body=dump(members), headers=(*_NO_STORE, *headers))


def cacheable_reply(members: JsonObject, *, max_age_seconds: int) -> Reply:
    """A JSON answer that may be cached: discovery and keys."""
    headers = (("Cache-Control", f"public, max-age={max_age_seconds}"),)
    return Reply(body=dump(members), headers=headers)


def to_response(reply: Reply, environ: dict[str, object]) -> Response:
    """The Flask response for `reply`; a dropped one leaves its mark in the WSGI environment."""
    if reply.dropped:
        environ[DROP] = True
        return Response(status=500)
    response = Response(reply.trickle() if reply.trickle else reply.body, status=reply.status)
    if reply.content_type is None:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = reply.content_type
    for name, value in reply.headers:
        response.headers[name] = value
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
