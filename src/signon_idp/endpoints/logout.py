"""RP-initiated logout (OIDC RP-Initiated Logout 1.0)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from flask import Response, request

from signon_idp import pages
from signon_idp.endpoints.authorize import with_query
from signon_idp.endpoints.browser import browser_id, remember_browser, session_of
from signon_idp.endpoints.hint import hinted_claims
from signon_idp.endpoints.wire import form_pairs, query_pairs, redirect
from signon_idp.errors import PageError
from signon_idp.model import BrowserSession, Client
from signon_idp.pages.seal import check_form
from signon_idp.rules.parameters import Pairs, given, repeated
from signon_idp.sign_off import clients_of, end_sessions

if TYPE_CHECKING:
    from signon_idp.provider import Idp


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A request to sign out; `hinted` are the claims of a valid ID token hint, `text` is it again, urlencoded."""

    text: str
    hinted: dict[str, str]
    client: Client | None
    redirect_uri: str | None
    state: str | None
    ui_locales: str
    revokes: bool = False


def end_session(idp: "Idp") -> Response:
    """Sign out at once on a valid hint about the person who is signed in; otherwise ask first (section 2)."""
    posted = request.method == "POST"
    pairs = form_pairs() if posted else query_pairs()
    wanted = read_logout(idp, pairs)
    session = session_of(idp, browser_id(idp))
    if _acts_at_once(idp, wanted, session):
        return _done(idp, wanted)
    if posted:
        # A cross-site POST brings no Lax cookie along; the GET after this redirect does.
        rest = [(name, value) for name, value in pairs if name != "id_token_hint"]
        return redirect(f"{idp.base}{idp.dialect.paths.end_session}?{urlencode(rest)}")
    browser = browser_id(idp)
    return remember_browser(idp, pages.sign_out(idp, wanted, session, browser), browser)


def _acts_at_once(idp: "Idp", wanted: LogoutRequest, session: BrowserSession | None) -> bool:
    rules = idp.dialect.sign_out
    if not wanted.hinted:
        return not rules.asks_without_hint and request.method == "GET"
    if session is None:
        return True
    if rules.same_sid and wanted.hinted.get("sid") != session.sid:
        return False
    return session.persona.sub == wanted.hinted["sub"]


def confirmed(idp: "Idp") -> Response:
    """The person confirmed the page that `end_session` showed."""
    text = request.form.get("request", "")
    token = request.form.get("form_token", "")
    check_form(idp, browser_id(idp), purpose="sign_out", text=text, token=token)
    return _done(idp, read_logout(idp, tuple(parse_qsl(text, keep_blank_values=True))))


def read_logout(idp: "Idp", pairs: Pairs) -> LogoutRequest:
    """The request, or PageError: nobody is sent to an address that this client has not registered."""
    twice = repeated(pairs)
    if twice:
        raise PageError("invalid_request", f"{', '.join(sorted(twice))} must not be repeated")
    found = given(pairs)
    rules = idp.dialect.sign_out
    hinted = hinted_claims(idp, found.get("id_token_hint", ""), expired=rules.expired_hint)
    client_id = found.get("client_id", hinted.get("aud", ""))
    if hinted and hinted["aud"] != client_id:
        raise PageError("client_mismatch", "client_id is not the audience of id_token_hint")
    if hinted and rules.same_sid and found.get("logout_hint", hinted.get("sid")) != hinted.get("sid"):
        raise PageError("logout_hint_mismatch", "logout_hint is not the sid of id_token_hint")
    client = idp.clients.get(client_id)
    redirect_uri = found.get("post_logout_redirect_uri")
    if client is None and redirect_uri and rules.any_clients_redirect:
        client = _client_at(idp, redirect_uri)
    if redirect_uri and client and redirect_uri not in client.post_logout_redirect_uris:
        raise PageError("redirect_uri_mismatch", "post_logout_redirect_uri is not registered for this client")
    return LogoutRequest(
        text=urlencode(pairs),
        hinted=hinted,
        client=client,
        redirect_uri=redirect_uri if client else None,
        state=found.get("state"),
        ui_locales=found.get("ui_locales", ""),
        revokes=rules.revokes_with is not None and found.get(rules.revokes_with) == "1",
    )


def _client_at(idp: "Idp", redirect_uri: str) -> Client:
    for client in idp.clients.values():
        if redirect_uri in client.post_logout_redirect_uris:
            return client
    raise PageError("redirect_uri_mismatch", "post_logout_redirect_uri is not registered for any client")


def _done(idp: "Idp", wanted: LogoutRequest) -> Response:
    session = session_of(idp, browser_id(idp))
    ended: list[BrowserSession] = []
    for sid in {wanted.hinted.get("sid"), session.sid if session else None} - {None}:
        ended += end_sessions(idp, sid=sid)
        if wanted.revokes:
            idp.state.end_grants(str(sid))
    location = _location(wanted)
    frames = _frames(idp, ended)
    if location is None or frames:
        response = pages.signed_out(idp, frames=frames, location=location, ui_locales=wanted.ui_locales)
    else:
        response = redirect(location)
    if session is not None:
        response.delete_cookie(idp.cookie_name, httponly=True, samesite="Lax")
    return response


def _location(wanted: LogoutRequest) -> str | None:
    if wanted.redirect_uri is None or wanted.state is None:
        return wanted.redirect_uri
    return with_query(wanted.redirect_uri, (("state", wanted.state),))


def _frames(idp: "Idp", sessions: list[BrowserSession]) -> tuple[str, ...]:
    """Each client's `frontchannel_logout_uri`, with issuer and session where they are required (section 2)."""
    found: dict[str, None] = {}
    for session in sessions:
        for client in clients_of(idp, session):
            uri, pairs = client.frontchannel_logout_uri, (("iss", idp.issuer), ("sid", session.sid))
            if uri is not None:
                found[with_query(uri, pairs) if client.frontchannel_logout_session_required else uri] = None
    return tuple(found)
