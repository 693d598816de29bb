"""Say of a session's ID token what each check finds: for a page that shows people why a sign-in is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from signon.core.claims import LEEWAY_SECONDS, Check, Expectations
from signon.core.errors import TokenRejected, UnknownKey
from signon.core.header import ALGS, Header, read_header
from signon.core.id_token import CHECKS, check_alg, check_at_hash, check_expiry, check_typ, verify_signature
from signon.core.keys import KeySet
from signon.core.person import number_claim
from signon.core.provider import Provider
from signon.core.tokens import TokenSet
from signon.core.values import JsonObject, Secret, read_json_object
from signon.service.party import RelyingParty
from signon.sessions.record import Session

_DOCUMENT = "id_token"
_SIGNATURE = "The signature must be by one of the provider's keys (RFC 7515 5.2)."
_REFRESHED = "the access token has been refreshed since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check says of the token."""

    rule: str
    """The check's own sentence, with its section."""
    outcome: Literal["passed", "failed", "left out"]
    code: str | None = None
    """The stable code of a failure."""
    why: str | None = None
    """In words, where it failed or was left out."""


def explain_id_token(party: RelyingParty, session: Session) -> tuple[Verdict, ...]:
    """Judge a session's ID token again, check by check; nothing where the provider gave none.

    The signature is verified by the provider's keys of now, and `exp` compared with the time of now. All else is
    judged for the moment when the token came, and held to what the sign-in left: its request is gone. After a
    signature that fails nothing is said of the claims. Raises `MalformedAnswer`, and what it means that the
    provider can't be asked for its keys.
    """
    tokens = session.tokens
    if tokens is None or tokens.id_token is None:
        return ()
    provider = party.provider(session.login.person.provider)
    header = read_header(tokens.id_token.reveal(), document=_DOCUMENT)
    alg = header.alg if header.alg in provider.id_token_algs else min(provider.id_token_algs)
    verify = partial(_verify, party, provider, tokens.id_token, header=header, alg=alg)
    payload: list[bytes] = []
    signature = _verdict(_SIGNATURE, lambda: payload.append(verify()))
    if not payload:
        return (signature,)
    claims = read_json_object(payload[0], document=_DOCUMENT)
    expected = _expectations(provider, session, tokens, claims=claims, alg=alg)
    of_header = (
        _verdict(_sentence(check_alg), partial(check_alg, header, expected)),
        _verdict(_sentence(check_typ), partial(check_typ, header)),
    )
    verdicts = _of_claims(provider, claims, expected, now=party.clock())
    return (signature, *of_header, *(_in_its_time(session, tokens, verdict) for verdict in verdicts))


def _of_claims(provider: Provider, claims: JsonObject, expected: Expectations, *, now: float) -> Iterator[Verdict]:
    for check in (*CHECKS, *provider.extra_checks):
        judged_by = replace(expected, now=now) if check is check_expiry else expected
        yield _verdict(_sentence(check), partial(check, claims, judged_by))


def _in_its_time(session: Session, tokens: TokenSet, verdict: Verdict) -> Verdict:
    """A refresh without an ID token leaves the first one beside another access token: its hash says nothing."""
    if verdict.rule == _sentence(check_at_hash) and verdict.code and _refreshed_at(session, tokens):
        return Verdict(rule=verdict.rule, outcome="left out", why=_REFRESHED)
    return verdict


def _refreshed_at(session: Session, tokens: TokenSet) -> float | None:
    """When the tokens were refreshed last; None where they are the sign-in's."""
    issued_at = tokens.issued_at or 0
    return issued_at if issued_at > session.login.signed_in_at else None


def _verdict(rule: str, judge: Callable[[], None]) -> Verdict:
    try:
        judge()
    except TokenRejected as rejected:
        return Verdict(rule=rule, outcome="failed", code=rejected.code, why=str(rejected.args[0]))
    return Verdict(rule=rule, outcome="passed")


def _verify(party: RelyingParty, provider: Provider, token: Secret, *, header: Header, alg: str) -> bytes:
    verify = partial(
        verify_signature,
        token,
        header=header,
        client_secret=provider.client.secret,
        alg=alg,
        document=_DOCUMENT,
    )
    if ALGS[alg].kty == "oct":
        return verify(keys=KeySet(keys=()))
    cache = party.runtime.cache(provider)
    keys = cache.keys()
    try:
        return verify(keys=keys)
    except UnknownKey:
        return verify(keys=cache.keys(unknown_to=keys))


def _expectations(
    provider: Provider, session: Session, tokens: TokenSet, *, claims: JsonObject, alg: str
) -> Expectations:
    """What the sign-in left to judge by. The token came with it, or with a later refresh: its `iat` tells."""
    login = session.login
    nonce = login.claims.get("nonce")
    refreshed_at = _refreshed_at(session, tokens)
    came_first = (number_claim(claims, "iat") or 0) <= login.signed_in_at + LEEWAY_SECONDS
    return Expectations(
        issuer=login.person.issuer,
        client_id=provider.client.client_id,
        alg=alg,
        nonce=nonce if isinstance(nonce, str) else None,
        # One that came with a refresh should have none (OIDC Core 12.2).
        nonce_may_be_missing=provider.nonce_may_be_missing or refreshed_at is not None,
        access_token=tokens.access_token,
        now=login.signed_in_at if came_first or refreshed_at is None else refreshed_at,
        started_at=session.started_at,
        original=login.claims,
    )


def _sentence(check: Check | Callable[..., None]) -> str:
    """A check's docstring: each is one sentence that says the rule. Profiles also bind their checks."""
    function = check.func if isinstance(check, partial) else check
    return " ".join((function.__doc__ or function.__name__).split())
