"""Faults of the discovery document (OIDC Discovery 4.2) and of the key set (RFC 7517 5)."""

from signon_idp.faults import shapes
from signon_idp.faults.callback import STRANGE_ISSUER
from signon_idp.faults.kinds import Fault
from signon_idp.faults.shapes import BendReply, having, members, without
from signon_idp.model import JsonObject
from signon_idp.scene import Scene


def _fragment(found: JsonObject, _scene: Scene) -> JsonObject:
    return {**found, "authorization_endpoint": f"{found['authorization_endpoint']}#fragment"}


def _private_member(found: JsonObject, scene: Scene) -> JsonObject:
    private = scene.keys.signing_key("RS256")
    keys = [{**key, "d": private["d"]} if key.get("n") == private["n"] else key for key in found["keys"]]
    return {"keys": keys}


def _only_unusable(_found: JsonObject, scene: Scene) -> JsonObject:
    return {"keys": [key for key in scene.keys.decoys() if key["use"] == "enc" or key["kty"] == "QKD"]}


def _changed(**changes: object) -> BendReply:
    return members(having(**changes))


_METADATA: dict[str, tuple[str, BendReply]] = {
    "metadata_not_json": ("The document is no JSON.", shapes.body(b"issuer: here")),
    "metadata_array": ("The document is an array that holds the object.", shapes.in_array),
    "metadata_wrong_issuer": ("issuer is another's.", _changed(issuer=STRANGE_ISSUER)),
    "metadata_no_token_endpoint": ("token_endpoint is missing.", members(without("token_endpoint"))),
    "metadata_no_jwks_uri": ("jwks_uri is missing.", members(without("jwks_uri"))),
    "metadata_http_endpoint": (
        "token_endpoint is plain http on a host that is not this computer.",
        _changed(token_endpoint="http://provider.example.net/token"),
    ),
    "metadata_javascript_endpoint": (
        "authorization_endpoint is a javascript: address.",
        _changed(authorization_endpoint="javascript:alert(1)//"),
    ),
    "metadata_endpoint_fragment": ("authorization_endpoint has a fragment.", members(_fragment)),
    "metadata_number_endpoint": ("token_endpoint is a number.", _changed(token_endpoint=12345)),
    "metadata_500": ("The endpoint answers 500.", shapes.status(500)),
    "metadata_404": ("The endpoint answers 404.", shapes.status(404)),
    "metadata_redirect": ("The endpoint answers 307 to another address.", shapes.redirect),
    "metadata_too_large": ("2 MiB of blanks follow the object.", shapes.too_large),
    "metadata_html": ("The content type is text/html.", shapes.typed("text/html; charset=utf-8")),
    "metadata_duplicate_member": (
        "issuer comes twice: another's, then the right one.",
        shapes.twice("issuer", STRANGE_ISSUER),
    ),
    "metadata_no_s256": (
        "code_challenge_methods_supported lists plain alone.",
        _changed(code_challenge_methods_supported=["plain"]),
    ),
}
_JWKS: dict[str, tuple[str, BendReply]] = {
    "jwks_not_json": ("The set is no JSON.", shapes.body(b"-----BEGIN PUBLIC KEY-----")),
    "jwks_array": ("The set is an array that holds the object.", shapes.in_array),
    "jwks_no_keys": ("keys is missing.", members(without("keys"))),
    "jwks_keys_object": ("keys is an object.", _changed(keys={})),
    "jwks_empty": ("keys is empty.", _changed(keys=[])),
    "jwks_private_member": ("The RS256 key is published with its private part.", members(_private_member)),
    "jwks_500": ("The endpoint answers 500.", shapes.status(500)),
    "jwks_redirect": ("The endpoint answers 307 to another address.", shapes.redirect),
    "jwks_too_large": ("2 MiB of blanks follow the object.", shapes.too_large),
    "jwks_only_unusable": ("No key in the set can check a signature.", members(_only_unusable)),
    "jwks_duplicate_member": ("keys comes twice: empty, then the right one.", shapes.twice("keys", [])),
}

METADATA_FAULTS = {
    **{name: Fault(sentence=says, metadata=bend) for name, (says, bend) in _METADATA.items()},
    **{name: Fault(sentence=says, jwks=bend) for name, (says, bend) in _JWKS.items()},
}
