import re
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.journeys.visitor import Markup, Visitor, sign_in
from tests.signon_demo.people import signed_in, text_of

from signon.providers import from_names
from signon_demo.app import create_app

AUTH0 = {"AUTH0_DOMAIN": "tenant.example", "AUTH0_CLIENT_ID": "demo"}


def _link(page, text):
    """The address of the link that says this, a pattern."""
    return re.search(rf'href="([^"]+)">{text}</a>', page.text).group(1).replace("&amp;", "&")


def test_each_sign_up_there_is_has_a_button(served):
    """AuthMachine and Auth0 have a page for new accounts, the others none."""
    page = Visitor().get(served.address + "/ways")
    assert re.findall(r"<span>Sign up with (\w+)</span>", page.text) == ["AuthMachine", "Auth0"]


def test_an_organization_lets_its_members_in(served):
    """Acme's link signs a member in for that organization, and somebody else is sent back with a refusal."""
    visitor = Visitor()
    link = served.address + _link(visitor.get(served.address + "/ways"), "For the organization Acme")
    page = sign_in(visitor, link, persona="mia")
    assert "Organization acme" in text_of(page)
    refused = sign_in(Visitor(), link, persona="tan")
    assert "<code>access_denied</code>" in refused.text


def test_an_invitation_lets_a_stranger_in(served):
    """The invitation's link signs somebody in who does not belong to the organization yet."""
    visitor = Visitor()
    link = served.address + _link(visitor.get(served.address + "/ways"), "By an invitation to Siam Books")
    page = sign_in(visitor, link, persona="lee")
    assert page.url == served.address + "/profile"
    assert "Organization siam-books" in text_of(page)


@pytest.mark.parametrize("label", ["ThaID", "AuthMachine", "Auth0", "PingOne", "sgID", "OpenID"])
def test_each_portal_leads_to_a_page_that_asks_first(served, label):
    """A portal's link ends at a page with one button, and that at the provider."""
    visitor = Visitor()
    page = visitor.get(served.address + _link(visitor.get(served.address + "/ways"), f"As from {label}.s portal"))
    assert "Another site brought you here." in text_of(page)
    (form,) = Markup(page.text).forms
    at_provider = visitor.post(page.url, form.hidden, Origin=served.address)
    assert urlsplit(at_provider.url).hostname == "127.0.0.1"


WISHES = {
    "again": {"prompt": ["login"]},
    "silent": {"prompt": ["none"]},
    "stronger": {"acr_values": ["urn:practice:acr:two-factor"]},
    "named": {"login_hint": ["somying"], "ui_locales": ["th"], "prompt": ["login"]},
}


@pytest.mark.parametrize("wish", WISHES)
def test_a_wish_goes_to_the_provider(served, wish):
    """Each button's request has the parameters that its line says, and leads to the standard provider."""
    visitor = Visitor()
    page = visitor.get(served.address + "/ways")
    answer = visitor.submit(page, wish=wish, stop_at=served.idps["oidc"].issuer)
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert {name: value for name, value in asked.items() if name in WISHES[wish]} == WISHES[wish]


def test_asked_for_nothing_the_provider_says_whether_it_knows_them(served):
    """prompt=none signs in who is signed in there, and says to everybody else that they have to go there."""
    visitor, _ = signed_in(served, "oidc")
    page = visitor.submit(visitor.get(served.address + "/ways"), wish="silent")
    assert page.url == served.address + "/profile"
    stranger = Visitor()
    page = stranger.submit(stranger.get(served.address + "/ways"), wish="silent")
    assert "<code>login_required</code>" in page.text


def test_two_factors_are_in_the_answer(served):
    """The sign-in that asked for two factors says which there were."""
    visitor = Visitor()
    page = visitor.submit(visitor.get(served.address + "/ways"), wish="stronger")
    page = visitor.submit(page, persona="somying")
    assert page.url == served.address + "/profile"
    assert "urn:practice:acr:two-factor" in page.text


def test_a_choice_comes_back_with_the_person(served):
    """What was chosen before the sign-in is on the profile after it, and sgID was told nothing of it."""
    visitor = Visitor()
    page = visitor.get(served.address + "/ways")
    answer = visitor.submit(page, flavour="Strawberry", stop_at=served.idps["sgid"].issuer)
    assert "Strawberry" not in answer.headers["Location"]
    page = visitor.submit(visitor.get(answer.headers["Location"]), persona="meilin")
    assert page.url == served.address + "/profile"
    assert "Favourite ice cream flavour Strawberry, as you chose" in text_of(page)


@pytest.mark.parametrize("flavour", ["", "Durian", "<b>"])
def test_a_flavour_that_there_is_not(served, flavour):
    """Anything but one of the flavours is a bad request, and so is every flavour where sgID isn't there."""
    visitor = Visitor()
    assert visitor.submit(visitor.get(served.address + "/ways"), flavour=flavour).status_code == 400
    app = create_app(from_names("auth0", settings=AUTH0), base_url="http://localhost:5000")
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert 'name="flavour"' not in client.get("/ways").text
    assert client.post("/ways", data={"flavour": flavour or "Vanilla"}).status_code == 400


@pytest.mark.parametrize("wish", ["", "everything"])
def test_a_wish_that_there_is_not(served, wish):
    """Anything but one of the wishes is a bad request."""
    visitor = Visitor()
    assert visitor.submit(visitor.get(served.address + "/ways"), wish=wish).status_code == 400


def test_what_only_practice_providers_have_is_not_offered_at_real_ones():
    """At the real Auth0 nobody has these organizations; the real standard provider may know no such factors."""
    settings = {**AUTH0, "OIDC_ISSUER": "https://op.example", "OIDC_CLIENT_ID": "demo"}
    app = create_app(
        from_names("auth0 oidc", settings=settings),
        base_url="http://localhost:5000",
        real=frozenset({"auth0", "oidc"}),
    )
    page = app.test_client().get("/ways").text
    assert "Acme" not in page
    assert re.findall(r'name="wish" value="(\w+)"', page) == ["again", "silent", "named"]


def test_without_the_standard_provider_there_are_no_wishes():
    """A demo without that provider has no buttons for wishes, and refuses a post of one."""
    app = create_app(from_names("auth0", settings=AUTH0), base_url="http://localhost:5000")
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert 'name="wish"' not in client.get("/ways").text
    assert client.post("/ways", data={"wish": "again"}).status_code == 400
