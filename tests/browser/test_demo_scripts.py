"""The pages with scripts of the demo, and its payment, in Chromium."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import time_machine
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.test_pages import check, sign_in
from tests.journeys.browsing import complaints

from signon_demo import serve
from signon_demo.guarded_api import STRONGER
from signon_demo.practice import PRACTICES
from signon_demo.serve import Running, serving
from signon_demo.stranger import ATTEMPTS

pytestmark = pytest.mark.browser

PERSONS = {"auth0": "tan", "pingone": "mia", "oidc": "mei", "authmachine": "mara.k"}
PRESSED = "button:has-text('Confirm on the phone')"


@pytest.fixture
def page(browser_context: BrowserContext) -> Iterator[Page]:
    """A page that must not complain, but where nobody may frame the application."""
    page = browser_context.new_page()
    said = complaints(page)
    yield page
    assert [text for text in said if not text.startswith("Framing ")] == []


def come_in(page: Page, demo: Running, provider: str, *, to: str) -> None:
    """Sign in, and arrive at a page of the demo."""
    page.goto(f"{demo.address}/auth/login/{provider}?next={to}")
    at_provider(page, provider)
    page.wait_for_url(demo.address + to)


def at_provider(page: Page, provider: str) -> None:
    page.click(f"button[value='{PERSONS[provider]}']" if provider in PERSONS else PRESSED)


def tried(page: Page, name: str):
    """Press one of the buttons that try something; gives the place of what came of it."""
    page.click(f"[data-try={name}]")
    expect(page.locator(f"#{name} .badge")).to_be_visible()
    return page.locator(f"#{name}")


def got_token(page: Page) -> str:
    page.click("#get")
    expect(page.locator("#token table")).to_be_visible()
    return page.locator("#token").inner_text()


def test_own_token_at_the_api(page, demo, tmp_path):
    """The page keeps its token in its memory alone, and each way to call the API has its answer and reason."""
    come_in(page, demo, "oidc", to="/api-token")
    expect(tried(page, "good")).to_contain_text("Get a token first")
    expect(tried(page, "without")).to_contain_text("access_token_missing")
    told = got_token(page)
    assert re.search(r"eyJ\S…\S{4} \(\d+\)", told)
    assert "Mei Lin Tan" in told
    for name, texts in {
        "good": ("200", "Mei Lin Tan", "Tea, Rice"),
        "without": ("401", "access_token_missing", "/.well-known/oauth-protected-resource"),
        "changed": ("401", "invalid_token", "access_token_signature"),
        "scope": ("403", "insufficient_scope", "write:orders"),
        "audience": ("401", "invalid_token", "access_token_aud"),
        "stronger": ("401", "insufficient_user_authentication", STRONGER["oidc"], "max_age", "300"),
    }.items():
        output = tried(page, name)
        for text in texts:
            expect(output).to_contain_text(text)
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    assert not re.search(r"eyJ[\w-]{20}", page.content())
    check(page, "A guarded API", pictures=tmp_path)
    page.reload()
    expect(tried(page, "good")).to_contain_text("Get a token first")


def test_addresses_on_the_token_page(page, demo):
    """The keys and the metadata that the page links to are there."""
    come_in(page, demo, "oidc", to="/api-token")
    links = page.locator("#page p a").evaluate_all("all => all.map(link => link.href)")
    keys, metadata = (page.context.request.get(link).json() for link in links)
    assert "EC" in {key["kty"] for key in keys["keys"]}
    assert metadata["resource"] == demo.address
    assert {"read:orders", "write:orders"} <= {*metadata["scopes_supported"]}


def test_stronger_sign_in_for_the_api(page, demo):
    """An API that wants a second factor says so; one stronger sign-in later a new token opens it."""
    provider = "pingone"
    come_in(page, demo, provider, to="/api-token")
    got_token(page)
    tried(page, "stronger").get_by_role("link", name="Sign in more strongly").click()
    at_provider(page, provider)
    page.wait_for_url(f"{demo.address}/api-token")
    got_token(page)
    expect(tried(page, "stronger")).to_contain_text(f"signed_in_by\t{STRONGER[provider]}", use_inner_text=True)


def test_api_for_somebody_who_has_one_way_of_signing_in(page, demo):
    """Where the provider has nothing stronger, the page says so and offers no way that leads nowhere."""
    come_in(page, demo, "thaid", to="/api-token")
    told = got_token(page)
    assert not re.search(r"\b\d{13}\b", told)
    output = tried(page, "stronger")
    expect(output).to_contain_text("knows one way of signing in only")
    expect(output.get_by_role("link")).to_have_count(0)


@pytest.mark.parametrize("provider", STRONGER)
def test_payment(page, demo, provider):
    """A payment asks once for the stronger sign-in, then lets in and is made; a second one asks for nothing."""
    come_in(page, demo, provider, to="/payment")
    page.click("text=Go on to pay")
    at_provider(page, provider)
    page.wait_for_url(f"{demo.address}/payment/confirm")
    expect(page.locator("main")).to_contain_text(STRONGER[provider])
    page.click("text=Pay 1,250.00 baht")
    expect(page.locator("h1")).to_have_text("The payment is made")
    page.goto(f"{demo.address}/payment")
    page.click("text=Go on to pay")
    expect(page.locator("h1")).to_have_text("Confirm the payment")


def test_payment_pages(page, demo, tmp_path):
    """Each step of a payment can be read by everybody; who has no stronger way is told who has."""
    come_in(page, demo, "thaid", to="/payment")
    expect(page.locator("main")).to_contain_text("ThaID knows one way of signing in")
    check(page, "A payment", pictures=tmp_path)
    page.click("text=Sign in with OpenID")
    at_provider(page, "oidc")
    page.wait_for_url(f"{demo.address}/payment")
    page.click("text=Go on to pay")
    at_provider(page, "oidc")
    check(page, "Confirm the payment", pictures=tmp_path)
    page.click("text=Pay 1,250.00 baht")
    expect(page.locator("h1")).to_have_text("The payment is made")


TAKEN = {
    "thaid": "200",
    "authmachine": "401",
    "auth0": "200",
    "pingone": "401",
    "sgid": "401",
    "oidc": "200",
}
"""Whether each provider's access token opens an API of the application's own."""


@pytest.mark.parametrize("provider", TAKEN)
def test_api_behind_the_proxy(page, demo, provider):
    """The API behind the proxy gets each provider's token and no cookie, and judges the token itself."""
    come_in(page, demo, provider, to="/single-page")
    heard = tried(page, "heard")
    expect(heard).to_contain_text(f"GET /{provider}/heard")
    expect(heard).to_contain_text(re.compile(r"Bearer .{4}….{4} \(\d+\)"))
    expect(heard.locator("tr:has-text('Cookies') td").first).to_have_text("0")
    person = tried(page, "person")
    expect(person.locator(".badge")).to_have_text(TAKEN[provider])
    assert not re.search(r"\b\d{13}\b", person.inner_text())
    if TAKEN[provider] == "401":
        expect(person.locator(".reference")).to_contain_text("Code: access_token_")
    expect(tried(page, "kept").locator(".badge")).to_have_text("Nothing")


