"""PingOne's API for passwords: the state, and the operations, which the media type of the body names."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.model import JsonObject, Password, Persona, Token
from signon_idp.personas import PASSWORD
from signon_idp.replies import json_reply, to_response
from signon_idp.rules.passwords import DAY_SECONDS, Account, unsatisfied

if TYPE_CHECKING:
    from signon_idp.provider import Idp

READ, CHANGE = "p1:read:userPassword", "p1:reset:userPassword"
CODE_SECONDS = 300
_KEPT = 24
_PROFILE = ("name", "given_name", "family_name", "preferred_username", "email")


class ApiError(Exception):
    """An error of the platform's API: `code` and details, answered with `status`."""

    def __init__(self, code: str, *, status: int = 400, detail: JsonObject | None = None) -> None:
        """`detail` has the members of the one detail but its message."""
        super().__init__(code)
        self.code = code
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One request: whose password it is about, and who asks."""

    now: float
    persona: Persona
    account: Account
    password: Password
    token: Token

    @property
    def by_application(self) -> bool:
        """Whether the application asks in its own name."""
        return self.token.grant.persona is None


def passwords(
    accounts: Mapping[str, Account], *, usual: Account, environment_id: str
) -> "Callable[[Idp], Response]":
    """The view of `/environments/<environment_id>/users/<user_id>/password`.

    `accounts` are by persona; whoever has none there has the `usual` one.
    """

    def view(idp: "Idp") -> Response:
        try:
            token = _token(idp)
            persona = _persona(idp, token, environment_id)
            with idp.state.lock:
                members = _answer(_case(idp, persona, accounts.get(persona.id, usual), token))
        except ApiError as error:
            return to_response(json_reply(_error_members(error), status=error.status), request.environ)
        return to_response(json_reply(members), request.environ)

    return view


def _token(idp: "Idp") -> Token:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    token = idp.state.tokens.get(value) if scheme == "Bearer" else None
    if token is None or token.kind != "access_token" or token.revoked or token.grant.ended:
        raise ApiError("INVALID_TOKEN", status=401)
    return token


def _persona(idp: "Idp", token: Token, environment_id: str) -> Persona:
    path = request.view_args or {}
    here = path["environment_id"] == environment_id
    found = next((one for one in idp.dialect.personas if here and _user_id(one) == path["user_id"]), None)
    if token.grant.persona is not None and token.grant.persona is not found:
        raise ApiError("ACCESS_FAILED", status=403)
    if found is None:
        raise ApiError("NOT_FOUND", status=404)
    return found


def _user_id(persona: Persona) -> str:
    return str(persona.claims.get("p1.userId", persona.sub))


def _case(idp: "Idp", persona: Persona, account: Account, token: Token) -> _Case:
    first = Password(value=PASSWORD, changed_at=idp.now() - account.changed_days_ago * DAY_SECONDS)
    password = idp.state.passwords.setdefault(persona.id, first)
    return _Case(now=idp.now(), persona=persona, account=account, password=password, token=token)


def _answer(case: _Case) -> JsonObject:
    if request.method != "GET":
        act = _ACTS.get((request.method, request.mimetype))
        if act is None:
            raise ApiError("INVALID_REQUEST", status=415)
        act(case)
    elif not case.by_application and (case.account.external or READ not in case.token.scopes):
        raise ApiError("ACCESS_FAILED", status=403)
    return _state(case)


def _reset(case: _Case) -> None:
    """Change one's own, which proves the current one; or give somebody another as the application."""
    body = _body()
    if case.by_application:
        # An administrator's is not judged by the policy, and must be changed at the next sign-in.
        _put(case, _text(body, "newPassword"))
        case.password.must_change = True
        return
    if case.account.external:
        raise ApiError("REQUEST_FAILED")
    if CHANGE not in case.token.scopes:
        raise ApiError("ACCESS_FAILED", status=403)
    _prove(case, _text(body, "currentPassword"))
    _replace(case, _text(body, "newPassword"))


def _prove(case: _Case, current: str) -> None:
    """Compare the current password; too many wrong ones lock it for a while."""
    password, lockout = case.password, case.account.policy.get("lockout")
    if case.now < password.locked_until:
        raise _locked(case)
    if secrets.compare_digest(current.encode(), password.value.encode()):
        password.failures = 0
        return
    password.failures += 1
    if lockout and password.failures >= lockout["failureCount"]:
        password.failures = 0
        password.locked_until = case.now + lockout["durationSeconds"]
        raise _locked(case)
    raise ApiError("INVALID_DATA", detail={"code": "INVALID_VALUE", "target": "currentPassword"})


