"""What a token must say (`Expectations`), one rule for it (`Check`), and what was proven (`VerifiedClaims`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from signon.core.values import JsonObject, JsonValue, Secret

LEEWAY_SECONDS = 60.0
"""How far two clocks may be apart. Providers and peers use 60 s; OIDC Core leaves the number open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """Everything an ID token is judged by. Nothing is optional by being empty: None means "there must be none"
    for the nonce, and "was not asked for" for what only some requests ask.
    """

    issuer: str
    client_id: str
    alg: str
    nonce: str | None = field(repr=False)
    nonce_may_be_missing: bool = False
    access_token: Secret | None
    code: Secret | None = None
    """The code that came beside the token by the browser; None for a token that came in another way."""
    state: str | None = field(default=None, repr=False)
    """The sign-in's, for a token that came by the browser."""
    now: float
    """POSIX seconds."""
    started_at: float
    """When the sign-in began, POSIX seconds."""
    max_age_seconds: int | None = None
    fresh: bool = False
    """A sign-in was demanded (`prompt=login` or `max_age=0`): `auth_time` must not be older than the request."""
    acr_values: tuple[str, ...] = ()
    """Accepted `acr` values when one was demanded; empty when none was."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """The provider's own parameters of the request, for a profile's extra checks."""
    original: Mapping[str, JsonValue] | None = field(default=None, repr=False)
    """The claims of the token before this one: the sign-in's, where a token of a refresh is judged, or those that
    came by the browser, where the code beside them is redeemed.
    """
    leeway_seconds: float = LEEWAY_SECONDS


Check: TypeAlias = Callable[[JsonObject, Expectations], None]
"""One rule about the claims: returns, or raises `TokenRejected` with a code of its own."""

_VOUCHED = (("email", "email_verified"), ("phone_number", "phone_number_verified"))
"""What may be verified, and the claim that says so (OIDC Core 5.1)."""
_SEAL = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedClaims:
    """Claims of a token whose signature and every check have passed. Only the verifier makes them."""

    issuer: str
    subject: str = field(repr=False)
    claims: Mapping[str, JsonValue] = field(repr=False)
    raw: Secret
    """The token as received; the hint of a later sign-out must be these very characters."""
    seal: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            msg = "VerifiedClaims come from the verifier only"
            raise TypeError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedClaims:
    """Claims that only the connection vouches for: what a provider sends beside its tokens. Never verified."""

    issuer: str
    subject: str = field(repr=False)
    claims: Mapping[str, JsonValue] = field(repr=False)


def merged(first: Mapping[str, JsonValue], more: Mapping[str, JsonValue]) -> JsonObject:
    """What two sources say of a person: the first one's word stands, the other fills gaps.

    That an address is verified counts only from a source that has this very address: else the one's unverified
    address would pass for the other's verified one.
    """
    claims = {**more, **first}
    for address, verified in _VOUCHED:
        claims.pop(verified, None)
        for source in (more, first):
            if verified in source and source.get(address) == claims.get(address):
                claims[verified] = source[verified]
    return claims


def sealed(*, claims: JsonObject, raw: Secret) -> VerifiedClaims:
    """Seal claims that the verifier has just checked (`id_token.verify_id_token` is the only caller)."""
    return VerifiedClaims(
        issuer=str(claims["iss"]), subject=str(claims["sub"]), claims=claims, raw=raw, seal=_SEAL
    )
