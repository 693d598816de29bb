import json
from dataclasses import replace

import pytest
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK


def test_claims_by_scope(walk):
    """Userinfo gives what the scopes allow, and sub always (OIDC Core 5.4)."""
    assert set(walk.userinfo(walk.tokens(scope="openid")["access_token"]).json) == {"sub"}
    found = walk.userinfo(walk.tokens(scope="openid email phone address groups")["access_token"]).json
    assert set(found) == {
        "sub", "email", "email_verified", "phone_number", "phone_number_verified", "address", "groups",
    }  # fmt: skip
    profile = walk.userinfo(walk.tokens(scope="openid profile")["access_token"]).json
    assert (profile["name"], profile["name#en"]) == ("สมหญิง ใจดี", "Somying Jaidee")


def test_post_with_the_token_in_header_or_body(walk):
    """POST is allowed, with the token in the header or in the form (RFC 6750 2.2)."""
    token = walk.tokens()["access_token"]
    assert walk.http.post("/userinfo", headers={"Authorization": f"bearer {token}"}).status_code == 200
    assert walk.http.post("/userinfo", data={"access_token": token}).status_code == 200


def test_signed_userinfo(idp, helpers):
    """A client that registered for it gets a JWT with iss and aud, well signed (OIDC Core 5.3.2)."""
    for alg in ("RS256", "ES256", "HS256"):
        walk = helpers.Walk(idp, idp.register(replace(helpers.DEMO, userinfo_signed_response_alg=alg)))
        response = walk.userinfo(walk.tokens()["access_token"])
        assert response.mimetype == "application/jwt"
        claims = helpers.claims_of(response.text)
        assert (claims["iss"], claims["aud"], claims["sub"]) == (idp.issuer, "demo", "5c1f0b7e-somying")
        assert helpers.header_of(response.text)["alg"] == alg
        assert idp.keys.verify(response.text, secrets=[helpers.SECRET]) is not None


def test_no_token(walk):
    """Without a token: 401 and a challenge that names no error (RFC 6750 3.1)."""
    response = walk.http.get("/userinfo")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="practice provider"'


@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        ({"headers": {"Authorization": "Bearer nonsense"}}, 401, "invalid_token"),
        ({"headers": {"Authorization": "Bearer "}}, 400, "invalid_request"),
        ({"headers": {"Authorization": "Basic abc"}}, 400, "invalid_request"),
        ({"query_string": {"access_token": "x"}}, 400, "invalid_request"),
        ({"method": "POST", "data": {"access_token": "x"}, "headers": {"Authorization": "Bearer x"}}, 400,
         "invalid_request"),
    ],
)  # fmt: skip
def test_refusals(walk, options, status, error):
    """Each wrong way to present a token gets its RFC 6750 error and challenge."""
    response = walk.http.open("/userinfo", **options)
    assert (response.status_code, response.json["error"]) == (status, error)
    assert f'error="{error}"' in response.headers["WWW-Authenticate"]


def test_refresh_token_is_no_access_token(walk):
    """A refresh token opens nothing."""
    assert walk.userinfo(walk.tokens()["refresh_token"]).status_code == 401


def test_expired_token(walk, clock):
    """An access token works until its hour is over."""
    token = walk.tokens()["access_token"]
    clock.time += 3599
    assert walk.userinfo(token).status_code == 200
    clock.time += 1
    assert walk.userinfo(token).status_code == 401


def test_clients_own_token(walk):
    """A client_credentials token has no person: insufficient_scope."""
    token = walk.token(grant_type="client_credentials").json["access_token"]
    response = walk.userinfo(token)
    assert (response.status_code, response.json["error"]) == (403, "insufficient_scope")


def test_encrypted(walk, helpers):
    """Userinfo comes encrypted as registered: around a signed token, or around bare claims (OIDC Core 5.3.2)."""
    key = JWK.generate(kty="RSA", size=2048)
    jwks = {"keys": [key.export_public(as_dict=True)]}
    encrypted = replace(helpers.DEMO, jwks=jwks, userinfo_encrypted_response_alg="RSA-OAEP-256")
    for alg in (None, "RS256"):
        walk.idp.register(replace(encrypted, userinfo_signed_response_alg=alg))
        response = walk.userinfo(walk.tokens()["access_token"])
        assert response.content_type == "application/jwt"
        sealed = JWE()
        sealed.deserialize(response.text, key)
        inside = sealed.payload.decode()
        claims = json.loads(inside) if alg is None else helpers.claims_of(inside)
        assert claims["name"] == "สมหญิง ใจดี"
