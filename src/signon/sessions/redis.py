"""Sessions in Redis or Valkey. The only module that knows redis-py: connections, and what their errors mean.

Of redis-py it uses the connection alone: TLS, AUTH, the protocol, hiredis. Its clients cost a page twice the CPU,
repeat what failed up to ten times, whatever it was, and can't send WAIT after a command to the same server.
"""

from __future__ import annotations

import ssl
from functools import partial
from typing import Any

from signon.core.errors import ConfigurationError, printable
from signon.sessions.redis_scripts import Command
from signon.sessions.redis_servers import Servers
from signon.sessions.redis_store import RedisStore
from signon.sessions.redis_topology import Failed, Reply, Topology
from signon.sessions.redis_url import Address, RedisUrl, read_redis_url

try:
    from redis import Connection, SSLConnection
    from redis import exceptions as errors
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    raise ConfigurationError(("sessions in Redis need redis-py: pip install 'signon[redis]'",)) from None

CONNECT_SECONDS = 1.0
COMMAND_SECONDS = 1.0


def open_redis(url: str) -> RedisStore:
    """The store at `url` (`signon.sessions.redis_url`); nothing is connected yet.

    Raises `ConfigurationError`, which never shows a password.
    """
    read = read_redis_url(url)
    if read.ca_file:
        _check_authorities(read.ca_file)
    return RedisStore(
        Servers(
            connect=partial(_connect, read),
            topology=lambda: Topology(read, partial(_ask, read)),
            replicas=read.replicas,
        )
    )


def _check_authorities(ca_file: str) -> None:
    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        problem = f"the ca_file of the Redis session store can't be read: {error.strerror or type(error).__name__}"
    else:
        return
    raise ConfigurationError((problem,))


class _Line:
    """A connection to one server; whatever goes wrong on it is `Failed`."""

    def __init__(self, address: Address, connection: Any) -> None:  # redis-py leaves its methods untyped
        self._address = address
        self._connection = connection

    def call(self, *commands: Command) -> list[Reply]:
        """Send commands at once, and read their answers."""
        connection, refusal, replies = self._connection, None, []
        try:
            if len(commands) == 1:
                connection.send_command(*commands[0], check_health=False)
                return [connection.read_response()]
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            for _ in commands:
                try:
                    replies.append(connection.read_response())
                except errors.ResponseError as error:
                    refusal = refusal or error
        except errors.RedisError as error:
            failed = _failed(self._address, error)
        else:
            if refusal is None:
                return replies
            failed = _failed(self._address, refusal)
        raise failed

    def close(self) -> None:
        """Let go of it."""
        self._connection.disconnect()


def _connect(url: RedisUrl, address: Address) -> _Line:
    """A new connection to a server that holds sessions."""
    line = _open(url, address, password=url.password.reveal(), database=url.database)
    if url.kind == "sentinel":
        _check_master(line, address)
    return line


def _check_master(line: _Line, address: Address) -> None:
    """Refuse a master that was away: it comes back as a replica, or is about to become one."""
    role = None
    try:
        role = line.call(("ROLE",))[0][:1]
    finally:
        if role != [b"master"]:
            line.close()
    if role != [b"master"]:
        raise Failed(f"Redis at {address} is not the master", how="unreached")


def _ask(url: RedisUrl, address: Address, command: Command) -> Reply:
    """Put a question about the topology, on a connection of its own: there are few.

    Sentinels mostly have no password; where they want one, it is the servers'.
    """
    password = url.password.reveal()
    if url.kind == "sentinel":
        try:
            return _ask_with(url, address, command, password="")
        except Failed as failed:
            if failed.code != "NOAUTH" or not password:
                raise
    return _ask_with(url, address, command, password=password)


def _ask_with(url: RedisUrl, address: Address, command: Command, *, password: str) -> Reply:
    line = _open(url, address, password=password, database=0)
    try:
        return line.call(command)[0]
    finally:
        line.close()


def _open(url: RedisUrl, address: Address, *, password: str, database: int) -> _Line:
    kind = partial(SSLConnection, ssl_ca_certs=url.ca_file or None) if url.tls else Connection
    connection: Any = kind(
        host=address.host,
        port=address.port,
        username=url.user or None if password else None,
        password=password or None,
        db=database,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=COMMAND_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # neither HELLO nor CLIENT SETINFO: a connection is one round trip less, and two
        driver_info=None,
    )
    try:
        connection.connect()
    except (errors.RedisError, UnicodeError) as error:  # the second from hosts that DNS can't have
        failed = _failed(address, error)
        reason, code = str(failed), failed.code
    else:
        return _Line(address, connection)
    raise Failed(reason, how="unreached", code=code)


_REFUSALS = {
    "NOAUTH": "it asks for a password",
    "WRONGPASS": "it refuses the user name or password",
    "NOPERM": "the user may not run one of the commands that sessions need",
    "OOM": "it has no memory left (sessions need maxmemory-policy noeviction, or volatile-ttl and room)",
    "LOADING": "it is still loading its data",
    "READONLY": "it is a replica",
    "CLUSTERDOWN": "its cluster is down",
    "MASTERDOWN": "it is a replica without its master",
    "MOVED": "it is part of a cluster (redis+cluster://)",
    "ASK": "it is part of a cluster (redis+cluster://)",
}


def _failed(address: Address, error: Exception) -> Failed:
    """What an error of redis-py means. Its text never holds a password; arguments of a command are cut off."""
    text = str(error)
    where = f"Redis at {address}"
    if isinstance(error, errors.TimeoutError):
        return Failed(f"{where} does not answer", how="silent")
    code = getattr(error, "status_code", None) or text.partition(" ")[0]
    if isinstance(error, errors.ResponseError) or code in _REFUSALS:
        words = _REFUSALS.get(code) or printable(text.partition(", with args")[0], limit=100)
        moved_to = None
        if isinstance(error, errors.AskError):
            moved_to = Address(error.host or address.host, error.port)
        return Failed(f"{where}: {words}", how="refused", code=code, moved_to=moved_to)
    return Failed(f"{where} can't be used: {printable(text, limit=200)}", how="closed")
