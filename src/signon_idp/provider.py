"""The provider itself: what it is called, whom it knows, what it remembers, what is wrong with it."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from threading import Event, Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from signon_idp.dialect import Dialect
from signon_idp.faults import FAULTS, HEALTHY, Fault
from signon_idp.keys import KeyRing
from signon_idp.model import Client, Grant
from signon_idp.scene import Scene
from signon_idp.state import State

if TYPE_CHECKING:
    from flask import Flask

    from signon_idp.server import Server

Clock = Callable[[], float]


class Idp:
    """One practice provider. `start()` serves one; alone, its `app` can be called in-process.

    `origin` is scheme, host and port; `path` stands between it and the dialect's own suffix of the issuer.
    The issuer comes from these alone, never from a request's Host header.
    """

    def __init__(
        self,
        *,
        dialect: Dialect,
        origin: str,
        path: str = "",
        clients: tuple[Client, ...] = (),
        now: Clock = time.time,
    ) -> None:
        """`now` gives POSIX seconds; raises ValueError for a path that is not empty and not `/like/this`."""
        if path and (not path.startswith("/") or path.endswith("/")):
            raise ValueError("path begins with a slash and ends without one")
        self.dialect = dialect
        self.origin = origin
        self.issuer = f"{origin}{path}{dialect.issuer_suffix}"
        self.base = self.issuer.rstrip("/")
        parts = urlsplit(origin)
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.stopped = Event()
        self.server: Server | None = None
        self._lock = Lock()
        self._first = (clients, now)
        self.reset()

    def reset(self) -> None:
        """Back to how it began: no session, code, token, fault or count; the first clients, keys and clock."""
        clients, self.now = self._first
        self.keys = KeyRing()
        self.state = State(lambda: self.now())  # noqa: PLW0108 - a clock set later must count too
        self.form_key = secrets.token_bytes(32)
        self.fault_now: Fault = HEALTHY
        self.calls: Counter[str] = Counter()
        self.connections = 0
        self.clients: dict[str, Client] = {}
        for client in clients:
            self.register(client)

    @cached_property
    def app(self) -> "Flask":
        """The Flask application (WSGI)."""
        from signon_idp.app import build_app

        return build_app(self)

    @property
    def secrets(self) -> set[str]:
        """Every client secret, code and token so far, for tests that look for them where they must not be."""
        kept = {client.client_secret for client in self.clients.values() if client.client_secret}
        return self.state.minted() | kept

    @property
    def cookie_name(self) -> str:
        """Cookies ignore ports, so dialect and port are in the name."""
        return f"signon-idp-{self.dialect.name}-{self.port}"

    def register(self, client: Client) -> Client:
        """Know `client` from now on (in place of an earlier one of that id); hands it back."""
        if client.token_endpoint_auth_method not in self.dialect.auth_methods:
            raise ValueError(f"{self.dialect.name} does not speak {client.token_endpoint_auth_method}")
        if client.id_token_signed_response_alg not in self.dialect.signing_algs:
            raise ValueError(f"{self.dialect.name} does not sign with {client.id_token_signed_response_alg}")
        encrypted = client.id_token_encrypted_response_alg or client.userinfo_encrypted_response_alg
        if encrypted and not self.dialect.encryption:
            raise ValueError(f"{self.dialect.name} does not encrypt")
        self.clients[client.client_id] = client
        return client

    def set_fault(self, name: str | None) -> None:
        """Be wrong in the way called `name` from now on, or in none; ValueError for an unknown name."""
        if name is not None and name not in FAULTS:
            raise ValueError(f"no fault is called {name!r}")
        self.fault_now = HEALTHY if name is None else FAULTS[name]

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Be wrong in the way called `name` inside a with block."""
        before = self.fault_now
        self.set_fault(name)
        try:
            yield
        finally:
            self.fault_now = before

    def rotate_keys(self) -> None:
        """Sign with new keys; the former ones stay published until the next rotation."""
        self.keys.rotate()

    def scene(self, client: Client | None = None, grant: Grant | None = None) -> Scene:
        """What surrounds an answer, for hooks and faults."""
        return Scene(
            issuer=self.issuer, now=self.now(), keys=self.keys, client=client, grant=grant, stopped=self.stopped
        )

    def count(self, endpoint: str) -> None:
        """One more request to `endpoint`."""
        with self._lock:
            self.calls[endpoint] += 1

    def count_connection(self) -> None:
        """One more TCP connection."""
        with self._lock:
            self.connections += 1

    def stop(self) -> None:
        """Stop serving, if it was; trickling answers end."""
        self.stopped.set()
        if self.server is not None:
            self.server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
