"""Faults of the ID token's form: its header, its signature, its serialization (RFC 7515, RFC 7519, RFC 8725)."""

import json
from dataclasses import replace

from jwcrypto.common import base64url_encode
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from signon_idp.faults.foreign import foreign_certificate
from signon_idp.faults.kinds import Bend, Fault
from signon_idp.faults.shapes import raw_object
from signon_idp.jws import Draft
from signon_idp.keys import foreign_key, public, weak_key
from signon_idp.model import JsonObject
from signon_idp.replies import Reply, dump
from signon_idp.scene import Scene

FOREIGN_JWKS_PATH = "/foreign-jwks.json"
_BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

BendDraft = Bend[Draft]
BendCompact = Bend[str]


def with_header(**members: object) -> BendDraft:
    """A header with these members, under a good signature."""
    return lambda draft, _scene: replace(draft, header={**draft.header, **members})


def unsecured(alg: str) -> BendDraft:
    """A token that nobody signed, and whose header says so."""
    return lambda draft, _scene: replace(draft, header={**draft.header, "alg": alg}, alg=None)


def _no_alg(draft: Draft, _scene: Scene) -> Draft:
    return replace(draft, header={name: value for name, value in draft.header.items() if name != "alg"})


def hs256_public_key(draft: Draft, scene: Scene) -> Draft:
    """A token signed by HS256 with a public key as the secret."""
    pem = scene.keys.signing_key("RS256").export_to_pem()
    return replace(
        draft,
        header={**draft.header, "alg": "HS256"},
        alg="HS256",
        key=JWK(kty="oct", k=base64url_encode(pem)),
    )


def other_alg(draft: Draft, scene: Scene) -> Draft:
    """A token well signed by an algorithm that the client is not registered for."""
    alg = "RS256" if draft.alg == "PS256" else "PS256"
    key = scene.keys.signing_key(alg)
    return replace(draft, header={**draft.header, "alg": alg, "kid": key["kid"]}, alg=alg, key=key)


def _foreign(draft: Draft, member: str, value: object) -> Draft:
    key = foreign_key(foreign_alg(draft))
    header: JsonObject = {**draft.header, "alg": foreign_alg(draft), "kid": key["kid"], member: value}
    return replace(draft, header=header, alg=foreign_alg(draft), key=key)


def foreign_alg(draft: Draft) -> str:
    """The algorithm of a forger whose key is nobody's."""
    # A secret can't be published in a header, so where HS256 is registered the forger uses RS256.
    return "RS256" if draft.alg in {None, "HS256"} else str(draft.alg)


def _header_jwk(draft: Draft, _scene: Scene) -> Draft:
    return _foreign(draft, "jwk", public(foreign_key(foreign_alg(draft))))


def _header_jku(draft: Draft, scene: Scene) -> Draft:
    return _foreign(draft, "jku", scene.issuer.rstrip("/") + FOREIGN_JWKS_PATH)


def _header_x5c(draft: Draft, _scene: Scene) -> Draft:
    return _foreign(draft, "x5c", [foreign_certificate(foreign_alg(draft))])


def _duplicate_header(draft: Draft, _scene: Scene) -> Draft:
    return replace(draft, header_text=b'{"alg":"none",' + dump(draft.header)[1:])


def _duplicate_claim(draft: Draft, _scene: Scene) -> Draft:
    return replace(draft, payload=b'{"sub":"somebody-else",' + draft.payload[1:])


def _exp_infinite(draft: Draft, _scene: Scene) -> Draft:
    claims = json.loads(draft.payload)
    del claims["exp"]
    return replace(draft, payload=raw_object(claims, "exp", b"1e400"))


def _payload_array(draft: Draft, _scene: Scene) -> Draft:
    return replace(draft, payload=b"[" + draft.payload + b"]")


def _weak_key(draft: Draft, _scene: Scene) -> Draft:
    key = weak_key()
    return replace(draft, header={**draft.header, "alg": "RS256", "kid": key["kid"]}, alg="RS256", key=key)


def _weak_key_published(reply: Reply, _scene: Scene) -> Reply:
    keys = reply.members()["keys"]
    return replace(reply, body=dump({"keys": [*keys, public(weak_key())]}))


def _wrong_kty_kid(draft: Draft, scene: Scene) -> Draft:
    other = "RS256" if draft.alg == "ES256" else "ES256"
    return replace(draft, header={**draft.header, "kid": scene.keys.signing_key(other)["kid"]})


def _bad_signature(token: str, _scene: Scene) -> str:
    signed, _, signature = token.rpartition(".")
    changed = "B" if signature[8] == "A" else "A"
    return f"{signed}.{signature[:8]}{changed}{signature[9:]}"


