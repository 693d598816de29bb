"""The ID token, judged sentence by sentence (OIDC Core 3.1.3.7).

Its signature is always verified, also where TLS could stand in for it. `CHECKS` is the whole of the rules
about claims, and `REFRESH_CHECKS` what a refresh adds; each has a test that removes it and sees its forged token
get in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from contextlib import suppress

from signon.core.claims import Check, Expectations, VerifiedClaims, sealed
from signon.core.demands import check_demands
from signon.core.errors import TokenRejected, UnknownKey
from signon.core.header import ALGS, Header, read_header
from signon.core.jose import VerifyingKey, secret_key, verify_jws
from signon.core.keys import KeySet
from signon.core.values import JsonObject, JsonValue, Secret, b64url_encode, is_number, read_json_object

MAX_SUBJECT_CHARACTERS = 255
"""OIDC Core 2: `sub` must not exceed 255 ASCII characters."""
MAX_TOKEN_AGE_SECONDS = 600.0
"""A token of the code flow is made while we wait for it; ten minutes is far more than any wait."""


def verify_id_token(
    token: Secret,
    *,
    keys: KeySet,
    client_secret: Secret | None,
    expected: Expectations,
    extra_checks: Iterable[Check] = (),
) -> VerifiedClaims:
    """Verify an ID token: header, signature, then every check on the verified bytes.

    Raises `TokenRejected` (`id_token_…`), `UnknownKey` where newer keys may help, or `MalformedAnswer`
    where the signed payload can't be read.
    """
    header = read_header(token.reveal(), document="id_token")
    check_alg(header, expected)
    check_typ(header)
    payload = verify_signature(
        token, header=header, keys=keys, client_secret=client_secret, alg=expected.alg, document="id_token"
    )
    claims = read_json_object(payload, document="id_token")
    for check in (*CHECKS, *extra_checks):
        check(claims, expected)
    return sealed(claims=claims, raw=token)


def verify_signature(
    token: Secret,
    *,
    header: Header,
    keys: KeySet,
    client_secret: Secret | None,
    alg: str,
    document: str,
) -> bytes:
    """The payload, if one of the keys that fit has signed it (RFC 7515 5.2)."""
    if ALGS[alg].kty == "oct":
        octets = client_secret.reveal().encode("utf-8") if client_secret else b""
        candidates: tuple[VerifyingKey, ...] = (secret_key(octets, alg=alg),)
    else:
        candidates = keys.choose(header, alg=alg, document=document)
    for key in candidates:
        with suppress(TokenRejected):
            return verify_jws(token.reveal(), key=key, alg=alg, document=document)
    # A token that names no key may be signed by one that is newer than the set (OIDC Core 10.1.1).
    newer_may_help = header.kid is None and ALGS[alg].kty != "oct"
    kind = UnknownKey if newer_may_help else TokenRejected
    raise kind(f"{document}_signature", f"the {document} is not signed by this issuer", section="RFC 7515 5.2")


def check_alg(header: Header, expected: Expectations) -> None:
    """`alg` must be the registered one; `none` in any spelling never is (OIDC Core 3.1.3.7, step 7)."""
    if header.alg.lower() == "none":
        raise TokenRejected("id_token_alg_none", "the id_token is not signed", section="RFC 8725 3.2")
    if header.alg != expected.alg:
        raise TokenRejected(
            "id_token_alg_mismatch",
            f"the id_token is signed with another algorithm than {expected.alg}",
            section="OIDC Core 3.1.3.7, step 7",
        )


def check_typ(header: Header) -> None:
    """`typ` of another kind of token is refused: kinds must not stand in for each other (RFC 8725 3.11)."""
    if header.typ is not None and header.typ.lower() not in {"jwt", "application/jwt"}:
        raise TokenRejected(
            "id_token_typ", "the token is of another kind than an id_token", section="RFC 8725 3.11"
        )


def check_kind(claims: JsonObject, _expected: Expectations) -> None:
    """`events` belongs to other kinds of token, such as logout tokens (RFC 8725 3.12)."""
    if "events" in claims:
        raise _rejected("events", "there are events: the token is of another kind", "RFC 8725 3.12")


def check_issuer(claims: JsonObject, expected: Expectations) -> None:
    """`iss` must be the issuer, character for character (OIDC Core 3.1.3.7, step 2)."""
    if claims.get("iss") is None:
        raise _rejected("iss_missing", "there is no iss", "OIDC Core 2")
    if claims["iss"] != expected.issuer:
        raise _rejected("iss", f"iss is not {expected.issuer!r}", "OIDC Core 3.1.3.7, step 2")


def check_subject(claims: JsonObject, _expected: Expectations) -> None:
    """`sub` must be 1 to 255 ASCII characters (OIDC Core 2)."""
    subject = claims.get("sub")
    if subject is None or subject == "":
        raise _rejected("sub_missing", "there is no sub", "OIDC Core 2")
    if not isinstance(subject, str) or len(subject) > MAX_SUBJECT_CHARACTERS or not subject.isascii():
        raise _rejected("sub_invalid", "sub is not at most 255 ASCII characters", "OIDC Core 2")


def _audiences(claims: JsonObject) -> list[JsonValue]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def check_audience(claims: JsonObject, expected: Expectations) -> None:
    """`aud` must name us (OIDC Core 3.1.3.7, step 3)."""
    if claims.get("aud") is None:
        raise _rejected("aud_missing", "there is no aud", "OIDC Core 2")
    if not all(isinstance(audience, str) for audience in _audiences(claims)):
        raise _rejected("aud_invalid", "aud is neither text nor a list of texts", "RFC 7519 4.1.3")
    if expected.client_id not in _audiences(claims):
        raise _rejected("aud", "the token is for another client", "OIDC Core 3.1.3.7, step 3")


def check_other_audiences(claims: JsonObject, expected: Expectations) -> None:
    """`aud` must name nobody else: no other audience is trusted (OIDC Core 3.1.3.7, step 3)."""
    if any(audience != expected.client_id for audience in _audiences(claims)):
        raise _rejected("aud_extra", "the token is for others, too", "OIDC Core 3.1.3.7, step 3")


def check_authorized_party(claims: JsonObject, expected: Expectations) -> None:
    """`azp`, when present, must be us (OIDC Core 3.1.3.7, step 5)."""
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise _rejected("azp", "the token was issued to another client", "OIDC Core 3.1.3.7, step 5")


def _time(claims: JsonObject, name: str, section: str) -> float:
    value = claims.get(name)
    if value is None:
        raise _rejected(f"{name}_missing", f"there is no {name}", section)
    if not (isinstance(value, int | float) and is_number(value)):
        raise _rejected(f"{name}_invalid", f"{name} is not a number", "RFC 7519 2")
    return float(value)


def check_expiry(claims: JsonObject, expected: Expectations) -> None:
    """The time must be before `exp` (OIDC Core 3.1.3.7, step 9)."""
    if expected.now >= _time(claims, "exp", "OIDC Core 2") + expected.leeway_seconds:
        raise _rejected("expired", "the token has expired", "OIDC Core 3.1.3.7, step 9")


def check_issued_at(claims: JsonObject, expected: Expectations) -> None:
    """`iat` must not be in the future (OIDC Core 3.1.3.7, step 10)."""
    if _time(claims, "iat", "OIDC Core 2") > expected.now + expected.leeway_seconds:
        raise _rejected(
            "iat_future", "the token is from the future: compare the clocks", "OIDC Core 3.1.3.7, step 10"
        )


def check_age(claims: JsonObject, expected: Expectations) -> None:
    """`iat` must not be too far away (OIDC Core 3.1.3.7, step 10)."""
    oldest = expected.now - MAX_TOKEN_AGE_SECONDS - expected.leeway_seconds
    if is_number(claims.get("iat")) and _time(claims, "iat", "OIDC Core 2") < oldest:
        raise _rejected("iat_old", "the token is too old", "OIDC Core 3.1.3.7, step 10")


def check_not_before(claims: JsonObject, expected: Expectations) -> None:
    """`nbf`, when present, must not be in the future (RFC 7519 4.1.5)."""
    if "nbf" in claims and _time(claims, "nbf", "RFC 7519 4.1.5") > expected.now + expected.leeway_seconds:
        raise _rejected("nbf", "the token is not valid yet", "RFC 7519 4.1.5")


def check_nonce(claims: JsonObject, expected: Expectations) -> None:
    """`nonce` must be the one sent, and absent when none was (OIDC Core 3.1.3.7, step 11)."""
    nonce = claims.get("nonce")
    if nonce is None and expected.nonce is not None and not expected.nonce_may_be_missing:
        raise _rejected("nonce_missing", "there is no nonce", "OIDC Core 3.1.3.7, step 11")
    if nonce is not None and not is_same(nonce, expected.nonce):
        raise _rejected("nonce_mismatch", "the token answers another sign-in", "OIDC Core 3.1.3.7, step 11")


def check_acr(claims: JsonObject, expected: Expectations) -> None:
    """`acr` must be one of those demanded (OIDC Core 3.1.3.7, step 12)."""
    if expected.acr_values and claims.get("acr") not in expected.acr_values:
        raise _rejected(
            "acr", "the sign-in was not done in a way that was asked for", "OIDC Core 3.1.3.7, step 12"
        )


def check_auth_time(claims: JsonObject, expected: Expectations) -> None:
    """`auth_time` must be recent enough when a `max_age` was asked for (OIDC Core 3.1.3.7, step 13)."""
    if expected.max_age_seconds is None:
        return
    oldest = expected.now - expected.max_age_seconds - expected.leeway_seconds
    if _time(claims, "auth_time", "OIDC Core 3.1.3.7, step 13") < oldest:
        raise _rejected("auth_time_old", "the sign-in is older than was asked for", "OIDC Core 3.1.3.7, step 13")


def check_fresh(claims: JsonObject, expected: Expectations) -> None:
    """`auth_time`, when there is one, must not be older than a request for a new sign-in (OIDC Core 3.1.2.1)."""
    if not expected.fresh or "auth_time" not in claims:
        return
    if _time(claims, "auth_time", "OIDC Core 2") < expected.started_at - expected.leeway_seconds:
        raise _rejected("auth_time_not_fresh", "the provider did not ask the person again", "OIDC Core 3.1.2.1")


def check_auth_time_is_past(claims: JsonObject, expected: Expectations) -> None:
    """`auth_time` must not be in the future: it would be recent for ever (OIDC Core 2)."""
    at = claims.get("auth_time")
    if isinstance(at, int | float) and is_number(at) and at > expected.now + expected.leeway_seconds:
        raise _rejected("auth_time_future", "the sign-in is in the future", "OIDC Core 2")


def check_at_hash(claims: JsonObject, expected: Expectations) -> None:
    """`at_hash`, when present, must be the access token's (OIDC Core 3.1.3.8)."""
    if "at_hash" not in claims:
        return
    if expected.access_token is None or not is_same(
        claims["at_hash"], left_half_hash(expected.access_token, expected.alg)
    ):
        raise _rejected("at_hash", "the access token is another than the id_token's", "OIDC Core 3.1.3.8")


