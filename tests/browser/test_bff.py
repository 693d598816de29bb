"""Single-page applications in Chromium: on the application's own site, on another origin, and strangers' pages."""

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from flask import Flask, redirect
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import _QUIET, _executable
from tests.journeys.browsing import Recorder, Site, complaints, other_sites, press
from tests.journeys.serving import free_port, serving
from tests.journeys.stage import client_for, settings_for

from signon.flask.proxy import proxy
from signon.flask.state import KEY
from signon_demo.certificate import make_certificate

pytestmark = pytest.mark.browser

PAGES = Path(__file__).parent / "pages"
HOSTILE = (PAGES / "hostile.js").read_text("utf-8")
NAME = "สมหญิง ใจดี"


class Orders:
    """An API: it says whose token it got, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bool]] = []

    def __call__(self, environ, start_response):
        bears = environ.get("HTTP_AUTHORIZATION", "").startswith("Bearer ")
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], "HTTP_COOKIE" in environ))
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", "evil=1; Path=/")])
        return [b"%s with%s a token" % (body, b"" if bears else b"out")]


class Frontend:
    """A server of files, which knows nothing of anybody; what is below a path in `behind` goes on to a server."""

    def __init__(self, behind: dict[str, int] | None = None) -> None:
        self._behind = behind or {}

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        port = next((port for prefix, port in self._behind.items() if path.startswith(prefix)), None)
        if port is not None:
            return self._pass(environ, start_response, port)
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [(PAGES / "spa.html").read_bytes()]

    def _pass(self, environ, start_response, port):
        """What a reverse proxy does: the same request, with its Host, to the server behind it."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        sent = {name[5:].replace("_", "-"): text for name, text in environ.items() if name.startswith("HTTP_")}
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length:
            sent |= {"Content-Length": str(length), "Content-Type": environ.get("CONTENT_TYPE", "")}
        connection.request(
            environ["REQUEST_METHOD"],
            environ["REQUEST_URI"],
            body=environ["wsgi.input"].read(length),
            headers=sent,
        )
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in {"connection", "transfer-encoding"}]
        start_response(f"{answer.status} {answer.reason}", kept)
        return [body]


@pytest.fixture
def orders():
    return Orders()


@pytest.fixture
def serve(load_minimal, signon_idp, orders, plant) -> Iterator:
    """Serve the minimal example with an API behind it."""
    running = ExitStack()
    behind = running.enter_context(serving(orders))

    def serve(*, port=None, origin=None, tls=None, **signon) -> Site:
        port = port or free_port()
        origin = origin or f"http://localhost:{port}"
        client = signon_idp.register(client_for(origin=origin, client_id=f"client-at-{port}"))
        settings = settings_for(signon_idp, client)
        app = load_minimal(SIGNON_PROVIDERS="oidc", SIGNON_BASE_URL=origin, **settings, **signon)
        proxy(app, "/api", to=f"http://127.0.0.1:{behind}/v1", methods=["GET", "POST", "PUT", "DELETE"])
        recorder = Recorder(app)
        running.enter_context(over_tls(recorder, port, tls) if tls else serving(recorder, port=port))
        return Site(origin=origin, idp=signon_idp, recorder=recorder)

    with running:
        yield serve
    plant(*signon_idp.secrets)


@contextmanager
def over_tls(application, port, files) -> Iterator[int]:
    """Serve over https with a certificate for localhost and 127.0.0.1."""
    server = Server(("127.0.0.1", port), application, numthreads=8, shutdown_timeout=1)
    server.ssl_adapter = BuiltinSSLAdapter(*map(str, files))
    server.prepare()
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    yield server.bind_addr[1]
    server.stop()
    thread.join(5)


def who(page: Page):
    return page.locator("#who")


def app_of(site: Site) -> Flask:
    return site.recorder._application


@pytest.fixture
def one_site(serve):
    """The frontend's files and the application behind one reverse proxy: one origin."""
    outside, inside = free_port(), free_port()
    site = serve(port=inside, origin=f"http://localhost:{outside}")
    with serving(Frontend({"/auth": inside, "/api": inside, "/me": inside}), port=outside):
        yield site


