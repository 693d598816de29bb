"""AuthMachine's permissions: what a person may do with which object.

They are asked for at a sign-in and then come with userinfo, or of an API that has a token of its own.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import quote

from signon.core.authorize import Wishes
from signon.core.errors import MalformedAnswer, OperatorError
from signon.core.flow import Answer, Step, send
from signon.core.http import HttpRequest, HttpResponse, form_encode, read_json_answer
from signon.core.person import text_claim
from signon.core.provider import Provider
from signon.core.values import JsonValue

ANSWER_SECONDS = 3.0
"""How long the API may take: a page waits for it."""
_CLAIM = "authmachine_permissions"
_DOCUMENT = "permissions"
_JSON = frozenset({"application/json", "application/scim+json"})
_REFUSED = frozenset({401, 403})
_UNKNOWN = 404

Permissions: TypeAlias = Mapping[str, tuple[str, ...]]
"""Codes of permissions by object. One that isn't there and one without codes mean the same: nothing."""
_NONE: Permissions = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the API says of a person."""

    permissions: Permissions
    is_superuser: bool = False
    """Known by the newer of its two answers only. What a superuser may do is for the application to say."""


def permissions_claim(objects: tuple[str, ...]) -> dict[str, str]:
    """The vendor's `claims` parameter: flat, without the members of OIDC Core 5.5."""
    return {"claims": json.dumps({_CLAIM: list(objects)}, separators=(",", ":"))} if objects else {}


def permissions_wish(*objects: str) -> Wishes:
    """For `start_sign_in(wishes=...)`: ask this once for the permissions on these objects, and not on those of
    the setting.
    """
    return Wishes(parameters=permissions_claim(objects))


def granted_at_sign_in(claims: Mapping[str, JsonValue]) -> Permissions:
    """The permissions that a sign-in asked for, from its claims. What is no list of texts is left out."""
    granted = claims.get(_CLAIM)
    return {
        name: tuple(code for code in codes if isinstance(code, str))
        for name, codes in (granted.items() if isinstance(granted, dict) else ())
        if isinstance(codes, list)
    }


def user_id(claims: Mapping[str, JsonValue]) -> str:
    """By what the API knows the person: `id`, which need not be the subject, and may be a number."""
    known = claims.get("id")
    if isinstance(known, int) and not isinstance(known, bool):
        return str(known)
    return text_claim(dict(claims), "id") or str(claims["sub"])


def ask_permissions(provider: Provider, person: str, objects: tuple[str, ...]) -> Generator[Step, Answer, Granted]:
    """Ask the API about a person, by `user_id`. Raises as the request and its reader."""
    response = yield from send(permissions_request(provider, person, objects))
    return read_permissions(response, provider=provider)


def permissions_request(provider: Provider, person: str, objects: tuple[str, ...]) -> HttpRequest:
    """Ask what a person may do with these objects, or with all where none is named.

    Raises `OperatorError` (`permissions_token_missing`) without the API's token.
    """
    if not provider.api_token:
        raise OperatorError(
            "permissions_token_missing",
            f"the permissions API of {provider.name} can't be asked: set {provider.name.upper()}_API_TOKEN",
        )
    # `object` repeats, so the names can't be the keys of one mapping.
    query = "&".join(form_encode({"object": name}) for name in objects)
    address = f"{provider.issuer.rstrip('/')}/api/scim/v1/Users/{quote(person, safe='')}/permissions"
    return HttpRequest(
        method="GET",
        url=f"{address}?{query}" if query else address,
        document=_DOCUMENT,
        headers={
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": f"Token {provider.api_token.reveal()}",
        },
        total_seconds=ANSWER_SECONDS,
    )


def read_permissions(response: HttpResponse, *, provider: Provider) -> Granted:
    """Read either shape of the answer: with `is_superuser` beside the permissions, or the permissions alone.

    Whom the API doesn't know has none. Codes: `permissions_token_refused`, `permissions_invalid`, and those of
    every JSON answer.
    """
    if response.status in _REFUSED:
        raise OperatorError(
            "permissions_token_refused",
            f"the permissions API of {provider.name} does not accept {provider.name.upper()}_API_TOKEN",
        )
    if response.status == _UNKNOWN:
        return Granted(permissions=_NONE)
    answer = read_json_answer(response, document=_DOCUMENT, media_types=_JSON)
    inner = answer.get("permissions")
    if isinstance(inner, dict):
        return Granted(permissions=_codes(inner), is_superuser=answer.get("is_superuser") is True)
    return Granted(permissions=_codes(answer))


def _codes(members: Mapping[str, JsonValue]) -> Permissions:
    found = {name: _texts(codes) for name, codes in members.items()}
    return MappingProxyType(found)


def _texts(codes: JsonValue) -> tuple[str, ...]:
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise MalformedAnswer("permissions_invalid", "the permissions document has codes that are no texts")
    return tuple(map(str, codes))