def _empty_signature(token: str, _scene: Scene) -> str:
    return token.rpartition(".")[0] + "."


def _two_parts(token: str, _scene: Scene) -> str:
    return token.rpartition(".")[0]


def _json_serialization(token: str, _scene: Scene) -> str:
    header, payload, signature = token.split(".")
    return dump({"protected": header, "payload": payload, "signature": signature}).decode()


def _encrypted(token: str, _scene: Scene) -> str:
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT"}
    # Without `use`, since jwcrypto encrypts to no key that is for signatures.
    recipient = JWK(**{name: foreign_key("RS256")[name] for name in ("kty", "n", "e")})
    sealed = JWE(token.encode(), json.dumps(header), recipient=recipient)
    text: str = sealed.serialize(compact=True)
    return text


def _padded(token: str, _scene: Scene) -> str:
    return token + "=" * (-len(token.rpartition(".")[2]) % 4)


def _whitespace(token: str, _scene: Scene) -> str:
    return f"{token[:-8]}\n{token[-8:]}"


def _trailing_bits(token: str, _scene: Scene) -> str:
    # The last character carries bits that no octet holds; a strict decoder wants them to be zero (RFC 4648 3.5).
    return token[:-1] + _BASE64URL[_BASE64URL.index(token[-1]) + 1]


_DRAFTS: dict[str, tuple[str, BendDraft]] = {
    "id_token_alg_none": ("alg is none, and nothing is signed.", unsecured("none")),
    "id_token_alg_none_mixed_case": ("alg is nOnE, and nothing is signed.", unsecured("nOnE")),
    "id_token_no_alg": ("The header has no alg.", _no_alg),
    "id_token_hs256_public_key": ("Signed by HS256 with the RS256 key's public PEM as secret.", hs256_public_key),
    "id_token_other_alg": ("Signed well, by an algorithm that is not registered: PS256, or RS256.", other_alg),
    "id_token_unknown_kid": ("kid names no published key.", with_header(kid="no-such-key")),
    "id_token_header_jwk": ("Signed by a foreign key that only the header's jwk names.", _header_jwk),
    "id_token_header_jku": ("Signed by a foreign key that only the header's jku leads to.", _header_jku),
    "id_token_header_x5c": ("Signed by a foreign key that only the header's x5c names.", _header_x5c),
    "id_token_crit": (
        "crit names an extension that nobody knows.",
        with_header(**{"crit": ["urn:example:must"], "urn:example:must": True}),
    ),
    "id_token_crit_empty": ("crit is an empty array.", with_header(crit=[])),
    "id_token_b64": ("The header has b64, which belongs in no JWT.", with_header(b64=False)),
    "id_token_duplicate_header": ("The header's alg comes twice: none, then the right one.", _duplicate_header),
    "id_token_duplicate_claim": ("sub comes twice: somebody else, then the right one.", _duplicate_claim),
    "id_token_exp_infinite": ("exp is 1e400.", _exp_infinite),
    "id_token_not_json": (
        "The signed payload is no JSON.",
        lambda draft, _scene: replace(draft, payload=b"not JSON"),
    ),
    "id_token_array": ("The signed payload is an array that holds the claims.", _payload_array),
    "id_token_wrong_typ": ("typ is logout+jwt.", with_header(typ="logout+jwt")),
    "id_token_wrong_kty_kid": ("kid names a published key of another kind.", _wrong_kty_kid),
}
_COMPACTS: dict[str, tuple[str, BendCompact]] = {
    "id_token_bad_signature": ("One character of the signature is changed.", _bad_signature),
    "id_token_empty_signature": ("The signature is cut off, its dot stays.", _empty_signature),
    "id_token_json_serialization": ("The token is in JSON serialization.", _json_serialization),
    "id_token_two_parts": ("The token has two parts.", _two_parts),
    "id_token_encrypted": ("The token is encrypted to somebody else's key.", _encrypted),
    "id_token_padded": ("The signature has base64 padding.", _padded),
    "id_token_whitespace": ("A line end stands inside the signature.", _whitespace),
    "id_token_trailing_bits": ("The signature's last character has stray bits.", _trailing_bits),
}

JOSE_FAULTS = {
    **{name: Fault(sentence=says, draft=bend) for name, (says, bend) in _DRAFTS.items()},
    **{name: Fault(sentence=says, compact=bend) for name, (says, bend) in _COMPACTS.items()},
    "id_token_weak_key": Fault(
        sentence="Signed by a published RSA key of 1024 bits.", draft=_weak_key, jwks=_weak_key_published
    ),
}
