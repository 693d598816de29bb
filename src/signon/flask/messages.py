"""Every message that a visitor can see, in one table: what happened, why if we know, and what to do.

An error's code finds its message by name; a code without one gets the message of its kind. Texts may hold
`{provider}`, the label of the provider, and `{limit}`, how long the limit is that ended a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    PersonError,
    PersonRefused,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
    StoreUnavailable,
    SuspectError,
    TokenRejected,
)


class Message(NamedTuple):
    """One message: what the page is called, what it says, and what its one button says."""

    title: str
    text: str
    button: str


_AGAIN = "Start again"
_TO_APPLICATION = "Back to the application"

MESSAGES: Mapping[str, Message] = MappingProxyType(
    {
        "access_denied": Message(
            "Sign-in cancelled", "You, or {provider}, chose not to go on. Nothing was shared.", _AGAIN
        ),
        "login_required": Message(
            "Please sign in", "{provider} needs you to sign in there before it can answer.", "Sign in"
        ),
        "person_refused": Message(
            "One more step at {provider}", "{provider} needs something from you before it can answer.", _AGAIN
        ),
        "refused": Message(
            "No access", "You have signed in, but this application does not let you in.", "Sign out"
        ),
        "state_expired": Message(
            "That took too long", "A sign-in must be finished within 15 minutes. Nothing is lost.", _AGAIN
        ),
        "state_used": Message(
            "This sign-in is already finished",
            "The page was loaded a second time. If you are signed in, just go on.",
            _TO_APPLICATION,
        ),
        "state_other_browser": Message(
            "Started somewhere else",
            "This sign-in was started in another browser, or this one no longer has its cookies.",
            _AGAIN,
        ),
        "state_missing": Message(
            "This link is not complete", "A part of the sign-in's answer is missing.", _AGAIN
        ),
        "suspect": Message(
            "This answer can't be used", "It does not belong to a sign-in that you started here.", _AGAIN
        ),
        "cross_site": Message(
            "Another site sent you here",
            "For your safety this is only done from this application's own pages.",
            _TO_APPLICATION,
        ),
        "csrf_header_missing": Message(
            "Not asked by this application",
            "Only this application's own scripts may ask for this.",
            _TO_APPLICATION,
        ),
        **dict.fromkeys(
            (
                *("proxy_path_refused", "proxy_address_too_long", "proxy_method_refused"),
                *("proxy_header_refused", "proxy_headers_too_large"),
                *("proxy_body_too_large", "proxy_body_broken", "proxy_length_missing"),
            ),
            Message("This can't be asked", "It is not what the API behind this address is offered for.", _AGAIN),
        ),
        "proxy_other_provider": Message(
            "Another sign-in is needed", "This is for people who have signed in with {provider}.", "Sign in"
        ),
        **dict.fromkeys(
            ("backend_unreachable", "backend_timeout", "backend_tls_failed", "backend_not_http"),
            Message(
                "Not available just now",
                "A part of this application does not answer. Please try again in a little while.",
                "Try again",
            ),
        ),
        **dict.fromkeys(
            ("initiate_iss_missing", "initiate_iss_repeated", "initiate_iss_mismatch"),
            Message(
                "This link can't be used",
                "The site that sent you here did not say rightly where you are to sign in.",
                "Sign in",
            ),
        ),
        "provider_unknown": Message(
            "There is no such way to sign in",
            "The address names a provider that is not used here.",
            "Choose another",
        ),
        "session_ended_meanwhile": Message(
            "You were signed out meanwhile",
            "While you signed in your sessions were ended, from another browser or by {provider}.",
            _AGAIN,
        ),
        "kept_too_large": Message(
            "That is too long to be kept",
            "The application was to remember more during the sign-in than there is room for. It has not begun.",
            _TO_APPLICATION,
        ),
        "sign_up_unavailable": Message(
            "No sign-up here", "{provider} gives accounts in another way. Ask there how to get one.", "Sign in"
        ),
        "person": Message("Not signed in", "The sign-in could not be finished.", _AGAIN),
        "unavailable": Message(
            "{provider} can't be reached",
            "It does not answer at the moment. Please try again in a little while.",
            _AGAIN,
        ),
        "store_unavailable": Message(
            "Please try again in a moment",
            "We can't look up sign-ins just now. You have not been signed out.",
            "Try again",
        ),
        "provider_refused": Message(
            "{provider} would not go on", "It gave a reason that only it can explain.", _AGAIN
        ),
        "token_invalid_grant": Message(
            "That took too long", "{provider} no longer accepts this sign-in. Nothing is lost.", _AGAIN
        ),
        "rejected": Message(
            "The answer can't be trusted",
            "What {provider} sent failed a safety check, so you were not signed in.",
            _AGAIN,
        ),
        "malformed": Message("The answer can't be read", "What {provider} sent is damaged or incomplete.", _AGAIN),
        "operator": Message(
            "Sign-in is not set up correctly",
            "This can only be mended by those who run this application. The number below helps them.",
            _TO_APPLICATION,
        ),
        "login_needed": Message("Please sign in", "This page is for people who have signed in.", "Sign in"),
        "session_idle": Message(
            "You were away for a while",
            "To keep your account safe this application signs people out when nothing is done for {limit}.",
            "Sign in",
        ),
        "session_expired": Message(
            "Time to sign in again",
            "You have been signed in for {limit}, which is as long as this application allows.",
            "Sign in",
        ),
        "session_unknown": Message(
            "That session is not there",
            "It has ended already, or it was never one of yours.",
            "Back to your sessions",
        ),
        "tokens_ended": Message(
            "Please sign in again",
            "{provider} no longer lets this application act for you. A new sign-in mends that.",
            "Sign in",
        ),
        "refresh_unavailable": Message(
            "{provider} can't be reached",
            "This page needs it, and it does not answer at the moment. You have not been signed out.",
            "Try again",
        ),
        "refresh_waiting": Message(
            "Please try again in a moment",
            "This page waits for {provider}, and that takes longer than usual. You have not been signed out.",
            "Try again",
        ),
        "fresh_login_needed": Message("Please sign in again", "This page needs a recent sign-in.", "Sign in"),
        "step_up_needed": Message(
            "Please sign in again", "This page needs a stronger or a more recent sign-in.", "Sign in"
        ),
        "email_invalid": Message(
            "That is no e-mail address", "Go back and look at what you have typed.", _TO_APPLICATION
        ),
        "permission_needed": Message(
            "No access", "Your account does not have the permission that this page needs.", _TO_APPLICATION
        ),
        "password_unsupported": Message(
            "No password to change here", "{provider} lets no application change passwords.", _TO_APPLICATION
        ),
        "password_scope_missing": Message(
            "Your password can't be changed here",
            "{provider} does not let this application change it. If you sign in by an account of somebody else's,"
            " such as your company's, change the password there.",
            _TO_APPLICATION,
        ),
        "password_elsewhere": Message(
            "Your password is kept elsewhere",
            "You sign in to {provider} by an account of somebody else's. Change your password there.",
            _TO_APPLICATION,
        ),
        "password_none": Message(
            "You have no password",
            "You sign in to {provider} in another way, so there is nothing to change.",
            _TO_APPLICATION,
        ),
        **dict.fromkeys(
            (
                *("password_current_missing", "password_new_missing", "password_mismatch"),
                *("password_current_wrong", "password_unsatisfied", "password_locked_out"),
            ),
            Message(
                "Your password was not changed",
                "{provider} needs your current password, and a new one that keeps its rules.",
                "Try again",
            ),
        ),
        "role_needed": Message(
            "No access", "Your account does not have the role that this page needs.", _TO_APPLICATION
        ),
    }
)

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_BY_KIND: tuple[tuple[type[SignOnError], str], ...] = (
    (PersonRefused, "person_refused"),
    (PersonError, "person"),
    (SuspectError, "suspect"),
    (StoreUnavailable, "store_unavailable"),
    (ProviderUnavailable, "unavailable"),
    (ProviderRefused, "provider_refused"),
    (TokenRejected, "rejected"),
    (MalformedAnswer, "malformed"),
    (ProviderError, "malformed"),
    (OperatorError, "operator"),
)
_AFTER_SIGN_IN = ("introspection_", "password_", "permissions_", "revocation_")
"""What a page asks the provider about people who are signed in, and who stay so when it does not answer."""


def message_id(error: SignOnError) -> str:
    """The identifier of the message for an error."""
    if error.code in MESSAGES:
        return error.code
    if isinstance(error, ProviderUnavailable) and error.code.startswith(_AFTER_SIGN_IN):
        return "refresh_unavailable"
    return next(name for kind, name in _BY_KIND if isinstance(error, kind))


def message_for(error: SignOnError, *, provider: str | None, limit: str = "") -> Message:
    """The message for an error, with the provider's label and the session's limit filled in."""
    texts = (text.format(provider=provider or "the provider", limit=limit) for text in MESSAGES[message_id(error)])
    if provider is not None:  # a label stays as its owner writes it: sgID
        return Message(*texts)
    return Message(*(text[:1].upper() + text[1:] for text in texts))


def duration(seconds: float) -> str:
    """A time in the two largest units that it has: "8 hours", "1 hour 30 minutes"; less than a second is none."""
    rest, parts = int(seconds), []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}" if count == 1 else f"{count} {name}s")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 seconds"


def moment(at: float) -> str:
    """POSIX seconds as a time that people and machines read: "2026-11-03 14:05Z", the Z for UTC (RFC 3339)."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%MZ}"


def day(at: float) -> str:
    """POSIX seconds as the day that it was in UTC, in words: "3 November 2026"."""
    date = datetime.fromtimestamp(at, UTC)
    return f"{date.day} {date:%B %Y}"
