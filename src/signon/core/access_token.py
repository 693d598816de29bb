"""A signed access token at an API of ours, judged sentence by sentence (RFC 9068 4).

`CHECKS` is the whole of the rules about claims, `UNTYPED_CHECKS` what is added where the header doesn't say that
it is an access token. Each has a test that removes it and sees its forged token get in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from signon.core.claims import LEEWAY_SECONDS
from signon.core.errors import MalformedAnswer, TokenRejected
from signon.core.header import Header, read_header
from signon.core.id_token import verify_signature
from signon.core.keys import KeySet
from signon.core.provider import AccessTokenProfile
from signon.core.values import JsonValue, Secret, b64url_decode, read_json_object

_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_UNSAID = frozenset({None, "jwt", "application/jwt"})
_OF_OTHER_KINDS = ("nonce", "at_hash", "c_hash", "s_hash", "events")
"""Claims of ID tokens (OIDC Core 2, 3.3.2.11), and of logout tokens (OIDC Back-Channel Logout 2.4)."""
Claims: TypeAlias = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExpectations:
    """Everything an access token is judged by."""

    issuer: str
    audience: str
    """What its issuer calls this API."""
    profile: AccessTokenProfile
    now: float
    """POSIX seconds."""
    leeway_seconds: float = LEEWAY_SECONDS


TokenCheck: TypeAlias = Callable[[Claims, TokenExpectations], None]
"""One rule about the claims: returns, or raises `TokenRejected` with a code of its own."""

_SEAL = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAccessToken:
    """A token whose signature, or its issuer's word, and every check has passed. Only verifiers make it."""

    issuer: str
    subject: str | None = field(repr=False)
    """Whom it acts for; None for a client's own, where the provider names nobody."""
    client_id: str | None
    """Whom it was issued to; None where the provider does not say."""
    scopes: frozenset[str]
    claims: Claims = field(repr=False)
    seal: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            msg = "a VerifiedAccessToken comes from the verifier only"
            raise TypeError(msg)


def verify_access_token(token: Secret, *, keys: KeySet, expected: TokenExpectations) -> VerifiedAccessToken:
    """Verify a signed access token: header, signature, then every check on the verified bytes.

    Raises `TokenRejected` (`access_token_…`), or `UnknownKey` where newer keys may help.
    """
    header = read_header(token.reveal(), document="access_token")
    check_alg(header, expected)
    check_typ(header, expected)
    payload = verify_signature(
        token, header=header, keys=keys, client_secret=None, alg=header.alg, document="access_token"
    )
    claims = _read_payload(payload)
    for check in CHECKS if _is_said(header) else (*CHECKS, *UNTYPED_CHECKS):
        check(claims, expected)
    return seal_token(claims, expected)


def verify_again(token: VerifiedAccessToken, *, expected: TokenExpectations) -> None:
    """Check once more what may be otherwise at another time or for another API; raises `TokenRejected`."""
    for check in CHECKED_AGAIN:
        check(token.claims, expected)


def unverified_issuer(token: Secret) -> str | None:
    """The issuer that a JWT claims to be from, to choose whose keys judge it; None for anything that is no JWT."""
    parts = token.reveal().split(".")
    payload = b64url_decode(parts[1]) if len(parts) == 3 else None  # noqa: PLR2004 - the parts of RFC 7515 7.1
    with suppress(MalformedAnswer):
        issuer = None if payload is None else read_json_object(payload, document="access_token").get("iss")
        return issuer if isinstance(issuer, str) else None
    return None


def check_alg(header: Header, expected: TokenExpectations) -> None:
    """`alg` must be one of the registered ones; `none` in any spelling never is (RFC 9068 4)."""
    if header.alg.lower() == "none":
        raise _rejected("alg_none", "is not signed", "RFC 9068 4")
    if header.alg not in expected.profile.algs:
        raise _rejected("alg_mismatch", "is signed with another algorithm than the registered one", "RFC 9068 4")


def check_typ(header: Header, expected: TokenExpectations) -> None:
    """`typ` must say that it is an access token (RFC 9068 4)."""
    if _is_said(header):
        return
    typ = header.typ.lower() if header.typ is not None else None
    if typ not in _UNSAID or not expected.profile.kind_may_be_unsaid:
        raise _rejected("typ", "does not say in its header that it is one", "RFC 9068 4")


def _is_said(header: Header) -> bool:
    return header.typ is not None and header.typ.lower() in _TYPES


def check_issuer(claims: Claims, expected: TokenExpectations) -> None:
    """`iss` must be the issuer, character for character (RFC 9068 4)."""
    if claims.get("iss") is None:
        raise _rejected("iss_missing", "has no iss", "RFC 9068 2.2")
    if claims["iss"] != expected.issuer:
        raise _rejected("iss", "is from another issuer", "RFC 9068 4")


def check_audience(claims: Claims, expected: TokenExpectations) -> None:
    """`aud` must name this API (RFC 9068 4)."""
    if claims.get("aud") is None:
        raise _rejected("aud_missing", "has no aud", "RFC 9068 2.2")
    audiences = _audiences(claims)
    if not all(isinstance(audience, str) for audience in audiences):
        raise _rejected("aud_invalid", "has an aud that is neither text nor a list of texts", "RFC 7519 4.1.3")
    if expected.audience not in audiences:
        raise _rejected("aud", f"is not for {expected.audience}", "RFC 9068 4")


def check_expiry(claims: Claims, expected: TokenExpectations) -> None:
    """The time must be before `exp` (RFC 9068 4)."""
    if expected.now >= _time(claims, "exp") + expected.leeway_seconds:
        raise _rejected("expired", "has expired", "RFC 9068 4")


