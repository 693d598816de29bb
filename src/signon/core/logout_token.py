"""The logout token, judged sentence by sentence (OIDC Back-Channel Logout 1.0, 2.4 and 2.6).

Who can make us take one signs people out. `CHECKS` is the whole of the rules about claims; each has a test that
removes it and sees its forged token get in. That it was not used before is for the caller to find out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from signon.core.claims import LEEWAY_SECONDS
from signon.core.errors import TokenRejected
from signon.core.header import Header, read_header
from signon.core.id_token import verify_signature
from signon.core.keys import KeySet
from signon.core.values import JsonObject, JsonValue, Secret, is_number, read_json_object

EVENT = "http://schemas.openid.net/event/backchannel-logout"
MAX_TOKEN_AGE_SECONDS = 600.0
"""The standard recommends a life of two minutes; a delivery that was put off may take longer."""

_DOCUMENT = "logout_token"
_TYPES = frozenset({"logout+jwt", "application/logout+jwt", "jwt", "application/jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutExpectations:
    """Everything a logout token is judged by."""

    issuer: str
    client_id: str
    alg: str
    """The signature that is registered for ID tokens."""
    now: float
    """POSIX seconds."""
    leeway_seconds: float = LEEWAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutNotice:
    """A provider's word that a session has ended. Only a verified logout token becomes one."""

    issuer: str
    subject: str | None = field(repr=False)
    sid: str | None = field(repr=False)
    """At least one of the two is there."""
    jti: str
    expires_at: float
    """From when on the token is refused for its age, POSIX seconds: so long its `jti` must be remembered."""


LogoutCheck: TypeAlias = Callable[[JsonObject, LogoutExpectations], None]
"""One rule about the claims: returns, or raises `TokenRejected` with a code of its own."""


def verify_logout_token(
    token: Secret, *, keys: KeySet, client_secret: Secret | None, expected: LogoutExpectations
) -> LogoutNotice:
    """Verify a logout token: header, signature, then every check on the verified bytes (2.6).

    Raises `TokenRejected` (`logout_token_…`), `UnknownKey` where newer keys may help, or `MalformedAnswer`
    where the signed payload can't be read.
    """
    header = read_header(token.reveal(), document=_DOCUMENT)
    check_alg(header, expected)
    check_typ(header)
    payload = verify_signature(
        token, header=header, keys=keys, client_secret=client_secret, alg=expected.alg, document=_DOCUMENT
    )
    claims = read_json_object(payload, document=_DOCUMENT)
    for check in CHECKS:
        check(claims, expected)
    lives_until = min(_time(claims, "exp"), _time(claims, "iat") + MAX_TOKEN_AGE_SECONDS)
    return LogoutNotice(
        issuer=expected.issuer,
        subject=_text(claims, "sub"),
        sid=_text(claims, "sid"),
        jti=str(claims["jti"]),
        expires_at=lives_until + expected.leeway_seconds,
    )


def check_alg(header: Header, expected: LogoutExpectations) -> None:
    """`alg` must be the one registered for ID tokens; `none` in any spelling never is (2.6, steps 2 and 3)."""
    if header.alg.lower() == "none":
        raise _rejected("alg_none", "the logout_token is not signed", "2.6, step 2")
    if header.alg != expected.alg:
        raise _rejected(
            "alg_mismatch",
            f"the logout_token is signed with another algorithm than {expected.alg}",
            "2.6, step 3",
        )


def check_typ(header: Header) -> None:
    """`typ` of another kind of token is refused: kinds must not stand in for each other (2.4)."""
    if header.typ is not None and header.typ.lower() not in _TYPES:
        raise _rejected("typ", "the token is of another kind than a logout_token", "2.4")


def check_issuer(claims: JsonObject, expected: LogoutExpectations) -> None:
    """`iss` must be the issuer, character for character (2.6, step 4)."""
    if claims.get("iss") is None:
        raise _rejected("iss_missing", "in the logout_token there is no iss", "2.4")
    if claims["iss"] != expected.issuer:
        raise _rejected("iss", f"in the logout_token iss is not {expected.issuer!r}", "2.6, step 4")


