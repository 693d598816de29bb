"""The PingOne document's application in Chromium: its grants, the userinfo page, a change of the password."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.test_examples import visit
from tests.browser.test_pages import check
from tests.examples.stage import run
from tests.journeys.browsing import other_sites

pytestmark = pytest.mark.browser

OLD, NEW = "practice", "violet-Teapot-93"


@pytest.fixture(scope="module")
def pingone() -> Iterator[str]:
    with run.serving("pingone", port=0, idp_port=0) as (origin,):
        yield origin


def sign_in(page: Page, origin: str, *, name: str = "mia", password: str = OLD) -> None:
    page.goto(origin)
    page.click("text=Login")
    page.fill("#username", name)
    page.fill("#password", password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def change(page: Page, current: str, new: str) -> None:
    for label, text in (("Current password", current), ("New password", new), ("New password once more", new)):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Change password").click()


def test_user_information_and_logout(chromium, pingone, tmp_path):
    """A person signs in, reads what PingOne says of them, and leaves: each page is readable to all."""
    with visit(chromium) as page:
        page.goto(pingone)
        check(page, "PingOne with Flask", pictures=tmp_path)
        sign_in(page, pingone)
        expect(page.get_by_role("status")).to_have_text("You are signed in.")
        check(page, "Hello, Mia Kern", pictures=tmp_path)
        page.click("text=Show User Information")
        check(page, "User information", pictures=tmp_path)
        expect(page.get_by_role("row", name="email").get_by_role("cell")).to_have_text("mia@people.example")
        page.click("text=Back")
        page.click("text=Logout")
        page.wait_for_url(f"{pingone}/")
        expect(page.get_by_role("status")).to_have_text("You are signed out.")
        page.goto(f"{pingone}/nowhere")
        expect(page.get_by_role("alert")).to_be_visible()
        check(page, "PingOne with Flask", pictures=tmp_path)


def test_password_change(chromium, pingone):
    """A weak password is refused by name, a good one taken: then the old one is dead, and the new one alive."""
    with visit(chromium) as page:
        sign_in(page, pingone, name="grace")
        page.click("text=Change Password")
        assert page.url == f"{pingone}/password/change"
        change(page, OLD, "Password1!")
        expect(page.get_by_role("alert")).to_contain_text("This password breaks a rule.")
        change(page, OLD, NEW)
        expect(page.locator("h1")).to_have_text("Password changed")
    for password, heading in ((OLD, "Sign in"), (NEW, "Hello, Grace Okafor")):
        with visit(chromium) as page:
            sign_in(page, pingone, name="grace", password=password)
            expect(page.locator("h1")).to_contain_text(heading)


@pytest.mark.parametrize("response_type", ["token id_token", "id_token", "code id_token"])
def test_implicit_and_hybrid(chromium, monkeypatch, response_type):
    """By settings alone the answer comes by the fragment: it signs in, and stands in no address afterwards."""
    monkeypatch.setenv("GRANT_TYPE", "implicit")
    monkeypatch.setenv("RESPONSE_TYPE", response_type)
    with run.serving("pingone", port=0, idp_port=0) as (origin,), visit(chromium) as page:
        went: list[str] = []
        page.on("framenavigated", lambda frame: went.append(frame.url))
        sign_in(page, origin)
        expect(page.locator("h1")).to_have_text("Hello, Mia Kern")
        assert any(url.startswith(f"{origin}/callback") for url in went)
        page.click("text=Show User Information")
        expect(page.get_by_role("row", name="email").get_by_role("cell")).to_have_text("mia@people.example")
        page.go_back()
        page.go_back()
        assert "id_token=" not in page.url


def test_client_credentials(chromium, monkeypatch, tmp_path):
    """With client credentials nobody can sign in; the application's own token is shown by its ends alone."""
    monkeypatch.setenv("GRANT_TYPE", "client_credentials")
    with run.serving("pingone", port=0, idp_port=0) as (origin,), visit(chromium) as page:
        page.goto(origin)
        check(page, "PingOne with Flask", pictures=tmp_path)
        page.click("text=Get a token")
        expect(page.get_by_role("status")).to_contain_text("a token of its own: eyJ")
        with other_sites() as sites:
            form = f'<form method="post" action="{origin}/token"><button>go</button></form>'
            page.goto(sites.page(form, host="localhost"))
            page.get_by_role("button").click()
            expect(page.get_by_role("alert")).to_contain_text("CSRF")


def test_https(chromium: Browser):
    """Over https, by a certificate made on the spot, a person signs in; the cookies are for https alone."""
    with run.serving("pingone", port=0, idp_port=0, https=True) as (origin,):
        assert origin.startswith("https://")
        context = chromium.new_context(ignore_https_errors=True)
        page = context.new_page()
        sign_in(page, origin)
        expect(page.locator("h1")).to_have_text("Hello, Mia Kern")
        mine = [cookie for cookie in context.cookies() if cookie["name"] == "__Host-signon"]
        assert [cookie["secure"] for cookie in mine] == [True]
        context.close()
