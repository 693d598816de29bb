import os
import sqlite3
import sys
import threading
import traceback
from pathlib import Path

import pytest

from signon.core.errors import StoreUnavailable
from signon.sessions import sqlite_pool
from signon.sessions.sqlite_pool import Pool

INSERT = "INSERT INTO things VALUES (?)"
SELECT = "SELECT thing FROM things"


def prepare(connection):
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS things (thing BLOB)")


def busy():
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


@pytest.fixture
def path(tmp_path):
    return tmp_path / "things.db"


@pytest.fixture
def pool(path):
    pool = Pool(str(path), timeout_seconds=0.05, prepare=prepare)
    yield pool
    pool.close()


@pytest.fixture
def writer(path, pool):
    """Another connection, in the middle of a write."""
    pool.execute(SELECT)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def refused(action, *arguments):
    with pytest.raises(StoreUnavailable) as caught:
        action(*arguments)
    assert (caught.value.code, caught.value.fault, caught.value.status) == ("store_unavailable", "store", 503)
    return str(caught.value)


def test_a_statement_gives_rows_and_changes(pool):
    """A statement gives the rows it read and the number it changed."""
    assert pool.execute(INSERT, b"a").changed == 1
    assert pool.execute(SELECT).rows == [(b"a",)]


def test_a_transaction_gives_what_its_last_statement_gave(pool):
    """A transaction keeps all its statements and gives the rows of the last one."""
    assert pool.transaction((INSERT, (b"a",)), (INSERT, (b"b",)), (SELECT, ())).rows == [(b"a",), (b"b",)]


def test_a_transaction_that_fails_leaves_nothing(pool):
    """When a later statement fails, the earlier ones are undone and the pool goes on."""
    assert "no such table" in refused(pool.transaction, (INSERT, (b"a",)), ("INSERT INTO nowhere VALUES (1)", ()))
    assert pool.execute(SELECT).rows == []


def test_a_lock_past_the_timeout_is_our_error(pool, writer):
    """While another connection writes, readers are served, writers wait for the timeout and are refused."""
    assert pool.execute(SELECT).rows == []
    assert "locked" in refused(pool.execute, INSERT, b"a")
    assert "locked" in refused(pool.transaction, (INSERT, (b"a",)))
    writer.execute("ROLLBACK")
    assert pool.execute(INSERT, b"a").changed == 1


def test_a_full_disk_is_our_error(pool):
    """A write that finds no room is refused; what is there can still be read."""
    pool.execute(INSERT, b"kept")
    pool.execute("PRAGMA max_page_count = 2")
    assert "full" in refused(pool.execute, INSERT, bytes(100_000))
    assert pool.execute(SELECT).rows == [(b"kept",)]


@pytest.mark.parametrize("where", ["missing/things.db", "."])
def test_a_file_that_cannot_be_opened_is_our_error(tmp_path, where):
    """A folder that isn't there, or a folder where the file should be, is named in our error."""
    pool = Pool(str(tmp_path / where), timeout_seconds=0.05, prepare=prepare)
    assert str(tmp_path) in refused(pool.execute, SELECT)


def test_a_file_of_something_else_is_our_error(path, pool):
    """A file that is no database is refused, and stays as it is."""
    path.write_bytes(b"not a database " * 1000)
    assert "not a database" in refused(pool.execute, SELECT)
    assert path.read_bytes() == b"not a database " * 1000


def test_a_file_that_breaks_while_open_is_our_error(path, pool):
    """A file that is spoilt under an open connection is refused at the next statement."""
    pool.transaction(*[(INSERT, (bytes(50_000),)) for _ in range(20)])
    pool.close()
    pool.execute("SELECT 1")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 400_000)
    refused(pool.execute, "SELECT max(length(thing)) FROM things")


