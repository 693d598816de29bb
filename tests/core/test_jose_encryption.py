import json

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwk
from tests.core.forge import ABSENT, b64, chain, ec_key, encrypted, outcome, pem, rsa_key, signed, unb64

from signon.core.errors import TokenRejected
from signon.core.header import ALGS
from signon.core.jose import (
    ENCRYPTION_ALGS,
    decrypt_jwe,
    decrypt_with,
    is_encrypted,
    may_sign,
    private_keys,
    public_jwk,
    symmetric_key,
)

RSA_KEY = private_keys(pem(rsa_key("ours")))
EC_KEY = private_keys(pem(ec_key("P-256", "ours")))
SHARED = b"0123456789abcdef"


@pytest.mark.parametrize("alg", ENCRYPTION_ALGS)
@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"])
def test_each_agreed_encryption_is_opened(alg, enc):
    """What another engine encrypted to our key, in each way that may be agreed, must be opened to the octet."""
    rsa_alg = alg.startswith("RSA")
    native, ours = (rsa_key("ours"), RSA_KEY) if rsa_alg else (ec_key("P-256", "ours"), EC_KEY)
    token = encrypted(b"\x00inside\xff", to=native, header={"alg": alg, "enc": enc})
    assert is_encrypted(token)
    assert decrypt_jwe(token, keys=ours, algs=(alg,), document="doc") == b"\x00inside\xff"


@pytest.mark.parametrize("as_jwk", [True, False])
def test_key_that_only_agrees_opens_and_never_signs(as_jwk):
    """A key of X25519 opens what is encrypted to it without being said to be for that (RFC 8037 3.2)."""
    native = X25519PrivateKey.generate()
    (key,) = private_keys(jwk.JWK.from_pyca(native).export() if as_jwk else pem(native))
    token = encrypted("inside", to=native, header={"alg": "ECDH-ES"})
    assert decrypt_jwe(token, keys=(key,), algs=("ECDH-ES",), document="doc") == b"inside"
    assert (key.use, public_jwk(key)["use"]) == ("enc", "enc")
    assert not any(may_sign(key, alg) for alg in ALGS)


@pytest.mark.parametrize("alg", ["dir", "A128GCMKW"])
def test_each_shared_encryption_is_opened(alg):
    """What is encrypted under a shared key must be opened with it, by the ways for shared keys alone."""
    token = encrypted("inside", to=SHARED, header={"alg": alg, "enc": "A128GCM"})
    key = symmetric_key({"kty": "oct", "k": b64(SHARED)})
    assert decrypt_with(token, key=key, document="doc") == b"inside"
    other = symmetric_key({"kty": "oct", "k": b64(bytes(16))})
    with pytest.raises(TokenRejected) as error:
        decrypt_with(token, key=other, document="doc")
    assert error.value.code == "doc_decryption"


def test_shared_encryption_that_nobody_needs_is_refused():
    """Another way to use a shared key must be refused, though the engine has it."""
    token = encrypted("inside", to=SHARED, header={"alg": "A128KW", "enc": "A128GCM"})
    with pytest.raises(TokenRejected) as error:
        decrypt_with(token, key=symmetric_key({"kty": "oct", "k": b64(SHARED)}), document="doc")
    assert error.value.code == "doc_encryption_alg"


@pytest.mark.parametrize(
    "member",
    [
        {},
        {"kty": "oct"},
        {"k": "AA"},
        {"kty": "RSA", "k": "AA"},
        {"kty": "oct", "k": None},
        {"kty": "oct", "k": "é"},
    ],
)
def test_odd_shared_key_is_refused_without_its_text(member):
    """What is no symmetric key must be refused, and the error hold nothing of it."""
    with pytest.raises(ValueError, match="not a symmetric key") as error:
        symmetric_key(member)
    assert chain(error.value) == [error.value]


