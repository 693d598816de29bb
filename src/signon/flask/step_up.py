"""`step_up`: a page or an API that needs a stronger or more recent sign-in (RFC 9470)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue

from signon.core.access_token import VerifiedAccessToken
from signon.core.bearer import check_authentication
from signon.core.errors import PersonError
from signon.flask.begin import go_to_provider, go_to_sign_in, this_page
from signon.flask.crosssite import is_speculative, wants_page
from signon.flask.current import load_session
from signon.flask.state import memo, state
from signon.service.step_up import StepUp, is_enough, same_again, to_wishes
from signon.sessions.record import Session

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
_UNAUTHORIZED = 401


def step_up(
    *, acr: str | Collection[str] = (), max_age_seconds: int | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only people in who have signed in by one of the ways `acr`, and within `max_age_seconds`.

    On a page others are sent to their provider, which is asked for just that and held to it: an answer that falls
    short ends in an error. Below `token_required` the token must say it, and others get a challenge.
    """
    wanted = StepUp(
        acr_values=tuple(acr.split() if isinstance(acr, str) else acr), max_age_seconds=max_age_seconds
    )
    if not wanted.acr_values and max_age_seconds is None:
        msg = "step_up needs acr or max_age_seconds"
        raise ValueError(msg)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            answer = _challenged(wanted)
            return cast("R", current_app.ensure_sync(view)(*args, **kwargs) if answer is None else answer)

        return guarded

    return decorate


def _challenged(wanted: StepUp) -> Response | None:
    """The answer to somebody whose sign-in is not enough, or None; raises for what can't be redirected."""
    now = state().party.clock()
    token: VerifiedAccessToken | None = memo().get("token")
    if token is not None:
        check_authentication(token, acr_values=wanted.acr_values, max_age_seconds=wanted.max_age_seconds, now=now)
        return None
    session = load_session()
    if session is not None and is_enough(session.login, wanted, now=now):
        return None
    return _sent_to_sign_in(session, wanted)


def _sent_to_sign_in(session: Session | None, wanted: StepUp) -> Response:
    if not wants_page(request) or is_speculative(request):
        code = "login_needed" if session is None else "step_up_needed"
        raise PersonError(code, "this needs a stronger or a more recent sign-in", status=_UNAUTHORIZED)
    party, only = state().party, state().only_provider
    provider = only if session is None else party.provider(session.login.person.provider)
    if provider is None:  # the person chooses first, and comes by here again
        return go_to_sign_in(next_path=this_page())
    wishes = to_wishes(provider, wanted)
    if session is not None:
        wishes = same_again(provider, session.login, wishes)
    return go_to_provider(provider, next_path=this_page(), wishes=wishes)
