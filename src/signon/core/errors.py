"""Every error of Signon, in one tree. The class says whose fault it was; the code says which cause.

SignOnError                 never raised itself
├── PersonError             the person chose or can mend it: cancelled, waited too long, was refused
├── SuspectError            this browser and this answer don't belong together; somebody may be trying something
├── ProviderError           the provider answered in a way that it must not
│   ├── ProviderRefused     it answered with an OAuth error
│   │   ├── PersonRefused   because the person said no, or must do something there first (fault: person)
│   │   └── RefreshEnded    and meant it for good: these tokens can't be refreshed any more (fault: person)
│   ├── MalformedAnswer     its answer can't be read
│   ├── TokenRejected       its token fails a check
│   │   └── UnknownKey      its token names a key that is not in the key set we hold
│   └── ProviderUnavailable it can't be reached, or too slowly
├── StoreUnavailable        the session store can't be reached
└── OperatorError           the application is set up wrongly
    └── ConfigurationError  found at the start: a list of problems

A code is stable: tests, logs, pages and documentation name it. Messages are for logs and developers; what
visitors read stands in the message table of the web layer. Neither holds a token, code or secret.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Fault = Literal["person", "suspect", "provider", "store", "operator"]


class SignOnError(Exception):
    """Base of all errors: a stable `code`, a sentence, and the section of the standard that was broken."""

    fault: ClassVar[Fault] = "operator"
    status_hint: ClassVar[int] = 502

    def __init__(self, code: str, message: str, *, section: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.section = section
        self.status = self.status_hint if status is None else status
        """A suggestion for the web layer; the core never acts on it."""

    def __str__(self) -> str:
        where = f" ({self.section})" if self.section else ""
        return f"{self.code}: {self.args[0]}{where}"


class PersonError(SignOnError):
    """The person chose it, or can mend it by starting again."""

    fault: ClassVar[Fault] = "person"
    status_hint = 403


class SuspectError(SignOnError):
    """This browser and this answer don't belong together."""

    fault: ClassVar[Fault] = "suspect"
    status_hint = 400


class ProviderError(SignOnError):
    """The provider answered in a way that it must not."""

    fault: ClassVar[Fault] = "provider"
    status_hint = 502


class ProviderRefused(ProviderError):
    """The provider answered with an OAuth error (RFC 6749 4.1.2.1 and 5.2).

    `error` is the provider's own code, `description` its text and `error_uri` its page about it, all cut and
    printable, for the log and to be quoted as theirs.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        error: str,
        description: str = "",
        error_uri: str = "",
        section: str = "",
    ) -> None:
        super().__init__(code, message, section=section)
        self.error = printable(error, limit=64)
        self.description = printable(description, limit=200)
        self.error_uri = printable(error_uri, limit=200)


class PersonRefused(ProviderRefused):
    """The person said no at the provider, or must do something there first (OIDC Core 3.1.2.6)."""

    fault: ClassVar[Fault] = "person"
    status_hint = 403


class RefreshEnded(ProviderRefused):
    """The provider's no to a refresh is final: only a new sign-in brings new tokens (RFC 6749 5.2)."""

    fault: ClassVar[Fault] = "person"
    status_hint = 401


class MalformedAnswer(ProviderError):
    """An answer of the provider can't be read: code `<document>_<kind of fault>`."""


class TokenRejected(ProviderError):
    """A token of the provider fails a check."""


class UnknownKey(TokenRejected):
    """A token names a key that is not in the key set we hold: fetching the set again may help."""


class ProviderUnavailable(ProviderError):
    """The provider can't be reached, or answers too slowly: code `<document>_<kind of failure>`."""

    status_hint = 503
    retry_after_seconds: ClassVar[int] = 10


class StoreUnavailable(SignOnError):
    """The session store can't be reached, or answers too slowly."""

    fault: ClassVar[Fault] = "store"
    status_hint = 503
    retry_after_seconds: ClassVar[int] = 5


class OperatorError(SignOnError):
    """The application is set up wrongly. The visitor can't mend it; the log line says what will."""

    fault: ClassVar[Fault] = "operator"
    status_hint = 502


class ConfigurationError(OperatorError):
    """Problems found at the start, all of them together, one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("configuration", "\n".join(("Signon can't start:", *(f"- {p}" for p in problems))))
        self.problems = problems


def printable(text: str, *, limit: int) -> str:
    """The text with everything but plain printable characters replaced, cut at `limit` characters."""
    cut = text[:limit]
    return "".join(c if c.isprintable() else "?" for c in cut) + ("…" if len(text) > limit else "")
