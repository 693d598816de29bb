"""What is encrypted to a client: nested tokens, signed first (OIDC Core 10.2, RFC 7519 5.2)."""

import json

from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from signon_idp.model import Client, JsonObject

_KTY = {"RSA-OAEP-256": "RSA", "RSA-OAEP": "RSA", "ECDH-ES": "EC"}


def encrypt(text: str, client: Client, *, alg: str, enc: str) -> str:
    """The compact JWE of `text`, to the client's first registered key that fits `alg`.

    Raises ValueError where the client has registered no such key.
    """
    keys: list[JsonObject] = list((client.jwks or {}).get("keys", ()))
    fitting = [key for key in keys if key["kty"] == _KTY[alg] and key.get("use", "enc") == "enc"]
    if not fitting:
        raise ValueError(f"{client.client_id} has registered no key for {alg}")
    header = {"alg": alg, "enc": enc, "cty": "JWT"}
    if "kid" in fitting[0]:
        header["kid"] = fitting[0]["kid"]
    # Without `alg` and `use`: a client may publish one key for both signing and encryption.
    recipient = JWK(**{name: value for name, value in fitting[0].items() if name not in {"alg", "use"}})
    sealed: str = JWE(text.encode(), json.dumps(header), recipient=recipient).serialize(compact=True)
    return sealed


def id_token_for(client: Client, signed: str) -> str:
    """A signed ID token as this client is registered for it: plain or encrypted."""
    alg = client.id_token_encrypted_response_alg
    return signed if alg is None else encrypt(signed, client, alg=alg, enc=client.id_token_encrypted_response_enc)


def userinfo_for(client: Client, text: str) -> str:
    """The same for userinfo, which is a signed token or plain claims."""
    alg = client.userinfo_encrypted_response_alg
    return text if alg is None else encrypt(text, client, alg=alg, enc=client.userinfo_encrypted_response_enc)
