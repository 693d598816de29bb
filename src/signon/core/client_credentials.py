"""Tokens that an application gets for itself, in nobody's name (client credentials, RFC 6749 4.4)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from signon.core.client_auth import authenticate, authentication_method
from signon.core.errors import OperatorError
from signon.core.flow import Answer, Step, send
from signon.core.http import HttpRequest, HttpResponse, form_request, read_json_answer
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.refusal import raise_refusal
from signon.core.tokens import TokenSet, token_set


def get_service_token(
    *, provider: Provider, metadata: Metadata, scope: tuple[str, ...], audience: str | None, now: float
) -> Generator[Step, Answer, TokenSet]:
    """Ask for a token and read the answer."""
    request = client_credentials_request(provider, metadata, scope=scope, audience=audience, now=now)
    response = yield from send(request)
    return read_client_credentials(response, provider=provider, scope=scope, now=now)


def client_credentials_request(
    provider: Provider, metadata: Metadata, *, scope: tuple[str, ...], audience: str | None, now: float
) -> HttpRequest:
    """Ask for a token (RFC 6749 4.4.2), for the API that `audience` names where it is given.

    Raises `OperatorError` (`client_credentials_public`) for a client that can't prove who it is.
    """
    supported = metadata.token_endpoint_auth_methods_supported
    if authentication_method(provider.client, supported) == "none":
        raise OperatorError(
            "client_credentials_public",
            f"{provider.name} knows this application as a public client, which gets no tokens of its own:"
            " register it as a confidential one, and set its secret or key",
            section="RFC 6749 4.4",
        )
    asked = {"scope": " ".join(scope), "audience": audience or ""}
    headers, form = authenticate(
        provider.client,
        {
            "grant_type": "client_credentials",
            **provider.service_parameters,
            **{name: value for name, value in asked.items() if value},
        },
        supported=supported,
        issuer=metadata.issuer,
        now=now,
    )
    return form_request(metadata.token_endpoint, form, document="token", headers={**provider.headers, **headers})


def read_client_credentials(
    response: HttpResponse, *, provider: Provider, scope: tuple[str, ...], now: float
) -> TokenSet:
    """Read the answer (RFC 6749 4.4.3). It is about nobody: an ID token or a refresh token in it is left there.

    Codes: those of every token answer (`tokens.read_tokens`).
    """
    raise_refusal(response, provider, document="token", now=now)
    answer = provider.read_tokens(read_json_answer(response, document="token"), now)
    return replace(token_set(answer, scope, now), refresh_token=None, id_token=None, claims={})
