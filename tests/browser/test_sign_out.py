"""Sign-out in a real Chromium: at each vendor as its sheet says, and by the provider's word in other browsers."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from tests.journeys.browsing import Site, complaints, other_sites, press, site

from signon_demo.serve import Running
from signon_idp import Idp

pytestmark = pytest.mark.browser

# At each vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """How a person proves who they are there, and what a sign-out sends; no path: only ours ends."""

    label: str
    press: str
    path: str | None = None
    sends: frozenset[str] = frozenset()


_BACK = {"post_logout_redirect_uri", "state"}
VENDORS = {
    "thaid": Vendor(label="ThaID", press="button:has-text('Confirm on the phone')"),
    "authmachine": Vendor(
        label="AuthMachine",
        press='button[name="persona"] >> nth=0',
        path="/oidc/end-session",
        sends=frozenset({*_BACK, "scope", "revoke_tokens"}),
    ),
    "auth0": Vendor(
        label="Auth0",
        press='button[name="persona"] >> nth=0',
        path="/oidc/logout",
        sends=frozenset({*_BACK, "id_token_hint", "logout_hint", "client_id"}),
    ),
    "pingone": Vendor(
        label="PingOne",
        press='button[name="persona"] >> nth=0',
        path="/signoff",
        sends=frozenset({*_BACK, "id_token_hint"}),
    ),
    "sgid": Vendor(label="sgID", press="button:has-text('Confirm on the phone')"),
}


def _sign_in(page: Page, demo: Running, vendor: Vendor) -> None:
    page.goto(demo.address)
    page.click(f"a.provider:has-text('Sign in with {vendor.label}')")
    page.click(vendor.press)
    page.wait_for_url(f"{demo.address}/profile")


@pytest.mark.parametrize("name", VENDORS)
def test_vendor_signs_out_as_its_sheet_says(browser_context, demo, name):
    """What goes to the vendor is what its sheet lists, the browser comes back, and the next sign-in asks again."""
    vendor, page = VENDORS[name], browser_context.new_page()
    issuer = urlsplit(demo.idps[name].issuer)
    _sign_in(page, demo, vendor)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{demo.address}/auth/logout")
    press(page, "Sign out")
    page.wait_for_url(f"{demo.address}/auth/signed-out")
    there = [urlsplit(address) for address in asked if urlsplit(address).netloc == issuer.netloc]
    base = issuer.path.rstrip("/")
    assert [address.path.removeprefix(base) for address in there][:1] == ([vendor.path] if vendor.path else [])
    assert {key for address in there[:1] for key in parse_qs(address.query)} == vendor.sends
    page.goto(demo.address)
    page.click(f"a.provider:has-text('Sign in with {vendor.label}')")
    page.wait_for_selector(vendor.press)
    assert urlsplit(page.url).netloc == issuer.netloc, "the vendor asks who it is"


def test_leaving_this_application_only(browser_context, demo):
    """The quiet button ends our session alone: the vendor's next sign-in asks nobody."""
    vendor, page = VENDORS["auth0"], browser_context.new_page()
    wrong = complaints(page)
    _sign_in(page, demo, vendor)
    page.goto(f"{demo.address}/auth/logout")
    assert "at Auth0, too" in page.inner_text("main")
    press(page, "Leave this application only")
    page.wait_for_url(f"{demo.address}/auth/signed-out")
    page.goto(demo.address)
    page.click("a.provider:has-text('Sign in with Auth0')")
    page.wait_for_url(f"{demo.address}/profile")
    assert not wrong


# By the provider's word


@pytest.fixture
def applications(load_minimal, signon_idp: Idp, plant, tmp_path) -> Iterator[tuple[Site, Site]]:
    """Two applications at one provider, which tells each by the way that its test registers."""
    with ExitStack() as running:
        stores = (f"sqlite:///{tmp_path}/{name}.sqlite3" for name in ("first", "second"))
        first, second = (
            running.enter_context(site(load_minimal, signon_idp, signon={"SIGNON_SESSIONS": store}))
            for store in stores
        )
        yield first, second
    plant(*signon_idp.secrets)


