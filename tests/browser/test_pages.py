"""Every page that people see, in Chromium: what it is for, whether all can read it, whether its policy holds."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from signon.flask.messages import MESSAGES
from signon.providers import from_names
from signon_demo.app import create_app
from signon_demo.practice import PRACTICES, Practice
from signon_demo.serve import Running, serving

pytestmark = pytest.mark.browser

STAFF = Practice(name="staff", vendor="oidc", dialect="oidc")
WIDE, PHONE = {"width": 1100, "height": 800}, {"width": 390, "height": 844}
VIEWS = (("light", WIDE), ("dark", WIDE), ("light", PHONE))
PAPER = {"light": "rgb(251, 250, 247)", "dark": "rgb(16, 22, 29)"}
STATUS_LINE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
"""What Chromium says of every page with an error status."""
# A landmark for every text is good practice; the provider's pages are held to the WCAG rules.
PROVIDER_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SMALL_CONTROLS = """
  [...document.querySelectorAll("button, summary, nav a, a.button, a.brand, input:not([type=hidden])")]
    .filter(control => control.checkVisibility() && control.getBoundingClientRect().height < 43.5)
    .map(control => control.outerHTML)
"""
WHAT_IS_MISSING = """
  [["one h1", document.querySelectorAll("h1").length === 1],
   ["a language", document.documentElement.lang === "en"],
   ["a title", document.title.length > 3],
   ["one main", document.querySelectorAll("main").length === 1],
   ["no sideways scrolling", document.documentElement.scrollWidth <= innerWidth]]
    .filter(([, fine]) => !fine).map(([what]) => what)
