"""`permission_required` and `permissions_now`: what somebody may do with what, by their provider's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask.typing import ResponseReturnValue

from signon.core.errors import PersonError
from signon.flask.current import load_session
from signon.flask.guards import signed_in_and
from signon.flask.state import memo, state
from signon.providers.authmachine.permissions import Granted
from signon.service import permissions as service
from signon.sessions.record import Session

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

    def judge(session: Session) -> None:
        memo()["provider"] = session.login.person.provider
        if not wanted <= service.permissions_on(state().party, session.login, object_name):
            raise PersonError("permission_needed", f"this needs {' and '.join(sorted(wanted))} on {object_name}")

    return signed_in_and(judge)


def permissions_now(*objects: str) -> Granted:
    """What the provider's API says of this request's person, now or within the last minute: of these objects, or
    of all where none is named.

    Raises `PersonError` (`login_needed`), and what `signon.service.permissions` raises.
    """
    session = load_session()
    if session is None:
        raise PersonError("login_needed", "this needs a sign-in", status=_UNAUTHORIZED)
    memo()["provider"] = session.login.person.provider
    return service.permissions_now(state().party, session.login, objects)
