"""Where providers tell of sign-outs: OIDC Back-Channel Logout 1.0, and Front-Channel Logout 1.0.

Neither reads nor sets a cookie, so that what browsers do with cookies in other sites' frames changes nothing:
sessions are found by what the provider calls them. (There are no sessions that live in a cookie alone.)
"""

from __future__ import annotations

import secrets

from flask import Response, current_app, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from signon.core.errors import (
    ProviderError,
    ProviderUnavailable,
    SignOnError,
    StoreUnavailable,
    SuspectError,
)
from signon.core.http import FORM
from signon.core.provider import Provider
from signon.core.values import Secret
from signon.flask.crosssite import is_speculative
from signon.flask.ended import revoke_afterwards, tell
from signon.flask.errors import log_error
from signon.flask.settings import origin_of
from signon.flask.state import state
from signon.service.end_sessions import backchannel_logout as end_by_token
from signon.service.end_sessions import frontchannel_logout as end_by_frame
from signon.service.end_sessions import loses_tokens
from signon.sessions.record import Session

MAX_BODY_BYTES = 64 * 1024
"""A logout token is 1 KB, an encrypted one 3 KB. Nobody has proven anything when its reading begins."""
METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All that come to the back channel: all but the first are refused there, in the words that its refusals have."""
_SECTION = "OIDC Back-Channel Logout 1.0, 2.5"
_BAD_REQUEST = 400
_FRAME = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Signed out</title>'


def backchannel_logout(name: str) -> Response:
    """Take a logout token: 200 when it is done, 400 where it isn't genuine, 503 where a later try may do (2.8)."""
    party, ended = state().party, list[Session]()
    try:
        end_by_token(party, party.provider(name), _posted_token(), each=ended.append)
        response = _not_stored(current_app.response_class(status=200))
    except SignOnError as error:
        response = _refusal(error, name)
    tell(ended, reason="backchannel")  # also where the store has failed midway: a second try doesn't find these
    return revoke_afterwards(response, filter(loses_tokens, ended))


def _posted_token() -> Secret:
    """The one logout token of a form; whatever else is in the form is nobody's business (2.5)."""
    if request.method != "POST":
        raise SuspectError("logout_method", "a logout token is posted", section=_SECTION, status=405)
    request.max_content_length = MAX_BODY_BYTES
    if request.mimetype != FORM:
        raise SuspectError("logout_content_type", "a logout token comes in an encoded form", section=_SECTION)
    try:
        tokens = request.form.getlist("logout_token")
    except RequestEntityTooLarge:
        raise SuspectError("logout_too_large", "what was posted is longer than any logout token") from None
    if not tokens or not tokens[0]:
        raise SuspectError("logout_token_missing", "the form has no logout_token", section=_SECTION)
    if len(tokens) > 1:
        raise SuspectError("logout_token_repeated", "the form has more than one logout_token", section=_SECTION)
    return Secret(tokens[0])


def _refusal(error: SignOnError, name: str) -> Response:
    """The answer that the standard wants (2.8), with our own code beside it."""
    reference = secrets.token_hex(4)
    log_error(error, provider=name, reference=reference)
    theirs = error.code.startswith("logout_")
    body = {
        "error": "invalid_request" if theirs else "temporarily_unavailable",
        "error_description": str(error.args[0]) if theirs else "this can't be done just now",
        "code": error.code,
        "reference": reference,
    }
    response = jsonify(body)
    # A token that fails a check is a bad answer elsewhere; here it is a bad request.
    response.status_code = _BAD_REQUEST if theirs and isinstance(error, ProviderError) else error.status
    if error.code == "logout_method":
        response.headers["Allow"] = "POST"
    if isinstance(error, ProviderUnavailable | StoreUnavailable):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return _not_stored(response)


def frontchannel_logout(name: str) -> Response:
    """A page for the provider's frame: what it names is ended, and the page is the same whatever that is (2)."""
    party = state().party
    provider = party.provider(name)
    if not is_speculative(request):
        ended: list[Session] = []
        try:
            end_by_frame(party, provider, issuer=_only("iss"), sid=_only("sid"), each=ended.append)
        finally:
            tell(ended, reason="frontchannel")
    response = _not_stored(current_app.response_class(_FRAME, mimetype="text/html"))
    frames = " ".join(_origins(provider))
    response.headers["Content-Security-Policy"] = f"default-src 'none'; frame-ancestors {frames}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _only(name: str) -> str | None:
    """A parameter that is there once; twice is as good as none."""
    values = request.args.getlist(name)
    return values[0] if len(values) == 1 else None


def _origins(provider: Provider) -> tuple[str, ...]:
    """Where the provider's pages are: at its issuer, or where its sign-out is."""
    metadata = state().party.runtime.metadata(provider)
    pages = (metadata.issuer, metadata.end_session_endpoint or metadata.issuer)
    return tuple(dict.fromkeys(map(origin_of, pages)))


def _not_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
