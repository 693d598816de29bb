import json
import warnings

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwk, jws
from tests.core.forge import (
    b64,
    chain,
    claims,
    ec_key,
    ed_key,
    key_for,
    outcome,
    pem,
    public_jwk,
    raw_signature,
    rsa_key,
    signed,
)

from signon.core.errors import OperatorError, TokenRejected
from signon.core.header import ALGS, Header, read_header
from signon.core.jose import may_sign, private_keys, public_key, secret_key, sign, verify_jws
from signon.core.jose import public_jwk as our_public_jwk


@pytest.mark.parametrize("alg", [alg for alg, rule in ALGS.items() if rule.kty != "oct"])
def test_verified_bytes_are_the_signed_ones(alg):
    """What comes back must be the very bytes that were signed, for each algorithm."""
    payload = b'{"b":1,\r\n "a":"\\u0041"}'
    key = public_key(public_jwk(key_for(alg)))
    assert verify_jws(signed(payload, alg=alg), key=key, alg=alg, document="doc") == payload


@pytest.mark.parametrize("alg", list(ALGS))
def test_algorithm_is_ours_and_never_the_tokens(alg):
    """A token of another algorithm than ours must be refused (Ed25519 has two names, RFC 9864)."""
    key = secret_key(b"s" * 64, alg=alg) if alg.startswith("HS") else public_key(public_jwk(key_for(alg)))
    for other in ("none", *(name for name in ALGS if ALGS[name] != ALGS[alg] or name[:2] != alg[:2])):
        own = b"s" * 64 if other.startswith("HS") else None
        with pytest.raises(TokenRejected) as error:
            verify_jws(signed(claims(), alg=other, key=own), key=key, alg=alg, document="doc")
        assert error.value.code == "doc_signature"


def test_refused_signature_holds_nothing_of_the_token():
    """The refusal of a signature must carry no other error, since the engine's messages quote the token."""
    key = public_key(public_jwk(rsa_key()))
    for text in (
        signed(claims(), key=rsa_key("attacker")),
        "a.b",
    ):
        with pytest.raises(TokenRejected) as error:
            verify_jws(text, key=key, alg="RS256", document="doc")
        assert chain(error.value) == [error.value]


def test_verifying_warns_of_nothing():
    """No algorithm of the table may print a warning at each sign-in."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for alg in ("EdDSA", "Ed25519", "RS256"):
            key = public_key(public_jwk(key_for(alg)))
            assert verify_jws(signed(b"{}", alg=alg), key=key, alg=alg, document="doc") == b"{}"


def test_public_keys_of_each_kind_are_made():
    """A key of each kind must be made from its public members alone, whatever else the JWK holds."""
    for key in (rsa_key(), ec_key(), ed_key()):
        assert public_key(public_jwk(key, x5c=["MIIB"], oth=1, key_ops=3)) is not None


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": None},
        {"kty": ["RSA"]},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA"},
        {"kty": "RSA", "n": 3, "e": "AQAB"},
        {"kty": "RSA", "n": "!!", "e": "AQAB"},
        {"kty": "RSA", "n": "", "e": ""},
        {"kty": "RSA", "n": "AQAB", "e": "AQ"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "EC"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "OKP", "crv": "nothing", "x": "AA"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    ],
    ids=json.dumps,
)
def test_odd_key_is_no_key(jwk):
    """A key that can't be made must be None and not an error."""
    assert public_key(jwk) is None


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "n", "e", "x", "y", "d", "k"]),
        st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB"])
        | st.text()
        | st.none()
        | st.integers(0, 9),
    )
)
def test_any_jwk_is_a_key_or_none(jwk):
    """Whatever a published key says, making it must give a key or None."""
    assert outcome(lambda: public_key(jwk)) is None or jwk["kty"] in {"RSA", "EC", "OKP"}


OURS = {"RSA": rsa_key("ours"), "EC": ec_key("P-256", "ours"), "OKP": ed_key("ours")}
JWKS = {kty: jwk.JWK.from_pyca(key).export(as_dict=True) for kty, key in OURS.items()}


@pytest.mark.parametrize(("kty", "alg"), [("RSA", "RS256"), ("EC", "ES256"), ("OKP", "EdDSA")])
def test_private_key_is_read_in_each_form(kty, alg):
    """A key must be the same whether it comes as PEM, as one line of it, as a JWK or in a set."""
    text = pem(OURS[kty])
    forms = [text, f"\n{text}\n", text.replace("\n", "\\n"), text.replace("\n", "\\r\\n")]
    forms += [json.dumps(JWKS[kty]), json.dumps({"keys": [JWKS[kty]]})]
    keys = [private_keys(form) for form in forms]
    assert {len(found) for found in keys} == {1}
    assert len({found[0].kid for found in keys}) == 1
    assert {(found[0].kty, found[0].alg) for found in keys} == {(kty, alg)}


def test_private_key_in_its_older_form_is_read():
    """PKCS#1, which older tools write, must be read."""
    (key,) = private_keys(pem(rsa_key("ours"), "PKCS#1"))
    assert key.kty == "RSA"


