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

from signon_idp.courier import Courier, LogoutDelivery
from signon_idp.dialect import Dialect
from signon_idp.faults import FAULTS, HEALTHY, Fault
from signon_idp.keys import KeyRing
from signon_idp.model import Client, Grant
from signon_idp.rules.response_type import kinds
from signon_idp.scene import Scene
from signon_idp.sign_off import end_sessions, logout_tokens
from signon_idp.state import State
from signon_idp.visit import visit

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
        access_token_seconds: int | None = None,
        refresh_grace_seconds: float = 0.0,
    ) -> None:
        """`now` gives POSIX seconds; raises ValueError for a path that is not empty and not `/like/this`.

        Access tokens live as long as the vendor's where `access_token_seconds` is None. A used refresh token
        ends its family at its second use, unless that comes within the grace and none was used in between.
        """
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
        self.courier = Courier()
        lifetime = dialect.lifetimes.access_token if access_token_seconds is None else access_token_seconds
        self._first = (clients, now, lifetime, refresh_grace_seconds)
        self.reset()

    def reset(self) -> None:
        """Back to how it began: no session, code, token, fault or count; the first clients, keys, clock and times.

        Logout tokens that still wait to be sent are thrown away.
        """
        clients, self.now, self.access_token_seconds, self.refresh_grace_seconds = self._first
        self.courier.close()
        self.courier = Courier()
        self.keys = KeyRing()
        self.state = State(lambda: self.now())  # noqa: PLW0108 - a clock set later must count too
        self.form_key = secrets.token_bytes(32)
        self.fault_now: Fault = HEALTHY
        self.calls: Counter[str] = Counter()
        self.connections = 0
        self.refreshes: Counter[tuple[str, str]] = Counter()
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
        if not kinds(client.response_types) <= kinds(self.dialect.response_types):
            raise ValueError(f"{self.dialect.name} does not speak {', '.join(client.response_types)}")
        encrypted = client.id_token_encrypted_response_alg or client.userinfo_encrypted_response_alg
        if encrypted and not self.dialect.encryption:
            raise ValueError(f"{self.dialect.name} does not encrypt")
        if client.backchannel_logout_uri and self.dialect.backchannel is None:
            raise ValueError(f"{self.dialect.name} has no back-channel logout")
        if client.frontchannel_logout_uri and not self.dialect.frontchannel:
            raise ValueError(f"{self.dialect.name} has no front-channel logout")
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
            issuer=self.issuer,
            now=self.now(),
            keys=self.keys,
            stopped=self.stopped,
            access_token_seconds=self.access_token_seconds,
            client=client,
            grant=grant,
        )

    def count(self, endpoint: str) -> None:
        """One more request to `endpoint`."""
        with self._lock:
            self.calls[endpoint] += 1

    def count_refresh(self, grant: Grant) -> None:
        """One more refresh that was answered with tokens; they are counted by client id and `sid`."""
        with self._lock:
            self.refreshes[grant.client_id, grant.sid] += 1

    def visit(self, url: str, *, persona: str) -> str:
        """Follow an authorization request as a new browser, sign in as that person and allow what is asked.

        Gives the address that the browser is sent back to, a refusal's too. ValueError where it isn't sent back.
        """
        return visit(self, url, persona=persona)

    def end_session(self, *, sid: str | None = None, sub: str | None = None, by_sub: bool = False) -> int:
        """End sessions as an administrator does: the one called `sid`, or all of the person `sub`.

        Their clients are told in the background, `by_sub` with no `sid`. Gives how many ended; ValueError when
        neither is named.
        """
        if sid is None and sub is None:
            raise ValueError("end_session needs a sid or a sub")
        return len(end_sessions(self, sid=sid, sub=sub, by_sub=by_sub))

    def backchannel_logout_token(
        self, client_id: str, *, sub: str | None = None, sid: str | None = None, **changes: object
    ) -> str:
        """A signed logout token for that client, for tests that post it themselves; bent by a fault that is set.

        `changes` replace claims, None takes one away. KeyError for an unknown client, ValueError where the
        dialect has no logout tokens.
        """
        return logout_tokens(self, self.clients[client_id], sub=sub, sid=sid, **changes)[0]

    @property
    def logout_deliveries(self) -> tuple[LogoutDelivery, ...]:
        """What became of the logout tokens sent so far, those given up included."""
        return self.courier.deliveries()

    def wait_for_logouts(self, seconds: float = 10.0) -> tuple[LogoutDelivery, ...]:
        """The deliveries once none is under way; TimeoutError after so many `seconds`."""
        return self.courier.wait(seconds)

    def count_connection(self) -> None:
        """One more TCP connection."""
        with self._lock:
            self.connections += 1

    def stop(self) -> None:
        """Stop serving, if it was; trickling answers end."""
        self.stopped.set()
        self.courier.close()
        if self.server is not None:
            self.server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
