import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    ABSENT,
    answer,
    b64,
    chain,
    claims,
    compact,
    ec_key,
    ed_key,
    json_answer,
    key_for,
    key_set,
    outcome,
    public_jwk,
    rsa_key,
    signed,
    verify,
)

from signon.core.errors import (
    MalformedAnswer,
    ProviderError,
    ProviderUnavailable,
    SignOnError,
    TokenRejected,
    UnknownKey,
)
from signon.core.header import ALGS, Header
from signon.core.keys import MAX_CANDIDATES, MAX_KEYS, KeySet, jwks_request, read_jwks


def header(kid: str | None = "k1") -> Header:
    return Header(alg="RS256", kid=kid, typ=None)


def test_request_asks_for_the_set():
    """The keys must be asked for by a plain GET."""
    request = jwks_request("https://op.example/jwks")
    assert (request.method, request.url, request.document) == ("GET", "https://op.example/jwks", "jwks")
    assert request.body is None


@pytest.mark.parametrize("content_type", ["application/json", "application/jwk-set+json; charset=utf-8"])
def test_set_is_read(content_type):
    """A set must be read under both of its content types, and say what each key is."""
    keys = read_jwks(
        json_answer({"keys": [public_jwk(rsa_key()), public_jwk(ec_key(), kid=ABSENT)]}, content_type=content_type)
    )
    assert [(key.kid, key.kty, key.crv, key.bits) for key in keys.keys] == [
        ("k1", "RSA", None, 2048),
        (None, "EC", "P-256", 256),
    ]
    assert keys.skipped == 0


DOCUMENTS = {
    "keys absent": ({}, "jwks_keys_missing"),
    "keys null": ({"keys": None}, "jwks_keys_missing"),
    "keys an object": ({"keys": {"k1": {}}}, "jwks_keys_missing"),
    "keys text": ({"keys": "k1"}, "jwks_keys_missing"),
    "no keys": ({"keys": []}, "jwks_no_usable_key"),
    "only odd members": ({"keys": [1, None, "k1", [], {}]}, "jwks_no_usable_key"),
    "only unusable keys": ({"keys": [{"kty": "AKP"}, {"kty": "oct"}]}, "jwks_no_usable_key"),
    "a list": ([], "jwks_not_object"),
}