def test_one_site_behind_a_reverse_proxy(one_site, browser_context, orders):
    """Where all is one site everything works with cookies that are Lax: sign-in, the API, the whole sign-out."""
    page = browser_context.new_page()
    wrong = complaints(page)
    page.goto(f"{one_site.origin}/shop?x=1")
    expect(who(page)).to_have_text("nobody")
    press(page, "Sign in")
    one_site.choose(page)
    page.wait_for_url(f"{one_site.origin}/shop?x=1")
    expect(who(page)).to_have_text(NAME)
    press(page, "Ask")
    expect(page.locator("#orders")).to_have_text("200 one with a token")
    assert orders.asked == [("POST", "/v1/orders", False)]
    assert {cookie["sameSite"] for cookie in browser_context.cookies(one_site.origin)} == {"Lax"}
    assert "evil" not in {cookie["name"] for cookie in browser_context.cookies()}
    press(page, "Sign out")
    page.wait_for_url(f"{one_site.origin}/auth/signed-out")
    assert one_site.who(browser_context) is None
    page.goto(f"{one_site.origin}/shop")
    expect(who(page)).to_have_text("nobody")
    press(page, "Ask")
    expect(page.locator("#orders")).to_contain_text("login_needed")
    assert len(orders.asked) == 1
    assert not wrong


def test_sign_out_is_seen_in_every_tab(one_site, browser_context):
    """A sign-out in one tab is seen in the others at once, though none of them would look for an hour."""
    one_site.sign_in_quietly(browser_context)
    tabs = [browser_context.new_page() for _ in range(3)]
    for tab in tabs:
        tab.goto(f"{one_site.origin}/shop?seconds=3600")
        expect(who(tab)).to_have_text(NAME)
    press(tabs[0], "Sign out")
    for tab in tabs[1:]:
        expect(who(tab)).to_have_text("nobody")
    tabs[0].wait_for_url(f"{one_site.origin}/auth/signed-out")


def test_session_that_ends_elsewhere_is_seen_by_looking(one_site, browser_context):
    """What ends on the server is seen by the next look, and to look is no use of the session."""
    one_site.sign_in_quietly(browser_context)
    page = browser_context.new_page()
    page.goto(f"{one_site.origin}/shop?seconds=0.1")
    expect(who(page)).to_have_text(NAME)
    looks = len(one_site.seen("/auth/session"))
    one_site.wait_for(page, "/auth/session", times=looks + 3)
    store = app_of(one_site).extensions[KEY].party.sessions
    store.end_everything()
    expect(who(page)).to_have_text("nobody")


def test_session_that_is_only_looked_at_comes_to_its_end(one_site, browser_context, monkeypatch):
    """A page that is open and does nothing keeps nobody signed in; a request of its script does."""
    party = app_of(one_site).extensions[KEY].party
    touched = []
    touch = party.sessions.store.touch
    monkeypatch.setattr(party.sessions, "_touch_seconds", 0.0)
    monkeypatch.setattr(
        party.sessions.store, "touch", lambda *given, **more: (touched.append(1), touch(*given, **more))
    )
    one_site.sign_in_quietly(browser_context)
    page = browser_context.new_page()
    page.goto(f"{one_site.origin}/shop?seconds=0.1")
    expect(who(page)).to_have_text(NAME)
    touched.clear()
    one_site.wait_for(page, "/auth/session", times=len(one_site.seen("/auth/session")) + 3)
    assert not touched
    press(page, "Ask")
    expect(page.locator("#orders")).to_have_text("200 one with a token")
    assert touched


@pytest.fixture
def frontend():
    """A frontend on another origin: its port."""
    with serving(Frontend()) as port:
        yield port


