"""The minimal example, a practice provider and a visitor, with nothing between them but the protocol."""

import re
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

import requests
from flask import Flask
from tests.journeys.visitor import Visitor, sign_in

from signon_idp import Client, Idp

ORIGIN = "http://localhost:5000"
CALLBACK = "/auth/callback/"
SECRET = "practice-secret-of-the-demo-client"
_CODE = re.compile(r'<p class="reference"><code>([a-z0-9_]+)</code>')


def client_for(name: str = "oidc", *, origin: str = ORIGIN, **changes: object) -> Client:
    """This application as a practice provider knows it."""
    usual = Client(
        client_id=f"signon-at-{name}",
        client_secret=SECRET,
        redirect_uris=(f"{origin}/auth/callback/{name}",),
        post_logout_redirect_uris=(f"{origin}/auth/logout/callback/{name}",),
    )
    return replace(usual, **changes)


def settings_for(idp: Idp, client: Client, name: str = "oidc", **keywords: str) -> dict[str, str]:
    """What an operator sets for a generic provider."""
    usual = {"issuer": idp.issuer, "client_id": client.client_id, "client_secret": client.client_secret or ""}
    return {f"{name}_{keyword}".upper(): value for keyword, value in {**usual, **keywords}.items() if value}


def code_of(page: requests.Response) -> str | None:
    """The error code that a page shows at its foot, or problem+json holds."""
    if "json" in page.headers.get("Content-Type", ""):
        return page.json().get("code")
    match = _CODE.search(page.text)
    return match and match[1]


@dataclass
class Stage:
    """One application, its provider, and people who come by."""

    app: Flask
    idp: Idp
    store: Path

    def visitor(self) -> Visitor:
        """Somebody with an empty browser."""
        return Visitor((ORIGIN, self.app), (self.idp.origin, self.idp.app))

    def begin(self, visitor: Visitor, *, page: str = "/me", persona: str = "somying") -> str:
        """Sign in at the provider, and stop with its answer's address before it is used."""
        stopped = sign_in(visitor, ORIGIN + page, persona=persona, stop_at=CALLBACK)
        assert stopped.status_code in range(300, 400), (stopped.status_code, code_of(stopped))
        return stopped.headers["Location"]

    def rows(self) -> dict[str, int]:
        """How many rows each table of the store has."""
        connection = sqlite3.connect(self.store)
        try:
            tables = [
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
        finally:
            connection.close()
