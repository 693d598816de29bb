"""Whole sign-ins in a real Chromium."""

from contextlib import ExitStack

import pytest
from tests.journeys.browsing import complaints, site

from signon_idp import Idp

pytestmark = pytest.mark.browser


@pytest.fixture
def here(load_minimal, signon_idp: Idp, plant):
    with site(load_minimal, signon_idp) as served:
        yield served
    plant(*signon_idp.secrets)


def test_signs_in_and_out(here, browser_context):
    """A person signs in, sees who they are, signs out by a click; the next sign-in asks again."""
    page = browser_context.new_page()
    wrong = complaints(page)
    page.goto(f"{here.origin}/")
    page.get_by_role("link", name="Who am I?").click()
    here.choose(page)
    page.wait_for_url(f"{here.origin}/me")
    assert "สมหญิง ใจดี" in page.inner_text("body")
    page.goto(f"{here.origin}/auth/logout")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{here.origin}/auth/signed-out")
    assert here.who(browser_context) is None
    page.goto(f"{here.origin}/me")
    assert page.url.startswith(here.idp.issuer)
    here.choose(page, "omar")
    page.wait_for_url(f"{here.origin}/me")
    assert here.who(browser_context) == "omar"
    assert not wrong


def test_without_script(here, chromium):
    """Nothing of it needs JavaScript."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    here.sign_in(page)
    page.goto(f"{here.origin}/auth/logout")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{here.origin}/auth/signed-out")
    assert here.who(context) is None
    context.close()


def test_cookies(here, browser_context):
    """The session cookie has the port in its name, is out of reach for script, and ends with the browser."""
    page = browser_context.new_page()
    here.sign_in(page)
    port = here.origin.rpartition(":")[2]
    (cookie,) = [cookie for cookie in browser_context.cookies(here.origin) if cookie["name"].startswith("signon-")]
    assert cookie["name"] == f"signon-{port}"
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"], cookie["path"]) == (True, "Lax", -1, "/")
    assert page.evaluate("document.cookie") == ""


def test_four_tabs(here, browser_context):
    """Four tabs start four sign-ins; all finish, in another order than they were started in."""
    tabs = [browser_context.new_page() for _ in range(4)]
    for number, tab in enumerate(tabs):
        tab.goto(f"{here.origin}/me?tab={number}")
        assert tab.url.startswith(here.idp.issuer)
    under_way = [c["name"] for c in browser_context.cookies(here.origin) if "-tx-" in c["name"]]
    assert len(under_way) == 4
    here.choose(tabs[2])
    for number in (2, 0, 3, 1):
        if number != 2:
            tabs[number].reload()  # the provider knows the person by now and asks no more
        tabs[number].wait_for_url(f"{here.origin}/me?tab={number}")
        assert "somying" in tabs[number].inner_text("body")
    assert not [c for c in browser_context.cookies(here.origin) if "-tx-" in c["name"]]


def test_two_applications_and_two_providers(load_minimal, signon_idp_factory, browser_context, tmp_path):
    """Two applications on two ports of localhost, each at a provider of its own on 127.0.0.1, keep apart."""
    with ExitStack() as stack:
        sites = [
            stack.enter_context(
                site(
                    load_minimal,
                    signon_idp_factory(),
                    signon={
                        "SIGNON_SESSIONS": f"sqlite:///{tmp_path}/{name}.sqlite3",
                        "SIGNON_KEYS": f"the-sealing-key-of-the-{name}-application",
                    },
                )
            )
            for name in ("first", "second")
        ]
        first, second = sites
        one, two = browser_context.new_page(), browser_context.new_page()
        one.goto(f"{first.origin}/me")
        two.goto(f"{second.origin}/me")
        second.choose(two, "omar")
        two.wait_for_url(f"{second.origin}/me")
        first.choose(one, "mei")
        one.wait_for_url(f"{first.origin}/me")
        assert [served.who(browser_context) for served in sites] == ["mei", "omar"]
        one.goto(f"{first.origin}/auth/logout")
        one.get_by_role("button", name="Sign out").click()
        one.wait_for_url(f"{first.origin}/auth/signed-out")
        assert [served.who(browser_context) for served in sites] == [None, "omar"]
        two.goto(f"{second.origin}/auth/login?next=/me")
        assert two.url == f"{second.origin}/me", "the other provider still knows this browser"
        one.goto(f"{first.origin}/me")
        assert one.url.startswith(first.idp.issuer)
        assert first.idp.origin != second.idp.origin


def test_one_redirect_to_the_base_urls_host(load_minimal, signon_idp, browser_context):
    """A sign-in begun on 127.0.0.1 goes on at the base URL's localhost, before any cookie, and ends there."""
    with site(load_minimal, signon_idp, signon={"SIGNON_BASE_URL": "{origin}"}) as served:
        page = browser_context.new_page()
        page.goto(f"{served.origin.replace('localhost', '127.0.0.1')}/me?a=b")
        assert page.url.startswith(served.idp.issuer)
        hosts = {cookie["domain"] for cookie in browser_context.cookies() if cookie["name"].startswith("signon-")}
        assert not {
            c["name"] for c in browser_context.cookies() if "-tx-" in c["name"] and c["domain"] != "localhost"
        }
        assert "localhost" in hosts
        served.choose(page)
        page.wait_for_url(f"{served.origin}/me?a=b")
        assert len(served.seen("/me")) == 3, "once on each host name, and once to come back to"


def test_refused_at_the_provider(here, browser_context):
    """Who cancels at the provider lands on a page that says so and leads back to it."""
    page = browser_context.new_page()
    wrong = complaints(page)
    page.goto(f"{here.origin}/me")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name="Sign-in cancelled").wait_for()
    assert here.who(browser_context) is None
    page.get_by_role("link", name="Start again").click()
    here.choose(page)
    page.wait_for_url(f"{here.origin}/me")
    assert not wrong


def test_back_and_reload(here, browser_context):
    """Going back to the provider makes it answer anew; the finished sign-in says so, and nobody is signed out."""
    page = browser_context.new_page()
    here.sign_in(page)
    page.reload()
    assert "somying" in page.inner_text("body")
    page.go_back()
    page.get_by_role("heading", name="This sign-in is already finished").wait_for()
    page.go_forward()
    assert "somying" in page.inner_text("body")
    assert here.who(browser_context) == "somying"
    assert here.idp.calls["token"] == 1
