"""ThaID, the digital id of the Thai Department of Provincial Administration (RP API manual 1.0.1).

What the manual and reports of real calls say is built in; what was only deduced is an argument of
`thaid_dialect`, the likelier as its default.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

from signon_idp.dialect import Dialect, Lifetimes, Paths, Tint
from signon_idp.dialects.thaid_people import PEOPLE
from signon_idp.errors import CallbackError
from signon_idp.model import Client, JsonObject
from signon_idp.scene import Scene

SCOPES = (
    "openid",
    *("pid", "address", "gender", "birthdate", "given_name", "middle_name", "family_name", "name"),
    *("given_name_en", "middle_name_en", "family_name_en", "name_en", "title", "title_en", "ial"),
    *("smartcard_code", "date_of_expiry", "date_of_issuance", "house_address"),
)
PATHS = Paths(
    jwks="/jwks/",
    authorize="/api/v2/oauth2/auth/",
    token="/api/v2/oauth2/token/",
    userinfo="/api/v2/oauth2/userinfo/",
    introspection="/api/v2/oauth2/introspect/",
    revocation="/api/v2/oauth2/revoke/",
    end_session=None,
)
STATUSES: Mapping[str, int] = dict.fromkeys(
    ("unauthorized_client", "invalid_client", "user_denied", "invalid_refresh_token", "access_denied"), 401
)
"""The manual's table (section 7): these are 401, all others 400."""
_OF_THE_DOCUMENT = (
    *(
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "revocation_endpoint",
        "jwks_uri",
    ),
    *("response_types_supported", "grant_types_supported", "id_token_signing_alg_values_supported"),
    "token_endpoint_auth_methods_supported",
)
_OF_THE_ID_TOKEN = ("at_hash", "aud", "exp", "iat", "iss", "sub", "auth_time", "nonce")
_BEARER = "Bearer "
_SHORT_LIFE_SECONDS = 900

Life = Literal["expires_in", "expire_in", "duration"]
"""`expires_in` or, as the manual spells it, `expire_in`, both in POSIX seconds; or a duration as usual."""


def usual_client(client: Client) -> Client:
    """A client as ThaID registers it: ES256, and PKCE not asked for."""
    return replace(client, id_token_signed_response_alg="ES256", require_pkce=False)


def settings(issuer: str, client: Client) -> dict[str, str]:
    """What the vendor's own sample has in its configuration."""
    return {
        "WELL_KNOWN_URL": f"{issuer}/.well-known/openid-configuration",
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": client.client_secret or "",
        **({"CLIENT_AUTH": "client_secret_post"} if client.token_endpoint_auth_method.endswith("post") else {}),
    }


def discovery_document(document: JsonObject, _scene: Scene) -> JsonObject:
    """A short document: one member misspelt, no introspection endpoint, no word on claims or PKCE."""
    return {
        **{name: document[name] for name in _OF_THE_DOCUMENT},
        "subject_type_supported": ["public"],
        "scopes_supported": list(SCOPES),
    }


def jwks_members(_members: JsonObject, scene: Scene) -> JsonObject:
    """Several P-256 keys at once, and the one that signs is not the first."""
    spare = [key for key in scene.keys.decoys() if key["kid"] == "decoy-p256"]
    present = scene.keys.public_set(decoys=False)["keys"]
    return {"keys": [*spare, *(key for key in present if key["kty"] == "EC")]}


def judge_request(found: Mapping[str, str], client: Client) -> None:
    """`state` must come; a scope that is not registered ends the whole request (manual, 6.1 and 7)."""
    if "state" not in found:
        raise CallbackError("invalid_request", "state is missing")
    registered = SCOPES if client.scope is None else client.scope.split()
    asked = found.get("scope", "").split()
    if not asked or not set(asked) <= set(registered):
        raise CallbackError("invalid_scope", "scope is empty, or names one that is not registered for this client")


def token_members(members: JsonObject, scene: Scene, *, life: Life, flat_beside_id_token: bool) -> JsonObject:
    """The end as it is told; without an ID token the claims beside the tokens (manual, 6.2.2)."""
    answer = {name: value for name, value in members.items() if name != "expires_in"}
    seconds = members["expires_in"] + (0 if life == "duration" else int(scene.now))
    answer["expire_in" if life == "expire_in" else "expires_in"] = seconds
    return {**(_flat(scene) if flat_beside_id_token or "id_token" not in answer else {}), **answer}


