"""Secret values, and readers of URLs, JSON objects, base64url and numbers that raise only our errors."""

from __future__ import annotations

import binascii
import hmac
import ipaddress
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn, TypeAlias
from urllib.parse import urlsplit

from signon.core.errors import MalformedAnswer

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

MAX_JSON_DEPTH = 32
"""Levels. Standard documents need four; the bound keeps every later walk over the value cheap."""
MAX_JSON_DIGITS = 20
"""Digits of a whole number. Times need ten; an id as some providers number their people needs all of 64 bits."""
_WHOLE_NUMBERS = range(-(2**63), 2**64)
"""What fits into 64 bits, with a sign or without: beyond it peers read another number than we."""
MAX_SECONDS_DIGITS = 10
"""Digits of a number of seconds that somebody sets: three centuries, with which every clock can still count."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Secret:
    """A text that can't print, format, compare by timing or pickle itself. `reveal()` is easy to search for."""

    _text: str

    def reveal(self) -> str:
        """The text itself: for the wire or the sealed record, never for a log."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would tell equal secrets apart without this comparison

    def __reduce__(self) -> NoReturn:
        msg = "a Secret can't be pickled"
        raise TypeError(msg)


class _BadNumber(ValueError):
    """A number that JSON allows to write and we refuse to read."""


class _DuplicateMember(ValueError):
    """An object that names a member twice (RFC 8259 4)."""


def _whole_number(text: str) -> int:
    if len(text.lstrip("-")) > MAX_JSON_DIGITS or (number := int(text)) not in _WHOLE_NUMBERS:
        raise _BadNumber
    return number


def _fraction(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _BadNumber
    return number


def _no_constant(_name: str) -> NoReturn:
    raise _BadNumber


def _unique_members(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateMember
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_int=_whole_number,
    parse_float=_fraction,
    parse_constant=_no_constant,
)


def read_json_object(body: bytes, *, document: str) -> JsonObject:
    """Read one JSON object from UTF-8 bytes.

    `document` names what is read ("token", "jwks", …) and begins the code of every error: `_not_utf8`,
    `_not_json`, `_bad_number` (NaN, 1e400, more than 64 bits), `_duplicate_member`, `_too_deep`,
    `_lone_surrogate`, `_not_object`. Strict where RFC 8259 leaves the outcome to the reader, since two
    readers that disagree are how forged documents pass.
    """
    # Raised out here, not in the handlers: an error's __context__ would keep the whole document, tokens and all.
    value = _parsed(body)
    if isinstance(value, str):
        raise _malformed(document, value, *_JSON_FAULTS[value])
    return value


_JSON_FAULTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "not_utf8": ("is not UTF-8", "RFC 8259 8.1"),
        "not_json": ("is not JSON", "RFC 8259 2"),
        "bad_number": ("has a number out of bounds", "RFC 8259 6"),
        "duplicate_member": ("names a member twice", "RFC 8259 4"),
        "too_deep": ("is nested too deeply", "RFC 8259 9"),
        "lone_surrogate": ("has half a character", "RFC 8259 8.2"),
        "not_object": ("is not a JSON object", "RFC 8259 4"),
    }
)


def _parsed(body: bytes) -> JsonObject | str:
    """The object, or the name of what is wrong with it."""
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        return "not_utf8"
    except _BadNumber:
        return "bad_number"
    except _DuplicateMember:
        return "duplicate_member"
    except RecursionError:
        return "too_deep"
    except ValueError:
        return "not_json"
    if not isinstance(value, dict):
        return "not_object"
    if text.count("[") + text.count("{") > MAX_JSON_DEPTH and _deeper_than(value, MAX_JSON_DEPTH):
        return "too_deep"
    if "\\u" in text and _has_lone_surrogate(value):
        return "lone_surrogate"
    return value


def _deeper_than(value: JsonObject, levels: int) -> bool:
    layer: list[dict[str, JsonValue] | list[JsonValue]] = [value]
    while layer and levels:
        levels -= 1
        inner = (member for item in layer for member in (item.values() if isinstance(item, dict) else item))
        layer = [member for member in inner if isinstance(member, dict | list)]
    return bool(layer)


def _has_lone_surrogate(value: JsonObject) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _malformed(document: str, kind: str, sentence: str, section: str) -> MalformedAnswer:
    return MalformedAnswer(f"{document}_{kind}", f"the {document} document {sentence}", section=section)


_BASE64URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST: Mapping[int, str] = MappingProxyType({0: "", 2: "AQgw", 3: "AEIMQUYcgkosw048"})
"""By the number of characters beyond the last four: those whose unused bits are zero."""
_STANDARD = bytes.maketrans(b"-_", b"+/")
"""From the alphabet for URLs to the other one (RFC 4648 5)."""
_FOR_URLS = bytes.maketrans(b"+/", b"-_")
"""And back. `base64` does the same in three calls of Python, at twice the cost."""


def b64url_encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 2)."""
    return binascii.b2a_base64(data, newline=False).translate(_FOR_URLS).rstrip(b"=").decode("ascii")


