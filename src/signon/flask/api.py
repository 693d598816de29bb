"""Guard the views of an API: `token_required`, and `current_token` inside them. Nobody is ever redirected."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection
from functools import wraps
from inspect import iscoroutinefunction
from typing import NamedTuple, ParamSpec, TypeVar, cast
from urllib.parse import unquote

from flask import Response, abort, after_this_request, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.local import LocalProxy

from signon.core.access_token import VerifiedAccessToken
from signon.core.bearer import BearerRefused, challenge, check_scopes, protected_resource, read_bearer, scope_words
from signon.core.http import FORM
from signon.flask.site import Site
from signon.flask.state import application, memo, site, state
from signon.service import own_tokens
from signon.service.guard import TokenGuard, make_guard

GUARD = "signon.guard"
"""Under this name an application's extensions hold its guard, made when it is first needed."""
METADATA_PATH = "/.well-known/oauth-protected-resource"
"""RFC 9728 3."""
METADATA_SECONDS = 300
_NOT_FOUND = 404
_GUARDED = "_signon_guarded"

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
log = logging.getLogger("signon")


class _Guarded(NamedTuple):
    """What a view asks of a token."""

    scopes: tuple[str, ...]
    audience: str | None
    provider: str | None


def token_required(
    *, scopes: str | Collection[str] = (), audience: str | None = None, provider: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only requests in that bear an access token: for `audience`, and good for all of `scopes`.

    `audience` is what the issuer calls this API; None: the application's own address. `provider` names the one
    whose tokens are accepted, "own-tokens" the application itself; None: all. Others get 401 or 403 as
    problem+json with a challenge (RFC 6750 3).
    """
    wanted = _Guarded(scope_words(scopes), audience, provider)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        is_async = iscoroutinefunction(view)  # asked once: Flask would ask at each call

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            after_this_request(_keep_private)
            try:
                token = _accept(wanted)
                check_scopes(token, wanted.scopes)
                memo()["token"] = token
                run = cast("Callable[P, R]", current_app.ensure_sync(view)) if is_async else view
                return run(*args, **kwargs)
            except BearerRefused as refused:
                return cast("R", _refuse(refused, wanted))

        setattr(guarded, _GUARDED, wanted)
        return guarded

    return decorate


current_token: VerifiedAccessToken = cast("VerifiedAccessToken", LocalProxy(lambda: memo().get("token")))
"""The token of this request: `subject`, `client_id`, `scopes`, `claims`; false where none was asked for."""


def protected_resource_metadata(path: str = "") -> Response:
    """The metadata document of an API of this application (RFC 9728 3.1): at `METADATA_PATH` that of the whole,
    and below it, at the path of its audience, that of an API whose audience is an address of ours; else 404.
    """
    here, tail = site(), f"/{path}" if path else ""
    # A proxy in front of a path prefix may also send here what is asked for at the root of the host.
    tails = {tail, tail.removeprefix(here.prefix)}
    views = [getattr(view, _GUARDED, None) for view in current_app.view_functions.values()]
    meant = [view for view in views if view is not None and unquote(_metadata_tail(here, view.audience)) in tails]
    if not meant and "" not in tails:
        abort(_NOT_FOUND)
    providers = {view.provider for view in meant} or {None}
    document = protected_resource(
        resource=min((_resource(here, view.audience) for view in meant), default=here.base_url),
        # Nobody gets our own tokens by OAuth: there is no authorization server to be found behind our name.
        issuers=[
            issuer.issuer
            for issuer in _guard().issuers
            if issuer.name != own_tokens.NAME and (None in providers or issuer.name in providers)
        ],
        scopes={scope for view in meant for scope in view.scopes},
    )
    response = jsonify(document)
    response.headers["Cache-Control"] = f"public, max-age={METADATA_SECONDS}"
    return response


def _resource(here: Site, audience: str | None) -> str:
    """An API's identifier: its audience where that is an address of ours, else the application's address."""
    own = audience is not None and audience.startswith(f"{here.base_url}/") and "?" not in audience
    return audience if audience is not None and own else here.base_url


def _metadata_tail(here: Site, audience: str | None) -> str:
    """What follows `METADATA_PATH` in the address of an API's document: a slash alone is left out."""
    tail = _resource(here, audience).removeprefix(here.base_url)
    return "" if tail == "/" else tail


def _accept(wanted: _Guarded) -> VerifiedAccessToken:
    environ = request.environ
    token = read_bearer(environ.get("HTTP_AUTHORIZATION", ""))
    # One token, one place (RFC 6750 2): two may be read by two readers in two ways.
    if "access_token=" in environ.get("QUERY_STRING", "") and "access_token" in request.args:
        raise BearerRefused(
            "access_token_in_query", "the request has an access token in its query, too", error="invalid_request"
        )
    audience = site().base_url if wanted.audience is None else wanted.audience
    accepted = _guard().accept(token, audience=audience, issuer=wanted.provider)
    if environ.get("CONTENT_TYPE") and _has_token_in_form():
        raise BearerRefused(
            "access_token_in_form", "the request has an access token in its form, too", error="invalid_request"
        )
    return accepted


def _has_token_in_form() -> bool:
    """Whether a form has a token, too. What says no length, or a longer one than forms may have, is the view's."""
    length = request.content_length
    if request.mimetype != FORM or length is None or length > (request.max_form_memory_size or 0):
        return False
    request.get_data()  # kept, so that the view can still read the body as it came
    return "access_token" in request.form


def _guard() -> TokenGuard:
    extensions = application().extensions
    guard: TokenGuard | None = extensions.get(GUARD)
    if guard is None:  # two threads may both make one: the first stays
        found = state()
        own = found.settings.own_tokens
        made = make_guard(found.party, own=None if own is None else own_tokens.own_issuer(own))
        guard = cast("TokenGuard", extensions.setdefault(GUARD, made))
    return guard


def _refuse(refused: BearerRefused, wanted: _Guarded) -> Response:
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
    here = site()
    document = here.url(METADATA_PATH + _metadata_tail(here, wanted.audience))
    response.headers["WWW-Authenticate"] = challenge(refused, resource_metadata=document)
    return response


def _keep_private(response: Response) -> Response:
    """No cache may keep an answer to a token, or give it to others (RFC 6750 5.3, RFC 9111 3.5)."""
    response.headers["Cache-Control"] = "no-store"
    if "Vary" in response.headers:
        response.vary.add("Authorization")
    else:
        response.headers["Vary"] = "Authorization"
    return response
