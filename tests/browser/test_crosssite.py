"""What other sites' pages can and can't do to somebody who uses the application, where the browser decides it."""

import html
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.journeys.browsing import complaints, insert, other_sites, press, site
from tests.journeys.visitor import Visitor, sign_in

from signon_idp import Idp

pytestmark = pytest.mark.browser

ROUTES = ("/auth/login", "/auth/login/oidc", "/auth/logout")
QUIET = {
    "image": '<img src="{url}">',
    "frame": '<iframe src="{url}"></iframe>',
    "script": '<script src="{url}"></script>',
    "style sheet": '<link rel="stylesheet" href="{url}">',
    "fetch": '<script>fetch("{url}", {{mode: "no-cors", credentials: "include"}})</script>',
    "beacon": '<script>navigator.sendBeacon("{url}")</script>',
    "posting fetch": (
        '<script>fetch("{url}", {{mode: "no-cors", credentials: "include", method: "POST"}})</script>'
    ),
    "posted form": (
        '<iframe name="{url}"></iframe><form method="post" action="{url}" target="{url}"></form>'
        "<script>[...document.forms].at(-1).submit()</script>"
    ),
}
"""Ways to send a request that its victim does not see."""


@pytest.fixture
def here(load_minimal, signon_idp: Idp, plant):
    with site(load_minimal, signon_idp) as served:
        yield served
    plant(*signon_idp.secrets)


@pytest.fixture
def others():
    with other_sites() as sites:
        yield sites


@pytest.fixture
def page(here, browser_context):
    """A page of somebody who has signed in."""
    here.sign_in_quietly(browser_context)
    return browser_context.new_page()


def under_way(here, context) -> list[str]:
    return [cookie["name"] for cookie in context.cookies(here.origin) if "-tx-" in cookie["name"]]


@pytest.mark.parametrize("way", QUIET)
def test_quiet_requests(here, page, browser_context, others, way):
    """Nothing that another site, or another port, sends behind a person's back starts or ends anything."""
    before = browser_context.cookies(here.origin)
    requests = "".join(QUIET[way].format(url=here.origin + route) for route in ROUTES)
    for times, (host, where) in enumerate((("127.0.0.1", "cross-site"), ("localhost", "same-site")), start=1):
        page.goto(others.page(requests, host=host))
        arrived = [here.wait_for(page, route, times=times)[-1] for route in ROUTES]
        assert {seen.site for seen in arrived} == {where}
        assert {seen.status for seen in arrived} <= {200, 403, 405}
        assert browser_context.cookies(here.origin) == before
    assert here.who(browser_context) == "somying"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_link_to_sign_out(here, page, browser_context, others, host):
    """A link on another site leads to a page that asks; its button signs out."""
    page.goto(others.page(f'<a href="{here.origin}/auth/logout">a prize</a>', host=host))
    press(page, "a prize")
    page.get_by_role("heading", name="Sign out").wait_for()
    assert here.who(browser_context) == "somying"
    press(page, "Sign out")
    page.wait_for_url(f"{here.origin}/auth/signed-out")
    assert here.who(browser_context) is None


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_form_that_signs_out(here, page, browser_context, others, host, method):
    """A form on another site signs nobody out: sent by GET it gets the page that asks, by POST a refusal."""
    form = f'<form method="{method}" action="{here.origin}/auth/logout"><button>a prize</button></form>'
    page.goto(others.page(form, host=host))
    press(page, "a prize")
    page.get_by_role("heading", name="Sign out" if method == "get" else "Another site sent you here").wait_for()
    assert here.seen("/auth/logout")[-1].status == (200 if method == "get" else 403)
    assert here.who(browser_context) == "somying"


def test_own_click_signs_out_at_once(here, page, browser_context):
    """A click on a link of the application's own page needs no second one."""
    page.goto(f"{here.origin}/")
    page.evaluate("document.body.innerHTML += '<a href=/auth/logout>Leave</a>'")
    press(page, "Leave")
    page.wait_for_url(f"{here.origin}/auth/signed-out")
    assert here.who(browser_context) is None
    (seen,) = here.seen("/auth/logout")
    assert (seen.method, seen.site, seen.mode, seen.dest) == ("GET", "same-origin", "navigate", "document")


OWN_QUIET = {
    "image": '<img src="/auth/logout">',
    "frame": '<iframe src="/auth/logout"></iframe>',
    "prefetch": '<link rel="prefetch" href="/auth/logout">',
}