def is_b64url(text: str) -> bool:
    """Whether a text is the one spelling of some bytes: no padding, no white space, no stray bits."""
    last = _LAST.get(len(text) % 4)
    if last is None or not text.isascii() or (last and text[-1] not in last):
        return False
    # Whether anything is left without the alphabet: a third of what a pattern costs.
    return not text.encode("ascii").translate(None, _BASE64URL)


def b64url_decode(text: str) -> bytes | None:
    """The bytes, or None unless the text is their one spelling."""
    if not is_b64url(text):
        return None
    # What `base64.urlsafe_b64decode` comes down to, at less than half of its cost.
    return binascii.a2b_base64(text.encode("ascii").translate(_STANDARD) + b"=" * (-len(text) % 4))


def is_loopback_host(host: str) -> bool:
    """Whether a URL's host is this machine: `localhost`, `*.localhost`, `127.0.0.0/8`, `::1`."""
    name = host.lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


_URL_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+\Z")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?\Z")
"""A host and a port and nothing around them: Python reads the host of `http://[::1]evil.example` as `::1`."""


def url_problem(url: str, *, query: bool = True) -> str | None:
    """Say why a provider's address can't be used, or None: https (http on loopback), a host, nothing hidden.

    Refuses white space and control characters, user info, fragments, and (with `query=False`) a query.
    """
    if not _URL_CHARACTERS.match(url):
        return "has characters that no URL has (RFC 3986 2)"
    try:
        parts = urlsplit(url)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        return "is not a URL (RFC 3986 3)"
    if parts.scheme not in {"https", "http"}:
        return "is not an https address"
    if not parts.hostname or not port_is_number:
        return "names no host"
    if "@" in parts.netloc:
        return "has user information in it (RFC 9110 4.2.4)"
    if not _AUTHORITY.match(parts.netloc):
        return "names a host that can't be (RFC 3986 3.2.2)"
    if "#" in url:
        return "has a fragment"
    if not query and "?" in url:
        return "has a query"
    if parts.scheme == "http" and not is_loopback_host(parts.hostname):
        return "is not https, and its host is not this machine"
    return None


def text_member(source: Mapping[str, JsonValue], name: str, *, document: str) -> str | None:
    """The member as text, None where it is absent, null or empty; else `<document>_<name>_invalid`."""
    value = source.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise MalformedAnswer(f"{document}_{name}_invalid", f"{name} in the {document} document is not text")
    return value


_VISIBLE = re.compile(r"[\x20-\x7e]+\Z")


def is_visible_ascii(text: str) -> bool:
    """Whether the text is what OAuth calls VSCHAR (RFC 6749 A): a code or a token is nothing else, and nothing
    else may go into a header.
    """
    return _VISIBLE.match(text) is not None


def read_seconds(text: str) -> int | None:
    """A whole number of seconds, 0 or more, as a setting has it; None for anything else and for one too long."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_SECONDS_DIGITS else None


def is_number(value: JsonValue) -> bool:
    """Whether a claim is a number by RFC 7519 2: true, text and null are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
