"""Guard the views of an API: `token_required`, and `current_token` inside them. Nobody is ever redirected."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection
from functools import wraps
from inspect import iscoroutinefunction
from typing import ParamSpec, TypeVar, cast

from flask import Response, after_this_request, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.local import LocalProxy

from signon.core.access_token import VerifiedAccessToken
from signon.core.bearer import BearerRefused, challenge, check_scopes, protected_resource, read_bearer, scope_words
from signon.flask.state import application, memo, site, state
from signon.service import own_tokens
from signon.service.guard import TokenGuard, make_guard

GUARD = "signon.guard"
"""Under this name an application's extensions hold its guard, made when it is first needed."""
METADATA_PATH = "/.well-known/oauth-protected-resource"
"""RFC 9728 3."""
METADATA_SECONDS = 300
_SCOPES = "_signon_scopes"

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
log = logging.getLogger("signon")


def token_required(
    *, scopes: str | Collection[str] = (), audience: str | None = None, provider: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only requests in that bear an access token: for `audience`, and good for all of `scopes`.

    `audience` is what the issuer calls this API; None: the application's own address. `provider` names the one
    whose tokens are accepted, "own-tokens" the application itself; None: all. Others get 401 or 403 as
    problem+json with a challenge (RFC 6750 3).
    """
    wanted = scope_words(scopes)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        is_async = iscoroutinefunction(view)  # asked once: Flask would ask at each call

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            after_this_request(_keep_private)
            try:
                token = _accept(audience, provider)
                check_scopes(token, wanted)
                memo()["token"] = token
                run = cast("Callable[P, R]", current_app.ensure_sync(view)) if is_async else view
                return run(*args, **kwargs)
            except BearerRefused as refused:
                return cast("R", _refuse(refused))

        setattr(guarded, _SCOPES, wanted)
        return guarded

    return decorate


current_token: VerifiedAccessToken = cast("VerifiedAccessToken", LocalProxy(lambda: memo().get("token")))
"""The token of this request: `subject`, `client_id`, `scopes`, `claims`; false where none was asked for."""


def protected_resource_metadata() -> Response:
    """The metadata document of this application's APIs (RFC 9728), at `METADATA_PATH`."""
    views = current_app.view_functions.values()
    document = protected_resource(
        resource=site().base_url,
        # Nobody gets our own tokens by OAuth: there is no authorization server to be found behind our name.
        issuers=[issuer.issuer for issuer in _guard().issuers if issuer.name != own_tokens.NAME],
        scopes={scope for view in views for scope in getattr(view, _SCOPES, ())},
    )
    response = jsonify(document)
    response.headers["Cache-Control"] = f"public, max-age={METADATA_SECONDS}"
    return response


def _accept(audience: str | None, provider: str | None) -> VerifiedAccessToken:
    environ = request.environ
    token = read_bearer(environ.get("HTTP_AUTHORIZATION", ""))
    # One token, one place (RFC 6750 2): two may be read by two readers in two ways.
    if "access_token=" in environ.get("QUERY_STRING", "") and "access_token" in request.args:
        raise BearerRefused(
            "access_token_in_query", "the request has an access token in its query, too", error="invalid_request"
        )
    return _guard().accept(token, audience=site().base_url if audience is None else audience, issuer=provider)


def _guard() -> TokenGuard:
    extensions = application().extensions
    guard: TokenGuard | None = extensions.get(GUARD)
    if guard is None:  # two threads may both make one: the first stays
        found = state()
        own = found.settings.own_tokens
        made = make_guard(found.party, own=None if own is None else own_tokens.own_issuer(own))
        guard = cast("TokenGuard", extensions.setdefault(GUARD, made))
    return guard


def _refuse(refused: BearerRefused) -> Response:
    reference = secrets.token_hex(4)
    log.info(
        "access refused %s reference=%s",
        refused,
        reference,
        extra={"signon_code": refused.code, "signon_reference": reference, "signon_fault": refused.fault},
    )
    body = {
        "type": "about:blank",
        "title": HTTP_STATUS_CODES[refused.status],
        "status": refused.status,
        "detail": refused.args[0],
        "code": refused.code,
        "reference": reference,
    }
    response = jsonify(body)
    response.status_code = refused.status
    response.headers["Content-Type"] = "application/problem+json"
    response.headers["WWW-Authenticate"] = challenge(refused, resource_metadata=site().url(METADATA_PATH))
    return response


def _keep_private(response: Response) -> Response:
    """No cache may keep an answer to a token, or give it to others (RFC 6750 5.3, RFC 9111 3.5)."""
    response.headers["Cache-Control"] = "no-store"
    if "Vary" in response.headers:
        response.vary.add("Authorization")
    else:
        response.headers["Vary"] = "Authorization"
    return response
