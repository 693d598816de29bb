"""A store by its address, as settings have it."""

from __future__ import annotations

from signon.core.errors import ConfigurationError, printable
from signon.sessions.circuit import Circuit
from signon.sessions.store import SessionStore

_SQLITE = "sqlite:///"
_REDIS = frozenset(
    product + kind
    for product in ("redis", "rediss", "valkey", "valkeys")
    for kind in ("", "+sentinel", "+cluster")
)
_SQL = frozenset({"postgresql+psycopg", "mysql+pymysql", "mariadb+pymysql"})


def open_store(url: str, *, create_tables: bool = False) -> SessionStore:
    """The store at `memory:`, `sqlite:///file`, or a server's address; nothing is opened or asked yet.

    `create_tables` lets an SQL server's tables be made at first use; else `flask signon init-store` makes them.
    Raises `ConfigurationError` for any other, naming only its scheme: the rest may hold a password.
    """
    scheme = url.partition(":")[0]
    path = url.removeprefix(_SQLITE)
    if url == "memory:":
        from signon.sessions.memory import MemoryStore

        return MemoryStore()
    if path not in {url, "", ":memory:"}:
        from signon.sessions.sqlite import SqliteStore

        return SqliteStore(path)
    if scheme in _REDIS:
        from signon.sessions.redis import open_redis

        return Circuit(open_redis(url))
    if scheme in _SQL:
        try:
            from signon.sessions.sql import SqlStore
        except ImportError:
            missing = f"sessions in {scheme} need SQLAlchemy: pip install 'signon[sql]'"
            raise ConfigurationError((missing,)) from None
        return Circuit(SqlStore(url, create_tables=create_tables))
    problem = (
        f"there is no session store at the address that begins with {printable(scheme, limit=20)!r}: what can be"
        " had is memory:, sqlite:///file in the working folder, sqlite:////file from the root, redis://,"
        " redis+sentinel://, redis+cluster:// (rediss for TLS), postgresql+psycopg:// and mysql+pymysql://"
    )
    raise ConfigurationError((problem,))
