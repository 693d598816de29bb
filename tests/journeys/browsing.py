"""What the tests with a real browser share: the example on localhost, other sites, and who asked for what."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page
from tests.journeys.serving import free_port, serving
from tests.journeys.stage import client_for, settings_for
from tests.journeys.visitor import Markup

from signon_idp import Idp

_PATIENCE = 250


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

    def sign_in_quietly(self, context: BrowserContext, *, persona: str = "somying") -> None:
        """Leave the cookies of a sign-in in a browser without showing a page: for tests about what comes after."""
        provider = context.request.get(f"{self.origin}/me", headers={"Accept": "text/html"})
        form = next(form for form in Markup(provider.text()).forms if "persona" in form.names)
        context.request.post(form.action, form={**form.hidden, "persona": persona})
        assert self.who(context) == persona

    def choose(self, page: Page, persona: str = "somying") -> None:
        """Press a persona's button on the provider's page."""
        page.locator(f'button[name="persona"][value="{persona}"]').click()

    def answer(self, page: Page, persona: str = "somying") -> str:
        """Choose a persona, and stop with the address of the provider's answer before the browser goes there."""
        form = next(form for form in Markup(page.content()).forms if "persona" in form.names)
        sent = page.context.request.post(form.action, form={**form.hidden, "persona": persona}, max_redirects=0)
        return sent.headers["location"]

    def wait_for(self, page: Page, path: str, *, times: int = 1) -> list[Seen]:
        """The requests for a path, once there are so many, and a moment for the browser to take in the answers."""
        for _ in range(_PATIENCE):
            if len(self.seen(path)) >= times:
                page.wait_for_timeout(50)
                return self.seen(path)
            page.wait_for_timeout(20)
        raise AssertionError(f"{path} was asked for {len(self.seen(path))} times: {self.recorder.seen}")

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


class OtherSites:
    """Other people's pages: at 127.0.0.1 of another site than the application, at localhost of another origin."""

    def __init__(self) -> None:
        self._pages: list[str] = []
        self.port = 0

    def __call__(self, environ, start_response):
        number = environ["PATH_INFO"].strip("/")
        if not number.isdigit():
            start_response("404 Not Found", [])
            return [b""]
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [f"<!doctype html><title>other</title><body>{self._pages[int(number)]}".encode()]

    def page(self, html: str, *, host: str = "127.0.0.1") -> str:
        """The address of a new page with this in it."""
        self._pages.append(html)
        return f"http://{host}:{self.port}/{len(self._pages) - 1}"


@contextmanager
def other_sites() -> Iterator[OtherSites]:
    """Somewhere to put hostile pages."""
    sites = OtherSites()
    with serving(sites) as sites.port:
        yield sites


def complaints(page: Page) -> list[str]:
    """Collect from now on what the browser has against a page: policy violations, script errors."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "console",
        lambda message: found.append(message.text) if "Security Policy" in message.text else None,
    )
    return found


def insert(page: Page, markup: str) -> None:
    """Add markup to a page as if it had been there."""
    page.evaluate("text => document.body.append(document.createRange().createContextualFragment(text))", markup)


def press(page: Page, name: str) -> None:
    """Press the button, or follow the link, of this name."""
    page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).click()