def _locked(case: _Case) -> ApiError:
    left = {"secondsUntilUnlock": int(case.password.locked_until - case.now)}
    return ApiError("INVALID_DATA", detail={"code": "PASSWORD_LOCKED_OUT", "innerError": left})


def _replace(case: _Case, new: str) -> None:
    """Change to a password that the policy must allow."""
    claims = case.persona.claims
    profile = [str(claims[name]) for name in _PROFILE if claims.get(name)]
    broken = unsatisfied(case.account.policy, new, password=case.password, profile=profile, now=case.now)
    if broken:
        inner = {"unsatisfiedRequirements": broken}
        detail = {"code": "INVALID_VALUE", "target": "newPassword", "innerError": inner}
        raise ApiError("INVALID_DATA", detail=detail)
    _put(case, new)


def _put(case: _Case, new: str) -> None:
    password = case.password
    password.former = [password.value, *password.former][:_KEPT]
    password.value, password.changed_at = new, case.now
    password.must_change, password.failures, password.locked_until, password.recovery_code = False, 0, 0.0, ""


def _send_code(case: _Case) -> None:
    """Make a recovery code, which nobody mails: who wants to see it looks into the state."""
    _demand_application(case)
    case.password.recovery_code = secrets.token_hex(4)
    case.password.recovery_until = case.now + CODE_SECONDS


def _recover(case: _Case) -> None:
    _demand_application(case)
    body, code = _body(), case.password.recovery_code
    given = _text(body, "recoveryCode")
    in_time = bool(code) and case.now < case.password.recovery_until
    if not in_time or not secrets.compare_digest(given.encode(), code.encode()):
        raise ApiError("INVALID_DATA", detail={"code": "INVALID_VALUE", "target": "recoveryCode"})
    _replace(case, _text(body, "newPassword"))


def _demand_application(case: _Case) -> None:
    if not case.by_application:
        raise ApiError("ACCESS_FAILED", status=403)


_ACTS: Mapping[tuple[str, str], Callable[[_Case], None]] = {
    ("PUT", "application/vnd.pingidentity.password.reset+json"): _reset,
    ("POST", "application/vnd.pingidentity.password.sendrecoverycode+json"): _send_code,
    ("POST", "application/vnd.pingidentity.password.recover+json"): _recover,
}
"""By method and media type, which is the same in any case (RFC 9110 8.3.1): Flask gives it in lower case."""


def _body() -> JsonObject:
    try:
        found = json.loads(request.get_data())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ApiError("INVALID_REQUEST")
    return found


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError("INVALID_DATA", detail={"code": "REQUIRED_VALUE", "target": name})
    return value


def _state(case: _Case) -> JsonObject:
    policy, password = case.account.policy, case.password
    members: JsonObject = {
        "environment": {"id": (request.view_args or {})["environment_id"]},
        "user": {"id": _user_id(case.persona)},
        "passwordPolicy": {"id": policy["id"]},
        "status": _status(case),
    }
    if not case.account.external:
        changed = datetime.fromtimestamp(password.changed_at, UTC)
        members["lastChangedAt"] = f"{changed:%Y-%m-%dT%H:%M:%S}.000Z"
    if case.now < password.locked_until:
        members["secondsUntilUnlock"] = int(password.locked_until - case.now)
    if request.args.get("expand") == "passwordPolicy":
        members["_embedded"] = {"passwordPolicy": policy}
    return members


def _status(case: _Case) -> str:
    if case.account.external:
        return "EXTERNAL"
    if case.now < case.password.locked_until:
        return "PASSWORD_LOCKED_OUT"
    if case.password.must_change:
        return "MUST_CHANGE_PASSWORD"
    oldest = case.account.policy.get("maxAgeDays")
    expired = oldest is not None and case.now >= case.password.changed_at + oldest * DAY_SECONDS
    return "PASSWORD_EXPIRED" if expired else "OK"


def _error_members(error: ApiError) -> JsonObject:
    message = "Refused by the practice provider."
    details = [] if error.detail is None else [{**error.detail, "message": message}]
    return {"id": secrets.token_hex(8), "code": error.code, "message": message, "details": details}
