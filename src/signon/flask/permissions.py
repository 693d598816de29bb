"""`permission_required` and `permissions_now`: what somebody may do with what, by their provider's word."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app
from flask.typing import ResponseReturnValue

from signon.core.errors import PersonError
from signon.flask.current import load_session
from signon.flask.guards import challenge, check_tokens
from signon.flask.state import state
from signon.providers.authmachine.permissions import Granted
from signon.service import permissions as service

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
_UNAUTHORIZED = 401


def permission_required(
    object_name: str, permission: str, *more: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only people in who have all of these permissions on an object; others get 403 (`permission_needed`).

    Goes by what came with the sign-in (`current_user.permissions`); of an object that the sign-in did not ask
    about the provider's API is asked, where the application has its token (`AUTHMACHINE_API_TOKEN`).
    """
    wanted = frozenset((permission, *more))

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            session = load_session()
            if session is None:
                return cast("R", challenge())
            check_tokens(session)
            if not wanted <= service.permissions_on(state().party, session.login, object_name):
                raise PersonError(
                    "permission_needed", f"this needs {' and '.join(sorted(wanted))} on {object_name}"
                )
            return cast("R", current_app.ensure_sync(view)(*args, **kwargs))

        return guarded

    return decorate


def permissions_now(*objects: str) -> Granted:
    """What the provider's API says of this request's person, now or within the last minute: of these objects, or
    of all where none is named.

    Raises `PersonError` (`login_needed`), and what `signon.service.permissions` raises.
    """
    session = load_session()
    if session is None:
        raise PersonError("login_needed", "this needs a sign-in", status=_UNAUTHORIZED)
    return service.permissions_now(state().party, session.login, objects)
