"""Authlib, which vendors' samples are made with, signs in at the practice AuthMachine, Auth0 and PingOne."""

import warnings
from dataclasses import replace

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from tests.journeys.visitor import Visitor

from signon_idp import start
from signon_idp.demo import demo_client

VENDORS = {
    "authmachine": ("mara.k", "6f0c2f1e-1d1b-4a53-9a31-0d6b6a3c9b10", {}),
    "auth0": ("mia", "auth0|66b1f0c2a7", {}),
    "auth0 for an API": ("mia", "auth0|66b1f0c2a7", {"audience": "https://api.example/"}),
    "auth0 for an organization": ("kit", "waad|Zx-9_kit|0001", {"organization": "acme"}),
    "pingone": ("mia", "7d0f0a6e-4d2f-4f5e-8a37-62f1d3f60a11", {"acr_values": "Multi_Factor"}),
}
VERIFIER = "v" * 64


@pytest.fixture(params=VENDORS)
def vendor(request):
    """(a running provider, persona, subject, more parameters)."""
    persona, sub, more = VENDORS[request.param]
    name = request.param.partition(" ")[0]
    with start(dialect=name, clients=(demo_client(name),)) as idp:
        yield idp, persona, sub, more


def test_signs_in(vendor):
    """It discovers, signs in with PKCE, verifies the ID token, and reads userinfo; its refresh token renews."""
    idp, persona, sub, more = vendor
    (client,) = idp.clients.values()
    metadata = requests.get(f"{idp.base}/.well-known/openid-configuration", timeout=5).json()
    with OAuth2Session(
        client.client_id,
        client.client_secret,
        token_endpoint_auth_method=client.token_endpoint_auth_method,
        scope="openid profile email offline_access",
        redirect_uri=client.redirect_uris[0],
        code_challenge_method="S256",
    ) as session:
        address, state = session.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=VERIFIER, nonce="nonce-1", **more
        )
        token = session.fetch_token(
            metadata["token_endpoint"],
            authorization_response=_sign_in(idp, address, persona),
            state=state,
            code_verifier=VERIFIER,
        )
        assert _verified(token, metadata, client)["sub"] == sub
        assert session.get(metadata["userinfo_endpoint"]).json()["sub"] == sub
        renewed = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
        assert renewed["refresh_token"] != token["refresh_token"]


@pytest.mark.parametrize("alg", ["HS256", "PS256"])
def test_auth0_with_another_signature(alg):
    """It verifies the other signatures of an Auth0 application."""
    persona, sub, _ = VENDORS["auth0"]
    client = replace(demo_client("auth0"), id_token_signed_response_alg=alg)
    with start(dialect="auth0", clients=(client,)) as idp:
        metadata = requests.get(f"{idp.base}/.well-known/openid-configuration", timeout=5).json()
        with OAuth2Session(
            client.client_id,
            client.client_secret,
            token_endpoint_auth_method="client_secret_post",
            redirect_uri=client.redirect_uris[0],
            scope="openid",
        ) as session:
            address, state = session.create_authorization_url(metadata["authorization_endpoint"], nonce="nonce-1")
            token = session.fetch_token(
                metadata["token_endpoint"], authorization_response=_sign_in(idp, address, persona), state=state
            )
        assert _verified(token, metadata, client)["sub"] == sub


def _sign_in(idp, address: str, persona: str) -> str:
    visitor = Visitor((idp.origin, idp.app))
    stopped = visitor.submit(visitor.get(address), persona=persona, stop_at="/auth/callback/")
    return stopped.headers["Location"]


def _verified(token, metadata, client):
    with warnings.catch_warnings():
        # Authlib announces that its JOSE part will move; it is an engine of its own all the same.
        warnings.simplefilter("ignore")
        from authlib.jose import JsonWebKey, JsonWebToken
        from authlib.oidc.core import CodeIDToken
    alg = client.id_token_signed_response_alg
    published = requests.get(metadata["jwks_uri"], timeout=5).json()
    key = client.client_secret if alg == "HS256" else JsonWebKey.import_key_set(published)
    claims = JsonWebToken([alg]).decode(
        token["id_token"],
        key,
        claims_cls=CodeIDToken,
        claims_options={"iss": {"value": metadata["issuer"]}, "aud": {"value": client.client_id}},
        claims_params={"nonce": "nonce-1", "client_id": client.client_id, "access_token": token["access_token"]},
    )
    claims.validate()
    return claims
