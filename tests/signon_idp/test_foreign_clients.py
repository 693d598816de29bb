"""Relying parties that we did not write sign in at the provider, over loopback."""

import warnings
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from requests_oauth2client import OAuth2Client

from signon_idp import start
from signon_idp.dialects.oidc import OIDC


@pytest.fixture
def served(helpers):
    with start(clients=(helpers.DEMO,), path="/tenant/a") as idp:
        yield idp


@pytest.fixture
def served_plainly(helpers):
    """The same without decoys, for a client that gives up on a key type it doesn't know."""
    with start(dialect=replace(OIDC, decoys=False), clients=(helpers.DEMO,), path="/tenant/a") as idp:
        yield idp


def sign_in_over_http(address: str, helpers, persona: str = "somying") -> str:
    """Walk through the sign-in page with a plain HTTP client; gives the callback's address."""
    with requests.Session() as browser:
        page = browser.get(address, timeout=5)
        action, hidden = helpers.forms_of(page.text)[1]
        response = browser.post(action, data={**hidden, "persona": persona}, timeout=5, allow_redirects=False)
    assert response.status_code == 303
    return response.headers["Location"]


def without_unknown_keys(keys: list[dict[str, str]]) -> list[dict[str, str]]:
    """Authlib refuses a whole set for one key type that it doesn't know, where RFC 7517 5 says to skip it."""
    return [key for key in keys if key["kty"] in {"RSA", "EC", "OKP"}]


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_authlib(served, helpers, alg):
    """Authlib signs in with PKCE, verifies the ID token, reads userinfo, refreshes, introspects and revokes."""
    served.register(replace(helpers.DEMO, id_token_signed_response_alg=alg))
    metadata = requests.get(f"{served.issuer}/.well-known/openid-configuration", timeout=5).json()
    with OAuth2Session(
        "demo",
        helpers.SECRET,
        scope="openid profile offline_access",
        redirect_uri=helpers.CALLBACK,
        code_challenge_method="S256",
    ) as client:
        address, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=helpers.VERIFIER, nonce="nonce-9"
        )
        callback = sign_in_over_http(address, helpers)
        token = client.fetch_token(
            metadata["token_endpoint"],
            authorization_response=callback,
            state=state,
            code_verifier=helpers.VERIFIER,
        )
        _verify(token, metadata, alg=alg)
        assert client.get(metadata["userinfo_endpoint"]).json()["name#en"] == "Somying Jaidee"
        refreshed = client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
        assert refreshed["refresh_token"] != token["refresh_token"]
        about = client.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"])
        assert about.json()["active"] is True
        client.revoke_token(metadata["revocation_endpoint"], token=refreshed["refresh_token"])
        about = client.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"])
        assert about.json() == {"active": False}


def _verify(token, metadata, *, alg) -> None:
    with warnings.catch_warnings():
        # Authlib announces that its JOSE part will move; it is an engine of its own all the same.
        warnings.simplefilter("ignore")
        from authlib.jose import JsonWebKey, JsonWebToken
        from authlib.oidc.core import CodeIDToken
    keys = requests.get(metadata["jwks_uri"], timeout=5).json()["keys"]
    claims = JsonWebToken([alg]).decode(
        token["id_token"],
        JsonWebKey.import_key_set({"keys": without_unknown_keys(keys)}),
        claims_cls=CodeIDToken,
        claims_options={"iss": {"value": metadata["issuer"]}, "aud": {"value": "demo"}},
        claims_params={"nonce": "nonce-9", "client_id": "demo", "access_token": token["access_token"]},
    )
    claims.validate()
    assert claims["name"] == "สมหญิง ใจดี"


def test_requests_oauth2client(served_plainly, helpers):
    """requests_oauth2client, which posts its secret, signs in with PKCE and RFC 9207 and goes through the rest."""
    served_plainly.register(replace(helpers.DEMO, token_endpoint_auth_method="client_secret_post"))
    client = OAuth2Client.from_discovery_endpoint(
        issuer=served_plainly.issuer,
        client_id="demo",
        client_secret=helpers.SECRET,
        redirect_uri=helpers.CALLBACK,
        testing=True,
    )
    wanted = client.authorization_request(scope="openid email offline_access", max_age=600)
    answer = wanted.validate_callback(sign_in_over_http(wanted.uri, helpers, "omar"))
    token = client.authorization_code(answer, validate=True)
    assert token.id_token.claims["email"] == "omar@people.example"
    assert client.userinfo(token)["email_verified"] is False
    refreshed = client.refresh_token(token)
    assert client.introspect_token(refreshed.access_token)["active"] is True
    assert client.revoke_refresh_token(refreshed.refresh_token) is True
    assert client.introspect_token(refreshed.access_token) == {"active": False}


def test_sign_out_over_http(served, helpers):
    """RP-initiated logout leads back to the application."""
    walk = helpers.Walk(served)
    token = walk.tokens()["id_token"]
    response = requests.get(
        f"{served.issuer}/end-session",
        params={"id_token_hint": token, "post_logout_redirect_uri": helpers.AFTER_LOGOUT, "state": "s"},
        timeout=5,
        allow_redirects=False,
    )
    assert urlsplit(response.headers["Location"]).query == "state=s"
