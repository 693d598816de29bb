"""The header of a signed token, read before anything else of it and by stricter rules than any library's.

A library's reader is written to accept what is allowed; here only what is needed is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from signon.core.errors import MalformedAnswer, TokenRejected
from signon.core.values import JsonObject, b64url_decode, is_b64url, read_json_object

MAX_TOKEN_CHARACTERS = 128 * 1024
"""A person with 300 groups and 30 KB of claims stays below 64 KB; beyond twice that it is no token."""
MAX_HEADER_CHARACTERS = 16 * 1024
"""Headers may carry a certificate chain (x5c) that we don't read; that is some 8 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alg:
    """What a signature algorithm asks of its key and of `at_hash` (RFC 7518 3.1, RFC 8037, OIDC Core 3.1.3.6)."""

    kty: str
    crv: str | None
    minimum_bits: int
    hash: str


ALGS: Mapping[str, Alg] = MappingProxyType(
    {
        **{
            f"{family}{bits}": Alg(kty="RSA", crv=None, minimum_bits=2048, hash=f"sha{bits}")
            for family in ("RS", "PS")
            for bits in (256, 384, 512)
        },
        **{
            f"HS{bits}": Alg(kty="oct", crv=None, minimum_bits=bits, hash=f"sha{bits}") for bits in (256, 384, 512)
        },
        "ES256": Alg(kty="EC", crv="P-256", minimum_bits=256, hash="sha256"),
        "ES384": Alg(kty="EC", crv="P-384", minimum_bits=384, hash="sha384"),
        "ES512": Alg(kty="EC", crv="P-521", minimum_bits=521, hash="sha512"),
        "EdDSA": Alg(kty="OKP", crv="Ed25519", minimum_bits=255, hash="sha512"),
        "Ed25519": Alg(kty="OKP", crv="Ed25519", minimum_bits=255, hash="sha512"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The members of a JWS header that mean anything to us. `jwk`, `jku`, `x5u` and `x5c` never do."""

    alg: str
    kid: str | None
    typ: str | None


def read_header(token: str, *, document: str) -> Header:
    """Read the header of a compact JWS (RFC 7515 7.1) without trusting it.

    Codes `<document>_…`: `too_large`, `encrypted` (five parts), `not_compact`, `not_base64url`,
    `header_invalid`, `header_duplicate_member`, `header_crit`, `header_b64`, `alg_missing`, `kid_invalid`,
    `typ_invalid`.
    """
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise rejected(document, "too_large", "is longer than any token", "")
    parts = token.split(".", 5)
    if len(parts) == 5:  # noqa: PLR2004 - the five parts of RFC 7516 7.1
        raise rejected(document, "encrypted", "is encrypted, and encryption was not agreed", "RFC 7516 7.1")
    if len(parts) != 3:  # noqa: PLR2004 - the three parts of RFC 7515 7.1
        raise rejected(document, "not_compact", "is not a compact JWS", "RFC 7515 7.1")
    if len(parts[0]) > MAX_HEADER_CHARACTERS or not all(map(is_b64url, parts)):
        raise rejected(document, "not_base64url", "is not strict base64url", "RFC 7515 2")
    return _read(parts[0], document)


@lru_cache(maxsize=64)
def _read(encoded: str, document: str) -> Header:
    """The header of these very characters: an issuer's tokens all have the same."""
    raw = b64url_decode(encoded) or b""
    try:
        header = read_json_object(raw, document="header")
    except MalformedAnswer as error:
        if error.code == "header_duplicate_member":
            raise rejected(document, error.code, "has a header member twice", "RFC 7515 4") from None
        raise rejected(document, "header_invalid", "has a header that can't be read", "RFC 7515 4") from None
    return _known_members(header, document)


def _known_members(header: JsonObject, document: str) -> Header:
    if "crit" in header:
        raise rejected(document, "header_crit", "has a critical header that we don't know", "RFC 7515 4.1.11")
    if "b64" in header:
        raise rejected(document, "header_b64", "has an unencoded payload", "RFC 7797 7")
    alg = header.get("alg")
    if not isinstance(alg, str):
        raise rejected(document, "alg_missing", "names no algorithm", "RFC 7515 4.1.1")
    return Header(
        alg=alg,
        kid=_optional_text(header, "kid", document, "RFC 7515 4.1.4"),
        typ=_optional_text(header, "typ", document, "RFC 7515 4.1.9"),
    )


def _optional_text(header: JsonObject, name: str, document: str, section: str) -> str | None:
    if name not in header:
        return None
    value = header[name]
    if not isinstance(value, str):
        raise rejected(document, f"{name}_invalid", f"has a value of {name} that is not text", section)
    return value


def rejected(document: str, kind: str, sentence: str, section: str) -> TokenRejected:
    """An error about a token as a whole: code `<document>_<kind>`."""
    return TokenRejected(f"{document}_{kind}", f"the {document} {sentence}", section=section)