def id_token_claims(claims: JsonObject, scene: Scene, *, echoes_nonce: bool) -> JsonObject:
    """The manual's members, and one claim for each granted scope."""
    kept = {name: claims[name] for name in _OF_THE_ID_TOKEN if name in claims}
    if not echoes_nonce:
        kept.pop("nonce", None)
    return {**_flat(scene), "version": "1.0", **kept}


def error_members(members: JsonObject, _scene: Scene, *, denial: str) -> JsonObject:
    """The manual's code and text (section 7)."""
    code, description = _error(str(members["error"]), str(members["error_description"]))
    return {"error": denial if code == "access_denied" else code, "error_description": description}


def introspection_members(members: JsonObject, _scene: Scene) -> JsonObject:
    """The three members that the manual shows."""
    return {name: members[name] for name in ("active", "sub", "scope") if name in members}


def _flat(scene: Scene) -> JsonObject:
    """One claim for each granted scope that the person has a value for."""
    grant = scene.grant
    if grant is None or grant.persona is None:
        raise AssertionError("ThaID hands out tokens for people only")
    return {scope: grant.persona.claims[scope] for scope in grant.scopes if scope in grant.persona.claims}


def _error(code: str, description: str) -> tuple[str, str]:
    """Code and text for a standard error."""
    if code == "invalid_grant":
        return _grant_error(description)
    if description == "token is missing" or "content type" in description:
        return "invalid_request", "The body is invalid"
    renamed = {"unknown_client": "invalid_client", "redirect_uri_mismatch": "invalid_request"}
    mismatch = code == "redirect_uri_mismatch"
    return renamed.get(code, code), "redirect or callback url mismatch" if mismatch else description


def _grant_error(description: str) -> tuple[str, str]:
    # One standard code stands for what the manual tells apart, so the sentence has to say which it was.
    if "refresh token" in description:
        return "invalid_refresh_token", "Invalid Refresh Token"
    if "used before" in description:
        return "duplicate_request", "Duplicate Request"
    if "redirect_uri" in description:
        return "invalid_request", "redirect or callback url mismatch"
    if "code" in description:
        return "invalid_request", "Invalid Authorization Code"
    return "invalid_request", description


_PROMISED = Dialect(
    name="thaid",
    label="ThaID",
    tint=Tint(light="#1d4f91", dark="#8fb8ee"),
    port=9001,
    usual_client=usual_client,
    settings=settings,
    paths=PATHS,
    lifetimes=Lifetimes(
        access_token=_SHORT_LIFE_SECONDS, refresh_token=_SHORT_LIFE_SECONDS, id_token=_SHORT_LIFE_SECONDS
    ),
    scope_claims={scope: (scope,) for scope in SCOPES if scope != "openid"},
    acrs={"phone": ()},
    auth_methods=("client_secret_basic", "client_secret_post"),
    signing_algs=("ES256",),
    grant_types=("authorization_code", "refresh_token"),
    sends_iss=False,
    keeps_session=False,
    refresh_always=True,
    refuses_in_place=True,
    error_statuses=STATUSES,
    personas=PEOPLE,
    page_kind="qr",
    discovery_document=discovery_document,
    jwks_members=jwks_members,
    introspection_members=introspection_members,
    revocation_members=lambda _members, _scene: {"status": "OK", "message": "revoked"},
    judge_request=judge_request,
    bare_token=lambda token: token.removeprefix(_BEARER),
)


def thaid_dialect(
    *,
    life: Life = "expires_in",
    echoes_nonce: bool = True,
    flat_beside_id_token: bool = False,
    raw_basic: bool = True,
    denial: Literal["user_denied", "access_denied"] = "user_denied",
) -> Dialect:
    """ThaID, with what nobody has promised as it is told here."""
    return replace(
        _PROMISED,
        raw_basic=raw_basic,
        token_members=partial(token_members, life=life, flat_beside_id_token=flat_beside_id_token),
        id_token_claims=partial(id_token_claims, echoes_nonce=echoes_nonce),
        error_members=partial(error_members, denial=denial),
    )


THAID = thaid_dialect()
