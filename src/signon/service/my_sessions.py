"""My sessions: where a person is signed in at one identity, and the end of those that they no longer want."""

from __future__ import annotations

from dataclasses import dataclass

from signon.core.errors import PersonError
from signon.service.party import RelyingParty
from signon.sessions.record import Session
from signon.sessions.sessions import Each, Listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A session as its owner may see it: no id, no token, no claim. Times are POSIX seconds."""

    handle: str
    """Names it when it is to be ended, and signs nobody in."""
    provider: str
    """The provider's label."""
    browser: str
    """The browser's family at sign-in, "" where nobody knows."""
    signed_in_at: float
    last_seen_at: float
    """To the minute or so: a session's use is not noted each time."""
    current: bool
    """Whether it is the one that asks."""


def list_places(party: RelyingParty, session_id: str, session: Session) -> tuple[Place, ...]:
    """Where the person of a session is signed in: this session first, then the newest."""
    person = session.login.person
    found = party.sessions.listed(person.issuer, person.subject, now=party.clock())
    handle = party.sessions.handle(session_id)
    places = (to_place(party, listed, current=listed.handle == handle) for listed in found)
    return tuple(sorted(places, key=lambda place: not place.current))


def to_place(party: RelyingParty, listed: Listed, *, current: bool = False) -> Place:
    """What may be seen of a session."""
    session = listed.session
    name = session.login.person.provider
    provider = party.providers.get(name)
    return Place(
        handle=listed.handle,
        provider=name if provider is None else provider.label,
        browser=session.browser,
        signed_in_at=session.created_at,
        last_seen_at=session.touched_at,
        current=current,
    )


def end_one(party: RelyingParty, session: Session, handle: str) -> Session:
    """End another session of the same person: `session_unknown`, and nothing happens, where it is not theirs."""
    person = session.login.person
    ended = party.sessions.end_listed(person.issuer, person.subject, handle, now=party.clock())
    if ended is None:
        raise PersonError("session_unknown", "this person has no session of that handle", status=404)
    return ended


def end_others(party: RelyingParty, session_id: str, session: Session, *, each: Each) -> None:
    """End all sessions of the same person but this one, also of sign-ins that are under way.

    `each` is called with every one as soon as it has ended: the store may fail midway.
    """
    person, now = session.login.person, party.clock()
    party.sessions.end_subject(person.issuer, person.subject, keep=session_id, now=now, each=each)
