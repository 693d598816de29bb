"""PingOne's `/idpSignoff`: the sign-out that goes on to the identity provider behind the environment, too."""

from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp import pages
from signon_idp.endpoints.authorize import with_query
from signon_idp.endpoints.browser import browser_id, session_of
from signon_idp.endpoints.logout import LogoutRequest, read_logout
from signon_idp.endpoints.wire import query_pairs, redirect
from signon_idp.errors import PageError
from signon_idp.replies import JSON
from signon_idp.sign_off import end_sessions

if TYPE_CHECKING:
    from signon_idp.provider import Idp

_NO_CONTENT = 204


def idp_signoff(idp: "Idp") -> Response:
    """End the session of whom the hint is about: on to the application, or 204 for who takes JSON.

    PageError without a hint, with another person's, and for an application that is not registered for this.
    """
    wanted = read_logout(idp, query_pairs())
    if not wanted.hinted:
        raise PageError("hint_missing", "idpSignoff needs an id_token_hint")
    if wanted.client is None or not wanted.client.idp_signoff:
        raise PageError("idp_signoff_not_allowed", "the application is not registered for idpSignoff")
    session = session_of(idp, browser_id(idp))
    if session is not None and session.persona.sub != wanted.hinted["sub"]:
        raise PageError("hint_of_another_person", "id_token_hint is about somebody else than is signed in")
    for sid in {wanted.hinted.get("sid"), session.sid if session else None} - {None}:
        end_sessions(idp, sid=sid)
    response = _done(idp, wanted)
    if session is not None:
        response.delete_cookie(idp.cookie_name, httponly=True, samesite="Lax")
    return response


def _done(idp: "Idp", wanted: LogoutRequest) -> Response:
    if request.accept_mimetypes.best_match(("text/html", JSON)) == JSON:
        return Response(status=_NO_CONTENT)
    if wanted.redirect_uri is None:
        return pages.signed_out(idp)
    state = () if wanted.state is None else (("state", wanted.state),)
    return redirect(with_query(wanted.redirect_uri, state))
