import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    b64,
    chain,
    claims,
    compact,
    ec_key,
    ed_key,
    key_for,
    outcome,
    public_jwk,
    rsa_key,
    signed,
)

from signon.core.errors import TokenRejected
from signon.core.header import ALGS, MAX_HEADER_CHARACTERS, MAX_TOKEN_CHARACTERS, Header, read_header
from signon.core.jose import public_key, secret_key, verify_jws

GOOD = {"alg": "RS256", "kid": "k1", "typ": "JWT"}


def token(header: object = None, *, raw: bytes | None = None) -> str:
    return compact(json.dumps(GOOD if header is None else header).encode() if raw is None else raw, {}, b"sig")


def test_header_is_read():
    """The three members that mean anything must come back; absent ones are None, others are ignored."""
    assert read_header(token(), document="doc") == Header(alg="RS256", kid="k1", typ="JWT")
    header = {
        "alg": "RS256",
        "jwk": {},
        "jku": "https://evil.example",
        "x5c": [],
        "x5u": 1,
        "cty": "JWT",
        "zip": "DEF",
    }
    assert read_header(token(header), document="doc") == Header(alg="RS256", kid=None, typ=None)


FAULTS = {
    "too long": ("a" * (MAX_TOKEN_CHARACTERS + 1), "too_large"),
    "a million dots": ("." * 1_000_000, "too_large"),
    "five parts": ("a.b.c.d.e", "encrypted"),
    "five empty parts": ("....", "encrypted"),
    "empty": ("", "not_compact"),
    "one part": ("abcd", "not_compact"),
    "two parts": ("abcd.abcd", "not_compact"),
    "four parts": ("abcd.abcd.abcd.abcd", "not_compact"),
    "six parts": ("a.b.c.d.e.f", "not_compact"),
    "many parts": ("." * 1000, "not_compact"),
    "JSON": (json.dumps({"payload": "", "protected": "", "signature": ""}), "not_compact"),
    "JSON with two dots": ('{"a":".","b":"."}', "not_base64url"),
    "header padded": (token().replace(".", "=.", 1), "not_base64url"),
    "header with stray bits": ("e31.e30.AA", "not_base64url"),
    "payload with a blank": (f"{b64(json.dumps(GOOD).encode())}.e3 0.AA", "not_base64url"),
    "payload of the other alphabet": (f"{b64(json.dumps(GOOD).encode())}.e+/0.AA", "not_base64url"),
    "signature of an impossible length": (f"{b64(json.dumps(GOOD).encode())}.e30.AAAAA", "not_base64url"),
    "a line at the end": (token() + "\n", "not_base64url"),
    "a blank before": (" " + token(), "not_base64url"),
    "not ASCII": ("é.e30.AA", "not_base64url"),
    "half a character": ("\ud800.e30.AA", "not_base64url"),
    "header too long": (
        compact(b'{"alg":"RS256","x":"' + b"x" * MAX_HEADER_CHARACTERS + b'"}', {}, b""),
        "not_base64url",
    ),
    "header empty": (token(raw=b""), "header_invalid"),
    "header not JSON": (token(raw=b"alg"), "header_invalid"),
    "header not UTF-8": (token(raw=b"\xff"), "header_invalid"),
    "header a list": (token(["alg"]), "header_invalid"),
    "header text": (token("alg"), "header_invalid"),
    "header with NaN": (token(raw=b'{"alg":"RS256","a":NaN}'), "header_invalid"),
    "header too deep": (token(raw=b'{"alg":"RS256","a":' + b"[" * 5000 + b"]" * 5000 + b"}"), "header_invalid"),
    "header with a member twice": (token(raw=b'{"alg":"none","alg":"RS256"}'), "header_duplicate_member"),
    "crit": (token(GOOD | {"crit": ["x"], "x": 1}), "header_crit"),
    "crit empty": (token(GOOD | {"crit": []}), "header_crit"),
    "crit null": (token(GOOD | {"crit": None}), "header_crit"),
    "b64 false": (token(GOOD | {"b64": False}), "header_b64"),
    "b64 true": (token(GOOD | {"b64": True}), "header_b64"),
    "alg absent": (token({"kid": "k1"}), "alg_missing"),
    "alg a list": (token({"alg": ["RS256"]}), "alg_missing"),
    "kid null": (token(GOOD | {"kid": None}), "kid_invalid"),
    "kid an object": (token(GOOD | {"kid": {}}), "kid_invalid"),
    "typ null": (token(GOOD | {"typ": None}), "typ_invalid"),
    "typ a number": (token(GOOD | {"typ": 1}), "typ_invalid"),
}


@pytest.mark.parametrize(("text", "kind"), FAULTS.values(), ids=FAULTS)
def test_each_fault_of_the_form_has_its_code(text, kind):
    """A token with one fault in its form must be refused with that fault's code, in a short sentence."""
    with pytest.raises(TokenRejected) as error:
        read_header(text, document="doc")
    assert error.value.code == f"doc_{kind}"
    assert len(str(error.value)) < 200


def test_limits_are_to_the_character():
    """A token of exactly the allowed length must be read on, one character more must not."""
    heads = [compact(GOOD, payload, b"") for payload in (b"", b"x", b"xx", b"xxxx")]
    head = next(head for head in heads if (MAX_TOKEN_CHARACTERS - len(head)) % 4 == 0)
    fits = head + "A" * (MAX_TOKEN_CHARACTERS - len(head))
    assert outcome(lambda: read_header(fits, document="doc")) == Header(alg="RS256", kid="k1", typ="JWT")
    with pytest.raises(TokenRejected) as error:
        read_header(fits + "A", document="doc")
    assert error.value.code == "doc_too_large"


HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x"]),
    st.none() | st.text(max_size=5) | st.integers(0, 9) | st.lists(st.text(max_size=3), max_size=2),
)


@given(
    st.text()
    | st.binary().map(b64)
    | HEADERS.map(token)
    | st.lists(st.binary().map(b64), max_size=7).map(".".join)
)
def test_any_text_gives_a_header_or_our_error(text):
    """Whatever text comes as a token, the reader must give a header of texts or refuse the token."""
    header = outcome(lambda: read_header(text, document="doc"))
    if isinstance(header, TokenRejected):
        assert header.code.startswith("doc_")
    else:
        assert isinstance(header.alg, str)
        assert isinstance(header.kid, str | None)
        assert isinstance(header.typ, str | None)


@pytest.mark.parametrize("alg", [alg for alg, rule in ALGS.items() if rule.kty != "oct"])
def test_verified_bytes_are_the_signed_ones(alg):
    """What comes back must be the very bytes that were signed, for each algorithm."""
    payload = b'{"b":1,\r\n "a":"\\u0041"}'
    key = public_key(public_jwk(key_for(alg)))
    assert verify_jws(signed(payload, alg=alg), key=key, alg=alg, document="doc") == payload


@pytest.mark.parametrize("alg", list(ALGS))
def test_algorithm_is_ours_and_never_the_tokens(alg):
    """A token that names another algorithm than ours must be refused, whatever signed it."""
    key = secret_key(b"s" * 64) if alg.startswith("HS") else public_key(public_jwk(key_for(alg)))
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
