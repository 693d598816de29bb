"""The order of the steps, written once as generators.

A flow yields what it needs, an `HttpRequest` or `KeysWanted`, and is sent the `HttpResponse` or `KeySet`.
Whoever drives it does the waiting; a failure to get an answer is thrown into the flow at its `yield`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

from signon.core.authorize import Transaction
from signon.core.callback import VerifiedCallback
from signon.core.claims import Expectations, VerifiedClaims
from signon.core.errors import TokenRejected, UnknownKey
from signon.core.http import HttpRequest, HttpResponse
from signon.core.id_token import verify_id_token
from signon.core.jose import ALGS, read_header
from signon.core.keys import KeySet
from signon.core.metadata import Metadata
from signon.core.person import Login, to_login
from signon.core.provider import Provider
from signon.core.tokens import TokenSet, code_request, read_tokens
from signon.core.userinfo import is_signed, read_userinfo, userinfo_request, wants_userinfo
from signon.core.values import JsonObject


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
    response = yield from _send(code_request(provider, metadata, callback))
    tokens = read_tokens(response, provider=provider, scopes=transaction.scopes, now=now)
    verified = yield from _verified_id_token(provider, transaction, tokens, now)
    claims: JsonObject = dict(verified.claims)
    if wants_userinfo(provider, metadata, claims, transaction.scopes):
        response = yield from _send(userinfo_request(provider, metadata, tokens))
        more = yield from _verified_userinfo(provider, response, verified.subject, now)
        # A signed claim is never overridden by an unsigned one, and how the person signed in is only ever signed.
        about = {name: value for name, value in more.items() if name not in _OF_THE_TOKEN}
        claims = {**about, **_said(claims)}
    claims = _said(claims)
    person = provider.to_person(claims, provider=provider.name, issuer=verified.issuer)
    return SignedIn(login=to_login(person, claims, now=now, scope=tokens.scope), tokens=tokens)


def _said(claims: JsonObject) -> JsonObject:
    """The claims that say something: null and empty ones are absent (OIDC Core 5.3.2)."""
    return {name: value for name, value in claims.items() if value is not None and value != ""}


def _verified_id_token(
    provider: Provider, transaction: Transaction, tokens: TokenSet, now: float
) -> Generator[Step, Answer, VerifiedClaims]:
    token = tokens.id_token
    if token is None:
        # A provider that is asked for no ID token needs a profile that says who then vouches for the person.
        raise TokenRejected(
            "id_token_missing", "there is no id_token to sign in with", section="OIDC Core 3.1.3.3"
        )
    alg = read_header(token.reveal(), document="id_token").alg
    expected = Expectations(
        issuer=transaction.issuer,
        client_id=transaction.client_id,
        alg=alg if alg in provider.id_token_algs else min(provider.id_token_algs),
        nonce=transaction.nonce,
        access_token=tokens.access_token,
        now=now,
        started_at=transaction.started_at,
        max_age_seconds=transaction.max_age_seconds,
        fresh=transaction.fresh,
        acr_values=transaction.acr_values,
    )

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


def _verified_userinfo(
    provider: Provider, response: HttpResponse, subject: str, now: float
) -> Generator[Step, Answer, JsonObject]:
    def read(keys: KeySet) -> JsonObject:
        return read_userinfo(response, provider=provider, subject=subject, keys=keys, now=now)

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
