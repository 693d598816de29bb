"""The order of a refresh (OIDC Core 12): keys, the token request, and the judgement of a new ID token."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial

from signon.core.claims import Expectations, VerifiedClaims, merged
from signon.core.errors import OperatorError
from signon.core.flow import Answer, Step, about_the_person, send, verified_id_token, wanted_keys
from signon.core.header import ALGS
from signon.core.id_token import REFRESH_CHECKS
from signon.core.metadata import Metadata
from signon.core.person import Login
from signon.core.provider import Provider
from signon.core.tokens import TokenSet, read_refreshed, refresh_request
from signon.core.values import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh leaves: new tokens, and the login as it is from now on."""

    login: Login
    tokens: TokenSet


def refresh(
    *, provider: Provider, metadata: Metadata, tokens: TokenSet, login: Login, now: float
) -> Generator[Step, Answer, Refreshed]:
    """Refresh the tokens of a sign-in. A new ID token is verified as the first one was; where it fails, nothing
    of the answer is used. What it says of the person is taken over; how they signed in stays as it was.

    Raises `RefreshEnded` where the provider's no is final, `OperatorError` (`refresh_token_missing`), and what
    the readers raise.
    """
    if tokens.refresh_token is None:
        raise OperatorError(
            "refresh_token_missing",
            f"{provider.name} has given no refresh token: most want to be asked for the scope offline_access",
        )
    if tokens.id_token is not None and not _signs_by_secret(provider):
        # Had first: a refresh token may be used up by an answer that could then not be verified.
        yield from wanted_keys()
    response = yield from send(refresh_request(provider, metadata, tokens.refresh_token, now=now))
    new = read_refreshed(response, provider=provider, old=tokens, now=now)
    login = replace(login, scope=new.scope)
    if new.id_token is None:
        return Refreshed(login=login, tokens=replace(new, id_token=tokens.id_token, claims={}))
    expect = partial(_expectations, provider, login, access_token=new.access_token, now=now)
    verified = yield from verified_id_token(provider, new.id_token, expect, more=REFRESH_CHECKS)
    return Refreshed(
        login=_renewed(provider, login, verified), tokens=replace(new, id_token=verified.raw, claims={})
    )


def _signs_by_secret(provider: Provider) -> bool:
    return all(ALGS[alg].kty == "oct" for alg in provider.id_token_algs)


def _expectations(provider: Provider, login: Login, alg: str, *, access_token: Secret, now: float) -> Expectations:
    """What the sign-in asked for beside (`max_age`, `acr_values`) isn't demanded again: nobody has signed in."""
    nonce = login.claims.get("nonce")
    return Expectations(
        issuer=login.person.issuer,
        client_id=provider.client.client_id,
        alg=alg,
        nonce=nonce if isinstance(nonce, str) else None,
        nonce_may_be_missing=True,  # it should be (OIDC Core 12.2)
        access_token=access_token,
        now=now,
        started_at=now,
        original=login.claims,
    )


def _renewed(provider: Provider, login: Login, verified: VerifiedClaims) -> Login:
    claims = merged(about_the_person(verified.claims), login.claims)
    person = provider.to_person(claims, provider=provider.name, issuer=verified.issuer)
    return replace(login, claims=claims, person=replace(person, public_subject=login.person.public_subject))
