"""The forged tokens are forged well: whoever makes the one mistake that each is about accepts it."""

import base64
import json

import pytest
from cryptography import x509
from jwcrypto.common import base64url_encode
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from signon_idp.faults import FAULTS
from signon_idp.id_token import write_id_token
from signon_idp.keys import KeyRing, foreign_key, weak_key
from signon_idp.model import Client, Grant
from signon_idp.scene import Scene

CLIENT = Client(client_id="demo", client_secret="s" * 32)
RING = KeyRing()
SCENE = Scene(
    issuer="http://127.0.0.1:9000",
    now=0.0,
    keys=RING,
    client=CLIENT,
    grant=Grant(client_id="demo", scopes=("openid",)),
)
CLAIMS = {"sub": "somebody", "exp": 10}
KID = RING.signing_key("RS256")["kid"]


def bent(name: str) -> str:
    return write_id_token(CLAIMS, SCENE, FAULTS[name])


def parts(token: str) -> tuple[dict[str, object], bytes]:
    header, payload = (base64.urlsafe_b64decode(part + "===") for part in token.split(".")[:2])
    return json.loads(header), payload


def verified(token: str, key: JWK, *algs: str) -> bytes:
    """The payload, if `key` signed it by one of `algs`."""
    signed = JWS()
    signed.allowed_algs = list(algs)
    signed.deserialize(token, key)
    return signed.payload


@pytest.mark.parametrize(
    ("name", "alg"), [("id_token_alg_none", "none"), ("id_token_alg_none_mixed_case", "nOnE")]
)
def test_unsecured(name, alg):
    """The unsecured tokens say so in their header and end in a bare dot."""
    token = bent(name)
    assert parts(token)[0] == {"alg": alg, "typ": "JWT", "kid": KID}
    assert token.endswith(".")


def test_public_key_as_secret():
    """The HS256 forgery verifies with the RS256 key's public PEM as the secret, which is the classic mistake."""
    token = bent("id_token_hs256_public_key")
    secret = JWK(kty="oct", k=base64url_encode(RING.signing_key("RS256").export_to_pem()))
    assert json.loads(verified(token, secret, "HS256")) == CLAIMS
    assert parts(token)[0]["kid"] == KID


def test_other_algorithm():
    """The other algorithm's token is well signed by a published key, and only the registration is against it."""
    assert json.loads(verified(bent("id_token_other_alg"), RING.signing_key("PS256"), "PS256")) == CLAIMS


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("id_token_unknown_kid", {"kid": "no-such-key"}),
        ("id_token_crit_empty", {"crit": []}),
        ("id_token_b64", {"b64": False}),
        ("id_token_wrong_typ", {"typ": "logout+jwt"}),
        ("id_token_crit", {"crit": ["urn:example:must"], "urn:example:must": True}),
        ("id_token_wrong_kty_kid", {"kid": RING.signing_key("ES256")["kid"]}),
    ],
)
def test_headers_of_well_signed_tokens(name, changes):
    """The header differs in these members alone, and the registered key signed the token."""
    token = bent(name)
    assert parts(token) == ({"alg": "RS256", "typ": "JWT", "kid": KID, **changes}, b'{"sub":"somebody","exp":10}')
    header, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "===")
    RING.signing_key("RS256").get_op_key("verify").verify(raw, f"{header}.{payload}".encode(), *_pkcs1())


def _pkcs1():
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return PKCS1v15(), SHA256()


def test_no_alg():
    """The token without alg is signed as registered."""
    token = bent("id_token_no_alg")
    assert parts(token)[0] == {"typ": "JWT", "kid": KID}


def test_foreign_keys():
    """jwk, jku and x5c tokens verify with the foreign key that they name, and its kid is not published."""
    foreign = foreign_key("RS256")
    for name, member in (("jwk", "jwk"), ("jku", "jku"), ("x5c", "x5c")):
        token = bent(f"id_token_header_{name}")
        header = parts(token)[0]
        assert set(header) == {"alg", "typ", "kid", member}
        assert header["kid"] == foreign["kid"]
        signed = JWS()
        signed.deserialize(token)
        signed.verify(foreign, alg="RS256")
    assert parts(bent("id_token_header_jwk"))[0]["jwk"]["n"] == foreign["n"]
    assert parts(bent("id_token_header_jku"))[0]["jku"] == "http://127.0.0.1:9000/foreign-jwks.json"


def test_certificate_in_x5c():
    """The certificate in x5c is the foreign key's."""
    (text,) = parts(bent("id_token_header_x5c"))[0]["x5c"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(text))
    numbers = certificate.public_key().public_numbers()
    assert numbers == foreign_key("RS256").get_op_key("verify").public_numbers()


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("id_token_duplicate_header", "none", "RS256"), ("id_token_duplicate_claim", "somebody-else", "somebody")],
)
def test_duplicates(name, first, second):
    """The repeated member says the wrong thing first and the right thing last, in a well signed token."""
    token = bent(name)
    text = base64.urlsafe_b64decode(token.split(".")[name.endswith("claim")] + "===")
    pairs = json.loads(text, object_pairs_hook=list)
    assert [value for key, value in pairs if key in {"alg", "sub"}] == [first, second]
    signed_text, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "===")
    RING.signing_key("RS256").get_op_key("verify").verify(raw, signed_text.encode(), *_pkcs1())


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("id_token_not_json", b"not JSON"),
        ("id_token_array", b'[{"sub":"somebody","exp":10}]'),
        ("id_token_exp_infinite", b'{"sub":"somebody","exp":1e400}'),
    ],
)
def test_payloads(name, payload):
    """The odd payload is well signed."""
    assert RING.verify(bent(name)) == payload


def test_weak_key_is_published():
    """The weak key signs by RS256 and stands in the key set, with 1024 bits."""
    token = bent("id_token_weak_key")
    assert parts(token)[0]["kid"] == weak_key()["kid"]
    assert weak_key().get_op_key("verify").key_size == 1024


def test_serializations():
    """Cut, padded, broken and re-shaped tokens differ from a healthy one in just that."""
    healthy = write_id_token(CLAIMS, SCENE, FAULTS["jwks_500"])
    signed, _, signature = healthy.rpartition(".")
    assert bent("id_token_empty_signature") == signed + "."
    assert bent("id_token_two_parts") == signed
    assert bent("id_token_padded") == healthy + "=="
    assert bent("id_token_whitespace").replace("\n", "") == healthy
    assert json.loads(bent("id_token_json_serialization")) == dict(
        zip(("protected", "payload", "signature"), healthy.split("."), strict=True)
    )
    stray = bent("id_token_trailing_bits").rpartition(".")[2]
    assert stray != signature
    assert base64.urlsafe_b64decode(stray + "===") == base64.urlsafe_b64decode(signature + "===")
    broken = bent("id_token_bad_signature").rpartition(".")[2]
    assert sum(a != b for a, b in zip(broken, signature, strict=True)) == 1


def test_encrypted():
    """The encrypted token opens with the foreign key and holds the healthy one."""
    sealed = JWE()
    sealed.deserialize(bent("id_token_encrypted"))
    private = foreign_key("RS256").export_private(as_dict=True)
    sealed.decrypt(JWK(**{name: value for name, value in private.items() if name not in {"use", "alg"}}))
    assert sealed.payload.decode() == write_id_token(CLAIMS, SCENE, FAULTS["jwks_500"])