def left_half_hash(token: Secret, alg: str) -> str:
    """Base64url of the left half of the token's hash, by the hash of `alg` (OIDC Core 3.1.3.6)."""
    digest = getattr(hashlib, ALGS[alg].hash)(token.reveal().encode("ascii", "replace")).digest()
    return b64url_encode(digest[: len(digest) // 2])


CHECKS: tuple[Check, ...] = (
    check_kind,
    check_issuer,
    check_subject,
    check_audience,
    check_other_audiences,
    check_authorized_party,
    check_expiry,
    check_issued_at,
    check_age,
    check_not_before,
    check_nonce,
    check_acr,
    check_auth_time,
    check_fresh,
    check_auth_time_is_past,
    check_demands,
    check_at_hash,
)


def _original(expected: Expectations, name: str) -> JsonValue:
    return None if expected.original is None else expected.original.get(name)


def check_same_subject(claims: JsonObject, expected: Expectations) -> None:
    """After a refresh `sub` must be the sign-in's (OIDC Core 12.2)."""
    if claims.get("sub") != _original(expected, "sub"):
        raise _rejected("sub_changed", "sub is another person's than at the sign-in", "OIDC Core 12.2")


def check_same_auth_time(claims: JsonObject, expected: Expectations) -> None:
    """After a refresh `auth_time`, when present, must be the sign-in's (OIDC Core 12.2)."""
    before = _original(expected, "auth_time")
    if "auth_time" in claims and before is not None and claims["auth_time"] != before:
        raise _rejected("auth_time_changed", "auth_time is another than at the sign-in", "OIDC Core 12.2")


def check_issued_later(claims: JsonObject, expected: Expectations) -> None:
    """After a refresh `iat` must be a new time, not one before the sign-in's (OIDC Core 12.2)."""
    before = _original(expected, "iat")
    if isinstance(before, int | float) and _time(claims, "iat", "OIDC Core 2") < before - expected.leeway_seconds:
        raise _rejected("iat_before_sign_in", "iat is a time before the sign-in", "OIDC Core 12.2")


REFRESH_CHECKS: tuple[Check, ...] = (check_same_subject, check_same_auth_time, check_issued_later)
"""What must stay as it was at the sign-in, beside `CHECKS`: those hold issuer, audience and nonce to it."""


def is_same(value: JsonValue, expected: str | None) -> bool:
    """Whether a claim is this text; None is no claim's equal."""
    return (
        isinstance(value, str) and expected is not None and hmac.compare_digest(value.encode(), expected.encode())
    )


def _rejected(kind: str, sentence: str, section: str) -> TokenRejected:
    return TokenRejected(f"id_token_{kind}", f"in the id_token {sentence}", section=section)
