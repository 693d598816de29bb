import re

import pytest
from tests.journeys.visitor import Visitor
from tests.signon_demo.people import text_of

from signon.providers import from_names
from signon_demo.app import create_app
from signon_demo.practice import PRACTICES
from signon_demo.serve import serving

PINGONE = tuple(practice for practice in PRACTICES if practice.name == "pingone")


def test_the_application_gets_a_token_of_its_own_once():
    """The first press fetches it and shows its ends, its end in time and where it came from; the second is the
    same one, kept from before.
    """
    with serving(PINGONE, port=0, idp_port=0, environment={}) as running:
        visitor = Visitor()
        first = visitor.submit(visitor.get(running.address + "/grants"), provider="pingone")
        second = visitor.submit(first, provider="pingone")
        assert running.idps["pingone"].calls["token"] == 1
        words = set(re.findall(r"[\w.~-]{12,}", first.text + second.text))
        assert not running.idps["pingone"].secrets & words
    ends = re.findall(r"<bdi>(\S{4}…\S{4} \(\d+\))</bdi>", first.text + second.text)
    assert len(ends) == 2
    assert len(set(ends)) == 1
    assert "PingOne, just now" in first.text
    assert "kept from before" in second.text


def test_a_provider_that_is_away_is_told():
    """Where the provider does not answer the page says so, with the status of that."""
    with serving(PINGONE, port=0, idp_port=0, environment={}) as running:
        visitor = Visitor()
        page = visitor.get(running.address + "/grants")
        running.idps["pingone"].stop()
        failed = visitor.submit(page, provider="pingone")
    assert failed.status_code == 503
    assert "be reached" in text_of(failed)
    assert "just now" not in failed.text


@pytest.mark.parametrize("name", ["", "thaid", "nobody"])
def test_a_provider_that_gives_none_is_not_asked(served, name):
    """A post that names any other provider is a bad request."""
    visitor = Visitor()
    page = visitor.get(served.address + "/grants")
    assert visitor.submit(page, provider=name).status_code == 400


@pytest.mark.parametrize("name", ["implicit", "hybrid"])
def test_the_other_flows_are_offered_here_alone(served, name):
    """The page has a button for each of the two flows; the first page and the chooser have none."""
    visitor = Visitor()
    address = f'href="/auth/login/{name}?next=/profile"'
    assert address in visitor.get(served.address + "/grants").text
    assert f"/auth/login/{name}" not in visitor.get(served.address + "/").text
    chooser = visitor.get(served.address + "/auth/login").text
    assert (f"/auth/login/{name}" in chooser, "/auth/login/pingone" in chooser) == (False, True)


def test_with_the_real_vendor_there_are_no_other_flows():
    """Where PingOne is the real one the page says why the flows are not shown."""
    settings = {"PINGONE_ENVIRONMENT_ID": "1-2", "PINGONE_CLIENT_ID": "app"}
    app = create_app(
        from_names("pingone", settings=settings), base_url="http://localhost:5000", real=frozenset({"pingone"})
    )
    page = app.test_client().get("/grants").text
    assert "here PingOne is the real one" in page
    assert "flow" not in re.findall(r"Sign in with ([^<]+)", page)


def test_without_a_provider_that_gives_one_the_page_says_so():
    """A demo of ThaID alone has no token of its own to show."""
    settings = {"THAID_CLIENT_ID": "demo", "THAID_CLIENT_SECRET": "s" * 32}
    app = create_app(from_names("thaid", settings=settings), base_url="http://localhost:5000")
    assert "None of the providers here gives one" in app.test_client().get("/grants").text
