"""Faults of the userinfo answer (OIDC Core 5.3)."""

import json

from jwcrypto.common import base64url_decode

from signon_idp.faults import shapes
from signon_idp.faults.callback import STRANGE_ISSUER
from signon_idp.faults.kinds import Fault
from signon_idp.faults.shapes import BendMembers, BendReply, having, without
from signon_idp.jws import Draft, draft, write
from signon_idp.keys import secret_key
from signon_idp.model import JsonObject
from signon_idp.replies import JSON, JWT, Reply, dump
from signon_idp.scene import Scene


def _claims(reply: Reply) -> JsonObject:
    text = base64url_decode(reply.body.split(b".")[1].decode()) if reply.content_type == JWT else reply.body
    found: JsonObject = json.loads(text)
    return found


def _signed(claims: JsonObject, scene: Scene) -> Draft:
    client = scene.client
    if client is None or client.userinfo_signed_response_alg is None:
        raise AssertionError("a signed answer has a client that registered for it")
    alg = client.userinfo_signed_response_alg
    key = secret_key(client.client_secret or "") if alg == "HS256" else scene.keys.signing_key(alg)
    return draft(claims, key=key, alg=alg)


def _either(change: BendMembers) -> BendReply:
    """Change the claims of a plain answer, or of a signed one, which is signed anew."""

    def bend(reply: Reply, scene: Scene) -> Reply:
        claims = change(_claims(reply), scene)
        if reply.content_type == JWT:
            return shapes.with_body(reply, write(_signed(claims, scene)).encode())
        return shapes.with_body(reply, dump(claims))

    return bend


def _if_signed(bend: BendReply) -> BendReply:
    """Leave a plain answer alone: the fault is about signed ones."""
    return lambda reply, scene: bend(reply, scene) if reply.content_type == JWT else reply


def _alg_none(reply: Reply, scene: Scene) -> Reply:
    token = _signed(_claims(reply), scene)
    bare = Draft(header={**token.header, "alg": "none"}, payload=token.payload, alg=None, key=token.key)
    return shapes.with_body(reply, write(bare).encode())


def _bad_signature(reply: Reply, _scene: Scene) -> Reply:
    signed, _, signature = reply.body.rpartition(b".")
    changed = b"B" if signature[8:9] == b"A" else b"A"
    return shapes.with_body(reply, signed + b"." + signature[:8] + changed + signature[9:])


def _plain(reply: Reply, _scene: Scene) -> Reply:
    return Reply(body=dump(_claims(reply)), content_type=JSON, headers=reply.headers)


_TABLE: dict[str, tuple[str, BendReply]] = {
    "userinfo_wrong_sub": ("sub is somebody else's.", _either(having(sub="somebody-else"))),
    "userinfo_no_sub": ("sub is missing.", _either(without("sub"))),
    "userinfo_array": ("The answer is an array that holds the object.", shapes.in_array),
    "userinfo_not_json": ("The answer is no JSON.", shapes.body(b"sub=somebody")),
    "userinfo_html": ("The content type is text/html.", shapes.typed("text/html; charset=utf-8")),
    "userinfo_duplicate_member": (
        "sub comes twice: somebody else, then the right one.",
        shapes.twice("sub", "somebody-else"),
    ),
    "userinfo_401": ("The endpoint answers 401.", shapes.error(401, "invalid_token")),
    "userinfo_500": ("The endpoint answers 500.", shapes.status(500)),
    "userinfo_redirect": ("The endpoint answers 307 to another address.", shapes.redirect),
    "userinfo_too_large": ("2 MiB of blanks follow the object.", shapes.too_large),
    "userinfo_jwt_bad_signature": (
        "One character of a signed answer's signature is changed.",
        _if_signed(_bad_signature),
    ),
    "userinfo_jwt_wrong_aud": (
        "A signed answer's aud names another client.",
        _if_signed(_either(having(aud="another-client"))),
    ),
    "userinfo_jwt_wrong_iss": (
        "A signed answer's iss names another issuer.",
        _if_signed(_either(having(iss=STRANGE_ISSUER))),
    ),
    "userinfo_jwt_alg_none": ("A signed answer's alg is none, and nothing is signed.", _if_signed(_alg_none)),
    "userinfo_plain_where_jwt": ("Where a signed answer is registered, plain JSON comes.", _if_signed(_plain)),
}

USERINFO_FAULTS = {name: Fault(sentence=says, userinfo=bend) for name, (says, bend) in _TABLE.items()}
