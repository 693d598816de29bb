"""The userinfo endpoint (OIDC Core 5.3)."""

from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.endpoints.bearer import bearer_token
from signon_idp.faults import bend
from signon_idp.id_token import signing_key
from signon_idp.jwe import userinfo_for
from signon_idp.jws import draft, write
from signon_idp.replies import JWT, Reply, dump, json_reply, to_response

if TYPE_CHECKING:
    from signon_idp.model import Client, JsonObject, Token
    from signon_idp.provider import Idp


def userinfo(idp: "Idp") -> Response:
    """The person's claims as JSON, or signed if the client registered that."""
    token = bearer_token(idp, scope="openid")
    client = idp.clients[token.grant.client_id]
    scene = idp.scene(client, token.grant)
    members = idp.dialect.userinfo_members(_claims(idp, token), scene)
    alg = client.userinfo_signed_response_alg
    secured = alg is not None or client.userinfo_encrypted_response_alg is not None
    reply = _secured(idp, client, members) if secured else json_reply(members)
    return to_response(bend(idp.fault_now.userinfo, reply, scene), request.environ)


def _claims(idp: "Idp", token: "Token") -> "JsonObject":
    persona = token.grant.persona
    if persona is None:
        raise AssertionError("only a person's token has the scope openid")
    return {"sub": persona.sub, **idp.dialect.claims_for(persona, token.scopes)}


def _secured(idp: "Idp", client: "Client", members: "JsonObject") -> Reply:
    alg = client.userinfo_signed_response_alg
    claims = {"iss": idp.issuer, "aud": client.client_id, **members}
    # Without a signature registered the JWE holds the bare claims (OIDC Core 5.3.2).
    text = dump(members).decode()
    if alg is not None:
        text = write(draft(claims, key=signing_key(idp.keys, client, alg), alg=alg))
    return Reply(
        body=userinfo_for(client, text).encode(), content_type=JWT, headers=(("Cache-Control", "no-store"),)
    )
