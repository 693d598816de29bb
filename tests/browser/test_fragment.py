"""Tokens by the browser, and sign-ins that other sites ask for, in a real Chromium."""

from dataclasses import replace

import pytest
from tests.journeys.browsing import complaints, other_sites, press, site

from signon.flask import service_token
from signon_idp import Idp

pytestmark = pytest.mark.browser

REGISTRATION = {
    "response_types": ("code", "code id_token", "id_token", "id_token token"),
    "grant_types": ("authorization_code", "implicit", "client_credentials"),
}


@pytest.fixture
def serve(load_minimal, signon_idp: Idp, plant):
    """Serve the example, registered for tokens by the browser, with a page that needs a token of its own."""

    def load(**settings):
        app = load_minimal(**settings)
        app.add_url_rule("/report", "report", lambda: f"made with {len(service_token())} characters")
        return app

    def serve(**keywords):
        return site(load, signon_idp, **keywords)

    yield serve
    plant(*signon_idp.secrets)


def register(served) -> None:
    (client,) = served.idp.clients.values()
    served.idp.register(replace(client, **REGISTRATION))


@pytest.fixture
def alone(signon_idp: Idp):
    """The provider without any client but ours."""
    signon_idp.clients.clear()


@pytest.mark.parametrize("kind", ["token id_token", "code id_token"])
def test_answer_in_the_fragment(serve, alone, browser_context, kind):
    """A person signs in; the answer leaves the address, is in no history and no server's log, and comes once."""
    with serve(response_type=kind) as served:
        register(served)
        page = browser_context.new_page()
        wrong = complaints(page)
        seen = []
        page.on("framenavigated", lambda frame: seen.append(frame.url))
        served.sign_in(page)
        assert served.who(browser_context) == "somying"
        assert [one.method for one in served.seen("/auth/callback/oidc")] == ["GET", "POST"]
        assert served.seen("/auth/callback/oidc")[1].site == "same-origin"
        assert not [url for url in seen[-1:] if "#" in url]
        page.go_back()
        assert "id_token" not in page.url
        assert served.who(browser_context) == "somying"
        assert not wrong


def test_without_script(serve, alone, chromium):
    """With scripts off the page says what to do, and nobody is signed in."""
    with serve(response_type="id_token") as served:
        register(served)
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{served.origin}/me")
        served.choose(page)
        page.wait_for_url(f"{served.origin}/auth/callback/oidc#*")
        said = page.locator("noscript")  # the browser's own words for its parts; text is not looked for in there
        assert "scripts are off" in said.inner_text()
        assert said.locator("a").get_attribute("href") == "/auth/login/oidc"
        assert said.locator("a").is_visible()
        assert served.who(context) is None
        context.close()


def test_callback_without_an_answer(serve, alone, browser_context):
    """Who goes to the callback by hand gets an error page that leads on."""
    with serve(response_type="id_token") as served:
        page = browser_context.new_page()
        page.goto(f"{served.origin}/auth/callback/oidc#nothing=here")
        page.get_by_role("heading", name="This link is not complete").wait_for()


def test_page_with_a_token_of_the_application(serve, alone, browser_context):
    """A page that calls an API in nobody's name works for anybody, and signs nobody in."""
    with serve() as served:
        register(served)
        page = browser_context.new_page()
        page.goto(f"{served.origin}/report")
        first = page.inner_text("body")
        page.reload()
        assert page.inner_text("body") == first == "made with 43 characters"
        assert served.idp.calls["token"] == 1
        assert served.who(browser_context) is None


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_site_asks_for_a_sign_in(serve, browser_context, method):
    """A form on another site leads to a page with one button, which signs in and goes where it was to go."""
    with serve() as served, other_sites() as others:
        target = f"{served.origin}/me?from=them"
        fields = {"iss": served.idp.issuer, "login_hint": "somying", "target_link_uri": target}
        inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
        address = f"{served.origin}/auth/initiate/oidc"
        page = browser_context.new_page()
        wrong = complaints(page)
        page.goto(
            others.page(f'<form method="{method}" action="{address}">{inputs}<button>a prize</button></form>')
        )
        press(page, "a prize")
        page.get_by_role("heading", name="Sign in to localhost").wait_for()
        assert not [c for c in browser_context.cookies(served.origin) if "-tx-" in c["name"]]
        press(page, "Sign in with OpenID")
        assert page.locator('input[name="username"]').input_value() == "somying"
        served.choose(page)
        page.wait_for_url(target)
        assert served.who(browser_context) == "somying"
        assert not wrong
