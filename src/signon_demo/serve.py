"""The application and its practice providers, served together from this process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

from cheroot.wsgi import Server

from signon.providers import from_names
from signon_demo.app import create_app
from signon_demo.practice import Practice, provider_names, provider_settings, start_practice
from signon_idp import Idp

T = TypeVar("T")
_TRIES = 50
_HIGHEST = 65535
_TICK_SECONDS = 0.05
"""How long a kept connection may wait to be looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What is served: the application's base URL and port, and the practice providers by name."""

    address: str
    port: int
    idps: Mapping[str, Idp]


@contextmanager
def serving(practices: tuple[Practice, ...], *, port: int, idp_port: int) -> Iterator[Running]:
    """Serve the application on localhost and each practice provider on 127.0.0.1, inside a with block.

    Each port is the first free one from the given number on; 0 is any. Raises OSError where there is none.
    """
    with ExitStack() as running:
        server = on_free_port(_bind, port=port)
        running.callback(server.stop)
        address = f"http://localhost:{server.bind_addr[1]}"
        idps: dict[str, Idp] = {}
        settings: dict[str, str] = {}
        for practice in practices:
            idp = running.enter_context(_start_on_free_port(practice, port=idp_port, application=address))
            idps[practice.name] = idp
            settings |= provider_settings(practice, idp)
        server.wsgi_app = create_app(from_names(provider_names(practices), settings=settings), base_url=address)
        Thread(target=server.serve, name="signon-demo", daemon=True).start()
        yield Running(address=address, port=server.bind_addr[1], idps=idps)


def _start_on_free_port(practice: Practice, *, port: int, application: str) -> Idp:
    return on_free_port(lambda free: start_practice(practice, port=free, application=application), port=port)


def _bind(port: int) -> Server:
    """A server that listens already and will be given its application."""
    server = Server(("127.0.0.1", port), None, numthreads=8, timeout=60, shutdown_timeout=1)
    server.expiration_interval = _TICK_SECONDS
    server.prepare()
    return server


def on_free_port(begin: Callable[[int], T], *, port: int) -> T:
    """What `begin` starts on the first free port from `port` on; port 0 is any free one.

    Raises OSError, with what was wrong with the last one, when none of the next ports can be had.
    """
    trouble: OSError | None = None
    for candidate in range(port, min(port + _TRIES, _HIGHEST + 1)):
        if candidate and _is_answered(candidate):
            trouble = OSError("in use")
            continue
        try:
            return begin(candidate)
        except OSError as error:
            trouble = error
    raise OSError(f"no port from {port} on can be had: {trouble}") from trouble


def _is_answered(port: int) -> bool:
    # Somebody on [::1] or on every address leaves 127.0.0.1 free to bind, and browsers would go to them.
    try:
        socket.create_connection(("localhost", port), timeout=0.2).close()
    except OSError:
        return False
    return True
