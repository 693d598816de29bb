"""The first port that can be had."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeVar

from cheroot.wsgi import Server

T = TypeVar("T")
_TRIES = 50
_HIGHEST = 65535
_TICK_SECONDS = 0.05
"""How long a kept connection may wait to be looked at again."""


def on_free_port(begin: Callable[[int], T], *, port: int) -> T:
    """What `begin` starts on the first free port from `port` on; port 0 is any free one.

    Raises OSError when none of the next ports can be had.
    """
    trouble: OSError | None = None
    for candidate in range(port, min(port + _TRIES, _HIGHEST + 1)):
        if candidate and _is_answered(candidate):
            continue
        try:
            return begin(candidate)
        except OSError as error:
            trouble = error
    raise OSError(f"no port from {port} on can be had") from trouble


def bind(port: int) -> Server:
    """A server that listens on localhost and can be given its application; raises OSError for a taken port."""
    server = Server(("127.0.0.1", port), None, numthreads=8, timeout=60, shutdown_timeout=1)
    server.expiration_interval = _TICK_SECONDS
    server.prepare()
    return server


def _is_answered(port: int) -> bool:
    # Somebody on [::1] or on every address leaves 127.0.0.1 free to bind, and browsers would go to them.
    try:
        socket.create_connection(("localhost", port), timeout=0.2).close()
    except OSError:
        return False
    return True
