"""Tokens that are encrypted to us (OIDC Core 3.1.3.7 step 1, 5.3.2): opened first, then verified as any other."""

from __future__ import annotations

from signon.core.errors import TokenRejected
from signon.core.jose import ENCRYPTION_ALGS, decrypt_jwe, is_encrypted
from signon.core.provider import Provider
from signon.core.values import Secret


def open_token(token: Secret, *, provider: Provider, registered: str | None, document: str) -> Secret:
    """The signed token inside, or the token itself where it comes plain and no encryption was registered.

    What is inside is judged like every token: claims without a signature are refused there (RFC 8725 3.3).
    Codes: `<document>_not_encrypted`, `<document>_encryption_alg`, `<document>_decryption`.
    """
    if not is_encrypted(token.reveal()):
        if registered is None:
            return token
        raise TokenRejected(
            f"{document}_not_encrypted",
            f"the {document} is registered to come encrypted, and did not",
            section="OIDC Core 3.1.3.7, step 1",
        )
    if not provider.private_keys:
        return token  # the reader of its header says that encryption was not agreed
    algs = ENCRYPTION_ALGS if registered is None else (registered,)
    inside = decrypt_jwe(token.reveal(), keys=provider.private_keys, algs=algs, document=document)
    return Secret(inside.decode("ascii", "replace"))
