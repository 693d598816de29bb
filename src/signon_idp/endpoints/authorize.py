"""The authorization endpoint (OIDC Core 3.1.2): judge the request, ask the person what is missing, answer."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, request

from signon_idp import pages
from signon_idp.endpoints.browser import browser_id, remember_browser, session_of
from signon_idp.endpoints.hint import hinted_claims
from signon_idp.endpoints.pushed import unfold
from signon_idp.endpoints.tokens import give_access_token, give_id_token
from signon_idp.endpoints.wire import form_pairs, judged, query_pairs, redirect
from signon_idp.errors import CallbackError, PageError
from signon_idp.faults import Callback, bend
from signon_idp.model import BrowserSession, Code, Grant
from signon_idp.rules.authorization import AuthorizationRequest, ReturnAddress, read_return_address

if TYPE_CHECKING:
    from signon_idp.provider import Idp
    from signon_idp.rules.parameters import Pairs

_CODE_MEMORY_SECONDS = 600


def authorize(idp: "Idp") -> Response:
    """GET answers or asks; POST comes back as GET, since a cross-site POST brings no Lax cookie along."""
    if request.method == "POST":
        return redirect(f"{idp.base}{idp.dialect.paths.authorize}?{urlencode(form_pairs())}")
    pairs = query_pairs()
    try:
        return continue_request(idp, unfold(idp, pairs), browser_id(idp))
    except CallbackError as error:
        return refuse(idp, read_return_address(pairs, idp.clients), error)


def continue_request(idp: "Idp", pairs: "Pairs", browser: str, *, asked: frozenset[str] = frozenset()) -> Response:
    """Go on with the request in `pairs`; `asked` names what the person has just been asked (login, consent)."""
    back = read_return_address(pairs, idp.clients)
    try:
        wanted = judged(idp, pairs, back)
        response = _next_step(idp, wanted, browser, asked)
    except CallbackError as error:
        response = refuse(idp, back, error)
    return remember_browser(idp, response, browser)


def refuse(idp: "Idp", back: ReturnAddress, error: CallbackError) -> Response:
    """Send the error to the application (RFC 6749 4.1.2.1); PageError where the vendor shows all but a refusal."""
    if idp.dialect.refuses_in_place and error.error != "access_denied":
        raise PageError(error.error, error.description)
    members = {"error": error.error, "error_description": error.description}
    members = idp.dialect.error_members(members, idp.scene(back.client))
    return _answer(idp, back, tuple(members.items()))


def needs_login(idp: "Idp", wanted: AuthorizationRequest, session: BrowserSession | None) -> bool:
    """Whether the person must sign in (again) for this request (OIDC Core 3.1.2.1: prompt, max_age, hints)."""
    if session is None or not idp.dialect.keeps_session or wanted.prompt & {"login", "select_account"}:
        return True
    if (
        idp.dialect.sign_up is not None
        and idp.dialect.sign_up.asks_known
        and idp.dialect.wants_sign_up(wanted.asked)
    ):
        return True
    if wanted.max_age is not None and idp.now() - session.auth_time > wanted.max_age:
        return True
    known = [acr for acr in wanted.acr_values if acr in idp.dialect.acrs]
    if known and session.acr not in known:
        return True
    return not _is_hinted(idp, wanted, session)


def _is_hinted(idp: "Idp", wanted: AuthorizationRequest, session: BrowserSession) -> bool:
    if wanted.id_token_hint is None:
        return True
    return hinted_claims(idp, wanted.id_token_hint).get("sub") == session.persona.sub


def _next_step(idp: "Idp", wanted: AuthorizationRequest, browser: str, asked: frozenset[str]) -> Response:
    session = session_of(idp, browser)
    silent = "none" in wanted.prompt
    if session is None or ("login" not in asked and needs_login(idp, wanted, session)):
        if silent:
            raise CallbackError("login_required", "nobody suitable is signed in here")
        return pages.sign_in(idp, wanted, browser)
    if not _is_hinted(idp, wanted, session):
        raise CallbackError("login_required", "somebody else signed in than id_token_hint names")
    if "consent" not in asked and needs_consent(wanted, session):
        if silent:
            raise CallbackError("consent_required", "the person has not allowed this yet")
        return pages.consent(idp, wanted, session, browser)
    one_more = idp.dialect.next_page(idp, wanted, session, browser) if idp.dialect.next_page else None
    if one_more is not None:
        return one_more
    own = idp.dialect.answer_members(wanted.asked) if idp.dialect.answer_members else ()
    return _answer(idp, wanted.back, (*_brought(idp, wanted, session), *own))


def needs_consent(wanted: AuthorizationRequest, session: BrowserSession) -> bool:
    """Whether the person has yet to allow this client these scopes."""
    if "consent" in wanted.prompt:
        return True
    allowed = session.consents.get(wanted.back.client.client_id, frozenset())
    return wanted.back.client.require_consent and not set(wanted.scopes) <= allowed


def _brought(idp: "Idp", wanted: AuthorizationRequest, session: BrowserSession) -> "Pairs":
    """What each word of the response type brings (OIDC Core 3.2.2.5, 3.3.2.5)."""
    client, grant = wanted.back.client, _grant(idp, wanted, session)
    session.clients.add(grant.client_id)
    code = _make_code(idp, wanted, grant) if "code" in wanted.kind else None
    token = give_access_token(idp, client, grant, grant.scopes) if "token" in wanted.kind else {}
    members = ({} if code is None else {"code": code}) | token
    if "id_token" in wanted.kind:
        members["id_token"] = give_id_token(idp, client, grant, access_token=token.get("access_token"), code=code)
    return tuple((name, str(value)) for name, value in members.items())


def _grant(idp: "Idp", wanted: AuthorizationRequest, session: BrowserSession) -> Grant:
    return Grant(
        client_id=wanted.back.client.client_id,
        scopes=idp.dialect.granted_scopes(wanted.scopes, wanted.back.client),
        persona=session.persona,
        sid=session.sid,
        auth_time=session.auth_time,
        acr=session.acr,
        nonce=wanted.nonce,
        asked=wanted.asked,
    )


def _make_code(idp: "Idp", wanted: AuthorizationRequest, grant: Grant) -> str:
    code = Code(
        grant=grant,
        redirect_uri=wanted.back.redirect_uri,
        code_challenge=wanted.code_challenge,
        expires_at=idp.now() + idp.dialect.lifetimes.code,
    )
    value = idp.state.mint()
    # Used and expired codes are remembered for a while, so that a second use is known for what it is.
    idp.state.codes.put(value, code, until=idp.now() + _CODE_MEMORY_SECONDS)
    return value


def _answer(idp: "Idp", back: ReturnAddress, pairs: "Pairs") -> Response:
    if back.state is not None:
        pairs = (*pairs, ("state", back.state))
    if idp.dialect.sends_iss:
        pairs = (*pairs, ("iss", idp.issuer))
    healthy = Callback(redirect_uri=back.redirect_uri, mode=back.response_mode, pairs=pairs)
    callback = bend(idp.fault_now.callback, healthy, idp.scene(back.client))
    if callback.mode == "form_post":
        return pages.form_post(idp, callback)
    if callback.mode == "fragment":
        return redirect(f"{callback.redirect_uri}#{urlencode(callback.pairs)}")
    return redirect(with_query(callback.redirect_uri, callback.pairs))


def with_query(address: str, pairs: "Pairs") -> str:
    """`address` with `pairs` behind the parameters it already has (RFC 6749 3.1.2)."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(pairs)}"
