"""Two machines with clocks of their own on one store: one begins sign-ins, the other ends a person's sessions."""

import time
from dataclasses import replace

from signon.core.errors import PersonError
from signon.sessions.circuit import Circuit
from signon.sessions.sessions import Sessions

APART_SECONDS = 60
"""Either way."""


def verdicts(store, sealer, session, *, ahead):
    """What becomes of sign-ins begun five seconds before and after an end by a machine whose clock is `ahead`."""
    here, there = (Sessions(Circuit(store), sealer, session_seconds=28_800) for _ in range(2))
    now = time.time()
    moved = {name: getattr(session, name) + now - session.created_at for name in ("created_at", "expires_at")}
    begun_at = now + here.clock_offset(now)
    there.end_subject(session.login.person.issuer, session.login.person.subject, now=now + ahead)

    def start(begun_at):
        try:
            here.start(replace(session, started_at=begun_at, **moved), now=now + 10)
        except PersonError as error:
            return error.code
        return "started"

    return start(begun_at - 5), start(begun_at + 5)


JUST = ("session_ended_meanwhile", "started")
"""What must become of them, whatever the clocks say."""
