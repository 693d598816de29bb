"""The key pair of the usual client at vendors that encrypt to it: made once per process, never kept."""

from functools import cache

from jwcrypto.jwk import JWK

from signon_idp.model import JsonObject

_RSA_BITS = 2048


def public_keys() -> JsonObject:
    """The public half as a JWK Set, as a client registers it."""
    return {"keys": [_pair().export_public(as_dict=True)]}


def private_pem() -> str:
    """The private half as the application has it: PEM (PKCS#8)."""
    pem: bytes = _pair().export_to_pem(private_key=True, password=None)
    return pem.decode("ascii")


@cache
def _pair() -> JWK:
    key = JWK.generate(kty="RSA", size=_RSA_BITS)
    key.update(use="enc", kid=key.thumbprint()[:16])
    return key
