"""The token endpoint (RFC 6749 4.1.3 and 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from signon.core.callback import FrontChannelAnswer, VerifiedCallback
from signon.core.client_auth import authenticate
from signon.core.errors import MalformedAnswer, ProviderRefused, RefreshEnded, printable
from signon.core.http import HttpRequest, HttpResponse, form_request, read_json_answer
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.refusal import raise_refusal
from signon.core.values import (
    MAX_JSON_DIGITS,
    JsonObject,
    JsonValue,
    Secret,
    is_number,
    is_visible_ascii,
    text_member,
)

MAX_LIFE_SECONDS = 100 * 365 * 86400
"""A century: beyond it a lifetime is a mistake, and adding it to the time may leave what numbers can hold."""

MARGIN_SECONDS = 60.0
"""How long before its end a token is refreshed: whoever gets it has that long to use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """The tokens of one answer. What the provider left out is None."""

    access_token: Secret
    scope: tuple[str, ...]
    """As granted; as asked for where the provider doesn't say (RFC 6749 5.1)."""
    expires_at: float | None = None
    """POSIX seconds, counted from before the request was sent."""
    issued_at: float | None = None
    """When that was, POSIX seconds; None in records of old."""
    refresh_token: Secret | None = None
    id_token: Secret | None = None
    claims: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    """What a provider that sends claims beside its tokens said, unsigned."""

    def is_over(self, now: float) -> bool:
        """Whether the access token's time has run out; never where the provider didn't say how long it has."""
        return self.expires_at is not None and now >= self.expires_at

    def is_due(self, now: float) -> bool:
        """Whether it is time to refresh: a minute before the end, or in the last quarter of a shorter life."""
        if self.expires_at is None:
            return False
        life = math.inf if self.issued_at is None else self.expires_at - self.issued_at
        return now >= self.expires_at - min(MARGIN_SECONDS, life / 4)


def code_request(provider: Provider, metadata: Metadata, callback: VerifiedCallback, *, now: float) -> HttpRequest:
    """Redeem a code (RFC 6749 4.1.3) with its PKCE verifier (RFC 7636 4.5)."""
    verifier = callback.transaction.verifier
    headers, form = authenticate(
        provider.client,
        {
            "grant_type": "authorization_code",
            "code": callback.code.reveal(),
            "redirect_uri": callback.transaction.redirect_uri,
            **({"code_verifier": verifier} if verifier else {}),
        },
        supported=metadata.token_endpoint_auth_methods_supported,
        issuer=metadata.issuer,
        now=now,
    )
    return form_request(metadata.token_endpoint, form, document="token", headers={**provider.headers, **headers})


def read_tokens(response: HttpResponse, *, provider: Provider, scopes: tuple[str, ...], now: float) -> TokenSet:
    """Read a token answer (RFC 6749 5.1; OIDC Core 3.1.3.3 for the ID token).

    Codes: `token_<member>_missing`, `token_<member>_invalid`, `token_type_unknown`, those of every JSON
    answer, and for OAuth errors (RFC 6749 5.2) `token_invalid_grant`, `token_invalid_client`, `token_refused`.
    """
    raise_refusal(response, provider, document="token", now=now)
    answer = provider.read_tokens(read_json_answer(response, document="token"), now)
    if "openid" in scopes:
        _required(answer, "id_token", section="OIDC Core 3.1.3.3")
    return token_set(answer, scopes, now)


def read_front_tokens(answer: FrontChannelAnswer, *, now: float) -> TokenSet:
    """Read the access token that came by the browser, and what was said of it (RFC 6749 4.2.2).

    Nothing but the token's hash is signed, so no more scope is believed than was asked for. Codes: as
    `read_tokens`.
    """
    life, asked = answer.expires_in, answer.transaction.scopes
    is_whole = life is not None and life.isascii() and life.isdigit() and len(life) <= MAX_JSON_DIGITS
    members: JsonObject = {
        "access_token": None if answer.access_token is None else answer.access_token.reveal(),
        "token_type": answer.token_type,
        "expires_in": int(life) if life is not None and is_whole else life,
        "scope": answer.scope,
    }
    tokens = token_set(members, asked, now)
    return replace(tokens, scope=tuple(word for word in tokens.scope if word in asked))


