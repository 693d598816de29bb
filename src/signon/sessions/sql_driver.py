"""What the SQL store needs of a database driver, as one value for each kind of server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from signon.core.errors import ConfigurationError
from signon.sessions.sql_statements import Statements

CONNECT_SECONDS = 1.0
STATEMENT_SECONDS = 1.0
"""How long the server may take over a statement, waiting for locks included."""
ANSWER_SECONDS = 0.2
"""How much longer we wait for its answer, so that it can say itself that it took too long."""

Parameter = bytes | float | list[bytes]
Parameters = Mapping[str, Parameter]
Cause = Literal["lost", "deadlock", "no_tables", "other"]
"""Why a statement failed: its connection is gone, it was undone as one of a deadlock, its table isn't there."""


class Answer(NamedTuple):
    """What a statement gave: the rows that it read, and the number that it changed."""

    rows: Sequence[tuple[Any, ...]]
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """How one kind of server is spoken to. Connections are the driver's own objects, in autocommit mode."""

    statements: Statements
    errors: tuple[type[Exception], ...]
    """What `connect` and `execute` raise."""
    connect: Callable[[float], Any]
    """Open a connection whose statements may take this many seconds."""
    execute: Callable[[Any, str, Parameters], Answer]
    """Run one statement, which is a transaction of its own."""
    cause: Callable[[Exception, Any], Cause]
    """Why this error came of this connection."""
    reason: Callable[[Exception], str]
    """The driver's words for people."""


def open_driver(kind: str, arguments: dict[str, Any]) -> Driver:
    """The driver for addresses that begin with `kind`, with its connection parameters; nothing is opened yet.

    Raises `ConfigurationError` for an unknown kind, a missing package, and parameters that can't be right.
    """
    try:
        if kind == "postgresql+psycopg":
            from signon.sessions.sql_postgresql import postgresql

            return postgresql(arguments)
        if kind in {"mysql+pymysql", "mariadb+pymysql"}:
            from signon.sessions.sql_mariadb import mariadb

            return mariadb(arguments)
    except ImportError:
        problem = f"sessions in {kind} need a package that isn't installed: pip install 'signon[sql]'"
        raise ConfigurationError((problem,)) from None
    problem = (
        "the address of the session database must begin with postgresql+psycopg, mysql+pymysql or mariadb+pymysql"
    )
    raise ConfigurationError((problem,))
