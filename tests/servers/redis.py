"""Real Redis servers on this machine: one, one with a replica and Sentinels, a cluster of three and three.

    with redis_server() as server: ...      server.url, server.kill(), server.start(), server.pause()
    with redis_sentinel() as servers: ...   servers.url, servers.master
    with redis_cluster() as cluster: ...    cluster.url, cluster.kill_master(key)

Every write is in a file before it is answered, so that a server may be killed and started again with all that it
answered. All listen on loopback, keep their files in a folder of their own, and end with the block.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")
_START_SECONDS = 20.0
_ATTEMPTS = 4
_UNFLUSHED = ("--appendfsync", "no")
"""For servers in a group: six that flush a disk at every write are late for each other on a busy machine."""


class ProgramEnded(Exception):
    """A server ended by itself; the text is the end of its log."""


def need_redis() -> None:
    """Skip the test, or fail it where the programs must be there, unless they are."""
    missing = [name for name in ("redis-server", "redis-cli") if shutil.which(name) is None]
    if missing:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"{' and '.join(missing)} not found: install Redis (Debian: redis-server)")


def wait_for(what: str, ready: Callable[[], object], *, seconds: float = _START_SECONDS) -> None:
    """Look until it is so; an error of a client counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(redis.RedisError, redis.exceptions.RedisClusterException, OSError):
            if ready():
                return
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def in_the_end(operation: Callable[[], T], excused: type[Exception], *, within: float = 2.5) -> T:
    """What an operation gives once it works; each failure before must be an excused one, and come in time."""
    answers: list[T] = []

    def attempt() -> list[T]:
        started = time.monotonic()
        with suppress(excused):
            answers.append(operation())
        assert time.monotonic() - started < within
        return answers

    wait_for("an operation that works", attempt)
    return answers[0]


class RedisServer:
    """One `redis-server` on a port and a folder that stay the same however often it is started."""

    def __init__(self, folder: Path, *options: str, password: str = "", sentinel: bool = False) -> None:
        self.folder = folder
        self.port = _free_port()
        self.password = password
        self._options = (*options, *(("--requirepass", password, "--masterauth", password) if password else ()))
        self._sentinel = sentinel
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """What `open_redis` takes."""
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, with all it kept, and return once it answers."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), cwd=self.folder, stdout=log, stderr=log)
        wait_for("a Redis server that answers", self._answers)

    def ask(self, *command: str | bytes | int) -> object:
        """The answer to one command, as it comes: bytes, numbers, lists."""
        once = Retry(NoBackoff(), 0)
        connection = redis.Connection(port=self.port, password=self.password or None, protocol=2, retry=once)
        try:
            connection.send_command(*command)
            return connection.read_response()
        finally:
            connection.disconnect()

    def kill(self) -> None:
        """End it at once, as a crash of the machine would."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Let it hang: connections are made, nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @property
    def runs(self) -> bool:
        """Whether there is a process, be it a paused one."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it if it runs; a paused one, too."""
        if self.runs:
            self.kill()

    def _command(self) -> list[str]:
        if self._sentinel:
            return ["redis-server", "sentinel.conf", "--sentinel"]
        usual = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        return ["redis-server", "--port", str(self.port), *usual, *self._options]

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise ProgramEnded((self.folder / "log").read_text()[-2000:])
        try:
            return self.ask("PING") == b"PONG"
        except redis.AuthenticationError:
            return True


@contextmanager
def redis_server(*options: str, password: str = "") -> Iterator[RedisServer]:
    """One server, started."""
    need_redis()
    with (
        _folder() as folder,
        _running(lambda: [RedisServer(folder / "0", *options, password=password)]) as servers,
    ):
        yield servers[0]


class RedisSentinels:
    """A master, its replica, and three Sentinels that agree on which is which."""

    service = "sessions"

    def __init__(self, servers: Sequence[RedisServer], sentinels: Sequence[RedisServer], password: str) -> None:
        self.servers = servers
        self.sentinels = sentinels
        self._password = password

    @property
    def url(self) -> str:
        """What `open_redis` takes."""
        login = f":{self._password}@" if self._password else ""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{login}{hosts}/{self.service}"

    @property
    def master(self) -> RedisServer:
        """The one that the Sentinels name, running or not."""
        port = int(self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)[1])
        return next(server for server in self.servers if server.port == port)

    def kill_master(self) -> RedisServer:
        """Kill the master; another follows it in a second or two. Returns the dead one."""
        master = self.master
        master.kill()
        return master


@contextmanager
def redis_sentinel(*, password: str = "") -> Iterator[RedisSentinels]:
    """A master, a replica and three Sentinels, started and ready for a failover."""
    need_redis()
    with _folder() as folder, ExitStack() as stack:

        def servers() -> list[RedisServer]:
            quick = (*_UNFLUSHED, "--repl-diskless-sync-delay", "0")
            return [RedisServer(folder / f"server-{n}", *quick, password=password) for n in range(2)]

        master, replica = stack.enter_context(_running(servers))
        replica.ask("REPLICAOF", "127.0.0.1", master.port)

        def sentinels() -> list[RedisServer]:
            return [_sentinel(folder / f"sentinel-{n}", master, password) for n in range(3)]

        group = RedisSentinels((master, replica), stack.enter_context(_running(sentinels)), password)
        wait_for("a replica in step", lambda: _is_in_step(replica) and _replicas(master) == 1)
        wait_for("Sentinels that know each other", lambda: all(map(_knows_all, group.sentinels)))
        yield group


