import pytest

from signon_idp.model import Client


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "client_secret goes with"),
        ({"client_secret": "s", "token_endpoint_auth_method": "none"}, "client_secret goes with"),
        ({"client_secret": "s", "token_endpoint_auth_method": "tls_client_auth"}, "no client authentication"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "needs the client's public keys"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "client_secret goes with"),
        ({"client_secret": "s" * 31, "token_endpoint_auth_method": "client_secret_jwt"}, "32 bytes"),
        ({"client_secret": "s", "token_endpoint_auth_signing_alg": "RS256"}, "does not sign the assertions"),
        ({"client_secret": "s", "id_token_encrypted_response_alg": "RSA-OAEP"}, "and jwks"),
        ({"client_secret": "s", "userinfo_encrypted_response_alg": "RSA1_5", "jwks": {"keys": [{}]}}, "one of"),
        ({"client_secret": "s", "userinfo_encrypted_response_enc": "A192GCM"}, "'A192GCM' is not among"),
        ({"client_secret": "s", "id_token_signed_response_alg": "none"}, "'none' is not among"),
        ({"client_secret": "s" * 31, "id_token_signed_response_alg": "HS256"}, "32 bytes"),
        ({"client_secret": "s", "userinfo_signed_response_alg": "HS256"}, "32 bytes"),
        ({"client_secret": "s", "response_types": ("code", "id_token")}, "the grant type implicit"),
        ({"client_secret": "s", "redirect_uris": ("/cb",)}, "no absolute address"),
        ({"client_secret": "s", "redirect_uris": ("http://a/cb#x",)}, "no absolute address"),
        ({"client_secret": "s", "redirect_uris": ("javascript:alert(1)",)}, "no absolute address"),
        ({"client_secret": "s", "post_logout_redirect_uris": ("http://a/#",)}, "no absolute address"),
        *(
            ({"client_secret": "s", f"{channel}_logout_uri": uri}, "no https or loopback address")
            for channel in ("backchannel", "frontchannel")
            for uri in (
                "http://app.example/out",
                "http://127.0.0.1.example/out",
                "http://localhost@app.example/out",
                "https://app.example/out#x",
                "/out",
                "https:///out",
                "ftp://localhost/out",
            )
        ),
        *(
            (
                {
                    "client_secret": "s",
                    "redirect_uris": (uri,),
                    "frontchannel_logout_uri": "https://a.example/out",
                },
                "origin",
            )
            for uri in ("https://b.example/cb", "http://a.example/cb", "https://a.example:444/cb")
        ),
    ],
)
def test_contradictory_registrations(fields, says):
    """A registration that could never work raises ValueError and says why."""
    with pytest.raises(ValueError, match=says):
        Client(client_id="demo", **fields)


def test_good_registrations():
    """Confidential, public and native clients can be registered."""
    Client(client_id="a", client_secret="s" * 32, id_token_signed_response_alg="HS256")
    for uri in ("https://app.example/out?a=b", "http://127.8.0.1:80/", "http://[::1]:1/", "http://app.localhost/"):
        Client(client_id="a", client_secret="s", backchannel_logout_uri=uri)
    own = "https://app.example:8443/"
    Client(client_id="a", client_secret="s", redirect_uris=(f"{own}cb",), frontchannel_logout_uri=f"{own}out")
    Client(client_id="b", token_endpoint_auth_method="none", redirect_uris=("com.example.app:/cb",))


def test_secret_is_not_printed():
    """The secret isn't in the repr."""
    assert "hush" not in repr(Client(client_id="a", client_secret="hush"))
