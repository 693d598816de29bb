"""Random values of a sign-in (RFC 6749 10.12, OIDC Core 15.5.2, RFC 7636). The core's one random source."""

from __future__ import annotations

import hashlib
import secrets

from signon.core.values import b64url_encode

RANDOM_BYTES = 32
"""256 bits, as text 43 characters: RFC 7636 4.1 asks that much of a verifier, and no value needs less."""


def new_random() -> str:
    """A fresh random value of 256 bits as 43 characters of base64url: a session id, a verifier, or any other."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def new_nonce_and_verifier() -> tuple[str, str]:
    """A fresh nonce and PKCE code verifier (RFC 7636 4.1): two random values, drawn from the system at once."""
    drawn = secrets.token_bytes(2 * RANDOM_BYTES)
    return b64url_encode(drawn[:RANDOM_BYTES]), b64url_encode(drawn[RANDOM_BYTES:])


def challenge_s256(verifier: str) -> str:
    """The S256 code challenge for a verifier (RFC 7636 4.2)."""
    return b64url_encode(hashlib.sha256(verifier.encode("ascii")).digest())
