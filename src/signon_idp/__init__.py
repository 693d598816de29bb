"""The practice provider: an OpenID provider that runs on this computer and shares nothing with `signon`.

Everything is imported when it is first asked for, so that the pytest plug-in costs a test run that does not
use it nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signon_idp.dialect import Dialect
    from signon_idp.faults import FAULTS
    from signon_idp.model import Client, Persona
    from signon_idp.personas import PERSONAS
    from signon_idp.provider import Idp
    from signon_idp.server import start

__all__ = ["FAULTS", "PERSONAS", "Client", "Dialect", "Idp", "Persona", "start"]

_ROOMS = {
    "Client": "signon_idp.model",
    "Dialect": "signon_idp.dialect",
    "FAULTS": "signon_idp.faults",
    "Idp": "signon_idp.provider",
    "PERSONAS": "signon_idp.personas",
    "Persona": "signon_idp.model",
    "start": "signon_idp.server",
}


def __getattr__(name: str) -> object:
    """Import the room that holds a public name (PEP 562)."""
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module 'signon_idp' has no attribute {name!r}")
    return getattr(import_module(room), name)
