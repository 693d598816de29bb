"""A sign-in that another site wants to start: the provider itself, as a rule (OIDC Core 4)."""

from __future__ import annotations

from collections.abc import Sequence

from signon.core.errors import SuspectError
from signon.core.provider import Provider

MAX_HINT_CHARACTERS = 256
"""Of a `login_hint`: it goes on in an address."""
Pairs = Sequence[tuple[str, str]]


def check_initiator(provider: Provider, pairs: Pairs) -> None:
    """`iss` must be this provider's issuer, once and exactly (OIDC Core 4): nobody is asked who isn't known.

    Codes: `initiate_iss_missing`, `initiate_iss_repeated`, `initiate_iss_mismatch`.
    """
    found = [value for name, value in pairs if name == "iss"]
    if not any(found):
        raise SuspectError(
            "initiate_iss_missing", "the request does not say which provider it is for", section=_CORE
        )
    if len(found) > 1:
        raise SuspectError("initiate_iss_repeated", "the request names more than one provider", section=_CORE)
    theirs, ours = found[0], provider.issuer
    if provider.either_slash:
        theirs, ours = theirs.removesuffix("/"), ours.removesuffix("/")
    if theirs != ours:
        raise SuspectError(
            "initiate_iss_mismatch", f"the request is for another than {provider.name}", section=_CORE
        )


_CORE = "OIDC Core 4"


def login_hint(pairs: Pairs) -> str | None:
    """The name to fill in at the provider; None where there is none, or none that a name could be."""
    found = [value for name, value in pairs if name == "login_hint"]
    fine = len(found) == 1 and 0 < len(found[0]) <= MAX_HINT_CHARACTERS and found[0].isprintable()
    return found[0] if fine else None


def target_path(pairs: Pairs, *, origin: str) -> str | None:
    """What `target_link_uri` asks for as a path, where it is an address of this `origin`, or a path already.

    Whether it is one that a person may be sent to is the caller's to judge.
    """
    found = [value for name, value in pairs if name == "target_link_uri"]
    if len(found) != 1:
        return None
    inside = found[0].removeprefix(origin)
    return inside if inside.startswith("/") else None