"""


@pytest.fixture(scope="module")
def demo_of_two() -> Iterator[Running]:
    with serving((PRACTICES[-1], STAFF), port=0, idp_port=0, environment={}) as running:
        yield running


LOGIN = "/auth/login/oidc?next=/profile"


def sign_in(page: Page, demo: Running, persona: str = "somying", *, provider: str = "oidc") -> None:
    page.goto(f"{demo.address}/auth/login/{provider}?next=/profile")
    page.click(f"button[value='{persona}']")
    page.wait_for_url("**/profile")


def _at(path: str) -> Callable[[Page, Running], None]:
    def go(page: Page, demo: Running) -> None:
        page.goto(demo.address + path)

    return go


def _profile(page: Page, demo: Running) -> None:
    sign_in(page, demo)


def _profile_of(persona: str, *, provider: str) -> Callable[[Page, Running], None]:
    def go(page: Page, demo: Running) -> None:
        sign_in(page, demo, persona, provider=provider)
        expect(page.locator("#vendor")).to_be_visible()

    return go


def _long_profile(page: Page, demo: Running) -> None:
    sign_in(page, demo, "grace")
    expect(page.locator("main summary").last).to_have_text("and 288 more")


def _home_signed_in(page: Page, demo: Running) -> None:
    sign_in(page, demo)
    page.goto(demo.address)


def _recent(page: Page, demo: Running) -> None:
    sign_in(page, demo)
    page.click("nav >> text=All pages")
    page.click("nav >> text=Recent sign-in")


def _menu(page: Page, demo: Running) -> None:
    _home_signed_in(page, demo)
    page.click("nav >> text=All pages")


def _signed_in_at(path: str, persona: str, *, provider: str) -> Callable[[Page, Running], None]:
    def go(page: Page, demo: Running) -> None:
        sign_in(page, demo, persona, provider=provider)
        page.goto(demo.address + path)

    return go


def _tokens_after(*buttons: str) -> Callable[[Page, Running], None]:
    def go(page: Page, demo: Running) -> None:
        sign_in(page, demo)
        page.goto(f"{demo.address}/tokens")
        for button in buttons:
            page.click(f"button[value='{button}']")
            expect(page.locator(".outcome.good")).to_be_visible()

    return go


def _application_token(page: Page, demo: Running) -> None:
    page.goto(f"{demo.address}/grants")
    page.click("button[value='pingone']")
    expect(page.locator("[role=status]")).to_contain_text("access_token")


def _mail_refused(page: Page, demo: Running) -> None:
    page.goto(f"{demo.address}/password")
    page.evaluate("document.querySelector('#email').type = 'text'")
    page.fill("#email", "nobody")
    page.click("text=Mail me a link")
    expect(page.locator("#email-wrong")).to_be_visible()


def _sign_out(page: Page, demo: Running) -> None:
    sign_in(page, demo)
    page.goto(f"{demo.address}/auth/logout")


def _signed_out(page: Page, demo: Running) -> None:
    sign_in(page, demo)
    page.click("text=Sign out")
    page.wait_for_url("**/auth/signed-out")


def _cancelled(page: Page, demo: Running) -> None:
    page.goto(demo.address + LOGIN)
    page.click("text=Cancel and go back")
    page.wait_for_url("**/auth/callback/**")


def _from_elsewhere(page: Page, demo: Running) -> None:
    page.goto(f"{demo.idps['oidc'].issuer}/nowhere")
    page.evaluate("address => { location.href = address }", f"{demo.address}/auth/login/oidc")
    page.wait_for_url("**/auth/login/oidc")


def _provider_refuses_password(page: Page, demo: Running) -> None:
    page.goto(demo.address + LOGIN)
    page.fill("#username", "somying")
    page.fill("#password", "wrong")
    page.click("button.primary")
    page.wait_for_selector("[role=alert]")


def _provider_problem(page: Page, demo: Running) -> None:
    page.goto(f"{demo.idps['oidc'].issuer}/authorize")


PAGES: dict[str, tuple[str, Callable[[Page, Running], None]]] = {
    "home": ("Sign in to this demo", _at("/")),
    "home signed in": ("Welcome, สมหญิง ใจดี", _home_signed_in),
    "profile": ("สมหญิง ใจดี", _profile),
    "long profile": ("Grace Okafor", _long_profile),
    "profile of ThaID": ("นายสมชาย ตัวอย่าง", _profile_of("somchai", provider="thaid")),
    "profile of AuthMachine": ("Mara Kind", _profile_of("mara.k", provider="authmachine")),
    "profile of PingOne": ("Grace Okafor", _profile_of("grace", provider="pingone")),
    "profile of sgID": ("MUHAMMAD HAFIZ BIN RAHMAN", _profile_of("hafiz", provider="sgid")),
    "recent": ("You have just signed in", _recent),
    "menu": ("Welcome, สมหญิง ใจดี", _menu),
    "tokens": ("Your tokens", _signed_in_at("/tokens", "mara.k", provider="authmachine")),
    "tokens checked": ("Your tokens", _tokens_after("introspect", "explain")),
    "tokens refreshed and revoked": ("Your tokens", _tokens_after("refresh", "revoke")),
    "permissions": ("Your permissions", _signed_in_at("/permissions", "wichai", provider="authmachine")),
    "permissions elsewhere": ("Your permissions", _signed_in_at("/permissions", "grace", provider="pingone")),
    "let in": ("For editors", _signed_in_at("/editors", "somying", provider="oidc")),
    "password": ("Your password", _signed_in_at("/password", "mia", provider="pingone")),
    "mail refused": ("Your password", _mail_refused),
    "grants": ("Other grants", _application_token),
    "ways": ("Ways to begin", _signed_in_at("/ways", "somying", provider="oidc")),
    "leaving": ("Ways to leave", _signed_in_at("/leaving", "somying", provider="oidc")),
    "not found": ("There is no such page", _at("/nowhere")),
    "sign out": ("Sign out", _sign_out),
    "signed out": ("Signed out", _signed_out),
    "cancelled": ("Sign-in cancelled", _cancelled),
    "answer missing": ("This link is not complete", _at("/auth/callback/oidc")),
    "from elsewhere": ("Sign in to localhost", _from_elsewhere),
    "provider sign-in": ("Sign in", _at(LOGIN)),
    "provider refuses": ("Sign in", _provider_refuses_password),
    "provider problem": ("This request cannot go on", _provider_problem),
}


@pytest.fixture
def page(browser_context: BrowserContext) -> Iterator[Page]:
    """A page of a fresh browser that must not complain or load anything from elsewhere."""
    page = browser_context.new_page()
    complaints, foreign = [], []
    page.on("console", lambda message: STATUS_LINE.match(message.text) or complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda sent: _is_foreign(sent.url) and foreign.append(sent.url))
    yield page
    assert (complaints, foreign) == ([], [])


def _is_foreign(url: str) -> bool:
    return urlsplit(url).scheme != "data" and urlsplit(url).hostname not in {"localhost", "127.0.0.1"}


def check(page: Page, heading: str, *, pictures: Path, rules: dict[str, object] | None = None) -> None:
    """Hold a page to what every page must keep: in light, in dark and at phone width. There is a picture in that
    folder where it does not.
    """
    expect(page.locator("h1")).to_contain_text(heading)
    for colours, size in VIEWS:
        page.emulate_media(color_scheme=colours)
        page.set_viewport_size(size)
        try:
            _hold(page, colours, rules=rules or {})
        except AssertionError:
            page.screenshot(path=pictures / f"{colours}-{size['width']}.png", full_page=True)
            raise


def _hold(page: Page, colours: str, *, rules: dict[str, object]) -> None:
    where = f"{colours}, {page.viewport_size}"
    found = Axe().run(page, options={"resultTypes": ["violations"], **rules})
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"
    assert page.evaluate(WHAT_IS_MISSING) == [], where
    assert page.evaluate(SMALL_CONTROLS) == [], where
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == PAPER[colours], where


@pytest.mark.parametrize("name", PAGES)
def test_everyone_can_read_the_page(page, demo, tmp_path, name):
    """Each page says what it is for, passes axe, fits its window and keeps to its policy."""
    heading, go = PAGES[name]
    go(page, demo)
    check(page, heading, pictures=tmp_path, rules=PROVIDER_RULES if name.startswith("provider") else None)


def test_everyone_can_choose(page, demo_of_two, tmp_path):
    """The chooser has a button for each provider, and the chosen one is where the browser goes."""
    page.goto(f"{demo_of_two.address}/auth/login")
    check(page, "Choose how to sign in", pictures=tmp_path)
    assert page.locator("a.provider").all_inner_texts() == ["O\nSign in with OpenID", "S\nSign in with Staff"]
    page.click("text=Sign in with Staff")
    page.wait_for_url(f"{demo_of_two.idps['staff'].issuer}/**")


def _rendered(template: str, **context: object) -> str:
    """A page of ours that no practice provider leads to."""
    settings = {"OIDC_ISSUER": "https://op.example", "OIDC_CLIENT_ID": "demo"}
    app = create_app(from_names("oidc", settings=settings), base_url="http://localhost:5000")
    host = SimpleNamespace(host="localhost:5000")
    return app.jinja_env.get_template(f"signon/{template}").render(request=host, **context)


def test_everyone_can_read_why_they_are_refused(page, tmp_path):
    """The page for somebody whom the application refused shows its reason, and offers to sign out."""
    html = _rendered(
        "error.html",
        message=MESSAGES["refused"],
        code="refused",
        reference="0123abcd",
        reason="Only members may come in.",
        sign_out_at="oidc",
        logout_path="/auth/logout",
        next_step="/auth/login/oidc",
    )
    page.set_content(html)
    check(page, "No access", pictures=tmp_path)
    expect(page.locator("blockquote")).to_have_text("Only members may come in.")


@pytest.mark.parametrize(
    ("template", "heading"),
    [("chooser.html", "Choose how to sign up"), ("start.html", "Sign up to localhost:5000")],
)
def test_everyone_can_sign_up(page, tmp_path, template, heading):
    """A page that leads to a sign-up says so in its heading and on its buttons."""
    provider = SimpleNamespace(label="Auth0")
    choices = [(provider, "/auth/signup/auth0")]
    page.set_content(_rendered(template, sign_up=True, provider=provider, address=choices[0][1], choices=choices))
    check(page, heading, pictures=tmp_path)
    assert page.locator("a.provider").all_inner_texts() == ["A\nSign up with Auth0"]
    assert "sign in" not in page.locator("main").inner_text().lower()


def _send_answer_from_elsewhere(page: Page, demo: Running) -> None:
    """Post what a provider might, from a page of another origin."""
    address = f"{demo.address}/auth/callback/oidc"
    page.set_content(f'<form method="post" action="{address}"><input name="code" value="x"><button>Go')
    page.click("button")


def test_everyone_can_read_the_page_between(page, demo, tmp_path):
    """The page that posts a foreign answer again is one like all others while it stays."""
    again = []

    def stay(route):
        again.append(route.request.headers.get("origin"))
        route.continue_() if len(again) == 1 else route.fulfill(status=204)

    page.route("**/auth/callback/**", stay)
    _send_answer_from_elsewhere(page, demo)
    check(page, "Signing in", pictures=tmp_path)
    assert again == ["null", demo.address]


def test_without_script_an_answer_goes_on_by_a_button(demo, chromium: Browser):
    """Where script is off, the page between is left by its button."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    _send_answer_from_elsewhere(page, demo)
    expect(page.locator("h1")).to_have_text("Signing in")
    page.click("text=Go on")
    expect(page.locator("h1")).to_have_text("This link is not complete")
    context.close()


def test_the_ring_shows_where_the_keyboard_is(page, demo):
    """Each stop of the Tab key has a ring of 3 px."""
    page.goto(demo.address)
    for _ in range(2):
        page.keyboard.press("Tab")
        ring = page.evaluate("getComputedStyle(document.activeElement).outline")
        assert "solid 3px" in ring