@pytest.mark.parametrize(("document", "code"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_each_malformed_set_has_its_code(document, code):
    """A set with one fault must be refused with that fault's code."""
    with pytest.raises(MalformedAnswer) as error:
        read_jwks(json_answer(document))
    assert error.value.code == code


RAW_DOCUMENTS = {
    "not JSON": (answer(b"{"), MalformedAnswer, "jwks_not_json"),
    "not UTF-8": (answer(b"\xff"), MalformedAnswer, "jwks_not_utf8"),
    "a member twice": (answer(b'{"keys":[],"keys":[]}'), MalformedAnswer, "jwks_duplicate_member"),
    "HTML": (answer(b"{}", content_type="text/html"), MalformedAnswer, "jwks_content_type"),
    "404": (answer(b"{}", status=404), ProviderError, "jwks_status"),
    "redirect": (answer(b"", status=302), ProviderError, "jwks_redirect"),
    "500": (answer(b"", status=500), ProviderUnavailable, "jwks_server_error"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), RAW_DOCUMENTS.values(), ids=RAW_DOCUMENTS)
def test_each_unreadable_set_has_its_code(response, error_class, code):
    """A set that can't be read at all must be refused with the code of its fault."""
    with pytest.raises(error_class) as error:
        read_jwks(response)
    assert type(error.value) is error_class
    assert error.value.code == code


PRIVATE = {"RSA": ("d", "p", "q", "dp", "dq", "qi", "oth"), "EC": ("d",), "OKP": ("d",), "oct": ("k",)}


@pytest.mark.parametrize(("kty", "name"), [(kty, name) for kty, names in PRIVATE.items() for name in names])
def test_a_private_member_refuses_the_whole_set(kty, name):
    """A published private member of any kind of key must refuse the set, and not be quoted (RFC 7517 9.2)."""
    with pytest.raises(MalformedAnswer) as error:
        read_jwks(json_answer({"keys": [public_jwk(rsa_key()), {"kty": kty, name: "hidden"}]}))
    assert error.value.code == "jwks_private_key"
    assert "hidden" not in str(chain(error.value))


def test_what_another_kind_calls_private_is_no_secret():
    """A member must count as private by its own key's kind; a key of unknown kind is skipped (RFC 7517 5)."""
    future = {"kty": "AKP", "k": "x", "p": "y"}
    keys = read_jwks(json_answer({"keys": [public_jwk(rsa_key(), k="x"), future]}))
    assert (len(keys.keys), keys.skipped) == (1, 1)


SKIPPED = {
    "use enc": public_jwk(rsa_key("ours"), use="enc"),
    "key_ops without verify": public_jwk(rsa_key("ours"), key_ops=["encrypt"]),
    "key_ops empty": public_jwk(rsa_key("ours"), key_ops=[]),
    "key_ops text": public_jwk(rsa_key("ours"), key_ops="verify"),
    "kid a number": public_jwk(rsa_key("ours"), kid=1),
    "alg a list": public_jwk(rsa_key("ours"), alg=["RS256"]),
    "crv an object": public_jwk(ec_key(), crv={}),
    "kty unknown": {"kty": "AKP", "kid": "k2", "pub": "AA"},
    "kty absent": {"kid": "k2"},
    "kty in small letters": public_jwk(rsa_key("ours"), kty="rsa"),
    "RSA of 1,024 bits": public_jwk(rsa_key("weak", 1024)),
    "RSA of 2,047 bits": public_jwk(rsa_key("ours"), n=b64((2**2047 - 1).to_bytes(256, "big"))),
    "RSA without n": public_jwk(rsa_key("ours"), n=ABSENT),
    "RSA with n padded": public_jwk(rsa_key("ours"), n=public_jwk(rsa_key("ours"))["n"] + "=="),
    "RSA with e of one": public_jwk(rsa_key("ours"), e="AQ"),
    "RSA with an even e": public_jwk(rsa_key("ours"), e="Ag"),
    "secp256k1": public_jwk(ec_key("secp256k1")),
    "EC off its curve": public_jwk(ec_key(), y=public_jwk(ec_key())["x"]),
    "EC without y": public_jwk(ec_key(), y=ABSENT),
    "Ed448": {"kty": "OKP", "crv": "Ed448", "x": b64(bytes(57))},
    "X25519": {"kty": "OKP", "crv": "X25519", "x": b64(bytes(32))},
    "a curve of another kind": public_jwk(rsa_key("ours"), crv="P-256"),
    "no object": "k2",
}


def test_set_that_is_written_with_nulls():
    """A member that is null says as little as one that is absent: some servers write all of them."""
    keys = read_jwks(json_answer({"keys": [public_jwk(rsa_key(), use=None, alg=None, key_ops=None)]}))
    assert (len(keys.keys), keys.skipped) == (1, 0)
    assert verify(signed(claims()), keys=keys).subject == "person-1"


@pytest.mark.parametrize("jwk", SKIPPED.values(), ids=SKIPPED)
def test_each_unusable_key_is_skipped_alone(jwk):
    """A key that may not or can't verify must be skipped and counted, and the others serve (RFC 7517 5)."""
    keys = read_jwks(json_answer({"keys": [jwk, public_jwk(rsa_key())]}))
    assert (len(keys.keys), keys.skipped) == (1, 1)
    assert verify(signed(claims()), keys=keys).subject == "person-1"


def test_key_with_verify_among_its_operations_is_used():
    """`key_ops` that holds `verify` must do, and `use` may be absent."""
    keys = read_jwks(json_answer({"keys": [public_jwk(rsa_key(), use=ABSENT, key_ops=["verify", "encrypt"])]}))
    assert verify(signed(claims()), keys=keys).subject == "person-1"


def test_only_so_many_keys_are_looked_at():
    """Members beyond the limit must be left alone, and counted as skipped."""
    keys = read_jwks(
        json_answer({"keys": [public_jwk(ed_key())] + [{"kty": "AKP"}] * (MAX_KEYS - 1) + [public_jwk(rsa_key())]})
    )
    assert [key.kty for key in keys.keys] == ["OKP"]
    assert keys.skipped == MAX_KEYS


def test_enormous_key_refuses_its_token_and_nothing_else():
    """An RSA key beyond what the engine computes with must give the refusal of a signature, and no other error."""
    keys = key_set(public_jwk(rsa_key(), n=b64(b"\xff" * 50_000)))
    with pytest.raises(TokenRejected) as error:
        verify(compact({"alg": "RS256", "kid": "k1"}, claims(), b"\x01" * 50_000), keys=keys)
    assert error.value.code == "id_token_signature"


@pytest.mark.parametrize("alg", [alg for alg, rule in ALGS.items() if rule.kty != "oct"])
def test_key_fits_its_own_algorithms_only(alg):
    """A key must fit the algorithms of its kind, curve and `alg`, and no other (RFC 8725 3.1)."""
    rule = ALGS[alg]
    (plain,) = key_set(public_jwk(key_for(alg))).keys
    (bound,) = key_set(public_jwk(key_for(alg), alg=alg)).keys
    for other, its in ALGS.items():
        assert plain.fits(other) == ((its.kty, its.crv) == (rule.kty, rule.crv))
        spellings = {"EdDSA", "Ed25519"} if alg in {"EdDSA", "Ed25519"} else {alg}  # RFC 9864
        assert bound.fits(other) == (other in spellings)


def test_key_with_an_encryption_alg_fits_nothing():
    """A key whose `alg` is of encryption must verify nothing."""
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims()), keys=key_set(public_jwk(rsa_key(), alg="RSA-OAEP")))
    assert error.value.code == "id_token_key_mismatch"