def tell(place: Site, *, by: str) -> str:
    """Let the provider tell this application by that channel; gives the address."""
    port = urlsplit(place.origin).port
    client = place.idp.clients[f"client-at-{port}"]
    address = f"{place.origin}/auth/{by}-logout/oidc"
    options = {f"{by}_logout_uri": address, f"{by}_logout_session_required": True}
    place.idp.register(replace(client, **options))
    return address


@pytest.fixture
def new_context(chromium: Browser) -> Iterator:
    with ExitStack() as opened:

        def new() -> BrowserContext:
            context = chromium.new_context()
            opened.callback(context.close)
            context.set_default_timeout(10_000)
            return context

        yield new


def leave(place: Site, page: Page) -> None:
    page.goto(f"{place.origin}/auth/logout")
    press(page, "Sign out")
    page.wait_for_url(f"{place.origin}/auth/signed-out")


def sid_of(idp: Idp, persona: str) -> str:
    (sid,) = [s.sid for _, s in idp.state.sessions.entries() if s.persona.id == persona]
    return sid


def test_back_channel_ends_the_session_in_another_browser(applications, signon_idp, new_context):
    """What the provider ends is over in that browser at its next page, and goes on in the other."""
    here, _ = applications
    tell(here, by="backchannel")
    mine, other = new_context(), new_context()
    page, bystander = mine.new_page(), other.new_page()
    here.sign_in(page)
    here.sign_in(bystander, persona="omar")
    signon_idp.end_session(sid=sid_of(signon_idp, "somying"))
    assert [delivery.status for delivery in signon_idp.wait_for_logouts()] == [200]
    assert (here.who(mine), here.who(other)) == (None, "omar")
    page.reload()
    assert page.url.startswith(signon_idp.issuer)


def test_back_channel_carries_a_sign_out_to_the_other_application(applications, signon_idp, browser_context):
    """Who signs out of one application is signed out of the other before the browser comes back to it."""
    first, second = applications
    tell(second, by="backchannel")
    page = browser_context.new_page()
    first.sign_in(page)
    page.goto(f"{second.origin}/me")
    page.wait_for_url(f"{second.origin}/me")
    assert second.who(browser_context) == "somying"
    leave(first, page)
    signon_idp.wait_for_logouts()
    assert (first.who(browser_context), second.who(browser_context)) == (None, None)
    (seen,) = second.seen("/auth/backchannel-logout/oidc")
    assert (seen.method, seen.status, seen.site) == ("POST", 200, None)


def test_front_channel_ends_the_session_in_the_other_application(applications, browser_context):
    """A frame on the provider's page ends the other application's session, and is allowed to be there."""
    first, second = applications
    tell(second, by="frontchannel")
    page = browser_context.new_page()
    wrong = complaints(page)
    first.sign_in(page)
    page.goto(f"{second.origin}/me")
    page.wait_for_url(f"{second.origin}/me")
    leave(first, page)
    assert (first.who(browser_context), second.who(browser_context)) == (None, None)
    (seen,) = second.seen("/auth/frontchannel-logout/oidc")
    assert (seen.dest, seen.site, seen.status) == ("iframe", "cross-site", 200)
    assert not wrong


def test_front_channel_needs_no_cookie(applications, signon_idp, new_context):
    """A frame in one browser ends the session of another: it is found by its name and not by a cookie."""
    here, _ = applications
    address = tell(here, by="frontchannel")
    mine, other = new_context(), new_context()
    here.sign_in(mine.new_page())
    query = urlencode({"iss": signon_idp.issuer, "sid": sid_of(signon_idp, "somying")})
    other.new_page().goto(f"{address}?{query}")
    assert here.who(mine) is None


def test_nobody_else_can_frame_the_page(applications, signon_idp, browser_context):
    """Another site that frames it sees nothing, and a session that it can't name goes on."""
    here, _ = applications
    address = tell(here, by="frontchannel")
    page = browser_context.new_page()
    here.sign_in(page)
    with other_sites() as sites:
        query = urlencode({"iss": signon_idp.issuer, "sid": "guessed"})
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.goto(sites.page(f'<iframe src="{address}?{query}"></iframe>'))
    (seen,) = here.seen("/auth/frontchannel-logout/oidc")
    assert seen.status == 200
    assert here.who(browser_context) == "somying"
