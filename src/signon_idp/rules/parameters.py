"""Request parameters as OAuth reads them: none twice, the empty ones not there (RFC 6749 3.1, 3.2)."""

from collections import Counter
from collections.abc import Iterable

from signon_idp.errors import OAuthError

Pairs = tuple[tuple[str, str], ...]
Parameters = dict[str, str]


def repeated(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The names that come more than once."""
    counted = Counter(name for name, _ in pairs)
    return frozenset(name for name, count in counted.items() if count > 1)


def given(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """The parameters that have a value; the first of each name."""
    found: Parameters = {}
    for name, value in pairs:
        if value:
            found.setdefault(name, value)
    return found


def read_form(pairs: Pairs) -> Parameters:
    """The parameters of a back-channel form; `invalid_request` if one is repeated."""
    twice = repeated(pairs)
    if twice:
        raise OAuthError("invalid_request", f"{', '.join(sorted(twice))} must not be repeated")
    return given(pairs)
