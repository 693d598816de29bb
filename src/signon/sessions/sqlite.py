"""A store in one SQLite file: right for any number of workers on one machine.

The file is in WAL mode, so readers and the one writer don't wait for each other, and with `synchronous=NORMAL`
a commit costs no disk flush: a crash of the process loses nothing, a power cut may lose the last moments.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from signon.core.errors import StoreUnavailable
from signon.sessions.sqlite_pool import REFUSED, Pool
from signon.sessions.store import Stored

SCHEMA_VERSION = 2
_SCHEMA = (
    # Records have a rowid, since SQLite keeps long values badly without one; everything else is short.
    """CREATE TABLE records (key BLOB PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL,
       touched_at REAL NOT NULL, expires_at REAL NOT NULL)""",
    "CREATE TABLE claims (key BLOB PRIMARY KEY, owner BLOB NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE leases (key BLOB PRIMARY KEY, owner BLOB NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE marks (key BLOB PRIMARY KEY, ended_at REAL NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID",
    """CREATE TABLE members (key BLOB, member BLOB, added_at REAL NOT NULL, expires_at REAL NOT NULL,
       PRIMARY KEY (key, member)) WITHOUT ROWID""",
    # A trigger, so that adding and pruning are one statement: two and their transaction cost four times as much.
    """CREATE TRIGGER members_pruned AFTER INSERT ON members BEGIN
       DELETE FROM members WHERE key = NEW.key AND expires_at <= NEW.added_at; END""",
    # Records only: each index costs every write a page more, and a sweep reads a million short rows in 0.3 s.
    "CREATE INDEX records_expiry ON records (expires_at)",
    # A new session as one row, refused where it was ended meanwhile: one statement in place of seven, each of
    # which lets other threads in between.
    """CREATE VIEW sign_ins AS
       SELECT key, value, touched_at, expires_at, touched_at AS since, key AS first, key AS second
       FROM records""",
    """CREATE TRIGGER sign_in INSTEAD OF INSERT ON sign_ins BEGIN
       SELECT RAISE(ABORT, 'ended') FROM marks WHERE key IN (NEW.first, NEW.second)
       AND ended_at > NEW.since AND expires_at > NEW.touched_at;
       INSERT INTO members (key, member, added_at, expires_at)
       VALUES (NEW.first, NEW.key, NEW.touched_at, NEW.expires_at);
       INSERT INTO members (key, member, added_at, expires_at)
       SELECT NEW.second, NEW.key, NEW.touched_at, NEW.expires_at WHERE NEW.second IS NOT NULL;
       INSERT INTO records (key, value, version, touched_at, expires_at)
       VALUES (NEW.key, NEW.value, 1, NEW.touched_at, NEW.expires_at); END""",
    "CREATE TABLE epochs (epoch INTEGER NOT NULL)",
    "INSERT INTO epochs VALUES (0)",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
_STATE = "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"

_CREATE = """INSERT INTO records (key, value, version, touched_at, expires_at) VALUES (?, ?, 1, ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = 1, touched_at = excluded.touched_at,
    expires_at = excluded.expires_at WHERE records.expires_at <= excluded.touched_at"""
_CREATE_INDEXED = """INSERT INTO sign_ins (key, value, touched_at, expires_at, since, first, second)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_LOAD = "SELECT value, version, touched_at FROM records WHERE key = ? AND expires_at > ?"
_UPDATE = """UPDATE records SET value = ?, version = version + 1, touched_at = ?, expires_at = ?
    WHERE key = ? AND version = ? AND expires_at > ?"""
_TOUCH = "UPDATE records SET touched_at = ?, expires_at = ? WHERE key = ? AND expires_at > ?"
_DELETE = "DELETE FROM records WHERE key = ?"
_CLAIM = """INSERT INTO claims (key, owner, expires_at) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
    WHERE claims.expires_at <= ? OR claims.owner = excluded.owner"""
_WAS_CLAIMED = "SELECT 1 FROM claims WHERE key = ? AND expires_at > ?"
_LEASE = """INSERT INTO leases (key, owner, expires_at) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
    WHERE leases.expires_at <= ? OR leases.owner = excluded.owner"""
_RELEASE = "DELETE FROM leases WHERE key = ? AND owner = ?"
_INDEX_ADD = """INSERT INTO members (key, member, added_at, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (key, member) DO UPDATE SET expires_at = excluded.expires_at"""
_INDEX_LIST = "SELECT member FROM members WHERE key = ? AND expires_at > ? ORDER BY expires_at, member"
_INDEX_REMOVE = "DELETE FROM members WHERE key = ? AND member = ?"
_MARK = """INSERT INTO marks (key, ended_at, expires_at) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET ended_at = max(ended_at, excluded.ended_at),
    expires_at = max(expires_at, excluded.expires_at)"""
_ENDED_SINCE = "SELECT 1 FROM marks WHERE key = ? AND ended_at > ? AND expires_at > ?"
_EPOCH = "SELECT epoch FROM epochs"
_NEXT_EPOCH = "UPDATE epochs SET epoch = epoch + 1"
_SWEEPS = (
    ("SELECT key FROM records WHERE expires_at <= ? LIMIT ?", "DELETE FROM records WHERE key = ?"),
    ("SELECT key FROM claims WHERE expires_at <= ? LIMIT ?", "DELETE FROM claims WHERE key = ?"),
    ("SELECT key FROM leases WHERE expires_at <= ? LIMIT ?", "DELETE FROM leases WHERE key = ?"),
    ("SELECT key FROM marks WHERE expires_at <= ? LIMIT ?", "DELETE FROM marks WHERE key = ?"),
    ("SELECT key, member FROM members WHERE expires_at <= ? LIMIT ?", _INDEX_REMOVE),
)
"""What is over, which is found without a lock, and the end of one of them."""


class SqliteStore:
    """A `SessionStore` in the file at `path`: made at first use with mode 0600, in a folder that must be there.

    An operation waits `timeout_seconds` for other writers, then raises `StoreUnavailable`.
    """

    def __init__(self, path: str, *, timeout_seconds: float = 1.0) -> None:
        self._pool = Pool(path, timeout_seconds=timeout_seconds, prepare=_prepare)

    def create(self, key: bytes, value: bytes, *, now: float, expires_at: float) -> bool:
        """One upsert, which only an expired record gives way to."""
        return self._pool.execute(_CREATE, key, value, now, expires_at).changed == 1

    def create_indexed(
        self, key: bytes, value: bytes, *, indexes: Sequence[bytes], since: float, now: float, expires_at: float
    ) -> bool:
        """Add a new key to one or two indexes and create its record, in one statement and one commit.

        False, and nothing is kept, where a mark of one of the indexes is later than `since`.
        """
        first, second = (*indexes, None)[:2]
        parameters = (key, value, now, expires_at, since, first, second)
        return self._pool.execute(_CREATE_INDEXED, *parameters).changed != REFUSED

    def load(self, key: bytes, *, now: float) -> Stored | None:
        """One row by its key: the hot path of every signed-in request."""
        rows = self._pool.execute(_LOAD, key, now).rows
        if not rows:
            return None
        value, version, touched_at = rows[0]
        return Stored(value=value, version=version, touched_at=touched_at)

    def update(self, key: bytes, value: bytes, *, version: int, now: float, expires_at: float) -> bool:
        """Compare and set in one statement."""
        return self._pool.execute(_UPDATE, value, now, expires_at, key, version, now).changed == 1

    def touch(self, key: bytes, *, now: float, expires_at: float) -> bool:
        """Two numbers; the sealed value is not written again."""
        return self._pool.execute(_TOUCH, now, expires_at, key, now).changed == 1

    def delete(self, key: bytes) -> bool:
        """One row."""
        return self._pool.execute(_DELETE, key).changed == 1

    def claim(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """One upsert, which only an expired claim or the same owner's gives way to."""
        return self._pool.execute(_CLAIM, key, owner, expires_at, now).changed == 1

    def was_claimed(self, key: bytes, *, now: float) -> bool:
        """One row by its key."""
        return bool(self._pool.execute(_WAS_CLAIMED, key, now).rows)

    def index_add(self, index: bytes, member: bytes, *, now: float, expires_at: float) -> None:
        """One upsert; a trigger prunes."""
        self._pool.execute(_INDEX_ADD, index, member, now, expires_at)

    def index_list(self, index: bytes, *, now: float) -> tuple[bytes, ...]:
        """The members, by expiry."""
        return tuple(row[0] for row in self._pool.execute(_INDEX_LIST, index, now).rows)

    def index_remove(self, index: bytes, member: bytes) -> None:
        """One row."""
        self._pool.execute(_INDEX_REMOVE, index, member)

    def mark_ended(self, key: bytes, *, now: float, expires_at: float) -> None:
        """One upsert that keeps the larger of both times."""
        self._pool.execute(_MARK, key, now, expires_at)

    def ended_since(self, key: bytes, *, since: float, now: float) -> bool:
        """One row by its key."""
        return bool(self._pool.execute(_ENDED_SINCE, key, since, now).rows)

    def lease(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """As a claim, in a table of its own."""
        return self._pool.execute(_LEASE, key, owner, expires_at, now).changed == 1

    def release(self, key: bytes, owner: bytes) -> None:
        """One row, if it is this owner's."""
        self._pool.execute(_RELEASE, key, owner)

    def epoch(self) -> int:
        """The only row of its table."""
        return int(self._pool.execute(_EPOCH).rows[0][0])

    def next_epoch(self) -> int:
        """Count and read in one transaction."""
        return int(self._pool.transaction((_NEXT_EPOCH, ()), (_EPOCH, ())).rows[0][0])

    def sweep(self, *, now: float, limit: int = 1000) -> int:
        """Up to `limit` rows over all tables: found first, then removed in one transaction for each table."""
        removed = 0
        for find, remove in _SWEEPS:
            over = self._pool.execute(find, now, limit - removed).rows if removed < limit else []
            if over:
                still = remove + " AND expires_at <= ?"  # somebody may have made it new meanwhile
                self._pool.transaction(*((still, (*row, now)) for row in over))
            removed += len(over)
        return removed

    def close(self) -> None:
        """Close the connections that nobody is using."""
        self._pool.close()


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables in a new file; leave any file that isn't ours as it is."""
    if connection.execute(_STATE).fetchone() == (0, 0):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute(_STATE).fetchone() == (0, 0):  # still: another process may have been quicker
            for statement in _SCHEMA:
                connection.execute(statement)
        connection.execute("COMMIT")
    version, _ = connection.execute(_STATE).fetchone()
    if version != SCHEMA_VERSION:
        raise StoreUnavailable(
            "store_unavailable", f"the session file has version {version}, and only {SCHEMA_VERSION} can be used"
        )
    connection.execute("PRAGMA synchronous = NORMAL")
    # The worker whose commit fills the WAL copies it back, each page once: in 16 MB many stand that are written
    # again and again, and the usual 4 MB mean up to four times the copying.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
