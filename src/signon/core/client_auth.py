"""Who we are to a provider, and how we prove it (RFC 6749 2.3, OIDC Core 9)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote_plus

from signon.core.errors import OperatorError
from signon.core.jose import PrivateKey, sign
from signon.core.pkce import new_random
from signon.core.values import JsonObject, Secret

Method: TypeAlias = Literal[
    "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"
]
METHODS: tuple[Method, ...] = (
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
)
ASSERTION_SECONDS = 60
"""How long a client assertion is good for: it is used at once (RFC 7523 3; vendors allow one to five minutes)."""
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """This application as a provider knows it."""

    client_id: str
    secret: Secret | None = None
    auth: Method | None = None
    """The registered method; None lets `authentication_method` choose by the provider's metadata."""
    raw_basic: bool = False
    """Send Basic credentials without the form encoding of RFC 6749 2.3.1: some servers decode none."""
    key: PrivateKey | None = None
    """Signs our assertions for `private_key_jwt`."""
    assertion_alg: str | None = None
    """The registered signature of assertions; None: HS256, or what goes with the key."""
    assertion_typ: str = "client-authentication+jwt"
    """The `typ` of assertions (draft-ietf-oauth-rfc7523bis); servers that refuse it want `JWT`."""


def authentication_method(client: Client, supported: Sequence[str]) -> Method:
    """The one method to use: the registered one; else `none` without a secret, post where the provider lists
    it and not basic, and basic otherwise (OIDC Discovery 3). Never a second try with another.
    """
    if client.auth is not None:
        return client.auth
    if client.secret is None:
        return "none"
    if "client_secret_post" in supported and "client_secret_basic" not in supported:
        return "client_secret_post"
    return "client_secret_basic"


def authenticate(
    client: Client, form: Mapping[str, str], *, supported: Sequence[str], issuer: str, now: float
) -> tuple[dict[str, str], dict[str, str]]:
    """Add our authentication to a form: (headers, form). A fresh assertion for each request."""
    method = authentication_method(client, supported)
    if method == "none":
        return {}, {**form, "client_id": client.client_id}
    if method == "private_key_jwt":
        return {}, {**form, **_assertion(client, issuer=issuer, now=now)}
    if not client.secret:
        raise OperatorError(
            "client_secret_missing", f"{method} needs a client secret, and none is set", section="RFC 6749 2.3.1"
        )
    if method == "client_secret_jwt":
        return {}, {**form, **_assertion(client, issuer=issuer, now=now)}
    secret = client.secret.reveal()
    if method == "client_secret_post":
        return {}, {**form, "client_id": client.client_id, "client_secret": secret}
    return {"Authorization": _basic(client.client_id, secret, raw=client.raw_basic)}, dict(form)


def _assertion(client: Client, *, issuer: str, now: float) -> dict[str, str]:
    """A client assertion (OIDC Core 9, RFC 7523 3). Its audience is the issuer as one string, and never an
    address that a metadata document names: another issuer's could be in it (draft-ietf-oauth-rfc7523bis).
    """
    if client.auth == "private_key_jwt":
        if client.key is None:
            raise OperatorError("private_key_missing", "private_key_jwt needs a private key, and none is set")
        key: PrivateKey | bytes = client.key
        alg = client.assertion_alg or client.key.alg
    else:
        key = client.secret.reveal().encode("utf-8") if client.secret else b""
        alg = client.assertion_alg or "HS256"
    claims: JsonObject = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": issuer,
        "jti": new_random(),
        "iat": int(now),
        "exp": int(now) + ASSERTION_SECONDS,
    }
    assertion = sign(claims, key=key, alg=alg, typ=client.assertion_typ)
    return {"client_id": client.client_id, "client_assertion_type": _JWT_BEARER, "client_assertion": assertion}


def _basic(client_id: str, secret: str, *, raw: bool) -> str:
    """Basic credentials, each part form-urlencoded first (RFC 6749 2.3.1): `:` and `%` then survive."""
    encode = str if raw else quote_plus
    pair = f"{encode(client_id)}:{encode(secret)}"
    return "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")
