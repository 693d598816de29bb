from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from signon_idp import Idp
from signon_idp.dialect import Paths
from signon_idp.dialects import DIALECTS
from signon_idp.dialects.oidc import OIDC


def test_document_is_under_the_issuer(clock, helpers):
    """Every endpoint is below an issuer with a path, whatever Host the request names."""
    idp = Idp(dialect=OIDC, origin="http://127.0.0.1:9000", path="/tenant/a", clients=(helpers.DEMO,), now=clock)
    walk = helpers.Walk(idp)
    path = "/tenant/a/.well-known/openid-configuration"
    document = walk.http.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}).json
    assert document["issuer"] == "http://127.0.0.1:9000/tenant/a"
    addresses = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) == 8
    assert all(address.startswith(document["issuer"] + "/") for address in addresses)
    assert "id_token" in walk.tokens()


def test_document_promises_what_is_done(walk):
    """The document lists what this provider does, and no more."""
    response = walk.http.get(walk.path("discovery"))
    assert response.headers["Cache-Control"] == "public, max-age=300"
    document = response.json
    assert document["response_types_supported"] == ["code", "code id_token", "id_token", "id_token token"]
    assert document["response_modes_supported"] == ["query", "fragment", "form_post"]
    assert "implicit" in document["grant_types_supported"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["id_token_signing_alg_values_supported"] == ["RS256", "PS256", "ES256", "EdDSA", "HS256"]
    assert document["introspection_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
    ]
    assert {"HS256", "ES256"} <= set(document["token_endpoint_auth_signing_alg_values_supported"])
    for kind in ("id_token", "userinfo"):
        assert document[f"{kind}_encryption_alg_values_supported"] == ["RSA-OAEP-256", "RSA-OAEP", "ECDH-ES"]
        assert "A256GCM" in document[f"{kind}_encryption_enc_values_supported"]
    assert "groups" in document["claims_supported"]
    for channel in ("backchannel", "frontchannel"):
        assert document[f"{channel}_logout_supported"] is document[f"{channel}_logout_session_supported"] is True


@pytest.mark.parametrize("name", ["thaid", "authmachine", "pingone", "sgid"])
def test_vendors_without_logout_channels(name):
    """A vendor of which nobody has seen one advertises neither channel."""
    idp = Idp(dialect=DIALECTS[name], origin="http://127.0.0.1:9000")
    document = idp.app.test_client().get(urlsplit(f"{idp.base}/.well-known/openid-configuration").path).json
    assert not [member for member in document if "channel_logout" in member]


def test_missing_endpoints_are_not_advertised(clock):
    """A dialect without some endpoints neither advertises nor serves them, and may rewrite the document."""
    dialect = replace(
        OIDC,
        paths=Paths(userinfo=None, introspection=None, revocation=None, end_session=None, jwks="/jwks/"),
        discovery_document=lambda members, _scene: {**members, "subject_type_supported": ["public"]},
        decoys=False,
    )
    http = Idp(dialect=dialect, origin="http://127.0.0.1:9000", now=clock).app.test_client()
    document = http.get("/.well-known/openid-configuration").json
    assert not {
        name for name in document if name.startswith(("userinfo_endpoint", "introspection", "revocation", "end_"))
    }
    assert document["subject_type_supported"] == ["public"]
    assert http.get("/userinfo").status_code == 404
    assert len(http.get("/jwks/").json["keys"]) == 4


def test_keys(walk):
    """The key set holds the four signing keys and the decoys, public members only, and may be cached."""
    response = walk.http.get(walk.path("jwks"))
    assert response.headers["Cache-Control"] == "public, max-age=300"
    keys = response.json["keys"]
    assert len(keys) == 12
    assert not any({"d", "p", "q", "k"} & set(key) for key in keys)


def test_places_where_nobody_should_go(walk):
    """Following a fault's redirect or jku is counted."""
    assert walk.http.post("/moved").status_code == 404
    assert len(walk.http.get("/foreign-jwks.json").json["keys"]) == 4
    assert (walk.idp.calls["moved"], walk.idp.calls["foreign_jwks"]) == (1, 1)
