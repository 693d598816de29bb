"""Response types: words in any order, each of which brings something (OAuth 2.0 Multiple Response Types)."""

from collections.abc import Iterable

Kind = frozenset[str]
"""The words of one response type."""
CODE: Kind = frozenset({"code"})


def kind(response_type: str) -> Kind:
    """The words of a response type."""
    return frozenset(response_type.split())


def kinds(response_types: Iterable[str]) -> frozenset[Kind]:
    """The same of several."""
    return frozenset(map(kind, response_types))


def usual_mode(found: Kind) -> str:
    """How an answer goes back when nobody says: tokens never in a query (section 5)."""
    return "fragment" if found & {"token", "id_token"} else "query"
