"""The ID token's claims (OIDC Core 2, 3.1.3.6) and its signing."""

import hashlib
import secrets
from collections.abc import Callable

from jwcrypto.common import base64url_encode
from jwcrypto.jwk import JWK

from signon_idp.dialect import Dialect
from signon_idp.faults.kinds import Fault, bend
from signon_idp.jws import Draft, draft, write
from signon_idp.keys import KeyRing, secret_key
from signon_idp.model import Client, Grant, JsonObject
from signon_idp.scene import Scene

# Ed25519 hashes with SHA-512, and so does its at_hash; the others end in 256.
_HASHES = {"EdDSA": hashlib.sha512}


def half_hash(value: str, alg: str) -> str:
    """The left half of a token's or a code's hash, base64url (OIDC Core 3.1.3.6, 3.3.2.11)."""
    digest = _HASHES.get(alg, hashlib.sha256)(value.encode()).digest()
    half: str = base64url_encode(digest[: len(digest) // 2])
    return half


def signing_key(keys: KeyRing, client: Client, alg: str) -> JWK:
    """The provider's key for `alg`, or for HS256 the client's secret."""
    return secret_key(client.client_secret or "") if alg == "HS256" else keys.signing_key(alg)


def id_token_claims(
    dialect: Dialect, scene: Scene, *, access_token: str | None, code: str | None = None
) -> JsonObject:
    """The healthy claims for the scene's client and grant; times are whole POSIX seconds.

    An ID token that is all there is says everything (OIDC Core 5.4).
    """
    client, grant = _parties(scene)
    if grant.persona is None:
        raise AssertionError("an ID token is about a person")
    claims: JsonObject = {
        "iss": scene.issuer,
        "sub": grant.persona.sub,
        "aud": client.client_id,
        "exp": int(scene.now) + dialect.lifetimes.id_token,
        "iat": int(scene.now),
        "auth_time": int(grant.auth_time),
        "acr": grant.acr,
        "amr": list(dialect.acrs[grant.acr]),
        "sid": grant.sid,
        "jti": secrets.token_urlsafe(16),
    }
    for name, value in (("at_hash", access_token), ("c_hash", code)):
        if value is not None:
            claims[name] = half_hash(value, client.id_token_signed_response_alg)
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if client.claims_in_id_token or grant.asked.get("response_type") == "id_token":
        claims.update(dialect.claims_for(grant.persona, grant.scopes))
    return dialect.id_token_claims(claims, scene)


def write_id_token(
    claims: JsonObject, scene: Scene, fault: Fault, *, shape: Callable[[Draft], Draft] | None = None
) -> str:
    """Sign `claims` for the scene's client as it is registered, bent by `fault` where that bends ID tokens.

    `shape` spells the token as the vendor does, before it is bent.
    """
    client, _ = _parties(scene)
    alg = client.id_token_signed_response_alg
    bent = bend(fault.claims, claims, scene)
    token = draft(bent, key=signing_key(scene.keys, client, alg), alg=alg)
    token = shape(token) if shape is not None else token
    return bend(fault.compact, write(bend(fault.draft, token, scene)), scene)


def _parties(scene: Scene) -> tuple[Client, Grant]:
    if scene.client is None or scene.grant is None:
        raise AssertionError("an ID token needs a client and a grant")
    return scene.client, scene.grant
