"""MariaDB and MySQL, by PyMySQL."""

from __future__ import annotations

from typing import Any

import pymysql  # type: ignore[import-untyped]  # published without types
from pymysql.constants import CLIENT, ER  # type: ignore[import-untyped]  # the same

from signon.core.errors import ConfigurationError
from signon.sessions.sql_driver import ANSWER_SECONDS, CONNECT_SECONDS, Answer, Cause, Driver, Parameters
from signon.sessions.sql_statements import MARIADB

_ENDED = {ER.SERVER_SHUTDOWN, 1927}
"""What a server says that ends a connection under a statement; 1927 is MariaDB's for an administrator's KILL."""

_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""The usual REPEATABLE READ locks gaps between rows, in which other sign-ins then wait for a sweep."""
_LIMITS = "SET SESSION innodb_lock_wait_timeout = %(seconds)s /*M!100101 , max_statement_time = %(seconds)s */"
"""The comment is for MariaDB alone; MySQL has no time limit for statements that write."""


def mariadb(arguments: dict[str, Any]) -> Driver:
    """The driver for these connection parameters. Raises `ConfigurationError` where they can't be right."""
    try:
        pymysql.Connection(**arguments, defer_connect=True)
    except (TypeError, ValueError, AttributeError, OSError, NotImplementedError):
        problem = "the address of the MariaDB database has a parameter that PyMySQL doesn't know or can't read"
        raise ConfigurationError((problem,)) from None

    def connect(seconds: float) -> Any:
        limits = {"read_timeout": seconds + ANSWER_SECONDS, "write_timeout": seconds + ANSWER_SECONDS}
        settings = {"connect_timeout": CONNECT_SECONDS, **limits, **arguments, "autocommit": True}
        # An UPDATE counts the rows that it finds, changed or not: a touch twice in the same moment is no failure.
        settings["client_flag"] = arguments.get("client_flag", 0) | CLIENT.FOUND_ROWS
        connection = pymysql.Connection(**settings)
        try:
            _execute(connection, _ISOLATION, {})
            _execute(connection, _LIMITS, {"seconds": int(seconds)})
        except BaseException:
            connection.close()
            raise
        return connection

    return Driver(
        statements=MARIADB,
        errors=(pymysql.Error,),
        connect=connect,
        execute=_execute,
        cause=_cause,
        reason=_reason,
    )


def _execute(connection: Any, statement: str, parameters: Parameters) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        # A statement without rows gives what LAST_INSERT_ID was set to, which the server sends anyway.
        rows = cursor.fetchall() if cursor.description else [(cursor.lastrowid,)]
        return Answer(rows, cursor.rowcount)


def _cause(error: Exception, connection: Any) -> Cause:
    code = error.args[0] if error.args else None
    if code in _ENDED or not connection.open:
        return "lost"
    if code == ER.LOCK_DEADLOCK:
        return "deadlock"
    return "no_tables" if code == ER.NO_SUCH_TABLE else "other"


def _reason(error: Exception) -> str:
    return str(error.args[-1]) if error.args else type(error).__name__
