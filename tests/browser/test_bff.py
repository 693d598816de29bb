"""Single-page applications in Chromium: on the application's own site, on another origin, and on another site."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from flask import Flask, redirect
from jwcrypto import jwk
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.conftest import _QUIET, _executable
from tests.journeys.browsing import Recorder, Site, complaints, press
from tests.journeys.serving import free_port, running, serving
from tests.journeys.stage import client_for, settings_for

from signon.flask.proxy import proxy
from signon.flask.state import KEY
from signon_demo.certificate import make_certificate

pytestmark = pytest.mark.browser

PAGES = Path(__file__).parent / "pages"
DOCS = Path(__file__).parents[2] / "docs" / "single-page.md"
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


def frontend_files(_environ, start_response):
    """A server of files, which knows nothing of anybody."""
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [(PAGES / "spa.html").read_bytes()]


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


@contextmanager
def nginx(folder: Path, *, outside: int, inside: int) -> Iterator[None]:
    """The reverse proxy as the docs set it up, but for the places of things on this machine."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        missing = "no nginx here: `make deps` installs it (Debian and Ubuntu: apt-get install nginx-light)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    server = re.search(r"```nginx\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)[1]
    for documented, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{outside}",
        "/srv/frontend": str(folder),
        "127.0.0.1:8000": f"127.0.0.1:{inside}",
        "(auth|api)": "(auth|api|me)",
    }.items():
        assert documented in server
        server = server.replace(documented, here)
    (folder / "index.html").write_bytes((PAGES / "spa.html").read_bytes())
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; {'user root;' if os.geteuid() == 0 else ''} events {{}}"
        f" http {{ access_log off; types {{ text/html html; }} {places} {server} }}"
    )
    command = [program, "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"]
    with running(command, ready=f"http://127.0.0.1:{outside}/", output=folder / "log", settings={}):
        yield


@pytest.fixture
def one_site(serve, tmp_path):
    """The frontend's files and the application behind one reverse proxy: one origin."""
    outside, inside = free_port(), free_port()
    site = serve(port=inside, origin=f"http://localhost:{outside}")
    with nginx(tmp_path, outside=outside, inside=inside):
        yield site


def sign_in_and_ask(page, site, *, back):
    """From the page of nobody to the provider, `back`, and an answer of the API."""
    expect(who(page)).to_have_text("nobody")
    press(page, "Sign in")
    site.choose(page)
    page.wait_for_url(back)
    expect(who(page)).to_have_text(NAME)
    press(page, "Ask")
    expect(page.locator("#orders")).to_have_text("200 one with a token")


def test_one_site_behind_a_reverse_proxy(one_site, browser_context, orders):
    """Where all is one site everything works with cookies that are Lax: sign-in, the API, the whole sign-out."""
    page = browser_context.new_page()
    wrong = complaints(page)
    page.goto(f"{one_site.origin}/shop?x=1")
    sign_in_and_ask(page, one_site, back=f"{one_site.origin}/shop?x=1")
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


def test_error_of_the_page_is_for_the_page_to_see(one_site, browser_context):
    """What the callback of `watch` throws reaches the page's error handlers, and looking goes on."""
    page = browser_context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(error.message))
    page.goto(f"{one_site.origin}/shop?seconds=3600")
    expect(who(page)).to_have_text("nobody")
    looks = len(one_site.seen("/auth/session"))
    page.evaluate(
        """async () => (await import("/auth/signon.mjs")).watch(
            () => { throw new Error("of the page"); }, {seconds: 0.1})"""
    )
    one_site.wait_for(page, "/auth/session", times=looks + 3)
    assert wrong == ["of the page"]


@pytest.fixture
def frontend():
    """A frontend on another origin: its port."""
    with serving(frontend_files) as port:
        yield port


def test_frontend_on_another_origin(serve, frontend, browser_context, orders):
    """A listed frontend of the same site signs in, asks the API and signs out, by preflights that allow it."""
    elsewhere = f"http://localhost:{frontend}"
    site = serve(SIGNON_CORS_ORIGINS=elsewhere, SIGNON_AFTER_LOGIN="/back")
    app_of(site).add_url_rule("/back", "back", lambda: redirect(f"{elsewhere}/logged-in?backend={site.origin}"))
    page = browser_context.new_page()
    wrong = complaints(page)
    page.goto(f"{elsewhere}/?backend={site.origin}")
    sign_in_and_ask(page, site, back=f"{elsewhere}/logged-in?backend={site.origin}")
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


def test_token_of_our_own(serve, browser_context):
    """A page of ours gets a token of the application's own from the script; without a sign-in, or where there are
    none, it gets an error that says so.
    """
    key = jwk.JWK.generate(kty="EC", crv="P-256").export_to_pem(private_key=True, password=None).decode()
    asks = """import("/auth/signon.mjs").then(it => it.token()).then(
        found => [found.token_type, found.expires_in, found.access_token.split(".").length],
        error => [error.name, error.status, error.code])"""
    for settings, told in (({"SIGNON_TOKEN_KEY": key}, ["Bearer", 300, 3]), ({}, ["SignOnError", 404, None])):
        site = serve(**settings)
        page = browser_context.new_page()
        page.goto(f"{site.origin}/")
        assert page.evaluate(asks) == ["SignOnError", 401, "login_needed"]
        site.sign_in_quietly(browser_context)
        assert page.evaluate(asks) == told
        browser_context.clear_cookies()


def upload(_environ, start_response):
    """What somebody has left at a backend."""
    start_response("200 OK", [("Content-Type", "text/html"), ("Cache-Control", "public, max-age=600")])
    return [b"<title>quiet</title>An upload<script>document.title = 'taken over'</script>"]


def test_answer_is_no_page_of_ours(serve, browser_context):
    """An answer that the browser has kept, and shows as a page where a link leads there, runs nothing as ours."""
    site = serve()
    with serving(upload) as behind:
        proxy(app_of(site), "/open", to=f"http://127.0.0.1:{behind}", credential="none")
        page = browser_context.new_page()
        page.goto(f"{site.origin}/")
        asks = "fetch('/open/it', {headers: {'X-CSRF': '1'}}).then(answer => answer.text())"
        assert "taken over" in page.evaluate(asks)
        page.evaluate("location.href = '/open/it'")
        page.get_by_text("An upload").wait_for()
    assert len(site.seen("/open/it")) == 1, "the page came from the cache"
    assert page.title() == "quiet"
    assert page.evaluate("origin") == "null"


@pytest.fixture
def other_site_frontend(tmp_path):
    """A frontend at 127.0.0.1 over https: another site than localhost. Gives its origin and the certificate."""
    files = make_certificate(tmp_path)
    with over_tls(frontend_files, 0, files) as port:
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
