from dataclasses import replace

import pytest

from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.auth0 import AUTH0
from signon_idp.dialects.auth0_organizations import INVITATION, ORGANIZATIONS, organization_of
from signon_idp.errors import CallbackError

CLIENT = demo_client("auth0")


@pytest.fixture
def walk(clock, helpers):
    return helpers.Walk(Idp(dialect=AUTH0, origin="http://127.0.0.1:9003", clients=(CLIENT,), now=clock), CLIENT)


def claims_after(walk, helpers, response):
    code = helpers.answer(response)["code"]
    answer = walk.exchange(code, client_id=CLIENT.client_id, client_secret=CLIENT.client_secret)
    return helpers.claims_of(answer.json["id_token"])


@pytest.mark.parametrize("asked", ["org_8kQ2", "acme", "ACME"])
def test_member(walk, helpers, asked):
    """A member signs in for the organization, asked for by its id or its name."""
    claims = claims_after(walk, helpers, walk.sign_in("mia", organization=asked))
    assert (claims["org_id"], claims["org_name"]) == ("org_8kQ2", "acme")


def test_access_token_says_it_too(walk, helpers):
    """An API's access token has the organization as well."""
    code = helpers.answer(walk.sign_in("mia", organization="acme", audience="https://api.example/"))["code"]
    answer = walk.exchange(code, client_id=CLIENT.client_id, client_secret=CLIENT.client_secret)
    assert helpers.claims_of(answer.json["access_token"])["org_id"] == "org_8kQ2"


def test_stranger(walk, helpers):
    """Who does not belong to the organization is denied, but with an invitation gets in."""
    denied = helpers.answer(walk.sign_in("lee", organization="org_8kQ2"))
    assert (denied["error"], "not part of the org_8kQ2" in denied["error_description"]) == ("access_denied", True)
    invited = walk.sign_in("lee", organization="org_8kQ2", invitation=INVITATION)
    assert claims_after(walk, helpers, invited)["org_id"] == "org_8kQ2"


@pytest.mark.parametrize(
    "asked",
    [
        {"organization": "org_0000"},
        {"organization": "ORG_8KQ2"},
        {"invitation": INVITATION},
        {"organization": "acme", "invitation": "made-up"},
    ],
)
def test_refused_at_once(walk, helpers, asked):
    """Unknown organizations and tickets, and a ticket without its organization, are refused before the sign-in."""
    assert helpers.answer(walk.authorize(**asked))["error"] == "invalid_request"


def test_client_that_denies():
    """A client that is for no organizations gets no request for one through."""
    with pytest.raises(CallbackError, match="not allowed"):
        organization_of({"organization": "acme"}, replace(CLIENT, organization_usage="deny"))
    assert organization_of({}, replace(CLIENT, organization_usage="deny")) is None


def test_page(walk, helpers):
    """A client that requires an organization asks on a page, and the choice is in the ID token."""
    walk.idp.register(replace(CLIENT, organization_usage="require"))
    page = walk.sign_in("kit")
    assert "Choose an organization" in page.text
    assert all(organization.label in page.text for organization in ORGANIZATIONS)
    claims = claims_after(walk, helpers, walk.submit(page, organization="org_3bVx"))
    assert claims["org_name"] == "siam-books"
    assert helpers.answer(walk.authorize(prompt="none"))["error"] == "interaction_required"


def test_page_offers_only_ones_own(walk, helpers):
    """The page offers the person's own organizations; another one by hand is denied."""
    walk.idp.register(replace(CLIENT, organization_usage="require"))
    page = walk.sign_in("mia")
    assert "Siam Books" not in page.text
    assert helpers.answer(walk.submit(page, organization="org_3bVx"))["error"] == "access_denied"


def test_page_without_any(walk, helpers):
    """Who belongs to none is told so, and can go back."""
    walk.idp.register(replace(CLIENT, organization_usage="require"))
    page = walk.sign_in("lee")
    assert "belongs to no organization" in page.text
    assert helpers.answer(walk.submit(page, cancel="1"))["error"] == "access_denied"


def test_page_is_bound_to_its_browser(walk, helpers):
    """Another browser can't send the form."""
    walk.idp.register(replace(CLIENT, organization_usage="require"))
    page = walk.sign_in("kit")
    other = helpers.Walk(walk.idp, CLIENT)
    assert other.submit(page, organization="org_3bVx").status_code == 400