def test_frontend_on_another_origin(serve, frontend, browser_context, orders):
    """A listed frontend of the same site signs in, asks the API and signs out, by preflights that allow it."""
    elsewhere = f"http://localhost:{frontend}"
    site = serve(SIGNON_CORS_ORIGINS=elsewhere, SIGNON_AFTER_LOGIN="/back")
    app_of(site).add_url_rule("/back", "back", lambda: redirect(f"{elsewhere}/logged-in?backend={site.origin}"))
    page = browser_context.new_page()
    wrong = complaints(page)
    page.goto(f"{elsewhere}/?backend={site.origin}")
    expect(who(page)).to_have_text("nobody")
    press(page, "Sign in")
    site.choose(page)
    page.wait_for_url(f"{elsewhere}/logged-in?backend={site.origin}")
    expect(who(page)).to_have_text(NAME)
    press(page, "Ask")
    expect(page.locator("#orders")).to_have_text("200 one with a token")
    press(page, "Sign out")
    page.wait_for_url(f"{site.origin}/auth/signed-out")
    assert site.who(browser_context) is None
    assert orders.asked == [("POST", "/v1/orders", False)]
    preflights = [seen for seen in site.recorder.seen if seen.method == "OPTIONS"]
    assert {(seen.path, seen.site, seen.status) for seen in preflights} >= {
        ("/auth/session", "same-site", 204),
        ("/auth/auth-url", "same-site", 204),
        ("/api/orders", "same-site", 204),
        ("/auth/logout", "same-site", 204),
    }
    assert not wrong


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_page_that_is_not_listed_reads_and_changes_nothing(serve, browser_context, orders, host):
    """A page of another site, or of the same one on another port, whose requests have cookies: whatever it tries,
    simple or preflighted, it reads nothing, starts and ends nothing, and the API hears nothing of it.
    """
    site = serve(SIGNON_CORS_ORIGINS="http://localhost:1 https://spa.example.org")
    site.sign_in_quietly(browser_context)
    before = browser_context.cookies(site.origin)
    page = browser_context.new_page()
    with other_sites() as others:
        page.goto(others.page("", host=host))
        outcomes = page.evaluate(HOSTILE, site.origin)
        assert len(outcomes) > 60
        assert [one for one in outcomes if one[1] != "nothing"] == []
        page.goto(
            others.page(
                f'<form method="post" enctype="text/plain" action="{site.origin}/api/orders">'
                '<input name=\'{"order": 1, "x": "\' value=\'"}\'><button>a prize</button></form>',
                host=host,
            )
        )
        press(page, "a prize")
        page.get_by_text("csrf_header_missing").or_(page.get_by_text("cross_site")).wait_for()
    assert orders.asked == []
    assert browser_context.cookies(site.origin) == before
    assert site.who(browser_context) == "somying"
    arrived = [seen for seen in site.recorder.seen if seen.site in {"same-site", "cross-site"}]
    assert len(arrived) > 50
    ours = ("/api/orders", "/api/orders/1", "/auth/session", "/auth/auth-url/oidc")
    assert {seen.status for seen in arrived if seen.path in ours or seen.method == "POST"} == {403}


@pytest.fixture
def other_site_frontend(tmp_path):
    """A frontend at 127.0.0.1 over https: another site than localhost. Gives its origin and the certificate."""
    files = make_certificate(tmp_path)
    with over_tls(Frontend(), 0, files) as port:
        yield f"https://127.0.0.1:{port}", files


@pytest.mark.parametrize("third_party_cookies", [True, False], ids=["allowed", "blocked"])
def test_frontend_on_another_site(serve, other_site_frontend, chromium, tmp_path, third_party_cookies):
    """With SameSite=None a frontend on another site works in browsers that let third-party cookies through; in
    those that block them nobody is ever signed in there.
    """
    elsewhere, files = other_site_frontend
    port = free_port()
    site = serve(
        port=port,
        origin=f"https://localhost:{port}",
        tls=files,
        SIGNON_CORS_ORIGINS=elsewhere,
        SIGNON_COOKIE_SAMESITE="None",
        SIGNON_AFTER_LOGIN="/back",
    )
    app_of(site).add_url_rule("/back", "back", lambda: redirect(f"{elsewhere}/?backend={site.origin}"))
    with profile(chromium, tmp_path, third_party_cookies=third_party_cookies) as context:
        page = context.new_page()
        page.goto(f"{elsewhere}/?backend={site.origin}")
        expect(who(page)).to_have_text("nobody")
        press(page, "Sign in")
        site.choose(page)
        if not third_party_cookies:
            page.wait_for_url("**/auth/callback/**")
            page.get_by_text("state_other_browser").wait_for()
            return
        page.wait_for_url(f"{elsewhere}/?backend={site.origin}")
        expect(who(page)).to_have_text(NAME)
        assert {cookie["sameSite"] for cookie in context.cookies(site.origin)} == {"None"}
        press(page, "Ask")
        expect(page.locator("#orders")).to_have_text("200 one with a token")
        press(page, "Sign out")
        page.wait_for_url(f"{site.origin}/auth/signed-out")
        page.goto(f"{elsewhere}/?backend={site.origin}")
        expect(who(page)).to_have_text("nobody")


@contextmanager
def profile(chromium, folder, *, third_party_cookies) -> Iterator[BrowserContext]:
    """A browser whose owner lets third-party cookies through, or blocks them."""
    preferences = {
        "profile": {
            "cookie_controls_mode": 0 if third_party_cookies else 1,
            "block_third_party_cookies": not third_party_cookies,
        }
    }
    (folder / "profile" / "Default").mkdir(parents=True)
    (folder / "profile" / "Default" / "Preferences").write_text(json.dumps(preferences))
    context = chromium.browser_type.launch_persistent_context(
        folder / "profile", executable_path=_executable(), args=list(_QUIET), ignore_https_errors=True
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()
