"""The tables and statements of the SQL store: what two kinds of server have in common, and where they differ.

Keys are fixed binary columns: MariaDB compares text without case. Each table has an index on its expiry, which a
sweep needs; since times only grow, an entry is added at its right end, which is cheap however large it is.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 1

VERSION = "SELECT version FROM signon_store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """Each with the names of its parameters. Of a tuple the next one runs only where none before changed a row."""

    schema: tuple[str, ...]
    """Makes what is missing, and last the one row of `signon_store`, with `version`."""
    create: tuple[str, ...]
    create_indexed: tuple[str, ...]
    """Adds to `indexes` and creates in one; empty where the server can't."""
    any_ended_since: str
    """Whether a mark of any of `indexes` is later than `since`, also one that has expired."""
    claim: tuple[str, ...]
    lease: tuple[str, ...]
    index_add: str
    mark: str
    next_epoch: str
    """Gives one row, the new count."""
    sweeps: tuple[str, ...]
    clock: str
    """Gives one row, the server's POSIX seconds."""
    load: str = "SELECT value, version, touched_at FROM signon_records WHERE id = %(key)s AND expires_at > %(now)s"
    update: str = """UPDATE signon_records SET value = %(value)s, version = version + 1, touched_at = %(now)s,
        expires_at = %(expires_at)s WHERE id = %(key)s AND version = %(version)s AND expires_at > %(now)s"""
    touch: str = """UPDATE signon_records SET touched_at = %(now)s, expires_at = %(expires_at)s
        WHERE id = %(key)s AND expires_at > %(now)s"""
    delete: str = "DELETE FROM signon_records WHERE id = %(key)s"
    was_claimed: str = "SELECT 1 FROM signon_claims WHERE id = %(key)s AND expires_at > %(now)s"
    release: str = "DELETE FROM signon_leases WHERE id = %(key)s AND owner = %(owner)s"
    index_list: str = """SELECT member FROM signon_members WHERE id = %(key)s AND expires_at > %(now)s
        ORDER BY expires_at, member"""
    index_remove: str = "DELETE FROM signon_members WHERE id = %(key)s AND member = %(member)s"
    ended_since: str = """SELECT 1 FROM signon_marks
        WHERE id = %(key)s AND ended_at > %(since)s AND expires_at > %(now)s"""
    epoch: str = "SELECT epoch FROM signon_store"


_TABLES = ("signon_records", "signon_claims", "signon_leases", "signon_marks", "signon_members")


def _for_each_table(statement: str) -> tuple[str, ...]:
    return tuple(statement.replace("TABLE_NAME", table) for table in _TABLES)


POSTGRESQL = Statements(
    schema=(
        "BEGIN",
        # Two that make the same table at once would both find it missing, and one would fail.
        "SELECT pg_advisory_xact_lock(7381246952317419)",
        # Room in each page for a row's next version: a touch then changes that page alone and no index (HOT).
        """CREATE TABLE IF NOT EXISTS signon_records (id bytea PRIMARY KEY, value bytea NOT NULL,
           version integer NOT NULL, touched_at double precision NOT NULL, expires_at double precision NOT NULL)
           WITH (fillfactor = 85)""",
        # What is sealed can't be compressed; trying to costs time with each large record.
        "ALTER TABLE signon_records ALTER COLUMN value SET STORAGE EXTERNAL",
        """CREATE TABLE IF NOT EXISTS signon_claims (id bytea PRIMARY KEY, owner bytea NOT NULL,
           expires_at double precision NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS signon_leases (id bytea PRIMARY KEY, owner bytea NOT NULL,
           expires_at double precision NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS signon_marks (id bytea PRIMARY KEY, ended_at double precision NOT NULL,
           expires_at double precision NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS signon_members (id bytea, member bytea,
           expires_at double precision NOT NULL, PRIMARY KEY (id, member))""",
        *_for_each_table("CREATE INDEX IF NOT EXISTS TABLE_NAME_expiry ON TABLE_NAME (expires_at)"),
        """CREATE TABLE IF NOT EXISTS signon_store (one integer PRIMARY KEY CHECK (one = 1),
           version integer NOT NULL, epoch bigint NOT NULL)""",
        "INSERT INTO signon_store (one, version, epoch) VALUES (1, %(version)s, 0) ON CONFLICT DO NOTHING",
        "COMMIT",
    ),
    create=(
        """INSERT INTO signon_records (id, value, version, touched_at, expires_at)
           VALUES (%(key)s, %(value)s, 1, %(now)s, %(expires_at)s)
           ON CONFLICT (id) DO UPDATE SET value = excluded.value, version = 1, touched_at = excluded.touched_at,
           expires_at = excluded.expires_at WHERE signon_records.expires_at <= excluded.touched_at""",
    ),
    create_indexed=(
        """WITH indexed AS (INSERT INTO signon_members (id, member, expires_at)
           SELECT id, %(key)s, %(expires_at)s FROM unnest(%(indexes)s::bytea[]) AS id ON CONFLICT DO NOTHING)
           INSERT INTO signon_records (id, value, version, touched_at, expires_at)
           VALUES (%(key)s, %(value)s, 1, %(now)s, %(expires_at)s)
           ON CONFLICT (id) DO UPDATE SET value = excluded.value, version = 1, touched_at = excluded.touched_at,
           expires_at = excluded.expires_at WHERE signon_records.expires_at <= excluded.touched_at""",
    ),
    any_ended_since="""SELECT 1 FROM signon_marks
        WHERE id = ANY (%(indexes)s) AND ended_at > %(since)s""",
    claim=(
        """INSERT INTO signon_claims (id, owner, expires_at) VALUES (%(key)s, %(owner)s, %(expires_at)s)
           ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
           WHERE signon_claims.expires_at <= %(now)s OR signon_claims.owner = excluded.owner""",
    ),
    lease=(
        """INSERT INTO signon_leases (id, owner, expires_at) VALUES (%(key)s, %(owner)s, %(expires_at)s)
           ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
           WHERE signon_leases.expires_at <= %(now)s OR signon_leases.owner = excluded.owner""",
    ),
    index_add="""INSERT INTO signon_members (id, member, expires_at)
        VALUES (%(key)s, %(member)s, %(expires_at)s)
        ON CONFLICT (id, member) DO UPDATE SET expires_at = excluded.expires_at""",
    mark="""INSERT INTO signon_marks (id, ended_at, expires_at) VALUES (%(key)s, %(now)s, %(expires_at)s)
        ON CONFLICT (id) DO UPDATE SET ended_at = greatest(signon_marks.ended_at, excluded.ended_at),
        expires_at = greatest(signon_marks.expires_at, excluded.expires_at)""",
    next_epoch="UPDATE signon_store SET epoch = epoch + 1 RETURNING epoch",
    # By their place in the table: the rows are locked, so none moves between the look and the removal.
    sweeps=_for_each_table(
        """DELETE FROM TABLE_NAME WHERE ctid = ANY (ARRAY (SELECT ctid FROM TABLE_NAME
           WHERE expires_at <= %(now)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED))"""
    ),
    clock="SELECT extract(epoch FROM clock_timestamp())::float8",
)

