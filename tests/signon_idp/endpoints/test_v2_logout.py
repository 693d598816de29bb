from dataclasses import replace

import pytest

from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.auth0 import AUTH0

CLIENT = demo_client("auth0")
(AFTER_LOGOUT,) = CLIENT.post_logout_redirect_uris


@pytest.fixture
def walk(clock, helpers):
    return helpers.Walk(Idp(dialect=AUTH0, origin="http://127.0.0.1:9003", clients=(CLIENT,), now=clock), CLIENT)


def end(walk, **query: str):
    return walk.http.get("/v2/logout", query_string=query)


@pytest.mark.parametrize(
    "address",
    [
        AFTER_LOGOUT,
        f"{AFTER_LOGOUT}?next=%2F",
        f"{AFTER_LOGOUT}#x",
        AFTER_LOGOUT.replace("localhost", "LOCALHOST"),
    ],
)
def test_signs_out(walk, address):
    """Quirk 4: query, fragment and the host's case don't count; the session ends at once, without a state."""
    walk.sign_in("mia")
    response = end(walk, client_id="demo", returnTo=address, state="s")
    assert (response.status_code, response.headers["Location"].lower()) == (303, address.lower())
    assert "form_token" in walk.authorize().text, "the next sign-in asks again"


@pytest.mark.parametrize(
    "query",
    [
        {"client_id": "demo", "returnTo": AFTER_LOGOUT.upper()},
        {"client_id": "demo", "returnTo": AFTER_LOGOUT + "/"},
        {"client_id": "demo", "returnTo": "http://evil.example/"},
        {"returnTo": AFTER_LOGOUT},
        {"client_id": "nobody"},
    ],
)
def test_refuses(walk, query):
    """Quirk 4: the path counts letter by letter, and without client_id nothing is registered; nobody signs out."""
    walk.sign_in("mia")
    assert end(walk, **query).status_code == 400
    assert walk.authorize().status_code == 303


def test_clients_are_told(walk, httpserver):
    """The vendor's own sign-out sends logout tokens like the standard's."""
    httpserver.expect_request("/out", method="POST").respond_with_data("")
    walk.idp.register(replace(CLIENT, backchannel_logout_uri=httpserver.url_for("/out")))
    walk.sign_in("mia")
    end(walk, client_id="demo")
    assert [(done.client_id, done.status) for done in walk.idp.wait_for_logouts()] == [("demo", 200)]
    walk.idp.stop()


def test_without_address(walk):
    """Without returnTo the application's first address is used; without an application there is a page."""
    assert end(walk, client_id="demo").headers["Location"] == AFTER_LOGOUT
    walk.sign_in("mia")
    assert "You are signed out" in end(walk).text
    assert "form_token" in walk.authorize().text
