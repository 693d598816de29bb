"""The password page in Chromium at a practice PingOne: every rule refuses, then a change goes through."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.journeys.browsing import complaints, other_sites
from tests.journeys.visitor import Markup

from signon_demo.practice import PRACTICES
from signon_demo.serve import Running, serving

pytestmark = pytest.mark.browser

PINGONE = next(practice for practice in PRACTICES if practice.name == "pingone")
WITH_PASSWORDS = replace(
    PINGONE, more={"scope": "openid profile email p1:read:userPassword p1:reset:userPassword"}
)
WIDE, PHONE = {"width": 1100, "height": 800}, {"width": 390, "height": 844}
VIEWS = (("light", WIDE), ("dark", WIDE), ("light", PHONE))
SMALL_CONTROLS = """
  [...document.querySelectorAll("button:not([hidden]), a.button, input:not([hidden])")]
    .filter(control => control.getBoundingClientRect().height < 43.5).map(control => control.outerHTML)
"""
OLD, NEW = "practice", "violet-Teapot-93"
REFUSED = {
    "vT-9éaq": {"8 to 255 characters"},
    "violet-teapot-93": {"At least 1 capital letter"},
    "VIOLET-TEAPOT-93": {"At least 1 small letter"},
    "violet-Teapot-xx": {"At least 1 digit"},
    "violetsTeapots93": {"At least 1 of ~!@#$%^&*()-_=+[]{}|;:,.<>/?"},
    "viooolet-Teapot-93": {"The same character at most 2 in a row"},
    "aA1-aA1-aA1-aA1-": {"At least 5 different characters"},
    "vT-9eaoq": {"Guessing it by trying takes 7 days or more, by the provider's estimate"},
    "Password1!": {"None that many people use"},
    "Kern-violet-93": {"Nothing of your name or your e-mail address"},
    "violet-Practice-93": {"Not similar to your current password"},
}
"""What is typed, and the rules that it breaks; the last ones only the provider can know."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    with serving((WITH_PASSWORDS,), port=0, idp_port=0, environment={}) as running:
        yield running


@pytest.fixture
def page(browser_context: BrowserContext, demo: Running) -> Page:
    demo.idps["pingone"].reset()
    return browser_context.new_page()


def sign_in(page: Page, demo: Running, persona: str = "mia") -> None:
    """Leave a sign-in in the page's browser."""
    provider = page.context.request.get(f"{demo.address}/auth/login/pingone", headers={"Accept": "text/html"})
    form = next(form for form in Markup(provider.text()).forms if "persona" in form.names)
    page.context.request.post(form.action, form={**form.hidden, "persona": persona})


def fill(page: Page, current: str, new: str, again: str | None = None) -> None:
    page.get_by_label("Current password", exact=True).fill(current)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password once more", exact=True).fill(new if again is None else again)


def lines(page: Page, verdict: str) -> set[str]:
    found = page.locator(".rules li").filter(has=page.locator(".verdict", has_text=verdict))
    return set(found.locator("span:first-child").all_inner_texts())


def send(page: Page) -> None:
    page.get_by_role("button", name="Change password").click()


def check(page: Page) -> None:
    """What every page must keep: in light, in dark and at a telephone's width."""
    for colours, size in VIEWS:
        page.emulate_media(color_scheme=colours)
        page.set_viewport_size(size)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{colours}, {size}: {found.generate_report()}"
        assert page.evaluate(SMALL_CONTROLS) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def alive(page: Page, demo: Running, password: str, *, name: str = "mia") -> bool:
    """Whether this password signs in at the provider, in a browser of its own."""
    context = page.context.browser.new_context()
    try:
        other = context.new_page()
        other.goto(f"{demo.address}/auth/login/pingone")
        other.locator("#username").fill(name)
        other.locator("#password").fill(password)
        other.get_by_role("button", name="Sign in", exact=True).click()
        return other.url.startswith(demo.address)
    finally:
        context.close()


def test_refused_for_each_rule_and_then_accepted(page, demo, tmp_path):
    """Each rule refuses what breaks it, by name; then a change goes through: the old is dead, the new alive."""
    wrong = complaints(page)
    sign_in(page, demo)
    page.goto(f"{demo.address}/auth/password")
    check(page)
    page.screenshot(path=tmp_path / "form.png", full_page=True)
    for new, rules in REFUSED.items():
        fill(page, OLD, new)
        send(page)
        expect(page.get_by_role("alert")).to_contain_text("This password breaks a rule.")
        assert lines(page, "broken") == rules, new
    check(page)
    page.screenshot(path=tmp_path / "refused.png", full_page=True)
    fill(page, "not-the-current-one", NEW)
    send(page)
    expect(page.locator("#current-error")).to_have_text("This is not your current password.")
    fill(page, OLD, NEW)
    send(page)
    expect(page.locator("h1")).to_have_text("Password changed")
    check(page)
    assert (alive(page, demo, OLD), alive(page, demo, NEW)) == (False, True)
    page.goto(f"{demo.address}/auth/password")
    for new, rules in (
        ("other-Words-77", {"The last change was 1 day ago or more"}),
        (NEW, {"The last change was 1 day ago or more", "None of your last 6 passwords"}),
    ):
        fill(page, NEW, new)
        send(page)
        expect(page.get_by_role("alert")).to_contain_text("This password breaks a rule.")
        assert rules <= lines(page, "broken")
    assert not wrong


