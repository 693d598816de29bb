"""The documents' applications in Chromium: what people do with each, and whether all can read its pages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.browser.test_pages import check
from tests.examples.stage import run

pytestmark = pytest.mark.browser

PID = "9103700001234"
STATUS_LINE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@contextmanager
def visit(browser: Browser) -> Iterator[Page]:
    """A page of a fresh browser, whose consoles must stay empty and which must ask nobody else for anything."""
    context: BrowserContext = browser.new_context(locale="en-GB", timezone_id="Asia/Bangkok")
    context.set_default_timeout(10_000)
    complaints: list[str] = []
    context.on("console", lambda told: STATUS_LINE.match(told.text) or complaints.append(told.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda sent: _is_ours(sent.url) or complaints.append(sent.url))
    yield context.new_page()
    context.close()
    assert complaints == []


def _is_ours(url: str) -> bool:
    return urlsplit(url).scheme == "data" or urlsplit(url).hostname in {"localhost", "127.0.0.1"}


@pytest.fixture(scope="module")
def thaid() -> Iterator[str]:
    with run.serving("thaid", port=0, idp_port=0) as (origin,):
        yield origin


@pytest.fixture(scope="module")
def authmachine() -> Iterator[tuple[str, str]]:
    with run.serving("authmachine", port=0, idp_port=0) as origins:
        yield origins


@pytest.fixture(scope="module")
def auth0() -> Iterator[str]:
    with run.serving("auth0", port=0, idp_port=0) as (origin,):
        yield origin


def sign_in_by_phone(page: Page, origin: str) -> None:
    page.goto(origin)
    page.click("text=เข้าสู่ระบบด้วย ThaID")
    page.click("button:has-text('Confirm on the phone')")
    page.wait_for_url(f"{origin}/")


def test_thaid_four_actions(chromium, thaid):
    """Inspect, validate, refresh and revoke each say what came of them, and the page never holds the number."""
    with visit(chromium) as page:
        sign_in_by_phone(page, thaid)
        alert, first = page.locator("#alert"), page.locator("tr:has-text('access_token') td").first.inner_text()
        page.click("text=Inspect the token")
        expect(alert).to_contain_text('"active": true')
        page.click("[aria-label=Dismiss]")
        expect(alert).to_be_hidden()
        page.click("text=Validate the ID token")
        expect(alert).to_contain_text("passed: `aud` must name us (OIDC Core 3.1.3.7, step 3).")
        expect(alert).not_to_contain_text("failed")
        page.click("text=Refresh the token")
        expect(alert).to_contain_text("There are new tokens.")
        assert page.locator("tr:has-text('access_token') td").first.inner_text() != first
        page.click("text=Revoke the token")
        expect(alert).to_contain_text("The tokens were revoked at ThaID.")
        expect(page.locator("main")).to_contain_text("You stay signed in here")
        page.click("text=Inspect the token")
        expect(alert).to_contain_text("That did not work")
        expect(alert).to_contain_text("Please sign in again. ThaID no longer lets this application act for you.")
        assert PID not in page.content()
        page.click("text=Sign out of ThaID")
        expect(page.locator("h1")).to_have_text("Welcome")


def test_thaid_pages_are_for_everyone(chromium, thaid, tmp_path):
    """Both pages, the second with an answer on it, are readable to all, in light, in dark and on a phone."""
    with visit(chromium) as page:
        page.goto(thaid)
        check(page, "Welcome", pictures=tmp_path)
        sign_in_by_phone(page, thaid)
        page.click("text=Validate the ID token")
        expect(page.locator("#alert")).to_be_visible()
        check(page, "นายสมชาย ตัวอย่าง", pictures=tmp_path)


def test_thaid_without_openid(chromium, monkeypatch):
    """A registration without `openid` is signed in; no check of an ID token that isn't there is said to pass."""
    monkeypatch.setenv("THAID_SCOPE", "pid name name_en")
    with run.serving("thaid", port=0, idp_port=0) as (origin,), visit(chromium) as page:
        sign_in_by_phone(page, origin)
        expect(page.locator("main")).to_contain_text("nothing of it is signed")
        page.click("text=Validate the ID token")
        expect(page.locator("#alert")).to_contain_text("That did not work")
        expect(page.locator("#alert")).to_contain_text("There is no ID token")
        page.click("text=Inspect the token")
        expect(page.locator("#alert")).to_contain_text('"sub": "•••••••••1234"')
        assert PID not in page.content()


