"""For single-page applications: who is signed in, where to sign in, and the script that asks (OAuth 2.0 for
Browser-Based Apps, 6.1). Answers are JSON, also those that refuse; no script is ever redirected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, wraps
from importlib.resources import files
from typing import ParamSpec, TypeVar, cast

from flask import Blueprint, Response, json, jsonify
from flask.typing import ResponseReturnValue

from signon.core.authorize import Wishes
from signon.core.person import Person
from signon.core.values import JsonObject, JsonValue
from signon.flask import cors
from signon.flask.begin import go_to_provider, login_address, start_sign_in
from signon.flask.crosssite import check_fetch
from signon.flask.current import load_session
from signon.flask.guards import why_over
from signon.flask.settings import Settings
from signon.flask.site import other_host_redirect
from signon.flask.state import State, application, memo, site, state, the_request
from signon.flask.views import forwarded, wanted_page
from signon.sessions.record import Session

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)

MODULE_SECONDS = 3600
MARKED_SECONDS = 365 * 86400
"""How long a browser may keep the script: under the address that `url_for("signon.module")` gives, for ever."""
_MAPPED = frozenset(
    {
        *("name", "given_name", "family_name", "preferred_username"),
        *("email", "email_verified", "picture", "locale"),
    }
)
"""Claims that the provider's profile has mapped from its own."""


def add_routes(routes: Blueprint, state: State) -> None:
    """The routes of this module."""
    settings = state.settings
    cors.add_shared(routes, settings.session_path, "session", session)
    cors.add_shared(routes, settings.auth_url_path, "auth_url", auth_url)
    cors.add_shared(routes, f"{settings.auth_url_path}/<provider>", "auth_url_of", auth_url)
    cors.add_shared(routes, module_path(settings), "module", module)

    @routes.url_defaults
    def mark(endpoint: str, values: dict[str, object]) -> None:
        """Another script has another address, so that the old one need never be asked about."""
        if endpoint == "signon.module":
            values.setdefault("v", _script()[1])


def module_path(settings: Settings) -> str:
    """Where the script for pages is."""
    return f"{settings.prefix}/signon.mjs"


def session() -> Response:
    """Whether somebody is signed in: what scripts may know of them, and for how long. With `slide=false` to ask
    is no use of the session.
    """
    asked = the_request()
    check_fetch(asked, site(), state().settings)
    found = load_session(slide=asked.args.get("slide") != "false")
    return jsonify(_signed_out() if found is None else _signed_in(found))


def _signed_out() -> JsonObject:
    here = site()
    return {
        "signed_in": False,
        "reason": why_over(),
        "login": here.origin + login_address(),
        "auth_url": here.url(state().settings.auth_url_path),
    }


def _signed_in(session: Session) -> JsonObject:
    party, settings = state().party, state().settings
    now = party.clock()
    left, idle_left = party.sessions.seconds_left(session, now=now)
    return {
        "signed_in": True,
        "provider": session.login.person.provider,
        "claims": _claims(session, settings.session_claims),
        "expires_in": int(left),
        "idle_expires_in": int(idle_left),
        "token_expires_in": _token_seconds(session, now),
        "logout": site().url(settings.logout_path),
        **({"token": site().url(settings.token_path)} if settings.own_tokens is not None else {}),
    }


def _claims(session: Session, names: tuple[str, ...]) -> dict[str, JsonValue]:
    """The claims of these names that there are. `sub` is the one that may be shown."""
    person = session.login.person
    claims = {**session.login.claims, **_mapped(person), "sub": person.public_subject}
    return {name: claims[name] for name in names if claims.get(name) is not None}


def _mapped(person: Person) -> dict[str, JsonValue]:
    return {name: getattr(person, name) for name in _MAPPED}


def _token_seconds(session: Session, now: float) -> int | None:
    """How long the access token is good; None where there is none, or nobody knows."""
    tokens = session.tokens if session.tokens_ended is None else None
    return None if tokens is None or tokens.expires_at is None else max(0, int(tokens.expires_at - now))


def auth_url(provider: str | None = None) -> Response:
    """Start a sign-in, and tell where the page must go for it. With several providers and none named: to the
    chooser. On another host than the base URL's: to our own login page, where cookies are kept.
    """
    asked, here, known = the_request(), site(), memo()
    check_fetch(asked, here, state().settings)
    known["provider"] = provider
    next_path = known["next"] = wanted_page()
    chosen = state().only_provider if provider is None else state().party.provider(provider)
    if chosen is None or other_host_redirect(here, asked) is not None:
        return jsonify({"url": here.origin + login_address(provider, next_path=next_path)})
    known["provider"] = chosen.name
    wishes = Wishes(parameters=forwarded(chosen))
    return _told(go_to_provider(chosen, next_path=next_path, wishes=wishes))


def sign_in_address(
    provider: str | None = None, *, next_path: str | None = None, wishes: Wishes | None = None
) -> Response:
    """`start_sign_in` for a view of the application's own that scripts ask: `{"url": …}` and no redirect.

    On another host than the base URL's the address is that of our own login page, and wishes are lost.
    """
    if other_host_redirect(site(), the_request()) is not None:
        return jsonify({"url": site().origin + login_address(provider, next_path=next_path)})
    return _told(start_sign_in(provider, next_path=next_path, wishes=wishes))


def _told(response: Response) -> Response:
    """A redirect as an answer to a script, cookies and all."""
    address = response.headers.pop("Location")
    response.set_data(json.dumps({"url": site().origin + address if address.startswith("/") else address}))
    response.status_code = 200
    response.mimetype = "application/json"
    return response


def fetch_required(*, origin_will_do: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only scripts of this origin, or of a listed one, ask a view of the application: with `X-CSRF: 1`.

    `origin_will_do` lets scripts of this origin and of listed ones in without the header, too: for frontends that
    don't know it.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            check_fetch(the_request(), site(), state().settings, origin_will_do=origin_will_do)
            return cast("R", application().ensure_sync(view)(*args, **kwargs))

        return guarded

    return decorate


def module() -> Response:
    """The script for pages, `signon.mjs`."""
    text, mark = _script()
    asked = the_request()
    response = application().response_class(text, mimetype="text/javascript")
    forever = asked.args.get("v") == mark
    response.headers["Cache-Control"] = (
        f"public, max-age={MARKED_SECONDS}, immutable" if forever else f"public, max-age={MODULE_SECONDS}"
    )
    response.set_etag(mark)
    response.make_conditional(asked)
    return response


@cache
def _script() -> tuple[bytes, str]:
    text = files("signon.flask").joinpath("static", "signon.mjs").read_bytes()
    return text, hashlib.sha256(text).hexdigest()[:16]
