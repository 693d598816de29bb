"""The sgID document's application in Chromium: its single-page application on an origin of its own."""

from collections.abc import Iterator
from secrets import token_urlsafe

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.test_examples import visit
from tests.browser.test_pages import check
from tests.examples.stage import run
from tests.journeys.browsing import other_sites

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """The frontend's and the backend's."""
    with run.serving("sgid", port=0, idp_port=0) as origins:
        yield origins


def begin(page: Page, frontend: str, flavour: str = "Vanilla") -> None:
    page.goto(frontend)
    page.get_by_label(flavour).check()
    page.get_by_role("button", name="Login with Singpass app").click()


def sign_in(page: Page, frontend: str, flavour: str = "Vanilla", *, persona: str = "meilin") -> None:
    begin(page, frontend, flavour)
    page.locator(f"button[value={persona}]").click()
    page.wait_for_url(f"{frontend}/logged-in")


def cell(page: Page, name: str):
    return page.get_by_role("row", name=name).get_by_role("cell")


def test_whole_page(chromium, origins, tmp_path):
    """Choose, sign in, see the table, find it again after a reload and at home, log out: without one address more
    than the public frontend asks for.
    """
    frontend, backend = origins
    with visit(chromium) as page:
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url.removeprefix(backend)))
        page.goto(frontend)
        check(page, "sgID Demo", pictures=tmp_path)
        expect(page.get_by_label("Vanilla")).to_be_checked()
        sign_in(page, frontend, "Chocolate")
        check(page, "Logged in successfully!", pictures=tmp_path)
        expect(cell(page, "sgID")).to_contain_text("u=")
        expect(cell(page, "Name")).to_have_text("TAN MEI LIN")
        expect(cell(page, "Favourite ice cream flavour")).to_have_text("Chocolate")
        page.reload()
        expect(cell(page, "Name")).to_have_text("TAN MEI LIN")
        page.goto(frontend)
        page.wait_for_url(f"{frontend}/logged-in")
        page.get_by_role("button", name="Log out and try again").click()
        expect(page.get_by_label("Vanilla")).to_be_checked()
        assert page.url == f"{frontend}/"
        page.goto(f"{frontend}/logged-in")
        page.wait_for_url(f"{frontend}/")
        api = {address.partition("?")[0] for address in asked if address.startswith("/api/")}
        assert api == {"/api/userinfo", "/api/auth-url", "/api/redirect", "/api/logout"}
        assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_back_after_logout(chromium, origins):
    """The browser's way back shows nobody's table."""
    frontend, _ = origins
    with visit(chromium) as page:
        sign_in(page, frontend)
        page.get_by_role("button", name="Log out and try again").click()
        expect(page.get_by_label("Vanilla")).to_be_checked()
        page.go_back()
        expect(page.get_by_label("Vanilla")).to_be_checked()
        expect(page.locator("main")).not_to_contain_text("TAN MEI LIN")


def test_choice_of_an_employer(chromium, origins, tmp_path):
    """Who has several posts is asked first for which one they are here, and may leave out what sgID leaves out."""
    frontend, _ = origins
    with visit(chromium) as page:
        sign_in(page, frontend, persona="hafiz")
        check(page, "Which post are you here for?", pictures=tmp_path)
        page.get_by_label("Agency Two").check()
        page.get_by_role("button", name="Go on").click()
        expect(cell(page, "You are here for")).to_contain_text("Adviser, Planning, Agency Two")
        page.reload()
        expect(cell(page, "You are here for")).to_contain_text("Agency Two")


def test_error_page(chromium, origins, tmp_path):
    """An answer that can't be used ends on the error page, whose button leads home; hostile words stay words."""
    frontend, backend = origins
    with visit(chromium) as page:
        page.goto(f"{backend}/api/redirect?code=stolen&state=unknown")
        page.wait_for_url(f"{frontend}/error**")
        check(page, "Something went wrong.", pictures=tmp_path)
        page.get_by_role("button", name="Back to home").click()
        expect(page.get_by_label("Vanilla")).to_be_checked()
        page.goto(f"{frontend}/error?reason=<img src=x onerror=alert(1)>")
        expect(page.locator("main p")).to_have_count(0)
        page.goto(f"{frontend}/error?reason=access_denied")
        expect(page.locator("main p")).to_have_text("You cancelled the sign-in.")


