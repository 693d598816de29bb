"""The relying party: everything that the requests of one application share."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from signon.core.errors import OperatorError, PersonError, SuspectError
from signon.core.person import Login
from signon.core.provider import Provider
from signon.core.values import Secret, b64url_encode
from signon.runtime.cache import Runtime
from signon.sessions.sealer import Sealer
from signon.sessions.sessions import Sessions


class Refused(PersonError):
    """Raised by the application's `on_login` to keep somebody out; the reason is shown to them."""

    def __init__(self, reason: str) -> None:
        super().__init__("refused", "the application refused this person")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """One application as a relying party. Made once at the start, shared by all threads."""

    providers: Mapping[str, Provider]
    runtime: Runtime
    sessions: Sessions
    sealer: Sealer
    clock: Callable[[], float]
    """POSIX seconds."""
    session_seconds: float
    pseudonym_key: Secret | None = None
    """Makes our keys for people whose subject is a national id."""
    on_login: Callable[[Login], str | None] | None = None
    """Decides who comes in: returns the application's key for the person, None for ours, or raises `Refused`."""
    roles_from: str | Callable[[Login], Iterable[str]] | None = None
    """The claim that holds roles, or a function that finds them."""

    def pseudonym(self, issuer: str, subject: str) -> str:
        """Our own key for a person whose subject must not be shown: the same for ever, and no way back from it."""
        if self.pseudonym_key is None:
            raise OperatorError("pseudonym_key_missing", "SIGNON_PSEUDONYM_KEY is not set")
        parts = (part.encode("utf-8") for part in (issuer, subject))
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        key = self.pseudonym_key.reveal().encode("utf-8")
        return b64url_encode(hmac.digest(key, b"signon/1/pseudonym" + message, "sha256"))

    def provider(self, name: str) -> Provider:
        """The provider of that name: `provider_unknown` where there is none."""
        try:
            return self.providers[name]
        except KeyError:
            raise SuspectError("provider_unknown", "there is no provider of that name", status=404) from None
