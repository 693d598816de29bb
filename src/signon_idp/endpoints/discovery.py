"""Provider metadata (OIDC Discovery 3) and keys (RFC 7517)."""

from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.dialect import Dialect
from signon_idp.faults import bend
from signon_idp.keys import SIGNATURES, foreign_key, public
from signon_idp.model import ASSERTION_ALGS, ENCRYPTION_ALGS, ENCRYPTION_ENCS, JsonObject
from signon_idp.pages.texts import LANGUAGES
from signon_idp.replies import cacheable_reply, json_reply, to_response
from signon_idp.rules.authorization import PROMPTS, RESPONSE_MODES

if TYPE_CHECKING:
    from signon_idp.provider import Idp


_ID_TOKEN_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash")


def metadata(idp: "Idp") -> Response:
    """The discovery document."""
    scene = idp.scene()
    members = idp.dialect.discovery_document(_standard_document(idp), scene)
    reply = cacheable_reply(members, max_age_seconds=idp.dialect.lifetimes.metadata)
    return to_response(bend(idp.fault_now.metadata, reply, scene), request.environ)


def jwks(idp: "Idp") -> Response:
    """The public keys, decoys among them where the dialect has some."""
    scene = idp.scene()
    members = idp.dialect.jwks_members(idp.keys.public_set(decoys=idp.dialect.decoys), scene)
    reply = cacheable_reply(members, max_age_seconds=idp.dialect.lifetimes.metadata)
    return to_response(bend(idp.fault_now.jwks, reply, scene), request.environ)


def moved(_idp: "Idp") -> Response:
    """Where redirecting faults point; a relying party has no business here, and the count of calls tells."""
    return to_response(json_reply({"error": "not_found"}, status=404), request.environ)


def foreign_jwks(_idp: "Idp") -> Response:
    """The set that a forged token's `jku` names; fetching it is the mistake."""
    keys = [public(foreign_key(alg)) for alg in SIGNATURES]
    return to_response(json_reply({"keys": keys}), request.environ)


def _standard_document(idp: "Idp") -> JsonObject:
    dialect, paths = idp.dialect, idp.dialect.paths
    claims = [name for names in dialect.scope_claims.values() for name in names]
    document: JsonObject = {
        "issuer": idp.issuer,
        "jwks_uri": idp.base + paths.jwks,
        "authorization_endpoint": idp.base + paths.authorize,
        "token_endpoint": idp.base + paths.token,
        **_optional_endpoints(idp),
        **_logout_channels(dialect),
        "scopes_supported": ["openid", "offline_access", *dialect.scope_claims],
        "response_types_supported": list(dialect.response_types),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": [*dialect.grant_types, *(["implicit"] if dialect.response_types[1:] else [])],
        "acr_values_supported": list(dialect.acrs),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(dialect.signing_algs),
        "userinfo_signing_alg_values_supported": list(dialect.signing_algs),
        "token_endpoint_auth_methods_supported": list(dialect.auth_methods),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": sorted(PROMPTS),
        "ui_locales_supported": list(LANGUAGES),
        "claim_types_supported": ["normal"],
        "claims_supported": [*_ID_TOKEN_CLAIMS, *claims],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    if any(method in ASSERTION_ALGS for method in dialect.auth_methods):
        document["token_endpoint_auth_signing_alg_values_supported"] = [
            alg for method in dialect.auth_methods for alg in ASSERTION_ALGS.get(method, ())
        ]
    if dialect.encryption:
        for kind in ("id_token", "userinfo"):
            document[f"{kind}_encryption_alg_values_supported"] = list(ENCRYPTION_ALGS)
            document[f"{kind}_encryption_enc_values_supported"] = list(ENCRYPTION_ENCS)
    if dialect.sends_iss:
        document["authorization_response_iss_parameter_supported"] = True
    return document


def _logout_channels(dialect: Dialect) -> JsonObject:
    """How clients learn that a session ended, each with its `sid` (Back-Channel Logout 2.1, Front-Channel 3)."""
    ways = (("backchannel", dialect.backchannel is not None), ("frontchannel", dialect.frontchannel))
    return {f"{way}_logout_{what}supported": True for way, spoken in ways if spoken for what in ("", "session_")}


def _optional_endpoints(idp: "Idp") -> JsonObject:
    dialect, paths = idp.dialect, idp.dialect.paths
    named = {
        "userinfo_endpoint": paths.userinfo,
        "introspection_endpoint": paths.introspection,
        "revocation_endpoint": paths.revocation,
        "end_session_endpoint": paths.end_session,
        "pushed_authorization_request_endpoint": paths.pushed,
    }
    members: JsonObject = {name: idp.base + path for name, path in named.items() if path is not None}
    if paths.introspection is not None:
        confidential = [method for method in dialect.auth_methods if method != "none"]
        members["introspection_endpoint_auth_methods_supported"] = confidential
    if paths.revocation is not None:
        members["revocation_endpoint_auth_methods_supported"] = list(dialect.auth_methods)
    return members
