"""A real MariaDB server on this machine.

    with mariadb_server() as server: ...      server.url, server.restart(), server.kill(), server.pause()

It listens on loopback, asks for a password, and keeps its files in a folder of its own, which ends with the block.
"""

import getpass
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
from tests.servers.database import DatabaseServer, need, running


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


class MariadbServer(DatabaseServer):
    """One MariaDB server, with the database `sessions`."""

    errors = (pymysql.OperationalError, OSError)

    @property
    def url(self) -> str:
        return f"mariadb+pymysql://signon:{self.password}@127.0.0.1:{self.port}/sessions"

    def ask(self, statement: str) -> list[tuple]:
        path = str(self.folder / "socket")
        with socket.socket(socket.AF_UNIX) as probe:  # PyMySQL leaves one open that it can't connect
            probe.connect(path)
        with (
            pymysql.connect(user="root", unix_socket=path, autocommit=True, read_timeout=5) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return list(cursor.fetchall())

    def set_up(self) -> None:
        install = (_program("mariadb-install-db"), "--no-defaults", "--skip-test-db")
        root = ("--auth-root-authentication-method=normal", f"--user={getpass.getuser()}")
        self.run(*install, *root, f"--datadir={self.folder / 'data'}")

    def start(self) -> None:
        super().start()
        self.ask("CREATE DATABASE IF NOT EXISTS sessions")
        self.ask(f"CREATE USER IF NOT EXISTS signon@'127.0.0.1' IDENTIFIED BY '{self.password}'")
        self.ask("GRANT ALL ON sessions.* TO signon@'127.0.0.1'")

    def command(self) -> list[str]:
        places = (f"--datadir={self.folder / 'data'}", f"--socket={self.folder / 'socket'}")
        network = ("--bind-address=127.0.0.1", f"--port={self.port}", "--skip-name-resolve")
        return [
            *(_program("mariadbd"), "--no-defaults", f"--user={getpass.getuser()}"),
            *(*places, *network, *self._options),
        ]

    def empty(self) -> None:
        self.ask("DROP DATABASE sessions")
        self.ask("CREATE DATABASE sessions")


@contextmanager
def mariadb_server(*options: str) -> Iterator[MariadbServer]:
    """One server, started. Options are those of its command line: `--max-connections=300`."""
    names = ("mariadb-install-db", "mariadbd")
    need({name: _program(name) for name in names}, "MariaDB (Debian: mariadb-server)")
    with running(lambda folder: MariadbServer(folder, *options)) as server:
        yield server
