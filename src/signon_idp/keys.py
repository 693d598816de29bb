"""The provider's signing keys, made once per process, and the decoys that stand beside them in the JWKS.

A relying party has to choose by kid, kty, crv, use and alg together; the decoys punish any shortcut. Their
private halves were thrown away.
"""

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources

from jwcrypto.common import base64url_encode
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS, InvalidJWSObject, InvalidJWSSignature

from signon_idp.model import JsonObject

SIGNATURES: dict[str, dict[str, object]] = {
    "RS256": {"kty": "RSA", "size": 2048},
    "PS256": {"kty": "RSA", "size": 2048},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
}
_WEAK_RSA_BITS = 1024

Generation = dict[str, JWK]


class KeyRing:
    """One key per signing algorithm; the generation before the present one stays published and accepted."""

    def __init__(self) -> None:
        """Start with the keys that this process made first, which every provider in it shares."""
        self._generations: tuple[Generation, ...] = (_first_generation(),)

    def signing_key(self, alg: str) -> JWK:
        """The present private key for `alg` (RS256, PS256, ES256 or EdDSA)."""
        return self._generations[0][alg]

    def rotate(self) -> None:
        """Sign with new keys from now on; publish the former ones once more (OIDC Core 10.1.1)."""
        self._generations = (_generation(), self._generations[0])

    def public_set(self, *, decoys: bool) -> JsonObject:
        """The JWK Set (RFC 7517 5): present keys, former keys, then decoys when asked for."""
        keys = [public(key) for generation in self._generations for key in generation.values()]
        return {"keys": [*keys, *self.decoys()] if decoys else keys}

    def decoys(self) -> list[JsonObject]:
        """Keys of every sort that never signed anything; the last one wears the kid of the RS256 key."""
        decoys = _decoys()
        twin = {
            **next(key for key in decoys if key["kid"] == "decoy-p256"),
            "kid": self.signing_key("RS256")["kid"],
        }
        return [*decoys, twin]

    def verify(self, token: str, *, secrets: Iterable[str] = ()) -> bytes | None:
        """The payload of a token that a published key of ours, or by HS256 one of `secrets`, signed; else None."""
        try:
            signed = JWS()
            signed.deserialize(token)
        except InvalidJWSObject:
            return None
        ours = [pair for generation in self._generations for pair in generation.items()]
        for alg, key in (*ours, *(("HS256", secret_key(secret)) for secret in secrets)):
            if _signed_by(signed, key, alg):
                payload: bytes = signed.payload
                return payload
        return None


def _signed_by(signed: JWS, key: JWK, alg: str) -> bool:
    signed.allowed_algs = [alg]
    try:
        signed.verify(key)
    except InvalidJWSSignature:
        return False
    return True


def public(key: JWK) -> JsonObject:
    """The public half as a JSON object."""
    members: JsonObject = key.export_public(as_dict=True)
    return members


def secret_key(secret: str) -> JWK:
    """A client secret's octets as a key for HS256 (OIDC Core 10.1)."""
    return JWK(kty="oct", k=base64url_encode(secret.encode()))


@cache
def foreign_key(alg: str) -> JWK:
    """A key pair that belongs to nobody, of the sort that `alg` needs."""
    return _named(JWK.generate(**SIGNATURES[alg]), alg)


@cache
def weak_key() -> JWK:
    """An RSA key too short for RS256 (RFC 7518 3.3 wants 2048 bits)."""
    return _named(JWK.generate(kty="RSA", size=_WEAK_RSA_BITS), "RS256")


@cache
def _first_generation() -> Generation:
    return _generation()


def _generation() -> Generation:
    return {alg: _named(JWK.generate(**shape), alg) for alg, shape in SIGNATURES.items()}


def _named(key: JWK, alg: str) -> JWK:
    key.update(kid=key.thumbprint()[:16], use="sig", alg=alg)
    return key


@cache
def _decoys() -> list[JsonObject]:
    text = resources.files("signon_idp").joinpath("decoys.json").read_text(encoding="utf-8")
    decoys: list[JsonObject] = json.loads(text)
    return decoys