def check_issued_at(claims: Claims, expected: TokenExpectations) -> None:
    """`iat` must not be in the future (RFC 9068 2.2)."""
    if _time(claims, "iat") > expected.now + expected.leeway_seconds:
        raise _rejected("iat_future", "is from the future: compare the clocks", "RFC 7519 4.1.6")


def check_not_before(claims: Claims, expected: TokenExpectations) -> None:
    """`nbf`, when present, must not be in the future (RFC 7519 4.1.5)."""
    if claims.get("nbf") is not None and _time(claims, "nbf") > expected.now + expected.leeway_seconds:
        raise _rejected("nbf", "is not valid yet", "RFC 7519 4.1.5")


def check_subject(claims: Claims, expected: TokenExpectations) -> None:
    """`sub` must say whom the token acts for (RFC 9068 2.2)."""
    _check_text(claims, "sub", may_be_missing=expected.profile.subject_may_be_missing)


def check_client(claims: Claims, expected: TokenExpectations) -> None:
    """`client_id` must say whom the token was issued to (RFC 9068 2.2)."""
    stands_in = expected.profile.azp_may_stand_in and claims.get("client_id") is None
    _check_text(claims, "azp" if stands_in else "client_id", may_be_missing=False)


def check_token_id(claims: Claims, expected: TokenExpectations) -> None:
    """`jti` must tell this token from all others (RFC 9068 2.2)."""
    _check_text(claims, "jti", may_be_missing=expected.profile.jti_may_be_missing)


def check_scope(claims: Claims, expected: TokenExpectations) -> None:
    """`scope`, when present, must be text (RFC 9068 2.2.3); another claim in its place, a list of texts."""
    name = expected.profile.scope_claim
    value = claims.get(name)
    if name == "scope":
        fine = value is None or isinstance(value, str)
    else:
        fine = value is None or (isinstance(value, list) and all(isinstance(word, str) for word in value))
    if not fine:
        raise _rejected("scope_invalid", f"has a value of {name} that can't be read", "RFC 9068 2.2.3")


def check_unbound(claims: Claims, _expected: TokenExpectations) -> None:
    """`cnf` must be absent: a token bound to a key is not for whoever bears it (RFC 9449 7.2, RFC 8705 3)."""
    if claims.get("cnf") is not None:
        raise _rejected("bound", "is bound to a key, and came without the proof of that", "RFC 9449 7.2")


CHECKS: tuple[TokenCheck, ...] = (
    check_issuer,
    check_audience,
    check_expiry,
    check_issued_at,
    check_not_before,
    check_subject,
    check_client,
    check_token_id,
    check_scope,
    check_unbound,
)
CHECKED_AGAIN: tuple[TokenCheck, ...] = (check_issuer, check_audience, check_expiry, check_not_before)
"""Those that ask more than the claims alone. The others have been answered for good."""


def check_other_kinds(claims: Claims, _expected: TokenExpectations) -> None:
    """No claim may be there that only ID tokens and logout tokens have (RFC 8725 3.12)."""
    if any(name in claims for name in _OF_OTHER_KINDS):
        raise _rejected("other_kind", "has a claim of another kind of token", "RFC 8725 3.12")


def check_client_is_no_audience(claims: Claims, _expected: TokenExpectations) -> None:
    """`aud` must not name the client: that is how an ID token is addressed (OIDC Core 2, RFC 8725 3.12)."""
    audiences = _audiences(claims)
    if any(claims.get(name) in audiences for name in ("client_id", "azp") if claims.get(name) is not None):
        raise _rejected(
            "for_its_client", "is for the client that it was issued to, as an ID token is", "RFC 8725 3.12"
        )


UNTYPED_CHECKS: tuple[TokenCheck, ...] = (check_other_kinds, check_client_is_no_audience)


def _audiences(claims: Claims) -> list[JsonValue]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _time(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if value is None:
        raise _rejected(f"{name}_missing", f"has no {name}", "RFC 9068 2.2")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _rejected(f"{name}_invalid", f"has a value of {name} that is not a number", "RFC 7519 2")
    return float(value)


def _check_text(claims: Claims, name: str, *, may_be_missing: bool) -> None:
    value = claims.get(name)
    if value is None and may_be_missing:
        return
    if value is None or value == "":
        raise _rejected(f"{name}_missing", f"has no {name}", "RFC 9068 2.2")
    if not isinstance(value, str):
        raise _rejected(f"{name}_invalid", f"has a value of {name} that is not text", "RFC 9068 2.2")


def _read_payload(payload: bytes) -> Claims:
    try:
        return read_json_object(payload, document="access_token")
    except MalformedAnswer as error:
        code, sentence, section = error.code, str(error.args[0]), error.section
    raise TokenRejected(code, sentence, section=section)


def seal_token(claims: Claims, expected: TokenExpectations) -> VerifiedAccessToken:
    """Seal claims that have just been checked, here or in `introspected`."""
    subject, client = claims.get("sub"), claims.get("client_id") or claims.get("azp")
    scope = claims.get(expected.profile.scope_claim)
    words = scope.split() if isinstance(scope, str) else map(str, scope if isinstance(scope, list) else ())
    return VerifiedAccessToken(
        issuer=expected.issuer,
        subject=subject if isinstance(subject, str) and subject else None,
        client_id=client if isinstance(client, str) else None,
        scopes=frozenset(words),
        claims=claims,
        seal=_SEAL,
    )


def _rejected(kind: str, sentence: str, section: str) -> TokenRejected:
    return TokenRejected(f"access_token_{kind}", f"the access token {sentence}", section=section)
