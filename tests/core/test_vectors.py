"""The standards' own examples: the referee that neither we nor our practice provider can agree away."""

import json
from pathlib import Path

import pytest
from tests.core.forge import expectations, json_answer, key_set

from signon.core.errors import MalformedAnswer, SignOnError, TokenRejected
from signon.core.header import read_header
from signon.core.id_token import left_half_hash, verify_id_token
from signon.core.jose import (
    ENCRYPTION_ALGS,
    decrypt_jwe,
    decrypt_with,
    private_keys,
    public_key,
    secret_key,
    symmetric_key,
    verify_jws,
)
from signon.core.keys import read_jwks
from signon.core.pkce import challenge_s256
from signon.core.values import Secret, b64url_decode, b64url_encode

VECTORS = Path(__file__).parents[1] / "vectors"


def vectors(name: str):
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def by_section(entry: dict[str, object]) -> str:
    return str(entry["section"])


SIGNED = [entry for name in ("rfc7515", "rfc7520", "rfc8037") for entry in vectors(name)["signed"]]
REFUSED = vectors("rfc7515")["refused"]
JWE = vectors("jwe")
ENCRYPTED = [*JWE["to_us"], *JWE["shared"], *JWE["refused"]]
KEYS = vectors("rfc7517")
OIDC = vectors("oidc_core")


def key_of(vector):
    jwk = vector["key"]
    return secret_key(b64url_decode(jwk["k"]), alg=vector["alg"]) if jwk["kty"] == "oct" else public_key(jwk)


@pytest.mark.parametrize("vector", SIGNED, ids=by_section)
def test_signed_example_is_verified(vector):
    """Each signed example must verify with its key, and give its payload to the octet."""
    header = read_header(vector["compact"], document="doc")
    assert header.alg == vector["alg"]
    payload = verify_jws(vector["compact"], key=key_of(vector), alg=vector["alg"], document="doc")
    assert payload == vector["payload"].encode()


