"""The three ways in which the provider says no.

Refused
  OAuthError     JSON to the client (RFC 6749 5.2, RFC 6750 3.1)
  CallbackError  parameters on the redirect URI (RFC 6749 4.1.2.1)
  PageError      a page for the person, never a redirect (RFC 6749 3.1.2.4)
"""


class Refused(Exception):
    """A request that a provider must refuse."""

    def __init__(self, error: str, description: str) -> None:
        """`error` is the registered code, `description` one sentence for the developer."""
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


class OAuthError(Refused):
    """An error answered as JSON; `challenge` is the WWW-Authenticate value of a 401 or 403."""

    def __init__(self, error: str, description: str, *, status: int = 400, challenge: str = "") -> None:
        """`status` is the HTTP status; an empty `challenge` sends no header."""
        super().__init__(error, description)
        self.status = status
        self.challenge = challenge


class CallbackError(Refused):
    """An error that goes back to the application by its registered redirect URI."""


class PageError(Refused):
    """An error that only the person may see, since the redirect URI cannot be trusted."""
