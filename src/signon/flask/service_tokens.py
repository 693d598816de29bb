"""`service_token`: a token for the APIs that an application calls in nobody's name."""

from __future__ import annotations

from collections.abc import Iterable

from signon.core.errors import OperatorError
from signon.flask.state import state
from signon.service import service_tokens


def service_token(
    provider: str | None = None, *, scope: str | Iterable[str] = (), audience: str | None = None
) -> str:
    """A token of the application's own (client credentials), good for a while yet: ask for it at each use.

    `provider` may be left out where there is one only. `scope` is text with blanks between, or several texts;
    without one the provider gives what the application may have. `audience` names the API where the provider wants
    that; unset: the provider's own setting, where it has one. Needs an application context, and no request.

    Raises `OperatorError` (`service_token_provider`), and what `signon.service.service_tokens` raises.
    """
    party, only = state().party, state().only_provider
    found = only if provider is None else party.providers.get(provider)
    if found is None:
        known = ", ".join(party.providers)
        raise OperatorError("service_token_provider", f"service_token must name one of the providers: {known}")
    words = tuple(scope.split() if isinstance(scope, str) else scope)
    return service_tokens.service_token(party, found, scope=words, audience=audience).access_token.reveal()
