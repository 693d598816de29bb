"""Tokens that stay usable: refreshed before they expire, by one for all threads, workers and machines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from signon.core.errors import (
    OperatorError,
    ProviderUnavailable,
    RefreshEnded,
    SignOnError,
    StoreUnavailable,
)
from signon.core.refresh import refresh as refresh_flow
from signon.core.tokens import TokenSet
from signon.runtime.background import insist
from signon.service.party import RelyingParty
from signon.service.revoke import REVOKED, revoke_one, to_revoke
from signon.service.saving import TokensEnded, ended, gone, renewed, save, save_soon, tokens_of
from signon.sessions.claims import Turn
from signon.sessions.record import Session

LEASE_SECONDS = 75.0
"""How long one may refresh a session alone: an answer takes up to 10 seconds, the store a few, and the clocks of
two machines may be a minute apart. One that was killed leaves its session unrefreshed for that long.
"""
WAIT_SECONDS = 10.0
"""How long the others wait for it, who have no token that is good."""
AGAIN_SECONDS = 10.0
"""How long a provider is left alone, for this session, after a refresh that failed."""
SAVING_SECONDS = 55.0
"""How long new tokens are tried to be saved while the store is away: a few seconds less than the lease."""

log = logging.getLogger("signon")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A session as somebody holds it, and whether they want its tokens refreshed in any case."""

    party: RelyingParty
    session_id: str
    session: Session
    forced: bool
    refreshed: Callable[[Session], None]

    def is_met_by(self, tokens: TokenSet) -> bool:
        """Whether these tokens are new enough."""
        if self.forced:
            return tokens.access_token != tokens_of(self.session).access_token
        return not tokens.is_due(self.party.clock())

    def can_do_with(self, tokens: TokenSet) -> bool:
        """Whether these tokens are good enough while there are no newer ones."""
        return self.is_met_by(tokens) or not (self.forced or tokens.is_over(self.party.clock()))

    def reloaded(self) -> Session:
        """The session as it is now, with tokens. Raises `TokensEnded`."""
        session = self.party.sessions.load(self.session_id, now=self.party.clock())
        if session is None:
            raise gone()
        tokens_of(session)
        return session


def _nobody(_session: Session) -> None:
    """Nobody wants to know."""


def usable(
    party: RelyingParty, session_id: str, session: Session, *, refreshed: Callable[[Session], None] = _nobody
) -> Session:
    """The session with an access token that is good for a while; a good one costs no look at the store.

    `refreshed` is called with a session whose new tokens were saved, by the one caller of all who asked for them.
    Raises `TokensEnded`, `OperatorError` (`tokens_missing`), and where there is no good token and the provider
    can't be had `ProviderUnavailable` (`refresh_unavailable`, `refresh_waiting`), what its answer means, or
    `StoreUnavailable`.
    """
    tokens = tokens_of(session)
    if not tokens.is_due(party.clock()):
        return session
    wish = _Wish(party=party, session_id=session_id, session=session, forced=False, refreshed=refreshed)
    if tokens.refresh_token is not None:
        return _renewed(wish)
    return session if wish.can_do_with(tokens) else _give_up(wish, session, "token_expired")


def refresh(
    party: RelyingParty, session_id: str, session: Session, *, refreshed: Callable[[Session], None] = _nobody
) -> Session:
    """The session with newer tokens than these, which may still be good, and with what they say of the person.

    Roles are found anew; `on_login` decides at a sign-in alone. Raises what `usable` raises, and `OperatorError`
    (`refresh_token_missing`).
    """
    if tokens_of(session).refresh_token is None:
        raise OperatorError(
            "refresh_token_missing",
            f"{session.login.person.provider} has given no refresh token: most want the scope offline_access",
        )
    return _renewed(_Wish(party=party, session_id=session_id, session=session, forced=True, refreshed=refreshed))


def revoke(party: RelyingParty, session_id: str, session: Session) -> Session:
    """Revoke the tokens at the provider, where it can, and give them up here; the person stays signed in.

    Raises what the provider's answer means, and then nothing is given up; and `StoreUnavailable`.
    """
    wish = _Wish(party=party, session_id=session_id, session=session, forced=False, refreshed=_nobody)
    while session.tokens is not None and session.tokens_ended is None:
        provider = party.provider(session.login.person.provider)
        for kind, token in to_revoke(party, provider, session.tokens):
            revoke_one(party, provider, kind, token)
        ended = _without_refresh(session, REVOKED)
        if party.sessions.replace(session_id, ended, now=party.clock()):
            return replace(ended, version=session.version + 1)
        session = wish.reloaded()  # others have refreshed meanwhile: theirs are to be revoked, too
    return session


def _renewed(wish: _Wish) -> Session:
    claims, tokens = wish.party.sessions.claims, tokens_of(wish.session)
    now = wish.party.clock()
    if _failed_lately(wish):
        if wish.can_do_with(tokens):
            return wish.session
        raise _unavailable("another try has just failed")
    with claims.only_one("refresh", wish.session_id, now=now, seconds=LEASE_SECONDS) as turn:
        if turn:
            return _as_the_one(wish, turn)
    return wish.session if wish.can_do_with(tokens) else _wait(wish)


