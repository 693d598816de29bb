"""Stores of their own servers and files, filled in bulk with what their own operations would have written.

No disk is flushed: that takes as long in a small store as in a large one, and would hide what grows.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import redis
from tests.servers.postgresql import PostgresqlServer, postgresql_server
from tests.servers.redis import RedisServer, redis_server

from signon.sessions import redis_scripts as scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench.scale_people import Row

BATCH = 2000
PATIENCE_SECONDS = 60
SQLITE_CACHE_KIB = 1 << 18


class Place(NamedTuple):
    """A store that may be large. It is filled after the store itself has written a session to it."""

    url: str
    fill: Callable[[Iterable[Row]], None]
    bytes_used: Callable[[], int]


@contextmanager
def redis_place(_folder: Path) -> Iterator[Place]:
    with redis_server("--appendonly", "no") as server:
        yield Place(server.url, partial(fill_redis, server), partial(redis_bytes, server))


def fill_redis(server: RedisServer, rows: Iterable[Row]) -> None:
    """The store's own commands, sent without waiting for the answer to each."""
    connection = redis.Connection(host="127.0.0.1", port=server.port, socket_timeout=PATIENCE_SECONDS, protocol=2)
    try:
        connection.connect()
        for batch in batches(rows):
            commands = [command for row in batch for command in redis_commands(row)]
            connection.send_packed_command(connection.pack_commands(commands))
            for _ in commands:
                demand(connection.read_response() == 1, "Redis refused what was written in bulk")
    finally:
        connection.disconnect()


def redis_commands(row: Row) -> Iterator[scripts.Command]:
    times = {"now": row.created_at, "expires_at": row.expires_at}
    record = scripts.pack_record(row.value, version=1, **times)
    goes_at = scripts.goes_at(row.expires_at)
    yield scripts.run(scripts.CREATE, b"signon:s" + row.key, record, goes_at, scripts.FIRST)
    expires_at, now = repr(row.expires_at), repr(row.created_at)
    for index in row.indexes:
        yield scripts.run(scripts.INDEX_ADD, b"signon:i" + index, row.key, expires_at, now)


def redis_bytes(server: RedisServer) -> int:
    lines = server.ask("INFO", "memory").decode().splitlines()
    return int(next(line for line in lines if line.startswith("used_memory:")).partition(":")[2])


@contextmanager
def postgresql_place(_folder: Path) -> Iterator[Place]:
    # Room for the log, so that no checkpoint comes up by itself while the times are taken.
    with postgresql_server("fsync=off", "max_wal_size=8GB", "checkpoint_timeout=1h") as server:
        yield Place(server.url, partial(fill_postgresql, server), partial(postgresql_bytes, server))


def fill_postgresql(server: PostgresqlServer, rows: Iterable[Row]) -> None:
    with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
        for batch in batches(rows):
            copy(
                connection,
                "signon_records (id, value, version, touched_at, expires_at)",
                ("bytea", "bytea", "int4", "float8", "float8"),
                ((row.key, row.value, 1, row.created_at, row.expires_at) for row in batch),
            )
            copy(
                connection,
                "signon_members (id, member, expires_at)",
                ("bytea", "bytea", "float8"),
                ((index, row.key, row.expires_at) for row in batch for index in row.indexes),
            )
    server.ask("VACUUM ANALYZE")
    server.ask("CHECKPOINT")


def copy(
    connection: psycopg.Connection, table: str, types: tuple[str, ...], rows: Iterable[tuple[object, ...]]
) -> None:
    with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as lines:
        lines.set_types(types)
        for row in rows:
            lines.write_row(row)


def postgresql_bytes(server: PostgresqlServer) -> int:
    ours = "relkind = 'r' AND relname LIKE 'signon%'"
    ((size,),) = server.ask(f"SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE {ours}")
    return int(size)


@contextmanager
def sqlite_place(folder: Path) -> Iterator[Place]:
    path = folder / "sessions.sqlite3"
    yield Place(f"sqlite:///{path}", partial(fill_sqlite, path), partial(sqlite_bytes, path))


def fill_sqlite(path: Path, rows: Iterable[Row]) -> None:
    """The store's own statement, in one transaction that nobody could undo. The store has closed the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{SQLITE_CACHE_KIB}")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            """INSERT INTO sign_ins (key, value, touched_at, expires_at, since, first, second)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            ((row.key, row.value, row.created_at, row.expires_at, row.created_at, *row.indexes) for row in rows),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def sqlite_bytes(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def demand(fact: object, otherwise: str) -> None:
    """End the run where something isn't so, since its figures would mean nothing."""
    if not fact:
        sys.exit(otherwise)


PLACES = {"redis": redis_place, "postgresql": postgresql_place, "sqlite": sqlite_place}
