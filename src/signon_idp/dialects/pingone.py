"""PingOne (https://developer.pingidentity.com/pingone-api): environments, sign-on policies, strict clients."""

import secrets
from dataclasses import replace
from functools import partial

from signon_idp.dialect import Dialect, Lifetimes, Paths, Route, SignOutRules, Tint, only_rsa
from signon_idp.dialects.pingone_passwords import ACCOUNTS, USUAL
from signon_idp.dialects.pingone_people import ENVIRONMENT_ID, ORGANIZATION_ID, PEOPLE
from signon_idp.endpoints.idp_signoff import idp_signoff
from signon_idp.endpoints.passwords import CHANGE, READ, passwords
from signon_idp.errors import CallbackError
from signon_idp.jws import draft, write
from signon_idp.model import Client, Grant, JsonObject, Token
from signon_idp.rules.parameters import Parameters
from signon_idp.scene import Scene

POLICIES = ("Single_Factor", "Multi_Factor")
"""Sign-on policies by name; none has a blank in it, since `acr_values` could not name that."""
API_AUDIENCE = "https://api.pingone.eu"
_SELF_SERVICE = ("p1:read:user", "p1:update:user", READ, CHANGE)
_FOR_OWN_PEOPLE = frozenset({"p1:update:user", READ, CHANGE})
"""Not granted to people of an identity provider behind the environment."""
_PASSWORDS = Route(
    name="password",
    path="/v1/environments/<environment_id>/users/<user_id>/password",
    methods=("GET", "PUT", "POST"),
    view=passwords(ACCOUNTS, usual=USUAL, environment_id=ENVIRONMENT_ID),
)


