import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pymysql
import pytest
from tests.servers.mariadb import MariadbServer, mariadb_server
from tests.sessions.sql_servers import OWNER, SqlServerTests, opened, refused

from signon.sessions import sql_mariadb
from signon.sessions.contract import StoreContract

pytestmark = pytest.mark.mariadb


@contextmanager
def administrator(server: MariadbServer) -> Iterator[pymysql.cursors.Cursor]:
    """A transaction of somebody else."""
    path = str(server.folder / "socket")
    with pymysql.connect(user="root", unix_socket=path, database="sessions") as connection:
        yield connection.cursor()


@pytest.fixture(scope="module")
def server():
    with mariadb_server() as server:
        yield server


@pytest.fixture(scope="module")
def shared(server):
    """A store that tests share which use keys of their own."""
    with opened(server.url) as store:
        yield store


class Open:
    open = True


@pytest.mark.parametrize(
    ("code", "cause"), [(1053, "lost"), (1927, "lost"), (1213, "deadlock"), (1146, "no_tables"), (1205, "other")]
)
def test_an_error_is_known_by_its_number(code, cause):
    """A server that ends a connection, a deadlock and a missing table are told apart from all else."""
    assert sql_mariadb._cause(pymysql.OperationalError(code, "words"), Open()) == cause


def test_an_error_without_words_has_a_reason():
    """An error of the driver that says nothing is named by its kind."""
    assert sql_mariadb._reason(pymysql.InterfaceError()) == "InterfaceError"


class TestMariadbStore(StoreContract):
    """MariaDB keeps the promise of a store."""

    @pytest.fixture
    def store(self, shared):
        return shared


class TestMariadbServer(SqlServerTests):
    """What goes wrong with MariaDB, and what it keeps."""

    schema = "sessions"

    @contextmanager
    def locked(self, server: MariadbServer, key: bytes) -> Iterator[None]:
        with administrator(server) as cursor:
            cursor.execute("SELECT 1 FROM signon_records WHERE id = %s FOR UPDATE", (key,))
            yield

    def end_connections(self, server: MariadbServer) -> None:
        for (number,) in server.ask("SELECT id FROM information_schema.processlist WHERE user = 'signon'"):
            server.ask(f"KILL {number}")

    def test_a_statement_has_a_second_and_locks_rows_alone(self, store):
        """The server itself ends a statement after a second, and locks no gaps between rows."""
        asked = "SELECT @@max_statement_time, @@innodb_lock_wait_timeout, @@tx_isolation"
        assert store._execute(asked).rows == ((1, 1, "READ-COMMITTED"),)

    def test_a_connection_that_cannot_be_set_up_is_closed(self, server, monkeypatch):
        """A connection whose first statement fails is closed at once, not when somebody collects it."""
        connections = []

        def fails(connection, *_):
            connections.append(connection)
            raise pymysql.OperationalError(1, "no")

        monkeypatch.setattr(sql_mariadb, "_execute", fails)
        with opened(server.url) as store, refused(": no$"):
            store.epoch()
        assert not connections[0].open

    def test_a_deadlock_is_not_noticed(self, server, store):
        """A statement that the server undoes to end a deadlock is sent again, and waits for the other."""
        deadlocks = "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"
        ((_, before),) = server.ask(deadlocks)
        first, second = bytes(32), b"\xff" * 32
        for number, key in enumerate((first, second)):
            store.claim(key, OWNER, now=0, expires_at=10 + number)
        with administrator(server) as cursor, ThreadPoolExecutor(1) as pool:
            # Whoever has written more is let live: this transaction, by these rows.
            for number in range(50):
                cursor.execute("INSERT INTO signon_leases VALUES (%s, %s, 10)", (bytes([number]) * 32, OWNER))
            cursor.execute("SELECT 1 FROM signon_claims WHERE id = %s FOR UPDATE", (second,))
            swept = pool.submit(store.sweep, now=20)
            while server.ask("SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'") == []:
                time.sleep(0.01)
            cursor.execute("SELECT 1 FROM signon_claims WHERE id = %s FOR UPDATE", (first,))
            cursor.execute("COMMIT")
            assert swept.result() + store.sweep(now=20) == 52
        assert server.ask(deadlocks) == [("Innodb_deadlocks", str(int(before) + 1))]
