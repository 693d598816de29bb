"""The page of one's own sessions in Chromium: two browsers of one person, and what its buttons do to each."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.journeys.browsing import complaints
from tests.journeys.visitor import Markup

from signon_demo.practice import PRACTICES
from signon_demo.serve import Running, serving

pytestmark = pytest.mark.browser

STANDARD = next(practice for practice in PRACTICES if practice.name == "oidc")
WIDE, PHONE = {"width": 1100, "height": 800}, {"width": 390, "height": 844}
VIEWS = (("light", WIDE), ("dark", WIDE), ("light", PHONE))
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)
SMALL_CONTROLS = """
  [...document.querySelectorAll("button, a.button")]
    .filter(control => control.getBoundingClientRect().height < 43.5).map(control => control.outerHTML)
"""
HEADING = "Where you are signed in"


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    with serving((STANDARD,), port=0, idp_port=0, environment={}) as running:
        yield running


@pytest.fixture
def computer(browser_context: BrowserContext) -> Page:
    """A person's computer."""
    return browser_context.new_page()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """The same person's telephone, without script."""
    context = chromium.new_context(user_agent=IPHONE, java_script_enabled=False, viewport=PHONE)
    yield context.new_page()
    context.close()


def sign_in(page: Page, demo: Running, persona: str) -> None:
    """Leave a sign-in in the page's browser, each test's with a persona of its own."""
    provider = page.context.request.get(f"{demo.address}/auth/login/oidc", headers={"Accept": "text/html"})
    form = next(form for form in Markup(provider.text()).forms if "persona" in form.names)
    page.context.request.post(form.action, form={**form.hidden, "persona": persona})
    assert is_signed_in(page, demo)


def is_signed_in(page: Page, demo: Running) -> bool:
    answer = page.context.request.get(f"{demo.address}/auth/sessions", headers={"Accept": "application/json"})
    return answer.ok


def places(page: Page) -> list[str]:
    return [re.sub(r"Chrome on .*", "Chrome", text) for text in page.locator(".places strong").all_inner_texts()]


def check(page: Page) -> None:
    """What every page must keep: in light, in dark and at a telephone's width."""
    for colours, size in VIEWS:
        page.emulate_media(color_scheme=colours)
        page.set_viewport_size(size)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{colours}, {size}: {found.generate_report()}"
        assert page.evaluate(SMALL_CONTROLS) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_one_is_ended_from_elsewhere(computer, phone, demo, tmp_path):
    """From the profile to the list: all can read it; its button ends the other session, and the page says so."""
    wrong = complaints(computer)
    for page in (phone, computer):
        sign_in(page, demo, "somying")
    computer.goto(f"{demo.address}/profile")
    computer.get_by_role("link", name=HEADING).click()
    expect(computer.locator("h1")).to_have_text(HEADING)
    assert places(computer) == ["Chrome", "Safari on iPhone"]
    expect(computer.locator("li", has_text="Chrome")).to_contain_text("This one")
    check(computer)
    computer.screenshot(path=tmp_path / "two.png", full_page=True)
    computer.get_by_role("button", name="End this session").click()
    expect(computer.get_by_role("status")).to_have_text("1 session has ended.")
    assert places(computer) == ["Chrome"]
    check(computer)
    assert (is_signed_in(computer, demo), is_signed_in(phone, demo)) == (True, False)
    computer.screenshot(path=tmp_path / "one.png", full_page=True)
    assert not wrong


def test_all_others_are_ended_without_script(computer, phone, demo):
    """On the telephone, without script: all others end, this one stays."""
    for page in (phone, computer):
        sign_in(page, demo, "omar")
    phone.goto(f"{demo.address}/auth/sessions")
    phone.get_by_role("button", name="End all others").click()
    expect(phone.get_by_role("status")).to_have_text("1 session has ended.")
    expect(phone.locator("main")).to_contain_text("You are signed in nowhere else.")
    assert (is_signed_in(computer, demo), is_signed_in(phone, demo)) == (False, True)


def test_everywhere_is_everywhere(computer, phone, demo):
    """Every session ends, the provider's own, too: afterwards this browser is asked who is there."""
    for page in (phone, computer):
        sign_in(page, demo, "mei")
    computer.goto(f"{demo.address}/auth/sessions")
    computer.get_by_role("button", name="Sign out everywhere").click()
    computer.wait_for_url("**/auth/signed-out")
    assert (is_signed_in(computer, demo), is_signed_in(phone, demo)) == (False, False)
    computer.goto(f"{demo.address}/profile")
    expect(computer.locator("button[value='mei']")).to_be_visible()