@pytest.mark.parametrize("where", ["page", "phone"])
def test_cancelled_sign_in(chromium, origins, where):
    """Who cancels at sgID, on its page or in the app, is told just that, and can begin again."""
    frontend, _ = origins
    with visit(chromium) as page:
        begin(page, frontend)
        cancel = page.get_by_role("button", name="Cancel and go back")
        (cancel if where == "page" else page.locator("button[value=faridah]")).click()
        page.wait_for_url(f"{frontend}/error?reason=access_denied")
        expect(page.locator("main p")).to_have_text("You cancelled the sign-in.")
        expect(page.locator("main li")).to_have_count(0)
        page.get_by_role("button", name="Back to home").click()
        expect(page.get_by_label("Vanilla")).to_be_checked()


def test_two_tabs(chromium, origins):
    """Two sign-ins under way in one browser each bring back their own flavour; after a sign-out in one tab the
    other's next step is no error.
    """
    frontend, _ = origins
    with visit(chromium) as one:
        two = one.context.new_page()
        begin(one, frontend, "Chocolate")
        begin(two, frontend, "Strawberry")
        for page, flavour in ((two, "Strawberry"), (one, "Chocolate")):
            page.locator("button[value=meilin]").click()
            page.wait_for_url(f"{frontend}/logged-in")
            expect(cell(page, "Favourite ice cream flavour")).to_have_text(flavour)
        one.get_by_role("button", name="Log out and try again").click()
        expect(one.get_by_label("Vanilla")).to_be_checked()
        two.get_by_role("button", name="Log out and try again").click()
        expect(two.get_by_label("Vanilla")).to_be_checked()
        two.goto(f"{frontend}/logged-in")
        two.wait_for_url(f"{frontend}/")


def test_start_that_is_refused(chromium, origins):
    """A sign-in that can't start shows the error page where the person is, and leads nowhere else."""
    frontend, _ = origins
    with visit(chromium) as page:
        page.route("**/api/auth-url?*", lambda route: route.continue_(url=route.request.url + token_urlsafe(2000)))
        begin(page, frontend)
        expect(page.locator("h1")).to_have_text("Something went wrong.")
        expect(page.locator("main p")).to_have_text("The backend answered 400.")
        expect(page.locator("main li")).to_have_count(2)
        assert page.url == f"{frontend}/"
        page.unroute("**/api/auth-url?*")
        page.get_by_role("button", name="Back to home").click()
        sign_in(page, frontend)


def test_backend_that_fails(chromium, origins):
    """A backend that is away, or says that it can't just now, is told to people, and nobody counts as a person."""
    frontend, _ = origins

    shared = {"Access-Control-Allow-Origin": frontend, "Access-Control-Allow-Credentials": "true"}

    def refuse(route: Route) -> None:
        route.fulfill(status=503, body="null", headers=shared)

    context = chromium.new_context()
    page = context.new_page()
    for failing in (refuse, lambda route: route.abort()):
        page.route("**/api/userinfo", failing)
        page.goto(frontend)
        expect(page.locator("h1")).to_have_text("Something went wrong.")
        page.unroute("**/api/userinfo")
        page.get_by_role("button", name="Back to home").click()
        expect(page.locator("h1")).to_have_text("sgID Demo")
    context.close()


def test_other_origins_read_and_change_nothing(chromium, origins):
    """A page of another origin, of this site or another, gets no answer out of any route, whatever kind of request
    it tries: whoever is signed in stays so, and chooses for themselves.
    """
    frontend, backend = origins
    tries = f"""
      const paths = ["auth-url?icecream=Strawberry", "userinfo", "logout", "employment/1"];
      const kinds = [{{}}, {{mode: "no-cors"}}, {{method: "POST"}}, {{method: "POST", mode: "no-cors"}},
        {{method: "POST", headers: {{"Content-Type": "text/plain"}}, body: "x"}}, {{headers: {{"X-CSRF": "1"}}}},
        {{method: "POST", headers: {{"X-CSRF": "1"}}}}];
      const asked = paths.flatMap(path => kinds.map(kind => fetch("{backend}/api/" + path,
        {{credentials: "include", ...kind}}).then(answer => answer.text(), () => "")));
      for (const path of paths) document.body.append(Object.assign(new Image(), {{src: "{backend}/api/" + path}}));
      window.read = Promise.all(asked).then(texts => texts.join(""));
    """
    context = chromium.new_context()
    page = context.new_page()
    page.goto(frontend)
    sign_in(page, frontend, "Chocolate", persona="hafiz")
    with other_sites() as sites:
        for host in ("127.0.0.1", "localhost"):
            page.goto(sites.page(f"<body><script>{tries}</script>", host=host))
            assert page.evaluate("window.read") == ""
    page.goto(f"{frontend}/logged-in")
    expect(page.locator("h1")).to_have_text("Which post are you here for?")
    page.get_by_role("button", name="Go on").click()
    expect(cell(page, "Favourite ice cream flavour")).to_have_text("Chocolate")
    context.close()
