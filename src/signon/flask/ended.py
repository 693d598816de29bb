"""What follows when sessions have ended: a signal for each, and their tokens revoked once the answer is sent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from flask import Response

from signon.flask.signals import session_ended
from signon.flask.state import application, state
from signon.runtime import background
from signon.service.revoke import revoke_tokens
from signon.sessions.record import Session


def tell(sessions: Iterable[Session], *, reason: str) -> None:
    """Send `session_ended` for each of them."""
    for session in sessions:
        session_ended.send(application(), login=session.login, reason=reason)


def revoke_afterwards(response: Response, sessions: Iterable[Session]) -> Response:
    """Have their tokens revoked at the provider, when this answer is sent and nobody waits any more."""
    party = state().party
    for session in sessions:
        if session.tokens is not None:
            response.call_on_close(partial(background.submit, partial(revoke_tokens, party, session)))
    return response
