"""Write refreshed tokens into a session's record: they are nowhere else, and the old ones may be used up."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from signon.core.errors import OperatorError, PersonError, StoreUnavailable
from signon.core.refresh import Refreshed
from signon.core.tokens import TokenSet
from signon.service.finish_login import find_roles
from signon.service.party import RelyingParty
from signon.service.revoke import REVOKED, revoke_tokens
from signon.sessions.record import Session

TRIES_SECONDS = 0.6
"""How long a request tries. A store that hangs has then been asked once; the background goes on."""
_PAUSES = (0.0, 0.1, 0.4)

log = logging.getLogger("signon")


class TokensEnded(PersonError):
    """The person must sign in again before this application can act for them: `tokens_ended`, or `login_needed`
    where the session itself has ended meanwhile.
    """

    status_hint = 401


def ended(session: Session) -> TokensEnded:
    """The error for a session whose tokens have ended."""
    return TokensEnded(
        "tokens_ended", f"the tokens of this session are of no use any more ({session.tokens_ended})"
    )


def gone() -> TokensEnded:
    """The error for a session that is no more."""
    return TokensEnded("login_needed", "the session has ended meanwhile")


def tokens_of(session: Session) -> TokenSet:
    """The tokens of a session. Raises `TokensEnded` where they have ended.

    Where the sign-in brought none, a new one would bring none either: `OperatorError` (`tokens_missing`).
    """
    if session.tokens is None:
        raise OperatorError(
            "tokens_missing",
            f"the sign-in with {session.login.person.provider} brings no tokens: its response type asks for none",
        )
    if session.tokens_ended is not None:
        raise ended(session)
    return session.tokens


def renewed(party: RelyingParty, session: Session, new: Refreshed) -> Session:
    """The session as a refresh leaves it, not saved yet: where its claims have changed its roles are found anew.

    A rule for roles that fails leaves the old ones, and a line in the log: the new tokens must not be lost for it.
    `on_login` has decided at the sign-in, and isn't asked again.
    """
    roles = session.roles
    if new.login.claims != session.login.claims:
        try:
            roles = find_roles(party, new.login)
        except Exception as error:  # noqa: BLE001 - the application's own code, whose text may hold what no log may
            why = error.code if isinstance(error, OperatorError) else type(error).__name__
            provider = session.login.person.provider
            log.warning("no roles were found after a refresh, the old ones stay: %s provider=%s", why, provider)
    return replace(session, login=new.login, roles=roles, tokens=new.tokens, tokens_ended=None)


def save_soon(party: RelyingParty, session_id: str, changed: Session) -> tuple[Session, bool]:
    """Save as `save` does, a few times where the store fails at once."""
    started_at = time.monotonic()
    for pause in _PAUSES:
        time.sleep(pause)
        try:
            return save(party, session_id, changed)
        except StoreUnavailable:
            if pause == _PAUSES[-1] or time.monotonic() - started_at > TRIES_SECONDS:
                raise
    raise AssertionError(_PAUSES)


def save(party: RelyingParty, session_id: str, changed: Session) -> tuple[Session, bool]:
    """The session with its new tokens, whatever else has changed in it meanwhile, and whether we have saved them.

    Where it has ended, or its tokens were revoked, the new ones are revoked and `TokensEnded` is raised.
    """
    new = tokens_of(changed)
    while not party.sessions.replace(session_id, changed, now=party.clock()):
        held = party.sessions.load(session_id, now=party.clock())
        if held is None or held.tokens_ended == REVOKED:
            revoke_tokens(party, changed)
            raise gone() if held is None else ended(held)
        if _is_later(held, than=new):
            return held, False
        changed = _with(held, changed)
        if changed == held:
            return held, True  # it was written: only the store's answer was lost
    return replace(changed, version=changed.version + 1), True


def _with(held: Session, changed: Session) -> Session:
    return replace(held, login=changed.login, roles=changed.roles, tokens=changed.tokens, tokens_ended=None)


def _is_later(held: Session, *, than: TokenSet) -> bool:
    """Whether the record has tokens that were asked for after these."""
    tokens = held.tokens if held.tokens_ended is None else None
    return tokens is not None and (tokens.issued_at or 0) > (than.issued_at or 0)
