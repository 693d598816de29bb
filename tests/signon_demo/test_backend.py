import pytest

from signon.providers import from_names
from signon_demo.backend import create_backend

SETTINGS = {
    "OIDC_ISSUER": "https://op.example",
    "OIDC_CLIENT_ID": "demo",
    "STAFF_ISSUER": "https://staff.example",
    "STAFF_CLIENT_ID": "demo",
}


@pytest.fixture
def client():
    providers = from_names("oidc staff", settings=SETTINGS)
    return create_backend(providers, base_url="http://127.0.0.1:5001").test_client()


def test_it_says_what_it_hears_but_not_the_token(client):
    """The answer has the ends of the token alone, how many cookies came, and the names of the header fields."""
    client.set_cookie("some", "thing", domain="localhost")
    answer = client.get("/oidc/heard", headers={"Authorization": "Bearer abcd-the-secret-middle-wxyz"})
    assert answer.json["asked"] == "GET /oidc/heard"
    assert answer.json["token"] == "Bearer abcd…wxyz (27)"
    assert answer.json["cookies"] == 1
    assert "Authorization" in answer.json["headers"]
    assert "secret-middle" not in answer.text


def test_it_says_when_it_hears_no_token(client):
    """Without a token there is none to tell of."""
    assert client.get("/staff/heard").json["token"] is None


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "access_token_missing"),
        ({"Authorization": "Bearer opaque-and-of-nobody"}, "access_token_not_compact"),
    ],
)
def test_it_opens_to_nobody_without_a_good_token(client, headers, code):
    """Without a token, and with one that says nothing, the answer is 401 with its code."""
    response = client.get("/oidc/person", headers=headers)
    assert (response.status_code, response.json["code"]) == (401, code)


def test_it_knows_only_its_providers(client):
    """Below another name there is nothing."""
    assert client.get("/nobody/heard").status_code == 404
