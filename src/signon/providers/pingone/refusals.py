"""How PingOne's API says no (Error codes), and what that means for a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from signon.core.errors import (
    Fault,
    MalformedAnswer,
    PersonRefused,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
)
from signon.core.http import HttpResponse
from signon.core.values import JsonObject, is_number, read_json_object
from signon.providers.pingone.policy import CODES, OTHER_CODE

DOCUMENT = "password"
PasswordField: TypeAlias = Literal["current_password", "new_password", "recovery_code"]
_CLIENT_ERRORS = range(400, 500)
_TOO_MANY = 429
_MAX_ENTRIES = 32
_ID = re.compile(r"[A-Za-z0-9-]{1,64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordProblem:
    """One thing that is wrong with what was typed, and the field that it is about."""

    field: PasswordField
    code: str
    requirement: str = ""
    """The API's name of the rule that is broken, where it is one."""
    seconds_until_unlock: float | None = None


class PasswordRefused(ProviderRefused):
    """The API did not take what was typed: `password_current_wrong`, `password_locked_out`,
    `password_unsatisfied` (with a problem, and a code, for each rule), `password_recovery_code_wrong`.
    """

    fault: ClassVar[Fault] = "person"
    status_hint = 400

    def __init__(self, code: str, problems: tuple[PasswordProblem, ...], *, error: str) -> None:
        super().__init__(code, "the password API did not take what was typed", error=error)
        self.problems = problems


def raise_refusal(response: HttpResponse) -> None:
    """Raise for an error of the API; any other answer is left to the reader.

    By its code and not its status, which may change. Raises `PasswordRefused`, `PersonRefused`
    (`password_elsewhere`), `ProviderUnavailable` (`password_limited`) and `ProviderRefused`
    (`password_not_allowed`, `password_token_refused`, `password_user_unknown`, `password_refused`).
    None has the API's own sentences, which may quote what was typed.
    """
    if response.status not in _CLIENT_ERRORS or response.status == _TOO_MANY:
        return
    try:
        answer = read_json_object(response.body, document=DOCUMENT)
    except MalformedAnswer:
        return
    code = answer.get("code")
    if isinstance(code, str) and code:
        raise _refused(answer, code)


def _refused(answer: JsonObject, code: str) -> SignOnError:
    problems = tuple(_problems(answer))
    if problems:
        locked = [problem for problem in problems if problem.code == "password_locked_out"]
        first = (locked or problems)[0]
        cause = "password_unsatisfied" if first.field == "new_password" else first.code
        return PasswordRefused(cause, problems, error=code)
    identifier = answer.get("id")
    # What the vendor's support asks for; it holds nothing that was typed.
    quoted = f"id {identifier}" if isinstance(identifier, str) and _ID.match(identifier) else ""
    if code == "REQUEST_FAILED":
        return PersonRefused(
            "password_elsewhere", "the API changes no password of this person", error=code, description=quoted
        )
    if code == "REQUEST_LIMITED":
        return ProviderUnavailable("password_limited", "the password API takes no more requests just now")
    ours, sentence = _BY_CODE.get(code, ("password_refused", "the password API refused the request"))
    return ProviderRefused(ours, sentence, error=code, description=quoted)


_BY_CODE = {
    "ACCESS_FAILED": ("password_not_allowed", "the access token is not good for this at the password API"),
    "INVALID_TOKEN": ("password_token_refused", "the password API does not take the access token"),
    "NOT_FOUND": ("password_user_unknown", "the password API knows nobody of that id"),
}


def _problems(answer: JsonObject) -> Iterator[PasswordProblem]:
    details = answer.get("details")
    entries = [entry for entry in details if isinstance(entry, dict)] if isinstance(details, list) else []
    for entry in entries[:_MAX_ENTRIES] or [answer]:
        # The page about errors writes the one, the vendor's own clients read the other.
        inner = entry.get("innerError", entry.get("innererror"))
        yield from _problems_of(entry, inner if isinstance(inner, dict) else {})


def _problems_of(entry: JsonObject, inner: JsonObject) -> Iterator[PasswordProblem]:
    target = entry.get("target")
    if entry.get("code") == "PASSWORD_LOCKED_OUT":
        yield PasswordProblem(
            field="current_password", code="password_locked_out", seconds_until_unlock=seconds(inner)
        )
    elif target == "currentPassword":
        yield PasswordProblem(field="current_password", code="password_current_wrong")
    elif target == "recoveryCode":
        yield PasswordProblem(field="recovery_code", code="password_recovery_code_wrong")
    elif target == "newPassword" or "unsatisfiedRequirements" in inner:
        yield from _unsatisfied(inner)


def _unsatisfied(inner: JsonObject) -> Iterator[PasswordProblem]:
    names = inner.get("unsatisfiedRequirements")
    named = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    for name in named[:_MAX_ENTRIES] or [""]:
        # A requirement is a word of the vendor's; anything else is not shown as one.
        known = name if _ID.match(name) else ""
        yield PasswordProblem(field="new_password", code=CODES.get(known, OTHER_CODE), requirement=known)


def seconds(members: JsonObject) -> float | None:
    """How long a password stays locked, where that is said."""
    value = members.get("secondsUntilUnlock")
    return float(value) if isinstance(value, int | float) and is_number(value) and value >= 0 else None