def test_single_page_application(page, demo, tmp_path):
    """Signed out it offers to sign in, by navigation; signed in it knows who is there and for how long."""
    page.goto(f"{demo.address}/single-page")
    expect(page.locator("#nobody")).to_be_visible()
    heard = tried(page, "heard")
    expect(heard.locator(".badge")).to_have_text("401")
    heard.get_by_role("button", name="Sign in").click()
    page.click("a.provider:has-text('OpenID')")
    at_provider(page, "oidc")
    page.wait_for_url(f"{demo.address}/single-page")
    expect(page.locator("#who")).to_have_text("Mei Lin Tan")
    for clock in ("ends", "idle", "token"):
        expect(page.locator(f"#{clock}")).to_have_text(re.compile(r"^\d:\d\d:\d\d$"))
    assert page.locator("#ends").inner_text() > "7:59:00"
    tried(page, "heard")
    check(page, "A single-page application", pictures=tmp_path)


def test_sign_in_by_an_address(page, demo):
    """The page can ask where to go, and go there when it likes; the sign-in comes back to it."""
    page.goto(f"{demo.address}/single-page")
    page.click("#nobody summary")
    page.click("[data-provider=oidc]")
    page.locator("#address a").click()
    at_provider(page, "oidc")
    page.wait_for_url(f"{demo.address}/single-page")
    expect(page.locator("#who")).to_have_text("Mei Lin Tan")


def test_sign_out_reaches_the_other_tab(page, demo):
    """A sign-out in one tab is seen in the other at once, and ends the session."""
    come_in(page, demo, "oidc", to="/single-page")
    with page.expect_popup() as opened:
        page.click("text=Open a second tab")
    other = opened.value
    expect(other.locator("#who")).to_have_text("Mei Lin Tan")
    page.click("#logout")
    expect(other.locator("#nobody")).to_be_visible()
    page.wait_for_url(f"{demo.address}/auth/signed-out")


def test_button_that_is_pressed_at_once(page, demo):
    """Who calls the API before the page has heard who is signed in gets their own provider's all the same."""
    held = []
    page.route("**/auth/session*", lambda route: route.continue_() if held else held.append(route))
    come_in(page, demo, "oidc", to="/single-page")
    expect(tried(page, "heard")).to_contain_text("GET /oidc/heard")
    held[0].continue_()
    expect(page.locator("#who")).to_have_text("Mei Lin Tan")


