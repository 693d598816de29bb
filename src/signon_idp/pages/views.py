"""Each page as a function: what it shows and where its form goes."""

import secrets
from typing import TYPE_CHECKING

from flask import Response, request
from markupsafe import Markup

from signon_idp.errors import PageError
from signon_idp.pages.render import STYLE_PATH, page
from signon_idp.pages.seal import seal_form
from signon_idp.personas import PASSWORD
from signon_idp.replies import json_reply, to_response

if TYPE_CHECKING:
    from signon_idp.endpoints.logout import LogoutRequest
    from signon_idp.faults import Callback
    from signon_idp.model import BrowserSession
    from signon_idp.provider import Idp
    from signon_idp.rules.authorization import AuthorizationRequest

SIGN_IN_PATH = "/sign-in"
CONSENT_PATH = "/consent"
SIGN_OUT_PATH = "/sign-out"
_FRAMES_MS = 2000

__all__ = ["CONSENT_PATH", "SIGN_IN_PATH", "SIGN_OUT_PATH", "STYLE_PATH"]


def sign_in(idp: "Idp", wanted: "AuthorizationRequest", browser: str, *, failed: bool = False) -> Response:
    """Ask who it is: user name and password, or a persona to click."""
    client = wanted.back.client
    typed = request.form.get("username", wanted.login_hint)
    return page(
        idp,
        f"sign_in_{idp.dialect.page_kind}.html",
        status=400 if failed else 200,
        leads_to=wanted.back.redirect_uri,
        ui_locales=wanted.ui_locales,
        action=idp.base + SIGN_IN_PATH,
        form_token=seal_form(idp, browser, purpose="sign_in", text=wanted.text),
        carried=wanted.text,
        client_name=client.client_name or client.client_id,
        typed=typed,
        sign_up=idp.dialect.wants_sign_up(wanted.asked),
        failed=failed,
        password=PASSWORD,
        qr=_code_for_phone(idp),
    )


def _code_for_phone(idp: "Idp") -> Markup | None:
    """What the page of a vendor with an app shows; it leads nowhere, since no phone reaches this computer."""
    if idp.dialect.page_kind != "qr":
        return None
    from signon_idp.pages.qr import qr_code  # drawing codes is not for those who show none

    return qr_code(f"{idp.issuer}#{secrets.token_hex(4)}")


def consent(idp: "Idp", wanted: "AuthorizationRequest", session: "BrowserSession", browser: str) -> Response:
    """Ask whether the application may have what it asks for."""
    client = wanted.back.client
    granted = idp.dialect.granted_scopes(wanted.scopes, client)
    return page(
        idp,
        "consent.html",
        leads_to=wanted.back.redirect_uri,
        ui_locales=wanted.ui_locales,
        action=idp.base + CONSENT_PATH,
        form_token=seal_form(idp, browser, purpose="consent", text=wanted.text),
        carried=wanted.text,
        client_name=client.client_name or client.client_id,
        persona=session.persona,
        scopes=granted,
    )


def form_post(idp: "Idp", callback: "Callback") -> Response:
    """Send the answer to the application by a form, at once with script, by a button without (Form Post 1.0)."""
    return page(
        idp,
        "form_post.html",
        leads_to=callback.redirect_uri,
        action=callback.redirect_uri,
        pairs=callback.pairs,
    )


def sign_out(idp: "Idp", wanted: "LogoutRequest", session: "BrowserSession | None", browser: str) -> Response:
    """Ask whether to sign out, since nothing proves that the person wants it."""
    return page(
        idp,
        "sign_out.html",
        action=idp.base + SIGN_OUT_PATH,
        ui_locales=wanted.ui_locales,
        form_token=seal_form(idp, browser, purpose="sign_out", text=wanted.text),
        carried=wanted.text,
        persona=session.persona if session else None,
    )


def signed_out(
    idp: "Idp", *, frames: tuple[str, ...] = (), location: str | None = None, ui_locales: str = ""
) -> Response:
    """Say that it is done; hidden `frames` tell the applications, before the page goes on to `location`."""
    return page(
        idp, "signed_out.html", ui_locales=ui_locales, frames=frames, location=location, wait_ms=_FRAMES_MS
    )


def problem(idp: "Idp", error: PageError) -> Response:
    """Say what is wrong with a request that must not be answered by a redirect."""
    shown = {"error": error.error, "error_description": error.description}
    members = {**shown, **idp.dialect.error_members(dict(shown), idp.scene())}
    code = members["error"]
    status = idp.dialect.error_statuses.get(code, 400)
    return page(idp, "problem.html", status=status, code=code, description=members["error_description"])


def http_problem(idp: "Idp", status: int, name: str) -> Response:
    """Say what HTTP has against the request: a page for browsers, JSON for programs."""
    if request.accept_mimetypes.accept_html and "text/html" in request.headers.get("Accept", ""):
        return page(idp, "problem.html", status=status, code=str(status), description=f"{name}.")
    return to_response(json_reply({"error": "invalid_request", "error_description": name}, status=status), {})
