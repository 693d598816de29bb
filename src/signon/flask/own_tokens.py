"""The application's own tokens: a page of ours asks for one by a script and keeps it in its memory.

The page that puts it into local storage instead is there only where a setting asks for it: whatever script runs on
any page of this origin, also one that was smuggled in, can read it there and use it elsewhere until it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import Blueprint, Response, jsonify

from signon.core.provider import Provider
from signon.flask import cors, crosssite
from signon.flask.current import load_session
from signon.flask.guards import challenge, check_tokens
from signon.flask.pages import page
from signon.flask.settings import Settings
from signon.flask.site import safe_next
from signon.flask.state import application, site, state, the_request
from signon.service.own_tokens import OwnTokens, issue_token, shared_keys

log = logging.getLogger("signon")


def add_routes(routes: Blueprint, settings: Settings) -> None:
    """The routes of our own tokens, none without a key to sign them."""
    if settings.own_tokens is None:
        return
    cors.add_shared(routes, settings.token_path, "token", token, methods=("POST",))
    if settings.token_storage is not None:
        log.warning(
            "SIGNON_TOKEN_STORAGE puts tokens into the browser's local storage, where every script of this origin"
            " can read them, also one that was smuggled in. A page that asks for its token by a script can keep it"
            " in its own memory: leave the setting out where you can."
        )
        routes.add_url_rule(hand_over_path(settings), "token_hand_over", hand_over, methods=["GET"])


def key_problems(settings: Settings, providers: Iterable[Provider]) -> list[str]:
    """What is wrong with the keys of our own tokens beside those that providers know."""
    others = [key for provider in providers for key in provider.private_keys]
    shared = [] if settings.own_tokens is None else shared_keys(settings.own_tokens, others)
    return [f"SIGNON_TOKEN_KEY: {kid!r} is a provider's PRIVATE_KEY, too: make one of its own" for kid in shared]


def hand_over_path(settings: Settings) -> str:
    """Where the page is that puts a token into local storage."""
    return f"{settings.token_path}/hand-over"


def token() -> Response:
    """A new token for whoever has signed in, as JSON (RFC 6749 5.1): only for scripts of our own pages, or of the
    origins that are listed.
    """
    asked, here, settings = the_request(), site(), state().settings
    crosssite.check_unsafe(asked, here, settings)
    crosssite.check_fetch(asked, here, settings)  # a form's answer would be a token in plain sight
    session = load_session()
    if session is None:
        return challenge()
    check_tokens(session)
    issued = issue_token(_own(), session, audience=here.base_url, now=state().party.clock())
    return jsonify({"access_token": issued.token.reveal(), "token_type": "Bearer", "expires_in": issued.seconds})


def hand_over() -> Response:
    """A page that asks for a token, puts it into local storage and goes on to `next`."""
    session = load_session()
    if session is None:
        return challenge()
    check_tokens(session)
    here, settings = site(), state().settings
    following = safe_next(application(), here, the_request().args.get("next"))
    response = page(
        "token_hand_over.html",
        address=here.path(settings.token_path),
        storage=settings.token_storage,
        following=following or here.path("/"),
    )
    response.headers["Content-Security-Policy"] += "; connect-src 'self'"
    return response


def _own() -> OwnTokens:
    own = state().settings.own_tokens
    if own is None:
        raise AssertionError  # there is no route without them
    return own
