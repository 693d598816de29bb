"""Compact JWS written by hand over jwcrypto's algorithms, so that a fault can bend any byte (RFC 7515 7.1)."""

from dataclasses import dataclass
from typing import Any

from jwcrypto.common import base64url_encode
from jwcrypto.jwa import JWA
from jwcrypto.jwk import JWK

from signon_idp.model import JsonObject
from signon_idp.replies import dump


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A token about to be signed. `alg` is what really signs (None: nothing does), whatever the header says."""

    header: JsonObject
    payload: bytes
    alg: str | None
    key: JWK
    header_text: bytes | None = None


def draft(claims: JsonObject, *, key: JWK, alg: str, typ: str = "JWT") -> Draft:
    """A healthy token of `claims`, to be signed by `key`."""
    header: JsonObject = {"alg": alg, "typ": typ}
    if alg != "HS256":
        header["kid"] = key["kid"]
    return Draft(header=header, payload=dump(claims), alg=alg, key=key)


def write(token: Draft) -> str:
    """The compact serialization of `token`."""
    header = token.header_text if token.header_text is not None else dump(token.header)
    signing_input = f"{base64url_encode(header)}.{base64url_encode(token.payload)}"
    return f"{signing_input}.{base64url_encode(sign(token, signing_input.encode()))}"


def sign(token: Draft, signing_input: bytes) -> bytes:
    """The signature's octets; none for an unsecured token."""
    if token.alg is None:
        return b""
    algorithm: Any = JWA.signing_alg(token.alg)
    signature: bytes = algorithm.sign(token.key, signing_input)
    return signature