def _failed_lately(wish: _Wish) -> bool:
    return wish.party.sessions.claims.known("refresh-failed", wish.session_id, now=wish.party.clock())


def _unavailable(why: str) -> ProviderUnavailable:
    return ProviderUnavailable("refresh_unavailable", f"the tokens can't be refreshed just now: {why}")


def _wait(wish: _Wish) -> Session:
    """Wait for what the one who refreshes will save."""
    for pause in _pauses():
        time.sleep(pause)
        session = wish.reloaded()
        if wish.is_met_by(tokens_of(session)):
            return session
        if _failed_lately(wish):
            raise _unavailable("the try that this request waited for has failed")
    raise ProviderUnavailable("refresh_waiting", "another request has been refreshing the tokens for too long")


def _pauses() -> Iterator[float]:
    """Short at first: an answer mostly takes less than a tenth of a second."""
    ends_at, pause = time.monotonic() + WAIT_SECONDS, 0.02
    while time.monotonic() + pause < ends_at:
        yield pause
        pause = min(1.5 * pause, 0.5)


def _as_the_one(wish: _Wish, turn: Turn) -> Session:
    party = wish.party
    session = wish.reloaded()  # somebody may have been quicker by a moment
    tokens = tokens_of(session)
    if wish.is_met_by(tokens):
        return session
    provider = party.providers.get(session.login.person.provider)
    if provider is None:
        return _give_up(wish, session, "provider_unknown")
    try:
        metadata = party.runtime.metadata(provider)
        now, login = party.clock(), session.login
        flow = refresh_flow(provider=provider, metadata=metadata, tokens=tokens, login=login, now=now)
        new = party.runtime.run(provider, flow)
    except RefreshEnded as refused:
        return _after_refusal(wish, session, refused)
    except SignOnError as error:
        return _after_failure(wish, session, error)
    return _save(wish, renewed(party, session, new), turn)


def _after_failure(wish: _Wish, session: Session, error: SignOnError) -> Session:
    """Let nobody try again for a moment, and go on with the old token while it is good."""
    with suppress(StoreUnavailable):  # then the next one tries again
        claims, now = wish.party.sessions.claims, wish.party.clock()
        claims.first("refresh-failed", wish.session_id, now=now, seconds=AGAIN_SECONDS)
    if wish.can_do_with(tokens_of(session)):
        provider = session.login.person.provider
        log.warning("the tokens were not refreshed, the old ones still serve: %s provider=%s", error, provider)
        return session
    if isinstance(error, ProviderUnavailable):
        raise _unavailable(str(error)) from error
    raise error


def _after_refusal(wish: _Wish, session: Session, refused: RefreshEnded) -> Session:
    """Look once more before the tokens are given up: one whose lease ran out may have saved newer ones."""
    held = wish.reloaded()
    if not _differ(held, session):
        return _give_up(wish, held, refused.error)
    if wish.can_do_with(tokens_of(held)):
        return held
    raise _unavailable("the tokens that another request has saved are due, too")


def _differ(session: Session, other: Session) -> bool:
    return tokens_of(session).access_token != tokens_of(other).access_token


def _without_refresh(session: Session, why: str) -> Session:
    tokens = replace(session.tokens, refresh_token=None) if session.tokens is not None else None
    return replace(session, tokens=tokens, tokens_ended=why)


def _give_up(wish: _Wish, session: Session, why: str) -> Session:
    """Write down that the tokens have ended, and raise it; the ID token stays, for the sign-out.

    Gives the session where others have saved new tokens at this very moment.
    """
    over = _without_refresh(session, why)
    while not wish.party.sessions.replace(wish.session_id, over, now=wish.party.clock()):
        held = wish.reloaded()
        if _differ(held, session):
            return held
        over = _without_refresh(held, why)
    provider = session.login.person.provider
    log.info("the tokens of a session have ended: %s provider=%s", why, provider)
    raise ended(over)


def _save(wish: _Wish, changed: Session, turn: Turn) -> Session:
    """Save new tokens. While the store is away it is tried again in the background, and nobody else has a turn:
    they would refresh with a token that is used up.
    """
    try:
        saved, ours = save_soon(wish.party, wish.session_id, changed)
    except StoreUnavailable:
        turn.kept = insist(partial(_save_later, wish, changed, turn), seconds=SAVING_SECONDS)
        raise
    if ours:
        wish.refreshed(saved)
    return saved


def _save_later(wish: _Wish, changed: Session, turn: Turn) -> None:
    with suppress(TokensEnded):  # somebody ended the session: the tokens were revoked
        saved, ours = save(wish.party, wish.session_id, changed)
        if ours:
            wish.refreshed(saved)
    turn.give_back()
