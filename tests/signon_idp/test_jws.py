from jwcrypto.jwk import JWK

from signon_idp.jws import draft, write


def test_rfc_8037_vector():
    """The Ed25519 example of RFC 8037, appendix A.4, comes out letter by letter."""
    key = JWK(
        kty="OKP",
        crv="Ed25519",
        d="nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        kid="unused",
    )
    healthy = draft({}, key=key, alg="EdDSA")
    example = type(healthy)(header={"alg": "EdDSA"}, payload=b"Example of Ed25519 signing", alg="EdDSA", key=key)
    assert write(example) == (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
