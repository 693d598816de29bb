import base64
from urllib.parse import quote_plus

import pytest

from signon_idp.errors import OAuthError
from signon_idp.model import Client
from signon_idp.rules import client_auth
from signon_idp.rules.assertion import JWT_BEARER, Judge

JUDGE = Judge(issuer="http://127.0.0.1:9000", now=1_800_000_000.0, first_use=lambda _jti, _until: True)
ODD = "s:é%+/ &="
CLIENTS = {
    client.client_id: client
    for client in (
        Client(client_id="basic", client_secret="secret"),
        Client(client_id="odd:id", client_secret=ODD),
        Client(client_id="post", client_secret="secret", token_endpoint_auth_method="client_secret_post"),
        Client(client_id="public", token_endpoint_auth_method="none"),
        Client(client_id="jwt", client_secret="s" * 32, token_endpoint_auth_method="client_secret_jwt"),
    )
}
ASSERTION = "e30." + base64.urlsafe_b64encode(b'{"sub":"jwt"}').decode().rstrip("=") + ".e30"


def authenticate(authorization, form, clients, **more):
    return client_auth.authenticate(authorization, form, clients, JUDGE, **more)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def test_each_method():
    """Basic, post and none each prove their client."""
    assert authenticate(basic("basic", "secret"), {}, CLIENTS).client_id == "basic"
    assert authenticate(basic("basic", "secret"), {"client_id": "basic"}, CLIENTS).client_id == "basic"
    form = {"client_id": "post", "client_secret": "secret"}
    assert authenticate(None, form, CLIENTS).client_id == "post"
    assert authenticate(None, {"client_id": "public"}, CLIENTS).client_id == "public"


def test_basic_is_form_urlencoded():
    """Id and secret are form-urlencoded inside Basic, colon, percent, plus and non-ASCII too (RFC 6749 2.3.1)."""
    assert authenticate(basic("odd:id", ODD), {}, CLIENTS).client_id == "odd:id"
    raw = "Basic " + base64.b64encode(f"odd:id:{ODD}".encode()).decode()
    with pytest.raises(OAuthError, match="invalid_client"):
        authenticate(raw, {}, CLIENTS)


@pytest.mark.parametrize(
    ("authorization", "form", "error", "status"),
    [
        (None, {}, "invalid_client", 401),
        (None, {"client_secret": "secret"}, "invalid_client", 401),
        (None, {"client_id": "nobody"}, "invalid_client", 401),
        (None, {"client_id": "post"}, "invalid_client", 401),
        (None, {"client_id": "post", "client_secret": "wrong"}, "invalid_client", 401),
        (None, {"client_id": "basic", "client_secret": "secret"}, "invalid_client", 401),
        (None, {"client_id": "public", "client_secret": "secret"}, "invalid_client", 401),
        (None, {"client_id": "basic"}, "invalid_client", 401),
        (basic("post", "secret"), {}, "invalid_client", 401),
        (basic("public", ""), {}, "invalid_client", 401),
        (basic("basic", "wrong"), {}, "invalid_client", 401),
        (basic("basic", ""), {}, "invalid_client", 401),
        (basic("nobody", "secret"), {}, "invalid_client", 401),
        ("Bearer abc", {}, "invalid_client", 401),
        ("Basic", {}, "invalid_client", 401),
        ("Basic !!!", {}, "invalid_client", 401),
        ("Basic " + base64.b64encode(b"no colon").decode(), {}, "invalid_client", 401),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), {}, "invalid_client", 401),
        ("Basic " + base64.b64encode(b"%ff:x").decode(), {}, "invalid_client", 401),
        (basic("basic", "secret"), {"client_secret": "secret"}, "invalid_request", 400),
        (basic("basic", "secret"), {"client_id": "post"}, "invalid_request", 400),
        (basic("basic", "secret"), {"client_assertion": ASSERTION}, "invalid_request", 400),
        (None, {"client_assertion": ASSERTION}, "invalid_request", 400),
        (None, {"client_assertion": ASSERTION, "client_assertion_type": "saml"}, "invalid_request", 400),
        (
            None,
            {"client_assertion": ASSERTION, "client_assertion_type": JWT_BEARER, "client_secret": "s"},
            "invalid_request",
            400,
        ),
        (
            None,
            {"client_assertion": ASSERTION, "client_assertion_type": JWT_BEARER, "client_id": "post"},
            "invalid_request",
            400,
        ),
        (None, {"client_assertion": ASSERTION, "client_assertion_type": JWT_BEARER}, "invalid_client", 401),
        (None, {"client_assertion": "x", "client_assertion_type": JWT_BEARER}, "invalid_client", 401),
        (None, {"client_assertion": "x.W10.x", "client_assertion_type": JWT_BEARER}, "invalid_client", 401),
        (None, {"client_id": "jwt", "client_secret": "s" * 32}, "invalid_client", 401),
    ],
)
def test_refusals(authorization, form, error, status):
    """Everything but exactly the registered method is refused, two methods at once too (RFC 6749 2.3)."""
    with pytest.raises(OAuthError) as caught:
        authenticate(authorization, form, CLIENTS)
    assert (caught.value.error, caught.value.status) == (error, status)
    # A 401 after a try with the Authorization header names the scheme it wanted (RFC 6749 5.2).
    assert bool(caught.value.challenge) == (authorization is not None and status == 401)
