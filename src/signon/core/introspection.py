"""Token introspection (RFC 7662): ask the provider what a token is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from signon.core.client_auth import authenticate
from signon.core.errors import MalformedAnswer, OperatorError
from signon.core.http import HttpRequest, HttpResponse, form_request, read_json_answer
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.refusal import raise_refusal
from signon.core.values import JsonValue, Secret, is_number, text_member

_NOTHING: Mapping[str, JsonValue] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """What the provider says of a token. An inactive one has nothing else to say (RFC 7662 2.2)."""

    active: bool
    subject: str | None = None
    client_id: str | None = None
    scope: tuple[str, ...] = ()
    expires_at: float | None = None
    """POSIX seconds."""
    claims: Mapping[str, JsonValue] = field(default_factory=lambda: _NOTHING, repr=False, compare=False)
    """Everything that was said, for an API of ours to judge the token by."""


def introspection_request(provider: Provider, metadata: Metadata, token: Secret, *, now: float) -> HttpRequest:
    """Ask about an access token (RFC 7662 2.1)."""
    endpoint = metadata.introspection_endpoint
    if endpoint is None:
        raise OperatorError("introspection_unsupported", f"{provider.name} has no introspection endpoint")
    headers, form = authenticate(
        provider.client,
        {"token": provider.introspection_prefix + token.reveal(), "token_type_hint": "access_token"},
        supported=metadata.token_endpoint_auth_methods_supported,
        issuer=metadata.issuer,
        now=now,
    )
    return form_request(endpoint, form, document="introspection", headers={**provider.headers, **headers})


def read_introspection(response: HttpResponse, *, provider: Provider, now: float) -> Introspection:
    """Read the answer (RFC 7662 2.2): `introspection_active_invalid`, `introspection_<member>_invalid`,
    those of every JSON answer, `introspection_invalid_client`, `introspection_refused`.
    """
    raise_refusal(response, provider, document="introspection", now=now)
    answer = read_json_answer(response, document="introspection")
    active = answer.get("active")
    if not isinstance(active, bool):
        raise MalformedAnswer(
            "introspection_active_invalid",
            "the answer doesn't say whether the token is active",
            section="RFC 7662 2.2",
        )
    if not active:
        return Introspection(active=False)
    expires_at = answer.get("exp")
    return Introspection(
        active=True,
        subject=text_member(answer, "sub", document="introspection"),
        client_id=text_member(answer, "client_id", document="introspection"),
        scope=tuple((text_member(answer, "scope", document="introspection") or "").split()),
        expires_at=float(expires_at) if isinstance(expires_at, int | float) and is_number(expires_at) else None,
        claims=answer,
    )