MARIADB = Statements(
    schema=(
        # Each statement commits by itself here, and waits for others that make the same table.
        """CREATE TABLE IF NOT EXISTS signon_records (id BINARY(32) PRIMARY KEY, value LONGBLOB NOT NULL,
           version INTEGER NOT NULL, touched_at DOUBLE NOT NULL, expires_at DOUBLE NOT NULL,
           INDEX (expires_at)) ENGINE = InnoDB""",
        """CREATE TABLE IF NOT EXISTS signon_claims (id BINARY(32) PRIMARY KEY, owner BINARY(16) NOT NULL,
           expires_at DOUBLE NOT NULL, INDEX (expires_at)) ENGINE = InnoDB""",
        """CREATE TABLE IF NOT EXISTS signon_leases (id BINARY(32) PRIMARY KEY, owner BINARY(16) NOT NULL,
           expires_at DOUBLE NOT NULL, INDEX (expires_at)) ENGINE = InnoDB""",
        """CREATE TABLE IF NOT EXISTS signon_marks (id BINARY(32) PRIMARY KEY, ended_at DOUBLE NOT NULL,
           expires_at DOUBLE NOT NULL, INDEX (expires_at)) ENGINE = InnoDB""",
        """CREATE TABLE IF NOT EXISTS signon_members (id BINARY(32), member BINARY(32),
           expires_at DOUBLE NOT NULL, PRIMARY KEY (id, member), INDEX (expires_at)) ENGINE = InnoDB""",
        """CREATE TABLE IF NOT EXISTS signon_store (one INTEGER PRIMARY KEY CHECK (one = 1),
           version INTEGER NOT NULL, epoch BIGINT NOT NULL) ENGINE = InnoDB""",
        "INSERT IGNORE INTO signon_store (one, version, epoch) VALUES (1, %(version)s, 0)",
    ),
    # An upsert here doesn't say whether it inserted. The second statement is needed only where there is a row.
    create=(
        """INSERT IGNORE INTO signon_records (id, value, version, touched_at, expires_at)
           VALUES (%(key)s, %(value)s, 1, %(now)s, %(expires_at)s)""",
        """UPDATE signon_records SET value = %(value)s, version = 1, touched_at = %(now)s,
           expires_at = %(expires_at)s WHERE id = %(key)s AND expires_at <= %(now)s""",
    ),
    create_indexed=(),
    any_ended_since="""SELECT 1 FROM signon_marks
        WHERE id IN %(indexes)s AND ended_at > %(since)s""",
    claim=(
        "INSERT IGNORE INTO signon_claims (id, owner, expires_at) VALUES (%(key)s, %(owner)s, %(expires_at)s)",
        """UPDATE signon_claims SET owner = %(owner)s, expires_at = %(expires_at)s
           WHERE id = %(key)s AND (expires_at <= %(now)s OR owner = %(owner)s)""",
    ),
    lease=(
        "INSERT IGNORE INTO signon_leases (id, owner, expires_at) VALUES (%(key)s, %(owner)s, %(expires_at)s)",
        """UPDATE signon_leases SET owner = %(owner)s, expires_at = %(expires_at)s
           WHERE id = %(key)s AND (expires_at <= %(now)s OR owner = %(owner)s)""",
    ),
    index_add="""INSERT INTO signon_members (id, member, expires_at)
        VALUES (%(key)s, %(member)s, %(expires_at)s) ON DUPLICATE KEY UPDATE expires_at = %(expires_at)s""",
    mark="""INSERT INTO signon_marks (id, ended_at, expires_at) VALUES (%(key)s, %(now)s, %(expires_at)s)
        ON DUPLICATE KEY UPDATE ended_at = GREATEST(ended_at, %(now)s),
        expires_at = GREATEST(expires_at, %(expires_at)s)""",
    next_epoch="UPDATE signon_store SET epoch = LAST_INSERT_ID(epoch + 1)",
    sweeps=_for_each_table("DELETE FROM TABLE_NAME WHERE expires_at <= %(now)s LIMIT %(limit)s"),
    # Not UNIX_TIMESTAMP(NOW(6)): what the clocks show twice when summer time ends is two times.
    clock="SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000",
)
