"""Sign a Flask test client in without a provider."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Request
from flask.testing import FlaskClient

from signon.core.person import to_login
from signon.core.tokens import TokenSet
from signon.core.values import JsonObject, JsonValue, Secret
from signon.flask.site import find_site, host_name
from signon.flask.state import KEY, State
from signon.service.finish_login import ask_application, filed, find_roles
from signon.sessions.record import Session


def sign_in(
    client: FlaskClient, claims: Mapping[str, JsonValue] | None = None, *, provider: str | None = None
) -> Session:
    """Give a test client a real session, as a sign-in with these claims would have left it.

    `claims` need no more than what the test is about; `sub` is "test-subject" where it isn't said. The
    application's `on_login` is asked as in a real sign-in, and may raise `Refused`.
    """
    state: State = client.application.extensions[KEY]
    party = state.party
    chosen = party.provider(provider or next(iter(party.providers)))
    now = party.clock()
    full: JsonObject = {"iss": chosen.issuer, "sub": "test-subject", "auth_time": now, **(claims or {})}
    person = chosen.to_person(full, provider=chosen.name, issuer=chosen.issuer)
    login = filed(party, chosen, to_login(person, full, now=now, scope=chosen.scopes))
    session = Session(
        login=login,
        user_key=ask_application(party, login) or login.person.key,
        roles=find_roles(party, login),
        tokens=TokenSet(access_token=Secret("test-access-token"), scope=chosen.scopes),
        started_at=now + party.sessions.clock_offset(now),
        created_at=now,
        expires_at=now + party.session_seconds,
        epoch=0,
    )
    _give_cookie(client, state, party.sessions.start(session, now=now))
    return session


def _give_cookie(client: FlaskClient, state: State, session_id: str) -> None:
    """For the base URL's host, and for the one that a test client asks where a test names none."""
    for base_url in dict.fromkeys((None, state.settings.base_url)):
        asked = Request(client.application.test_request_context(base_url=base_url).request.environ)
        site = find_site(state.settings, asked)
        client.set_cookie(
            site.session_cookie,
            session_id,
            domain=host_name(asked.host),
            secure=site.secure,
            httponly=True,
            samesite="Lax",
        )
