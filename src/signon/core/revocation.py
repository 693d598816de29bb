"""Token revocation (RFC 7009), and one vendor's question whether a token was revoked."""

from __future__ import annotations

from dataclasses import replace

from signon.core.client_auth import authenticate
from signon.core.errors import MalformedAnswer
from signon.core.http import HttpRequest, HttpResponse, form_request, read_json_answer, read_success
from signon.core.metadata import Metadata
from signon.core.provider import Provider, RevokedCheck, TokenKind
from signon.core.refusal import raise_refusal
from signon.core.tokens import TokenSet
from signon.core.values import Secret

CHECK_SECONDS = 3.0
"""How long the vendor may take to say whether a token was revoked: a page waits for it."""


def revocable(
    provider: Provider, metadata: Metadata, tokens: TokenSet, *, now: float
) -> tuple[tuple[TokenKind, Secret], ...]:
    """What there is to revoke, in order: the refresh token, and the access token that doesn't go with it."""
    if metadata.revocation_endpoint is None:
        return ()
    found: list[tuple[TokenKind, Secret]] = []
    if tokens.refresh_token is not None and "refresh_token" in provider.revokes:
        found.append(("refresh_token", tokens.refresh_token))
    taken_along = bool(found) and provider.revocation_cascades
    if _has_access_token_to_revoke(provider, tokens, now) and not taken_along:
        found.append(("access_token", tokens.access_token))
    return tuple(found)


def _has_access_token_to_revoke(provider: Provider, tokens: TokenSet, now: float) -> bool:
    prefix = provider.unrevocable_scope
    spared = prefix is not None and any(word.startswith(prefix) for word in tokens.scope)
    return "access_token" in provider.revokes and not spared and not tokens.is_over(now)


def revocation_request(
    provider: Provider, metadata: Metadata, token: Secret, kind: TokenKind, *, now: float
) -> HttpRequest:
    """Revoke a token that `revocable` named (RFC 7009 2.1)."""
    headers, form = authenticate(
        provider.client,
        {"token": provider.introspection_prefix + token.reveal(), "token_type_hint": kind},
        supported=metadata.token_endpoint_auth_methods_supported,
        issuer=metadata.issuer,
        now=now,
    )
    endpoint = metadata.revocation_endpoint or ""
    return form_request(endpoint, form, document="revocation", headers={**provider.headers, **headers})


def read_revocation(response: HttpResponse, *, provider: Provider, now: float) -> None:
    """Read the answer: its status says everything, and a token that is unknown there is revoked (RFC 7009 2.2).

    Codes: `revocation_invalid_client`, `revocation_refused`, `revocation_server_error`, `_status`, `_redirect`.
    """
    raise_refusal(response, provider, document="revocation", now=now)
    read_success(response, document="revocation", media_types=frozenset({response.media_type}))


def revoked_request(
    provider: Provider, metadata: Metadata, check: RevokedCheck, token: Secret, *, now: float
) -> HttpRequest:
    """Ask the vendor's token endpoint whether an access token was revoked, with our secret in the form."""
    client = provider.client
    headers, form = authenticate(
        replace(client, auth="client_secret_post") if client.auth == "client_secret_basic" else client,
        {"grant_type": check.grant_type, "access_token": token.reveal()},
        supported=("client_secret_post",),
        issuer=metadata.issuer,
        now=now,
    )
    request = form_request(
        metadata.token_endpoint, form, document="revoked_check", headers={**provider.headers, **headers}
    )
    return replace(request, total_seconds=CHECK_SECONDS)


def read_revoked(response: HttpResponse, *, provider: Provider, now: float) -> bool:
    """Read the verdict; an answer without one means no, as the vendor's own applications take it.

    Codes: `revoked_check_revoked_invalid`, those of every JSON answer, and for OAuth errors
    `revoked_check_invalid_client`, `revoked_check_refused`.
    """
    raise_refusal(response, provider, document="revoked_check", now=now)
    revoked = read_json_answer(response, document="revoked_check").get("revoked", False)
    if not isinstance(revoked, bool):
        raise MalformedAnswer("revoked_check_revoked_invalid", "the answer's revoked is neither true nor false")
    return revoked
