"""Who is asking: `current_user` and `current_login`. The store is read when they are first used in a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn, cast

from flask import Flask
from werkzeug.local import LocalProxy

from signon.core.introspection import Introspection
from signon.core.person import Login, Person
from signon.core.tokens import TokenSet
from signon.flask import cookies
from signon.flask.ended import tell
from signon.flask.signals import tokens_refreshed
from signon.flask.state import application, memo, site, state, the_request
from signon.service import tokens
from signon.service.explain import Verdict, explain_id_token
from signon.service.introspect import introspect
from signon.service.party import RelyingParty
from signon.service.revoked import was_revoked
from signon.service.saving import TokensEnded, tokens_of
from signon.sessions.record import Session

_NO_PERMISSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


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
    permissions: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_PERMISSIONS)
    """What this person may do with which object, as the sign-in said, where the provider knows permissions."""
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
    to_permissions = provider.to_permissions if provider is not None else None
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
        permissions=_NO_PERMISSIONS if to_permissions is None else to_permissions(session.login.claims),
        vendor=to_vendor(session.login.claims) if to_vendor is not None else None,
        person=person,
    )


def load_session(*, slide: bool = True) -> Session | None:
    """This request's session, read from the store once. Raises `StoreUnavailable`: unknown is not nobody.

    Without `slide` this is no use of the session, which its idle time would count from.
    """
    known = memo()
    if "session" in known:
        found: Session | None = known["session"]
        return found
    here = site()
    cookies.keep_private()
    session_id = cookies.session_id(the_request(), here)
    party = state().party
    sessions = party.sessions
    look = sessions.load if slide else sessions.look
    session = look(session_id, now=party.clock()) if session_id else None
    if session is not None and session_id is not None and was_revoked(party, session_id, session):
        tell((session,), reason="revoked")
        session = None
    known["session"] = session
    return session


def forget_session() -> None:
    """Let the next look read the store again: the session has just changed."""
    known = memo()
    for name in ("session", "user", "login"):
        known.pop(name, None)


def _load_user() -> User:
    known = memo()
    user: User | None = known.get("user")
    if user is None:
        session = load_session()
        user = known["user"] = user_of(session) if session is not None else NOBODY
    return user


class CurrentLogin(Login):
    """The sign-in behind this request's session, and what can be done with its tokens.

    Where the tokens have ended its methods raise `TokensEnded`, which is best left alone: a browser that navigates
    is sent to sign in again and comes back to this page, anything else gets 401 as problem+json. Where the sign-in
    brought none they raise `OperatorError` (`tokens_missing`).
    """

    __slots__ = ()

    def access_token(self) -> str:
        """An access token that is good for a while, refreshed where need be: for the provider's APIs.

        Raises `TokensEnded`, and `ProviderUnavailable` (`refresh_unavailable`, `refresh_waiting`) where there is
        no good token and no new one just now.
        """
        session = _with_tokens(partial(tokens.usable, refreshed=partial(_tell_of_refresh, application())))
        return tokens_of(session).access_token.reveal()

    def refresh(self) -> None:
        """Refresh the tokens also where they are still good, so that claims, scope and roles are the latest.

        As with every refresh `on_login` is not asked again: it decides at a sign-in alone.
        """
        _with_tokens(partial(tokens.refresh, refreshed=partial(_tell_of_refresh, application())))

    def revoke(self) -> None:
        """Revoke the tokens at the provider where it can, and give them up; the person stays signed in."""
        _with_tokens(tokens.revoke)

    def introspect(self) -> Introspection:
        """What the provider says of the access token (RFC 7662), or has said of it within a minute."""
        session = _with_tokens(lambda _party, _session_id, session: session)
        party = state().party
        return introspect(party, party.provider(self.person.provider), tokens_of(session).access_token)

    def token_set(self) -> TokenSet:
        """The tokens as they are held, good or over: for a page that shows what there is, and never whole."""
        return tokens_of(_with_tokens(lambda _party, _session_id, session: session))

    def explain_id_token(self) -> tuple[Verdict, ...]:
        """What each check says of the ID token, judged again; nothing where there is none."""
        session = load_session()
        return () if session is None else explain_id_token(state().party, session)


class _NoLogin:
    """Nobody's sign-in: false, and to whoever wants to use its tokens all the same the error that leads to one."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def _missing(self) -> NoReturn:
        raise _needs_login()

    access_token = refresh = revoke = introspect = token_set = _missing


_NO_LOGIN = _NoLogin()


def _needs_login() -> TokensEnded:
    return TokensEnded("login_needed", "this needs a sign-in")


def _with_tokens(act: Callable[[RelyingParty, str, Session], Session]) -> Session:
    """Do something with this request's session, and let the rest of the request see what came of it."""
    session, session_id = load_session(), cookies.session_id(the_request(), site())
    if session is None or session_id is None:
        raise _needs_login()
    memo()["provider"] = session.login.person.provider
    try:
        changed = act(state().party, session_id, session)
    except TokensEnded:
        forget_session()
        raise
    if changed is not session:
        forget_session()
        memo()["session"] = changed
    return changed


def _tell_of_refresh(app: Flask, session: Session) -> None:
    tokens_refreshed.send(app, login=session.login, tokens=session.tokens)


def _load_login() -> CurrentLogin | _NoLogin:
    known = memo()
    login: CurrentLogin | None = known.get("login")
    if login is None:
        session = load_session()
        if session is not None:
            login = CurrentLogin(**{each.name: getattr(session.login, each.name) for each in fields(Login)})
            known["login"] = login
    return login or _NO_LOGIN


current_user: User = cast("User", LocalProxy(_load_user))
"""The person of this request; false where nobody has signed in."""

current_login: CurrentLogin = cast("CurrentLogin", LocalProxy(_load_login))
"""The sign-in behind this request's session: claims, times, scope, tokens; false where there is none."""
