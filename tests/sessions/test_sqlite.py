import multiprocessing
import sqlite3
import stat

import pytest

from signon.core.errors import StoreUnavailable
from signon.sessions.contract import StoreContract
from signon.sessions.sqlite import SCHEMA_VERSION, SqliteStore

PROCESSES = 4
ROUNDS = 40
KINDS = ("records", "claims", "leases", "marks", "members")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sessions.db"


@pytest.fixture
def store(path):
    store = SqliteStore(str(path), timeout_seconds=20)
    yield store
    store.close()


class TestSqliteStore(StoreContract):
    """A SQLite file keeps the promise of a store."""


def rows(path, statement):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def in_processes(path, work):
    """What `work(store, number, gate)` returns in four processes that start together on the same file."""
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(PROCESSES), context.Queue()

    def run(number):
        store = SqliteStore(str(path), timeout_seconds=20)
        try:
            answers.put(work(store, number, gate))
        except BaseException as error:  # noqa: BLE001 - a process that fails must not leave the test waiting
            answers.put(error)
            gate.abort()
        store.close()

    processes = [context.Process(target=run, args=(number,)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    results = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return results


def test_processes_agree_on_each_winner(path):
    """Of four processes on a file that none has made yet, one wins each claim, lease and creation."""

    def work(store, number, gate):
        won = []
        for round_number in range(ROUNDS):
            key, owner = round_number.to_bytes(32, "big"), bytes([number]) * 16
            gate.wait()
            won += [
                store.claim(key, owner, now=1, expires_at=2),
                store.lease(key, owner, now=1, expires_at=2),
                store.create(key, owner, now=1, expires_at=2),
            ]
        return won

    winners = [sum(column) for column in zip(*in_processes(path, work), strict=True)]
    assert winners == [1] * (3 * ROUNDS)


def test_processes_lose_no_update(path):
    """Four processes that count one record on by compare-and-set, and the epoch, lose none of it."""

    def work(store, number, gate):
        key = bytes(32)
        store.create(key, b"0", now=1, expires_at=2)
        gate.wait()
        epochs = []
        for _ in range(ROUNDS):
            while True:
                held = store.load(key, now=1)
                value = b"%d" % (int(held.value) + 1)
                if store.update(key, value, version=held.version, now=1, expires_at=2):
                    break
            epochs.append(store.next_epoch())
        return epochs

    epochs = [epoch for counted in in_processes(path, work) for epoch in counted]
    assert rows(path, "SELECT value, version FROM records") == [
        (b"%d" % (PROCESSES * ROUNDS), PROCESSES * ROUNDS + 1)
    ]
    assert sorted(epochs) == list(range(1, PROCESSES * ROUNDS + 1))


def test_only_its_owner_reads_the_file(path, store):
    """The file and its companions have mode 0600, whatever the umask."""
    store.claim(bytes(32), bytes(16), now=1, expires_at=2)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"sessions.db": 0o600, "sessions.db-wal": 0o600, "sessions.db-shm": 0o600}


def test_nothing_is_opened_before_it_is_needed(path, store):
    """Making a store touches no file."""
    assert not path.exists()


def test_the_file_is_in_wal_mode_and_versioned(path, store):
    """The file says WAL and our schema version; a connection flushes no commit to the disk."""
    store.epoch()
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]
    assert rows(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert store._pool.execute("PRAGMA synchronous").rows == [(1,)]


def test_close_lets_go_of_the_file(path, store):
    """Closing the last connection folds the log into the file, so that it can be copied or moved."""
    store.claim(bytes(32), bytes(16), now=1, expires_at=2)
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["sessions.db"]


def test_an_empty_file_is_made_a_store(path, store):
    """A file of no bytes, as some tools make one beforehand, is as good as none."""
    path.touch()
    assert store.epoch() == 0


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_a_database_that_is_not_ours_stays_as_it_is(path, store, version):
    """A file with other tables, or of a later version, is refused and not changed by one byte."""
    other = sqlite3.connect(path)
    other.executescript(f"CREATE TABLE customers (name TEXT); PRAGMA user_version = {version}")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=f"version {version}, and only {SCHEMA_VERSION}") as caught:
        store.epoch()
    assert caught.value.code == "store_unavailable"
    assert path.read_bytes() == before


def test_a_sweep_removes_rows(path, store):
    """A sweep takes expired rows of every kind out of the file, in all as many as it may and says."""
    for number in range(3):
        key, owner = bytes([number]) * 32, b"a" * 16
        store.create(key, b"value", now=0, expires_at=10)
        store.claim(key, owner, now=0, expires_at=10)
        store.lease(key, owner, now=0, expires_at=10)
        store.mark_ended(key, now=0, expires_at=10)
        store.index_add(key, key, now=0, expires_at=10)
    assert store.sweep(now=9.9) == 0
    assert [store.sweep(now=10, limit=7) for _ in range(4)] == [7, 7, 1, 0]
    assert [rows(path, f"SELECT count(*) FROM {kind}") for kind in KINDS] == [[(0,)]] * len(KINDS)


def test_a_sweep_of_records_reads_only_what_is_over(store):
    """Records, which are large, are swept by their expiry index, never by reading the whole table."""
    store.epoch()
    plan = store._pool.execute("EXPLAIN QUERY PLAN SELECT 1 FROM records WHERE expires_at <= 1").rows
    assert "records_expiry" in plan[0][3]


def test_a_sweep_leaves_what_was_made_new_meanwhile(store, monkeypatch):
    """A claim that somebody takes anew between the look and the removal is kept."""
    key, owner = b"k" * 32, b"a" * 16
    store.claim(key, owner, now=0, expires_at=10)
    transaction = store._pool.transaction

    def taken_anew(*statements):
        store.claim(key, b"b" * 16, now=11, expires_at=30)
        return transaction(*statements)

    monkeypatch.setattr(store._pool, "transaction", taken_anew)
    store.sweep(now=11)
    assert store.was_claimed(key, now=11)


def test_the_wal_may_grow_before_it_is_copied_back(store):
    """Pages that are written again and again stand in the WAL several times, and are copied back once."""
    assert store._pool.execute("PRAGMA wal_autocheckpoint").rows == [(4000,)]
