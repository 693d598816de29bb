"""The token endpoint (RFC 6749 4.1.3 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from signon.core.callback import VerifiedCallback
from signon.core.client_auth import authenticate
from signon.core.errors import MalformedAnswer, printable
from signon.core.http import HttpRequest, HttpResponse, form_request, read_json_answer
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.refusal import raise_refusal
from signon.core.values import JsonObject, JsonValue, Secret, is_number, is_visible_ascii, text_member

MAX_LIFE_SECONDS = 100 * 365 * 86400
"""A century: beyond it a lifetime is a mistake, and adding it to the time may leave what numbers can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """The tokens of one answer. What the provider left out is None."""

    access_token: Secret
    scope: tuple[str, ...]
    """As granted; as asked for where the provider doesn't say (RFC 6749 5.1)."""
    expires_at: float | None = None
    """POSIX seconds, counted from before the request was sent."""
    refresh_token: Secret | None = None
    id_token: Secret | None = None
    claims: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    """What a provider that sends claims beside its tokens said, unsigned."""


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
    token_type = _required(answer, "token_type").reveal()
    if token_type.lower() != "bearer":
        raise MalformedAnswer(
            "token_type_unknown",
            f"the token answer's token_type is {printable(token_type, limit=40)!r}, expected Bearer",
            section="RFC 6749 7.1",
        )
    scope = text_member(answer, "scope", document="token")
    claims = answer.get("claims")
    if "openid" in scopes:
        _required(answer, "id_token", section="OIDC Core 3.1.3.3")
    return TokenSet(
        access_token=_required(answer, "access_token"),
        scope=scopes if scope is None else tuple(scope.split()),
        expires_at=_expires_at(answer, now),
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
