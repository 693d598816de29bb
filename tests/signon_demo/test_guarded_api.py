import pytest

from signon.flask.testing import sign_in
from signon.service.own_tokens import token_keys
from signon_demo.guarded_api import OTHER_AUDIENCE, STRONGER, make_token_key

OWN_PAGE = {"X-CSRF": "1", "Origin": "http://localhost:5000"}


@pytest.fixture
def ask(client):
    """Ask the API with a token for somebody who has signed in with these claims."""

    def ask(path, **claims):
        sign_in(client, {"name": "Ada", **claims})
        token = client.post("/auth/token", headers=OWN_PAGE).json["access_token"]
        return client.application.test_client().get(path, headers={"Authorization": f"Bearer {token}"})

    return ask


def test_token_opens_the_api(ask):
    """A token of the application's own opens its API, without any cookie."""
    answer = ask("/api/orders")
    assert (answer.status_code, answer.json["orders_of"]) == (200, "Ada")


@pytest.mark.parametrize("path", ["/api/orders", "/api/orders/new", "/api/warehouse", "/api/payments"])
def test_nothing_is_open(client, path):
    """Without a token, and with a session instead, each route is refused: access_token_missing, 401."""
    sign_in(client)
    response = client.get(path)
    assert (response.status_code, response.json["code"]) == (401, "access_token_missing")
    assert response.headers["WWW-Authenticate"].startswith("Bearer resource_metadata=")


@pytest.mark.parametrize(
    ("path", "status", "code", "challenge"),
    [
        ("/api/orders/new", 403, "access_token_scope", 'scope="write:orders"'),
        ("/api/warehouse", 401, "access_token_aud", f"not for {OTHER_AUDIENCE}"),
        ("/api/payments", 401, "access_token_step_up", 'error="insufficient_user_authentication"'),
    ],
)
def test_each_route_refuses_for_its_own_reason(ask, path, status, code, challenge):
    """A good token that is not enough is refused by its scope, its audience, or the sign-in behind it."""
    response = ask(path)
    assert (response.status_code, response.json["code"]) == (status, code)
    assert challenge in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("acr", STRONGER.values())
def test_stronger_sign_in_opens_the_payments(ask, acr):
    """After a sign-in with a second factor, in whichever provider's word, the token opens the payments."""
    answer = ask("/api/payments", acr=acr)
    assert (answer.status_code, answer.json["signed_in_by"]) == (200, acr)


def test_each_process_has_a_key_of_its_own():
    """Two keys are never the same, and each is one that can sign tokens."""
    one, other = (token_keys(make_token_key())[0] for _ in range(2))
    assert one.alg == "ES256"
    assert one.kid != other.kid
