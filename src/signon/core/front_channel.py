"""Tokens that come by the browser: the implicit and the hybrid flow (OIDC Core 3.2 and 3.3).

Whoever holds the browser can have written all of the answer. So its ID token must be signed and have the nonce of
this sign-in, and a token or a code beside it counts only if the ID token holds its hash.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial

from signon.core.callback import FrontChannelAnswer, redeemable
from signon.core.claims import Check, Expectations, VerifiedClaims, merged
from signon.core.errors import TokenRejected
from signon.core.flow import (
    Answer,
    SignedIn,
    Step,
    about_the_person,
    complete_login,
    expectations,
    said,
    send,
    verified_id_token,
    verified_userinfo,
)
from signon.core.id_token import is_same, left_half_hash
from signon.core.metadata import Metadata
from signon.core.person import to_login
from signon.core.provider import Provider
from signon.core.tokens import TokenSet, read_front_tokens
from signon.core.userinfo import userinfo_request, wants_userinfo
from signon.core.values import JsonObject, Secret

_SAME = frozenset(
    {
        *("auth_time", "acr", "amr", "sid"),
        *(
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
        ),
        *("website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number"),
        *("phone_number_verified", "address", "updated_at"),
    }
)
"""The standard claims about the sign-in and the person (OIDC Core 2 and 5.1); others may be about a token."""


def complete_front_channel(
    *, provider: Provider, metadata: Metadata, answer: FrontChannelAnswer, now: float
) -> Generator[Step, Answer, SignedIn]:
    """From an answer of the browser's to a person: verify the ID token, and only then use what came beside it."""
    transaction, code = answer.transaction, answer.code
    expect = partial(_expectations, provider, answer, now=now)
    verified = yield from verified_id_token(provider, answer.id_token, expect, more=FRONT_CHECKS)
    if code is not None:
        callback = redeemable(answer, code, verified)
        rest = complete_login(
            provider=provider, metadata=metadata, callback=callback, now=now, front=verified, more=HYBRID_CHECKS
        )
        return (yield from rest)
    claims, tokens = said(verified.claims), None
    if answer.access_token is not None:
        tokens = replace(read_front_tokens(answer, now=now), id_token=verified.raw)
        more = yield from _more_claims(provider, metadata, tokens, verified, answer=answer, now=now)
        claims = merged(claims, more)
    person = provider.to_person(claims, provider=provider.name, issuer=verified.issuer)
    scope = transaction.scopes if tokens is None else tokens.scope
    return SignedIn(login=to_login(person, claims, now=now, scope=scope), tokens=tokens)


def _more_claims(
    provider: Provider,
    metadata: Metadata,
    tokens: TokenSet,
    verified: VerifiedClaims,
    *,
    answer: FrontChannelAnswer,
    now: float,
) -> Generator[Step, Answer, JsonObject]:
    """What userinfo adds, where the ID token lacks what was asked for."""
    if not wants_userinfo(provider, metadata, said(verified.claims), answer.transaction.scopes):
        return {}
    response = yield from send(userinfo_request(provider, metadata, tokens))
    return about_the_person((yield from verified_userinfo(provider, response, verified, now)))


def _expectations(provider: Provider, answer: FrontChannelAnswer, alg: str, *, now: float) -> Expectations:
    transaction = answer.transaction
    usual = expectations(provider, transaction, alg, access_token=answer.access_token, now=now)
    return replace(usual, code=answer.code, state=transaction.state)


def check_nonce_is_there(claims: JsonObject, _expected: Expectations) -> None:
    """`nonce` must be there, whatever the provider is forgiven elsewhere (OIDC Core 3.2.2.11, step 2)."""
    if claims.get("nonce") is None:
        raise _rejected("nonce_missing", "there is no nonce", "OIDC Core 3.2.2.11, step 2")


def check_at_hash_is_there(claims: JsonObject, expected: Expectations) -> None:
    """`at_hash` must be there where an access token came along (OIDC Core 3.2.2.10)."""
    if expected.access_token is not None and "at_hash" not in claims:
        raise _rejected("at_hash_missing", "there is no at_hash", "OIDC Core 3.2.2.10")


def check_c_hash_is_there(claims: JsonObject, expected: Expectations) -> None:
    """`c_hash` must be there where a code came along (OIDC Core 3.3.2.11)."""
    if expected.code is not None and "c_hash" not in claims:
        raise _rejected("c_hash_missing", "there is no c_hash", "OIDC Core 3.3.2.11")


def check_c_hash(claims: JsonObject, expected: Expectations) -> None:
    """`c_hash`, when present, must be the code's (OIDC Core 3.3.2.10)."""
    if "c_hash" in claims and not _is_hash(claims, "c_hash", expected.code, expected.alg):
        raise _rejected("c_hash", "the code is another than the id_token's", "OIDC Core 3.3.2.10")


def check_s_hash(claims: JsonObject, expected: Expectations) -> None:
    """`s_hash`, when present, must be the state's (FAPI 1.0 Advanced 5.1.1)."""
    state = None if expected.state is None else Secret(expected.state)
    if "s_hash" in claims and not _is_hash(claims, "s_hash", state, expected.alg):
        raise _rejected("s_hash", "the state is another than the id_token's", "FAPI 1.0 Advanced 5.1.1")


def _is_hash(claims: JsonObject, name: str, value: Secret | None, alg: str) -> bool:
    return value is not None and is_same(claims[name], left_half_hash(value, alg))


FRONT_CHECKS: tuple[Check, ...] = (
    check_nonce_is_there,
    check_at_hash_is_there,
    check_c_hash_is_there,
    check_c_hash,
    check_s_hash,
)
"""What an ID token that came by the browser must be, beside `CHECKS` of id_token."""


def check_same_person(claims: JsonObject, expected: Expectations) -> None:
    """`iss` and `sub` must be those of the ID token that came beside the code (OIDC Core 3.3.3.6)."""
    before = expected.original or {}
    if any(claims.get(name) != before.get(name) for name in ("iss", "sub")):
        raise _rejected(
            "sub_changed", "iss or sub is another than in the one that came beside the code", "OIDC Core 3.3.3.6"
        )


def check_same_claims(claims: JsonObject, expected: Expectations) -> None:
    """Claims about the person and the sign-in that both ID tokens have must be the same (OIDC Core 3.3.3.6)."""
    before, now = said(expected.original or {}), said(claims)
    if any(now[name] != before[name] for name in _SAME & now.keys() & before.keys()):
        raise _rejected(
            "claims_changed", "a claim is another than in the one that came beside the code", "OIDC Core 3.3.3.6"
        )


HYBRID_CHECKS: tuple[Check, ...] = (check_same_person, check_same_claims)
"""What the ID token of a hybrid flow's token answer must be, beside `CHECKS` of id_token."""


def _rejected(kind: str, sentence: str, section: str) -> TokenRejected:
    return TokenRejected(f"id_token_{kind}", f"in the id_token {sentence}", section=section)
