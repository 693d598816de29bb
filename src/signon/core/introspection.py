"""Token introspection (RFC 7662): ask the provider what a token is. Its answer may be registered to come signed
(RFC 9701), and then proves who gave it, to whom, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from signon.core.claims import LEEWAY_SECONDS
from signon.core.client_auth import authenticate
from signon.core.errors import MalformedAnswer, OperatorError, TokenRejected
from signon.core.header import Header, read_header
from signon.core.http import HttpRequest, HttpResponse, form_request, read_json_answer, read_success
from signon.core.id_token import verify_signature
from signon.core.keys import KeySet
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.refusal import raise_refusal
from signon.core.values import JsonObject, JsonValue, Secret, is_number, read_json_object, text_member

SIGNED = "application/token-introspection+jwt"
"""The media type of a signed answer (RFC 9701 5)."""
_TYPES = frozenset({SIGNED, "token-introspection+jwt"})
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
    """Ask about an access token (RFC 7662 2.1), for a signed answer where that was registered (RFC 9701 4)."""
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
    accept = {} if provider.introspection_alg is None else {"Accept": SIGNED}
    return form_request(
        endpoint, form, document="introspection", headers={**provider.headers, **headers, **accept}
    )


def read_introspection(response: HttpResponse, *, provider: Provider, now: float) -> Introspection:
    """Read a plain answer (RFC 7662 2.2): `introspection_active_invalid`, `introspection_<member>_invalid`,
    those of every JSON answer, `introspection_invalid_client`, `introspection_refused`.
    """
    raise_refusal(response, provider, document="introspection", now=now)
    return _described(read_json_answer(response, document="introspection"))


def signed_answer(response: HttpResponse, *, provider: Provider, now: float) -> Secret:
    """The JWT of an answer that is registered to come signed; a plain one is refused (RFC 9701 5).

    Codes: `introspection_not_signed`, those of every answer, and of a refusal as above.
    """
    raise_refusal(response, provider, document="introspection", now=now)
    read_success(response, document="introspection", media_types=frozenset({SIGNED, "application/json"}))
    if response.media_type != SIGNED:
        raise _rejected("not_signed", "is registered to come signed, and did not", "RFC 9701 5")
    return Secret(response.body.decode("ascii", "replace").strip())


def read_signed_introspection(
    token: Secret, keys: KeySet, *, provider: Provider, issuer: str, alg: str, now: float
) -> Introspection:
    """Judge a signed answer (RFC 9701 5): its kind and signature, then who says it, to whom, and when.

    `alg` is the registered signature. Codes: those of a signature (`introspection_alg_…`, `…_signature`, …),
    `introspection_typ`, those of `SIGNED_CHECKS`, `introspection_claim_missing`, and those of a plain answer.
    """
    header = read_header(token.reveal(), document="introspection")
    check_alg(header, alg)
    check_typ(header)
    secret = provider.client.secret
    payload = verify_signature(
        token, header=header, keys=keys, client_secret=secret, alg=alg, document="introspection"
    )
    claims = read_json_object(payload, document="introspection")
    for check in SIGNED_CHECKS:
        check(claims, provider, issuer, now)
    answer = claims.get("token_introspection")
    if not isinstance(answer, dict):
        raise _rejected("claim_missing", "has no token_introspection", "RFC 9701 5")
    return _described(answer)


def check_alg(header: Header, alg: str) -> None:
    """`alg` must be the registered one; `none` in any spelling never is (RFC 9701 5)."""
    if header.alg.lower() == "none":
        raise _rejected("alg_none", "is not signed", "RFC 8725 3.2")
    if header.alg != alg:
        raise _rejected("alg_mismatch", f"is signed with another algorithm than {alg}", "RFC 9701 6")


def check_typ(header: Header) -> None:
    """`typ` must say that it is such an answer: no other kind of token may stand in for one (RFC 9701 8.1)."""
    if header.typ is None or header.typ.lower() not in _TYPES:
        raise _rejected("typ", "is a token of another kind", "RFC 9701 5")


SignedCheck: TypeAlias = Callable[[JsonObject, Provider, str, float], None]
"""One rule about the claims, given them, the provider, its issuer and the time: returns, or raises."""


def check_issuer(claims: JsonObject, _provider: Provider, issuer: str, _now: float) -> None:
    """`iss` must be the issuer that was asked (RFC 9701 5)."""
    if claims.get("iss") != issuer:
        raise _rejected("iss", "is from another issuer", "RFC 9701 5")


def check_audience(claims: JsonObject, provider: Provider, _issuer: str, _now: float) -> None:
    """`aud` must name us, who asked (RFC 9701 5)."""
    audience = claims.get("aud")
    if provider.client.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise _rejected("aud", "was given to somebody else", "RFC 9701 5")


def check_issued_at(claims: JsonObject, _provider: Provider, _issuer: str, now: float) -> None:
    """`iat` must say when it was made, and not be in the future (RFC 9701 5)."""
    issued_at = claims.get("iat")
    if not (isinstance(issued_at, int | float) and is_number(issued_at)):
        raise _rejected("iat_invalid", "doesn't say when it was made", "RFC 9701 5")
    if issued_at > now + LEEWAY_SECONDS:
        raise _rejected("iat_future", "is from the future: compare the clocks", "RFC 7519 4.1.6")


def check_expiry(claims: JsonObject, _provider: Provider, _issuer: str, now: float) -> None:
    """`exp` is not asked for; one that is there must not be over (RFC 7519 4.1.4)."""
    expires_at = claims.get("exp", now)
    if not (isinstance(expires_at, int | float) and is_number(expires_at) and now < expires_at + LEEWAY_SECONDS):
        raise _rejected("expired", "has expired", "RFC 7519 4.1.4")


SIGNED_CHECKS: tuple[SignedCheck, ...] = (check_issuer, check_audience, check_issued_at, check_expiry)


def _rejected(kind: str, sentence: str, section: str) -> TokenRejected:
    return TokenRejected(f"introspection_{kind}", f"the introspection answer {sentence}", section=section)


def _described(answer: JsonObject) -> Introspection:
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
