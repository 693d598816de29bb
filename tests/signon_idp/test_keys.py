import pytest

from signon_idp.jws import draft, write
from signon_idp.keys import KeyRing, foreign_key, public, secret_key, weak_key


def test_each_algorithm_signs_and_verifies():
    """Each key signs what the ring then accepts, and a foreign key's signature it doesn't."""
    ring = KeyRing()
    for alg in ("RS256", "PS256", "ES256", "EdDSA"):
        claims = {"sub": "a"}
        assert ring.verify(write(draft(claims, key=ring.signing_key(alg), alg=alg))) == b'{"sub":"a"}'
        assert ring.verify(write(draft(claims, key=foreign_key(alg), alg=alg))) is None


def test_secrets_verify_only_where_they_are_given():
    """An HS256 token is accepted with its secret among those given, and with no other."""
    token = write(draft({}, key=secret_key("s" * 32), alg="HS256"))
    ring = KeyRing()
    assert ring.verify(token) is None
    assert ring.verify(token, secrets=["t" * 32]) is None
    assert ring.verify(token, secrets=["t" * 32, "s" * 32]) == b"{}"


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "....", "é.é.é", "{}"])
def test_no_token(text):
    """Any other text is no token of ours."""
    assert KeyRing().verify(text, secrets=["s"]) is None


def test_rotation():
    """New keys sign; the former stay published once more, and are gone after the second rotation."""
    ring = KeyRing()
    first = ring.signing_key("RS256")["kid"]
    old = write(draft({}, key=ring.signing_key("RS256"), alg="RS256"))
    ring.rotate()
    second = ring.signing_key("RS256")["kid"]
    assert {first, second} <= {key["kid"] for key in ring.public_set(decoys=False)["keys"]}
    assert ring.verify(old) == b"{}"
    ring.rotate()
    kids = {key["kid"] for key in ring.public_set(decoys=False)["keys"]}
    assert first not in kids
    assert second in kids
    assert ring.verify(old) is None


def test_first_keys_are_made_once():
    """Two providers of one process begin with the same keys: RSA is slow to make."""
    assert KeyRing().signing_key("RS256") is KeyRing().signing_key("RS256")


def test_decoys():
    """The decoys are of every promised sort, and two keys of other kinds share the RS256 key's kid."""
    ring = KeyRing()
    keys = ring.public_set(decoys=True)["keys"]
    sorts = {(key["kty"], key.get("crv"), key["use"]) for key in ring.decoys()}
    assert {
        ("EC", "secp256k1", "sig"),
        ("OKP", "Ed25519", "sig"),
        ("EC", "P-256", "sig"),
        ("RSA", None, "sig"),
        ("RSA", None, "enc"),
        ("EC", "P-256", "enc"),
        ("QKD", None, "sig"),
    } == sorts
    twins = [key["kty"] for key in keys if key["kid"] == ring.signing_key("RS256")["kid"]]
    assert sorted(twins) == ["EC", "RSA"]


def test_nothing_private_is_published():
    """A published key has no private member (RFC 7517 9.3)."""
    private = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
    assert not any(private & set(key) for key in KeyRing().public_set(decoys=True)["keys"])
    assert not private & set(public(weak_key()))


def test_each_key_verifies_its_own_algorithm_alone():
    """A token that the RS256 key signed by PS256 is none of ours: a key has one algorithm (RFC 8725 3.1)."""
    ring = KeyRing()
    assert ring.verify(write(draft({}, key=ring.signing_key("RS256"), alg="PS256"))) is None
