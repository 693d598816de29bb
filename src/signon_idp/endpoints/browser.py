"""The provider's own session with a browser: one cookie, and forms that only this browser can send."""

import re
import secrets
from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.model import BrowserSession, Persona

if TYPE_CHECKING:
    from signon_idp.provider import Idp

_FORMER_IDS = 8
"""Tabs with a sign-in page that may still be open from before."""
_BROWSER_ID = re.compile(r"[A-Za-z0-9_-]{43}")


def browser_id(idp: "Idp") -> str:
    """The cookie's value if it looks like one of ours, else a new one that `remember_browser` will set.

    Before sign-in it is only a random value that forms are bound to: nothing is stored for it.
    """
    value = request.cookies.get(idp.cookie_name, "")
    return value if _BROWSER_ID.fullmatch(value) else secrets.token_urlsafe(32)


def session_of(idp: "Idp", browser: str) -> BrowserSession | None:
    """The signed-in session of this browser."""
    return idp.state.sessions.get(browser)


def open_session(idp: "Idp", persona: Persona, *, acr: str, before: str) -> str:
    """Sign `persona` in; gives the new browser id. The one before is dead, so that none can be planted."""
    old = session_of(idp, before)
    idp.state.sessions.drop(before)
    same = old is not None and old.persona == persona
    session = BrowserSession(
        persona=persona,
        # The person signing in once more goes on in the same session as far as applications know.
        sid=old.sid if old and same else secrets.token_urlsafe(16),
        auth_time=idp.now(),
        acr=acr,
        expires_at=idp.now() + idp.dialect.lifetimes.session,
        consents=old.consents if old and same else {},
        clients=old.clients if old and same else set(),
        before=((before, *(old.before if old else ())))[:_FORMER_IDS],
    )
    fresh = secrets.token_urlsafe(32)
    idp.state.sessions.put(fresh, session, until=session.expires_at)
    return fresh


def remember_browser(idp: "Idp", response: Response, browser: str) -> Response:
    """Set the cookie, unless the browser already sent this very value."""
    if request.cookies.get(idp.cookie_name) != browser:
        secure = idp.origin.startswith("https:")
        response.set_cookie(idp.cookie_name, browser, httponly=True, samesite="Lax", secure=secure)
    return response
