from signon_idp.endpoints.hint import hinted_claims


def test_hint(walk, clock):
    """A token of ours gives its text claims, years later too; any other text gives nothing."""
    token = walk.tokens()["id_token"]
    clock.time += 10 * 365 * 86400
    claims = hinted_claims(walk.idp, token)
    assert (claims["sub"], claims["aud"]) == ("5c1f0b7e-somying", "demo")
    assert "exp" not in claims
    for text in ("", "x", token[:-4] + "AAAA"):
        assert hinted_claims(walk.idp, text) == {}