def sign_in_at_authmachine(page: Page, origin: str, persona: str) -> None:
    page.goto(origin)
    page.click("text=Log In")
    page.click(f"button[value='{persona}']")
    page.wait_for_url(f"{origin}/")


def test_authmachine_permissions(chromium, authmachine, tmp_path):
    """Who may edit billing gets that page, and sees what they may do; who may not is told."""
    one, _ = authmachine
    with visit(chromium) as page:
        page.goto(one)
        check(page, "Client App Test", pictures=tmp_path)
        sign_in_at_authmachine(page, one, "mara.k")
        check(page, "Logged in as mara.k", pictures=tmp_path)
        expect(page.locator("tr:has-text('billing') td")).to_have_text("view, edit")
        page.click("text=Ask about warehouse-7, too")
        expect(page.locator("tr:has-text('warehouse-7') td")).to_have_text("view")
        page.click("nav >> text=Billing")
        expect(page.locator("h1")).to_have_text("Billing")
        page.click("nav >> text=Permissions")
        expect(page.locator("tr:has-text('warehouse-7') td")).to_have_text("view")
        check(page, "Your permissions now", pictures=tmp_path)
    with visit(chromium) as page:
        sign_in_at_authmachine(page, one, "pat")
        page.click("nav >> text=Billing")
        expect(page.locator("main")).to_contain_text("permission_needed")


def test_authmachine_sign_up(chromium, authmachine):
    """Who signs up is welcomed as somebody new."""
    one, _ = authmachine
    with visit(chromium) as page:
        page.goto(one)
        page.click("text=Sign up")
        expect(page.locator("h1")).to_have_text("Create an account")
        page.click("button[value='ola']")
        page.wait_for_url(f"{one}/")
        expect(page.locator("main")).to_contain_text("Welcome: your account is new.")


def test_authmachine_two_applications(chromium, authmachine):
    """Signed in at one, nobody is asked again at the other; signed out of one, the other's next page sees it."""
    one, two = authmachine
    with visit(chromium) as page:
        sign_in_at_authmachine(page, one, "mara.k")
        page.goto(two)
        expect(page.locator("h1")).to_have_text("Client App Test")
        page.click("text=Log In")
        page.wait_for_url(f"{two}/")
        expect(page.locator("h1")).to_have_text("Logged in as mara.k")
        page.click("text=Log out")
        expect(page.locator("h1")).to_have_text("Client App Test")
        page.goto(one)
        expect(page.locator("h1")).to_have_text("Client App Test")


def test_auth0_sign_up_token_and_logout(chromium, auth0, tmp_path):
    """A person signs up; the API knows them by a token that is in no storage; then they sign out."""
    with visit(chromium) as page:
        page.goto(auth0)
        check(page, "Welcome to the Flask App", pictures=tmp_path)
        page.fill("#email", "mia@people.example")
        page.click("text=Send me a link")
        expect(page.locator("#sent")).to_contain_text("a link is on its way")
        page.click("text=Sign Up")
        page.click("button[value=mia]")
        page.wait_for_url(f"{auth0}/")
        page.click("text=Ask the API who I am")
        expect(page.locator("#answer")).to_contain_text("you are Mia Kern")
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
        check(page, "Hello, Mia Kern", pictures=tmp_path)
        page.click("text=Logout")
        page.wait_for_url(f"{auth0}/")
        page.click("text=Login")
        expect(page.locator("button[value=mia]")).to_be_visible()


def test_auth0_organization_and_the_documents_logout(chromium, monkeypatch):
    """With an organization set its members alone come in; the document's own sign-out leads home, too."""
    monkeypatch.setenv("AUTH0_ORGANIZATION", "acme")
    monkeypatch.setenv("AUTH0_LOGOUT", "v2")
    with run.serving("auth0", port=0, idp_port=0) as (origin,):
        with visit(chromium) as page:
            page.goto(f"{origin}/login")
            page.click("button[value=tan]")
            expect(page.locator("h1")).to_have_text("Sign-in cancelled")
        with visit(chromium) as page:
            asked: list[str] = []
            page.on("request", lambda sent: asked.append(urlsplit(sent.url).path))
            page.goto(f"{origin}/login")
            page.click("button[value=mia]")
            page.wait_for_url(f"{origin}/")
            expect(page.locator("main")).to_contain_text("acme")
            page.click("text=Logout")
            expect(page.locator("h1")).to_have_text("Welcome to the Flask App")
            assert "/v2/logout" in asked
