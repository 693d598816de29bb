from dataclasses import replace

import pytest

from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.pingone import PINGONE, PINGONE_OF_2023
from signon_idp.dialects.pingone_people import ENVIRONMENT_ID

CLIENT = demo_client("pingone")
(AFTER_LOGOUT,) = CLIENT.post_logout_redirect_uris


@pytest.fixture
def new_walk(clock, helpers):
    def new(dialect=PINGONE, **changes):
        client = replace(CLIENT, **changes)
        return helpers.Walk(
            Idp(dialect=dialect, origin="http://127.0.0.1:9004", clients=(client,), now=clock), client
        )

    return new


@pytest.fixture
def walk(new_walk):
    return new_walk()


def end(walk, *, accept: str = "text/html", **query: str):
    path = f"/{ENVIRONMENT_ID}/as/idpSignoff"
    return walk.http.get(path, query_string=query, headers={"Accept": accept})


def asks_again(walk) -> bool:
    return "form_token" in walk.authorize().text


def test_signs_out(walk):
    """With a hint the session ends at once, and the browser goes on to the application, its state along."""
    hint = walk.tokens("mia")["id_token"]
    response = end(walk, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT, state="s")
    assert (response.status_code, response.headers["Location"]) == (303, f"{AFTER_LOGOUT}?state=s")
    assert asks_again(walk)
    assert end(walk, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT).headers["Location"] == AFTER_LOGOUT


def test_without_address(walk):
    """Without an address there is a page; who takes JSON gets 204 in either case."""
    hint = walk.tokens("mia")["id_token"]
    assert "You are signed out" in end(walk, id_token_hint=hint).text
    for query in ({}, {"post_logout_redirect_uri": AFTER_LOGOUT}):
        response = end(walk, accept="application/json", id_token_hint=hint, **query)
        assert (response.status_code, response.data) == (204, b"")


@pytest.mark.parametrize("hint", ["", "nonsense"])
def test_wants_a_hint(walk, hint):
    """Without a hint that counts nobody is signed out."""
    walk.sign_in("mia")
    response = end(walk, post_logout_redirect_uri=AFTER_LOGOUT, **({"id_token_hint": hint} if hint else {}))
    assert response.status_code == 400
    assert "INVALID_DATA" in response.text
    assert not asks_again(walk)


def test_application_that_may_not(new_walk):
    """An application that is not registered for it signs nobody out this way."""
    walk = new_walk(idp_signoff=False)
    response = end(walk, id_token_hint=walk.tokens("mia")["id_token"])
    assert response.status_code == 400
    assert "REQUEST_FAILED" in response.text
    assert not asks_again(walk)


def test_hint_of_another_person(walk):
    """A hint about somebody else ends nobody's session."""
    hint = walk.tokens("mia")["id_token"]
    walk.http.delete_cookie(walk.idp.cookie_name)
    walk.sign_in("grace")
    assert end(walk, id_token_hint=hint).status_code == 400
    assert not asks_again(walk)


def test_address_that_is_not_registered(walk):
    """Nobody is sent to an address that the application has not registered."""
    hint = walk.tokens("mia")["id_token"]
    response = end(walk, id_token_hint=hint, post_logout_redirect_uri="http://evil.example/")
    assert response.status_code == 400
    assert not asks_again(walk)


def test_expired_hint(new_walk, clock):
    """As at signoff, an environment as of 2023 takes no expired hint."""
    walk = new_walk(PINGONE_OF_2023)
    hint = walk.tokens("mia")["id_token"]
    clock.time += walk.idp.dialect.lifetimes.id_token + 1
    assert end(walk, id_token_hint=hint).status_code == 400
