"""The tour of the demo in Chromium: what somebody can do who reads no code, with each provider."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.signon_demo.people import CAN, PERSONAS

from signon_demo.serve import Running

pytestmark = pytest.mark.browser

OUTCOMES = {
    "introspect": re.compile("says that the token is good"),
    "explain": re.compile(r"\d\d checks passed"),
    "refresh": re.compile("There are new tokens"),
    "revoke": re.compile("The tokens are over"),
}
STATUS_LINE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@pytest.fixture
def page(browser_context: BrowserContext, demo: Running) -> Iterator[Page]:
    """A page of a fresh browser that must complain of nothing, and in which no token stands whole, on any page."""
    complaints: list[str] = []
    seen: list[str] = []
    browser_context.on("console", lambda told: STATUS_LINE.match(told.text) or complaints.append(told.text))
    browser_context.on("weberror", lambda error: complaints.append(str(error.error)))
    browser_context.on(
        "response",
        lambda answer: answer.url.startswith(demo.address) and answer.ok and seen.append(answer.text()),
    )
    yield browser_context.new_page()
    assert complaints == []
    secrets = set().union(*(idp.secrets for idp in demo.idps.values()))
    assert not secrets & set(re.findall(r"[\w.~-]{20,}", " ".join(seen)))


def _sign_in(page: Page, demo: Running, name: str, *, persona: str | None = None) -> None:
    page.goto(f"{demo.address}/auth/login/{name}?next=/profile")
    page.click(f"button[value='{persona or PERSONAS[name]}']")
    page.wait_for_url(f"{demo.address}/profile")


def _go(page: Page, title: str) -> None:
    """To a page by the menu that all pages have; its heading is what the menu calls it."""
    page.click("nav >> text=All pages")
    page.click(f'.panel a:text-is("{title}")')
    expect(page.locator("h1")).to_have_text(title)


def _buttons(page: Page) -> list[str]:
    """What the page offers to do with the tokens."""
    return page.locator("button[name=do]").evaluate_all("buttons => buttons.map(button => button.value)")


@pytest.mark.parametrize("name", CAN)
def test_what_can_be_done_with_tokens(page, demo, name):
    """Each button that the provider can serve does what it says, and the others are said to be missing."""
    _sign_in(page, demo, name)
    _go(page, "Your tokens")
    offered = _buttons(page)
    assert tuple(offered) == CAN[name]
    assert page.locator("dt.absent").count() == len(OUTCOMES) - len(offered)
    for do in offered:
        page.click(f"button[value={do}]")
        expect(page.locator("#outcome")).to_have_text(OUTCOMES[do])
    if "revoke" in offered:
        expect(page.locator("main")).to_contain_text("There are none any more")
        page.click("text=Sign in again for new ones")
        if page.locator("button[name=persona]").count():
            page.click(f"button[value='{PERSONAS[name]}']")
        page.wait_for_url(f"{demo.address}/tokens")
        expect(page.locator("button[name=do]").first).to_be_visible()


@pytest.mark.parametrize("label", ["PingOne (implicit flow)", "PingOne (hybrid flow)"])
def test_a_sign_in_whose_tokens_come_by_the_browser(page, demo, label):
    """The implicit and the hybrid flow end at the profile, and what they brought is checked and shown as ever; no
    token stays in the address, and there is none to refresh with.
    """
    page.goto(demo.address)
    _go(page, "Other grants")
    page.click(f"text=Sign in with {label}")
    page.click("button[value='mia']")
    page.wait_for_url(f"{demo.address}/profile")
    expect(page.locator("main")).to_contain_text(f"signed in with {label}")
    assert "#" not in page.url
    _go(page, "Your tokens")
    assert _buttons(page) == ["introspect", "explain", "revoke"]
    page.click("button[value=explain]")
    expect(page.locator("#outcome")).to_have_text(OUTCOMES["explain"])


def test_the_application_has_a_token_of_its_own(page, demo):
    """Nobody has signed in: the application gets its own token, and the second time has it still."""
    page.goto(f"{demo.address}/grants")
    page.click("text=Get one from PingOne")
    expect(page.locator("[role=status]")).to_contain_text("PingOne has given the application this token")
    page.click("text=Get one from PingOne")
    expect(page.locator("[role=status]")).to_contain_text("kept from before")


def test_permissions_open_doors(page, demo):
    """Mara may edit billing and gets in; Ola is told that she may not, and has a way back."""
    _sign_in(page, demo, "authmachine")
    _go(page, "Your permissions")
    page.click("a:text-is('Billing')")
    expect(page.locator("h1")).to_have_text("Billing")
    page.click("text=Back to your permissions")
    _go(page, "Ways to leave")
    page.click("text=Leave AuthMachine, too")
    page.wait_for_url(f"{demo.address}/auth/signed-out")
    _sign_in(page, demo, "authmachine", persona="ola")
    page.goto(f"{demo.address}/billing")
    expect(page.locator(".reference")).to_contain_text("permission_needed")


def test_a_password_is_changed_or_a_mail_asked_for(page, demo):
    """The page leads PingOne's people to the form with its rules, and has Auth0 mail a link."""
    _sign_in(page, demo, "pingone")
    _go(page, "Your password")
    page.fill("#email", "mia@people.example")
    page.click("text=Mail me a link")
    expect(page.locator("[role=status]")).to_contain_text("Auth0 has been asked")
    page.click("main >> text=Change your password")
    expect(page.locator("#rules")).to_be_visible()


def test_a_wish_is_granted(page, demo):
    """Somebody who asks for Thai with a name filled in finds just that at the provider, and signs in."""
    page.goto(f"{demo.address}/ways")
    page.click("text=I am Somying")
    expect(page.locator("html")).to_have_attribute("lang", "th")
    expect(page.locator("#username")).to_have_value("somying")
    page.click("button[value='somying']")
    page.wait_for_url(f"{demo.address}/profile")


def test_an_invitation_and_a_portal(page, demo):
    """Both links of other people's pages end at the profile, the portal's after a question."""
    page.goto(f"{demo.address}/ways")
    page.click("text=By an invitation to Siam Books")
    page.click("button[value='lee']")
    page.wait_for_url(f"{demo.address}/profile")
    expect(page.locator("main")).to_contain_text("siam-books")
    _go(page, "Ways to begin")
    page.click("text=As from OpenID")
    page.click("text=Sign in with OpenID")
    page.click("button[value='mei']")
    page.wait_for_url(f"{demo.address}/profile")
    expect(page.locator("h1")).to_have_text("Mei Lin Tan")


@pytest.mark.parametrize("name", ["authmachine", "auth0", "oidc"])
def test_a_sign_out_in_another_tab_reaches_this_one(page, demo, name):
    """Somebody ends their session at the provider in another tab, and the page that is open here knows them no
    more: it was told over the back channel, or has asked.
    """
    _sign_in(page, demo, name)
    _go(page, "Ways to leave")
    with page.expect_popup() as opened:
        page.click("text=own sign-out in another tab")
    theirs = opened.value
    confirm = theirs.locator("main form button").first
    if confirm.count():
        confirm.click()
    expect(theirs.locator("h1")).to_have_text("You are signed out")
    demo.idps[name].wait_for_logouts()
    page.reload()
    expect(page.locator("h1")).to_have_text("Choose how to sign in")
