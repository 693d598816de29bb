"""PingOne's API for passwords (User Passwords): pairs of request and reader, and their flows.

The media type of a request's body says what is wanted. Passwords go from a `Secret` into a body, and nowhere else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime

from signon.core.errors import OperatorError, printable
from signon.core.flow import Answer, Step, send
from signon.core.http import HttpRequest, HttpResponse, read_json_answer, read_success
from signon.core.person import text_claim
from signon.core.provider import PasswordApi
from signon.core.values import JsonObject, JsonValue, Secret
from signon.providers.pingone.policy import Rule, read_policy
from signon.providers.pingone.profile import to_vendor
from signon.providers.pingone.refusals import DOCUMENT, raise_refusal, seconds

_JSON = frozenset({"application/json", "application/hal+json"})
_NO_CONTENT = 204
_ID = re.compile(r"[A-Za-z0-9-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordState:
    """What the API says of somebody's password."""

    status: str
    """`OK`, `NO_PASSWORD`, `PASSWORD_EXPIRED`, `PASSWORD_LOCKED_OUT`, `MUST_CHANGE_PASSWORD`, `EXTERNAL`."""
    rules: tuple[Rule, ...] = ()
    """The person's own policy."""
    changed_at: float | None = None
    """POSIX seconds."""
    seconds_until_unlock: float | None = None


def own_password(api: PasswordApi, claims: Mapping[str, JsonValue]) -> str:
    """The address of the password of whom the verified claims are about. Raises as `password_url`."""
    person = to_vendor(claims)
    return password_url(api, person.user_id, environment_id=person.environment_id)


def password_url(api: PasswordApi, user_id: str, *, environment_id: str | None = None) -> str:
    """The address of somebody's password. Raises `OperatorError`: `password_environment_missing`,
    `password_user_id` for an id that is none of the platform's.
    """
    environment = api.environment_id or environment_id
    if environment is None or not _ID.match(environment):
        raise OperatorError(
            "password_environment_missing",
            "the environment of the password API is not known: a custom domain does not tell it, so set"
            " the keyword environment_id, too",
        )
    if not _ID.match(user_id):
        raise OperatorError(
            "password_user_id",
            f"{printable(user_id, limit=40)!r} is no user id of the platform: where an attribute mapping changes"
            " the subject, map the id to p1.userId",
        )
    return f"{api.environments_url}/{environment}/users/{user_id}/password"


def state_request(url: str, token: Secret) -> HttpRequest:
    """Ask for a password's state, and for the policy that the next one is judged by."""
    return HttpRequest(
        method="GET", url=f"{url}?expand=passwordPolicy", document=DOCUMENT, headers=_headers(token)
    )


def read_state(response: HttpResponse) -> PasswordState:
    """Read the state. Codes: those of `refusals.raise_refusal`, and `password_…` of every JSON answer."""
    raise_refusal(response)
    answer = read_json_answer(response, document=DOCUMENT, media_types=_JSON)
    embedded = answer.get("_embedded")
    policy = embedded.get("passwordPolicy") if isinstance(embedded, dict) else None
    return PasswordState(
        status=printable(text_claim(answer, "status") or "", limit=64),
        rules=read_policy(policy) if isinstance(policy, dict) else (),
        changed_at=_posix(text_claim(answer, "lastChangedAt")),
        seconds_until_unlock=seconds(answer),
    )


def change_request(url: str, token: Secret, *, current: Secret, new: Secret) -> HttpRequest:
    """Change one's own password; the token is the person's."""
    body: JsonObject = {"currentPassword": current.reveal(), "newPassword": new.reveal()}
    return _operation("PUT", url, token, operation="reset", body=body)


def reset_request(url: str, token: Secret, *, new: Secret) -> HttpRequest:
    """Give somebody a password that they must change at the next sign-in; the token is the application's own."""
    return _operation("PUT", url, token, operation="reset", body={"newPassword": new.reveal()})


def recovery_code_request(url: str, token: Secret) -> HttpRequest:
    """Send somebody a recovery code by mail; the token is the application's own."""
    return _operation("POST", url, token, operation="sendRecoveryCode", body={})


def recover_request(url: str, token: Secret, *, code: Secret, new: Secret) -> HttpRequest:
    """Set a new password by a recovery code; the token is the application's own."""
    body: JsonObject = {"recoveryCode": code.reveal(), "newPassword": new.reveal()}
    return _operation("POST", url, token, operation="recover", body=body)


def read_done(response: HttpResponse) -> None:
    """Read the answer to an operation: the new state, or nothing at all (204); neither is needed.

    Codes: those of `refusals.raise_refusal`, and `password_redirect`, `_server_error`, `_status`, `_content_type`.
    """
    raise_refusal(response)
    if response.status != _NO_CONTENT:
        read_success(response, document=DOCUMENT, media_types=_JSON)


def look_up(url: str, token: Secret) -> Generator[Step, Answer, PasswordState]:
    """Ask for a password's state and policy."""
    response = yield from send(state_request(url, token))
    return read_state(response)


def operate(request: HttpRequest) -> Generator[Step, Answer, None]:
    """Have one of the operations above done."""
    response = yield from send(request)
    read_done(response)


def _operation(method: str, url: str, token: Secret, *, operation: str, body: JsonObject) -> HttpRequest:
    headers = {**_headers(token), "Content-Type": f"application/vnd.pingidentity.password.{operation}+json"}
    return HttpRequest(
        method=method, url=url, document=DOCUMENT, headers=headers, body=json.dumps(body).encode("ascii")
    )


def _headers(token: Secret) -> dict[str, str]:
    return {"Accept": "application/json", "Authorization": f"Bearer {token.reveal()}"}


def _posix(text: str | None) -> float | None:
    """A time as the API writes it (RFC 3339) in POSIX seconds, None for anything else."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    found = at.timestamp() if at.tzinfo is not None else math.nan
    return found if found >= 0 else None