def test_choice_by_kid():
    """The named key must be chosen, whatever else is in the set; duplicates of a kid are all tried."""
    keys = key_set(
        public_jwk(rsa_key("ours"), kid="k0"),
        public_jwk(rsa_key("attacker")),
        public_jwk(rsa_key()),
        public_jwk(ec_key()),
    )
    assert len(keys.choose(header(), alg="RS256", document="doc")) == 2
    assert len(keys.choose(header("k0"), alg="RS256", document="doc")) == 1
    assert verify(signed(claims()), keys=keys).subject == "person-1"


def test_choice_without_kid_is_bounded():
    """Without a kid no more than a few keys may be tried for one token."""
    keys = key_set(*(public_jwk(rsa_key(), kid=str(number)) for number in range(MAX_CANDIDATES + 3)))
    assert len(keys.choose(header(None), alg="RS256", document="doc")) == MAX_CANDIDATES


def test_key_without_kid_is_not_the_named_one():
    """A token that names a key must not be tried with a nameless one."""
    with pytest.raises(UnknownKey) as error:
        key_set(public_jwk(rsa_key(), kid=ABSENT)).choose(header("k1"), alg="RS256", document="doc")
    assert error.value.code == "doc_unknown_key"


@pytest.mark.parametrize("kid", [None, "k9", ""])
def test_what_newer_keys_may_help_is_told_apart(kid):
    """Where the set lacks the key, the error must say that fetching may help; also for an empty set."""
    for keys in (key_set(public_jwk(ec_key())), KeySet(keys=())):
        with pytest.raises(UnknownKey) as error:
            keys.choose(header(kid), alg="RS256", document="doc")
        assert error.value.code == "doc_unknown_key"


MEMBERS = st.dictionaries(
    st.sampled_from(["kty", "use", "alg", "kid", "crv", "key_ops", "n", "e", "x", "y", "x5c"]),
    st.sampled_from(["RSA", "EC", "OKP", "sig", "RS256", "P-256", "Ed25519", "AQAB", ["verify"], None, 1, {}])
    | st.text(),
)


@given(
    st.binary()
    | st.lists(MEMBERS | st.none() | st.text(), max_size=5).map(lambda keys: json.dumps({"keys": keys}).encode())
)
def test_any_bytes_give_a_set_or_our_error(body):
    """Whatever a provider publishes, the reader must give a set or an error of ours."""
    assert isinstance(outcome(lambda: read_jwks(answer(body))), KeySet | SignOnError)
