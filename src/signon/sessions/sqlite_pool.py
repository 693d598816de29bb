"""Connections to one SQLite file: opened when needed, used by one thread at a time, never carried across a fork.

A pool rather than one connection a thread, since servers that start a thread for each request would open and
close the file each time.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from signon.core.errors import StoreUnavailable

Parameter: TypeAlias = bytes | float | None
REFUSED = -2
"""The count of a statement that a trigger has refused; SQLite's own are never below -1."""
_RETRY_SECONDS = 0.005


class Done(NamedTuple):
    """What a statement gave: its rows, and how many rows it changed."""

    rows: list[tuple[Any, ...]]
    changed: int


class Pool:
    """Runs statements on the file at `path`. Whatever goes wrong is a `StoreUnavailable`.

    `prepare` is given each new connection. A statement waits `timeout_seconds` for other writers.
    """

    def __init__(
        self, path: str, *, timeout_seconds: float, prepare: Callable[[sqlite3.Connection], None]
    ) -> None:
        self._path = Path(path).absolute()
        self._timeout_seconds = timeout_seconds
        self._prepare = prepare
        self._idle: list[sqlite3.Connection] = []
        self._making = threading.Lock()
        self._pid = os.getpid()
        _pools.add(self)

    def execute(self, statement: str, *parameters: Parameter) -> Done:
        """Run one statement, which is a transaction of its own."""
        connection = self._take()
        try:
            cursor = connection.execute(statement, parameters)
            # All rows at once, since a statement that isn't read to its end keeps its snapshot open.
            done = Done(cursor.fetchall(), cursor.rowcount)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_CONSTRAINT_TRIGGER:
                raise self._given_up(connection, error) from None
            done = Done([], REFUSED)
        self._idle.append(connection)
        return done

    def transaction(self, *statements: tuple[str, tuple[Parameter, ...]]) -> Done:
        """Run several statements as one short writing transaction, and return what the last one gave."""
        connection = self._take()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement, parameters in statements:
                cursor = connection.execute(statement, parameters)
                done = Done(cursor.fetchall(), cursor.rowcount)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._given_up(connection, error) from None
        self._idle.append(connection)
        return done

    def close(self) -> None:
        """Close the connections that nobody is using. Later statements open new ones."""
        while self._idle:
            with suppress(IndexError, sqlite3.Error):  # a thread took the last one, or the disk is full
                self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            _inherited.append(self._idle)
            self._idle = []
            self._making = threading.Lock()  # a thread of the parent may have held it
            self._pid = os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def _open(self) -> sqlite3.Connection:
        deadline = time.monotonic() + self._timeout_seconds
        while True:
            try:
                return self._connect()
            except OSError as error:
                raise _unavailable(self._path, error.strerror or type(error).__name__) from None
            except sqlite3.Error as error:
                # The change to WAL does not wait for others as every other statement does.
                busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() >= deadline:
                    raise _unavailable(self._path, str(error)) from None
            time.sleep(_RETRY_SECONDS)

    def _connect(self) -> sqlite3.Connection:
        # Closing a file drops all locks that this process has on it: so only a new file is made this way, and
        # no other thread opens it before it is closed again.
        with self._making, suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(
            self._path, timeout=self._timeout_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _given_up(self, connection: sqlite3.Connection, error: sqlite3.Error) -> Exception:
        """The error to raise. The connection goes with it, and its transaction, whatever state they are in."""
        with suppress(sqlite3.Error):
            connection.close()
        return _unavailable(self._path, str(error))


def _unavailable(path: Path, reason: str) -> StoreUnavailable:
    return StoreUnavailable("store_unavailable", f"the session file {path} can't be used: {reason}")


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()
_inherited: list[list[sqlite3.Connection]] = []
"""Connections of a parent process, kept for ever: SQLite forbids using or closing them here."""


def _close_before_fork() -> None:
    """Close what is idle, since a child believes that it holds the locks of connections it has inherited.

    (Tried: a new connection of the child then takes no lock of its own; once the parent is gone another process
    that closes the file removes the WAL under the child, and what the child writes is lost.)
    """
    for pool in tuple(_pools):
        pool.close()


if sys.platform != "win32":  # pragma: no branch - there is no fork on Windows
    os.register_at_fork(before=_close_before_fork)
