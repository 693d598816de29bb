"""The order of the steps, written once as generators.

A flow yields what it needs, an `HttpRequest` or `KeysWanted`, and is sent the `HttpResponse` or `KeySet`.
Whoever drives it does the waiting; a failure to get an answer is thrown into the flow at its `yield`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, TypeVar

from signon.core.authorize import Transaction, pushed_request, read_pushed
from signon.core.callback import VerifiedCallback
from signon.core.claims import Check, Expectations, UnsignedClaims, VerifiedClaims, merged
from signon.core.encrypted import open_token
from signon.core.errors import OperatorError, TokenRejected, UnknownKey
from signon.core.header import ALGS, read_header
from signon.core.http import HttpRequest, HttpResponse
from signon.core.id_token import verify_id_token
from signon.core.introspection import (
    Introspection,
    introspection_request,
    read_introspection,
    read_signed_introspection,
    signed_answer,
)
from signon.core.keys import KeySet
from signon.core.logout_token import LogoutExpectations, LogoutNotice, verify_logout_token
from signon.core.metadata import Metadata
from signon.core.person import Login, to_login
from signon.core.provider import Provider, RevokedCheck, TokenKind
from signon.core.revocation import read_revocation, read_revoked, revocation_request, revoked_request
from signon.core.tokens import TokenSet, code_request, read_tokens
from signon.core.userinfo import is_signed, read_userinfo, userinfo_request, wants_userinfo
from signon.core.values import JsonObject, JsonValue, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysWanted:
    """The flow needs the provider's keys; `unknown_to` is the set that lacks the one a token names."""

    unknown_to: KeySet | None = None


T = TypeVar("T")
Step: TypeAlias = HttpRequest | KeysWanted
Answer: TypeAlias = HttpResponse | KeySet
NO_KEYS = KeySet(keys=())
_OF_THE_TOKEN = frozenset(
    {
        *("iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash"),
        *("auth_time", "acr", "amr", "sid"),
    }
)
"""Claims about a token and a sign-in, not about a person: userinfo has no say in them (OIDC Core 2 and 5.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What a finished sign-in leaves."""

    login: Login
    tokens: TokenSet | None
    """None where an ID token is all that was asked for."""


def complete_login(
    *,
    provider: Provider,
    metadata: Metadata,
    callback: VerifiedCallback,
    now: float,
    front: VerifiedClaims | None = None,
    more: tuple[Check, ...] = (),
) -> Generator[Step, Answer, SignedIn]:
    """From a verified callback to a person: redeem the code, verify the ID token, ask userinfo if needed.

    `front` are the claims that came beside the code, which the ID token is then held to by `more` checks.
    """
    transaction = callback.transaction
    response = yield from send(code_request(provider, metadata, callback, now=now))
    tokens = read_tokens(response, provider=provider, scopes=transaction.scopes, now=now)
    verified: VerifiedClaims | UnsignedClaims
    if provider.identity_from_introspection and "openid" not in transaction.scopes:
        verified = yield from _introspected(provider, metadata, tokens, now)
    else:
        original = None if front is None else front.claims
        expect = partial(
            expectations, provider, transaction, access_token=tokens.access_token, original=original, now=now
        )
        verified = yield from verified_id_token(provider, tokens.id_token, expect, more=more)
        if tokens.id_token is not verified.raw:  # it came encrypted
            tokens = replace(tokens, id_token=verified.raw)
    # A signed claim is never overridden by an unsigned one, and how the person signed in is only ever signed.
    claims = {**about_the_person(tokens.claims), **said(verified.claims)}
    if wants_userinfo(provider, metadata, claims, transaction.scopes):
        response = yield from send(userinfo_request(provider, metadata, tokens))
        theirs = yield from verified_userinfo(provider, response, verified, now)
        claims = merged(claims, about_the_person(theirs))
    person = provider.to_person(claims, provider=provider.name, issuer=verified.issuer)
    login = to_login(person, claims, now=now, scope=tokens.scope)
    return SignedIn(login=login, tokens=replace(tokens, claims={}) if tokens.claims else tokens)