def test_private_key_has_its_name_or_its_thumbprint():
    """A key must keep its own name, and have its thumbprint where it has none (RFC 7638)."""
    (named,) = private_keys(json.dumps(JWKS["EC"] | {"kid": "ours-1"}))
    assert named.kid == "ours-1"
    unnamed = {name: value for name, value in JWKS["EC"].items() if name != "kid"}
    (key,) = private_keys(json.dumps(unnamed))
    assert key.kid == jwk.JWK(**unnamed).thumbprint()
    assert [key.kty for key in private_keys(json.dumps({"keys": [JWKS["EC"], JWKS["RSA"]]}))] == ["EC", "RSA"]


@pytest.mark.parametrize(("curve", "alg"), [("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512")])
def test_curve_says_its_algorithm(curve, alg):
    """The algorithm of an EC key must be its curve's (RFC 7518 3.4)."""
    (key,) = private_keys(pem(ec_key(curve, "ours")))
    assert key.alg == alg


UNREADABLE = {
    "nothing": "",
    "a word": "secret",
    "JSON cut": '{"kty":"RSA"',
    "no keys": '{"keys":[]}',
    "keys a number": '{"keys":1}',
    "keys of numbers": '{"keys":[1]}',
    "kty absent": "{}",
    "kty unknown": '{"kty":"AKP","priv":"AA"}',
    "kty oct": '{"kty":"oct","k":"AAAA"}',
    "a public key": json.dumps(public_jwk(rsa_key("ours"))),
    "one public key of two": json.dumps({"keys": [JWKS["EC"], public_jwk(rsa_key("ours"))]}),
    "RSA of 1,024 bits": pem(rsa_key("weak", 1024)),
    "secp256k1": pem(ec_key("secp256k1")),
    "a certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "PEM cut": pem(rsa_key("ours"))[:-200],
    "far too deep": "[" * 100_000,
    "an object far too deep": '{"keys":' + "[" * 100_000,
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_unusable_private_key_is_the_operators_fault(text):
    """A key that can't be used must be refused at the start, and nothing of its text be in the error."""
    with pytest.raises(OperatorError) as error:
        private_keys(text)
    assert error.value.code == "private_key_unreadable"
    assert chain(error.value) == [error.value]


@pytest.mark.parametrize("kty", OURS)
def test_our_published_key_is_public_and_ours(kty):
    """What we publish must be the public half and the name, and verify what the private half signs."""
    (key,) = private_keys(pem(OURS[kty]))
    published = our_public_jwk(key)
    assert published["kid"] == key.kid
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & published.keys()
    token = sign({"sub": "c"}, key=key, alg=key.alg, typ=None)
    witness = jws.JWS()
    witness.deserialize(token, jwk.JWK(**published))
    assert json.loads(witness.payload) == {"sub": "c"}
    assert witness.jose_header == {"alg": key.alg, "kid": key.kid}


@pytest.mark.parametrize(
    ("kty", "said", "use", "alg"),
    [
        ("RSA", {"use": "sig"}, "sig", "RS256"),
        ("RSA", {"alg": "PS256"}, "sig", "PS256"),
        ("RSA", {"alg": "PS256", "use": "sig", "key_ops": ["sign"]}, "sig", "PS256"),
        ("EC", {"key_ops": ["sign", "verify"]}, "sig", "ES256"),
        ("OKP", {"alg": "Ed25519"}, "sig", "Ed25519"),
        ("RSA", {"use": "enc"}, "enc", None),
        ("RSA", {"alg": "RSA-OAEP-256"}, "enc", None),
        ("EC", {"key_ops": ["deriveKey"]}, "enc", None),
        ("EC", {"use": "enc", "alg": "ES256"}, "enc", None),
        ("RSA", {"key_ops": ["decrypt"]}, "enc", None),
        ("EC", {"key_ops": ["sign", "deriveKey"]}, None, "ES256"),
    ],
)
def test_what_a_key_is_for(kty, said, use, alg):
    """What a JWK says in any of three ways decides whether it signs, by what, and what is published of it."""
    (key,) = private_keys(json.dumps(JWKS[kty] | said))
    published = our_public_jwk(key)
    assert (key.use, published.get("alg")) == (use, said.get("alg"))
    assert published.get("use") == use
    assert "key_ops" not in published, "those of the private half would keep everybody from verifying"
    signs_by = {name for name in ALGS if may_sign(key, name)}
    assert signs_by == set() if alg is None else alg in signs_by
    if alg is not None:
        token = sign({"sub": "c"}, key=key, alg=key.alg, typ=None)
        assert read_header(token, document="doc").alg == alg
        assert verify_jws(token, key=public_key(published), alg=alg, document="doc") == b'{"sub":"c"}'


def test_key_without_a_word_does_all_that_its_kind_can():
    """A key that says nothing of its use signs by each algorithm of its kind, and no other."""
    keys = {kty: private_keys(pem(key))[0] for kty, key in OURS.items()}
    fitting = {kty: {alg for alg in ALGS if may_sign(key, alg)} for kty, key in keys.items()}
    assert fitting == {
        "RSA": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
        "EC": {"ES256"},
        "OKP": {"EdDSA", "Ed25519"},
    }


@pytest.mark.parametrize(
    ("kty", "said"),
    [
        ("EC", {"alg": "ES512"}),
        ("EC", {"alg": "RS256"}),
        ("RSA", {"alg": "HS256"}),
        ("RSA", {"alg": ["RS256"]}),
        ("RSA", {"use": "tls"}),
        ("RSA", {"use": 1}),
        ("RSA", {"key_ops": 5}),
    ],
)
def test_key_that_contradicts_itself_is_none(kty, said):
    """A key that is said to be for what its kind can't do is found at the start, and not at the first sign-in."""
    with pytest.raises(OperatorError) as error:
        private_keys(json.dumps(JWKS[kty] | said))
    assert error.value.code == "private_key_unreadable"


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256: no half of a signature is that large (FIPS 186-4)."""
SIGNING_INPUT = f"{b64(b'{}')}.{b64(b'{}')}".encode()


def halves(*numbers: int, octets: int = 32) -> bytes:
    return b"".join(n.to_bytes(octets, "big") for n in numbers)


R, S = (int.from_bytes(raw_signature(SIGNING_INPUT, "ES256", ec_key())[at : at + 32], "big") for at in (0, 32))
ODD_ECDSA = {
    "both zero": halves(0, 0),
    "r zero": halves(0, S),
    "s zero": halves(R, 0),
    "both one": halves(1, 1),
    "both the order": halves(ORDER, ORDER),
    "DER": ec_key().sign(SIGNING_INPUT, ec.ECDSA(hashes.SHA256())),
    "an octet less": halves(R, S)[1:],
    "an octet more": halves(R, S) + b"\0",
    "halves of 33 octets": halves(R, S, octets=33),
    "r more by the order": halves(R + ORDER, S, octets=33),
    "none": b"",
}
PSS = {
    f"salt of {salt}": rsa_key().sign(
        SIGNING_INPUT, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256()
    )
    for salt in (0, 20, 64, 222)
}
PKCS = rsa_key().sign(SIGNING_INPUT, padding.PKCS1v15(), hashes.SHA256())
MODULUS = rsa_key().public_key().public_numbers().n
ODD_RSA = {
    "an octet more": b"\0" + PKCS,
    "more by the modulus": (int.from_bytes(PKCS, "big") + MODULUS).to_bytes(257, "big"),
    "zero": bytes(256),
    "one": bytes(255) + b"\1",
    "by another hash": rsa_key().sign(SIGNING_INPUT, padding.PKCS1v15(), hashes.SHA1()),
}


@pytest.mark.parametrize(
    ("alg", "key", "signature"),
    [
        *(pytest.param("ES256", ec_key(), odd, id=f"ES256 {name}") for name, odd in ODD_ECDSA.items()),
        *(pytest.param("PS256", rsa_key(), odd, id=f"PS256 {name}") for name, odd in PSS.items()),
        *(pytest.param("RS256", rsa_key(), odd, id=f"RS256 {name}") for name, odd in ODD_RSA.items()),
    ],
)
def test_odd_signature_is_none(alg, key, signature):
    """A signature has one form and one size (RFC 7518 3.3 to 3.5), and none that anybody could guess passes."""
    token = f"{SIGNING_INPUT.decode()}.{b64(signature)}"
    with pytest.raises(TokenRejected) as error:
        verify_jws(token, key=public_key(public_jwk(key)), alg=alg, document="doc")
    assert error.value.code == "doc_signature"


@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256"])
def test_even_signature_is_one(alg):
    """The form that is right is taken: what the odd ones are compared with."""
    token = f"{SIGNING_INPUT.decode()}.{b64(raw_signature(SIGNING_INPUT, alg, key_for(alg)))}"
    assert verify_jws(token, key=public_key(public_jwk(key_for(alg))), alg=alg, document="doc") == b"{}"


def test_private_key_does_not_show_itself():
    """The repr of a key must hold its name and kind alone."""
    (key,) = private_keys(json.dumps(JWKS["RSA"] | {"kid": "ours-1"}))
    assert repr(key) == "PrivateKey(kid='ours-1', kty='RSA')"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_shared_secret_signs_if_it_is_long_enough(alg):
    """A shared secret must sign by its octets, without naming a key, and never below the hash's length."""
    octets = ALGS[alg].minimum_bits // 8
    token = sign({"sub": "c"}, key=b"x" * octets, alg=alg, typ="JWT")
    assert verify_jws(token, key=secret_key(b"x" * octets, alg=alg), alg=alg, document="doc") == b'{"sub":"c"}'
    assert read_header(token, document="doc") == Header(alg=alg, kid=None, typ="JWT")
    with pytest.raises(OperatorError) as error:
        sign({}, key=b"x" * (octets - 1), alg=alg, typ=None)
    assert error.value.code == "client_secret_short"
