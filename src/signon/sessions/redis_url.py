"""The address of a Redis or Valkey store: one server, a master that Sentinels name, or a cluster.

    redis://[user:password@]host[:port][/database]
    redis+sentinel://[user:password@]host[:port],host[:port],…/service[/database]
    redis+cluster://[user:password@]host[:port],host[:port],…

`rediss` in place of `redis` for TLS, `valkey` and `valkeys` for the same. A user, a password and a file's path are
percent-encoded. After a `?`, with `&` between:

    ca_file=PATH    a PEM file of authorities that the servers' certificates may be from, beside the system's (TLS)
    wait=0 | 1      how many replicas must have a sign-in, a refresh or an end before it counts as done: 1 with
                    Sentinel and in a cluster, where a replica may take over, else 0
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal, NamedTuple
from urllib.parse import unquote

from signon.core.errors import ConfigurationError
from signon.core.values import Secret

Kind = Literal["single", "sentinel", "cluster"]


class Address(NamedTuple):
    """Where a server listens. An IPv6 address has no brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """What an address says. `addresses` are the Sentinels' where `kind` is that, else the servers'."""

    kind: Kind
    addresses: tuple[Address, ...]
    tls: bool
    user: str
    password: Secret
    """Empty where there is none, and then there is no user."""
    database: int
    service: str
    """What the Sentinels call the master; empty for the other kinds."""
    ca_file: str
    replicas: int
    """How many must have what has to last before it counts as done."""


_SCHEME = re.compile(r"(?:redis|valkey)(s?)(?:\+(sentinel|cluster))?\Z")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?\Z")
_SERVICE = re.compile(r"[A-Za-z0-9._-]+\Z")
_DATABASE = re.compile(r"[0-9]{0,4}\Z")
_PORT, _SENTINEL_PORT, _LARGEST_PORT = 6379, 26379, 65535
_PARAMETERS = ("ca_file", "wait")


class _Wrong(Exception):
    """What is wrong with an address, in words that quote nothing before its `?`."""


def read_redis_url(url: str) -> RedisUrl:
    """Read a store's address; raises `ConfigurationError`, which never shows its user, password or hosts."""
    try:
        return _read(url)
    except _Wrong as wrong:
        problem = f"the address of the Redis session store {wrong}"
    raise ConfigurationError((problem,))


def _read(url: str) -> RedisUrl:
    scheme, separator, rest = url.partition("://")
    known = _SCHEME.match(scheme)
    if not known or not separator:
        raise _Wrong("must begin with redis://, redis+sentinel:// or redis+cluster:// (rediss… for TLS)")
    tls, kind = bool(known[1]), _KINDS[known[2]]
    if "#" in rest:
        raise _Wrong("has a '#' in it: in a password it is written %23")
    before, _, query = rest.partition("?")
    authority, _, path = before.partition("/")
    login, _, hosts = authority.rpartition("@")
    user, password = _read_login(login) if "@" in authority else ("", "")
    addresses = tuple(_read_host(host, kind) for host in hosts.split(","))
    if kind == "single" and len(addresses) > 1:
        raise _Wrong("names several servers: that is redis+cluster:// or redis+sentinel://")
    service, database = _PATHS[kind](path)
    parameters = _read_query(query)
    ca_file = parameters.get("ca_file", "")
    if ca_file and not tls:
        raise _Wrong("has a ca_file, but no TLS: begin it with rediss")
    return RedisUrl(
        kind=kind,
        addresses=addresses,
        tls=tls,
        user=user,
        password=Secret(password),
        database=database,
        service=service,
        ca_file=ca_file,
        replicas=_read_wait(parameters.get("wait", "0" if kind == "single" else "1")),
    )


_KINDS: Mapping[str | None, Kind] = MappingProxyType(
    {None: "single", "sentinel": "sentinel", "cluster": "cluster"},
)


def _decoded(text: str, what: str) -> str:
    try:
        decoded = unquote(text, errors="strict")
        decoded.encode("utf-8")
    except UnicodeError:
        decoded = "\0"
    if "\0" in decoded:
        raise _Wrong(f"has a {what} that is not percent-encoded text")
    return decoded


def _read_login(login: str) -> tuple[str, str]:
    user, _, password = login.partition(":")
    if not password:
        raise _Wrong("has an '@', but no password before it (user:password@, or :password@)")
    return _decoded(user, "user name"), _decoded(password, "password")


def _read_host(text: str, kind: Kind) -> Address:
    host = _HOST.match(text)
    port = int(host[3] or (_SENTINEL_PORT if kind == "sentinel" else _PORT)) if host else 0
    if host is None or not 0 < port <= _LARGEST_PORT:
        raise _Wrong("names no host, or one that can't be (a '/', '?' or '@' in a password is percent-encoded)")
    return Address(host[1] or host[2], port)


def _read_database(text: str) -> int:
    if not _DATABASE.match(text):
        raise _Wrong("ends in something else than the number of a database")
    return int(text or 0)


def _read_single_path(path: str) -> tuple[str, int]:
    return "", _read_database(path)


def _read_sentinel_path(path: str) -> tuple[str, int]:
    service, _, database = path.partition("/")
    if not _SERVICE.match(service):
        raise _Wrong("must end in /service: what the Sentinels call the master, letters, digits and . - _")
    return service, _read_database(database)


def _read_cluster_path(path: str) -> tuple[str, int]:
    if path:
        raise _Wrong("ends in a path: a cluster has one database, without a number")
    return "", 0


_PATHS: Mapping[Kind, Callable[[str], tuple[str, int]]] = MappingProxyType(
    {"single": _read_single_path, "sentinel": _read_sentinel_path, "cluster": _read_cluster_path},
)


def _read_query(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name not in _PARAMETERS:
            # The name itself isn't quoted: what follows a '?' may be the rest of a password.
            near = get_close_matches(name, _PARAMETERS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"what can be had is {' and '.join(_PARAMETERS)}"
            raise _Wrong(f"has a parameter after its '?' that is not known: {hint}")
        if name in parameters or not value:
            raise _Wrong(f"has {name} twice, or without a value")
        parameters[name] = _decoded(value, name)
    return parameters


def _read_wait(text: str) -> int:
    if text not in {"0", "1"}:
        raise _Wrong("must say wait=1 (a replica has what was saved) or wait=0 (the master is enough)")
    return int(text)
