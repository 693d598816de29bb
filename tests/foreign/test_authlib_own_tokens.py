"""The application's own tokens, judged by Authlib's verifier of RFC 9068 with the keys that we publish."""

import pytest
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet
from jwcrypto import jwk

from signon.flask.testing import sign_in

HERE = "http://localhost:5000"
KEYS = {"ES256": jwk.JWK.generate(kty="EC", crv="P-256"), "RS256": jwk.JWK.generate(kty="RSA", size=2048)}
PROVIDER = {"OIDC_ISSUER": "https://op.example", "OIDC_CLIENT_ID": "client-1"}


class Api(JWTBearerTokenValidator):
    """An API of somebody else's, which was given the address of our keys."""

    def __init__(self, published, resource):
        super().__init__(issuer=HERE, resource_server=resource)
        self.published = published

    def get_jwks(self):
        return KeySet.import_key_set(self.published)


@pytest.mark.parametrize("alg", KEYS)
def test_own_token(load_minimal, plant, alg):
    """A token of ours is one of RFC 9068 to whoever knows nothing of us, for its audience and scope alone."""
    settings = {"SIGNON_TOKEN_KEY": KEYS[alg].export(), "SIGNON_TOKEN_SCOPE": "read", "SIGNON_BASE_URL": HERE}
    client = load_minimal(SIGNON_PROVIDERS="oidc", **PROVIDER, **settings).test_client()
    sign_in(client, {"sub": "somying", "acr": "mfa"})
    answer = client.post("/auth/token", base_url=HERE, headers={"X-CSRF": "1", "Origin": HERE}).json
    plant(answer["access_token"])
    published = client.get("/auth/jwks.json", base_url=HERE).json
    api = Api(published, HERE)
    token = api.authenticate_token(answer["access_token"])
    api.validate_token(token, ["read"], None)
    assert (token.header["alg"], token["sub"], token["acr"]) == (alg, "https://op.example|somying", "mfa")
    others = Api(published, "https://api.example")
    with pytest.raises(InvalidTokenError):
        others.validate_token(others.authenticate_token(answer["access_token"]), [], None)