def discovery_document(members: JsonObject, scene: Scene) -> JsonObject:
    """The document as the vendor's page prints it."""
    kept = {name: value for name, value in members.items() if name not in _NOT_LISTED}
    return {
        **kept,
        "device_authorization_endpoint": f"{scene.issuer}/device_authorization",
        "request_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "scopes_supported": ["openid", "profile", "email", "address", "phone"],
        "response_types_supported": [
            *("code", "id_token", "token id_token", "code id_token", "code token", "code token id_token"),
        ],
        "response_modes_supported": ["pi.flow", "query", "fragment", "form_post"],
        "grant_types_supported": [
            *("authorization_code", "implicit", "client_credentials", "refresh_token"),
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["plain", "S256"],
        "userinfo_signing_alg_values_supported": ["none"],
    }


_NOT_LISTED = frozenset({"acr_values_supported", "prompt_values_supported", "ui_locales_supported"})


def judge_request(asked: Parameters, _client: Client) -> None:
    """Refuse sign-on policies that the application does not have."""
    unknown = [name for name in asked.get("acr_values", "").split() if name not in POLICIES]
    if unknown:
        raise CallbackError("invalid_request", f"the policy {unknown[0]} is not assigned to this application")


def id_token_claims(claims: JsonObject, _scene: Scene) -> JsonObject:
    """The environment and the organization stand beside the standard's claims."""
    kept = {name: value for name, value in claims.items() if name != "jti"}
    return {**kept, "env": ENVIRONMENT_ID, "org": ORGANIZATION_ID}


def make_access_token(grant: Grant, scene: Scene, *, typ: str = "at+jwt") -> str:
    """Always a JWT: for the platform's API, or for a custom resource where the scopes are a client's own."""
    client = scene.client
    if client is None:
        raise AssertionError("an access token needs a client")
    platform = for_platform(grant.scopes)
    claims: JsonObject = {
        "client_id": client.client_id,
        "iss": scene.issuer,
        "jti": secrets.token_urlsafe(16),
        "iat": int(scene.now),
        "exp": int(scene.now) + scene.access_token_seconds,
        "aud": [API_AUDIENCE if platform else client.client_id],
        "scope": " ".join(granted(grant, grant.scopes)),
    }
    if grant.persona is not None:
        own = {"sub": grant.persona.sub, "sid": grant.sid, "auth_time": int(grant.auth_time), "acr": grant.acr}
        claims |= own
    if platform:
        claims |= {"env": ENVIRONMENT_ID, "org": ORGANIZATION_ID}
    return write(draft(claims, key=scene.keys.signing_key("RS256"), alg="RS256", typ=typ))


def granted(grant: Grant, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """What of these scopes this person's tokens are good for."""
    external = grant.persona is not None and ACCOUNTS.get(grant.persona.id, USUAL).external
    return tuple(scope for scope in scopes if not external or scope not in _FOR_OWN_PEOPLE)


def token_members(members: JsonObject, scene: Scene) -> JsonObject:
    """The scope is what was granted, not what was asked for."""
    if scene.grant is None:
        raise AssertionError("a token answer has a grant")
    return {**members, "scope": " ".join(granted(scene.grant, tuple(members["scope"].split())))}


def for_platform(scopes: tuple[str, ...]) -> bool:
    """Whether access tokens with these scopes are the platform API's, and not a custom resource's."""
    return set(scopes) <= {"openid", "offline_access", *PINGONE.scope_claims}


def revocable(token: Token) -> bool:
    """Access tokens of the platform's API outlive their revocation; refresh tokens and others' end."""
    return token.kind == "refresh_token" or not for_platform(token.scopes)


def error_members(members: JsonObject, _scene: Scene) -> JsonObject:
    """Pages have the API's codes; userinfo has them for tokens without a person."""
    error, description = members["error"], members.get("error_description", "")
    if error in _PAGE_ERRORS:
        return {"error": _PAGE_ERRORS[error], "error_description": description}
    if error == "insufficient_scope":
        return {"id": secrets.token_hex(8), "code": "ACCESS_FAILED", "message": description}
    return members


_PAGE_ERRORS = {
    **dict.fromkeys(
        ("redirect_uri_mismatch", "hint_expired", "hint_missing", "hint_of_another_person"), "INVALID_DATA"
    ),
    "idp_signoff_not_allowed": "REQUEST_FAILED",
}


def usual_client(client: Client) -> Client:
    """As a web application is registered: Basic; PKCE is taken where it comes. It may use idpSignoff."""
    return replace(client, require_pkce=False, idp_signoff=True)


def settings(issuer: str, client: Client) -> dict[str, str]:
    """Issuer and API, since no region is on this computer, and what differs from the usual."""
    values = {
        "ISSUER": issuer,
        "API_URL": f"{issuer}/v1",
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": client.client_secret or "",
        "CLIENT_AUTH": client.token_endpoint_auth_method,
    }
    usual = {"CLIENT_SECRET": "", "CLIENT_AUTH": "client_secret_basic"}
    return {name: value for name, value in values.items() if value != usual.get(name)}


PINGONE = Dialect(
    name="pingone",
    label="PingOne",
    tint=Tint(light="#a11b33", dark="#f29aa8"),
    port=9004,
    usual_client=usual_client,
    settings=settings,
    issuer_suffix=f"/{ENVIRONMENT_ID}/as",
    paths=Paths(jwks="/jwks", end_session="/signoff", pushed="/par"),
    lifetimes=Lifetimes(access_token=3600, refresh_token=2_592_000, pushed=60),
    scope_claims={
        "profile": (
            "name",
            "given_name",
            "middle_name",
            "family_name",
            "preferred_username",
            "updated_at",
            "groups",
            "p1.userId",
        ),
        "email": ("email",),
        "address": ("address",),
        "phone": ("phone_number",),
        **dict.fromkeys(_SELF_SERVICE, ()),
    },
    acrs={"Single_Factor": ("pwd",), "Multi_Factor": ("pwd", "otp", "mfa")},
    signing_algs=("RS256",),
    response_types=("code", "code id_token", "id_token", "id_token token"),
    basic_alone=True,
    sends_iss=False,
    sign_out=SignOutRules(asks_without_hint=False, any_clients_redirect=True),
    personas=PEOPLE,
    own_routes=(_PASSWORDS, Route(name="idp_signoff", path="/idpSignoff", view=idp_signoff)),
    discovery_document=discovery_document,
    token_members=token_members,
    jwks_members=only_rsa,
    judge_request=judge_request,
    id_token_claims=id_token_claims,
    make_access_token=make_access_token,
    error_members=error_members,
    revocable=revocable,
)

PINGONE_OF_2023 = replace(PINGONE, sign_out=replace(PINGONE.sign_out, expired_hint=False))
"""The same, refusing an expired hint at sign-out, as it was reported in 2023."""

PINGONE_UNTYPED = replace(PINGONE, make_access_token=partial(make_access_token, typ="JWT"))
"""The same with access tokens that don't say in their header what they are."""

PINGONE_ON_ITS_OWN_DOMAIN = replace(PINGONE, issuer_suffix="/as")
"""A custom domain: no environment id in the addresses."""
