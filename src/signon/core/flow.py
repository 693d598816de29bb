"""The order of the steps, written once as generators.

A flow yields what it needs, an `HttpRequest` or `KeysWanted`, and is sent the `HttpResponse` or `KeySet`.
Whoever drives it does the waiting; a failure to get an answer is thrown into the flow at its `yield`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from signon.core.authorize import Transaction, pushed_request, read_pushed
from signon.core.callback import VerifiedCallback
from signon.core.claims import Expectations, UnsignedClaims, VerifiedClaims
from signon.core.encrypted import open_token
from signon.core.errors import OperatorError, TokenRejected, UnknownKey
from signon.core.header import ALGS, read_header
from signon.core.http import HttpRequest, HttpResponse
from signon.core.id_token import verify_id_token
from signon.core.introspection import Introspection, introspection_request, read_introspection
from signon.core.keys import KeySet
from signon.core.metadata import Metadata
from signon.core.person import Login, to_login
from signon.core.provider import Provider
from signon.core.tokens import TokenSet, code_request, read_tokens
from signon.core.userinfo import is_signed, read_userinfo, userinfo_request, wants_userinfo
from signon.core.values import JsonObject, JsonValue, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysWanted:
    """The flow needs the provider's keys; `unknown_to` is the set that lacks the one a token names."""

    unknown_to: KeySet | None = None


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
    tokens: TokenSet


def complete_login(
    *, provider: Provider, metadata: Metadata, callback: VerifiedCallback, now: float
) -> Generator[Step, Answer, SignedIn]:
    """From a verified callback to a person: redeem the code, verify the ID token, ask userinfo if needed."""
    transaction = callback.transaction
    response = yield from _send(code_request(provider, metadata, callback, now=now))
    tokens = read_tokens(response, provider=provider, scopes=transaction.scopes, now=now)
    verified: VerifiedClaims | UnsignedClaims
    if provider.identity_from_introspection and "openid" not in transaction.scopes:
        verified = yield from _introspected(provider, metadata, tokens, now)
    else:
        verified = yield from _verified_id_token(provider, transaction, tokens, now)
        tokens = replace(tokens, id_token=verified.raw)
    # A signed claim is never overridden by an unsigned one, and how the person signed in is only ever signed.
    claims = {**_about_the_person(tokens.claims), **_said(verified.claims)}
    if wants_userinfo(provider, metadata, claims, transaction.scopes):
        response = yield from _send(userinfo_request(provider, metadata, tokens))
        more = yield from _verified_userinfo(provider, response, verified, now)
        claims = {**_about_the_person(more), **claims}
    person = provider.to_person(claims, provider=provider.name, issuer=verified.issuer)
    login = to_login(person, claims, now=now, scope=tokens.scope)
    return SignedIn(login=login, tokens=replace(tokens, claims={}))


def push(
    *, provider: Provider, metadata: Metadata, parameters: Mapping[str, str], now: float
) -> Generator[Step, Answer, dict[str, str]]:
    """Push an authorization request (RFC 9126): the parameters that are left for the browser."""
    response = yield from _send(pushed_request(provider, metadata, parameters, now=now))
    return read_pushed(response, provider=provider, now=now)


def introspect(
    *, provider: Provider, metadata: Metadata, token: Secret, now: float
) -> Generator[Step, Answer, Introspection]:
    """Ask the provider what an access token is (RFC 7662)."""
    response = yield from _send(introspection_request(provider, metadata, token, now=now))
    return read_introspection(response, provider=provider, now=now)


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


def _said(claims: Mapping[str, JsonValue]) -> JsonObject:
    """The claims that say something: null and empty ones are absent (OIDC Core 5.3.2)."""
    return {name: value for name, value in claims.items() if value is not None and value != ""}


def _about_the_person(claims: Mapping[str, JsonValue]) -> JsonObject:
    return {name: value for name, value in _said(claims).items() if name not in _OF_THE_TOKEN}


def _verified_id_token(
    provider: Provider, transaction: Transaction, tokens: TokenSet, now: float
) -> Generator[Step, Answer, VerifiedClaims]:
    if tokens.id_token is None:
        # A provider that is asked for no ID token needs a profile that says who then vouches for the person.
        raise TokenRejected(
            "id_token_missing", "there is no id_token to sign in with", section="OIDC Core 3.1.3.3"
        )
    token = open_token(
        tokens.id_token, provider=provider, registered=provider.id_token_encryption, document="id_token"
    )
    alg = read_header(token.reveal(), document="id_token").alg
    registered = alg if alg in provider.id_token_algs else min(provider.id_token_algs)
    expected = _expectations(provider, transaction, registered, access_token=tokens.access_token, now=now)

    def verify(keys: KeySet) -> VerifiedClaims:
        return verify_id_token(
            token,
            keys=keys,
            client_secret=provider.client.secret,
            expected=expected,
            extra_checks=provider.extra_checks,
        )

    if ALGS[expected.alg].kty == "oct":
        return verify(NO_KEYS)
    keys = yield from _keys()
    try:
        return verify(keys)
    except UnknownKey:
        return verify((yield from _keys(unknown_to=keys)))


def _expectations(
    provider: Provider, transaction: Transaction, alg: str, *, access_token: Secret, now: float
) -> Expectations:
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
    )


def _verified_userinfo(
    provider: Provider, response: HttpResponse, verified: VerifiedClaims | UnsignedClaims, now: float
) -> Generator[Step, Answer, JsonObject]:
    issuer, subject = verified.issuer, verified.subject

    def read(keys: KeySet) -> JsonObject:
        return read_userinfo(response, provider=provider, issuer=issuer, subject=subject, keys=keys, now=now)

    if not is_signed(response):
        return read(NO_KEYS)
    keys = yield from _keys()
    try:
        return read(keys)
    except UnknownKey:
        return read((yield from _keys(unknown_to=keys)))


def _send(request: HttpRequest) -> Generator[Step, Answer, HttpResponse]:
    answer = yield request
    if not isinstance(answer, HttpResponse):
        raise AssertionError(request)  # noqa: TRY004 - a driver that answers wrongly is a bug of ours
    return answer


def _keys(*, unknown_to: KeySet | None = None) -> Generator[Step, Answer, KeySet]:
    answer = yield KeysWanted(unknown_to=unknown_to)
    if not isinstance(answer, KeySet):
        raise AssertionError(answer)  # noqa: TRY004 - the same
    return answer
