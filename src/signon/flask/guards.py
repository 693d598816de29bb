"""Who may see a page: `login_required`, `fresh_login_required`, `roles_required`, `protect`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from inspect import iscoroutinefunction
from typing import ParamSpec, TypeVar, cast

from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue

from signon.core.authorize import Wishes
from signon.core.claims import LEEWAY_SECONDS
from signon.core.errors import PersonError, SignOnError
from signon.core.person import Login
from signon.flask import cookies
from signon.flask.begin import go_to_provider, go_to_sign_in, this_page
from signon.flask.crosssite import is_speculative, wants_page
from signon.flask.current import load_session, user_of
from signon.flask.errors import answer
from signon.flask.state import memo, site, state
from signon.service.revoke import REVOKED
from signon.service.saving import TokensEnded, ended
from signon.service.step_up import same_again
from signon.sessions.record import Session
from signon.sessions.sessions import Over

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
_UNAUTHORIZED = 401
_AGAIN_AFTER_SECONDS = 60
"""How old a sign-in must be for another to be begun by itself."""


def login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let only people in who have signed in: others are sent to sign in and come back to this page.

    A browser that navigates is redirected; anything else gets 401 as problem+json.
    """
    return signed_in_and(None)(view)


def fresh_login_required(*, max_age_seconds: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only people in who have proven who they are within `max_age_seconds`; others sign in again.

    Counts from the provider's `auth_time`, or from our own callback where it sends none.
    """

    def judge(session: Session) -> Response | None:
        fresh = is_fresh(session.login, max_age_seconds=max_age_seconds, now=state().party.clock())
        return None if fresh else challenge_again(session.login)

    return signed_in_and(judge)


def roles_required(*roles: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only people in who have all of these roles; others get 403."""

    def judge(session: Session) -> None:
        if not user_of(session).roles.issuperset(roles):
            raise PersonError("role_needed", f"this page needs the role {' and '.join(roles)}")

    return signed_in_and(judge)


def signed_in_and(
    judge: Callable[[Session], Response | None] | None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A guard: people who have signed in, and of whom `judge` has nothing to say; it answers or raises."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        run = _sync(view)

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            session = load_session()
            if session is None:
                return cast("R", challenge())
            check_tokens(session)
            answer = None if judge is None else judge(session)
            return run(*args, **kwargs) if answer is None else cast("R", answer)

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
        session = load_session()
        if session is None:
            return challenge()
        check_tokens(session)
        return None

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


def check_tokens(session: Session) -> None:
    """Raise `TokensEnded` where only a new sign-in brings this session new tokens.

    Not where the application itself had them revoked: the person is to stay signed in without.
    """
    if session.tokens_ended is not None and session.tokens_ended != REVOKED:
        raise ended(session)


def install(app: Flask) -> None:
    """Let whoever has to sign in again for new tokens do so, wherever in the application that comes up."""
    app.register_error_handler(TokensEnded, _sign_in_again)


def _sign_in_again(error: TokensEnded) -> Response:
    try:
        return _answer_to_ended(error)
    except SignOnError as problem:
        return answer(problem)


def _answer_to_ended(error: TokensEnded) -> Response:
    """Send a browser to the same provider again, and back to this page; whatever else gets the error.

    So does the browser of somebody who has just signed in: tokens that end at once would send it round for ever.
    """
    session = load_session()
    if session is None:
        return challenge()
    memo().update(provider=session.login.person.provider, next=this_page())
    just_now = state().party.clock() - session.created_at < _AGAIN_AFTER_SECONDS
    provider = state().party.providers.get(session.login.person.provider)
    if just_now or provider is None or not wants_page(request) or is_speculative(request):
        raise error
    return go_to_provider(provider, next_path=this_page(), wishes=same_again(provider, session.login, Wishes()))


def challenge() -> Response:
    """The answer to somebody who has not signed in, or whose session has come to a limit: they are told which."""
    error = not_signed_in()
    if not wants_page(request) or is_speculative(request):
        raise error
    if error.code == "login_needed":
        return go_to_sign_in(next_path=this_page())
    memo()["next"] = this_page()
    response = answer(error)
    cookies.drop_session(response, site())
    return response


def not_signed_in() -> PersonError:
    """The error for somebody who has not signed in; its code says so, or which limit ended their session."""
    return PersonError(why_over() or "login_needed", "this needs a sign-in", status=_UNAUTHORIZED)


def why_over() -> Over | None:
    """Which limit ended the session of this request's browser; None where none did."""
    session_id = cookies.session_id(request, site())
    party = state().party
    return None if session_id is None else party.sessions.why_over(session_id, now=party.clock())


def challenge_again(login: Login) -> Response:
    """The answer to somebody whose sign-in is too old for this page: sign in again with the same provider."""
    if not wants_page(request) or is_speculative(request):
        raise PersonError("fresh_login_needed", "this needs a recent sign-in", status=_UNAUTHORIZED)
    provider = state().party.provider(login.person.provider)
    # prompt=login and not max_age: a provider that sends no auth_time could never satisfy the latter.
    wishes = same_again(provider, login, Wishes(prompt="login"))
    return go_to_provider(provider, next_path=this_page(), wishes=wishes)
