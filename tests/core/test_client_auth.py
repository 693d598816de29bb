import base64
import json
from dataclasses import replace
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwk, jws
from tests.core.forge import CLIENT_SECRET, ISSUER, NOW, b64, ec_key, ed_key, pem, rsa_key

from signon.core.client_auth import ASSERTION_SECONDS, METHODS, Client, authenticate, authentication_method
from signon.core.errors import OperatorError
from signon.core.jose import private_keys, public_jwk
from signon.core.values import Secret

FORM = {"grant_type": "authorization_code", "code": "c"}
POST, BASIC, JWT, KEY = "client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt"


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
    headers, form = authenticate(
        Client(client_id="c", secret=Secret("s")), FORM, supported=(), issuer=ISSUER, now=NOW
    )
    assert headers == {"Authorization": "Basic Yzpz"}
    assert form == FORM


def test_post_sends_the_form_and_no_header():
    """With post the credentials must be in the form alone (RFC 6749 2.3)."""
    headers, form = authenticate(
        Client(client_id="c", secret=Secret("s"), auth=POST), FORM, supported=(), issuer=ISSUER, now=NOW
    )
    assert headers == {}
    assert form == {**FORM, "client_id": "c", "client_secret": "s"}


def test_none_sends_the_id_and_no_secret():
    """A public client must say who it is and send no secret, also where one is set."""
    for secret in (None, Secret("s")):
        headers, form = authenticate(
            Client(client_id="c", secret=secret, auth="none"), FORM, supported=(), issuer=ISSUER, now=NOW
        )
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
    headers, _ = authenticate(
        Client(client_id=client_id, secret=Secret(secret)), FORM, supported=(), issuer=ISSUER, now=NOW
    )
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == pair


@given(st.text(min_size=1), st.text(min_size=1))
def test_basic_comes_back(client_id, secret):
    """A server that follows the standard must read back the very id and secret."""
    headers, _ = authenticate(
        Client(client_id=client_id, secret=Secret(secret)), FORM, supported=(), issuer=ISSUER, now=NOW
    )
    pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode("ascii")
    assert [unquote_plus(part) for part in pair.split(":")] == [client_id, secret]


def test_raw_basic_encodes_nothing():
    """For a server that decodes nothing, nothing must be encoded."""
    headers, _ = authenticate(
        Client(client_id="c", secret=Secret("a%:b"), raw_basic=True), FORM, supported=(), issuer=ISSUER, now=NOW
    )
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"c:a%:b"


@pytest.mark.parametrize("auth", [BASIC, POST, JWT])
@pytest.mark.parametrize("secret", [None, Secret("")])
def test_missing_secret_is_the_operators_fault(auth, secret):
    """A method that needs a secret must not be tried without one."""
    with pytest.raises(OperatorError) as error:
        authenticate(Client(client_id="c", secret=secret, auth=auth), FORM, supported=(), issuer=ISSUER, now=NOW)
    assert error.value.code == "client_secret_missing"


def test_client_does_not_show_its_secret():
    """The repr of a client must not hold the secret."""
    assert "hidden" not in repr(Client(client_id="c", secret=Secret("hidden")))


def assertion_of(client: Client, *, now: float = NOW) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims of the assertion, after another engine has verified it with the key it should have."""
    headers, form = authenticate(client, FORM, supported=(), issuer=ISSUER, now=now)
    assert headers == {}
    assert form.keys() == {*FORM, "client_id", "client_assertion_type", "client_assertion"}
    assert form["client_id"] == client.client_id
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    token = jws.JWS()
    token.deserialize(form["client_assertion"])
    if client.key is None:
        token.verify(jwk.JWK(kty="oct", k=b64(client.secret.reveal().encode())))
    else:
        token.verify(jwk.JWK(**public_jwk(client.key)))
    return token.jose_header, json.loads(token.payload)


OUR_KEYS = {"RS256": rsa_key("ours"), "ES256": ec_key("P-256", "ours"), "EdDSA": ed_key("ours")}


@pytest.mark.parametrize("alg", OUR_KEYS)
def test_assertion_is_signed_with_our_key(alg):
    """An assertion must name us, the issuer alone and a short life, and be signed with our key (RFC 7523 3)."""
    (key,) = private_keys(pem(OUR_KEYS[alg]))
    header, claims = assertion_of(Client(client_id="c", auth=KEY, key=key), now=NOW + 0.9)
    assert header == {"alg": alg, "typ": "client-authentication+jwt", "kid": key.kid}
    jti = claims.pop("jti")
    assert len(jti) == 43
    assert claims == {"iss": "c", "sub": "c", "aud": ISSUER, "iat": int(NOW), "exp": int(NOW) + ASSERTION_SECONDS}


def test_assertion_is_signed_with_the_secret():
    """With `client_secret_jwt` the secret's octets must sign, with HS256 unless another is registered."""
    client = Client(client_id="c", secret=Secret(CLIENT_SECRET), auth=JWT)
    header, claims = assertion_of(client)
    assert (header["alg"], claims["aud"]) == ("HS256", ISSUER)
    header, _ = assertion_of(replace(client, assertion_alg="HS512", assertion_typ="JWT"))
    assert (header["alg"], header["typ"]) == ("HS512", "JWT")


def test_registered_algorithm_signs():
    """The registered algorithm must be used where the key could do with several."""
    (key,) = private_keys(pem(rsa_key("ours")))
    header, _ = assertion_of(Client(client_id="c", auth=KEY, key=key, assertion_alg="PS256"))
    assert header["alg"] == "PS256"


def test_each_request_has_an_assertion_of_its_own():
    """No assertion may be sent twice: each must have a fresh id (RFC 7523 3)."""
    (key,) = private_keys(pem(ec_key("P-256", "ours")))
    client = Client(client_id="c", auth=KEY, key=key)
    assert len({assertion_of(client)[1]["jti"] for _ in range(20)}) == 20


def test_assertion_needs_its_key():
    """Without a key, or with a secret below the hash's length, nothing must be signed (RFC 7518 3.2)."""
    with pytest.raises(OperatorError) as error:
        authenticate(Client(client_id="c", auth=KEY), FORM, supported=(), issuer=ISSUER, now=NOW)
    assert error.value.code == "private_key_missing"
    short = Client(client_id="c", auth=JWT, secret=Secret("x" * 31))
    with pytest.raises(OperatorError) as error:
        authenticate(short, FORM, supported=(), issuer=ISSUER, now=NOW)
    assert error.value.code == "client_secret_short"