def refresh_request(provider: Provider, metadata: Metadata, refresh_token: Secret, *, now: float) -> HttpRequest:
    """Refresh an access token (RFC 6749 6). No scope is named: that asks for what was granted, and no more."""
    headers, form = authenticate(
        provider.client,
        {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()},
        supported=metadata.token_endpoint_auth_methods_supported,
        issuer=metadata.issuer,
        now=now,
    )
    return form_request(metadata.token_endpoint, form, document="token", headers={**provider.headers, **headers})


def read_refreshed(response: HttpResponse, *, provider: Provider, old: TokenSet, now: float) -> TokenSet:
    """Read the answer to a refresh (RFC 6749 6; OIDC Core 12.2): an ID token may be missing.

    The refresh token stays where the answer has no new one, and the scope never grows. Raises `RefreshEnded`
    where the provider's no is final, and otherwise what `read_tokens` raises.
    """
    try:
        raise_refusal(response, provider, document="token", now=now)
    except ProviderRefused as refused:
        if _is_final(refused, provider, response.status):
            raise _ended(refused) from None
        raise
    answer = provider.read_tokens(read_json_answer(response, document="token"), now)
    new = token_set(answer, old.scope, now)
    return replace(
        new,
        scope=tuple(word for word in new.scope if word in old.scope),
        refresh_token=new.refresh_token or old.refresh_token,
    )


def _is_final(refused: ProviderRefused, provider: Provider, status: int) -> bool:
    standard = "invalid_grant" if refused.code == "token_invalid_grant" else refused.error
    return (
        not provider.refresh_ends.isdisjoint({standard, refused.error}) or status in provider.refresh_end_statuses
    )


def _ended(refused: ProviderRefused) -> RefreshEnded:
    return RefreshEnded(
        "refresh_ended",
        str(refused.args[0]),
        error=refused.error,
        description=refused.description,
        error_uri=refused.error_uri,
        section="RFC 6749 5.2",
    )


def token_set(answer: JsonObject, scopes: tuple[str, ...], now: float) -> TokenSet:
    """The tokens of an answer in standard JSON; `scopes` are granted where it doesn't say."""
    token_type = _required(answer, "token_type").reveal()
    if token_type.lower() != "bearer":
        raise MalformedAnswer(
            "token_type_unknown",
            f"the token answer's token_type is {printable(token_type, limit=40)!r}, expected Bearer",
            section="RFC 6749 7.1",
        )
    scope = text_member(answer, "scope", document="token")
    claims = answer.get("claims")
    return TokenSet(
        access_token=_required(answer, "access_token"),
        scope=scopes if scope is None else tuple(scope.split()),
        expires_at=_expires_at(answer, now),
        issued_at=now,
        refresh_token=_secret(answer, "refresh_token"),
        id_token=_secret(answer, "id_token"),
        claims=claims if isinstance(claims, dict) else {},
    )


def _required(answer: JsonObject, name: str, *, section: str = "RFC 6749 5.1") -> Secret:
    value = _secret(answer, name)
    if value is None:
        raise MalformedAnswer(f"token_{name}_missing", f"the token answer has no {name}", section=section)
    return value


def _secret(answer: JsonObject, name: str) -> Secret | None:
    value = text_member(answer, name, document="token")
    if value is None:
        return None
    if not is_visible_ascii(value):
        raise MalformedAnswer(
            f"token_{name}_invalid",
            f"{name} in the token answer has characters that none has",
            section="RFC 6749 A",
        )
    return Secret(value)


def _expires_at(answer: JsonObject, now: float) -> float | None:
    life = answer.get("expires_in")
    if life is None:
        return None
    if not (isinstance(life, int | float) and is_number(life) and 0 <= life <= MAX_LIFE_SECONDS):
        raise MalformedAnswer(
            "token_expires_in_invalid",
            "the token answer's expires_in is not a number of seconds",
            section="RFC 6749 5.1",
        )
    return now + life
