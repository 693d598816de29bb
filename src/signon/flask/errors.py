"""The one door for failures: a `SignOnError` becomes a page or problem+json (RFC 9457), and one log line."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress

from flask import Flask, Response, jsonify, make_response, request

from signon.core.errors import (
    OperatorError,
    PersonError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
    StoreUnavailable,
    printable,
)
from signon.core.provider import Provider
from signon.flask.begin import login_address, this_page
from signon.flask.cookies import make_private
from signon.flask.crosssite import wants_page
from signon.flask.current import load_session
from signon.flask.messages import Message, duration, message_for, message_id
from signon.flask.pages import page
from signon.flask.state import memo, site, state
from signon.service.party import Refused
from signon.service.sign_out import can_leave

log = logging.getLogger("signon")
_UNAUTHORIZED = 401
_GO_ON = frozenset(
    {
        *("state_used", "cross_site", "operator", "role_needed", "permission_needed", "email_invalid"),
        "kept_too_large",
    }
)
"""Messages after which there is nothing to start again."""
_DENIED = frozenset({"access_denied", "provider_refused", "id_token_organization"})
"""The person who is signed in at the provider may be the wrong one."""
_NO_PASSWORD = ("password_unsupported", "password_scope_missing", "password_elsewhere", "password_none")
"""There is nothing for this person to change; signing in again won't help."""


def install(app: Flask) -> None:
    """Answer every error of ours, wherever in the application it comes up."""
    app.register_error_handler(SignOnError, answer)


def answer(error: SignOnError) -> Response:
    """Turn an error into an answer: the right status, a stable code, and a reference that the log has, too."""
    reference = secrets.token_hex(4)
    provider: str | None = memo().get("provider")
    log_error(error, provider=provider, reference=reference)
    known = state().party.providers.get(provider) if provider is not None else None
    message = message_for(error, provider=known.label if known is not None else None, limit=_limit(error))
    if wants_page(request):
        response = _page(error, message, provider=provider, reference=reference)
    else:
        response = _problem(error, message, reference=reference)
    if isinstance(error, ProviderUnavailable | StoreUnavailable):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return make_private(response)


def _limit(error: SignOnError) -> str:
    """How long the limit is that ended a session, in words."""
    settings = state().settings
    limits = {"session_idle": settings.idle_seconds, "session_expired": settings.session_seconds}
    return duration(limits[error.code]) if error.code in limits else ""


def log_error(error: SignOnError, *, provider: str | None, reference: str) -> None:
    """Leave the one line of a failure, with what finds it again."""
    theirs = f" provider_error={error.error!r} {error.description!r}" if isinstance(error, ProviderRefused) else ""
    quiet = isinstance(error, PersonError)
    log.log(
        logging.ERROR if isinstance(error, OperatorError) else logging.INFO if quiet else logging.WARNING,
        "sign-in error %s provider=%s fault=%s reference=%s%s",
        error,
        # As it stands in the address, where somebody may have put a line of our log.
        None if provider is None else printable(provider, limit=64),
        error.fault,
        reference,
        theirs,
        extra={"signon_code": error.code, "signon_reference": reference, "signon_fault": error.fault},
    )


def _page(error: SignOnError, message: Message, *, provider: str | None, reference: str) -> Response:
    return page(
        "error.html",
        status=error.status,
        message=message,
        code=error.code,
        reference=reference,
        quote=error.description if isinstance(error, ProviderRefused) else None,
        reason=error.reason if isinstance(error, Refused) else None,
        sign_out_at=provider if isinstance(error, Refused) else None,
        logout_path=_path(state().settings.logout_path),
        leave=_provider_to_leave(error, provider),
        next_step=_next_step(error, provider),
    )


def _provider_to_leave(error: SignOnError, name: str | None) -> Provider | None:
    """The provider that would say the same to the same person again, where people can sign out there; not for
    those who are signed in here by another one, which is what their sign-out would leave.
    """
    party = state().party
    provider = party.providers.get(name) if name is not None and error.code in _DENIED else None
    if provider is None or not can_leave(party, provider):
        return None
    with suppress(StoreUnavailable):
        session = load_session()
        return provider if session is None or session.login.person.provider == name else None
    return None


def _next_step(error: SignOnError, provider: str | None) -> str:
    """Where the page's one button leads."""
    if not _has_address():
        return "/"
    identifier = message_id(error)
    known, wanted = provider if provider in state().party.providers else None, memo().get("next")
    if identifier in {"store_unavailable", "refresh_unavailable", "refresh_waiting"}:
        # A sign-in's answer is used up when the store fails after it.
        return this_page() or (login_address(known, next_path=wanted) if wanted else _after_login())
    if identifier == "session_unknown":
        return _path(state().settings.sessions_path)
    if identifier in _GO_ON or identifier in _NO_PASSWORD:
        return _after_login()
    return login_address(known, next_path=wanted, parameters=_asked(known))


def _asked(name: str | None) -> dict[str, str]:
    """What the link that began the sign-in said (an invitation), for the next one to say it again."""
    provider = state().party.providers.get(name) if name is not None else None
    asked: Mapping[str, str] = memo().get("asked") or {}
    return {key: asked[key] for key in sorted(provider.forwarded) if key in asked} if provider is not None else {}


def _after_login() -> str:
    return _path(state().settings.after_login)


def _path(path: str) -> str:
    return site().path(path) if _has_address() else path


def _has_address() -> bool:
    """Whether it is known where this application is: that it isn't may be the very error that is answered."""
    try:
        site()
    except OperatorError:
        return False
    return True


def _problem(error: SignOnError, message: Message, *, reference: str) -> Response:
    body: dict[str, object] = {
        "type": "about:blank",
        "title": message.title,
        "status": error.status,
        "detail": message.text,
        "code": error.code,
        "reference": reference,
    }
    if error.status == _UNAUTHORIZED:
        body["login"] = login_address()
    response = make_response(jsonify(body), error.status)
    response.headers["Content-Type"] = "application/problem+json"
    return response
