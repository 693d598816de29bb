"""Auth0's own things in Chromium: sign-up, organizations, both sign-outs; and tokens of the application's own."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from jwcrypto.jwk import JWK
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.vendor_site import choose, leave, vendor_site
from tests.journeys.browsing import Site, complaints, other_sites

from signon.flask import current_user, login_required
from signon.flask.api import current_token, token_required
from signon_idp import Idp
from signon_idp.dialects.auth0 import AUTH0
from signon_idp.dialects.auth0_organizations import INVITATION

pytestmark = pytest.mark.browser

KEY = JWK.generate(kty="EC", crv="P-256").export_to_pem(private_key=True, password=None).decode()
IN_MEMORY = """<!doctype html><html lang="en"><title>page</title><p id="said">…</p><script type="module">
const answer = await fetch("/auth/token", {method: "POST", headers: {"X-CSRF": "1"}});
const {access_token} = await answer.json();
const asked = await fetch("/orders", {headers: {Authorization: `Bearer ${access_token}`}, credentials: "omit"});
document.getElementById("said").textContent = (await asked.json()).of;
</script>"""
"""A page that keeps its token in its memory."""
FROM_STORAGE = """<!doctype html><html lang="en"><title>page</title><p id="said">…</p><script type="module">
const headers = {Authorization: `Bearer ${localStorage.getItem("jwt")}`};
const asked = await fetch("/orders", {headers, credentials: "omit"});
document.getElementById("said").textContent = (await asked.json()).of;
</script>"""
"""A page of the older way."""
PAGES = {
    "/memory": login_required(lambda: IN_MEMORY),
    "/storage": lambda: FROM_STORAGE,
    "/organization": login_required(lambda: current_user.vendor.organization_name or "none"),
    "/orders": token_required(provider="own-tokens", scopes="read:orders")(
        lambda: {"of": f"orders of {current_token.claims['name']}"}
    ),
}
TOKENS = {"SIGNON_TOKEN_KEY": KEY, "SIGNON_TOKEN_SCOPE": "read:orders"}
THIEVES = {
    "simple": 'await fetch("{url}", {{method: "POST", credentials: "include"}})',
    "no-cors": 'await fetch("{url}", {{method: "POST", mode: "no-cors", credentials: "include"}})',
    "text": (
        'await fetch("{url}", {{method: "POST", mode: "no-cors", credentials: "include",'
        ' headers: {{"Content-Type": "text/plain"}}, body: "{{}}"}})'
    ),
    "preflighted": (
        'await fetch("{url}", {{method: "POST", credentials: "include", headers: {{"X-CSRF": "1"}}}})'
    ),
    "get": 'await fetch("{url}", {{credentials: "include"}})',
}


@pytest.fixture
def idp(signon_idp_factory, plant) -> Iterator[Idp]:
    """A tenant for each test."""
    running = signon_idp_factory(dialect=AUTH0, clients=())
    yield running
    plant(*running.secrets)


@pytest.fixture
def new_site(load_minimal, idp) -> Iterator:
    """Serve an application there."""
    with ExitStack() as running:

        def new(**settings: str) -> Site:
            return running.enter_context(vendor_site(load_minimal, idp, pages=PAGES, settings=settings))

        yield new


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    return browser_context.new_page()


def test_sign_up(new_site, page):
    """The sign-up shows the vendor's page for new accounts, also to somebody whom it knows, and signs in."""
    here = new_site()
    page.goto(f"{here.origin}/me")
    choose(page, "mia")
    page.wait_for_url(f"{here.origin}/me")
    page.goto(f"{here.origin}/auth/signup/auth0?next=/organization")
    expect(page.locator("h1")).to_contain_text("Create an account")
    choose(page, "lee")
    expect(page.locator("body")).to_have_text("none")


def test_invitation(new_site, page):
    """An invitation's link asks first, from wherever it is opened, and leads to the organization that invites."""
    here = new_site()
    link = f"{here.origin}/auth/login?invitation={INVITATION}&organization=org_8kQ2&organization_name=acme"
    with other_sites() as others:
        page.goto(others.page(f'<a href="{link}&next=/organization">You are invited</a>'))
        page.get_by_role("link", name="You are invited").click()
        page.get_by_role("link", name="Sign in").click()
        choose(page, "lee")
        expect(page.locator("body")).to_have_text("acme")


