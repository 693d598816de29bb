"""Who is asking: `current_user` and `current_login`. The store is read when they are first used in a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from flask import request
from werkzeug.local import LocalProxy

from signon.core.person import Login, Person
from signon.flask import cookies
from signon.flask.state import memo, site, state
from signon.sessions.record import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The person of this request; false in a condition, and all None, where nobody has signed in."""

    key: str | None = None
    """What to file this person under: the application's own key, else one text for issuer and subject."""
    provider: str | None = None
    sub: str | None = None
    """The subject, or our key in its place where that is a national id."""
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    preferred_username: str | None = None
    email: str | None = None
    email_verified: bool = False
    picture: str | None = None
    locale: str | None = None
    roles: frozenset[str] = frozenset()
    vendor: Any = field(default=None, repr=False)
    """The provider's own fields of a person, typed, where its profile knows some."""
    person: Person | None = field(default=None, repr=False)

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody has signed in."""
        return self.person is not None

    def __bool__(self) -> bool:
        return self.person is not None


NOBODY = User()


def user_of(session: Session) -> User:
    """The user of a session."""
    person = session.login.person
    provider = state().party.providers.get(person.provider)
    to_vendor = provider.to_vendor if provider is not None else None
    return User(
        key=session.user_key,
        provider=person.provider,
        sub=person.public_subject,
        name=person.name,
        given_name=person.given_name,
        family_name=person.family_name,
        preferred_username=person.preferred_username,
        email=person.email,
        email_verified=person.email_verified,
        picture=person.picture,
        locale=person.locale,
        roles=frozenset(session.roles),
        vendor=to_vendor(session.login.claims) if to_vendor is not None else None,
        person=person,
    )


def load_session() -> Session | None:
    """This request's session, read from the store once. Raises `StoreUnavailable`: unknown is not nobody."""
    known = memo()
    try:
        return cast("Session | None", known["session"])
    except KeyError:
        pass
    here = site()
    cookies.keep_private()
    session_id = cookies.session_id(request, here)
    party = state().party
    session = party.sessions.load(session_id, now=party.clock()) if session_id else None
    known["session"] = session
    return session


def forget_session() -> None:
    """Let the next look read the store again: the session has just changed."""
    memo().pop("session", None)
    memo().pop("user", None)


def _load_user() -> User:
    known = memo()
    user: User | None = known.get("user")
    if user is None:
        session = load_session()
        user = known["user"] = user_of(session) if session is not None else NOBODY
    return user


def _load_login() -> Login | None:
    session = load_session()
    return session.login if session is not None else None


current_user: User = cast("User", LocalProxy(_load_user))
"""The person of this request; false where nobody has signed in."""

current_login: Login = cast("Login", LocalProxy(_load_login))
"""The sign-in behind this request's session: claims, times, scope; false where there is none."""
