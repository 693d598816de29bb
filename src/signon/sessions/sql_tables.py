"""Making and checking the tables of the SQL store."""

from __future__ import annotations

from typing import Any

from signon.core.errors import StoreUnavailable
from signon.sessions.sql_driver import Driver
from signon.sessions.sql_statements import SCHEMA_VERSION, VERSION

PREPARE_SECONDS = 60.0
"""How long a statement that makes tables may take: it may wait for somebody who does the same."""
NO_TABLES = "the session tables are not there: run flask signon init-store"


def make_tables(driver: Driver) -> str:
    """Make what is missing, and say in a sentence what was done. Safe to run at any time, by several at once.

    Raises `StoreUnavailable` for tables of another version, which stay as they are, and the driver's errors.
    """
    connection = driver.connect(PREPARE_SECONDS)
    try:
        if _version(driver, connection) is not None:
            check_tables(driver, connection)
            return f"The session tables were there already, in version {SCHEMA_VERSION}."
        for statement in driver.statements.schema:
            driver.execute(connection, statement, {"version": SCHEMA_VERSION})
        check_tables(driver, connection)
    finally:
        connection.close()
    return f"The session tables were made, in version {SCHEMA_VERSION}."


def check_tables(driver: Driver, connection: Any) -> None:
    """Raise `StoreUnavailable` unless the tables are there, in the version that we know."""
    version = _version(driver, connection)
    if version is None:
        raise StoreUnavailable("store_unavailable", NO_TABLES)
    if version != SCHEMA_VERSION:
        raise StoreUnavailable(
            "store_unavailable",
            f"the session tables have version {version}, and only {SCHEMA_VERSION} can be used",
        )


def are_missing(driver: Driver, connection: Any) -> bool:
    """Whether nobody has made the tables, or not to the end."""
    return _version(driver, connection) is None


def _version(driver: Driver, connection: Any) -> int | None:
    try:
        rows = driver.execute(connection, VERSION, {}).rows
    except driver.errors as error:
        if driver.cause(error, connection) != "no_tables":
            raise
        return None
    return int(rows[0][0]) if rows else None
