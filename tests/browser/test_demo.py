"""The demo in one Chromium: all six providers, one after the other and side by side."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from signon_demo.serve import Running
from signon_idp.dialects import DIALECTS

pytestmark = pytest.mark.browser


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody's sign-in with one provider: how they say who they are, and what they must see and leave by."""

    label: str
    press: str
    name: str
    shown: tuple[str, ...]
    signs_out_at: str | None
    """The path of the vendor's own sign-out; None where it has none."""


VISITS = {
    "thaid": Visit(
        label="ThaID",
        press="button:has-text('Confirm on the phone')",
        name="นายสมชาย ตัวอย่าง",
        shown=("Mr. Somchai Tuayang", "•••••••••1234", "(พ.ศ.\N{NO-BREAK SPACE}2532)"),
        signs_out_at=None,
    ),
    "authmachine": Visit(
        label="AuthMachine",
        press="button[value='mara.k']",
        name="Mara Kind",
        shown=("warehouse-7", "view, edit"),
        signs_out_at="/oidc/end-session",
    ),
    "auth0": Visit(
        label="Auth0",
        press="button[value=tan]",
        name="ธันวา แสงดี",
        shown=("google-oauth2",),
        signs_out_at="/oidc/logout",
    ),
    "pingone": Visit(
        label="PingOne",
        press="button[value=mia]",
        name="Mia Kern",
        shown=("editors",),
        signs_out_at="/signoff",
    ),
    "sgid": Visit(
        label="sgID",
        press="button:has-text('Confirm on the phone')",
        name="TAN MEI LIN",
        shown=("•••••345I", "•••••567X", "#03-45", "SAB1234C"),
        signs_out_at=None,
    ),
    "oidc": Visit(
        label="OpenID",
        press="button[value=bjork]",
        name="Bjørk 明月 Þórsdóttir-ณัฐวุฒิ",
        shown=("équipe",),
        signs_out_at="/end-session",
    ),
}
NUMBERS = tuple(
    str(persona.claims[claim])
    for dialect in DIALECTS.values()
    for persona in dialect.personas
    for claim in ("pid", "myinfo.nric_number", "myinfo.passport_number")
    if claim in persona.claims
)


class Watch:
    """Keeps what the pages of a browser complain of, and every address that they ask for or answer with."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        self.addresses: list[str] = []
        context.on("console", lambda message: self.complaints.append(message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", lambda sent: self.addresses.append(sent.url))

    def paths(self) -> list[str]:
        return [urlsplit(address).path for address in self.addresses]


def _no_number_is_on(page: Page) -> None:
    shown = page.url + page.content()
    assert [number for number in NUMBERS if number in shown] == []


def _sign_in(page: Page, demo: Running, visit: Visit) -> None:
    page.goto(demo.address)
    page.click(f"a.provider:has-text('Sign in with {visit.label}')")
    expect(page.locator(".band")).to_contain_text(visit.label)
    _no_number_is_on(page)
    page.click(visit.press)
    page.wait_for_url(f"{demo.address}/profile")


def _is_profile_of(page: Page, visit: Visit) -> None:
    expect(page.locator("h1")).to_have_text(visit.name)
    expect(page.locator("main")).to_contain_text(f"signed in with {visit.label}")
    for text in visit.shown:
        expect(page.locator("main").get_by_text(text).first).to_be_visible()
    _no_number_is_on(page)


def _sign_out(page: Page, demo: Running, watch: Watch, name: str) -> None:
    before = len(watch.addresses)
    page.click("text=Sign out")
    page.wait_for_url(f"{demo.address}/auth/signed-out")
    _no_number_is_on(page)
    issuer = urlsplit(demo.idps[name].issuer)
    at_vendor = [urlsplit(address) for address in watch.addresses[before:]]
    paths = [address.path for address in at_vendor if address.netloc == issuer.netloc]
    signs_out_at = VISITS[name].signs_out_at
    assert [path.removeprefix(issuer.path.rstrip("/")) for path in paths] == [signs_out_at] * bool(signs_out_at)


def _new_context(chromium: Browser) -> BrowserContext:
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Bangkok")
    context.set_default_timeout(10_000)
    return context


def test_six_one_after_the_other(chromium, demo):
    """In one browser each of the six signs the right person in, and out as the vendor does it."""
    context = _new_context(chromium)
    watch, page = Watch(context), context.new_page()
    page.goto(demo.address)
    assert page.locator("a.provider").all_inner_texts() == [
        f"{visit.label[0].upper()}\nSign in with {visit.label}" for visit in VISITS.values()
    ]
    for name, visit in VISITS.items():
        _sign_in(page, demo, visit)
        _is_profile_of(page, visit)
        _sign_out(page, demo, watch, name)
        page.goto(demo.address)
        expect(page.locator("h1")).to_have_text("Sign in to this demo")
    context.close()
    assert watch.complaints == []
    assert [number for number in NUMBERS for address in watch.addresses if number in address] == []


def test_six_side_by_side(chromium, demo):
    """Six browsers at once, each signed in with another provider: nobody sees anybody else's profile."""
    contexts = {name: _new_context(chromium) for name in VISITS}
    watches = {name: Watch(context) for name, context in contexts.items()}
    pages = {name: context.new_page() for name, context in contexts.items()}
    for name, visit in VISITS.items():
        pages[name].goto(demo.address)
        pages[name].click(f"a.provider:has-text('Sign in with {visit.label}')")
    for name, visit in VISITS.items():
        pages[name].click(visit.press)
    for name, visit in VISITS.items():
        pages[name].wait_for_url(f"{demo.address}/profile")
        pages[name].reload()
        _is_profile_of(pages[name], visit)
    for name in ("auth0", "thaid"):
        _sign_out(pages[name], demo, watches[name], name)
    pages["pingone"].reload()
    _is_profile_of(pages["pingone"], VISITS["pingone"])
    for context in contexts.values():
        context.close()
    assert [watch.complaints for watch in watches.values()] == [[]] * len(VISITS)


