"""Write refreshed tokens into a session's record: they are nowhere else, and the old ones may be used up."""

from __future__ import annotations

import time
from dataclasses import replace

from signon.core.errors import PersonError, StoreUnavailable
from signon.core.refresh import Refreshed
from signon.core.tokens import TokenSet
from signon.service.party import RelyingParty
from signon.service.revoke import REVOKED, revoke_tokens
from signon.sessions.record import Session

TRIES_SECONDS = 0.6
"""How long a request tries. A store that hangs has then been asked once; the background goes on."""
_PAUSES = (0.0, 0.1, 0.4)


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


def save_soon(party: RelyingParty, session_id: str, session: Session, new: Refreshed) -> tuple[Session, bool]:
    """Save as `save` does, a few times where the store fails at once."""
    started_at = time.monotonic()
    for pause in _PAUSES:
        time.sleep(pause)
        try:
            return save(party, session_id, session, new)
        except StoreUnavailable:
            if pause == _PAUSES[-1] or time.monotonic() - started_at > TRIES_SECONDS:
                raise
    raise AssertionError(_PAUSES)


def save(party: RelyingParty, session_id: str, session: Session, new: Refreshed) -> tuple[Session, bool]:
    """The session with new tokens, whatever else has changed in it meanwhile, and whether we have saved them.

    Where it has ended, or its tokens were revoked, the new ones are revoked and `TokensEnded` is raised.
    """
    changed = _with(session, new)
    while not party.sessions.replace(session_id, changed, now=party.clock()):
        held = party.sessions.load(session_id, now=party.clock())
        if held is None or held.tokens_ended == REVOKED:
            revoke_tokens(party, changed)
            raise gone() if held is None else ended(held)
        if _is_later(held, than=new.tokens):
            return held, False
        changed = _with(held, new)
        if changed == held:
            return held, True  # it was written: only the store's answer was lost
    return replace(changed, version=changed.version + 1), True


def _with(session: Session, new: Refreshed) -> Session:
    return replace(session, login=new.login, tokens=new.tokens, tokens_ended=None)


def _is_later(held: Session, *, than: TokenSet) -> bool:
    """Whether the record has tokens that were asked for after these."""
    tokens = held.tokens if held.tokens_ended is None else None
    return tokens is not None and (tokens.issued_at or 0) > (than.issued_at or 0)
