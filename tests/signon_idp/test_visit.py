from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects import DIALECTS


@pytest.fixture
def url(idp, walk):
    """The address of an authorization request."""

    def url(**changes):
        return f"{idp.base}{idp.dialect.paths.authorize}?{urlencode(walk.parameters(**changes))}"

    return url


def query(address):
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def test_visit_brings_back_a_code_that_is_good(idp, walk, url):
    """The address that comes back has a code for the person who was named, and the state."""
    back = query(idp.visit(url(), persona="mei"))
    assert back["state"] == "state-1"
    tokens = walk.exchange(back["code"]).json
    assert walk.userinfo(tokens["access_token"]).json["preferred_username"] == "mei"


def test_visit_allows_what_is_asked(idp, walk, url):
    """A consent page is passed, too."""
    idp.register(replace(walk.client, require_consent=True))
    assert "code" in query(idp.visit(url(), persona="mei"))


def test_visit_brings_back_a_refusal(idp, url):
    """A person who says no brings that back; each visit is another browser's, so the next one may say yes."""
    assert query(idp.visit(url(), persona="nadia"))["error"] == "access_denied"
    assert "code" in query(idp.visit(url(), persona="mei"))


@pytest.mark.parametrize(
    ("changes", "persona"),
    [({"redirect_uri": "https://evil.example/"}, "mei"), ({}, "nobody-of-that-name")],
    ids=["an address that is not registered", "a person who is not there"],
)
def test_visit_that_is_not_sent_back(idp, url, changes, persona):
    """Where the provider keeps the browser on a page of its own, that is said, and which page it was."""
    with pytest.raises(ValueError, match=r"sends nobody back: \d+, '.+'"):
        idp.visit(url(**changes), persona=persona)


@pytest.mark.parametrize("name", DIALECTS)
def test_visit_at_every_vendor(name):
    """Each dialect's own pages lead back by its first person."""
    idp = Idp(dialect=DIALECTS[name], origin="http://127.0.0.1:9000", clients=(demo_client(name),))
    (client,) = idp.clients.values()
    asked = {
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0],
        "response_type": "code",
        "scope": "openid",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    address = f"{idp.base}{idp.dialect.paths.authorize}?{urlencode(asked)}"
    assert "code" in query(idp.visit(address, persona=idp.dialect.personas[0].id))
