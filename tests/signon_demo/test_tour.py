import re

import pytest
from tests.journeys.visitor import Visitor
from tests.signon_demo.people import signed_in

from signon.flask.testing import sign_in
from signon_demo.tour import TOUR

STOPS = [stop for group in TOUR for stop in group.stops]


def _menu(text):
    return re.findall(r'<li><a href="([^"]+)"', text.partition('class="panel"')[2].partition("</details>")[0])


@pytest.mark.parametrize("name", ["thaid", "authmachine", "auth0", "pingone", "sgid", "oidc"])
def test_every_page_of_the_tour_is_there(served, name):
    """Every stop is in the menu and on the first page, each of the demo's own opens for people of each provider,
    and no page breaks.
    """
    visitor, page = signed_in(served, name, path="/")
    addresses = _menu(page.text)
    assert len(addresses) == len(STOPS)
    for address in addresses:
        assert page.text.count(f'href="{address}"') >= 2
        if address.startswith("/"):
            assert visitor.get(served.address + address).status_code == 200, address


def test_who_has_not_signed_in_sees_what_waits(served):
    """Without a session the first page names each group in a line, and no page of the tour breaks."""
    visitor = Visitor()
    page = visitor.get(served.address + "/")
    for group in TOUR:
        assert f"<dt>{group.title}</dt><dd>" in page.text
    for address in _menu(page.text):
        if address.startswith("/"):
            assert visitor.get(served.address + address).status_code in {200, 401}, address


def test_the_page_one_is_on_is_marked(client):
    """The menu and the links beside it mark the page that is open, and no other."""
    sign_in(client, {"name": "Ada"})
    text = client.get("/profile").text
    assert re.findall(r'<a href="([^"]+)" aria-current="page"', text) == ["/profile", "/profile"]


def test_a_page_that_is_elsewhere_needs_its_address(client):
    """A demo without the stranger's origin has no link to it."""
    sign_in(client, {"name": "Ada"})
    text = client.get("/").text
    assert "A stranger" not in text
    assert len(_menu(text)) == len(STOPS) - 1
