"""What surrounds an answer that a dialect translates or a fault bends."""

from dataclasses import dataclass, field
from threading import Event

from signon_idp.keys import KeyRing
from signon_idp.model import Client, Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The issuer, the time in POSIX seconds, the keys; the client and the grant where there are some.

    `stopped` is set when the provider stops, so that an endless answer can end. An access token made in this
    scene lives for `access_token_seconds`.
    """

    issuer: str
    now: float
    keys: KeyRing
    stopped: Event = field(default_factory=Event)
    access_token_seconds: int = 3600
    client: Client | None = None
    grant: Grant | None = None
