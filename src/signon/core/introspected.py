"""An access token at an API of ours that its issuer was asked about, judged by the answer (RFC 7662 2.2)."""

from __future__ import annotations

from signon.core.access_token import (
    Claims,
    TokenCheck,
    TokenExpectations,
    VerifiedAccessToken,
    check_audience,
    check_expiry,
    check_issuer,
    check_not_before,
    check_scope,
    check_unbound,
    seal_token,
)
from signon.core.errors import TokenRejected


def judge_introspected(claims: Claims, *, expected: TokenExpectations) -> VerifiedAccessToken:
    """Judge what the issuer says of a token that it calls active; raises `TokenRejected` (`access_token_…`)."""
    for check in INTROSPECTED_CHECKS:
        check(claims, expected)
    return seal_token(claims, expected)


def check_issuer_if_said(claims: Claims, expected: TokenExpectations) -> None:
    """`iss`, when present, must be the issuer that was asked (RFC 7662 2.2)."""
    if claims.get("iss") is not None:
        check_issuer(claims, expected)


def check_audience_unless_waived(claims: Claims, expected: TokenExpectations) -> None:
    """`aud` must name this API, and may be missing only by a deviation: any client's token will do then."""
    if claims.get("aud") is not None or not expected.profile.audience_may_be_missing:
        check_audience(claims, expected)


def check_expiry_if_said(claims: Claims, expected: TokenExpectations) -> None:
    """The time must be before `exp`, when present (RFC 7662 2.2)."""
    if claims.get("exp") is not None:
        check_expiry(claims, expected)


def check_token_type(claims: Claims, _expected: TokenExpectations) -> None:
    """`token_type`, when present, must be Bearer, in any case (RFC 7662 2.2, RFC 6749 7.1)."""
    kind = claims.get("token_type")
    if kind is not None and str(kind).lower() != "bearer":
        raise TokenRejected("access_token_type", "the access token is no bearer token", section="RFC 7662 2.2")


INTROSPECTED_CHECKS: tuple[TokenCheck, ...] = (
    check_issuer_if_said,
    check_audience_unless_waived,
    check_expiry_if_said,
    check_not_before,
    check_scope,
    check_token_type,
    check_unbound,
)
