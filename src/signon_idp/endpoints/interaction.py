"""What the person sends back: the sign-in form and the consent form."""

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Response, request

from signon_idp import pages
from signon_idp.endpoints.authorize import continue_request, refuse
from signon_idp.endpoints.browser import browser_id, open_session, session_of
from signon_idp.endpoints.wire import judged
from signon_idp.errors import CallbackError, PageError
from signon_idp.pages.seal import check_form
from signon_idp.personas import PASSWORD
from signon_idp.rules.authorization import AuthorizationRequest, read_return_address

if TYPE_CHECKING:
    from signon_idp.model import Persona
    from signon_idp.provider import Idp
    from signon_idp.rules.parameters import Pairs


def sign_in(idp: "Idp") -> Response:
    """Sign in a persona by name and password, or by its button."""
    browser = browser_id(idp)
    wanted, pairs = carried_request(idp, browser, purpose="sign_in")
    if request.form.get("cancel"):
        return refuse(idp, wanted.back, CallbackError("access_denied", "the person left the sign-in page"))
    persona = _chosen(idp)
    if persona is None:
        return pages.sign_in(idp, wanted, browser, failed=True)
    if persona.refuses_consent:
        # No session is kept, or every later sign-in would be refused without a question.
        return refuse(idp, wanted.back, CallbackError("access_denied", "the person refused"))
    fresh = open_session(idp, persona, acr=_acr(idp, wanted), before=browser)
    return continue_request(idp, pairs, fresh, asked=frozenset({"login"}))


def consent(idp: "Idp") -> Response:
    """Go on if the person allowed it; else tell the application."""
    browser = browser_id(idp)
    wanted, pairs = carried_request(idp, browser, purpose="consent")
    session = session_of(idp, browser)
    if session is None:
        raise PageError("session_ended", "nobody is signed in any more")
    if request.form.get("answer") != "allow":
        return refuse(idp, wanted.back, CallbackError("access_denied", "the person refused"))
    client_id = wanted.back.client.client_id
    session.consents[client_id] = session.consents.get(client_id, frozenset()) | set(wanted.scopes)
    # The form is bound to a request whose sign-in has been asked for already.
    return continue_request(idp, pairs, browser, asked=frozenset({"login", "consent"}))


def carried_request(idp: "Idp", browser: str, *, purpose: str) -> tuple[AuthorizationRequest, "Pairs"]:
    """The request that a form of this browser carries, for the form's purpose; PageError for any other form."""
    text = request.form.get("request", "")
    check_form(idp, browser, purpose=purpose, text=text, token=request.form.get("form_token", ""))
    pairs = tuple(parse_qsl(text, keep_blank_values=True))
    back = read_return_address(pairs, idp.clients)
    try:
        return judged(idp, pairs, back), pairs
    except CallbackError as error:
        # It was good when the form was shown, so the client has been registered anew since.
        raise PageError(error.error, error.description) from None


def _chosen(idp: "Idp") -> "Persona | None":
    slug = request.form.get("persona")
    if slug is not None:
        return next((persona for persona in idp.dialect.personas if persona.id == slug), None)
    name = request.form.get("username", "").strip()
    persona = next((persona for persona in idp.dialect.personas if _goes_by(persona, name)), None)
    own = idp.state.passwords.get(persona.id) if persona is not None else None
    wanted = PASSWORD if own is None else own.value
    return persona if hmac.compare_digest(request.form.get("password", "").encode(), wanted.encode()) else None


def _goes_by(persona: "Persona", name: str) -> bool:
    return name in {persona.id, persona.claims.get("email"), persona.claims.get("preferred_username")}


def _acr(idp: "Idp", wanted: AuthorizationRequest) -> str:
    known = [acr for acr in wanted.acr_values if acr in idp.dialect.acrs]
    return known[0] if known else next(iter(idp.dialect.acrs))
