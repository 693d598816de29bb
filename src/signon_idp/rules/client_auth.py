"""Client authentication (RFC 6749 2.3, OIDC Core 9): exactly the registered method, and only one."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from signon_idp.errors import OAuthError
from signon_idp.model import ASSERTION_ALGS, Client
from signon_idp.rules.assertion import JWT_BEARER, Judge, check_assertion, claimed_client
from signon_idp.rules.parameters import Parameters

_BY_JWT = "a client assertion"
_CHALLENGE = 'Basic realm="practice provider", charset="UTF-8"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request presents, and by which registered method; `secret` is the assertion where it is one."""

    method: str
    client_id: str
    secret: str


def authenticate(
    authorization: str | None,
    form: Parameters,
    clients: Mapping[str, Client],
    judge: Judge,
    *,
    raw_basic: bool = False,
) -> Client:
    """The client that a request proves to be; OAuthError `invalid_request` or `invalid_client` (RFC 6749 5.2).

    With `raw_basic` id and secret stand in Basic as they are, and not form-urlencoded first.
    """
    shown = _credentials(authorization, form, raw_basic=raw_basic)
    client = clients.get(shown.client_id)
    if client is None:
        raise _invalid_client("no such client", authorization)
    method = client.token_endpoint_auth_method
    if shown.method == _BY_JWT and method in ASSERTION_ALGS:
        check_assertion(shown.secret, client, judge)
        return client
    if method != shown.method:
        raise _invalid_client(f"this client is registered for {method}, not {shown.method}", authorization)
    if not hmac.compare_digest(shown.secret.encode(), (client.client_secret or "").encode()):
        raise _invalid_client("wrong client secret", authorization)
    return client


def _credentials(authorization: str | None, form: Parameters, *, raw_basic: bool) -> Credentials:
    if authorization is not None:
        basic = _read_basic(authorization, raw=raw_basic)
        if form.keys() & {"client_secret", "client_assertion"}:
            raise OAuthError("invalid_request", "two ways of client authentication in one request")
        if form.get("client_id", basic.client_id) != basic.client_id:
            raise OAuthError("invalid_request", "client_id differs between header and body")
        return basic
    if "client_assertion" in form:
        return _read_assertion(form)
    if "client_id" not in form:
        raise _invalid_client("no client authentication in the request", authorization)
    secret = form.get("client_secret")
    method = "none" if secret is None else "client_secret_post"
    return Credentials(method=method, client_id=form["client_id"], secret=secret or "")


def _read_assertion(form: Parameters) -> Credentials:
    if "client_secret" in form:
        raise OAuthError("invalid_request", "two ways of client authentication in one request")
    if form.get("client_assertion_type") != JWT_BEARER:
        raise OAuthError("invalid_request", f"client_assertion_type must be {JWT_BEARER}")
    assertion = form["client_assertion"]
    client_id = claimed_client(assertion)
    if form.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_request", "client_id differs from the assertion's sub")
    return Credentials(method=_BY_JWT, client_id=client_id, secret=assertion)


def _read_basic(authorization: str, *, raw: bool) -> Credentials:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _invalid_client("the Authorization header is not Basic", authorization)
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
        client_id, colon, secret = text.partition(":")
        if not colon:
            raise _invalid_client("Basic credentials without a colon", authorization)
        if not raw:
            # Both are form-urlencoded before they are joined (RFC 6749 2.3.1).
            client_id, secret = (unquote_plus(part, errors="strict") for part in (client_id, secret))
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid_client("Basic credentials that cannot be decoded", authorization) from None
    return Credentials(method="client_secret_basic", client_id=client_id, secret=secret)


def _invalid_client(description: str, authorization: str | None) -> OAuthError:
    challenge = _CHALLENGE if authorization is not None else ""
    return OAuthError("invalid_client", description, status=401, challenge=challenge)