@pytest.mark.parametrize("vector", SIGNED, ids=by_section)
@pytest.mark.parametrize("part", [1, 2])
def test_changed_example_is_refused(vector, part):
    """Each signed example must fail when one bit of its payload or its signature is another."""
    parts = vector["compact"].split(".")
    octets = bytearray(b64url_decode(parts[part]))
    octets[len(octets) // 2] ^= 1
    parts[part] = b64url_encode(bytes(octets))
    with pytest.raises(TokenRejected) as error:
        verify_jws(".".join(parts), key=key_of(vector), alg=vector["alg"], document="doc")
    assert error.value.code == "doc_signature"


REFUSALS = {
    "RFC 7515 A.5": "id_token_alg_none",
    "RFC 7515 A.6": "id_token_not_compact",
    "RFC 7515 A.7": "id_token_not_compact",
    "RFC 7515 E": "id_token_header_crit",
}


@pytest.mark.parametrize("vector", REFUSED, ids=by_section)
def test_example_of_what_we_never_take_is_refused(vector):
    """The unsecured example, both JSON serialisations and the unknown critical header must be refused."""
    with pytest.raises(TokenRejected) as error:
        verify_id_token(Secret(vector["compact"]), keys=key_set(), client_secret=None, expected=expectations())
    assert error.value.code == REFUSALS[vector["section"]]


@pytest.mark.parametrize("vector", ENCRYPTED, ids=by_section)
def test_encrypted_example_is_recognised_and_refused(vector):
    """Each encrypted example must be told from a signed one, and refused where none was agreed."""
    with pytest.raises(SignOnError) as error:
        read_header(vector["compact"], document="doc")
    assert error.value.code == "doc_encrypted"


@pytest.mark.parametrize("vector", JWE["to_us"], ids=by_section)
def test_example_encrypted_to_a_private_key_is_opened(vector):
    """Each example encrypted to a private key must be opened with it, to the octet."""
    keys = private_keys(json.dumps(vector["key"]))
    opened = decrypt_jwe(vector["compact"], keys=keys, algs=(vector["alg"],), document="doc")
    assert opened == vector["payload"].encode()


@pytest.mark.parametrize("vector", JWE["shared"], ids=by_section)
def test_example_encrypted_under_a_shared_key_is_opened(vector):
    """Each example encrypted under a shared key must be opened with it, to the octet."""
    opened = decrypt_with(vector["compact"], key=symmetric_key(vector["key"]), document="doc")
    assert opened == vector["payload"].encode()


@pytest.mark.parametrize("vector", JWE["refused"], ids=by_section)
def test_example_of_a_weak_encryption_is_refused_unopened(vector):
    """RSA1_5, PBES2, key wrapping and compression must be refused by the header alone (RFC 8725 3.2, 3.6)."""
    ours = private_keys(json.dumps(JWE["to_us"][0]["key"]))
    code = "doc_header_crit" if vector["why"] == "compressed" else "doc_encryption_alg"
    for refuse in (
        lambda: decrypt_jwe(vector["compact"], keys=ours, algs=ENCRYPTION_ALGS, document="doc"),
        lambda: decrypt_with(vector["compact"], key=symmetric_key(JWE["shared"][0]["key"]), document="doc"),
    ):
        with pytest.raises(TokenRejected) as error:
            refuse()
        assert error.value.code == code


@pytest.mark.parametrize("vector", vectors("thumbprints"), ids=by_section)
def test_key_without_a_name_has_its_thumbprint(vector):
    """A key of ours that has no name must be called by its thumbprint (RFC 7638 3)."""
    (key,) = private_keys(json.dumps(vector["key"]))
    assert key.kid == vector["thumbprint"]


def test_example_key_set_is_read():
    """Of the public example set the signature key must be usable, and the encryption key skipped (A.1)."""
    keys = read_jwks(json_answer({"keys": KEYS["public"]["keys"]}))
    assert [(key.kid, key.kty, key.alg, key.bits) for key in keys.keys] == [("2011-04-29", "RSA", "RS256", 2048)]
    assert keys.skipped == 1


def test_example_key_with_a_certificate_is_read():
    """The key with a certificate chain must be read by its own members; the chain is not looked at (B)."""
    (key,) = read_jwks(json_answer({"keys": KEYS["certified"]["keys"]})).keys
    assert (key.kid, key.kty, key.bits) == ("1b94c", "RSA", 2048)


@pytest.mark.parametrize("name", ["private", "symmetric"])
def test_example_sets_with_secrets_are_refused(name):
    """The private and the symmetric example sets must be refused whole (A.2, A.3)."""
    with pytest.raises(MalformedAnswer) as error:
        read_jwks(json_answer({"keys": KEYS[name]["keys"]}))
    assert error.value.code == "jwks_private_key"


def test_pkce_example():
    """The example verifier must be the example octets, and give the example challenge (RFC 7636 B)."""
    vector = vectors("rfc7636")
    assert b64url_encode(bytes(vector["octets"])) == vector["verifier"]
    assert challenge_s256(vector["verifier"]) == vector["challenge"]


@pytest.mark.parametrize(("token", "half"), [("access_token", "at_hash"), ("code", "c_hash")])
def test_left_half_hash_examples(token, half):
    """The example access token and code must have their example hashes (OIDC Core A.3, A.4, A.6)."""
    assert left_half_hash(Secret(OIDC[token]), "RS256") == OIDC[half]


@pytest.mark.parametrize("vector", OIDC["id_tokens"], ids=by_section)
def test_example_id_token_is_verified(vector):
    """Each example ID token must pass every check at its own time, with the example key, and give its claims."""
    claims = vector["claims"]
    verified = verify_id_token(
        Secret(vector["compact"]),
        keys=key_set(OIDC["key"]),
        client_secret=None,
        expected=expectations(
            issuer=claims["iss"],
            client_id=claims["aud"],
            nonce=claims["nonce"],
            access_token=Secret(OIDC["access_token"]),
            now=float(claims["iat"]),
        ),
    )
    assert verified.claims == claims


def test_example_id_token_of_another_access_token_is_refused():
    """The example with `at_hash` must be refused beside another access token (OIDC Core 3.1.3.8)."""
    vector = next(entry for entry in OIDC["id_tokens"] if "at_hash" in entry["claims"])
    claims = vector["claims"]
    expected = expectations(
        issuer=claims["iss"],
        client_id=claims["aud"],
        nonce=claims["nonce"],
        access_token=Secret("another"),
        now=float(claims["iat"]),
    )
    with pytest.raises(TokenRejected) as error:
        verify_id_token(
            Secret(vector["compact"]), keys=key_set(OIDC["key"]), client_secret=None, expected=expected
        )
    assert error.value.code == "id_token_at_hash"
