"""The application's own tokens at the vendors that have them, by the environment's names alone."""

import base64
import json

import pytest

from signon.flask import service_token


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_pingone(at_vendor, method):
    """A worker application gets one token for all its calls, with an empty scope; nobody is signed in by it."""
    stage = at_vendor("pingone", client={"token_endpoint_auth_method": method})
    with stage.app.app_context():
        assert service_token() == service_token("pingone")
    assert stage.idp.calls["token"] == 1
    assert stage.rows().get("records", 0) == 0


def claims_of(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_auth0(at_vendor):
    """Auth0's tokens are for the API that `AUTH0_AUDIENCE` names, or the call does."""
    stage = at_vendor("auth0", client={"extra_scopes": ("read:orders",)}, audience="https://orders.example")
    with stage.app.app_context():
        usual, other = service_token(), service_token(audience="https://reports.example")
    assert claims_of(usual)["aud"] == "https://orders.example"
    assert claims_of(usual)["sub"] == f"{stage.client.client_id}@clients"
    assert claims_of(other)["aud"] == "https://reports.example"
    assert stage.idp.calls["token"] == 2
