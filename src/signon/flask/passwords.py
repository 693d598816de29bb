"""The page on which people change their password. What is typed is neither kept, logged nor shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flask import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from signon.core.errors import PersonError
from signon.core.http import add_query
from signon.core.values import Secret
from signon.flask import crosssite
from signon.flask.current import current_login, load_session
from signon.flask.guards import challenge, challenge_again, check_tokens, is_fresh
from signon.flask.messages import day, duration, moment
from signon.flask.pages import page
from signon.flask.password_rules import rule_lines
from signon.flask.state import memo, site, state, the_request
from signon.flask.views import see
from signon.providers.pingone.refusals import PasswordRefused
from signon.service.passwords import change_own, own_state
from signon.sessions.record import Session

FRESH_SECONDS = 300
"""How recent the sign-in must be that opens the form."""
TYPING_SECONDS = 900
"""How recent it must be when the form is sent: who takes their time shouldn't have to type it all again."""
MAX_BODY_BYTES = 16 * 1024
"""Policies allow a few hundred characters."""
_BAD_FORM = 400
_MUST_CHANGE = frozenset({"PASSWORD_EXPIRED", "MUST_CHANGE_PASSWORD"})
_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "password_current_missing": ("current", "Type the password that you have now."),
        "password_current_wrong": ("current", "This is not your current password."),
        "password_new_missing": ("new", "Type a new password."),
        "password_unsatisfied": ("new", "This password breaks a rule. Choose another."),
        "password_mismatch": ("again", "The two are not the same."),
    }
)
"""The field that a problem is about, and what is said there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """The form as it was sent."""

    current: Secret
    new: Secret
    again: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of a form that was sent."""

    codes: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    """The requirements of the policy that the new password doesn't meet."""
    new: Secret | None = None
    """What was refused, to see which sets of characters it lacks; never shown."""
    locked_seconds: float | None = None
    status: int = 200


def password() -> Response:
    """Show the form (GET), or change the password (POST), for somebody who has signed in lately."""
    asked = the_request()
    posted = asked.method == "POST"
    if posted:
        crosssite.check_unsafe(asked, site(), state().settings)
    session = load_session()
    if session is None:
        return challenge()
    memo().update(provider=session.login.person.provider, next=_address())
    check_tokens(session)
    limit = TYPING_SECONDS if posted else FRESH_SECONDS
    if not is_fresh(session.login, max_age_seconds=limit, now=state().party.clock()):
        # A form can't be sent again after a sign-in, so that begins from the page.
        return see(_address()) if posted and crosssite.wants_page(asked) else challenge_again(session.login)
    if posted:
        return _change(asked)
    if _was_just_changed(asked):
        return page("password_changed.html", home=site().path("/"), sessions=_sessions_address())
    return _form(_usable(), _Outcome())


def _change(asked: Request) -> Response:
    typed, session = _typed(asked), _usable()
    outcome = _seen_at_once(typed)
    if outcome is None:
        try:
            change_own(state().party, session, current=typed.current, new=typed.new)
        except PasswordRefused as refused:
            if not crosssite.wants_page(asked):
                raise
            outcome = _outcome_of(refused, typed.new)
        else:
            return see(add_query(_address(), {"changed": "1"}))
    if not crosssite.wants_page(asked):
        raise PersonError(outcome.codes[0], "the form is not filled in rightly", status=outcome.status)
    return _form(session, outcome)


def _usable() -> Session:
    """The session with a token that is good for a while. Raises `TokensEnded`, which leads to a sign-in."""
    current_login.access_token()
    session = load_session()
    if session is None:
        raise AssertionError("the session whose token was just had")
    return session


def _typed(asked: Request) -> _Typed:
    asked.max_content_length = MAX_BODY_BYTES
    names = ("current_password", "new_password", "confirm_password")
    try:
        current, new, again = (Secret(asked.form.get(name, "")) for name in names)
    except RequestEntityTooLarge:
        current = new = again = Secret("")
    return _Typed(current=current, new=new, again=again)


def _seen_at_once(typed: _Typed) -> _Outcome | None:
    """What is wrong with the form that no provider is needed for."""
    wrong = {
        "password_current_missing": not typed.current,
        "password_new_missing": not typed.new,
        "password_mismatch": typed.new != typed.again,
    }
    codes = tuple(code for code, is_so in wrong.items() if is_so)
    return _Outcome(codes=codes, status=_BAD_FORM) if codes else None


def _outcome_of(refused: PasswordRefused, new: Secret) -> _Outcome:
    problems = refused.problems
    broken = tuple(problem.requirement for problem in problems if problem.field == "new_password")
    others = tuple(problem.code for problem in problems if problem.field != "new_password")
    return _Outcome(
        codes=(*others, *(("password_unsatisfied",) if broken else ())),
        broken=broken,
        new=new,
        locked_seconds=next((p.seconds_until_unlock for p in problems if p.seconds_until_unlock), None),
        status=refused.status,
    )


def _form(session: Session, outcome: _Outcome) -> Response:
    party, person = state().party, session.login.person
    found = own_state(party, session)
    locked_seconds = outcome.locked_seconds or found.seconds_until_unlock
    return page(
        "password.html",
        status=outcome.status,
        address=_address(),
        home=site().path("/"),
        provider=party.provider(person.provider),
        user_name=person.preferred_username or person.email,
        must_change=found.status in _MUST_CHANGE,
        changed_at=found.changed_at,
        moment=moment,
        day=day,
        locked=found.status == "PASSWORD_LOCKED_OUT" or "password_locked_out" in outcome.codes,
        locked_for=duration(locked_seconds) if locked_seconds else None,
        errors=dict(_TEXTS[code] for code in outcome.codes if code in _TEXTS),
        rules=rule_lines(found.rules, broken=outcome.broken, typed=outcome.new),
    )


def _was_just_changed(asked: Request) -> bool:
    """Whether our own form has just done it; another site's link can't make the page say that."""
    return "changed" in asked.args and asked.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"


def _address() -> str:
    return site().path(state().settings.password_path)


def _sessions_address() -> str:
    return site().path(state().settings.sessions_path)
