import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import chain, claims, ec_key, ed_key, key_for, outcome, public_jwk, rsa_key, signed

from signon.core.errors import TokenRejected
from signon.core.header import ALGS
from signon.core.jose import public_key, secret_key, verify_jws


@pytest.mark.parametrize("alg", [alg for alg, rule in ALGS.items() if rule.kty != "oct"])
def test_verified_bytes_are_the_signed_ones(alg):
    """What comes back must be the very bytes that were signed, for each algorithm."""
    payload = b'{"b":1,\r\n "a":"\\u0041"}'
    key = public_key(public_jwk(key_for(alg)))
    assert verify_jws(signed(payload, alg=alg), key=key, alg=alg, document="doc") == payload


@pytest.mark.parametrize("alg", list(ALGS))
def test_algorithm_is_ours_and_never_the_tokens(alg):
    """A token that names another algorithm than ours must be refused, whatever signed it."""
    key = secret_key(b"s" * 64, alg=alg) if alg.startswith("HS") else public_key(public_jwk(key_for(alg)))
    for other in ("none", *(name for name in ALGS if name != alg)):
        own = b"s" * 64 if other.startswith("HS") else None
        with pytest.raises(TokenRejected) as error:
            verify_jws(signed(claims(), alg=other, key=own), key=key, alg=alg, document="doc")
        assert error.value.code == "doc_signature"


def test_refused_signature_holds_nothing_of_the_token():
    """The refusal of a signature must carry no other error, since the engine's messages quote the token."""
    key = public_key(public_jwk(rsa_key()))
    for text in (
        signed(claims(), key=rsa_key("attacker")),
        signed(claims(), header={"jwk": "not an object"}),
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
