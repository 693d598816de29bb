import base64
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.core.client_auth import METHODS, Client, authenticate, authentication_method
from signon.core.errors import OperatorError
from signon.core.values import Secret

FORM = {"grant_type": "authorization_code", "code": "c"}
POST, BASIC = "client_secret_post", "client_secret_basic"


@pytest.mark.parametrize(
    ("auth", "secret", "supported", "method"),
    [
        (None, None, (), "none"),
        (None, None, (BASIC,), "none"),
        (None, "s", (), BASIC),
        (None, "s", (BASIC, POST), BASIC),
        (None, "s", (POST, BASIC), BASIC),
        (None, "s", (POST,), POST),
        (None, "s", (POST, "private_key_jwt"), POST),
        (None, "s", ("private_key_jwt",), BASIC),
        (POST, "s", (BASIC,), POST),
        (BASIC, "s", (POST,), BASIC),
        ("none", "s", (BASIC,), "none"),
    ],
)
def test_one_method_is_chosen(auth, secret, supported, method):
    """The registered method must be used; unset, what the provider lists decides, basic by default."""
    client = Client(client_id="c", secret=None if secret is None else Secret(secret), auth=auth)
    assert authentication_method(client, supported) == method
    assert method in METHODS


def test_basic_sends_a_header_and_nothing_in_the_form():
    """With basic the credentials must be in the header alone (RFC 6749 2.3)."""
    headers, form = authenticate(Client(client_id="c", secret=Secret("s")), FORM, supported=())
    assert headers == {"Authorization": "Basic Yzpz"}
    assert form == FORM


def test_post_sends_the_form_and_no_header():
    """With post the credentials must be in the form alone (RFC 6749 2.3)."""
    headers, form = authenticate(Client(client_id="c", secret=Secret("s"), auth=POST), FORM, supported=())
    assert headers == {}
    assert form == {**FORM, "client_id": "c", "client_secret": "s"}


def test_none_sends_the_id_and_no_secret():
    """A public client must say who it is and send no secret, also where one is set."""
    for secret in (None, Secret("s")):
        headers, form = authenticate(Client(client_id="c", secret=secret, auth="none"), FORM, supported=())
        assert headers == {}
        assert form == {**FORM, "client_id": "c"}


@pytest.mark.parametrize(
    ("client_id", "secret", "pair"),
    [
        ("c", "a:b", "c:a%3Ab"),
        ("c", "100%", "c:100%25"),
        ("c", "a+b c", "c:a%2Bb+c"),
        ("c", "ü", "c:%C3%BC"),
        ("https://app.example", "s", "https%3A%2F%2Fapp.example:s"),
    ],
)
def test_basic_encodes_each_part_first(client_id, secret, pair):
    """Id and secret must be form-encoded before they are joined (RFC 6749 2.3.1)."""
    headers, _ = authenticate(Client(client_id=client_id, secret=Secret(secret)), FORM, supported=())
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == pair


@given(st.text(min_size=1), st.text(min_size=1))
def test_basic_comes_back(client_id, secret):
    """A server that follows the standard must read back the very id and secret."""
    headers, _ = authenticate(Client(client_id=client_id, secret=Secret(secret)), FORM, supported=())
    pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode("ascii")
    assert [unquote_plus(part) for part in pair.split(":")] == [client_id, secret]


def test_raw_basic_encodes_nothing():
    """For a server that decodes nothing, nothing must be encoded."""
    headers, _ = authenticate(Client(client_id="c", secret=Secret("a%:b"), raw_basic=True), FORM, supported=())
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"c:a%:b"


@pytest.mark.parametrize("auth", [BASIC, POST])
@pytest.mark.parametrize("secret", [None, Secret("")])
def test_missing_secret_is_the_operators_fault(auth, secret):
    """A method that needs a secret must not be tried without one."""
    with pytest.raises(OperatorError) as error:
        authenticate(Client(client_id="c", secret=secret, auth=auth), FORM, supported=())
    assert error.value.code == "client_secret_missing"


def test_client_does_not_show_its_secret():
    """The repr of a client must not hold the secret."""
    assert "hidden" not in repr(Client(client_id="c", secret=Secret("hidden")))