@pytest.mark.parametrize("way", OWN_QUIET)
def test_own_pages_sign_nobody_out_by_the_way(here, page, browser_context, way):
    """Nor does what the application's own pages load, or fetch ahead of a click, sign anybody out."""
    page.goto(f"{here.origin}/")
    insert(page, OWN_QUIET[way])
    (seen,) = here.wait_for(page, "/auth/logout")
    assert (seen.site, seen.status) == ("same-origin", 200)
    assert (seen.purpose == "prefetch") == (way == "prefetch")
    assert here.who(browser_context) == "somying"


def test_own_script_that_fetches_signs_nobody_out(here, page, browser_context):
    """A GET by script is no click."""
    page.goto(f"{here.origin}/")
    assert "button" in page.evaluate("fetch('/auth/logout').then(answer => answer.text())")
    assert here.who(browser_context) == "somying"


def test_speculation_starts_and_ends_nothing(here, page, browser_context):
    """Speculation rules of the application's own page neither sign out nor start a sign-in."""
    page.goto(f"{here.origin}/")
    for route, status in (("/auth/logout", 200), ("/auth/login", 403)):
        rules = f'{{"prefetch": [{{"source": "list", "urls": ["{route}"]}}]}}'
        page.evaluate(
            "rules => { const it = document.createElement('script'); it.type = 'speculationrules';"
            " it.textContent = rules; document.head.append(it) }",
            rules,
        )
        (seen,) = here.wait_for(page, route)
        assert (seen.purpose, seen.status) == ("prefetch", status)
    assert not under_way(here, browser_context)
    assert here.who(browser_context) == "somying"


def test_typed_address_of_the_sign_out(here, page, browser_context):
    """An address that was typed, or comes from a bookmark, asks: it may have come from a mail."""
    page.goto(f"{here.origin}/auth/logout")
    assert here.seen("/auth/logout")[-1].site == "none"
    page.get_by_role("heading", name="Sign out").wait_for()
    assert here.who(browser_context) == "somying"


