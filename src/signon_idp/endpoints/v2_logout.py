"""Auth0's own sign-out, `/v2/logout`: another parameter's name, another comparison, no state."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Response

from signon_idp import pages
from signon_idp.endpoints.browser import browser_id, session_of
from signon_idp.endpoints.wire import query_pairs, redirect
from signon_idp.errors import PageError
from signon_idp.rules.parameters import given
from signon_idp.sign_off import end_sessions

if TYPE_CHECKING:
    from signon_idp.provider import Idp


def v2_logout(idp: "Idp") -> Response:
    """End the session at once, then to `returnTo`, if the application has registered it, or its first address."""
    location = _location(idp)
    session = session_of(idp, browser_id(idp))
    response = pages.signed_out(idp) if location is None else redirect(location)
    if session is not None:
        end_sessions(idp, sid=session.sid)
        response.delete_cookie(idp.cookie_name, httponly=True, samesite="Lax")
    return response


def _location(idp: "Idp") -> str | None:
    found = given(query_pairs())
    client = idp.clients.get(found.get("client_id", ""))
    if client is None and "client_id" in found:
        raise PageError("unknown_client", "client_id names no registered client")
    wanted = found.get("returnTo")
    # Without client_id the tenant's own list counts, and this tenant has none.
    registered = client.post_logout_redirect_uris if client is not None else ()
    if wanted is None:
        return registered[0] if registered else None
    if _compared(wanted) not in map(_compared, registered):
        raise PageError("redirect_uri_mismatch", "returnTo is not among the allowed logout URLs")
    return wanted


def _compared(address: str) -> tuple[str, str, str]:
    """What counts of an address: scheme and host without case, the path with it; no query, no fragment."""
    parts = urlsplit(address)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path
