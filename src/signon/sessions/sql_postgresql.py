"""PostgreSQL, by psycopg 3.

Behind pgbouncer in transaction mode it needs `ignore_startup_parameters = options` and, since psycopg prepares
what it runs often, `max_prepared_statements` above 0 (pgbouncer 1.21).
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo

from signon.core.errors import ConfigurationError
from signon.sessions.sql_driver import ANSWER_SECONDS, CONNECT_SECONDS, Answer, Cause, Driver, Parameters
from signon.sessions.sql_statements import POSTGRESQL

R = TypeVar("R")
_UNDEFINED_TABLE = "42P01"


class _Connection(psycopg.Connection[Any]):
    """A connection that waits for a limited time: libpq's own timeouts are met by a server that has stopped,
    whose system goes on to acknowledge what is sent to it.
    """

    answer_seconds = CONNECT_SECONDS

    @classmethod
    def _connect_gen(cls, *arguments: Any, **options: Any) -> Any:
        # psycopg makes any `connect_timeout` below two seconds two.
        return _limited(super()._connect_gen(*arguments, **options), CONNECT_SECONDS)

    def wait(self, gen: Generator[Any, Any, R], *arguments: Any, **options: Any) -> R:
        return super().wait(_limited(gen, self.answer_seconds), *arguments, **options)


def _limited(gen: Generator[Any, Any, R], seconds: float) -> Generator[Any, Any, R]:
    """The same generator, which ends with an error when it hasn't its result in time.

    psycopg resumes it whenever the socket is ready, and every tenth of a second when it isn't.
    """
    deadline = time.monotonic() + seconds
    try:
        ready = yield next(gen)
        while time.monotonic() < deadline:
            ready = yield gen.send(ready)
    except StopIteration as done:
        result: R = done.value
        return result
    raise psycopg.OperationalError("no answer in time")


def postgresql(arguments: dict[str, Any]) -> Driver:
    """The driver for these connection parameters. Raises `ConfigurationError` for one that libpq doesn't know."""
    try:
        make_conninfo(**arguments)
    except psycopg.Error:
        problem = "the address of the PostgreSQL database has a parameter that libpq doesn't know"
        raise ConfigurationError((problem,)) from None

    def connect(seconds: float) -> _Connection:
        limits = f"-c statement_timeout={int(seconds * 1000)} {arguments.get('options', '')}"
        settings = {"connect_timeout": 2, **arguments, "options": limits}
        connection = _Connection.connect(**settings, autocommit=True)
        connection.answer_seconds = seconds + ANSWER_SECONDS
        return connection

    return Driver(
        statements=POSTGRESQL,
        errors=(psycopg.Error,),
        connect=connect,
        execute=_execute,
        cause=_cause,
        reason=_reason,
    )


def _execute(connection: _Connection, statement: str, parameters: Parameters) -> Answer:
    # In binary, since bytes that come as text are twice as long.
    cursor = connection.execute(statement, parameters or None, binary=True)
    return Answer(cursor.fetchall() if cursor.description else [], cursor.rowcount)


def _cause(error: Exception, connection: _Connection) -> Cause:
    if connection.closed:
        return "lost"
    return "no_tables" if getattr(error, "sqlstate", None) == _UNDEFINED_TABLE else "other"


def _reason(error: Exception) -> str:
    return str(error)
