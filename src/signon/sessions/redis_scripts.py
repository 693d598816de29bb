"""What stands under a key of Redis, and the scripts that compare before they write.

    signon:s…  a session's record   touched_at, expires_at (doubles), version (32 bits), then the sealed value
    signon:c…  a claim              expires_at, then the owner
    signon:l…  a lease              the same
    signon:i…  an index             a sorted set of members by expires_at
    signon:m…  a mark               ended_at, expires_at
    signon:e   the epoch            a number, the only key that never goes

Numbers are big-endian. Times are our own clocks'; Redis drops a key by its clock `GRACE_SECONDS` after its expiry,
so a clock that is ahead by less takes nothing from anybody. A script has one key, as a cluster demands. Where it
is sent a second time (`AGAIN`) and finds its own record, the first answer was lost: it writes it once more.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TypeAlias

from signon.sessions.store import Stored

Argument: TypeAlias = bytes | str | int
Command: TypeAlias = tuple[Argument, ...]

GRACE_SECONDS = 120
"""How much longer than its expiry Redis keeps a key, by its own clock."""
FIRST, AGAIN = 0, 1
EPOCH_KEY = b"signon:e"

_RECORD = struct.Struct(">ddI")
_TIMES = struct.Struct(">dd")
_TIME = struct.Struct(">d")


def pack_record(value: bytes, *, version: int, now: float, expires_at: float) -> bytes:
    """A record as it is stored."""
    return _RECORD.pack(now, expires_at, version) + value


def read_record(held: bytes | None, *, now: float) -> Stored | None:
    """The record, unless there is none, it is over, or it isn't one of ours."""
    if held is None or len(held) < _RECORD.size:
        return None
    touched_at, expires_at, version = _RECORD.unpack_from(held)
    if now >= expires_at:
        return None
    return Stored(value=held[_RECORD.size :], version=version, touched_at=touched_at)


def pack_times(now: float, expires_at: float) -> bytes:
    """A mark, or the times of a record."""
    return _TIMES.pack(now, expires_at)


def pack_time(now: float) -> bytes:
    """A time to compare with."""
    return _TIME.pack(now)


def pack_owner(owner: bytes, *, expires_at: float) -> bytes:
    """A claim or a lease."""
    return _TIME.pack(expires_at) + owner


def is_taken(held: bytes | None, *, now: float) -> bool:
    """Whether a claim is there and holds."""
    return held is not None and len(held) >= _TIME.size and now < float(_TIME.unpack_from(held)[0])


def is_ended(held: bytes | None, *, since: float, now: float) -> bool:
    """Whether a mark is there, holds, and is later than `since`."""
    if held is None or len(held) != _TIMES.size:
        return False
    ended_at, expires_at = _TIMES.unpack(held)
    return bool(ended_at > since and now < expires_at)


def goes_at(expires_at: float) -> int:
    """When Redis drops a key that is over at `expires_at`, in milliseconds."""
    return int((expires_at + GRACE_SECONDS) * 1000)


_TEXTS: dict[str, str] = {}


def _script(text: str) -> str:
    """Note a script, and return the name that a server knows it by once it has run there."""
    sha = hashlib.sha1(text.encode("ascii"), usedforsecurity=False).hexdigest()
    _TEXTS[sha] = text
    return sha


def run(script: str, key: bytes, *arguments: Argument) -> Command:
    """The command that runs a script, by its name."""
    return ("EVALSHA", script, 1, key, *arguments)


def in_full(command: Command) -> Command:
    """The same command with the script's text, for a server that doesn't know it yet."""
    return ("EVAL", _TEXTS[str(command[1])], *command[2:])


# ARGV: the record, when it goes, whether it is sent again.
CREATE = _script("""
local held = redis.call('GET', KEYS[1])
if held and not (ARGV[3] == '1' and held == ARGV[1])
   and struct.unpack('>d', held, 9) > struct.unpack('>d', ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
return 1
""")

# ARGV: the record with the version that it will have, when it goes, whether it is sent again.
UPDATE = _script("""
local held = redis.call('GETRANGE', KEYS[1], 0, 19)
if #held < 20 then return 0 end
local _, expires_at, version = struct.unpack('>ddI4', held)
local now, _, following = struct.unpack('>ddI4', ARGV[1])
local ours = ARGV[3] == '1' and redis.call('GET', KEYS[1]) == ARGV[1]
if not ours and (expires_at <= now or version + 1 ~= following) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
return 1
""")

# ARGV: the times, when it goes. Sixteen bytes are written: neither the wire nor the log sees the value again.
TOUCH = _script("""
local held = redis.call('GETRANGE', KEYS[1], 0, 19)
if #held < 20 or struct.unpack('>d', held, 9) <= struct.unpack('>d', ARGV[1]) then return 0 end
redis.call('SETRANGE', KEYS[1], 0, ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return 1
""")

# ARGV: the claim or lease, when it goes, the time.
TAKE = _script("""
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 9) ~= string.sub(ARGV[1], 9)
   and struct.unpack('>d', held) > struct.unpack('>d', ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
return 1
""")

# ARGV: the owner.
RELEASE = _script("""
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 9) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
""")

# ARGV: the member, its expiry, the time. The key goes after the last of its members.
INDEX_ADD = _script(f"""
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local last = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', (last + {GRACE_SECONDS}) * 1000))
return 1
""")

# ARGV: the mark.
MARK = _script(f"""
local held = redis.call('GET', KEYS[1])
local ended_at, expires_at = struct.unpack('>dd', ARGV[1])
if held then
  local earlier, later = struct.unpack('>dd', held)
  ended_at, expires_at = math.max(ended_at, earlier), math.max(expires_at, later)
end
local goes_at = string.format('%.0f', (expires_at + {GRACE_SECONDS}) * 1000)
redis.call('SET', KEYS[1], struct.pack('>dd', ended_at, expires_at), 'PXAT', goes_at)
return 1
""")
