"""What pages of origins that are not listed can do to somebody who has signed in: each way that a browser has of
sending a request, at each route that starts, ends, issues, changes or tells something. Nothing, that is.
"""

import sqlite3
from pathlib import Path

import pytest
from jwcrypto import jwk
from tests.browser.test_bff import Orders
from tests.browser.vendor_site import vendor_site
from tests.journeys.browsing import Site, other_sites, press
from tests.journeys.serving import serving

from signon.flask.proxy import proxy
from signon_idp.dialects.pingone import PINGONE

pytestmark = pytest.mark.browser

STRANGER = (Path(__file__).parent / "pages" / "stranger.js").read_text("utf-8")
KEY = jwk.JWK.generate(kty="EC", crv="P-256").export_to_pem(private_key=True, password=None).decode()
FORM = "current_password=practice&new_password=violet-Teapot-93&confirm_password=violet-Teapot-93"
TARGETS = (
    ("sign-in", "GET", "/auth/login", None),
    ("sign-in with the provider", "GET", "/auth/login/pingone", None),
    ("sign-in", "POST", "/auth/login/pingone", "next=/"),
    ("sign-in by address", "GET", "/auth/auth-url/pingone", None),
    ("protected page", "GET", "/me", None),
    ("sign-out", "GET", "/auth/logout", None),
    ("sign-out", "POST", "/auth/logout", "scope=everywhere"),
    ("session", "GET", "/auth/session", None),
    ("sessions", "GET", "/auth/sessions", None),
    ("sessions", "POST", "/auth/sessions", '{"end": "everywhere"}'),
    ("token", "GET", "/auth/token", None),
    ("token", "POST", "/auth/token", ""),
    ("token hand-over", "GET", "/auth/token/hand-over", None),
    ("API", "GET", "/api/orders", None),
    ("API", "POST", "/api/orders", '{"order": 1}'),
    ("API", "PUT", "/api/orders/1", "x"),
    ("API", "DELETE", "/api/orders/1", None),
    ("password", "GET", "/auth/password", None),
    ("password", "POST", "/auth/password", FORM),
)
"""What it is, and how a page would ask for it."""


@pytest.fixture
def orders():
    return Orders()


@pytest.fixture
def idp(signon_idp_factory, plant):
    running = signon_idp_factory(dialect=PINGONE, clients=())
    yield running
    plant(*running.secrets)


@pytest.fixture
def site(load_minimal, idp, orders):
    """An application that has all of it: an API, tokens of its own, a password page; other origins are listed."""
    settings = {
        "SIGNON_CORS_ORIGINS": "http://localhost:1 https://spa.example.org",
        "SIGNON_TOKEN_KEY": KEY,
        "SIGNON_TOKEN_STORAGE": "token",
        "PINGONE_SCOPE": "openid profile email p1:read:userPassword p1:reset:userPassword",
    }
    with vendor_site(load_minimal, idp, settings=settings) as site, serving(orders) as behind:
        app = site.recorder._application
        proxy(app, "/api", to=f"http://127.0.0.1:{behind}/v1", methods=["GET", "POST", "PUT", "DELETE"])
        yield site


def everything(store: Path) -> list[str]:
    """All that the application keeps."""
    connection = sqlite3.connect(store)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


@pytest.fixture(params=["127.0.0.1", "localhost"], ids=["another site", "another port"])
def stranger(request):
    """A page of another site, or of the same one on another port, whose requests have our cookies."""
    with other_sites() as others:
        yield lambda markup="": others.page(markup, host=request.param)


def test_each_way_at_each_route(site, stranger, idp, orders, browser_context, tmp_path):
    """A page that is not listed reads nothing, not even whether somebody is signed in, and changes nothing: at the
    application, at the provider, in the browser.
    """
    page = browser_context.new_page()
    given = {"origin": site.origin, "targets": TARGETS}
    page.goto(stranger())
    to_nobody = page.evaluate(STRANGER, given)
    assert browser_context.cookies() == []
    site.recorder.seen.clear()

    site.sign_in_quietly(browser_context, persona="mia")
    page.goto(stranger())
    kept = everything(tmp_path / "sessions.sqlite3")
    cookies, calls, passwords = browser_context.cookies(), dict(idp.calls), str(idp.state.passwords)
    to_somebody = page.evaluate(STRANGER, given)
    assert of_our_routes(to_somebody) == of_our_routes(to_nobody)
    assert len(to_somebody) > 350
    assert {outcome for _try, outcome in [*to_nobody, *to_somebody]} <= {"nothing", "error", "load", "silence"}
    assert browser_context.cookies() == cookies
    assert everything(tmp_path / "sessions.sqlite3") == kept
    assert (dict(idp.calls), str(idp.state.passwords), orders.asked) == (calls, passwords, [])
    check_arrivals(site)


def of_our_routes(outcomes: list[list[str]]) -> list[list[str]]:
    """Without those of the application's own page: whether that is loaded as a piece of another is its to say."""
    return [one for one in outcomes if not one[0].startswith("protected page as ")]


def check_arrivals(site: Site) -> None:
    """That each route was asked, and that what changes something was refused every time."""
    arrived = [seen for seen in site.recorder.seen if seen.site in {"same-site", "cross-site"}]
    assert {seen.path for seen in arrived} == {path for _name, _method, path, _body in TARGETS}
    for _name, method, path, _body in TARGETS:
        # Of what browsers ask leave for only that arrives; Flask's own answer to it, 200, gives them none.
        answers = {
            (seen.method, seen.status)
            for seen in arrived
            if seen.path == path and seen.method in {method, "OPTIONS"}
        }
        refusals = {(method, 403), (method, 405), ("OPTIONS", 403), ("OPTIONS", 405), ("OPTIONS", 200)}
        assert answers, (method, path)
        assert method == "GET" or answers <= refusals, (method, path, answers)


@pytest.mark.parametrize("stranger", ["localhost"], indirect=True)
def test_what_needs_a_click(site, stranger, idp, orders, browser_context, tmp_path):
    """Nor does a form that a person is made to press, in a window of its own."""
    site.sign_in_quietly(browser_context, persona="mia")
    kept, calls = everything(tmp_path / "sessions.sqlite3"), dict(idp.calls)
    posts = [(path, body) for _name, method, path, body in TARGETS if method == "POST"]
    page = browser_context.new_page()
    for number, kind in enumerate(("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")):
        page.goto(
            stranger(
                "".join(
                    f'<form method=post target=_blank enctype="{kind}" action="{site.origin}{path}">{fields(body)}'
                    f"<button>{path}</button></form>"
                    for path, body in posts
                )
            )
        )
        for path, _body in posts:
            with browser_context.expect_page() as opened:
                press(page, path)
            opened.value.wait_for_load_state()
            opened.value.close()
            assert site.wait_for(page, path, times=number + 1)[-1].status in {403, 405}
    assert everything(tmp_path / "sessions.sqlite3") == kept
    assert (dict(idp.calls), orders.asked) == (calls, [])


def fields(body: str) -> str:
    """A form's fields from what it is to send."""
    pairs = [pair.partition("=") for pair in body.split("&")] if "=" in body else [(body, "", "")]
    return "".join(f"<input name='{name}' value='{value}'>" for name, _, value in pairs)
