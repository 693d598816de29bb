from dataclasses import replace

from signon_idp.id_token import half_hash


def test_claims(walk, helpers, clock):
    """The ID token says who, for whom, when, how, in which session (OIDC Core 2)."""
    claims = helpers.claims_of(walk.tokens()["id_token"])
    now = int(clock.time)
    expected = {
        "iss": walk.idp.issuer,
        "sub": "5c1f0b7e-somying",
        "aud": "demo",
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "nonce": "nonce-1",
        "acr": "urn:practice:acr:password",
        "amr": ["pwd"],
        "email": "somying@people.example",
    }
    assert {name: claims[name] for name in expected} == expected
    assert claims["sid"]
    assert "azp" not in claims
    assert "address" not in claims


def test_no_nonce_where_none_came(walk, helpers):
    """A request without a nonce gives an ID token without one."""
    assert "nonce" not in helpers.claims_of(walk.tokens(nonce=None)["id_token"])


def test_claims_can_be_kept_out(walk, helpers):
    """A client may want the person's claims in userinfo alone."""
    walk.idp.register(replace(helpers.DEMO, claims_in_id_token=False))
    tokens = walk.tokens()
    assert "email" not in helpers.claims_of(tokens["id_token"])
    assert walk.userinfo(tokens["access_token"]).json["email"] == "somying@people.example"


def test_registered_algorithm(idp, helpers):
    """The ID token is signed as the client registered, its at_hash by the same hash."""
    for alg in ("RS256", "PS256", "ES256", "EdDSA", "HS256"):
        walk = helpers.Walk(idp, idp.register(replace(helpers.DEMO, id_token_signed_response_alg=alg)))
        tokens = walk.tokens()
        assert helpers.header_of(tokens["id_token"])["alg"] == alg
        assert idp.keys.verify(tokens["id_token"], secrets=[helpers.SECRET]) is not None
        assert helpers.claims_of(tokens["id_token"])["at_hash"] == half_hash(tokens["access_token"], alg)


def test_at_hash_examples():
    """at_hash is the left half of the token's hash: SHA-256, or SHA-512 for Ed25519."""
    # The access token of OIDC Core, appendix A.3.
    assert half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert len(half_hash("token", "EdDSA")) == 43
