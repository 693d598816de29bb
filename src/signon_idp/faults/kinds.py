"""What a fault is: one sentence, and the one thing that it bends."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from signon_idp.jws import Draft
from signon_idp.model import JsonObject
from signon_idp.replies import Reply
from signon_idp.scene import Scene

Bent = TypeVar("Bent")
Bend = Callable[[Bent, Scene], Bent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """An authorization response: its parameters in order, and the mode it travels in."""

    redirect_uri: str
    mode: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A named way of being wrong; each hook gets the healthy thing and gives the bent one.

    The ID token passes three: `claims` before they are written, `draft` before it is signed, `compact` after.
    So does a logout token; `logout_posts` are the written tokens as they are sent, one after another.
    """

    sentence: str
    callback: Bend[Callback] | None = None
    claims: Bend[JsonObject] | None = None
    draft: Bend[Draft] | None = None
    compact: Bend[str] | None = None
    token: Bend[Reply] | None = None
    userinfo: Bend[Reply] | None = None
    metadata: Bend[Reply] | None = None
    jwks: Bend[Reply] | None = None
    logout_claims: Bend[JsonObject] | None = None
    logout_draft: Bend[Draft] | None = None
    logout_posts: Bend[tuple[str, ...]] | None = None


HEALTHY = Fault(sentence="Nothing is wrong.")


def bend(hook: Bend[Bent] | None, value: Bent, scene: Scene) -> Bent:
    """`value`, bent by `hook` if there is one."""
    return value if hook is None else hook(value, scene)