def revoke(
    *, provider: Provider, metadata: Metadata, token: Secret, kind: TokenKind, now: float
) -> Generator[Step, Answer, None]:
    """Revoke a token that `revocable` named (RFC 7009)."""
    response = yield from send(revocation_request(provider, metadata, token, kind, now=now))
    read_revocation(response, provider=provider, now=now)


def ask_revoked(
    *, provider: Provider, metadata: Metadata, check: RevokedCheck, token: Secret, now: float
) -> Generator[Step, Answer, bool]:
    """Ask a vendor that can be asked whether an access token was revoked."""
    response = yield from send(revoked_request(provider, metadata, check, token, now=now))
    return read_revoked(response, provider=provider, now=now)


def push(
    *, provider: Provider, metadata: Metadata, parameters: Mapping[str, str], now: float
) -> Generator[Step, Answer, dict[str, str]]:
    """Push an authorization request (RFC 9126): the parameters that are left for the browser."""
    response = yield from send(pushed_request(provider, metadata, parameters, now=now))
    return read_pushed(response, provider=provider, now=now)


def introspect(
    *, provider: Provider, metadata: Metadata, token: Secret, now: float
) -> Generator[Step, Answer, Introspection]:
    """Ask the provider what an access token is (RFC 7662, signed: RFC 9701)."""
    response = yield from send(introspection_request(provider, metadata, token, now=now))
    alg = provider.introspection_alg
    if alg is None:
        return read_introspection(response, provider=provider, now=now)
    signed = signed_answer(response, provider=provider, now=now)
    read = partial(read_signed_introspection, signed, provider=provider, issuer=metadata.issuer, alg=alg, now=now)
    return (yield from _with_keys(read, alg=alg))


def judge_logout(
    *, provider: Provider, metadata: Metadata, token: Secret, now: float
) -> Generator[Step, Answer, LogoutNotice]:
    """Verify a logout token (OIDC Back-Channel Logout 1.0, 2.6), encrypted as ID tokens are (2.6, step 1)."""
    token = open_token(token, provider=provider, registered=provider.id_token_encryption, document="logout_token")
    expected = LogoutExpectations(
        issuer=metadata.issuer,
        client_id=provider.client.client_id,
        alg=_registered_alg(provider, token, document="logout_token"),
        now=now,
    )

    def verify(keys: KeySet) -> LogoutNotice:
        return verify_logout_token(token, keys=keys, client_secret=provider.client.secret, expected=expected)

    return (yield from _with_keys(verify, alg=expected.alg))


def _introspected(
    provider: Provider, metadata: Metadata, tokens: TokenSet, now: float
) -> Generator[Step, Answer, UnsignedClaims]:
    """Who signed in, where the provider signs nothing: the introspected subject, else the number it sent."""
    answer = yield from introspect(provider=provider, metadata=metadata, token=tokens.access_token, now=now)
    if not answer.active:
        raise TokenRejected("introspection_inactive", "the provider says that its new access token is not active")
    subject = answer.subject or tokens.claims.get("pid")
    if not isinstance(subject, str) or not subject:
        raise OperatorError(
            "identity_missing", f"{provider.name} does not say who signed in: ask for openid, or for pid"
        )
    return UnsignedClaims(issuer=metadata.issuer, subject=subject, claims={"iss": metadata.issuer, "sub": subject})


def said(claims: Mapping[str, JsonValue]) -> JsonObject:
    """The claims that say something: null and empty ones are absent (OIDC Core 5.3.2)."""
    return {name: value for name, value in claims.items() if value is not None and value != ""}


def about_the_person(claims: Mapping[str, JsonValue]) -> JsonObject:
    """The claims that say something of a person, without those about a token or a sign-in."""
    return {name: value for name, value in said(claims).items() if name not in _OF_THE_TOKEN}


