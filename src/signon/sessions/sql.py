"""A store in a PostgreSQL, MariaDB or MySQL database: right for any number of machines.

SQLAlchemy reads the address and keeps the connections; statements go to the driver itself, which takes little
more than half the processor time of SQLAlchemy's own way. Each is a transaction of its own and waits at most a
second for the locks of others. Each operation may be sent a second time when its connection turns out to be gone,
so a server that was restarted costs nobody an error.

The address is that of the primary server: a replica that is behind would show sessions that have ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from signon.core.errors import ConfigurationError, StoreUnavailable, printable
from signon.sessions.sql_driver import STATEMENT_SECONDS, Driver, Parameter, open_driver
from signon.sessions.sql_tables import NO_TABLES, are_missing, check_tables, make_tables
from signon.sessions.store import Stored

CONNECTIONS = 8
"""How many a process opens at most. An operation takes well below a millisecond, so threads can share them."""
BUSY_SECONDS = 0.5
"""How long a thread waits for one of them."""
RECYCLE_SECONDS = 300
"""How old a connection gets, since some firewalls forget one that is idle without telling anybody."""
QUICK_SECONDS = 0.5
"""What took longer isn't sent again: a connection that is gone shows at once."""

_REPEATS = {"lost": 1, "deadlock": 2}


class Done(NamedTuple):
    """What a statement gave, and whether it may have been carried out once before, its answer lost."""

    rows: Sequence[tuple[Any, ...]]
    changed: int
    repeated: bool


