"""The session: what is sealed into a record, and its bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from signon.core.person import Login
from signon.core.tokens import TokenSet
from signon.sessions.codec import NOT_SEALED, Unreadable, from_json, from_members, to_json, to_members


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in person. Times are POSIX seconds."""

    login: Login
    user_key: str
    roles: tuple[str, ...] = ()
    tokens: TokenSet | None = None
    started_at: float
    """When this sign-in began at our login route: what ended after it ends this session too. By the clock of a
    store that has one (`StoreClock`), and the only time here that is.
    """
    created_at: float
    expires_at: float
    """The absolute end, whatever is done with the session."""
    epoch: int = 0
    """The store's epoch at its creation, set by `Sessions.start`; over when that counts on."""
    browser: str = ""
    """The browser's family at sign-in, "Firefox on Linux": for the person's own list of sessions."""
    tokens_ended: str | None = None
    """The code of the provider's final no to a refresh: the tokens are of no use any more, the session is."""
    touched_at: float = field(default=0.0, compare=False, metadata=NOT_SEALED)
    """When the store last noted a use of it; 0 for one that was not loaded."""
    version: int = field(default=0, compare=False, metadata=NOT_SEALED)
    """The store's count of this record's writes when it was loaded; 0 for one that wasn't."""


def write_session(session: Session) -> bytes:
    """JSON, to be sealed."""
    return to_json(to_members(session))


def read_session(body: bytes, *, version: int = 0, touched_at: float = 0.0) -> Session | None:
    """What `write_session` wrote; None for any other bytes."""
    try:
        return from_members(Session, from_json(body), version=version, touched_at=touched_at)
    except Unreadable:
        return None
