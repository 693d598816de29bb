"""The application and its practice providers, served together from this process."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TypeVar

from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from flask import Flask

from signon.core.provider import Provider
from signon.providers import from_names
from signon_demo.app import create_app
from signon_demo.backend import create_backend
from signon_demo.certificate import make_certificate
from signon_demo.practice import Practice, provider_names, provider_settings, start_practice, usual_port
from signon_demo.script_pages import HEARD
from signon_demo.stranger import create_stranger
from signon_demo.vendors import find_vendors
from signon_idp import Idp

T = TypeVar("T")
_log = logging.getLogger("signon_demo.serve")
_TRIES = 50
_HIGHEST = 65535
_STRANGER_AFTER = 999
"""The stranger's port is this far from the application's: 5999 beside 5000."""
_TICK_SECONDS = 0.05
"""How long a kept connection may wait to be looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What is served: the application's base URL and port, and the practice providers by name."""

    address: str
    port: int
    idps: Mapping[str, Idp]
    notes: tuple[str, ...] = ()
    """What a person should be told: ports that were taken, vendors that are the real ones."""
    certificate: Path | None = None
    """The application's own, where it is served over https."""
    stranger: str
    """The address of the stranger's page, at 127.0.0.1; at localhost it is another origin."""


@contextmanager
def serving(
    practices: tuple[Practice, ...],
    *,
    port: int,
    idp_port: int,
    https: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Running]:
    """Serve the application on localhost and each practice provider on 127.0.0.1, inside a with block.

    Each port is the first free one from the usual number on (`idp_port` is the standard provider's); 0 is any.
    A vendor whose credentials `environment` has needs no practice provider. Raises OSError where no port is free.
    """
    with ExitStack() as running:
        server = running.enter_context(_listening(port))
        tls = make_certificate(Path(running.enter_context(TemporaryDirectory()))) if https else None
        if tls is not None:
            server.ssl_adapter = BuiltinSSLAdapter(*map(str, tls))
        got = server.bind_addr[1]
        address = f"{'https' if https else 'http'}://localhost:{got}"
        found = find_vendors(practices, environment, application=address)
        practised = tuple(practice for practice in practices if practice.name not in found.names)
        begin = partial(_start, first=idp_port, application=address)
        idps = {practice.name: running.enter_context(begin(practice)) for practice in practised}
        settings = dict(found.settings)
        for practice in practised:
            settings |= provider_settings(practice, idps[practice.name])
        providers = from_names(provider_names(practices, also_of=practised), settings=settings)
        beside = frozenset(name for practice in practised for name in practice.also)
        behind = running.enter_context(_listening(0))
        strange = running.enter_context(_listening(port and min(got + _STRANGER_AFTER, _HIGHEST)))
        _serve_all(providers, server, behind, strange, address=address, real=found.names, beside=beside)
        yield Running(
            address=address,
            port=got,
            idps=idps,
            notes=(*_moved("the application", port, got), *found.notes, *_all_moved(practised, idps, idp_port)),
            certificate=tls[0] if tls else None,
            stranger=_at(strange),
        )


def _moved(who: str, wish: int, got: int) -> list[str]:
    return [] if wish in {0, got} else [f"Port {wish} is taken: {who} is on {got}."]


def _all_moved(practices: tuple[Practice, ...], idps: Mapping[str, Idp], first: int) -> list[str]:
    return [
        note
        for practice in practices
        for note in _moved(
            f"the practice provider {practice.name}", usual_port(practice, first=first), idps[practice.name].port
        )
    ]


def _start(practice: Practice, *, first: int, application: str) -> Idp:
    port = usual_port(practice, first=first)
    return on_free_port(lambda free: start_practice(practice, port=free, application=application), port=port)


class _Server(Server):
    """Logs its troubles: a browser that asks whether to trust a certificate breaks connections off."""

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001, FBT002 - cheroot's own signature
        _log.log(level, "%s", msg, exc_info=traceback)


def _serve_all(
    providers: Sequence[Provider],
    server: Server,
    behind: Server,
    strange: Server,
    *,
    address: str,
    real: frozenset[str],
    beside: frozenset[str],
) -> None:
    """Serve the application at `address`, the API behind its proxy, and the stranger's page."""
    more = {"backend": _at(behind), "stranger": _at(strange)}
    app = create_app(providers, base_url=address, real=real, beside=beside, **more)
    _serve(server, app)
    _serve(behind, create_backend([p for p in providers if p.name not in beside], base_url=_at(behind)))
    _serve(strange, create_stranger(target=address, address=_at(strange), heard=app.extensions[HEARD]))


@contextmanager
def _listening(port: int) -> Iterator[Server]:
    """A server on the first free port from `port` on, inside a with block; silent until it has an application."""
    server = on_free_port(_bind, port=port)
    try:
        yield server
    finally:
        server.stop()


def _serve(server: Server, application: Flask) -> None:
    server.wsgi_app = application
    Thread(target=server.serve, name="signon-demo", daemon=True).start()


def _at(server: Server) -> str:
    return f"http://127.0.0.1:{server.bind_addr[1]}"


def _bind(port: int) -> Server:
    """A server that listens already and will be given its application."""
    server = _Server(("127.0.0.1", port), None, numthreads=8, timeout=60, shutdown_timeout=1)
    server.expiration_interval = _TICK_SECONDS
    server.prepare()
    return server


def on_free_port(begin: Callable[[int], T], *, port: int) -> T:
    """What `begin` starts on the first free port from `port` on; port 0 is any free one.

    Raises OSError, with what was wrong with the last one, when none of the next ports can be had.
    """
    trouble: OSError | None = None
    for candidate in range(port, min(port + _TRIES, _HIGHEST + 1)):
        trouble = _why_not(candidate) if candidate else None
        if trouble is not None:
            continue
        try:
            return begin(candidate)
        except OSError as error:
            trouble = error
    raise OSError(f"no port from {port} on can be had: {trouble or 'there are none'}") from trouble


def _why_not(port: int) -> OSError | None:
    """Why a port can't be had; None where it can. cheroot would leave the socket open that it can't bind."""
    if _is_answered(port):
        return OSError("in use")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except OSError as error:
        return error
    return None


def _is_answered(port: int) -> bool:
    # Somebody on [::1] or on every address leaves 127.0.0.1 free to bind, and browsers would go to them.
    try:
        socket.create_connection(("localhost", port), timeout=0.2).close()
    except OSError:
        return False
    return True
