"""Bearer tokens at an API of ours: how one is read, and how its sender learns what is wrong (RFC 6750).

Only the header is read (RFC 6750 2.1): tokens in forms and queries end up in logs and histories (RFC 9700 4.3.2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias

from signon.core.access_token import VerifiedAccessToken
from signon.core.claims import LEEWAY_SECONDS
from signon.core.errors import PersonError
from signon.core.values import JsonObject, Secret, is_number

MAX_BEARER_CHARACTERS = 32 * 1024
"""Most servers take headers of 8 KB; what is longer than four of those is no token, and costs nobody anything."""

Refusal: TypeAlias = Literal[
    "", "invalid_request", "invalid_token", "insufficient_scope", "insufficient_user_authentication"
]
"""The standards' words for what is wrong (RFC 6750 3.1, RFC 9470 3); empty where no token was sent."""
_STATUS: Mapping[Refusal, int] = MappingProxyType(
    {
        "": 401,
        "invalid_request": 400,
        "invalid_token": 401,
        "insufficient_scope": 403,
        "insufficient_user_authentication": 401,
    }
)
_NOTHING: Mapping[str, str] = MappingProxyType({})
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*\Z")
"""RFC 6750 2.1, `b64token`. Not one pattern with the scheme: to ignore case costs ten times as much."""
_TWO_TOKENS = re.compile(r",\s*bearer\b", re.IGNORECASE)
"""Servers join repeated headers with a comma."""
_NOT_QUOTABLE = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
"""What may not stand in `error_description` and `scope` (RFC 6750 3): quotes, backslashes, controls, not ASCII."""
_SCOPE_WORD = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")


class BearerRefused(PersonError):
    """A request has no access token that opens this API; its sender can mend that with another one."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        error: Refusal,
        section: str = "RFC 6750 3.1",
        parameters: Mapping[str, str] = _NOTHING,
    ) -> None:
        super().__init__(code, message, section=section, status=_STATUS[error])
        self.error = error
        self.parameters = parameters
        """What would do, by the names of the challenge's parameters."""


def read_bearer(credentials: str) -> Secret:
    """The token in the value of a request's Authorization header, "" where there is none (RFC 6750 2.1).

    Raises `BearerRefused`: `access_token_missing` (no header, or of another scheme), `authorization_repeated`,
    `access_token_too_large`, `access_token_malformed`. Schemes are written in any case (RFC 9110 11.1).
    """
    if len(credentials) > MAX_BEARER_CHARACTERS:
        raise BearerRefused(
            "access_token_too_large", "the access token is longer than any token", error="invalid_token"
        )
    scheme, _, rest = credentials.partition(" ")
    if scheme.lower() != "bearer":
        raise BearerRefused("access_token_missing", "this needs an access token", error="", section="RFC 6750 3")
    token = rest.lstrip(" ")
    if _TOKEN.match(token):
        return Secret(token)
    if _TWO_TOKENS.search(credentials):
        raise BearerRefused(
            "authorization_repeated", "the request has more than one access token", error="invalid_request"
        )
    raise BearerRefused(
        "access_token_malformed",
        "the access token has characters that no token has",
        error="invalid_token",
        section="RFC 6750 2.1",
    )


def scope_words(scopes: str | Collection[str]) -> tuple[str, ...]:
    """Scopes as written by a programmer, with blanks between or one by one; ValueError for what none can be
    (RFC 6749 3.3).
    """
    words = tuple(scopes.split() if isinstance(scopes, str) else scopes)
    wrong = [word for word in words if not _SCOPE_WORD.match(word)]
    if wrong:
        msg = f"{wrong[0]!r} is no scope (RFC 6749 3.3)"
        raise ValueError(msg)
    return words


def check_scopes(token: VerifiedAccessToken, wanted: Sequence[str]) -> None:
    """The token must be good for all of these; else `access_token_scope`, 403 (RFC 6750 3.1)."""
    if not token.scopes.issuperset(wanted):
        raise BearerRefused(
            "access_token_scope",
            "the access token is not good for this",
            error="insufficient_scope",
            parameters={"scope": " ".join(wanted)},
        )


def check_authentication(
    token: VerifiedAccessToken, *, acr_values: Sequence[str], max_age_seconds: int | None, now: float
) -> None:
    """The person behind the token must have signed in this well and this recently; else `access_token_step_up`,
    401 (RFC 9470 3 and 5). What the token doesn't say, or says of the future, counts as not done.
    """
    auth_time = token.claims.get("auth_time")
    old = max_age_seconds is not None and not (
        isinstance(auth_time, int | float)
        and is_number(auth_time)
        and -LEEWAY_SECONDS <= now - auth_time <= max_age_seconds + LEEWAY_SECONDS
    )
    if old or (acr_values and token.claims.get("acr") not in acr_values):
        asked = {
            "acr_values": " ".join(acr_values),
            "max_age": "" if max_age_seconds is None else str(max_age_seconds),
        }
        raise BearerRefused(
            "access_token_step_up",
            "this needs a stronger or a more recent sign-in",
            error="insufficient_user_authentication",
            section="RFC 9470 3",
            parameters={name: value for name, value in asked.items() if value},
        )


def challenge(refused: BearerRefused, *, resource_metadata: str) -> str:
    """The value of WWW-Authenticate (RFC 6750 3): without a token nothing is said to be wrong (3.1).

    `resource_metadata` is the address of the document below (RFC 9728 5.1).
    """
    why = {"error": refused.error, "error_description": str(refused.args[0])} if refused.error else {}
    members = {**why, **refused.parameters, "resource_metadata": resource_metadata}
    return "Bearer " + ", ".join(f'{name}="{_NOT_QUOTABLE.sub("?", text)}"' for name, text in members.items())


def protected_resource(*, resource: str, issuers: Sequence[str], scopes: Collection[str]) -> JsonObject:
    """The metadata document of an API (RFC 9728 2): its identifier, whose tokens open it, how they are sent."""
    members: JsonObject = {
        "resource": resource,
        "authorization_servers": [*issuers],
        "scopes_supported": [*sorted(scopes)],
        "bearer_methods_supported": ["header"],
    }
    return {name: value for name, value in members.items() if value}