def test_opening_waits_for_others_that_open(path):
    """A connection whose preparation meets a lock is tried again, since going to WAL doesn't wait by itself."""
    failures = [busy(), busy()]

    def prepare_late(connection):
        if failures:
            raise failures.pop()
        prepare(connection)

    pool = Pool(str(path), timeout_seconds=5, prepare=prepare_late)
    assert pool.execute(SELECT).rows == []
    pool.close()


def test_opening_gives_up_at_the_timeout(path):
    """A lock that stays is our error, no later than the timeout."""

    def prepare_never(connection):
        raise busy()

    pool = Pool(str(path), timeout_seconds=0.02, prepare=prepare_never)
    assert "locked" in refused(pool.execute, SELECT)


def test_nobody_opens_a_file_that_is_being_made(path, monkeypatch):
    """A second thread waits until a new file is closed again, since closing it would drop that thread's locks."""
    pool = Pool(str(path), timeout_seconds=20, prepare=prepare)
    thread = threading.Thread(target=pool.execute, args=(SELECT,))
    close, waited = os.close, []

    def close_late(descriptor):
        thread.start()
        thread.join(0.05)
        waited.append(thread.is_alive())
        close(descriptor)

    monkeypatch.setattr(sqlite_pool.os, "close", close_late)
    pool.execute(SELECT)
    monkeypatch.undo()
    thread.join()
    pool.close()
    assert waited == [True]


def test_a_child_does_not_wait_for_a_thread_it_has_not(pool):
    """A fork while another thread makes the file leaves the child able to open it."""
    with pool._making:
        assert in_child(lambda: pool.execute(SELECT)) == 0


def test_connections_are_used_again(pool):
    """Fifty threads, one after the other, share one connection; idle ones don't pile up."""
    for _ in range(50):
        thread = threading.Thread(target=pool.execute, args=(SELECT,))
        thread.start()
        thread.join()
    assert len(pool._idle) == 1


def test_a_connection_serves_one_thread_at_a_time(pool):
    """A statement that runs while others are held has a connection of its own, and all come back."""
    first, second = pool._take(), pool._take()
    assert first is not second
    pool._idle += [first, second]
    pool.execute(SELECT)
    assert len(pool._idle) == 2


def test_close_meets_a_thread_that_took_the_last(pool):
    """Closing what another thread has just taken is no error."""

    class Emptied(list):
        def pop(self):
            super().pop()
            raise IndexError

    pool._idle = Emptied([None])
    pool.close()


def in_child(work):
    """Run `work` in a forked child, and return its exit status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as a second pytest
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux shows who holds which lock")
def test_a_child_takes_locks_of_its_own(path, pool):
    """After a fork the child's connection holds its own lock on the file, so nobody removes the WAL under it."""
    pool.execute(INSERT, b"before")

    def work():
        assert pool.execute(INSERT, b"child").changed == 1
        mine = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        inode = str(path.stat().st_ino)
        assert any(lock[4] == str(os.getpid()) and lock[5].endswith(":" + inode) for lock in mine)

    assert in_child(work) == 0
    assert pool.execute(SELECT).rows == [(b"before",), (b"child",)]


def test_a_fork_that_python_did_not_see_inherits_nothing(pool):
    """Where a server forks without Python's hooks, inherited connections are neither used nor closed."""
    pool.execute(SELECT)
    (inherited,) = pool._idle
    pool._pid = -1
    pool.execute(INSERT, b"child")
    assert inherited not in pool._idle
    assert [inherited] in sqlite_pool._inherited
    assert inherited.execute("SELECT 1").fetchall() == [(1,)]
    sqlite_pool._inherited.clear()
    inherited.close()


def test_pools_are_not_kept_alive(path):
    """The list of pools to close before a fork holds none that the application let go."""
    pool = Pool(str(path), timeout_seconds=0.05, prepare=prepare)
    assert pool in sqlite_pool._pools
    before = len(sqlite_pool._pools)
    assert sys.getrefcount(pool) == 2
    del pool
    assert len(sqlite_pool._pools) == before - 1