def test_rules_while_typing(page, demo):
    """Each rule that needs no provider is judged at once, and says so to all; the current field is left alone."""
    sign_in(page, demo)
    page.goto(f"{demo.address}/auth/password")
    page.get_by_label("Current password", exact=True).fill("x")
    assert lines(page, "not yet") == set()
    typed = page.get_by_label("New password", exact=True)
    for new, rules in REFUSED.items():
        typed.fill(new)
        known = rules - lines(page, "on saving")
        assert lines(page, "not yet") == known, new
    expect(page.locator("#summary")).to_have_text("8 of 8 rules are met so far.")
    typed.fill("")
    assert lines(page, "met") == set()
    fill(page, OLD, NEW, "violet-Teapot-94")
    expect(page.locator("#again-error")).to_have_text("The two are not the same.")
    send(page)
    assert page.url == f"{demo.address}/auth/password"
    fill(page, OLD, NEW)
    expect(page.locator("#again-error")).to_have_text("")
    for label in ("Current password", "New password", "New password once more"):
        field = page.get_by_label(label, exact=True)
        page.get_by_role("button", name=f"Show {label.lower()}", exact=True).click()
        expect(field).to_have_attribute("type", "text")
        page.get_by_role("button", name=f"Hide {label.lower()}", exact=True).click()
        expect(field).to_have_attribute("type", "password")


def test_quirk_5_odd_characters_and_gaps(page, demo):
    """Quirk 5: sets whose characters patterns must escape, runs of repeats, policies with gaps or with nothing."""
    sign_in(page, demo, "sam")
    page.goto(f"{demo.address}/auth/password")
    assert lines(page, "") == {
        "At least 6 characters",
        "At least 1 of ]\\^-",
        "The same character at most 3 in a row",
    }
    typed = page.get_by_label("New password", exact=True)
    for new in ("abcab]", "abcab\\", "abcab^", "abcab-", "aaabbb-", "a-a-a-a-a"):
        typed.fill(new)
        assert len(lines(page, "met")) == 3, new
    for new in ("abcab[", "abcab_", "aaaa-bc"):
        typed.fill(new)
        assert len(lines(page, "not yet")) == 1, new
    fill(page, OLD, "aaabbb-")
    send(page)
    expect(page.locator("h1")).to_have_text("Password changed")
    page.context.clear_cookies()
    sign_in(page, demo, "arun")
    page.goto(f"{demo.address}/auth/password")
    expect(page.locator(".rules")).to_have_count(0)
    fill(page, OLD, "x")
    send(page)
    expect(page.locator("h1")).to_have_text("Password changed")


def test_locked_out(page, demo):
    """After five wrong tries the form is gone, and the page says for how long."""
    sign_in(page, demo)
    page.goto(f"{demo.address}/auth/password")
    for _ in range(5):
        fill(page, "not-the-current-one", NEW)
        send(page)
        page.wait_for_load_state()
    expect(page.get_by_role("alert")).to_contain_text("Try again in 1")
    expect(page.locator("form")).to_have_count(0)
    check(page)


def test_person_of_another_provider(page, demo):
    """Whose password is elsewhere sees no form, but where to go."""
    sign_in(page, demo, "edith")
    page.goto(f"{demo.address}/auth/password")
    expect(page.locator("main")).to_contain_text("password_scope_missing")
    expect(page.locator("form")).to_have_count(0)
    check(page)


def test_other_origins_change_nothing(page, demo):
    """A page of another origin, of this site or not, can neither read the form nor send it in any way."""
    sign_in(page, demo)
    address = f"{demo.address}/auth/password"
    fields = f"current_password={OLD}&new_password={NEW}&confirm_password={NEW}"
    attempt = f"""
      const tries = [];
      for (const mode of ["cors", "no-cors"])
        for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json"])
          tries.push(fetch("{address}", {{method: "POST", mode, credentials: "include",
            headers: {{"Content-Type": type}}, body: "{fields}"}}).then(answer => answer.text(), () => ""));
      tries.push(fetch("{address}", {{method: "POST", credentials: "include", headers: {{"X-CSRF": "1",
        "Content-Type": "application/x-www-form-urlencoded"}}, body: "{fields}"}}).then(a => a.text(), () => ""));
      tries.push(fetch("{address}", {{credentials: "include"}}).then(answer => answer.text(), () => ""));
      window.read = Promise.all(tries).then(texts => texts.join(""));
    """
    names = dict(pair.split("=") for pair in fields.split("&"))
    hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in names.items())
    with other_sites() as sites:
        for host in ("127.0.0.1", "localhost"):
            page.goto(sites.page(f"<script>{attempt}</script>", host=host))
            assert page.evaluate("window.read") == ""
            page.goto(
                sites.page(f'<form method="post" action="{address}">{hidden}<button>go</button></form>', host=host)
            )
            page.get_by_role("button").click()
            expect(page.locator("main")).to_contain_text("cross_site")
    assert alive(page, demo, OLD)