def _audiences(claims: JsonObject) -> list[JsonValue]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def check_audience(claims: JsonObject, expected: LogoutExpectations) -> None:
    """`aud` must name us (2.6, step 4)."""
    if claims.get("aud") is None:
        raise _rejected("aud_missing", "in the logout_token there is no aud", "2.4")
    if expected.client_id not in _audiences(claims):
        raise _rejected("aud", "the logout_token is for another client", "2.6, step 4")


def check_other_audiences(claims: JsonObject, expected: LogoutExpectations) -> None:
    """`aud` must name nobody else, who could use the token against us (2.6, step 4)."""
    if any(audience != expected.client_id for audience in _audiences(claims)):
        raise _rejected("aud_extra", "the logout_token is for others, too", "2.6, step 4")


def check_expiry(claims: JsonObject, expected: LogoutExpectations) -> None:
    """`exp` is required, and the time must be before it (2.4 and 2.6, step 4)."""
    if expected.now >= _time(claims, "exp") + expected.leeway_seconds:
        raise _rejected("expired", "the logout_token has expired", "2.6, step 4")


def check_issued_at(claims: JsonObject, expected: LogoutExpectations) -> None:
    """`iat` must not be in the future (2.6, step 4)."""
    if _time(claims, "iat") > expected.now + expected.leeway_seconds:
        raise _rejected("iat_future", "the logout_token is from the future: compare the clocks", "2.6, step 4")


def check_age(claims: JsonObject, expected: LogoutExpectations) -> None:
    """`iat` must not be too far away, however late `exp` is (2.6, step 4)."""
    oldest = expected.now - MAX_TOKEN_AGE_SECONDS - expected.leeway_seconds
    if is_number(claims.get("iat")) and _time(claims, "iat") <= oldest:
        raise _rejected("iat_old", "the logout_token is too old", "2.6, step 4")


def check_jti(claims: JsonObject, _expected: LogoutExpectations) -> None:
    """`jti` is required: without it a second use could not be told from the first (2.4)."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise _rejected("jti_missing", "in the logout_token there is no jti that is text", "2.4")


def check_events(claims: JsonObject, _expected: LogoutExpectations) -> None:
    """`events` must be an object with the back-channel member, an object, too (2.6, step 6).

    An ID token has no such member, so that none can be used here.
    """
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise _rejected("events", "in the logout_token events does not say that it is one", "2.6, step 6")


def check_nonce(claims: JsonObject, _expected: LogoutExpectations) -> None:
    """`nonce` must be absent: it would make an ID token of it (2.6, step 7)."""
    if "nonce" in claims:
        raise _rejected("nonce", "in the logout_token there is a nonce", "2.6, step 7")


def check_subject(claims: JsonObject, _expected: LogoutExpectations) -> None:
    """`sub`, when present, must be text (2.4)."""
    if "sub" in claims and _text(claims, "sub") is None:
        raise _rejected("sub_invalid", "in the logout_token sub is not text", "2.4")


def check_sid(claims: JsonObject, _expected: LogoutExpectations) -> None:
    """`sid`, when present, must be text (2.4)."""
    if "sid" in claims and _text(claims, "sid") is None:
        raise _rejected("sid_invalid", "in the logout_token sid is not text", "2.4")


def check_somebody(claims: JsonObject, _expected: LogoutExpectations) -> None:
    """`sub` or `sid` must say whose session has ended (2.6, step 5)."""
    if "sub" not in claims and "sid" not in claims:
        raise _rejected("nobody", "the logout_token has neither sub nor sid", "2.6, step 5")


CHECKS: tuple[LogoutCheck, ...] = (
    check_issuer,
    check_audience,
    check_other_audiences,
    check_expiry,
    check_issued_at,
    check_age,
    check_jti,
    check_events,
    check_nonce,
    check_subject,
    check_sid,
    check_somebody,
)


def _time(claims: JsonObject, name: str) -> float:
    value = claims.get(name)
    if value is None:
        raise _rejected(f"{name}_missing", f"in the logout_token there is no {name}", "2.4")
    if not (isinstance(value, int | float) and is_number(value)):
        raise _rejected(f"{name}_invalid", f"in the logout_token {name} is not a number", "2.4")
    return float(value)


def _text(claims: JsonObject, name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _rejected(kind: str, sentence: str, section: str) -> TokenRejected:
    return TokenRejected(f"{_DOCUMENT}_{kind}", sentence, section=f"OIDC Back-Channel Logout 1.0, {section}")
