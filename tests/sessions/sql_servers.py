"""What holds of the SQL store on every kind of server, as tests. Supply a fixture `server`, shared or not."""

import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from tests.servers.database import DatabaseServer
from tests.sessions.skewed import APART_SECONDS, JUST, verdicts

from signon.core.errors import StoreUnavailable
from signon.sessions import sql
from signon.sessions.contract import END, NOW, RACERS, new_key, race
from signon.sessions.sql import SqlStore
from signon.sessions.sql_statements import SCHEMA_VERSION
from signon.sessions.store import Stored

OWNER = b"o" * 16
KINDS = ("records", "claims", "leases", "marks", "members")
WITHIN_SECONDS = 2.0


@contextmanager
def opened(url: str, *, create_tables: bool = True) -> Iterator[SqlStore]:
    store = SqlStore(url, create_tables=create_tables)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def refused(words: str = "can't be used") -> Iterator[None]:
    """What runs inside must end soon, as a store that can't be used, in words."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=words) as caught:
        yield
    assert time.monotonic() - started < WITHIN_SECONDS
    assert caught.value.code == "store_unavailable"
    assert caught.value.__cause__ is None


def counts(server: DatabaseServer, *, schema: str) -> list[int]:
    return [server.ask(f"SELECT count(*) FROM {schema}.signon_{kind}")[0][0] for kind in KINDS]


def lose_answers(store: SqlStore, count: int = 1) -> list[str]:
    """Close the connection after the next statements, which the server has carried out; gives those lost."""
    store.epoch()
    database, lost = store._database, []
    execute = database.driver.execute

    def unanswered(connection, statement, parameters):
        answer = execute(connection, statement, parameters)
        if len(lost) < count and statement != "SELECT version FROM signon_store":
            lost.append(statement)
            connection.close()
            raise database.driver.errors[0]("the connection was lost")
        return answer

    database.driver = replace(database.driver, execute=unanswered)
    return lost


class SqlServerTests:
    """Tables, faults of the server, and what is kept of a statement whose answer is lost."""

    schema: str

    @pytest.fixture
    def fresh(self, server):
        """The server without any table."""
        server.empty()
        yield server
        server.empty()

    @pytest.fixture
    def store(self, server):
        """A store that holds nothing, on tables that stay from test to test."""
        if not server.runs:  # a test that kills it has failed
            server.start()
        with opened(server.url) as store:
            for kind in KINDS:
                store._execute(f"DELETE FROM signon_{kind}")
            store._execute("UPDATE signon_store SET epoch = 0")
            yield store

    def test_without_tables_it_says_what_makes_them(self, fresh):
        """Where the tables are missing and may not be made, the error names the command, and nothing is made."""
        with opened(fresh.url, create_tables=False) as store:
            with refused("run flask signon init-store"):
                store.epoch()
            with refused("run flask signon init-store"):
                store.epoch()

    def test_prepare_says_what_it_did(self, fresh):
        """Preparing makes the tables once, says so, and what is kept in them stays at the second time."""
        with opened(fresh.url, create_tables=False) as store:
            assert store.prepare() == f"The session tables were made, in version {SCHEMA_VERSION}."
            assert store.create(b"k" * 32, b"value", now=NOW, expires_at=END)
            assert store.prepare() == f"The session tables were there already, in version {SCHEMA_VERSION}."
            assert store.load(b"k" * 32, now=NOW) is not None

    def test_prepare_goes_on_where_it_was_broken_off(self, fresh):
        """Tables without their version, as a broken preparation may leave them, are completed."""
        with opened(fresh.url, create_tables=False) as store:
            store.prepare()
            fresh.ask(f"DELETE FROM {self.schema}.signon_store")
            store.close()
            with refused("init-store"):
                store.epoch()
            assert "were made" in store.prepare()
            assert store.epoch() == 0

    def test_many_may_make_the_tables_at_once(self, fresh):
        """Eight threads with a store each, on a database without tables, all find it usable."""
        stores = [SqlStore(fresh.url, create_tables=True) for _ in range(RACERS)]
        assert sorted(race(lambda n: stores[n].next_epoch())) == list(range(1, RACERS + 1))
        for store in stores:
            store.close()

    @pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
    def test_tables_of_another_version_are_refused(self, fresh, version):
        """Tables of a version that we don't know are neither used nor changed, by nobody."""
        with opened(fresh.url) as store:
            store.epoch()
            fresh.ask(f"UPDATE {self.schema}.signon_store SET version = {version}, epoch = 7")
            store.close()
            for use in (store.epoch, store.prepare):
                with refused(f"version {version}, and only {SCHEMA_VERSION} can be used"):
                    use()
        assert fresh.ask(f"SELECT version, epoch FROM {self.schema}.signon_store") == [(version, 7)]

    def test_tables_that_go_while_it_runs_are_missed_in_words(self, fresh):
        """A table that is dropped under an open connection is our error, which names the command."""
        with opened(fresh.url) as store:
            store.epoch()
            fresh.ask(f"DROP TABLE {self.schema}.signon_records")
            with refused("init-store"):
                store.load(b"k" * 32, now=NOW)

    def test_a_sweep_removes_rows(self, server, store):
        """A sweep takes expired rows of every kind, in all as many as it may and says."""
        for number in range(3):
            key = bytes([number]) * 32
            store.create(key, b"value", now=0, expires_at=10)
            store.claim(key, OWNER, now=0, expires_at=10)
            store.lease(key, OWNER, now=0, expires_at=10)
            store.mark_ended(key, now=0, expires_at=10)
            store.index_add(key, key, now=0, expires_at=10)
        assert store.sweep(now=9.9) == 0
        assert [store.sweep(now=10, limit=7) for _ in range(4)] == [7, 7, 1, 0]
        assert counts(server, schema=self.schema) == [0] * len(KINDS)

    def test_sweeps_at_the_same_time_share_the_work(self, store):
        """Eight sweeps at once remove each row once, and none fails."""
        for number in range(200):
            store.claim(number.to_bytes(32, "big"), OWNER, now=0, expires_at=10)
        swept = sum(race(lambda _: store.sweep(now=10, limit=1000)))
        assert swept + store.sweep(now=10) == 200

    def test_a_touch_in_the_same_moment_is_no_failure(self, store):
        """A touch or a lease that changes no number has found its row, and says so."""
        key = new_key()
        store.create(key, b"value", now=NOW, expires_at=END)
        assert store.touch(key, now=NOW, expires_at=END)
        assert all(store.lease(key, OWNER, now=NOW, expires_at=END) for _ in range(2))

    def test_a_new_session_is_one_operation(self, store):
        """`create_indexed` adds to every index and creates, and refuses a key that is in use."""
        key, indexes = new_key(), (new_key(), new_key())
        times = {"since": NOW, "now": NOW, "expires_at": END}
        assert store.create_indexed(key, b"value", indexes=indexes, **times)
        assert store.load(key, now=NOW) == Stored(value=b"value", version=1, touched_at=NOW)
        assert [store.index_list(index, now=NOW) for index in indexes] == [(key,), (key,)]
        with refused("never used"):
            store.create_indexed(key, b"other", indexes=indexes, **times)

    @pytest.mark.parametrize("ended", [0, 1])
    def test_a_session_that_was_ended_meanwhile_is_not_kept(self, store, ended, monkeypatch):
        """A mark of either index that is made while the session is created removes it; an older one doesn't."""
        key, indexes = new_key(), (new_key(), new_key())
        times = {"since": NOW, "now": NOW + 2, "expires_at": END}
        store.mark_ended(indexes[ended], now=NOW, expires_at=END)
        assert store.create_indexed(new_key(), b"value", indexes=indexes, **times)
        store.sweep(now=END)
        execute = store._execute

        def ended_meanwhile(*statements, **parameters):
            done = execute(*statements, **parameters)
            if "value" in parameters:
                execute(store._sql.mark, key=indexes[ended], now=NOW + 1, expires_at=END)
            return done

        monkeypatch.setattr(store, "_execute", ended_meanwhile)
        assert not store.create_indexed(key, b"value", indexes=indexes, **times)
        assert store.load(key, now=NOW) is None
        assert not any(key in store.index_list(index, now=NOW) for index in indexes)

    def test_an_end_that_has_run_out_elsewhere_still_counts(self, store):
        """A mark later than `since` stops a new session, also for a machine whose `now` is past its expiry."""
        index = new_key()
        store.mark_ended(index, now=NOW, expires_at=END)
        late = {"indexes": (index,), "now": END + 3600, "expires_at": END + 7200}
        assert not store.create_indexed(new_key(), b"value", since=NOW - 1, **late)
        assert store.create_indexed(new_key(), b"value", since=NOW, **late)

    def test_the_clock_is_the_servers(self, store):
        """Its clock says POSIX seconds with their fractions."""
        store.epoch()
        before = time.time()
        assert before - 0.1 < store.clock() < time.time() + 0.1
        assert store.clock() % 1 or store.clock() % 1

    @pytest.mark.parametrize("ahead", [APART_SECONDS, -APART_SECONDS])
    def test_clocks_that_are_apart_change_nothing(self, store, sealer, session, ahead):
        """A sign-in that began before an end is stopped, a later one isn't, whatever the clock that ended says."""
        assert verdicts(store, sealer, session, ahead=ahead) == JUST

    def test_a_restart_between_two_operations_is_not_noticed(self, server, store):
        """After an orderly restart of the server every operation works at once, on every connection there was."""
        key = new_key()
        store.create(key, b"value", now=NOW, expires_at=END)
        race(lambda _: store.load(key, now=NOW))
        for winners, use in (
            (RACERS, lambda _: store.load(key, now=NOW) == Stored(value=b"value", version=1, touched_at=NOW)),
            (1, lambda n: store.update(key, bytes([n]), version=1, now=NOW, expires_at=END)),
            (RACERS, lambda _: store.create(new_key(), b"value", now=NOW, expires_at=END)),
        ):
            server.restart()
            assert race(use).count(True) == winners

    def test_connections_that_an_administrator_ends_are_not_missed(self, server, store):
        """Connections that the server closes while they are idle cost no operation an error."""
        race(lambda _: store.epoch())
        self.end_connections(server)
        assert race(lambda _: store.epoch()) == [0] * RACERS

    def test_each_operation_survives_a_lost_connection(self, store):
        """An operation that was carried out, but whose answer was lost, gives the answer it should."""
        key, index, member = new_key(), new_key(), new_key()
        times = {"now": NOW, "expires_at": END}
        for expected, use in (
            (True, lambda: store.create(key, b"one", **times)),
            (True, lambda: store.update(key, b"two", version=1, **times)),
            (Stored(value=b"two", version=2, touched_at=NOW), lambda: store.load(key, now=NOW)),
            (True, lambda: store.touch(key, now=NOW + 1, expires_at=END)),
            (True, lambda: store.claim(key, OWNER, **times)),
            (True, lambda: store.was_claimed(key, now=NOW)),
            (True, lambda: store.lease(key, OWNER, **times)),
            (None, lambda: store.release(key, OWNER)),
            (None, lambda: store.index_add(index, member, **times)),
            ((member,), lambda: store.index_list(index, now=NOW)),
            (None, lambda: store.index_remove(index, member)),
            (None, lambda: store.mark_ended(key, **times)),
            (True, lambda: store.ended_since(key, since=NOW - 1, now=NOW)),
            (True, lambda: store.create_indexed(new_key(), b"one", indexes=(index,), since=NOW, **times)),
            (True, lambda: store.delete(key)),
            (0, store.epoch),
            (2, store.next_epoch),  # one number is left out
            (0, lambda: store.sweep(now=NOW)),
        ):
            lost = lose_answers(store)
            assert use() == expected, lost
            assert len(lost) == 1

    def test_others_are_not_taken_for_the_lost_write(self, store):
        """A create or update that fails at its second sending, against somebody else's value, has failed."""
        key = new_key()
        store.create(key, b"theirs", now=NOW, expires_at=END)
        lose_answers(store)
        assert not store.create(key, b"ours", now=NOW, expires_at=END)
        store.update(key, b"theirs, too", version=1, now=NOW, expires_at=END)
        lose_answers(store)
        assert not store.update(key, b"ours", version=1, now=NOW, expires_at=END)
        assert store.load(key, now=NOW) == Stored(value=b"theirs, too", version=2, touched_at=NOW)
        lose_answers(store)
        with refused("never used"):
            store.create_indexed(key, b"ours", indexes=(new_key(),), since=NOW, now=NOW, expires_at=END)

    def test_an_operation_is_sent_twice_at_most(self, store):
        """Where the second connection is lost, too, the operation has failed."""
        lost = lose_answers(store, 2)
        with refused("the connection was lost"):
            store.load(new_key(), now=NOW)
        assert len(lost) == 2

    def test_what_was_slow_is_not_sent_again(self, store, monkeypatch):
        """A connection that is lost after a wait is the sign of a slow server, which isn't asked twice."""
        monkeypatch.setattr(sql, "QUICK_SECONDS", -1.0)
        lost = lose_answers(store, 2)
        with refused("the connection was lost"):
            store.load(new_key(), now=NOW)
        assert len(lost) == 1

    def test_a_stopped_server_costs_two_seconds_at_most(self, server, store):
        """A server that hangs is given up on, by open connections and by new ones, and used when it goes on."""
        store.epoch()
        with server.pause():
            with refused():
                store.epoch()
            with refused():
                store.epoch()
            store.close()
            with refused():
                store.epoch()
        assert store.epoch() == 0

    def test_many_threads_on_a_stopped_server_end_in_time(self, server, store):
        """Three times as many threads as connections all get their error within the same two seconds."""
        store.epoch()

        def use(_):
            with refused():
                store.epoch()
            return True

        with server.pause(), ThreadPoolExecutor(3 * sql.CONNECTIONS) as pool:
            assert all(pool.map(use, range(3 * sql.CONNECTIONS)))
        assert store.epoch() == 0

    def test_a_dead_server_is_refused_at_once_and_used_when_it_is_back(self, server, store):
        """A server that was killed is an error in words; what it had answered is there when it runs again."""
        key = new_key()
        assert store.create(key, b"value", now=NOW, expires_at=END)
        server.kill()
        for _ in range(2):
            with refused():
                store.load(key, now=NOW)
        server.start()
        assert store.load(key, now=NOW) == Stored(value=b"value", version=1, touched_at=NOW)

    def test_a_lock_is_waited_for_a_second(self, server, store):
        """A row that somebody else keeps locked is given up on after a second; reading it doesn't wait."""
        key = new_key()
        store.create(key, b"value", now=NOW, expires_at=END)
        with self.locked(server, key):
            assert store.load(key, now=NOW) is not None
            with refused():
                store.delete(key)
        assert store.delete(key)

    def test_a_busy_pool_is_an_error_in_words(self, store, monkeypatch):
        """A thread that gets no connection in time is told so."""
        monkeypatch.setattr(sql, "CONNECTIONS", 1)
        monkeypatch.setattr(sql, "BUSY_SECONDS", 0.01)
        store.close()
        held = store._database._take(store._database._pool())
        with refused("all 1 connections of this process are busy"):
            store.epoch()
        held.close()
        assert store.epoch() == 0

    def test_close_reaches_connections_in_use(self, store):
        """A connection that is in use when the store is closed is closed after it, not kept."""
        database = store._database
        execute = database.driver.execute
        used = []

        def closing(connection, statement, parameters):
            used.append(connection)
            store.close()
            return execute(connection, statement, parameters)

        store.epoch()
        database.driver = replace(database.driver, execute=closing)
        assert store.epoch() == 0
        assert database.driver.cause(RuntimeError(), used[0]) == "lost"

    def test_an_interrupted_operation_leaves_no_half_read_connection(self, store):
        """A signal in the middle of an answer closes the connection, so that nobody gets that answer as theirs."""
        database = store._database
        driver, used = database.driver, []

        def interrupted(connection, statement, parameters):
            used.append(connection)
            driver.execute(connection, statement, parameters)
            raise KeyboardInterrupt

        store.epoch()
        database.driver = replace(driver, execute=interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.epoch()
        database.driver = driver
        assert driver.cause(RuntimeError(), used[0]) == "lost"
        assert store.epoch() == 0

    def test_no_error_quotes_the_password(self, server, plant):
        """A wrong password, or a wrong database, is an error that holds neither password."""
        wrong = "planted-wrong-password"
        plant(wrong, server.password)
        for url in (
            server.url.replace(server.password, wrong),
            f"{server.url}-of-nobody",
        ):
            with opened(url) as store:
                for use in (store.epoch, store.prepare):
                    with pytest.raises(StoreUnavailable) as caught:
                        use()
                    text = "".join(traceback.format_exception(caught.value))
                    assert wrong not in text
                    assert server.password not in text

    def test_something_else_that_answers_is_our_error(self, server):
        """A port where something else than the database answers is an error in words."""
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def greet():
                for _ in range(2):
                    connection, _ = listener.accept()
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
                    connection.close()

            thread = threading.Thread(target=greet)
            thread.start()
            parts = urlsplit(server.url)
            with opened(server.url.replace(str(parts.port), str(listener.getsockname()[1]))) as store:
                for _ in range(2):
                    with refused():
                        store.epoch()
            thread.join()

    def test_a_child_has_connections_of_its_own(self, store):
        """After a fork parent and child go on at the same time, and the child closes nothing of the parent's."""
        key = new_key()
        store.create(key, b"parent", now=NOW, expires_at=END)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for _ in range(20):
                    assert store.load(key, now=NOW).value == b"parent"
                store.close()
                os.write(writing, b"done")
                status = 0
            except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as a second pytest
                traceback.print_exc()
            finally:
                os._exit(status)
        for _ in range(20):
            assert store.load(key, now=NOW).value == b"parent"
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        os.close(reading)
        os.close(writing)
        before = store._database._pool()
        assert store.load(key, now=NOW).value == b"parent"
        assert store._database._pool() is before

    def test_connections_are_used_again(self, store):
        """Fifty threads, one after the other, share one connection."""
        for _ in range(50):
            thread = threading.Thread(target=store.epoch)
            thread.start()
            thread.join()
        assert store._database._pool().checkedin() == 1

    def test_nothing_readable_is_kept(self, server, store):
        """What is in the tables is what was given: digests and sealed bytes in binary columns, and times."""
        store.epoch()
        columns = server.ask(
            f"""SELECT DISTINCT column_name, data_type FROM information_schema.columns
            WHERE table_schema = '{self.schema}' AND table_name LIKE 'signon%' ORDER BY 1, 2"""
        )
        assert {name for name, kind in columns if kind in {"bytea", "binary", "longblob"}} == {
            "id",
            "member",
            "owner",
            "value",
        }
        assert {name for name, kind in columns if kind in {"double precision", "double"}} == {
            "ended_at",
            "expires_at",
            "touched_at",
        }
        assert {name for name, kind in columns if kind in {"integer", "int", "bigint"}} == {
            "one",
            "version",
            "epoch",
        }
        assert len(columns) == 10