def _sentinel(folder: Path, master: RedisServer, password: str) -> RedisServer:
    sentinel = RedisServer(folder, sentinel=True)
    folder.mkdir(exist_ok=True)
    name = RedisSentinels.service
    lines = [
        f"port {sentinel.port}",
        "bind 127.0.0.1",
        f"sentinel monitor {name} 127.0.0.1 {master.port} 2",
        f"sentinel down-after-milliseconds {name} 500",
        f"sentinel failover-timeout {name} 3000",
        *([f"sentinel auth-pass {name} {password}"] if password else []),
    ]
    (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
    return sentinel


def _knows_all(sentinel: RedisServer) -> bool:
    (pairs,) = sentinel.ask("SENTINEL", "MASTERS")
    state = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return (state[b"num-slaves"], state[b"num-other-sentinels"]) == (b"1", b"2")


class RedisCluster:
    """Six servers, three of them masters with a third of the keys each, each with a replica."""

    def __init__(self, servers: Sequence[RedisServer]) -> None:
        self.servers = servers

    @property
    def url(self) -> str:
        """What `open_redis` takes: three of the six."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:3])

    def master_of(self, key: bytes) -> RedisServer:
        """The server that has a key, as any other says that runs."""
        slot = redis.crc.key_slot(key)
        for server in self.servers:
            with suppress(redis.RedisError):
                for first, last, master, *_ in server.ask("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return next(server for server in self.servers if server.port == int(master[1]))
        raise AssertionError("no server has the key")

    def replica_of(self, master: RedisServer) -> RedisServer:
        """The server that is ready to follow a master."""
        port = int(master.ask("ROLE")[2][0][1])
        return next(server for server in self.servers if server.port == port)

    def wait_until_whole(self) -> None:
        """Wait until every slot has a master and every master a replica in step."""
        wait_for("a whole cluster", lambda: all(map(_sees_whole_cluster, self.servers)))
        wait_for(
            "three masters with a replica", lambda: sorted(map(_replicas, self.servers)) == [-1] * 3 + [1] * 3
        )
        wait_for("three replicas in step", lambda: sum(map(_is_in_step, self.servers)) == 3)

    def kill_master(self, key: bytes) -> RedisServer:
        """Kill the master of a key; its replica follows it in a second or two. Returns the dead one."""
        master = self.master_of(key)
        master.kill()
        return master


@contextmanager
def redis_cluster() -> Iterator[RedisCluster]:
    """A cluster of three masters and three replicas, started and ready for a failover."""
    need_redis()
    options = (
        *_UNFLUSHED,
        *("--cluster-enabled", "yes", "--cluster-node-timeout", "500"),
        *("--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"),
    )
    with _folder() as folder, ExitStack() as stack:
        servers = stack.enter_context(
            _running(lambda: [RedisServer(folder / f"server-{n}", *options) for n in range(6)])
        )
        addresses = [f"127.0.0.1:{server.port}" for server in servers]
        create = ["redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"]
        made = subprocess.run(create, capture_output=True, text=True, timeout=60, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
        cluster = RedisCluster(servers)
        cluster.wait_until_whole()
        yield cluster


def _sees_whole_cluster(server: RedisServer) -> bool:
    return b"cluster_state:ok" in server.ask("CLUSTER", "INFO")


def _replicas(server: RedisServer) -> int:
    """How many a master has that have its first copy; -1 of a replica."""
    role, _, *rest = server.ask("ROLE")
    return sum(int(offset) > 0 for _, _, offset in rest[0]) if role == b"master" else -1


def _is_in_step(server: RedisServer) -> bool:
    return b"master_link_status:up" in server.ask("INFO", "replication")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        yield Path(name)


@contextmanager
def _running(make: Callable[[], list[RedisServer]]) -> Iterator[list[RedisServer]]:
    """Start servers, anew where another program was quicker to take a port; stop them all in the end."""
    for attempt in range(_ATTEMPTS):
        servers = make()
        try:
            for server in servers:
                server.start()
            break
        except ProgramEnded:
            _stop(servers)
            if attempt == _ATTEMPTS - 1:
                raise
        except BaseException:
            _stop(servers)
            raise
    try:
        yield servers
    finally:
        _stop(servers)


def _stop(servers: Sequence[RedisServer]) -> None:
    for server in servers:
        server.stop()


def _free_port() -> int:
    """A port that nobody listens on, nor ten thousand above it, where a cluster's servers talk to each other.

    Not one that the system would give out, nor one of those that other tests take.
    """
    while True:
        port = random.randrange(12_000, 19_000)
        with suppress(OSError), _bound(port), _bound(port + 10_000):
            return port


@contextmanager
def _bound(port: int) -> Iterator[None]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        yield
