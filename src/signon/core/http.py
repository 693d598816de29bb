"""What goes over the wire, as values. Bodies, queries and credentials never show in a repr."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlsplit, urlunsplit

from signon.core.errors import MalformedAnswer, ProviderError, ProviderUnavailable
from signon.core.values import JsonObject, read_json_object

FORM = "application/x-www-form-urlencoded"
_SUCCESS = 200
_TOO_MANY = 429
_SERVER_ERROR = 500
_REDIRECTS = range(300, 400)
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*\Z").match
"""Characters that are never encoded (RFC 3986 2.3)."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HttpRequest:
    """One request to a provider. `document` names the expected answer and begins the codes of its errors."""

    method: str
    url: str
    document: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    total_seconds: float | None = None
    """How long the whole exchange may take; None: as long as any."""

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {without_query(self.url)} for {self.document}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HttpResponse:
    """One whole answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status}, {len(self.body)} bytes>"

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def without_query(url: str) -> str:
    """The address without query and fragment, which may hold secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def form_request(
    url: str, form: Mapping[str, str], *, document: str, headers: Mapping[str, str] | None = None
) -> HttpRequest:
    """A form-encoded POST that expects JSON (RFC 6749 4.1.3)."""
    return HttpRequest(
        method="POST",
        url=url,
        document=document,
        headers={"Accept": "application/json", "Content-Type": FORM, **(headers or {})},
        body=form_encode(form).encode("ascii"),
    )


def add_query(url: str, parameters: Mapping[str, str]) -> str:
    """The address with parameters added to whatever query it has (RFC 6749 3.1)."""
    if not parameters:
        return url
    return f"{url}{'&' if '?' in url else '?'}{form_encode(parameters)}"


def form_encode(parameters: Mapping[str, str]) -> str:
    """Names and values as a form or query has them (RFC 6749 B)."""
    # Most are random values, which stay as they are: to find that out `quote_plus` needs ten times as long.
    encoded = [text if _UNRESERVED(text) else quote_plus(text) for texts in parameters.items() for text in texts]
    return "&".join(map("=".join, zip(encoded[::2], encoded[1::2], strict=True)))


def read_success(response: HttpResponse, *, document: str, media_types: frozenset[str]) -> None:
    """Demand status 200 and one of the media types: codes `<document>_redirect`,
    `_server_error`, `_status`, `_content_type`.
    """
    if response.status in _REDIRECTS:
        raise ProviderError(
            f"{document}_redirect", f"the {document} endpoint answered with a redirect, which is not followed"
        )
    if response.status >= _SERVER_ERROR or response.status == _TOO_MANY:
        raise ProviderUnavailable(
            f"{document}_server_error", f"the {document} endpoint answered {response.status}"
        )
    if response.status != _SUCCESS:
        raise ProviderError(f"{document}_status", f"the {document} endpoint answered {response.status}")
    if response.media_type not in media_types:
        raise MalformedAnswer(
            f"{document}_content_type", f"the {document} endpoint answered with another content type"
        )


_JSON = frozenset({"application/json"})


def read_json_answer(response: HttpResponse, *, document: str, media_types: frozenset[str] = _JSON) -> JsonObject:
    """The JSON object of a successful answer."""
    read_success(response, document=document, media_types=media_types)
    return read_json_object(response.body, document=document)
