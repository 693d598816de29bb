import json

import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from signon_idp.errors import OAuthError
from signon_idp.keys import secret_key
from signon_idp.model import Client
from signon_idp.rules.assertion import Judge, check_assertion, claimed_client

ISSUER = "http://127.0.0.1:9000"
NOW = 1_800_000_000.0
SECRET = "s" * 32
EC = JWK.generate(kty="EC", crv="P-256", kid="ec", use="sig")
RSA = JWK.generate(kty="RSA", size=2048, kid="rsa")
ENC = JWK.generate(kty="EC", crv="P-256", kid="enc")
JWKS = {
    "keys": [
        *(key.export_public(as_dict=True) for key in (EC, RSA)),
        {**ENC.export_public(as_dict=True), "use": "enc"},
    ]
}
BY_KEY = Client(client_id="c", token_endpoint_auth_method="private_key_jwt", jwks=JWKS)
BY_SECRET = Client(client_id="c", client_secret=SECRET, token_endpoint_auth_method="client_secret_jwt")
CLAIMS = {"iss": "c", "sub": "c", "aud": ISSUER, "jti": "one", "exp": NOW + 60}


def assertion(key: JWK = EC, *, header: dict[str, object] | None = None, payload: bytes | None = None, **claims):
    """A good assertion but for the changes; a claim that is None is left out."""
    members = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    token = JWS(payload if payload is not None else json.dumps(members).encode())
    usual = {"alg": "ES256", "kid": key.get("kid"), "typ": "client-authentication+jwt"}
    shown = {name: value for name, value in {**usual, **(header or {})}.items() if value is not None}
    token.add_signature(key, alg=None, protected=json.dumps(shown))
    return token.serialize(compact=True)


def judge(seen: set[str] | None = None) -> Judge:
    seen = set() if seen is None else seen

    def first_use(jti: str, until: float) -> bool:
        assert until > NOW
        return jti not in seen and not seen.add(jti)

    return Judge(issuer=ISSUER, now=NOW, first_use=first_use)


GOOD = {
    "EC": (BY_KEY, assertion()),
    "RSA": (BY_KEY, assertion(RSA, header={"alg": "RS256"})),
    "PS256": (BY_KEY, assertion(RSA, header={"alg": "PS256"})),
    "no kid": (BY_KEY, assertion(header={"kid": None})),
    "typ JWT": (BY_KEY, assertion(header={"typ": "JWT"})),
    "no typ": (BY_KEY, assertion(header={"typ": None})),
    "iat and nbf": (BY_KEY, assertion(iat=NOW + 9, nbf=NOW)),
    "the longest life": (BY_KEY, assertion(exp=NOW + 300)),
    "a secret": (BY_SECRET, assertion(secret_key(SECRET), header={"alg": "HS256", "kid": None})),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_assertions(name):
    """Every registered way of signing proves the client, typ or not."""
    client, text = GOOD[name]
    assert claimed_client(text) == "c"
    assert check_assertion(text, client, judge()) is None


BAD = {
    "no JWS": (BY_KEY, "abc", "no compact JWS"),
    "another's key": (BY_KEY, assertion(JWK.generate(kty="EC", crv="P-256", kid="ec")), "not signed by this"),
    "a key for encryption": (BY_KEY, assertion(ENC), "not signed by this"),
    "an unknown kid": (BY_KEY, assertion(header={"kid": "other"}), "not signed by this"),
    "a key of another kind": (BY_KEY, assertion(header={"kid": "rsa"}), "not signed by this"),
    "a secret where a key is registered": (
        BY_KEY,
        assertion(secret_key(SECRET), header={"alg": "HS256", "kid": None}),
        "must be signed with",
    ),
    "another secret": (
        BY_SECRET,
        assertion(secret_key("t" * 32), header={"alg": "HS256", "kid": None}),
        "not signed by this",
    ),
    "a logout token": (BY_KEY, assertion(header={"typ": "logout+jwt"}), "typ is another"),
    "a typ that is a number": (BY_KEY, assertion(header={"typ": 7}), "typ is another"),
    "iss": (BY_KEY, assertion(iss="d"), "iss and sub"),
    "sub": (BY_KEY, assertion(sub="d"), "iss and sub"),
    "the token endpoint as audience": (BY_KEY, assertion(aud=f"{ISSUER}/token"), "aud must be the issuer"),
    "a slash more": (BY_KEY, assertion(aud=f"{ISSUER}/"), "aud must be the issuer"),
    "a list as audience": (BY_KEY, assertion(aud=[ISSUER]), "aud must be the issuer"),
    "no audience": (BY_KEY, assertion(aud=None), "aud must be the issuer"),
    "no exp": (BY_KEY, assertion(exp=None), "exp is missing"),
    "exp a text": (BY_KEY, assertion(exp="later"), "exp is missing"),
    "exp true": (BY_KEY, assertion(exp=True), "exp is missing"),
    "expired": (BY_KEY, assertion(exp=NOW - 10), "exp is missing or past"),
    "too long": (BY_KEY, assertion(exp=NOW + 311), "more than five minutes"),
    "iat ahead": (BY_KEY, assertion(iat=NOW + 11), "iat is in the future"),
    "nbf ahead": (BY_KEY, assertion(nbf=NOW + 11), "nbf is in the future"),
    "nbf a text": (BY_KEY, assertion(nbf="x"), "nbf is in the future"),
    "no jti": (BY_KEY, assertion(jti=None), "jti is missing"),
    "jti a number": (BY_KEY, assertion(jti=7), "jti is missing"),
    "not JSON": (BY_KEY, assertion(payload=b"x"), "no JSON object"),
    "a list": (BY_KEY, assertion(payload=b"[]"), "no JSON object"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_assertions(name):
    """Each broken sentence of RFC 7523 3 is invalid_client, 401, and says which."""
    client, text, says = BAD[name]
    with pytest.raises(OAuthError, match=says) as caught:
        check_assertion(text, client, judge())
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)


def test_registered_algorithm_alone():
    """Where one algorithm is registered no other signs, good as the key may be."""
    client = Client(
        client_id="c",
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="PS256",
        jwks=JWKS,
    )
    assert check_assertion(assertion(RSA, header={"alg": "PS256"}), client, judge()) is None
    with pytest.raises(OAuthError, match="must be signed with PS256"):
        check_assertion(assertion(RSA, header={"alg": "RS256"}), client, judge())


def test_single_use():
    """The same jti is refused a second time, and only of the same client."""
    seen: set[str] = set()
    check_assertion(assertion(), BY_KEY, judge(seen))
    with pytest.raises(OAuthError, match="used before"):
        check_assertion(assertion(exp=NOW + 61), BY_KEY, judge(seen))
    assert seen == {"c one"}


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.!.c", "a.W10.c", "a.bnVsbA.c", "a.eyJzdWIiOjd9.c"])
def test_unreadable_claims_name_nobody(text):
    """What can't be read names no client, and raises nothing."""
    assert claimed_client(text) == ""