@pytest.mark.parametrize("route", ["/auth/login", "/auth/login/oidc"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_link_to_sign_in(here, browser_context, others, host, route):
    """A link on another site leads to a page with one button, which starts the sign-in, and that works."""
    page = browser_context.new_page()
    wrong = complaints(page)
    page.goto(others.page(f'<a href="{here.origin}{route}?next=/me">sign in</a>', host=host))
    press(page, "sign in")
    page.wait_for_url(f"{here.origin}{route}?next=/me")
    assert not under_way(here, browser_context)
    press(page, "Sign in with OpenID")
    here.choose(page)
    page.wait_for_url(f"{here.origin}/me")
    assert here.who(browser_context) == "somying"
    assert not wrong


def test_form_that_signs_in(here, browser_context, others):
    """A form that posts to the login route starts nothing."""
    page = browser_context.new_page()
    page.goto(others.page(f'<form method="post" action="{here.origin}/auth/login"><button>go</button></form>'))
    press(page, "go")
    page.wait_for_url(f"{here.origin}/auth/login")
    assert here.seen("/auth/login")[-1].status == 405
    assert not under_way(here, browser_context)


def test_typed_address_and_own_link_sign_in_at_once(here, browser_context):
    """A typed address and a link on a page of one's own go straight to the provider."""
    page = browser_context.new_page()
    page.goto(f"{here.origin}/auth/login")
    assert page.url.startswith(here.idp.issuer)
    page.goto(f"{here.origin}/")
    page.evaluate("document.body.innerHTML += '<a href=/auth/login>Enter</a>'")
    press(page, "Enter")
    page.wait_for_url(f"{here.idp.issuer}/**")


def test_link_to_a_protected_page(here, browser_context, others):
    """A link on another site to a page that needs a sign-in goes straight to the provider."""
    page = browser_context.new_page()
    page.goto(others.page(f'<a href="{here.origin}/me">who</a>'))
    press(page, "who")
    page.wait_for_url(f"{here.idp.issuer}/**")
    here.choose(page)
    page.wait_for_url(f"{here.origin}/me")


def test_somebody_elses_answer(here, browser_context, others):
    """The answer to an attacker's sign-in, in a picture or on a link, signs nobody else in (RFC 6749 10.12)."""
    answer = sign_in(Visitor(), f"{here.origin}/me", persona="omar", stop_at="/auth/callback/").headers["Location"]
    page = browser_context.new_page()
    page.goto(others.page(f'<img src="{html.escape(answer)}"><a href="{html.escape(answer)}">a prize</a>'))
    press(page, "a prize")
    page.get_by_role("heading", name="Started somewhere else").wait_for()
    assert here.who(browser_context) is None
    assert here.idp.calls["token"] == 0


@pytest.fixture
def form_post(load_minimal, signon_idp, plant):
    """The application, whose provider answers by form_post."""
    with site(load_minimal, signon_idp, response_mode="form_post") as served:
        yield served
    plant(*signon_idp.secrets)


def test_answer_by_form(form_post, browser_context):
    """A form that the provider's site posts works with cookies that are Lax: our page posts it once more."""
    page = browser_context.new_page()
    wrong = complaints(page)
    form_post.sign_in(page)
    assert form_post.who(browser_context) == "somying"
    posts = [(seen.site, seen.status) for seen in form_post.seen("/auth/callback/oidc")]
    assert posts == [("cross-site", 200), ("same-origin", 303)]
    assert {cookie["sameSite"] for cookie in browser_context.cookies(form_post.origin)} == {"Lax"}
    assert not wrong


def test_answer_by_form_without_script(form_post, chromium):
    """Without JavaScript the provider's button and ours do the same."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{form_post.origin}/me")
    form_post.choose(page)
    press(page, "Go on")
    page.wait_for_url(f"{form_post.origin}/auth/callback/oidc")
    assert form_post.who(context) is None
    press(page, "Go on")
    page.wait_for_url(f"{form_post.origin}/me")
    assert form_post.who(context) == "somying"
    context.close()


@pytest.mark.parametrize("state", ["", "made-up"])
def test_made_up_answer_by_form(form_post, browser_context, others, state):
    """A form that another site makes up ends at a page that says no; the fields that nobody knows are gone."""
    page = browser_context.new_page()
    page.goto(
        others.page(
            f'<form method="post" action="{form_post.origin}/auth/callback/oidc">'
            f'<input name="state" value="{state}"><input name="code" value="&quot;><script>alert(1)</script>">'
            '<input name="evil" value="1"><button>go</button></form>'
        )
    )
    press(page, "go")
    heading = "This answer can't be used" if state else "This link is not complete"
    page.get_by_role("heading", name=heading).wait_for()
    assert [seen.status for seen in form_post.seen("/auth/callback/oidc")] == [200, 400]
    assert form_post.who(browser_context) is None


def test_answer_by_form_where_none_was_asked_for(here, browser_context, others):
    """A POST on the callback of a sign-in that asked for the query is refused (form post is another mode)."""
    page = browser_context.new_page()
    page.goto(f"{here.origin}/me")
    pairs = parse_qsl(urlsplit(here.answer(page)).query)
    fields = "".join(f'<input name="{name}" value="{html.escape(value)}">' for name, value in pairs)
    form = f'<form method="post" action="{here.origin}/auth/callback/oidc">{fields}<button>go</button></form>'
    page.goto(others.page(form))
    press(page, "go")
    page.get_by_text("callback_wrong_mode").wait_for()
    assert here.who(browser_context) is None


def test_answer_fetched_ahead(here, browser_context):
    """A browser that looks ahead does not use an answer up."""
    page = browser_context.new_page()
    page.goto(f"{here.origin}/me")
    answer = here.answer(page)
    page.goto(f"{here.origin}/")
    insert(page, f'<link rel="prefetch" href="{html.escape(answer)}">')
    (seen,) = here.wait_for(page, "/auth/callback/oidc")
    assert (seen.purpose, seen.status) == ("prefetch", 405)
    page.goto(answer)
    page.wait_for_url(f"{here.origin}/me")
    assert here.who(browser_context) == "somying"


def test_our_pages_are_in_no_frame(here, page, others):
    """None of our pages shows itself in a frame of another site, or of the same one."""
    for path in ("/auth/login", "/auth/logout", "/auth/signed-out", "/auth/callback/oidc"):
        page.goto(others.page(f'<iframe src="{here.origin}{path}"></iframe>'))
        frame = page.frames[-1]
        assert "Sign" not in frame.locator("body").inner_text(), path
