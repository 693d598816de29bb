"""The application's own access tokens (RFC 9068), for people who have signed in: short-lived, under its own keys.

None can be taken back: one that was issued is good until it ends, also after a sign-out.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn

from signon.core.errors import OperatorError
from signon.core.header import ALGS
from signon.core.jose import PrivateKey, private_keys, public_jwk, public_key, sign
from signon.core.keys import KeySet, PublicKey
from signon.core.pkce import new_random
from signon.core.provider import AccessTokenProfile
from signon.core.values import JsonObject, JsonValue, Secret
from signon.service.guard import TokenIssuer
from signon.sessions.record import Session

NAME = "own-tokens"
"""What the application is called as an issuer: no provider can bear this name."""
MAX_SECONDS = 3600
"""The longest life of a token that can't be taken back."""
_ALGS = frozenset({"ES256", "RS256"})
_TYPE = "at+jwt"
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
"""Tools put other blocks before a key: the parameters of its curve, its certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTokens:
    """How the application issues tokens. Made once by `make_own_tokens`."""

    issuer: str
    audience: str | None
    """None: the application's own address, as the guard of its APIs expects where nothing else is said."""
    seconds: float
    scope: str
    """What every token is good for (RFC 6749 3.3); empty: nothing is said."""
    keys: tuple[PrivateKey, ...]
    """The first signs; all are published and accepted."""
    published: KeySet = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new token, and for how many seconds it is good."""

    token: Secret
    seconds: int


def token_keys(text: str) -> tuple[PrivateKey, ...]:
    """The keys of a text: PEM blocks one after another, a JWK, or a JWK Set; P-256 or RSA.

    Raises `OperatorError` (`private_key_unreadable`, `token_key_alg`, `token_key_twice`).
    """
    blocks = _PEM.findall(text) or [text]
    keys = tuple(key for block in blocks for key in private_keys(block))
    if any(key.use == "enc" or key.alg not in _ALGS for key in keys):
        raise OperatorError("token_key_alg", "a key that signs tokens is of RSA or of P-256, for RS256 or ES256")
    if len({key.kid for key in keys}) != len(keys):
        raise OperatorError("token_key_twice", "two keys that sign tokens have the same id (kid)")
    return keys


def make_own_tokens(
    *, issuer: str, keys: tuple[PrivateKey, ...], seconds: float, audience: str | None = None, scope: str = ""
) -> OwnTokens:
    """Put together how tokens are issued. `keys` are what `token_keys` read."""
    published = KeySet(keys=tuple(_published(key) for key in keys))
    return OwnTokens(
        issuer=issuer, audience=audience, seconds=seconds, scope=scope, keys=keys, published=published
    )


def issue_token(own: OwnTokens, session: Session, *, audience: str, now: float) -> IssuedToken:
    """Issue a token to a session's person (RFC 9068 2.2), never for longer than the session.

    It says whom it acts for by the application's key for the person, which is no national id, and how they signed
    in, for APIs that want to know (RFC 9068 2.2.1). `audience` holds where the settings name none.
    """
    login, person, issued_at = session.login, session.login.person, int(now)
    expires_at = int(min(now + own.seconds, session.expires_at))
    claims: JsonObject = {
        "iss": own.issuer,
        "sub": session.user_key,
        "aud": own.audience or audience,
        "client_id": own.issuer,
        "iat": issued_at,
        "exp": expires_at,
        "jti": new_random(),
        "auth_time": int(login.signed_in_at if login.auth_time is None else login.auth_time),
    }
    optional: dict[str, JsonValue] = {
        "acr": login.acr,
        "amr": [*login.amr],
        "scope": own.scope,
        "name": person.name,
        "email": person.email,
        "email_verified": person.email is not None and person.email_verified,
        "roles": [*session.roles],
    }
    claims |= {name: value for name, value in optional.items() if value}
    token = sign(claims, key=own.keys[0], alg=own.keys[0].alg, typ=_TYPE)
    return IssuedToken(token=Secret(token), seconds=max(0, expires_at - issued_at))


def own_jwks(own: OwnTokens) -> list[JsonObject]:
    """The public keys, for the application's JWKS (RFC 7517 4.2, 4.4)."""
    return [{**public_jwk(key), "use": "sig", "alg": key.alg} for key in own.keys]


def own_issuer(own: OwnTokens) -> TokenIssuer:
    """The application as one whose tokens the guard of its APIs accepts."""
    return TokenIssuer(
        name=NAME,
        issuer=own.issuer,
        profile=AccessTokenProfile(algs=frozenset(key.alg for key in own.keys)),
        spelling=lambda: own.issuer,
        keys=lambda _unknown_to: own.published,
        introspect=_never,
    )


def shared_keys(own: OwnTokens, others: Collection[PrivateKey]) -> list[str]:
    """The ids of keys that are also those of `others`: what is signed for one use must not pass for another
    (RFC 8725 3.12).
    """
    theirs = {key.kid for key in others} | {key.key.thumbprint() for key in others}
    return [key.kid for key in own.keys if theirs & {key.kid, key.key.thumbprint()}]


def _published(key: PrivateKey) -> PublicKey:
    usable = public_key(public_jwk(key))
    if usable is None:
        raise AssertionError(key)
    rule = ALGS[key.alg]
    return PublicKey(kid=key.kid, alg=key.alg, kty=key.kty, crv=rule.crv, bits=rule.minimum_bits, key=usable)


def _never(_token: Secret) -> NoReturn:
    """Our own tokens say everything themselves."""
    raise AssertionError(NAME)
