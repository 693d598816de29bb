"""The clients that the certified provider knows, and how a person goes through its pages."""

import json

from jwcrypto.jwk import JWK
from tests.journeys.stage import ORIGIN
from tests.journeys.visitor import Markup, Visitor

PATH = "/tenant/a"
LONG_SECRET = "a-secret-of-the-tests-with-sixty-four-octets-and-not-one-of-them-less"
ODD_SECRET = "odd: %2B+&=\"'/?#;,|\\~ and a blank at its end "


def _client(client_id: str, name: str = "oidc", **more: object) -> dict[str, object]:
    usual = {
        "client_id": client_id,
        "client_secret": LONG_SECRET,
        "redirect_uris": [f"{ORIGIN}/auth/callback/{name}"],
        "post_logout_redirect_uris": [f"{ORIGIN}/auth/logout/callback/{name}"],
    }
    return {**usual, **more}


KEYS = {"rsa": JWK.generate(kty="RSA", size=2048), "ec": JWK.generate(kty="EC", crv="P-256")}
PRIVATE_KEYS = json.dumps({"keys": [key.export(as_dict=True) for key in KEYS.values()]})
_JWKS = {
    "keys": [{**key.export_public(as_dict=True), "kid": key.thumbprint()} for key in KEYS.values()],
}


def _by_key(client_id: str, alg: str) -> dict[str, object]:
    return _client(
        client_id, token_endpoint_auth_method="private_key_jwt", token_endpoint_auth_signing_alg=alg, jwks=_JWKS
    )


_PUBLIC = _client("public", token_endpoint_auth_method="none")
del _PUBLIC["client_secret"]

CLIENTS = {
    str(client["client_id"]): client
    for client in (
        _client("rs256"),
        _client("ps256", id_token_signed_response_alg="PS256"),
        _client("es256", id_token_signed_response_alg="ES256"),
        _client("eddsa", id_token_signed_response_alg="EdDSA"),
        _client("odd: %2B", client_secret=ODD_SECRET),
        _client("post", token_endpoint_auth_method="client_secret_post", client_secret=ODD_SECRET),
        _PUBLIC,
        _client("signed-userinfo", userinfo_signed_response_alg="ES256"),
        _client("signed-introspection", introspection_signed_response_alg="ES256"),
        _by_key("rsa-key", "RS256"),
        _by_key("ec-key", "ES256"),
        _client("secret-jwt", token_endpoint_auth_method="client_secret_jwt"),
        _client("pushing", require_pushed_authorization_requests=True),
        _client("encrypted", jwks=_JWKS, id_token_encrypted_response_alg="ECDH-ES"),
        _client(
            "encrypted-userinfo",
            jwks=_JWKS,
            userinfo_signed_response_alg="RS256",
            userinfo_encrypted_response_alg="RSA-OAEP-256",
        ),
        _client("service", grant_types=["client_credentials"], redirect_uris=[], response_types=[]),
        _client("staff-client", "staff"),
        _client("partners-client", "partners", id_token_signed_response_alg="PS256"),
    )
}


def settings_for(known_issuer: str, client_id: str, name: str = "oidc", **keywords: str) -> dict[str, str]:
    """What an operator sets for one of the clients."""
    secret = str(CLIENTS[client_id].get("client_secret", ""))
    values = {"issuer": known_issuer, "client_id": client_id, "client_secret": secret, **keywords}
    return {f"{name}_{keyword}".upper(): value for keyword, value in values.items() if value}


def sign_in(visitor: Visitor, url: str, *, login: str = "somying"):
    """Go through the provider's pages: the sign-in page, the consent page, and its form that brings the answer."""
    page = visitor.get(url)
    for _ in range(4):
        (form,) = Markup(page.text).forms or [None]
        if form is None or page.status_code >= 400:
            return page
        page = visitor.submit(page, **({"login": login, "password": "any"} if "login" in form.names else {}))
    return page


def abort(visitor: Visitor, page):
    """Press the link that leaves the provider's page."""
    (link,) = [link for link in Markup(page.text).links if link.endswith("/abort")]
    return visitor.get(link)