def verified_id_token(
    provider: Provider,
    token: Secret | None,
    expect: Callable[[str], Expectations],
    *,
    more: tuple[Check, ...] = (),
) -> Generator[Step, Answer, VerifiedClaims]:
    """Judge an ID token. `expect` gives what is expected of it, by its registered signature; `more` are checks of
    this use alone.
    """
    if token is None:
        # A provider that is asked for no ID token needs a profile that says who then vouches for the person.
        raise TokenRejected(
            "id_token_missing", "there is no id_token to sign in with", section="OIDC Core 3.1.3.3"
        )
    opened = open_token(token, provider=provider, registered=provider.id_token_encryption, document="id_token")
    alg = _registered_alg(provider, opened, document="id_token")
    expected = expect(alg)

    def verify(keys: KeySet) -> VerifiedClaims:
        return verify_id_token(
            opened,
            keys=keys,
            client_secret=provider.client.secret,
            expected=expected,
            extra_checks=(*more, *provider.extra_checks),
        )

    return (yield from _with_keys(verify, alg=alg))


def _registered_alg(provider: Provider, token: Secret, *, document: str) -> str:
    """The registered signature of ID tokens; of two that are one algorithm, the one that the token names."""
    if len(provider.id_token_algs) == 1:
        return next(iter(provider.id_token_algs))
    alg = read_header(token.reveal(), document=document).alg
    return alg if alg in provider.id_token_algs else min(provider.id_token_algs)


def _with_keys(verify: Callable[[KeySet], T], *, alg: str) -> Generator[Step, Answer, T]:
    """Verify with the provider's keys, once more with newer ones where those held lack the key that is named."""
    if ALGS[alg].kty == "oct":
        return verify(NO_KEYS)
    keys = yield from wanted_keys()
    try:
        return verify(keys)
    except UnknownKey:
        return verify((yield from wanted_keys(unknown_to=keys)))


def expectations(
    provider: Provider,
    transaction: Transaction,
    alg: str,
    *,
    access_token: Secret | None,
    original: Mapping[str, JsonValue] | None = None,
    now: float,
) -> Expectations:
    """What a sign-in's ID token is judged by. `original` are the claims of one that came before it."""
    return Expectations(
        issuer=transaction.issuer,
        client_id=transaction.client_id,
        alg=alg,
        nonce=transaction.nonce,
        nonce_may_be_missing=provider.nonce_may_be_missing,
        access_token=access_token,
        now=now,
        started_at=transaction.started_at,
        max_age_seconds=transaction.max_age_seconds,
        fresh=transaction.fresh,
        acr_values=transaction.acr_values,
        asked=transaction.asked,
        original=original,
    )


def verified_userinfo(
    provider: Provider, response: HttpResponse, verified: VerifiedClaims | UnsignedClaims, now: float
) -> Generator[Step, Answer, JsonObject]:
    """What userinfo says of the person that the ID token is about, signed or not."""
    issuer, subject = verified.issuer, verified.subject

    def read(keys: KeySet) -> JsonObject:
        return read_userinfo(response, provider=provider, issuer=issuer, subject=subject, keys=keys, now=now)

    if not is_signed(response):
        return read(NO_KEYS)
    keys = yield from wanted_keys()
    try:
        return read(keys)
    except UnknownKey:
        return read((yield from wanted_keys(unknown_to=keys)))


def send(request: HttpRequest) -> Generator[Step, Answer, HttpResponse]:
    """The answer to one request."""
    answer = yield request
    if not isinstance(answer, HttpResponse):
        raise AssertionError(request)  # noqa: TRY004 - a driver that answers wrongly is a bug of ours
    return answer


def wanted_keys(*, unknown_to: KeySet | None = None) -> Generator[Step, Answer, KeySet]:
    """The provider's keys; newer ones than `unknown_to` where that lacks one."""
    answer = yield KeysWanted(unknown_to=unknown_to)
    if not isinstance(answer, KeySet):
        raise AssertionError(answer)  # noqa: TRY004 - the same
    return answer
