import json
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from signon_idp import Idp
from signon_idp.dialect import BackchannelRules
from signon_idp.faults import HEALTHY
from signon_idp.logout_token import logout_token_claims, write_logout_tokens

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def write(idp: Idp, client, **about) -> str:
    scene, rules = idp.scene(client), BackchannelRules()
    (token,) = write_logout_tokens(logout_token_claims(scene, rules, **about), scene, HEALTHY, rules=rules)
    return token


def test_claims(idp, clock, helpers):
    """The token names issuer, client, times, itself, the event, and who it is about (2.4); it lives 120 s."""
    claims = logout_token_claims(idp.scene(helpers.DEMO), BackchannelRules(), sub="somebody", sid="s-1")
    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "iss": idp.issuer,
        "aud": "demo",
        "iat": 1_800_000_000,
        "exp": 1_800_000_120,
        "events": {EVENT: {}},
        "sub": "somebody",
        "sid": "s-1",
    }


@pytest.mark.parametrize(("sub", "sid"), [("somebody", None), (None, "s-1"), (None, None)])
def test_about_whom(idp, helpers, sub, sid):
    """What isn't given of sub and sid isn't there."""
    claims = logout_token_claims(idp.scene(helpers.DEMO), BackchannelRules(), sub=sub, sid=sid)
    assert (claims.get("sub"), claims.get("sid"), {"sub", "sid"} - claims.keys()) == (
        sub,
        sid,
        {name for name, value in (("sub", sub), ("sid", sid)) if value is None},
    )


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
def test_foreign_verifier(idp, helpers, alg):
    """Another library verifies the token by the published keys and the client's ID token algorithm (2.6)."""
    client = idp.register(replace(helpers.DEMO, id_token_signed_response_alg=alg))
    published = idp.app.test_client().get("/jwks.json").json["keys"]
    keys = [key for key in published if key["kid"] == idp.keys.signing_key(alg)["kid"]] if alg != "HS256" else []
    known = KeySet.import_key_set({"keys": keys[:1]}) if keys else OctKey.import_key(helpers.SECRET)
    token = jwt.decode(write(idp, client, sub="somebody", sid="s-1"), known, algorithms=[alg])
    assert (token.header["typ"], token.header["alg"]) == ("logout+jwt", alg)
    assert token.claims["events"] == {EVENT: {}}


def test_encrypted_where_id_tokens_are(idp, helpers):
    """A client that gets its ID tokens encrypted gets its logout tokens so, too (2.4)."""
    key = JWK.generate(kty="EC", crv="P-256")
    jwks = {"keys": [key.export_public(as_dict=True)]}
    client = idp.register(replace(helpers.DEMO, jwks=jwks, id_token_encrypted_response_alg="ECDH-ES"))
    sealed = JWE()
    sealed.deserialize(write(idp, client, sub="somebody", sid=None), key)
    assert json.loads(idp.keys.verify(sealed.payload.decode()))["sub"] == "somebody"


def test_vendors_spelling(idp, helpers):
    """A vendor's rules set the typ and may add claims."""
    rules = BackchannelRules(typ="JWT", claims=lambda claims, _scene: {**claims, "trace_id": "1"})
    scene = idp.scene(helpers.DEMO)
    claims = logout_token_claims(scene, rules, sub="somebody", sid=None)
    (token,) = write_logout_tokens(claims, scene, HEALTHY, rules=rules)
    assert (helpers.header_of(token)["typ"], helpers.claims_of(token)["trace_id"]) == ("JWT", "1")


def test_nobody_to_send_to(idp):
    """Without a client there is no logout token: that is a mistake of the provider's own."""
    with pytest.raises(AssertionError, match="needs a client"):
        logout_token_claims(idp.scene(), BackchannelRules(), sub="a", sid=None)
