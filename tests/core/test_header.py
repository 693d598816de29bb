import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import b64, compact, outcome

from signon.core.errors import TokenRejected
from signon.core.header import ALGS, MAX_HEADER_CHARACTERS, MAX_TOKEN_CHARACTERS, Header, read_header

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
    "not ASCII, of a possible length": ("éaaa.e30.AA", "not_base64url"),
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


def test_table_of_algorithms_holds_no_weak_one():
    """No algorithm without a signature, with SHA-1 or with keys below the standard's sizes may be in the table."""
    assert "none" not in {alg.lower() for alg in ALGS}
    assert all(rule.minimum_bits >= {"RSA": 2048}.get(rule.kty, 255) for rule in ALGS.values())
    assert {rule.hash for rule in ALGS.values()} == {"sha256", "sha384", "sha512"}
