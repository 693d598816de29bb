"""Servers to keep sessions in, ready for several workers at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.postgresql import PostgresqlServer, postgresql_server

from signon.sessions.sql import SqlStore


@contextmanager
def prepared_postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL with our tables. What it wrote survives its own death without being forced to the disk."""
    with postgresql_server("fsync=off") as server:
        store = SqlStore(server.url, create_tables=True)
        store.prepare()
        store.close()
        yield server
