"""Client authentication (RFC 6749 2.3, OIDC Core 9): exactly the registered method, and only one."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from signon_idp.errors import OAuthError
from signon_idp.model import Client
from signon_idp.rules.parameters import Parameters

_CHALLENGE = 'Basic realm="practice provider", charset="UTF-8"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request presents, and by which registered method."""

    method: str
    client_id: str
    secret: str


def authenticate(authorization: str | None, form: Parameters, clients: Mapping[str, Client]) -> Client:
    """The client that a request proves to be; OAuthError `invalid_request` or `invalid_client` (RFC 6749 5.2)."""
    shown = _credentials(authorization, form)
    client = clients.get(shown.client_id)
    if client is None:
        raise _invalid_client("no such client", authorization)
    if client.token_endpoint_auth_method != shown.method:
        raise _invalid_client(
            f"this client is registered for {client.token_endpoint_auth_method}, not {shown.method}", authorization
        )
    if not hmac.compare_digest(shown.secret.encode(), (client.client_secret or "").encode()):
        raise _invalid_client("wrong client secret", authorization)
    return client


def _credentials(authorization: str | None, form: Parameters) -> Credentials:
    if authorization is not None:
        basic = _read_basic(authorization)
        if "client_secret" in form:
            raise OAuthError("invalid_request", "two ways of client authentication in one request")
        if form.get("client_id", basic.client_id) != basic.client_id:
            raise OAuthError("invalid_request", "client_id differs between header and body")
        return basic
    if "client_id" not in form:
        raise _invalid_client("no client authentication in the request", authorization)
    secret = form.get("client_secret")
    method = "none" if secret is None else "client_secret_post"
    return Credentials(method=method, client_id=form["client_id"], secret=secret or "")


def _read_basic(authorization: str) -> Credentials:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _invalid_client("the Authorization header is not Basic", authorization)
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
        client_id, colon, secret = text.partition(":")
        if not colon:
            raise _invalid_client("Basic credentials without a colon", authorization)
        # Both are form-urlencoded before they are joined (RFC 6749 2.3.1).
        client_id, secret = (unquote_plus(part, errors="strict") for part in (client_id, secret))
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid_client("Basic credentials that cannot be decoded", authorization) from None
    return Credentials(method="client_secret_basic", client_id=client_id, secret=secret)


def _invalid_client(description: str, authorization: str | None) -> OAuthError:
    challenge = _CHALLENGE if authorization is not None else ""
    return OAuthError("invalid_client", description, status=401, challenge=challenge)
