"""A real PostgreSQL server on this machine.

    with postgresql_server() as server: ...      server.url, server.restart(), server.kill(), server.pause()

It listens on loopback, asks for a password, and keeps its files in a folder of its own, which ends with the block.
"""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.servers.database import DatabaseServer, need, running


def _program(name: str) -> str | None:
    """Where a program of the server is: Debian keeps them out of the path, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


class PostgresqlServer(DatabaseServer):
    """One PostgreSQL server, with the database `postgres`."""

    account = "postgres"
    stop_signal = signal.SIGINT  # ends without waiting for those who are connected
    errors = (psycopg.OperationalError,)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://signon:{self.password}@127.0.0.1:{self.port}/postgres"

    def ask(self, statement: str) -> list[tuple]:
        address = self.url.replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True, connect_timeout=2) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def set_up(self) -> None:
        password = self.folder / "password"
        password.write_text(self.password)
        password.chmod(0o644)
        login = ("--username=signon", f"--pwfile={password}", "--auth=scram-sha-256")
        self.run(_program("initdb"), "--no-sync", "--locale=C", "--encoding=UTF8", *login, "-D", "data")

    def command(self) -> list[str]:
        places = ("unix_socket_directories=" + str(self.folder), "listen_addresses=127.0.0.1")
        settings = [part for setting in (*places, *self._options) for part in ("-c", setting)]
        return [_program("postgres"), "-D", "data", "-p", str(self.port), *settings]

    def empty(self) -> None:
        self.ask("DROP SCHEMA public CASCADE")
        self.ask("CREATE SCHEMA public")


@contextmanager
def postgresql_server(*options: str) -> Iterator[PostgresqlServer]:
    """One server, started. Options are settings as `postgresql.conf` has them: `max_connections=300`."""
    need({name: _program(name) for name in ("initdb", "postgres")}, "PostgreSQL (Debian: postgresql)")
    with running(lambda folder: PostgresqlServer(folder, *options)) as server:
        yield server
