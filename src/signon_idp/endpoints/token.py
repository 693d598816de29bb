"""The token endpoint (RFC 6749 3.2; OIDC Core 3.1.3, 12)."""

from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.endpoints.tokens import give_access_token, give_id_token, give_refresh_token
from signon_idp.endpoints.wire import authenticated
from signon_idp.errors import OAuthError
from signon_idp.faults import bend
from signon_idp.model import Client, Grant, JsonObject, Token
from signon_idp.replies import json_reply, to_response
from signon_idp.rules.grants import check_code, check_grant_type, check_refresh_token, narrowed, required

if TYPE_CHECKING:
    from signon_idp.provider import Idp
    from signon_idp.rules.parameters import Parameters


def token(idp: "Idp") -> Response:
    """Give tokens for a code, a refresh token, or the client itself."""
    client, form = authenticated(idp)
    own = idp.dialect.own_grants.get(form.get("grant_type", ""))
    if own is not None:
        return to_response(json_reply(own(idp, client, form)), request.environ)
    grant_type = check_grant_type(form, client, idp.dialect.grant_types)
    members, grant = _GRANTS[grant_type](idp, client, form)
    scene = idp.scene(client, grant)
    reply = json_reply(idp.dialect.token_members(members, scene))
    return to_response(bend(idp.fault_now.token, reply, scene), request.environ)


def _for_code(idp: "Idp", client: Client, form: "Parameters") -> tuple[JsonObject, Grant]:
    found = idp.state.codes.get(required(form, "code"))
    code = check_code(found, form, client, now=idp.now())
    with idp.state.lock:
        if code.used:
            # Somebody has the code who should not: what was given for it ends too (RFC 6749 4.1.2).
            code.grant.ended = True
            raise OAuthError("invalid_grant", "the code was used before; its tokens are revoked")
        code.used = True
    grant = code.grant
    members = give_access_token(idp, client, grant, grant.scopes)
    always = idp.dialect.refresh_always and "refresh_token" in client.grant_types
    if always or "offline_access" in grant.scopes:
        members["refresh_token"] = give_refresh_token(idp, grant)
    if "openid" in grant.scopes:
        members["id_token"] = give_id_token(idp, client, grant, access_token=members["access_token"])
    return members, grant


def _for_refresh_token(idp: "Idp", client: Client, form: "Parameters") -> tuple[JsonObject, Grant]:
    found = idp.state.tokens.get(required(form, "refresh_token"))
    old = check_refresh_token(found, client, now=idp.now())
    scopes = narrowed(form, old.scopes)
    with idp.state.lock:
        _redeem(idp, old)
    grant = old.grant
    grant.nonce = None  # an ID token from a refresh should have none (OIDC Core 12.2)
    members = give_access_token(idp, client, grant, scopes)
    members["refresh_token"] = give_refresh_token(idp, grant)
    if "openid" in scopes:
        members["id_token"] = give_id_token(idp, client, grant, access_token=members["access_token"])
    idp.count_refresh(grant)
    return members, grant


def _redeem(idp: "Idp", token: Token) -> None:
    grant = token.grant
    if token.used_at is None:
        token.used_at = idp.now()
        grant.redeemed = token
        return
    # Within the grace only the token used last may come again: its answer may have been lost on the way.
    if grant.redeemed is token and idp.now() < token.used_at + idp.refresh_grace_seconds:
        return
    # Rotation makes a second use a sign of theft: the whole family ends (RFC 9700 4.14.2).
    grant.ended = True
    raise OAuthError("invalid_grant", "the refresh token was used before; its family is revoked")


def _for_client(idp: "Idp", client: Client, form: "Parameters") -> tuple[JsonObject, Grant]:
    if client.token_endpoint_auth_method == "none":
        raise OAuthError("unauthorized_client", "client_credentials is for clients that can keep a secret")
    asked = {name: form[name] for name in ("audience",) if name in form}
    grant = Grant(client_id=client.client_id, scopes=narrowed(form, client.extra_scopes), asked=asked)
    return give_access_token(idp, client, grant, grant.scopes), grant


_GRANTS = {
    "authorization_code": _for_code,
    "refresh_token": _for_refresh_token,
    "client_credentials": _for_client,
}