class SqlStore:
    """A `SessionStore` in the database at `url`; nothing is opened yet.

    `postgresql+psycopg://user:password@host/database`, `mysql+pymysql://...` or `mariadb+pymysql://...`; what
    follows a question mark goes to the driver (`?sslmode=verify-full`). `create_tables` makes the tables at first
    use, for development; otherwise `prepare` does. Raises `ConfigurationError` for an address that can't be right.
    """

    def __init__(self, url: str, *, create_tables: bool) -> None:
        self._database = Database(url, create_tables=create_tables)
        self._sql = self._database.driver.statements
        self._execute = self._database.execute

    def prepare(self) -> str:
        """Make the tables where they are missing, and say in one sentence what was done."""
        return self._database.prepare()

    def create(self, key: bytes, value: bytes, *, now: float, expires_at: float) -> bool:
        """One upsert, which only an expired record gives way to."""
        done = self._execute(*self._sql.create, key=key, value=value, now=now, expires_at=expires_at)
        return done.changed == 1 or (done.repeated and self._holds(key, value, version=1, now=now))

    def create_indexed(
        self, key: bytes, value: bytes, *, indexes: Sequence[bytes], since: float, now: float, expires_at: float
    ) -> bool:
        """Add a new key to indexes, create its record, and only then look for marks of those indexes.

        False, and nothing is kept, where one is later than `since`, expired or not: `now` may be another machine's
        time. A statement sees no mark that is committed while it runs, so that the look is a second one.
        """
        members, times = list(indexes), {"now": now, "expires_at": expires_at}
        statements = self._sql.create_indexed or self._sql.create
        if not self._sql.create_indexed:
            for index in indexes:
                self.index_add(index, key, **times)
        done = self._execute(*statements, key=key, value=value, indexes=members, **times)
        if not (done.changed == 1 or (done.repeated and self._holds(key, value, version=1, now=now))):
            raise StoreUnavailable("store_unavailable", "the store has a record under a key that was never used")
        if not self._execute(self._sql.any_ended_since, indexes=members, since=since).rows:
            return True
        self.delete(key)
        for index in indexes:
            self.index_remove(index, key)
        return False

    def load(self, key: bytes, *, now: float) -> Stored | None:
        """One row by its key: the hot path of every signed-in request."""
        rows = self._execute(self._sql.load, key=key, now=now).rows
        if not rows:
            return None
        value, version, touched_at = rows[0]
        return Stored(value=value, version=version, touched_at=touched_at)

    def update(self, key: bytes, value: bytes, *, version: int, now: float, expires_at: float) -> bool:
        """Compare and set in one statement."""
        done = self._execute(
            self._sql.update, key=key, value=value, version=version, now=now, expires_at=expires_at
        )
        return done.changed == 1 or (done.repeated and self._holds(key, value, version=version + 1, now=now))

    def touch(self, key: bytes, *, now: float, expires_at: float) -> bool:
        """Two numbers. Where the expiry stays as it was, no index is written."""
        return self._execute(self._sql.touch, key=key, now=now, expires_at=expires_at).changed == 1

    def delete(self, key: bytes) -> bool:
        """One row. True, too, where a lost answer may have been that of the removal."""
        done = self._execute(self._sql.delete, key=key)
        return done.changed == 1 or done.repeated

    def claim(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """One upsert, which only an expired claim or the same owner's gives way to."""
        return self._execute(*self._sql.claim, key=key, owner=owner, now=now, expires_at=expires_at).changed == 1

    def was_claimed(self, key: bytes, *, now: float) -> bool:
        """One row by its key."""
        return bool(self._execute(self._sql.was_claimed, key=key, now=now).rows)

    def index_add(self, index: bytes, member: bytes, *, now: float, expires_at: float) -> None:  # noqa: ARG002 - sweeps use it
        """One upsert. What has expired goes at a sweep: if adding pruned, two that add could deadlock."""
        self._execute(self._sql.index_add, key=index, member=member, expires_at=expires_at)

    def index_list(self, index: bytes, *, now: float) -> tuple[bytes, ...]:
        """The members, by expiry."""
        return tuple(row[0] for row in self._execute(self._sql.index_list, key=index, now=now).rows)

    def index_remove(self, index: bytes, member: bytes) -> None:
        """One row."""
        self._execute(self._sql.index_remove, key=index, member=member)

    def mark_ended(self, key: bytes, *, now: float, expires_at: float) -> None:
        """One upsert that keeps the larger of both times."""
        self._execute(self._sql.mark, key=key, now=now, expires_at=expires_at)

    def ended_since(self, key: bytes, *, since: float, now: float) -> bool:
        """One row by its key."""
        return bool(self._execute(self._sql.ended_since, key=key, since=since, now=now).rows)

    def lease(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """As a claim, in a table of its own."""
        return self._execute(*self._sql.lease, key=key, owner=owner, now=now, expires_at=expires_at).changed == 1

    def release(self, key: bytes, owner: bytes) -> None:
        """One row, if it is this owner's."""
        self._execute(self._sql.release, key=key, owner=owner)

    def epoch(self) -> int:
        """The only row of its table."""
        return int(self._execute(self._sql.epoch).rows[0][0])

    def next_epoch(self) -> int:
        """Count and read in one statement. One that is sent twice may leave a number out."""
        return int(self._execute(self._sql.next_epoch).rows[0][0])

    def clock(self) -> float:
        """The server's own."""
        return float(self._execute(self._sql.clock).rows[0][0])

    def sweep(self, *, now: float, limit: int = 1000) -> int:
        """Up to `limit` rows over all tables, in one short statement for each."""
        removed = 0
        for sweep in self._sql.sweeps:
            if removed < limit:
                removed += self._execute(sweep, now=now, limit=limit - removed).changed
        return removed

    def close(self) -> None:
        """Close the connections that nobody is using, and the others after their use."""
        self._database.close()

    def _holds(self, key: bytes, value: bytes, *, version: int, now: float) -> bool:
        """Whether a write that was sent twice had come through: nobody else seals to the same bytes."""
        stored = self.load(key, now=now)
        return stored is not None and (stored.value, stored.version) == (value, version)


class Database:
    """Runs statements in the database at `url`. Whatever goes wrong there is a `StoreUnavailable`."""

    def __init__(self, url: str, *, create_tables: bool) -> None:
        address, self.driver = _read(url)
        self._create_tables = create_tables
        self._name = printable(" at ".join(filter(None, (address.database, address.host))), limit=100)
        self._pools: dict[int, QueuePool] = {}
        """By process: what a child has inherited it neither uses nor closes, but keeps."""

    def execute(self, *statements: str, **parameters: Parameter) -> Done:
        """Run one statement, and each further one only where those before changed nothing."""
        failures = 0
        while True:
            started = time.monotonic()
            pool = self._pool()
            connection = self._take(pool)
            driven = connection.dbapi_connection
            try:
                for statement in statements:
                    answer = self.driver.execute(driven, statement, parameters)
                    if answer.changed:
                        break
            except self.driver.errors as error:
                cause = self.driver.cause(error, driven)
                connection.invalidate()
                if cause == "lost":  # the others are probably gone, too
                    self._let_go(pool)
                failures += 1
                if failures > _REPEATS.get(cause, 0) or time.monotonic() > started + QUICK_SECONDS:
                    raise self._unavailable(NO_TABLES if cause == "no_tables" else self._words(error)) from None
            except BaseException:  # of another thread or a signal: it is in the middle of an answer
                connection.invalidate()
                raise
            else:
                connection.close()
                if self._pools.get(os.getpid()) is not pool:
                    pool.dispose()  # let go of meanwhile: this closes ours, too
                return Done(answer.rows, answer.changed, failures > 0)

    def prepare(self) -> str:
        """Make the tables, and say in one sentence what was done."""
        try:
            return make_tables(self.driver)
        except self.driver.errors as error:
            raise self._unavailable(self._words(error)) from None

    def close(self) -> None:
        """Close what is idle now, and the rest when it is given back."""
        pool = self._pools.get(os.getpid())
        if pool is not None:
            self._let_go(pool)

    def _pool(self) -> QueuePool:
        process = os.getpid()
        pool = self._pools.get(process)
        if pool is None:
            made = QueuePool(
                self._connect,
                pool_size=CONNECTIONS,
                max_overflow=0,
                timeout=BUSY_SECONDS,
                recycle=RECYCLE_SECONDS,
                use_lifo=True,
                reset_on_return=None,
            )
            pool = self._pools.setdefault(process, made)
        return pool

    def _take(self, pool: QueuePool) -> PoolProxiedConnection:
        try:
            return pool.connect()
        except self.driver.errors as error:
            raise self._unavailable(self._words(error)) from None
        except PoolTimeout:
            raise self._unavailable(f"all {CONNECTIONS} connections of this process are busy") from None

    def _connect(self) -> Any:
        connection = self.driver.connect(STATEMENT_SECONDS)
        try:
            if self._create_tables and are_missing(self.driver, connection):
                make_tables(self.driver)
            check_tables(self.driver, connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _let_go(self, pool: QueuePool) -> None:
        if self._pools.get(os.getpid()) is pool:
            self._pools.pop(os.getpid(), None)
        pool.dispose()

    def _words(self, error: Exception) -> str:
        """The first line of what the driver says: later ones may quote rows."""
        return printable(self.driver.reason(error).partition("\n")[0], limit=200)

    def _unavailable(self, reason: str) -> StoreUnavailable:
        message = f"the session database {self._name} can't be used: {reason}"
        return StoreUnavailable("store_unavailable", message)


def _read(url: str) -> tuple[URL, Driver]:
    """The address, and its driver. No sentence about it quotes any part: where it is wrong, nobody knows what
    its parts are.
    """
    try:
        address = make_url(url)
        _, arguments = address.get_dialect()().create_connect_args(address)
    except (SQLAlchemyError, ValueError):
        raise ConfigurationError(("the address of the session database can't be read",)) from None
    return address, open_driver(address.drivername, dict(arguments))
