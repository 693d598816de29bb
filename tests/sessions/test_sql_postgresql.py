from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.servers.postgresql import PostgresqlServer, postgresql_server
from tests.sessions.sql_servers import END, KINDS, NOW, SqlServerTests, new_key, opened

from signon.sessions.contract import StoreContract

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server():
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="module")
def shared(server):
    """A store that tests share which use keys of their own."""
    with opened(server.url) as store:
        yield store


class TestPostgresqlStore(StoreContract):
    """PostgreSQL keeps the promise of a store."""

    @pytest.fixture
    def store(self, shared):
        return shared


class TestPostgresqlServer(SqlServerTests):
    """What goes wrong with PostgreSQL, and what it keeps."""

    schema = "public"

    @contextmanager
    def locked(self, server: PostgresqlServer, key: bytes) -> Iterator[None]:
        with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
            connection.execute("SELECT 1 FROM signon_records WHERE id = %s FOR UPDATE", (key,))
            yield

    def end_connections(self, server: PostgresqlServer) -> None:
        server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()")

    def test_a_statement_has_a_second(self, store):
        """The server itself ends a statement after a second."""
        assert store._execute("SHOW statement_timeout").rows == [("1s",)]

    def test_options_of_the_address_are_kept(self, server):
        """Options in the address are the driver's, beside our own."""
        with opened(f"{server.url}?options=-cwork_mem%3D1234kB") as store:
            assert store._execute("SHOW work_mem").rows == [("1234kB",)]
            assert store._execute("SHOW statement_timeout").rows == [("1s",)]

    def test_a_touch_writes_no_index(self, fresh):
        """A touch that leaves the expiry as it is makes a row's next version in the same page, index-free."""
        key = new_key()
        with opened(fresh.url) as store:
            store.create(key, bytes(1000), now=NOW, expires_at=END)
            for later in range(20):
                assert store.touch(key, now=NOW + later, expires_at=END)
            store._execute("SELECT pg_stat_force_next_flush()")
            store.epoch()
        asked = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'signon_records'"
        assert fresh.ask(asked) == [(20, 20)]

    def test_a_sweep_leaves_out_what_somebody_holds(self, server, store):
        """A row that is locked by somebody else is left to the next sweep, and not waited for."""
        held, free = new_key(), new_key()
        for key in (held, free):
            store.create(key, b"value", now=0, expires_at=10)
        with self.locked(server, held):
            assert store.sweep(now=10) == 1
        assert store.sweep(now=10) == 1

    def test_a_sweep_reads_only_what_is_over(self, server, store):
        """A sweep finds what has expired by an index, however much lives."""
        store.epoch()
        server.ask("ALTER ROLE signon SET enable_seqscan = off")
        for kind in KINDS:
            plan = server.ask(f"EXPLAIN SELECT ctid FROM signon_{kind} WHERE expires_at <= 1")
            assert f"signon_{kind}_expiry" in str(plan)
        server.ask("ALTER ROLE signon RESET enable_seqscan")
