"""What the tests with a real browser share: the example on localhost, other sites, and who asked for what."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, Page
from tests.journeys.serving import free_port, serving
from tests.journeys.stage import client_for, settings_for

from signon_idp import Idp


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it arrived, with what the browser said of where it comes from, and the status it got."""

    method: str
    path: str
    site: str | None
    mode: str | None
    dest: str | None
    purpose: str | None
    status: int


class Recorder:
    """A WSGI application that notes what comes to another."""

    def __init__(self, application) -> None:
        self._application = application
        self._lock = threading.Lock()
        self.seen: list[Seen] = []

    def __call__(self, environ, start_response):
        statuses: list[str] = []

        def note(status, headers, *rest):
            statuses.append(status)
            return start_response(status, headers, *rest)

        answer = self._application(environ, note)
        seen = Seen(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            site=environ.get("HTTP_SEC_FETCH_SITE"),
            mode=environ.get("HTTP_SEC_FETCH_MODE"),
            dest=environ.get("HTTP_SEC_FETCH_DEST"),
            purpose=environ.get("HTTP_SEC_PURPOSE"),
            status=int(statuses[-1].split()[0]),
        )
        with self._lock:
            self.seen.append(seen)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A served application with its provider."""

    origin: str
    idp: Idp
    recorder: Recorder

    def seen(self, path: str) -> list[Seen]:
        """The requests for a path, in their order."""
        return [seen for seen in self.recorder.seen if seen.path == path]

    def sign_in(self, page: Page, *, path: str = "/me", persona: str = "somying") -> None:
        """Go to a page that needs a sign-in, and choose a persona."""
        page.goto(self.origin + path)
        self.choose(page, persona)
        page.wait_for_url(self.origin + path)

    def choose(self, page: Page, persona: str = "somying") -> None:
        """Press a persona's button on the provider's page."""
        page.locator(f'button[name="persona"][value="{persona}"]').click()

    def who(self, context: BrowserContext) -> str | None:
        """Who is signed in in this browser, by a request of its own that changes nothing."""
        answer = context.request.get(f"{self.origin}/me", headers={"Accept": "application/json"}, max_redirects=0)
        return answer.json()["preferred_username"] if answer.ok else None


@contextmanager
def site(load_minimal, idp: Idp, *, signon: dict[str, str] | None = None, **keywords: str) -> Iterator[Site]:
    """Serve the minimal example on a free port of localhost, at this provider."""
    port = free_port()
    origin = f"http://localhost:{port}"
    client = idp.register(client_for(origin=origin, client_id=f"client-at-{port}"))
    more = {name: value.format(origin=origin) for name, value in (signon or {}).items()}
    recorder = Recorder(load_minimal(SIGNON_PROVIDERS="oidc", **settings_for(idp, client, **keywords), **more))
    with serving(recorder, port=port):
        yield Site(origin=origin, idp=idp, recorder=recorder)


@dataclass
class OtherSites:
    """Other people's pages, each on a site of its own."""

    _stack: ExitStack
    _pages: dict[str, str] = field(default_factory=dict)

    def page(self, html: str, *, host: str = "127.0.0.1") -> str:
        """Serve a page at another address; gives it."""

        def answer(_environ, start_response):
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [f"<!doctype html><title>other</title>{html}".encode()]

        port = self._stack.enter_context(serving(answer))
        return f"http://{host}:{port}/"


@contextmanager
def other_sites() -> Iterator[OtherSites]:
    """Somewhere to put hostile pages."""
    with ExitStack() as stack:
        yield OtherSites(stack)


def complaints(page: Page) -> list[str]:
    """Collect from now on what the browser has against a page: policy violations, script errors."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "console",
        lambda message: found.append(message.text) if "Security Policy" in message.text else None,
    )
    return found