def test_organization(new_site, page):
    """With an organization that is set its people get in, and others see a page that says no."""
    here = new_site(AUTH0_ORGANIZATION="acme")
    page.goto(f"{here.origin}/organization")
    choose(page, "mia")
    expect(page.locator("body")).to_have_text("acme")
    leave(here, page)
    page.goto(f"{here.origin}/organization")
    choose(page, "tan")
    expect(page.locator(".reference")).to_contain_text("access_denied")


def test_who_is_denied_can_leave(new_site, page):
    """Whom the vendor denies can sign out there, from the page that says so, and come in as somebody else."""
    here = new_site(AUTH0_ORGANIZATION="acme", AUTH0_LOGOUT="v2")
    page.goto(f"{here.origin}/organization")
    choose(page, "tan")
    page.get_by_role("link", name="Start again").click()
    expect(page.locator(".reference")).to_contain_text("access_denied")
    page.get_by_role("link", name="Sign out at Auth0").click()
    page.wait_for_url(f"{here.origin}/auth/signed-out**")
    page.goto(f"{here.origin}/organization")
    choose(page, "mia")
    expect(page.locator("body")).to_have_text("acme")


@pytest.mark.parametrize(("logout", "path"), [("oidc", "/oidc/logout"), ("v2", "/v2/logout")])
def test_both_sign_outs(new_site, page, idp, logout, path):
    """By either sign-out the vendor's session ends and the browser comes back; the next sign-in asks again."""
    here = new_site(AUTH0_LOGOUT=logout)
    page.goto(f"{here.origin}/me")
    choose(page, "mia")
    page.wait_for_url(f"{here.origin}/me")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    leave(here, page)
    assert [url for url in asked if url.startswith(idp.issuer.rstrip("/") + path)]
    page.goto(f"{here.origin}/me")
    expect(page.locator('button[value="mia"]')).to_be_visible()


def test_own_token_in_the_pages_memory(new_site, page):
    """A page gets a token of ours and opens an API with it alone; nothing of it stays in the browser."""
    here = new_site(**TOKENS)
    page.goto(f"{here.origin}/memory")
    choose(page, "mia")
    expect(page.locator("#said")).to_have_text("orders of Mia Kern")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert [seen.status for seen in here.seen("/auth/token")] == [200]
    assert [seen.status for seen in here.seen("/orders")] == [200]


def test_hand_over_page(new_site, page):
    """Where it is asked for, a sign-in ends on a page that leaves a token in local storage, and goes on."""
    here = new_site(**TOKENS, SIGNON_TOKEN_STORAGE="jwt", SIGNON_AFTER_LOGIN="/auth/token/hand-over?next=/storage")
    wrong = complaints(page)
    page.goto(f"{here.origin}/auth/login")
    choose(page, "mia")
    page.wait_for_url(f"{here.origin}/storage")
    expect(page.locator("#said")).to_have_text("orders of Mia Kern")
    assert page.evaluate("Object.keys(localStorage)") == ["jwt"]
    assert not wrong


def test_hand_over_page_that_fails(new_site, page):
    """Where no token is to be had the page says so, and has a way on."""
    here = new_site(**TOKENS, SIGNON_TOKEN_STORAGE="jwt")
    page.goto(f"{here.origin}/me")
    choose(page, "mia")
    page.wait_for_url(f"{here.origin}/me")
    page.route("**/auth/token", lambda route: route.abort())
    page.goto(f"{here.origin}/auth/token/hand-over?next=/storage")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("link", name="Go on").click()
    page.wait_for_url(f"{here.origin}/storage")
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_other_sites_get_no_token(new_site, page, host):
    """Whatever a page of another site, or of another port, sends, no token is issued and nothing is told."""
    here = new_site(**TOKENS)
    page.goto(f"{here.origin}/me")
    choose(page, "mia")
    page.wait_for_url(f"{here.origin}/me")
    with other_sites() as others:
        page.goto(others.page("", host=host))
        for sent in THIEVES.values():
            script = sent.format(url=f"{here.origin}/auth/token")
            got = page.evaluate(
                f"async () => {{ try {{ return await ({script}).text() }} catch {{ return '' }} }}"
            )
            assert got == ""
    arrived = here.seen("/auth/token")
    assert {seen.status for seen in arrived} <= {403, 405}
    assert {"POST", "OPTIONS"} <= {seen.method for seen in arrived}
