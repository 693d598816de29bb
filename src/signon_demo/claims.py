"""Claims as a table: what each is called, says and means (OIDC Core 2 and 5.1), with nothing secret in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from signon.core.person import Login
from signon.core.values import JsonValue
from signon_demo.vendor_claims import VENDOR_MEANINGS

PERSON, SIGN_IN, OTHER = "The person", "The sign-in", "Other claims"
_SHOWN_ITEMS = 12
_SHOWN_ENDS = 4


class Meaning(NamedTuple):
    """What a claim is, in which table it stands, and which document says so."""

    group: str
    text: str
    section: str


def _person(text: str) -> Meaning:
    return Meaning(PERSON, text, "OIDC Core 5.1")


def _sign_in(text: str, section: str = "OIDC Core 2") -> Meaning:
    return Meaning(SIGN_IN, text, section)


MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "sub": _person("Who this is at this provider; never given to anyone else"),
        "name": _person("Full name, as it is shown"),
        "given_name": _person("First name or names"),
        "family_name": _person("Family name or names"),
        "middle_name": _person("Middle name or names"),
        "nickname": _person("What friends say"),
        "preferred_username": _person("The user name they like; it may change"),
        "profile": _person("Their page at the provider"),
        "picture": _person("Address of a picture of them"),
        "website": _person("Their own page"),
        "email": _person("E-mail address; it may change hands"),
        "email_verified": _person("Whether the provider has made sure of the address"),
        "gender": _person("Gender"),
        "birthdate": _person("Date of birth; the year 0000 means that it is left out"),
        "zoneinfo": _person("Time zone"),
        "locale": _person("Language and region"),
        "phone_number": _person("Telephone number"),
        "phone_number_verified": _person("Whether the provider has made sure of the number"),
        "address": Meaning(PERSON, "Postal address", "OIDC Core 5.1.1"),
        "updated_at": _person("When these claims last changed"),
        "groups": Meaning(PERSON, "Groups they belong to", "RFC 9068 2.2.3.1"),
        "roles": Meaning(PERSON, "Roles they have", "RFC 9068 2.2.3.1"),
        "iss": _sign_in("The provider that says all this"),
        "aud": _sign_in("The application it is said to"),
        "azp": _sign_in("The application that asked"),
        "iat": _sign_in("When the token was made"),
        "exp": _sign_in("When the token ends; the session here has an end of its own"),
        "nbf": _sign_in("When the token begins", "RFC 7519 4.1.5"),
        "auth_time": _sign_in("When they last proved to the provider who they are"),
        "acr": _sign_in("How strong that proof was"),
        "amr": _sign_in("What the proof was made of"),
        "nonce": _sign_in("Ties the token to this very sign-in"),
        "sid": _sign_in("The session at the provider", "OIDC Front-Channel Logout 3"),
        "jti": _sign_in("The token's own number", "RFC 7519 4.1.7"),
        "at_hash": _sign_in("Ties the access token to this token", "OIDC Core 3.1.3.6"),
        "c_hash": _sign_in("Ties the code to this token", "OIDC Core 3.3.2.11"),
    }
)
"""The registered claims, in the order of the table."""

_OUR_KEY = Meaning(PERSON, "This application's own key for this person: the provider's is their national id", "")
_TIMES = frozenset({"iat", "exp", "nbf", "auth_time", "updated_at"})
_SHORTENED = frozenset({"nonce", "sid", "jti", "at_hash", "c_hash", "s_hash", "myinfo.sponsored_child_records"})
_MASKED = frozenset({"pid", "smartcard_code", "myinfo.nric_number", "myinfo.passport_number"})
"""Numbers that say everywhere who somebody is."""
_SECRET_NAME = re.compile(r"(token|secret|password)\Z", re.IGNORECASE)
_TOKEN = re.compile(r"eyJ[\w-]*\.[\w-]*\.")
"""How a JWS or JWE in compact form begins (RFC 7515 3.1): base64url of an opening brace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One claim: the value line by line, for a time the number behind it, and what a long list has more."""

    name: str
    lines: tuple[str, ...]
    raw: str | None = None
    more: tuple[str, ...] = ()
    meaning: str = ""
    section: str = ""


def claim_groups(login: Login) -> dict[str, list[Row]]:
    """The claims of a sign-in under the headings of the table, known ones first and in a fixed order."""
    groups: dict[str, list[Row]] = {PERSON: [], SIGN_IN: [], OTHER: []}
    order = {name: place for place, name in enumerate(MEANINGS)}
    for name in sorted(login.claims, key=lambda name: order.get(name.partition("#")[0], len(order))):
        value, meaning = login.claims[name], _meaning(name)
        if name == "sub" and login.person.public_subject != login.person.subject:
            value, meaning = login.person.public_subject, _OUR_KEY
        groups[meaning.group].append(claim_row(name, value, meaning))
    return {title: rows for title, rows in groups.items() if rows}


def local_time(seconds: float) -> str | None:
    """POSIX seconds as this computer's local time; None for a number that is no time."""
    try:
        moment = datetime.fromtimestamp(seconds).astimezone()
    except (OverflowError, ValueError, OSError):
        return None
    offset = moment.isoformat()[-len("+00:00") :]
    return f"{moment.day} {moment:%B %Y, %H:%M:%S} (UTC{offset})"


def _meaning(name: str) -> Meaning:
    plain, _, language = name.partition("#")
    text, source = VENDOR_MEANINGS.get(plain, ("Not in the standard; the provider's own", ""))
    found = MEANINGS.get(plain, Meaning(OTHER, text, source))
    return found._replace(text=f"{found.text}, in the language “{language}”") if language else found


def claim_row(name: str, value: JsonValue, meaning: Meaning) -> Row:
    """One claim as it may be shown."""
    lines, raw, more = _shown(name, value)
    return Row(name=name, lines=lines, raw=raw, more=more, meaning=meaning.text, section=meaning.section)


def _shown(name: str, value: JsonValue) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
    """A value as lines, the number behind a time, and what is folded away."""
    if name in _TIMES and isinstance(value, int | float) and not isinstance(value, bool):
        moment = local_time(value)
        return ((moment,), _text(name, value), ()) if moment else ((_text(name, value),), None, ())
    if isinstance(value, list):
        items = tuple(_text(name, item) for item in value)
        return items[:_SHOWN_ITEMS] or ("none",), None, items[_SHOWN_ITEMS:]
    if isinstance(value, dict):
        members = tuple(f"{member}: {_text(member, inner)}" for member, inner in value.items())
        return members or ("none",), None, ()
    return tuple(_text(name, value).splitlines()), None, ()


def _text(name: str, value: JsonValue) -> str:
    """A value as text; one that is a token, or that ties tokens together, is shortened."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    plain = name.partition("#")[0]
    if plain in _MASKED:
        return masked(text)
    if plain in _SHORTENED or _SECRET_NAME.search(plain) or (isinstance(value, str) and _TOKEN.match(value)):
        return shortened(text)
    return text


def masked(text: str) -> str:
    """A number of somebody's papers that may be shown: the last four characters, of a short one nothing."""
    shown = text[-_SHOWN_ENDS:] if len(text) >= 2 * _SHOWN_ENDS else ""
    return "•" * (len(text) - len(shown)) + shown


def shortened(text: str) -> str:
    """The ends of a long text and its length; of a short one only the length."""
    if len(text) < 4 * _SHOWN_ENDS:
        return f"… ({len(text)})"
    return f"{text[:_SHOWN_ENDS]}…{text[-_SHOWN_ENDS:]} ({len(text)})"
