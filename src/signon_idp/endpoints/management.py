"""Introspection (RFC 7662) and revocation (RFC 7009)."""

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.endpoints.wire import authenticated
from signon_idp.errors import OAuthError
from signon_idp.replies import json_reply, to_response
from signon_idp.rules.grants import required

if TYPE_CHECKING:
    from signon_idp.model import JsonObject, Token
    from signon_idp.provider import Idp


def introspect(idp: "Idp") -> Response:
    """Tell a confidential client, whichever it is, about a token: resource servers ask about others' tokens."""
    client, form = authenticated(idp)
    if client.token_endpoint_auth_method == "none":
        raise OAuthError("invalid_client", "introspection is for clients with a secret", status=401)
    token = idp.state.tokens.get(idp.dialect.bare_token(required(form, "token")))
    alive = token is not None and not (token.used_at is not None or token.revoked or token.grant.ended)
    members = _description(idp, token) if token is not None and alive else {"active": False}
    grant = token.grant if token is not None else None
    members = idp.dialect.introspection_members(members, idp.scene(client, grant))
    return to_response(json_reply(members), request.environ)


def revoke(idp: "Idp") -> Response:
    """End a token of this client; a refresh token takes its whole family along. Unknown ones are fine (2.2)."""
    client, form = authenticated(idp)
    token = idp.state.tokens.get(idp.dialect.bare_token(required(form, "token")))
    if token is not None:
        if token.grant.client_id != client.client_id:
            raise OAuthError("invalid_grant", "the token was issued to another client")
        _end(idp, token)
    members = idp.dialect.revocation_members({}, idp.scene(client))
    reply = json_reply(members)
    # A standard answer says everything by its status (RFC 7009 2.2).
    return to_response(reply if members else replace(reply, body=b"", content_type=None), request.environ)


def _end(idp: "Idp", token: "Token") -> None:
    if idp.dialect.revocable is not None and not idp.dialect.revocable(token):
        return
    token.revoked = True
    if token.kind != "refresh_token":
        return
    if idp.dialect.revocation_ends_grant:
        token.grant.ended = True
    else:
        idp.state.end_refresh_tokens(token.grant)


def _description(idp: "Idp", token: "Token") -> "JsonObject":
    grant = token.grant
    members: JsonObject = {
        "active": True,
        "iss": idp.issuer,
        "client_id": grant.client_id,
        "aud": grant.client_id,
        "scope": " ".join(token.scopes),
        "iat": int(token.issued_at),
        "exp": int(token.expires_at),
        "sub": grant.client_id,
    }
    if token.kind == "access_token":
        members["token_type"] = "Bearer"
    if grant.persona is not None:
        members.update(sub=grant.persona.sub, username=grant.persona.id, sid=grant.sid)
    return members
