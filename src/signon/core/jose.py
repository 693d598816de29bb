"""Signatures (RFC 7515) and encryption (RFC 7516). The only module that knows joserfc.

The header is read here first, by rules stricter than any library's, because a library's reader is written to
accept what is allowed and we accept only what is needed. What comes back are the verified bytes themselves.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from signon.core.errors import MalformedAnswer, OperatorError
from signon.core.header import ALGS, MAX_HEADER_CHARACTERS, MAX_TOKEN_CHARACTERS, rejected
from signon.core.shared_key import CONTENT_OCTETS, open_gcm
from signon.core.values import JsonObject, b64url_decode, is_b64url, read_json_object

VerifyingKey: TypeAlias = RSAKey | ECKey | OKPKey | OctKey


class _Registry(jws.JWSRegistry):
    """joserfc's registry with our limits, for signing. Its own look-up warns of EdDSA at each use."""

    max_header_length = MAX_HEADER_CHARACTERS
    max_payload_length = MAX_TOKEN_CHARACTERS
    max_signature_length = MAX_HEADER_CHARACTERS

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


_SIGNING = _Registry(strict_check_header=False)
_ALGORITHMS = MappingProxyType({alg: jws.JWSRegistry.algorithms[alg] for alg in ALGS})

_KEY_TYPES: Mapping[str, type[RSAKey | ECKey | OKPKey]] = MappingProxyType(
    {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
)


def verify_jws(token: str, *, key: VerifyingKey, alg: str, document: str) -> bytes:
    """Verify a compact JWS that `read_header` has read, and return the verified payload.

    `alg` is the one we expect, never the token's own choice. Raises `TokenRejected` with the code
    `<document>_signature`. joserfc's algorithm is called by itself: its reader would read the header again, by
    looser rules, and take the algorithm from there.
    """
    signed, _, signature = token.rpartition(".")
    right = False
    # What the engine can't compute with is no signature. Its own error, whose text may hold parts of the token,
    # must not become the context of ours.
    with suppress(JoseError, ValueError, TypeError, UnsupportedAlgorithm):
        right = _ALGORITHMS[alg].verify(signed.encode("ascii"), b64url_decode(signature) or b"", key)
    payload = b64url_decode(signed.partition(".")[2]) if right else None
    if payload is not None:
        return payload
    raise rejected(document, "signature", "is not signed by this issuer", "RFC 7515 5.2")


def public_key(jwk: JsonObject) -> VerifyingKey | None:
    """The key of one member of a JWKS, ready for use, or None where it can't be used (RFC 7517 5)."""
    kind = _KEY_TYPES.get(str(jwk.get("kty")))
    if kind is None:
        return None
    wanted: dict[str, str | list[str]] = {
        name: value for name, value in jwk.items() if name in _KEY_MEMBERS and isinstance(value, str)
    }
    try:
        key = kind.import_key(wanted)
        key.public_key  # noqa: B018 - makes the native key now, once, and not in the first sign-in
    except Exception:  # noqa: BLE001 - one odd key of a set must not break the others, however it is odd
        return None
    return key


_KEY_MEMBERS = frozenset({"kty", "crv", "x", "y", "n", "e"})


def secret_key(octets: bytes, *, alg: str) -> OctKey:
    """The key of an HMAC algorithm: the client secret's octets and nothing else (OIDC Core 10.1).

    Raises `OperatorError` (`client_secret_short`) below the length of the hash.
    """
    if 8 * len(octets) < ALGS[alg].minimum_bits:
        raise OperatorError(
            "client_secret_short",
            f"{alg} needs a client secret of at least {ALGS[alg].minimum_bits // 8} octets",
            section="RFC 7518 3.2",
        )
    return OctKey.import_key(octets)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKey:
    """One of our own keys, loaded once: loading one costs a hundred times what using it does."""

    kid: str
    """The key's thumbprint (RFC 7638) where it has no name of its own."""
    kty: str
    key: RSAKey | ECKey | OKPKey = field(repr=False)
    use: str | None = field(default=None, repr=False)
    """"sig" or "enc" where its JWK says that it is for that alone (RFC 7517 4.2)."""
    jwk_alg: str | None = field(default=None, repr=False)
    """The algorithm that its JWK says it is for (RFC 7517 4.4)."""

    @property
    def alg(self) -> str:
        """The signature algorithm that the key is for, else the one that goes with its kind."""
        if self.jwk_alg is not None and self.jwk_alg in ALGS:
            return self.jwk_alg
        if isinstance(self.key, ECKey):
            return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[self.key.curve_name]
        return "RS256" if self.kty == "RSA" else "EdDSA"


def private_keys(text: str) -> tuple[PrivateKey, ...]:
    r"""Our private keys from a PEM (PKCS#8, or PKCS#1 for RSA), a JWK or a JWK Set.

    Line ends of a PEM may be written as `\n`, as environment files do. Raises `OperatorError`
    (`private_key_unreadable`) for anything else: public keys, RSA below 2048 bits, unknown curves.
    """
    try:
        text = text.strip()
        found = json.loads(text) if text.startswith("{") else text.replace("\\r", "").replace("\\n", "\n")
        members = found["keys"] if isinstance(found, dict) and "keys" in found else [found]
        keys = tuple(_private_key(member) for member in members)
    except Exception:  # noqa: BLE001 - whatever a parser says of a private key, its text must not go any further
        keys = ()
    if not keys:
        raise OperatorError(
            "private_key_unreadable",
            "the private key is no PEM (PKCS#8 or PKCS#1), JWK or JWK Set that can be used",
        )
    return keys


MINIMUM_SIZES = {"RSA": 2048, "EC": 256, "OKP": 0}
"""Bits of a private key of each kind (RFC 7518 3.3)."""


_USAGE = ("use", "alg", "key_ops")
_OPENS = frozenset({"decrypt", "unwrapKey", "deriveKey", "deriveBits"})


def _private_key(source: Any) -> PrivateKey:
    if isinstance(source, dict):
        kind = _KEY_TYPES[source["kty"]]
        # Without what it is for: the engine would judge that at each use. We do at the start, and publish it.
        key: RSAKey | ECKey | OKPKey = kind.import_key({n: v for n, v in source.items() if n not in _USAGE})
        use, alg = _use(*(source.get(name) for name in _USAGE)), source.get("alg")
    else:
        key = next(key for key in (_from_pem(kind, source) for kind in _KEY_TYPES.values()) if key is not None)
        use = alg = None
    native = key.private_key
    if native is None or getattr(native, "key_size", 2048) < MINIMUM_SIZES[key.key_type]:
        raise ValueError
    if use is None and isinstance(key, OKPKey) and key.curve_name in {"X25519", "X448"}:
        use = "enc"  # no key of these signs (RFC 8037 3.2)
    own = PrivateKey(kid=key.kid or key.thumbprint(), kty=key.key_type, key=key, use=use, jwk_alg=alg)
    if not may_sign(own, own.alg) and own.use != "enc":  # an unknown curve fails here, too, at the start
        raise ValueError
    return own


def _use(use: Any, alg: Any, operations: Any) -> str | None:
    """What a key is for, said by any one of three members (RFC 7517 4.2 to 4.4)."""
    if use is None and alg is not None:
        return "sig" if alg in ALGS else "enc"
    if use is None and operations is not None:
        signs, opens = "sign" in operations, not _OPENS.isdisjoint(operations)
        return None if signs and opens else "sig" if signs else "enc"
    return str(use) if use is not None else None


def may_sign(key: PrivateKey, alg: str) -> bool:
    """Whether a key can make signatures of this algorithm, and may."""
    curve = key.key.curve_name if isinstance(key.key, ECKey | OKPKey) else None
    said = key.jwk_alg is None or key.jwk_alg == alg
    return key.use in {None, "sig"} and said and (ALGS[alg].kty, ALGS[alg].crv) == (key.kty, curve)


def _from_pem(kind: type[RSAKey | ECKey | OKPKey], pem: str) -> RSAKey | ECKey | OKPKey | None:
    try:
        return kind.import_key(pem)
    except Exception:  # noqa: BLE001 - it is of another kind; when it is of none the caller says so
        return None


def public_jwk(key: PrivateKey) -> JsonObject:
    """The public half, for our own JWKS (RFC 7517 5)."""
    said = {name: value for name, value in (("use", key.use), ("alg", key.jwk_alg)) if value is not None}
    return {**key.key.as_dict(private=False), **said, "kid": key.kid}  # type: ignore[dict-item]  # text, or lists of text


def sign(claims: JsonObject, *, key: PrivateKey | bytes, alg: str, typ: str | None) -> str:
    """A compact JWS over a claims set, by one of our keys or by the octets of a shared secret."""
    header: dict[str, Any] = {"alg": alg, **({"typ": typ} if typ else {})}
    if isinstance(key, PrivateKey):
        header["kid"] = key.kid
    used = key.key if isinstance(key, PrivateKey) else secret_key(key, alg=alg)
    payload = json.dumps(claims, separators=(",", ":")).encode("utf-8")
    return jws.serialize_compact(header, payload, used, registry=_SIGNING)


ENCRYPTION_ALGS = ("RSA-OAEP-256", "RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
"""Key encryptions that may be registered. RSA1_5 and PBES2 never (RFC 8725 3.2)."""
_SHARED_KEY_ALGS = ("dir", "A128GCMKW", "A256GCMKW")
_CONTENT = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")


def is_encrypted(token: str) -> bool:
    """Whether a token has the five parts of a compact JWE (RFC 7516 7.1)."""
    return token.count(".") == 4  # noqa: PLR2004 - five parts have four dots


def decrypt_jwe(token: str, *, keys: Sequence[PrivateKey], algs: Collection[str], document: str) -> bytes:
    """Open a compact JWE that is encrypted to one of our keys.

    `algs` are the key encryptions that were agreed. Every failure to open is one code, `<document>_decryption`,
    so that nobody learns which step failed (RFC 7516 11.5); before it `<document>_encryption_alg`, and the
    codes of a malformed header.
    """
    header = _encryption_header(token, document, algs)
    kid = header.get("kid")  # any JSON value: compared, never hashed
    ours = [key for key in keys if key.use != "sig"]
    named = [key for key in ours if kid is None or kid == key.kid] or ours
    for key in named:
        plaintext = _open(token, key.key, [str(header["alg"]), *_CONTENT])
        if plaintext is not None:
            return plaintext
    raise rejected(document, "decryption", "can't be opened with our keys", "RFC 7516 5.2")


def symmetric_key(jwk: JsonObject) -> OctKey:
    """A shared key from its JWK; raises ValueError for anything else."""
    octets, key = jwk.get("k"), None
    if jwk.get("kty") == "oct" and isinstance(octets, str):
        try:
            key = OctKey.import_key({"kty": "oct", "k": octets})
        except Exception:  # noqa: BLE001 - a key's text must not go any further in somebody's exception
            key = None
    if key is None:
        msg = "not a symmetric key"
        raise ValueError(msg)
    return key


def decrypt_with(token: str, *, key: OctKey, document: str) -> bytes:
    """Open a compact JWE under a shared key; codes as `decrypt_jwe`."""
    header = _encryption_header(token, document, _SHARED_KEY_ALGS)
    if header["enc"] in CONTENT_OCTETS:
        plaintext = open_gcm(token, header=header, octets=key.raw_value)
    else:
        plaintext = _open(token, key, [str(header["alg"]), *_CONTENT])
    if plaintext is None:
        raise rejected(document, "decryption", "can't be opened with the shared key", "RFC 7516 5.2")
    return plaintext


class _EncryptionRegistry(jwe.JWERegistry):
    """joserfc's registry with our limits, without its look-up's warnings."""

    max_ciphertext_length = MAX_TOKEN_CHARACTERS
    max_protected_header_length = MAX_HEADER_CHARACTERS


@lru_cache(maxsize=32)
def _encryption_registry(algorithms: tuple[str, ...]) -> _EncryptionRegistry:
    return _EncryptionRegistry(algorithms=algorithms, strict_check_header=False)


def _open(token: str, key: RSAKey | ECKey | OKPKey | OctKey, algorithms: list[str]) -> bytes | None:
    registry = _encryption_registry(tuple(algorithms))
    try:
        return jwe.decrypt_compact(token, key, registry=registry).plaintext
    except Exception:  # noqa: BLE001 - joserfc lets several kinds through; all mean the same and none may be told apart
        return None


def _encryption_header(token: str, document: str, algs: Collection[str]) -> JsonObject:
    parts = token.split(".", 5) if len(token) <= MAX_TOKEN_CHARACTERS else []
    if len(parts) != 5 or not all(map(is_b64url, parts)):  # noqa: PLR2004 - RFC 7516 7.1
        raise rejected(document, "not_encrypted", "is not a compact JWE", "RFC 7516 7.1")
    try:
        header = read_json_object(b64url_decode(parts[0]) or b"", document="header")
    except MalformedAnswer:
        raise rejected(document, "header_invalid", "has a header that can't be read", "RFC 7516 4") from None
    if "zip" in header or "crit" in header:
        raise rejected(document, "header_crit", "asks for what we don't do (zip, crit)", "RFC 8725 3.6")
    if header.get("alg") not in algs or header.get("enc") not in _CONTENT:
        raise rejected(document, "encryption_alg", "is encrypted in a way that was not agreed", "RFC 8725 3.2")
    return header