def test_two_tabs_of_one_browser(chromium, demo):
    """Two sign-ins that are under way in two tabs both arrive; the later one is who is signed in."""
    context = _new_context(chromium)
    watch, first, second = Watch(context), context.new_page(), context.new_page()
    for page, name in ((first, "thaid"), (second, "auth0")):
        page.goto(demo.address)
        page.click(f"a.provider:has-text('Sign in with {VISITS[name].label}')")
    for page, name in ((first, "thaid"), (second, "auth0")):
        page.click(VISITS[name].press)
        page.wait_for_url(f"{demo.address}/profile")
        _is_profile_of(page, VISITS[name])
    first.reload()
    _is_profile_of(first, VISITS["auth0"])
    context.close()
    assert watch.complaints == []


@pytest.mark.parametrize(("name", "persona"), [("authmachine", "mara.k"), ("auth0", "mia")])
def test_signing_up(chromium, demo, name, persona):
    """The quiet link on home leads to the vendor's sign-up, and from there to the profile."""
    context = _new_context(chromium)
    watch, page = Watch(context), context.new_page()
    page.goto(demo.address)
    page.click(f".offers >> text={VISITS[name].label}")
    expect(page.locator("h1")).to_have_text(re.compile("Sign up|Create"))
    page.click(f"button[value='{persona}']")
    page.wait_for_url(f"{demo.address}/**")
    page.goto(f"{demo.address}/profile")
    expect(page.locator("main")).to_contain_text(f"signed in with {VISITS[name].label}")
    context.close()
    assert watch.complaints == []


def test_the_demo_from_sign_in_to_the_next(browser_context, demo):
    """Somebody signs in, sees their own claims, signs out, and is asked again the next time."""
    page = browser_context.new_page()
    page.goto(demo.address)
    page.click("text=Sign in with OpenID")
    page.click("button[value=mei]")
    page.wait_for_url(f"{demo.address}/profile")
    expect(page.locator("h1")).to_have_text("Mei Lin Tan")
    cells = {row.split("\t")[0].strip(): row.split("\t")[1].strip() for row in _rows(page)}
    assert cells["sub"] == "8d2a64c9-mei"
    assert cells["iss"] == demo.idps["oidc"].issuer
    assert cells["aud"] == "demo"
    assert re.fullmatch(r"\S{4}…\S{4} \(\d+\)", cells["nonce"])
    assert not demo.idps["oidc"].secrets & set(re.findall(r"[\w.-]{8,}", page.content()))
    page.click("text=Sign out")
    page.wait_for_url(f"{demo.address}/auth/signed-out")
    page.click("text=Sign in again")
    page.click("text=Sign in with OpenID")
    expect(page.locator("h1")).to_have_text("Sign in")
    page.click("button[value=omar]")
    page.wait_for_url(f"{demo.address}/profile")
    expect(page.locator("h1")).to_have_text("Omar Haddad")


def _rows(page: Page) -> list[str]:
    return page.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText).join('\\t'))"
    )
