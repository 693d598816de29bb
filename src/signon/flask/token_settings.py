"""The settings of the application's own tokens."""

from __future__ import annotations

from collections.abc import Callable

from signon.core.bearer import scope_words
from signon.core.errors import OperatorError
from signon.service.own_tokens import MAX_SECONDS, OwnTokens, make_own_tokens, token_keys

_ON_LOOPBACK = "http://localhost"
"""The issuer where no base URL is set: there each host name of this machine is an address of the application, and
which of them a token is for is said by its audience."""
_NEEDS_A_KEY = ("SIGNON_TOKEN_AUDIENCE", "SIGNON_TOKEN_SCOPE", "SIGNON_TOKEN_STORAGE")


def read_own_tokens(
    text: Callable[[str], str | None],
    number: Callable[[str], float],
    *,
    base_url: str | None,
    problems: list[str],
) -> OwnTokens | None:
    """How the application issues tokens; None without a key. What is wrong is added to `problems`.

    `text` and `number` (of seconds) read a setting by its name.
    """
    seconds = number("SIGNON_TOKEN_SECONDS")
    written = text("SIGNON_TOKEN_KEY")
    if written is None:
        problems += [f"{name} is set: set SIGNON_TOKEN_KEY, too" for name in _NEEDS_A_KEY if text(name)]
        return None
    if seconds > MAX_SECONDS:
        problems.append(
            f"SIGNON_TOKEN_SECONDS={seconds:.0f} is more than {MAX_SECONDS}: a token can't be taken back"
        )
    scope = text("SIGNON_TOKEN_SCOPE") or ""
    try:
        scope_words(scope)
        keys = token_keys(written)
    except ValueError as error:
        problems.append(f"SIGNON_TOKEN_SCOPE: {error}")
    except OperatorError as error:
        problems.append(f"SIGNON_TOKEN_KEY: {error.args[0]}")
    else:
        return make_own_tokens(
            issuer=base_url or _ON_LOOPBACK,
            keys=keys,
            seconds=seconds,
            audience=text("SIGNON_TOKEN_AUDIENCE"),
            scope=scope,
        )
    return None
