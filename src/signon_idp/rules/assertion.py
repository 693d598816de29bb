"""Client assertions (RFC 7523 3, OIDC Core 9): a client proves itself by a JWT of its own."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jwcrypto.common import JWException, base64url_decode
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from signon_idp.errors import OAuthError
from signon_idp.keys import secret_key
from signon_idp.model import ASSERTION_ALGS, Client, JsonObject

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST_LIFE_SECONDS = 300
_LEEWAY_SECONDS = 10
_TYPS = {None, "jwt", "client-authentication+jwt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What assertions are judged by: our issuer, POSIX seconds, and who remembers which `jti` was there before.

    `first_use(jti, until)` says whether this is the first time, and keeps it until then.
    """

    issuer: str
    now: float
    first_use: Callable[[str, float], bool]


def claimed_client(assertion: str) -> str:
    """The `sub` that an assertion claims, unverified: whose keys to look for; empty where it can't be read."""
    try:
        subject = json.loads(base64url_decode(assertion.split(".")[1])).get("sub", "")
    except (ValueError, IndexError, AttributeError, TypeError):
        return ""
    return subject if isinstance(subject, str) else ""


def check_assertion(assertion: str, client: Client, judge: Judge) -> None:
    """Signature, then each sentence of RFC 7523 3; OAuthError `invalid_client` for any of them."""
    claims = _verified(assertion, client)
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise _refused("iss and sub must both be the client_id")
    audience = claims.get("aud")
    # One string, or an assertion could be made for several servers at once (draft-ietf-oauth-rfc7523bis).
    if not isinstance(audience, str) or not hmac.compare_digest(audience.encode(), judge.issuer.encode()):
        raise _refused("aud must be the issuer, as one string")
    _check_times(claims, judge.now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise _refused("jti is missing")
    if not judge.first_use(f"{client.client_id} {jti}", float(claims["exp"]) + _LEEWAY_SECONDS):
        raise _refused("the assertion was used before")


def _verified(assertion: str, client: Client) -> JsonObject:
    method = client.token_endpoint_auth_method
    registered = client.token_endpoint_auth_signing_alg
    allowed = ASSERTION_ALGS.get(method, ()) if registered is None else (registered,)
    try:
        token = JWS()
        token.deserialize(assertion)
        header = json.loads(token.objects["protected"])
    except (JWException, ValueError, KeyError):
        raise _refused("it is no compact JWS") from None
    if header.get("alg") not in allowed:
        raise _refused(f"it must be signed with {' or '.join(allowed)}")
    typ = header.get("typ")
    if (typ.lower() if isinstance(typ, str) else typ) not in _TYPS:
        raise _refused("its typ is another")
    token.allowed_algs = list(allowed)
    if not any(_signed_by(token, key) for key in _candidates(client, header)):
        raise _refused("it is not signed by this client")
    try:
        claims = json.loads(token.payload)
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise _refused("its payload is no JSON object")
    return claims


def _candidates(client: Client, header: JsonObject) -> list[JWK]:
    if client.token_endpoint_auth_method == "client_secret_jwt":
        return [secret_key(client.client_secret or "")]
    members: list[JsonObject] = list((client.jwks or {}).get("keys", ()))
    kid = header.get("kid")
    return [JWK(**key) for key in members if key.get("use", "sig") == "sig" and kid in {None, key.get("kid")}]


def _signed_by(token: JWS, key: JWK) -> bool:
    try:
        token.verify(key)
    except (JWException, ValueError, TypeError):
        return False
    return True


def _check_times(claims: JsonObject, now: float) -> None:
    exp = _number(claims.get("exp"))
    if exp is None or now >= exp + _LEEWAY_SECONDS:
        raise _refused("exp is missing or past")
    if exp > now + _LONGEST_LIFE_SECONDS + _LEEWAY_SECONDS:
        raise _refused("exp is more than five minutes ahead")
    for name in ("iat", "nbf"):
        value = _number(claims.get(name, 0))
        if value is None or value > now + _LEEWAY_SECONDS:
            raise _refused(f"{name} is in the future")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _refused(why: str) -> OAuthError:
    return OAuthError("invalid_client", f"the client assertion was refused: {why}", status=401)