def test_session_that_came_to_its_limit(page, demo):
    """A session that ends for want of use is seen by the page, which says why."""
    come_in(page, demo, "oidc", to="/single-page")
    with time_machine.travel(time.time() + 3 * 3600, tick=True):
        page.reload()
        expect(page.locator("#reason")).to_have_text("Nothing was done for too long: you have been signed out.")


def test_pages_without_script_say_so(demo, chromium):
    """Where scripts are off each page that needs them says that, and promises nothing that never comes."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    come_in(page, demo, "oidc", to="/api-token")
    for address in (f"{demo.address}/api-token", f"{demo.address}/single-page", demo.stranger):
        page.goto(address)
        shown = page.locator("main").inner_text()
        assert "This page works with scripts only." in shown
        assert "Asking who is signed in" not in shown
    context.close()


def test_token_page_of_somebody_signed_out_elsewhere(page, demo):
    """Who has signed out in another tab gets no new token here, is told why, and comes back by a new sign-in."""
    come_in(page, demo, "oidc", to="/api-token")
    page.context.clear_cookies(domain="localhost")
    page.click("#get")
    expect(page.locator("#token .badge")).to_have_text("401")
    page.click("#token >> text=Sign in")
    page.click("a.provider:has-text('OpenID')")
    page.wait_for_url(f"{demo.address}/api-token")


def test_pages_say_what_they_could_not_do(page, demo):
    """Where the application is not to be reached, the pages say so instead of nothing."""
    come_in(page, demo, "oidc", to="/api-token")
    page.route("**/auth/token", lambda route: route.abort())
    page.click("#get")
    expect(page.locator("#token .badge")).to_have_text("No answer")
    page.unroute("**/auth/token")
    page.goto(f"{demo.address}/single-page")
    expect(page.locator("#who")).to_be_visible()
    page.route("**/auth/session*", lambda route: route.abort())
    page.click("#logout")
    expect(page.locator("#trouble .badge")).to_have_text("No answer")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_stranger(page, demo, tmp_path, host):
    """From another site, and from the same one with cookies, all that the stranger tries is refused, and the
    person stays signed in.
    """
    sign_in(page, demo, "mei")
    page.goto(demo.stranger.replace("127.0.0.1", host))
    page.click("#all")
    expect(page.locator("#sum")).to_have_text(f"{len(ATTEMPTS)} attempts, none got in.")
    words = {a.name: page.locator(f"#{a.name} .badge").inner_text() for a in ATTEMPTS}
    assert words == dict.fromkeys(words, "Refused")
    told = page.locator("main").inner_text()
    assert ("GET /auth/session, with your cookies: 403 cross_site" in told) is (host == "localhost")
    if host == "localhost":
        check(page, "A stranger", pictures=tmp_path)
    with page.expect_popup() as opened:
        page.click("text=Am I still signed in?")
    expect(opened.value.locator("h1")).to_have_text("Mei Lin Tan")


def test_the_way_back_from_the_stranger(page, demo):
    """Who has followed the demo's own link to the stranger's page finds one back."""
    page.goto(demo.stranger)
    page.click("text=Back to the demo")
    expect(page.locator("h1")).to_have_text("Sign in to this demo")


def test_stranger_whom_nothing_answers(page, demo):
    """Where the application is not there, nothing passes for a refusal."""
    page.route(f"{demo.address}/**", lambda route: route.abort())
    page.goto(demo.stranger)
    assert tried(page, "read").locator(".badge").inner_text() == "No answer"


def test_stranger_who_is_let_in(page, monkeypatch):
    """Against an application that lists the stranger's origin the page says that it got in: it can tell."""
    with lenient(monkeypatch) as demo:
        sign_in(page, demo, "mei")
        page.goto(demo.stranger.replace("127.0.0.1", "localhost"))
        preflight = tried(page, "preflight")
        expect(preflight.locator(".badge")).to_have_text("Got in")
        expect(preflight).to_contain_text("Mei Lin")
        page.click("#all")
        expect(page.locator("#sum")).to_have_text(re.compile(r"^9 attempts, [1-9] got in\.$"))


@contextmanager
def lenient(monkeypatch) -> Iterator[Running]:
    """A demo that takes a stranger's page for a frontend of its own."""
    make = serve.create_app

    def create(providers, *, stranger, **more):
        monkeypatch.setenv("SIGNON_CORS_ORIGINS", stranger.replace("127.0.0.1", "localhost"))
        return make(providers, stranger=stranger, **more)

    monkeypatch.setattr(serve, "create_app", create)
    with serving(PRACTICES[-1:], port=0, idp_port=0, environment={}) as running:
        yield running
