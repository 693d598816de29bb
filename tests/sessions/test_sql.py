import socket
import traceback
from contextlib import closing, suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signon.core.errors import ConfigurationError, StoreUnavailable
from signon.sessions import sql
from signon.sessions.sql import SqlStore
from signon.sessions.sql_driver import Answer, Driver
from signon.sessions.sql_statements import POSTGRESQL, SCHEMA_VERSION

PASSWORD = "planted-database-password"
KINDS = ("postgresql+psycopg", "mysql+pymysql", "mariadb+pymysql")


class ServerError(Exception):
    """What the server of these tests raises; its text is the cause."""


class Server:
    """Answers every statement, except for the failures that stand in its list."""

    def __init__(self):
        self.failures = []
        self.sent = []
        self.connections = []

    def connect(self, _seconds):
        self.connections.append(Connection())
        return self.connections[-1]

    def execute(self, _connection, statement, _parameters):
        if statement.startswith("SELECT version FROM"):
            return Answer([(SCHEMA_VERSION,)], 1)
        self.sent.append(statement)
        if self.failures:
            raise ServerError(self.failures.pop(0))
        return Answer([(1,)], 1)


class Connection:
    closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def store(server):
    store = SqlStore("postgresql+psycopg://nobody@db.example/sessions", create_tables=False)
    store._database.driver = Driver(
        statements=POSTGRESQL,
        errors=(ServerError,),
        connect=server.connect,
        execute=server.execute,
        cause=lambda error, _: error.args[0].partition(":")[0],
        reason=str,
    )
    with closing(store):
        yield store


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_opened_before_it_is_needed(kind):
    """Making a store asks no server; the first operation does, and says at once that nobody listens."""
    with socket.socket() as bound:  # nobody else gets this port, and nobody listens on it
        bound.bind(("127.0.0.1", 0))
        store = SqlStore(
            f"{kind}://signon:{PASSWORD}@127.0.0.1:{bound.getsockname()[1]}/sessions", create_tables=True
        )
        for use in (store.epoch, store.prepare):
            with pytest.raises(StoreUnavailable, match=r"sessions at 127\.0\.0\.1 can't be used") as caught:
                use()
            assert (caught.value.code, caught.value.status) == ("store_unavailable", 503)
            assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("somewhere", "can't be read"),
        (f"postgresql+psycopg://signon:{PASSWORD}@host:port/sessions", "can't be read"),
        (f"oracle+nothing://signon:{PASSWORD}@host/sessions", "can't be read"),
        (f"mysql+pymysql://signon:{PASSWORD}@host/sessions?connect_timeout=soon", "can't be read"),
        (f"postgresql://signon:{PASSWORD}@host/sessions", "must begin with postgresql+psycopg, "),
        (f"mysql+mysqldb://signon:{PASSWORD}@host/sessions", "must begin with postgresql+psycopg, "),
        (f"postgresql+psycopg://signon:{PASSWORD}@host/sessions?sslmod=require", "libpq doesn't know"),
        (f"mysql+pymysql://signon:{PASSWORD}@host/sessions?sslmode=require", "PyMySQL doesn't know"),
        (f"mariadb+pymysql://signon:{PASSWORD}@host/sessions?ssl_ca=/no/such/file", "can't read"),
    ],
)
def test_an_address_that_cannot_be_right_stops_the_start(url, problem):
    """An address with a mistake is one sentence at the start, which quotes no part of it."""
    with pytest.raises(ConfigurationError) as caught:
        SqlStore(url, create_tables=False)
    (sentence,) = caught.value.problems
    assert problem in sentence
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@settings(max_examples=50, deadline=None)
@given(kind=st.sampled_from(KINDS), rest=st.text())
def test_any_address_is_a_store_or_our_error(kind, rest):
    """Whatever text follows the scheme, it is a store that opened nothing, or a `ConfigurationError`."""
    with suppress(ConfigurationError):
        SqlStore(f"{kind}://{rest}", create_tables=False)


@pytest.mark.parametrize(("cause", "repeats"), [("lost", 1), ("deadlock", 2), ("other", 0), ("no_tables", 0)])
def test_how_often_a_statement_is_sent_again(server, store, cause, repeats):
    """A lost connection is one more try, a deadlock two, since neither has to do with the statement; else none."""
    server.failures = [f"{cause}: words"] * repeats
    assert store.epoch() == 1
    server.sent.clear()
    server.failures = [f"{cause}: words"] * (repeats + 1)
    with pytest.raises(StoreUnavailable):
        store.epoch()
    assert len(server.sent) == repeats + 1


def test_a_connection_that_failed_is_not_used_again(server, store):
    """After an error the connection goes, in whatever state it is; after a lost one all go."""
    first, second = store._database._take(pool := store._database._pool()), store._database._take(pool)
    second.close()
    first.close()
    server.failures = ["other: words"]
    with pytest.raises(StoreUnavailable):
        store.epoch()
    assert sorted(connection.closed for connection in server.connections) == [False, True]
    server.failures = ["lost: words"]
    store.epoch()
    assert [connection.closed for connection in server.connections] == [True, True, True, False]


def test_only_the_first_line_of_a_driver_is_quoted(server, store):
    """The first line of an error is in ours, printable and not long; later ones may hold what was in a row."""
    server.failures = ["other: a\tword" + "x" * 300 + "\nDETAIL: Key (id)=(planted)"]
    with pytest.raises(StoreUnavailable, match=r"used: other: a\?wordx+…$") as caught:
        store.epoch()
    assert "\t" not in str(caught.value)


def test_what_fails_while_tables_are_made_is_our_error(server, store):
    """An error that isn't about missing tables is passed on in words, and the connection is closed."""

    def forbidden(*_):
        raise ServerError("other: no permission")

    store._database.driver = replace(store._database.driver, execute=forbidden)
    for use in (store.prepare, store.epoch):
        with pytest.raises(StoreUnavailable, match="no permission"):
            use()
    assert [connection.closed for connection in server.connections] == [True, True]


def test_two_threads_that_start_share_a_pool(store, monkeypatch):
    """Where two threads find no pool, both use the one that was kept first."""
    made = []
    queue_pool = sql.QueuePool

    def slow(*arguments, **options):
        made.append(queue_pool(*arguments, **options))
        if len(made) == 1:
            store._database._pool()
        return made[-1]

    monkeypatch.setattr(sql, "QueuePool", slow)
    assert store._database._pool() is made[1]
    assert store._database._pool() is made[1]


def test_a_child_keeps_what_it_has_inherited(server, store, monkeypatch):
    """In another process than the one that opened it a connection is neither used nor closed."""
    store.epoch()
    monkeypatch.setattr(sql.os, "getpid", lambda: -1)
    store.epoch()
    assert len(server.connections) == 2
    store.close()
    assert [connection.closed for connection in server.connections] == [False, True]
