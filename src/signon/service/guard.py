"""Guard an API: judge the access token that came with a request."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from signon.core.access_token import (
    TokenExpectations,
    VerifiedAccessToken,
    unverified_issuer,
    verify_access_token,
    verify_again,
)
from signon.core.bearer import BearerRefused
from signon.core.errors import OperatorError, ProviderError, TokenRejected, UnknownKey
from signon.core.introspected import judge_introspected
from signon.core.introspection import Introspection
from signon.core.keys import KeySet
from signon.core.provider import AccessTokenProfile, Provider
from signon.core.values import Secret
from signon.service.introspect import introspect
from signon.service.party import RelyingParty

MAX_REMEMBERED = 4096
"""Verified tokens kept, some 3 KB each. Nothing else is ever kept, so that made-up tokens push none out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """One issuer whose access tokens open the application's APIs: a provider, or the application itself."""

    name: str
    issuer: str
    profile: AccessTokenProfile
    spelling: Callable[[], str]
    """The issuer as tokens must have it: as its metadata writes it."""
    keys: Callable[[KeySet | None], KeySet]
    """Its keys; given a set that lacked the wanted one, a newer set where there is one to be had."""
    introspect: Callable[[Secret], Introspection]
    """Asks the issuer about a token. Used only where its profile says so."""
    pseudonym: Callable[[str, str], str] | None = None
    """From issuer and subject what stands for a subject that must not be shown; None where it may be."""


class _Remembered(NamedTuple):
    token: VerifiedAccessToken
    issuer: TokenIssuer
    keys: KeySet
    """The set that it was verified with: with newer keys it is verified again."""


class TokenGuard:
    """Judges access tokens, and remembers those that were verified: the next request costs no signature."""

    def __init__(self, issuers: Iterable[TokenIssuer], *, clock: Callable[[], float]) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    @property
    def issuers(self) -> tuple[TokenIssuer, ...]:
        """Whose tokens are accepted."""
        return tuple(self._issuers.values())

    def accept(self, token: Secret, *, audience: str, issuer: str | None = None) -> VerifiedAccessToken:
        """Judge a token: for `audience`, and by the issuer of that name, or by any.

        Raises `BearerRefused` with the code of what is wrong with it, `ProviderUnavailable` where its issuer
        can't be asked, `ProviderError` where that answers wrongly, `OperatorError` (`token_issuer_unknown`).
        """
        try:
            return self._accept(token, audience=audience, name=issuer)
        except TokenRejected as error:
            rejected = error
        raise BearerRefused(rejected.code, str(rejected.args[0]), error="invalid_token", section=rejected.section)

    def _accept(self, token: Secret, *, audience: str, name: str | None) -> VerifiedAccessToken:
        digest = hashlib.sha256(token.reveal().encode("utf-8")).digest()
        known = self._remembered.get(digest)
        if known is not None and name in {None, known.issuer.name} and known.issuer.keys(None) is known.keys:
            verify_again(known.token, expected=self._expected(known.issuer, audience))
            return known.token
        issuer = self._choose(token, name)
        if issuer.profile.introspected:
            answer = _ask(issuer, token)
            if not answer.active:
                raise TokenRejected(
                    "access_token_inactive", "the access token is no longer active", section="RFC 7662 2.2"
                )
            return _filed(judge_introspected(answer.claims, expected=self._expected(issuer, audience)), issuer)
        verified, keys = self._verify(token, issuer, audience)
        with self._lock:
            self._remembered[digest] = _Remembered(token=verified, issuer=issuer, keys=keys)
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return verified

    def _verify(self, token: Secret, issuer: TokenIssuer, audience: str) -> tuple[VerifiedAccessToken, KeySet]:
        if token.reveal().count(".") != 2:  # noqa: PLR2004 - RFC 7515 7.1: what is no JWS is not worth a look at keys
            raise TokenRejected(
                "access_token_not_compact", "the access token is not a compact JWS", section="RFC 7515 7.1"
            )
        expected = self._expected(issuer, audience)
        keys = issuer.keys(None)
        try:
            verified = verify_access_token(token, keys=keys, expected=expected)
        except UnknownKey:
            held, keys = keys, issuer.keys(keys)
            if keys is held:
                raise
            verified = verify_access_token(token, keys=keys, expected=expected)
        return _filed(verified, issuer), keys

    def _choose(self, token: Secret, name: str | None) -> TokenIssuer:
        """The issuer to judge by: the named one, the only one, or the one that the token says it is from."""
        if name is not None:
            if name not in self._issuers:
                raise OperatorError(
                    "token_issuer_unknown", f"an API wants tokens of {name!r}, which is no provider"
                )
            return self._issuers[name]
        if len(self._issuers) == 1:
            return next(iter(self._issuers.values()))
        said = unverified_issuer(token)
        # A slash more or less chooses the same issuer; what the token says is then judged to the letter. What
        # names no issuer goes only to the one that must be asked: a token is nobody else's business.
        fitting = [
            issuer
            for issuer in self._issuers.values()
            if (issuer.profile.introspected if said is None else issuer.issuer.rstrip("/") == said.rstrip("/"))
        ]
        if not fitting or (said is None and len(fitting) > 1):
            raise TokenRejected(
                "access_token_iss", "the access token is from another issuer", section="RFC 9068 4"
            )
        return fitting[0]

    def _expected(self, issuer: TokenIssuer, audience: str) -> TokenExpectations:
        return TokenExpectations(
            issuer=issuer.spelling(), audience=audience, profile=issuer.profile, now=self._clock()
        )


def make_guard(party: RelyingParty, *, own: TokenIssuer | None = None) -> TokenGuard:
    """The guard of an application: its providers' tokens are accepted, and its own where it issues some."""
    issuers = [_provider_issuer(party, provider) for provider in party.providers.values()]
    return TokenGuard([*issuers, *([own] if own is not None else [])], clock=party.clock)


def _provider_issuer(party: RelyingParty, provider: Provider) -> TokenIssuer:
    return TokenIssuer(
        name=provider.name,
        issuer=provider.issuer,
        profile=provider.access_tokens,
        spelling=lambda: party.runtime.metadata(provider).issuer,
        keys=lambda unknown_to: party.runtime.cache(provider).keys(unknown_to),
        introspect=partial(introspect, party, provider),
        pseudonym=party.pseudonym if provider.subject_is_national_id else None,
    )


def _ask(issuer: TokenIssuer, token: Secret) -> Introspection:
    """What its issuer says of a token. An answer that is signed wrongly is its own fault, not the token's."""
    try:
        return issuer.introspect(token)
    except TokenRejected as error:
        rejected = error
    raise ProviderError(rejected.code, str(rejected.args[0]), section=rejected.section)


def _filed(token: VerifiedAccessToken, issuer: TokenIssuer) -> VerifiedAccessToken:
    """The token under what may be shown as its subject."""
    if issuer.pseudonym is None or token.subject is None:
        return token
    return replace(token, subject=issuer.pseudonym(token.issuer, token.subject))
