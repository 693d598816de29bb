"""AuthMachine's own things in Chromium: permissions, sign-up, and one sign-out for two applications."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import time_machine
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.vendor_site import choose, leave, vendor_site
from tests.journeys.browsing import Site, complaints

from signon.flask import current_login, current_user, login_required, permission_required, start_sign_in
from signon.providers.authmachine import permissions_wish
from signon_idp import Idp
from signon_idp.dialects.authmachine import AUTHMACHINE

pytestmark = pytest.mark.browser

PAGES = {
    "/bills": permission_required("billing", "edit")(lambda: f"bills of {current_user.name}"),
    "/stock": permission_required("warehouse-7", "view")(lambda: "stock"),
    "/ask": lambda: start_sign_in(next_path="/stock", wishes=permissions_wish("warehouse-7")),
    "/welcome": login_required(lambda: "Welcome, you are new" if current_login.signed_up else "Welcome back"),
}


@pytest.fixture
def idp(signon_idp_factory, plant) -> Iterator[Idp]:
    """An installation for each test."""
    running = signon_idp_factory(dialect=AUTHMACHINE, clients=())
    yield running
    plant(*running.secrets)


@pytest.fixture
def new_site(load_minimal, idp, tmp_path) -> Iterator:
    """Serve an application there, each with a store of its own."""
    with ExitStack() as running:

        def new(name: str, **settings: str) -> Site:
            more = {"SIGNON_SESSIONS": f"sqlite:///{tmp_path}/{name}.sqlite3", **settings}
            return running.enter_context(vendor_site(load_minimal, idp, pages=PAGES, settings=more))

        yield new


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    return browser_context.new_page()


def test_permissions(new_site, page, idp):
    """What came with the sign-in opens its pages; of another object the API is asked; else a page says no."""
    here = new_site("one", AUTHMACHINE_PERMISSIONS="billing")
    wrong = complaints(page)
    page.goto(f"{here.origin}/bills")
    choose(page, "mara.k")
    expect(page.locator("body")).to_have_text("bills of Mara Kind")
    assert idp.calls["permissions"] == 0
    page.goto(f"{here.origin}/stock")
    expect(page.locator("body")).to_have_text("stock")
    assert idp.calls["permissions"] == 1
    leave(here, page)
    page.goto(f"{here.origin}/bills")
    choose(page, "ola")
    expect(page.locator("h1")).to_have_text("No access")
    expect(page.locator(".reference")).to_contain_text("permission_needed")
    page.get_by_role("link", name="Back to the application").click()
    page.wait_for_url(f"{here.origin}/")
    assert not wrong


def test_permissions_of_one_sign_in(new_site, page, idp):
    """A sign-in that asks about one more object opens its page without a word, and without the API's token."""
    here = new_site("one", AUTHMACHINE_PERMISSIONS="billing", AUTHMACHINE_API_TOKEN="")
    page.goto(f"{here.origin}/stock")
    choose(page, "mara.k")
    expect(page.locator("h1")).to_have_text("No access")
    page.goto(f"{here.origin}/ask")
    page.wait_for_url(f"{here.origin}/stock")
    expect(page.locator("body")).to_have_text("stock")
    assert idp.calls["permissions"] == 0


def test_sign_up(new_site, page):
    """Who comes back from the sign-up is greeted as new, and at the next sign-in no more."""
    here = new_site("one")
    page.goto(f"{here.origin}/auth/signup?next=/welcome")
    expect(page.locator("h1")).to_contain_text("Create an account")
    choose(page, "wichai")
    expect(page.locator("body")).to_have_text("Welcome, you are new")
    leave(here, page)
    page.goto(f"{here.origin}/welcome")
    choose(page, "wichai")
    expect(page.locator("body")).to_have_text("Welcome back")


def test_two_applications(new_site, page):
    """One sign-in serves both; the sign-out of one, which revokes all tokens, is seen by the other's next page."""
    first, second = new_site("first"), new_site("second")
    page.goto(f"{first.origin}/me")
    choose(page, "mara.k")
    page.wait_for_url(f"{first.origin}/me")
    page.goto(f"{second.origin}/welcome")
    expect(page.locator("body")).to_have_text("Welcome back")
    assert second.who(page.context) == "mara.k"
    leave(first, page)
    assert (first.who(page.context), second.who(page.context)) == (None, None)
    page.goto(f"{second.origin}/welcome")
    expect(page.locator('button[value="mara.k"]')).to_be_visible()


def test_tokens_that_live_on(new_site, page):
    """Where a sign-out is told to revoke nothing the other application goes on."""
    first, second = new_site("first", AUTHMACHINE_REVOKE_TOKENS="false"), new_site("second")
    for place in (first, second):
        page.goto(f"{place.origin}/welcome")
        if place is first:
            choose(page, "mara.k")
        page.wait_for_url(f"{place.origin}/welcome")
    leave(first, page)
    assert (first.who(page.context), second.who(page.context)) == (None, "mara.k")


def test_revocation_is_seen_within_its_interval(new_site, page, idp):
    """With an interval of a minute a session that was ended there is over here a minute later at the latest."""
    here = new_site("one", AUTHMACHINE_REVOKED_CHECK="60")
    page.goto(f"{here.origin}/welcome")
    choose(page, "mara.k")
    expect(page.locator("body")).to_have_text("Welcome back")
    ((_, session),) = idp.state.sessions.entries()
    idp.state.end_grants(session.sid)
    idp.end_session(sid=session.sid)
    assert here.who(page.context) == "mara.k", "not asked about again so soon"
    with time_machine.travel(time.time() + 61, tick=True):
        assert here.who(page.context) is None
        page.reload()
        expect(page.locator('button[value="mara.k"]')).to_be_visible()
