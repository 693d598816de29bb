"""The minimal example at a practice provider that plays a vendor, and a visitor of whom everything is kept."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import requests
from tests.journeys.stage import CALLBACK, ORIGIN, Stage, code_of
from tests.journeys.visitor import Markup, Visitor

from signon.runtime import background
from signon.sessions.record import Session
from signon_idp import Client


@dataclass
class VendorStage(Stage):
    """A stage whose provider speaks a vendor's dialect and is served on a free port."""

    pages: list[str] = field(default_factory=list)
    """Every answer that any visitor got: its address, headers and text."""

    @property
    def client(self) -> Client:
        (client,) = self.idp.clients.values()
        return client

    def visitor(self) -> Visitor:
        """Somebody with an empty browser, whose every answer is kept."""
        visitor = super().visitor()
        visitor.session.hooks["response"].append(self._keep)
        return visitor

    def _keep(self, response: requests.Response, *_args: object, **_options: object) -> None:
        self.pages.append(
            f"{response.request.url}\n{response.request.headers}\n{response.headers}\n{response.text}"
        )

    def sign_in(self, persona: str | None = None, *, visitor: Visitor | None = None) -> requests.Response:
        """Go to the page that says who is signed in, by way of a persona; the first one where none is named."""
        visitor = visitor or self.visitor()
        page = visitor.get(f"{ORIGIN}/me")
        return visitor.submit(page, persona=persona or self.idp.dialect.personas[0].id)

    def answer(self, visitor: Visitor, persona: str | None = None) -> str:
        """Sign in at the provider, and stop with its answer's address before it is used."""
        return self.begin(visitor, persona=persona or self.idp.dialect.personas[0].id)

    def requests_of(self, act) -> Counter[str]:
        """What the application itself asked of the provider while `act` ran (not what the browser did)."""
        before = self.idp.calls.copy()
        act()
        ours = {"discovery", "jwks", "token", "userinfo", "introspection", "revocation"}
        return Counter({name: count for name, count in (self.idp.calls - before).items() if name in ours})

    def wait_for_background(self) -> None:
        """Until what was left for after the answers, such as revoking tokens, is done."""
        done = threading.Event()
        assert background.submit(done.set)
        assert done.wait(10)

    def session(self, visitor: Visitor) -> Session:
        """What is kept of this visitor."""
        (name,) = visitor.sessions()
        found = self.app.extensions["signon"].party.sessions.load(visitor.cookies[name], now=time.time())
        assert found is not None
        return found

    def later(self, seconds: float) -> None:
        """Let the provider's clock be ahead."""
        self.idp.now = lambda: time.time() + seconds

    def assert_refused(self, page: requests.Response, *, code: str, status: int) -> None:
        """The page has this code and status and one next step, and nobody is signed in by it."""
        assert (code_of(page), page.status_code) == (code, status)
        assert Markup(page.text).links
        assert self.rows().get("records", 0) == 0


__all__ = ["CALLBACK", "ORIGIN", "VendorStage", "code_of"]
