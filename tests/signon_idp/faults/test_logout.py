import json
from dataclasses import replace

import pytest
from jwcrypto.common import base64url_encode
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS, InvalidJWSSignature

from signon_idp.faults import LOGOUT_FAULTS
from signon_idp.keys import foreign_key
from signon_idp.sign_off import logout_tokens

EVENT = "http://schemas.openid.net/event/backchannel-logout"
NOW = 1_800_000_000
CLAIMS = {
    "logout_no_iss": ("iss", None),
    "logout_wrong_iss": ("iss", "https://issuer.example.net"),
    "logout_no_aud": ("aud", None),
    "logout_wrong_aud": ("aud", "another-client"),
    "logout_no_iat": ("iat", None),
    "logout_future_iat": ("iat", NOW + 3600),
    "logout_no_exp": ("exp", None),
    "logout_expired": ("exp", NOW - 3600),
    "logout_no_jti": ("jti", None),
    "logout_jti_number": ("jti", 12345),
    "logout_nonce": ("nonce", "a-nonce-of-some-sign-in"),
    "logout_no_events": ("events", None),
    "logout_events_array": ("events", [EVENT]),
    "logout_other_event": ("events", {"urn:example:event": {}}),
    "logout_event_text": ("events", {EVENT: "ended"}),
    "logout_sub_number": ("sub", 12345),
    "logout_sid_number": ("sid", 12345),
}


@pytest.fixture
def posts(idp, helpers):
    """The tokens that would be sent to the client under a fault."""

    def posts(name: str) -> tuple[str, ...]:
        with idp.fault(name):
            return logout_tokens(idp, idp.clients["demo"], sub="somebody", sid="s-1")

    return posts


def outline(claims: dict[str, object]) -> dict[str, object]:
    """The claims, but of a usual jti only that it is there."""
    jti = claims.get("jti")
    return {**claims, **({"jti": "random"} if isinstance(jti, str) else {})}


HEALTHY = {
    "iss": "http://127.0.0.1:9000",
    "aud": "demo",
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "random",
    "events": {EVENT: {}},
    "sub": "somebody",
    "sid": "s-1",
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims(idp, posts, helpers, name):
    """The fault changes its one claim in a token that is well signed."""
    (token,) = posts(name)
    member, value = CLAIMS[name]
    expected = (
        {**HEALTHY, member: value} if value is not None else {k: v for k, v in HEALTHY.items() if k != member}
    )
    assert outline(helpers.claims_of(token)) == expected
    assert helpers.header_of(token)["typ"] == "logout+jwt"
    assert idp.keys.verify(token) is not None


def test_about_nobody(idp, posts, helpers):
    """The token about nobody has neither sub nor sid, and is well signed."""
    (token,) = posts("logout_no_sub_no_sid")
    assert HEALTHY.keys() - helpers.claims_of(token).keys() == {"sub", "sid"}
    assert idp.keys.verify(token) is not None


def test_wrong_typ(idp, posts, helpers):
    """The header's typ alone is wrong."""
    (token,) = posts("logout_wrong_typ")
    assert helpers.header_of(token)["typ"] == "at+jwt"
    assert outline(json.loads(idp.keys.verify(token))) == HEALTHY


def test_id_token(idp, posts, helpers):
    """What is sent in its place is well signed and looks like an ID token: a nonce, auth_time, no event."""
    (token,) = posts("logout_id_token")
    claims = json.loads(idp.keys.verify(token))
    assert helpers.header_of(token)["typ"] == "JWT"
    assert claims.keys() - HEALTHY.keys() == {"nonce", "auth_time"}
    assert HEALTHY.keys() - claims.keys() == {"events"}


def test_unsigned(posts, helpers):
    """The header says none, and the signature is empty."""
    (token,) = posts("logout_alg_none")
    assert (helpers.header_of(token)["alg"], token[-1]) == ("none", ".")


def test_public_key_as_secret(idp, posts, helpers):
    """The HS256 forgery verifies with the RS256 key's public PEM as its secret."""
    (token,) = posts("logout_hs256_public_key")
    signed = JWS()
    signed.allowed_algs = ["HS256"]
    signed.deserialize(token, JWK(kty="oct", k=base64url_encode(idp.keys.signing_key("RS256").export_to_pem())))
    assert helpers.header_of(token)["alg"] == "HS256"


@pytest.mark.parametrize(("registered", "used"), [("RS256", "PS256"), ("PS256", "RS256"), ("HS256", "PS256")])
def test_other_algorithm(idp, posts, helpers, registered, used):
    """The other algorithm's token is well signed by a published key, and only the registration is against it."""
    idp.register(replace(helpers.DEMO, id_token_signed_response_alg=registered))
    (token,) = posts("logout_other_alg")
    assert helpers.header_of(token)["alg"] == used
    assert idp.keys.verify(token) is not None


def test_unknown_key(idp, posts, helpers):
    """The unknown key signed the token; nothing that is published did, and nothing names it but its kid."""
    (token,) = posts("logout_unknown_key")
    assert helpers.header_of(token).keys() == {"alg", "typ", "kid"}
    assert idp.keys.verify(token) is None
    signed = JWS()
    signed.deserialize(token, foreign_key("RS256"))


def test_altered(idp, posts, helpers):
    """The payload names somebody else, under the signature of the one before."""
    (token,) = posts("logout_altered")
    assert helpers.claims_of(token)["sub"] == "somebody-else"
    assert idp.keys.verify(token) is None
    signed = JWS()
    signed.deserialize(token)
    with pytest.raises(InvalidJWSSignature):
        signed.verify(idp.keys.signing_key("RS256"))


def test_replayed(idp, posts, helpers):
    """The same good token comes twice."""
    first, second = posts("logout_replayed")
    assert first == second
    assert outline(json.loads(idp.keys.verify(first))) == HEALTHY


def test_all_are_looked_at():
    """Each fault of logout tokens has a test here."""
    others = {"no_sub_no_sid", "wrong_typ", "id_token", "alg_none", "hs256_public_key", "other_alg"}
    others |= {"unknown_key", "altered", "replayed"}
    assert LOGOUT_FAULTS.keys() == {*CLAIMS, *(f"logout_{name}" for name in others)}
