"""Who may see a page: `login_required`, `fresh_login_required`, `roles_required`, `protect`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from inspect import iscoroutinefunction
from typing import ParamSpec, TypeVar, cast
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue

from signon.core.authorize import Wishes
from signon.core.claims import LEEWAY_SECONDS
from signon.core.errors import PersonError
from signon.core.person import Login
from signon.flask.begin import go_to_provider, go_to_sign_in
from signon.flask.crosssite import is_speculative, wants_page
from signon.flask.current import load_session, user_of
from signon.flask.site import HOST_MARK, safe_next
from signon.flask.state import application, site, state

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
_UNAUTHORIZED = 401
_IN_QUERY = "%!$&'()*+,;=:@/?[]"
"""What stays as it is in a query (RFC 3986 3.4), and what is encoded there already."""


def login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let only people in who have signed in: others are sent to sign in and come back to this page.

    A browser that navigates is redirected; anything else gets 401 as problem+json.
    """
    run = _sync(view)

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if load_session() is None:
            return cast("R", challenge())
        return run(*args, **kwargs)

    return guarded


def fresh_login_required(*, max_age_seconds: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only people in who have proven who they are within `max_age_seconds`; others sign in again.

    Counts from the provider's `auth_time`, or from our own callback where it sends none.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        run = _sync(view)

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            session = load_session()
            if session is None:
                return cast("R", challenge())
            if not is_fresh(session.login, max_age_seconds=max_age_seconds, now=state().party.clock()):
                return cast("R", challenge_again(session.login))
            return run(*args, **kwargs)

        return guarded

    return decorate


def roles_required(*roles: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only people in who have all of these roles; others get 403."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        run = _sync(view)

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            session = load_session()
            if session is None:
                return cast("R", challenge())
            if not user_of(session).roles.issuperset(roles):
                raise PersonError("role_needed", f"this page needs the role {' and '.join(roles)}")
            return run(*args, **kwargs)

        return guarded

    return decorate


def protect(target: Flask | Blueprint, *, except_: Collection[str] = ()) -> None:
    """Close every page of an application or blueprint to people who have not signed in, but for `except_`.

    `except_` holds endpoint names (for a blueprint's with its name and a dot). Our own routes stay open.
    """
    opened = frozenset(except_)

    def guard() -> Response | None:
        endpoint = request.endpoint
        if endpoint is None or endpoint in opened or endpoint.startswith("signon."):
            return None
        return challenge() if load_session() is None else None

    target.before_request(guard)


def _sync(view: Callable[P, R]) -> Callable[P, R]:
    """The view as a guard can call it: only an async one needs Flask's help, and a look at each call costs."""
    if not iscoroutinefunction(view):
        return view

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast("R", current_app.ensure_sync(view)(*args, **kwargs))

    return run


def is_fresh(login: Login, *, max_age_seconds: float, now: float) -> bool:
    """Whether a sign-in is recent enough, with the leeway that the clocks of two machines need."""
    seen_at = login.signed_in_at if login.auth_time is None else login.auth_time
    return now - seen_at <= max_age_seconds + LEEWAY_SECONDS


def challenge() -> Response:
    """The answer to somebody who has not signed in."""
    if not wants_page(request) or is_speculative(request):
        raise PersonError("login_needed", "this needs a sign-in", status=_UNAUTHORIZED)
    return go_to_sign_in(next_path=this_page())


def challenge_again(login: Login) -> Response:
    """The answer to somebody whose sign-in is too old for this page: sign in again with the same provider."""
    if not wants_page(request) or is_speculative(request):
        raise PersonError("fresh_login_needed", "this needs a recent sign-in", status=_UNAUTHORIZED)
    provider = state().party.provider(login.person.provider)
    # prompt=login and not max_age: a provider that sends no auth_time could never satisfy the latter.
    return go_to_provider(provider, next_path=this_page(), wishes=Wishes(prompt="login"))


def this_page() -> str | None:
    """The path to come back to: this one for a GET; a form that was sent can't be sent again."""
    if request.method != "GET":
        return None
    parts = request.query_string.split(b"&")
    query = b"&".join(part for part in parts if not part.startswith(f"{HOST_MARK}=".encode()))
    # Encoded here, since browsers leave characters such as | in a query that no URL has.
    page = site().prefix + quote(request.path) + (f"?{quote(query, safe=_IN_QUERY)}" if query else "")
    return safe_next(application(), site(), page)
