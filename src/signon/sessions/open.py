"""A store by its address, as settings have it."""

from __future__ import annotations

from signon.core.errors import ConfigurationError, printable
from signon.sessions.store import SessionStore

_SQLITE = "sqlite:///"


def open_store(url: str) -> SessionStore:
    """The store at `memory:`, `sqlite:///relative/path` or `sqlite:////absolute/path`; nothing is opened yet.

    Raises `ConfigurationError` for any other, naming only its scheme: the rest may hold a password.
    """
    if url == "memory:":
        from signon.sessions.memory import MemoryStore

        return MemoryStore()
    path = url.removeprefix(_SQLITE)
    if path not in {url, "", ":memory:"}:
        from signon.sessions.sqlite import SqliteStore

        return SqliteStore(path)
    scheme = printable(url.partition(":")[0], limit=20)
    problem = (
        f"there is no session store at the address that begins with {scheme!r}: what can be had is memory:,"
        " sqlite:///file in the working folder, and sqlite:////file from the root"
    )
    raise ConfigurationError((problem,))
