"""The operations of a store as commands of Redis 6.2 or later, or Valkey: each about one key, most one round trip.

A record is one string, so that a page loads it with one GET. The commands that a user must be allowed: GET, SET,
SETRANGE, GETRANGE, DEL, INCR, PEXPIREAT, EVAL, EVALSHA, ZADD, ZREM, ZRANGE, ZRANGEBYSCORE, ZREMRANGEBYSCORE, TIME;
with Sentinel and in a cluster also ROLE and WAIT; in a cluster CLUSTER SLOTS.
"""

from __future__ import annotations

from signon.sessions import redis_scripts as scripts
from signon.sessions.redis_scripts import AGAIN, EPOCH_KEY, FIRST, Command, goes_at, run
from signon.sessions.redis_servers import Servers
from signon.sessions.store import Stored


class RedisStore:
    """A `SessionStore` on Redis servers. What it keeps goes by itself, so there is nothing to sweep."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def create(self, key: bytes, value: bytes, *, now: float, expires_at: float) -> bool:
        """Set, unless there is one that lives."""
        record = scripts.pack_record(value, version=1, now=now, expires_at=expires_at)
        return self._write(scripts.CREATE, b"signon:s" + key, record, expires_at)

    def load(self, key: bytes, *, now: float) -> Stored | None:
        """One GET: the hot path of every signed-in request."""
        name = b"signon:s" + key
        return scripts.read_record(self._servers.call(name, ("GET", name)), now=now)

    def update(self, key: bytes, value: bytes, *, version: int, now: float, expires_at: float) -> bool:
        """Compare the version, and set."""
        record = scripts.pack_record(value, version=version + 1, now=now, expires_at=expires_at)
        return self._write(scripts.UPDATE, b"signon:s" + key, record, expires_at)

    def touch(self, key: bytes, *, now: float, expires_at: float) -> bool:
        """Two numbers; the sealed value stays where it is."""
        times = scripts.pack_times(now, expires_at)
        return self._run(scripts.TOUCH, b"signon:s" + key, times, goes_at(expires_at))

    def delete(self, key: bytes) -> bool:
        """One DEL. Where it had to be sent twice, and the first was done, this says False."""
        name = b"signon:s" + key
        return bool(self._servers.call(name, ("DEL", name), saved=True))

    def claim(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """Set, unless somebody else has it."""
        return self._take(b"signon:c" + key, owner, now=now, expires_at=expires_at)

    def was_claimed(self, key: bytes, *, now: float) -> bool:
        """One GET."""
        name = b"signon:c" + key
        return scripts.is_taken(self._servers.call(name, ("GET", name)), now=now)

    def index_add(self, index: bytes, member: bytes, *, now: float, expires_at: float) -> None:
        """Prune, add, and keep the whole for as long as its last member."""
        name = b"signon:i" + index
        command = run(scripts.INDEX_ADD, name, member, repr(float(expires_at)), repr(float(now)))
        self._servers.call(name, command, saved=True)

    def index_list(self, index: bytes, *, now: float) -> tuple[bytes, ...]:
        """The members that live, by expiry."""
        name = b"signon:i" + index
        members: list[bytes] = self._servers.call(name, ("ZRANGEBYSCORE", name, f"({float(now)!r}", "+inf"))
        return tuple(members)

    def index_remove(self, index: bytes, member: bytes) -> None:
        """One ZREM."""
        name = b"signon:i" + index
        self._servers.call(name, ("ZREM", name, member))

    def mark_ended(self, key: bytes, *, now: float, expires_at: float) -> None:
        """Set the larger of both times."""
        name = b"signon:m" + key
        self._servers.call(name, run(scripts.MARK, name, scripts.pack_times(now, expires_at)), saved=True)

    def ended_since(self, key: bytes, *, since: float, now: float) -> bool:
        """One GET."""
        name = b"signon:m" + key
        return scripts.is_ended(self._servers.call(name, ("GET", name)), since=since, now=now)

    def lease(self, key: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        """As a claim, under a key of its own."""
        return self._take(b"signon:l" + key, owner, now=now, expires_at=expires_at)

    def release(self, key: bytes, owner: bytes) -> None:
        """Delete it, if it is this owner's."""
        self._run(scripts.RELEASE, b"signon:l" + key, owner)

    def epoch(self) -> int:
        """One GET."""
        return int(self._servers.call(EPOCH_KEY, ("GET", EPOCH_KEY)) or 0)

    def next_epoch(self) -> int:
        """One INCR. Sent twice it may count two on, and nobody gets the number between."""
        return int(self._servers.call(EPOCH_KEY, ("INCR", EPOCH_KEY), saved=True))

    def clock(self) -> float:
        """One TIME, of the server that has the epoch: in a cluster everybody asks the same one."""
        seconds, microseconds = self._servers.call(EPOCH_KEY, ("TIME",))
        return int(seconds) + int(microseconds) / 1_000_000

    def sweep(self, *, now: float, limit: int = 1000) -> int:  # noqa: ARG002 - Redis has its own clock and measure
        """Nothing: keys go by themselves, and an index loses its expired members when another is added."""
        return 0

    def close(self) -> None:
        """Close the connections that nobody is using."""
        self._servers.close()

    def _run(self, script: str, name: bytes, *arguments: bytes | int) -> bool:
        return bool(self._servers.call(name, run(script, name, *arguments)))

    def _write(self, script: str, name: bytes, record: bytes, expires_at: float) -> bool:
        def command(time: int) -> Command:
            return run(script, name, record, goes_at(expires_at), time)

        return bool(self._servers.call(name, command(FIRST), again=command(AGAIN), saved=True))

    def _take(self, name: bytes, owner: bytes, *, now: float, expires_at: float) -> bool:
        taken = scripts.pack_owner(owner, expires_at=expires_at)
        return self._run(scripts.TAKE, name, taken, goes_at(expires_at), scripts.pack_time(now))