def reheaded(header: object, token: str | None = None) -> str:
    """An encrypted token under another header."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return ".".join([b64(head), *(token or encrypted("inside")).split(".")[1:]])


def flipped(part: int) -> str:
    parts = encrypted("inside").split(".")
    octets = bytearray(unb64(parts[part]))
    octets[-1] ^= 1
    parts[part] = b64(bytes(octets))
    return ".".join(parts)


def without(part: int, keep: int = 0) -> str:
    parts = encrypted("inside").split(".")
    parts[part] = b64(unb64(parts[part])[:keep])
    return ".".join(parts)


GOOD = {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
ENCRYPTION_FAULTS = {
    "a signed token": (signed(b"{}"), "not_encrypted"),
    "six parts": ("a.b.c.d.e.f", "not_encrypted"),
    "padded": (encrypted("inside") + "=", "not_encrypted"),
    "too long": (encrypted("x" * 200_000), "not_encrypted"),
    "header not JSON": (reheaded(b"alg"), "header_invalid"),
    "header a list": (reheaded([]), "header_invalid"),
    "header twice": (reheaded(b'{"alg":"dir","alg":"RSA-OAEP-256","enc":"A256GCM"}'), "header_invalid"),
    "zip": (reheaded(GOOD | {"zip": "DEF"}), "header_crit"),
    "crit": (reheaded(GOOD | {"crit": ["x"]}), "header_crit"),
    "RSA1_5": (reheaded(GOOD | {"alg": "RSA1_5"}), "encryption_alg"),
    "PBES2": (reheaded(GOOD | {"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "AA"}), "encryption_alg"),
    "dir": (reheaded(GOOD | {"alg": "dir"}), "encryption_alg"),
    "alg not the agreed one": (reheaded(GOOD | {"alg": "RSA-OAEP"}), "encryption_alg"),
    "alg absent": (reheaded({"enc": "A256GCM"}), "encryption_alg"),
    "alg a list": (reheaded(GOOD | {"alg": ["RSA-OAEP-256"]}), "encryption_alg"),
    "enc unknown": (reheaded(GOOD | {"enc": "A512GCM"}), "encryption_alg"),
    "enc an object": (reheaded(GOOD | {"enc": {}}), "encryption_alg"),
    "header changed": (reheaded(GOOD | {"x": 1}), "decryption"),
    "kid a list": (reheaded(GOOD | {"kid": []}), "decryption"),
    "kid unknown": (reheaded(GOOD | {"kid": "x"}), "decryption"),
    "key changed": (flipped(1), "decryption"),
    "key empty": (without(1), "decryption"),
    "key short": (without(1, 10), "decryption"),
    "vector changed": (flipped(2), "decryption"),
    "vector empty": (without(2), "decryption"),
    "text changed": (flipped(3), "decryption"),
    "tag changed": (flipped(4), "decryption"),
    "tag empty": (without(4), "decryption"),
    "tag short": (without(4, 4), "decryption"),
    "to another key": (encrypted("inside", to=rsa_key("attacker")), "decryption"),
}


@pytest.mark.parametrize(("token", "kind"), ENCRYPTION_FAULTS.values(), ids=ENCRYPTION_FAULTS)
def test_each_fault_of_encryption_has_its_code(token, kind):
    """A token that can't be opened must say no more than that; one that was not agreed, its own code."""
    with pytest.raises(TokenRejected) as error:
        decrypt_jwe(token, keys=RSA_KEY, algs=("RSA-OAEP-256",), document="doc")
    assert error.value.code == f"doc_{kind}"


def test_every_failure_to_open_reads_the_same():
    """Whichever step fails, the error must be the same to the letter (RFC 7516 11.5)."""
    seen = {
        (str(error), error.code, error.status)
        for token, kind in ENCRYPTION_FAULTS.values()
        if kind == "decryption"
        for error in [
            outcome(lambda token=token: decrypt_jwe(token, keys=RSA_KEY, algs=GOOD.values(), document="d"))
        ]
    }
    assert len(seen) == 1


@pytest.mark.parametrize("kid", [None, "signs"])
def test_key_for_signatures_opens_nothing(kid):
    """A key that is there to sign is passed over, also where the token names it (RFC 7517 4.2)."""
    member = jwk.JWK.from_pyca(rsa_key("ours")).export(as_dict=True)
    keys = private_keys(json.dumps({"keys": [member | {"use": "sig", "kid": "signs"}]}))
    token = encrypted("x", header={"kid": kid} if kid else {})
    with pytest.raises(TokenRejected) as error:
        decrypt_jwe(token, keys=keys, algs=GOOD.values(), document="d")
    assert error.value.code == "d_decryption"
    opening = private_keys(json.dumps({"keys": [member | {"use": "enc", "alg": "RSA-OAEP-256"}]}))
    assert decrypt_jwe(token, keys=(*keys, *opening), algs=GOOD.values(), document="d") == b"x"


def test_named_key_opens_and_an_unknown_name_tries_all():
    """A token's kid must pick the key among ours, and one that we don't know exclude none."""
    keys = private_keys(
        json.dumps(
            {
                "keys": [
                    jwk.JWK.from_pyca(rsa_key("attacker")).export(as_dict=True),
                    jwk.JWK.from_pyca(rsa_key("ours")).export(as_dict=True),
                ]
            }
        )
    )
    for kid in (keys[1].kid, "unknown", ABSENT):
        token = encrypted("inside", header={"kid": kid})
        assert decrypt_jwe(token, keys=keys, algs=("RSA-OAEP-256",), document="doc") == b"inside"
    with pytest.raises(TokenRejected) as error:
        decrypt_jwe(
            encrypted("inside", header={"kid": keys[0].kid}), keys=keys, algs=("RSA-OAEP-256",), document="doc"
        )
    assert error.value.code == "doc_decryption"


JWE_HEADERS = st.dictionaries(
    st.sampled_from(["alg", "enc", "kid", "zip", "crit", "epk", "apu", "p2c"]),
    st.sampled_from(["RSA-OAEP-256", "A256GCM", "ECDH-ES"])
    | st.none()
    | st.integers()
    | st.lists(st.text(), max_size=2),
)


@given(
    st.lists(st.binary(max_size=40).map(b64), min_size=5, max_size=5).map(".".join)
    | JWE_HEADERS.map(lambda header: reheaded(GOOD | header, "x." + ".".join(["AAAA"] * 4)))
    | st.text()
)
def test_any_text_is_opened_or_refused(text):
    """Whatever comes as an encrypted token, it must be refused by an error of ours and no other."""
    result = outcome(lambda: decrypt_jwe(text, keys=(*RSA_KEY, *EC_KEY), algs=ENCRYPTION_ALGS, document="doc"))
    assert isinstance(result, TokenRejected)
    assert result.code.startswith("doc_")
