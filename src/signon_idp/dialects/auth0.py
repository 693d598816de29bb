"""Auth0 (https://auth0.com/docs): the standard, with audiences, organizations and a sign-out of its own."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from signon_idp.dialect import (
    BackchannelRules,
    Dialect,
    Lifetimes,
    Paths,
    Route,
    SignOutRules,
    SignUpRules,
    Tint,
    only_rsa,
)
from signon_idp.dialects.auth0_organizations import PATH as ORGANIZATION_PATH
from signon_idp.dialects.auth0_organizations import choose, chosen, organization_of
from signon_idp.dialects.auth0_people import PEOPLE
from signon_idp.endpoints.discovery import metadata
from signon_idp.endpoints.password_mail import password_mail
from signon_idp.endpoints.v2_logout import v2_logout
from signon_idp.errors import CallbackError
from signon_idp.jws import draft, write
from signon_idp.model import Client, Grant, JsonObject, Token
from signon_idp.rules.parameters import Parameters
from signon_idp.scene import Scene

MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
CONNECTIONS = ("Username-Password-Authentication", "google-oauth2", "acme-waad")
_SINGLE = ("name", "given_name", "family_name", "nickname", "email", "email_verified", "picture", "created_at")
_NOT_IN_ID_TOKENS = ("jti", "at_hash", "acr", "amr")


def discovery_document(members: JsonObject, scene: Scene, *, lists_end_session: bool = True) -> JsonObject:
    """The document as the vendor's pages print it; a tenant's switch decides on the end session endpoint."""
    base = scene.issuer.rstrip("/")
    document: JsonObject = {
        **{name: members[name] for name in _DOCUMENT if name in members},
        "device_authorization_endpoint": f"{base}/oauth/device/code",
        "mfa_challenge_endpoint": f"{base}/mfa/challenge",
        "registration_endpoint": f"{base}/oidc/register",
        "scopes_supported": ["openid", "profile", "offline_access", *_SINGLE, "identities", "phone", "address"],
        "response_types_supported": [
            *("code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token"),
        ],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "code_challenge_methods_supported": ["S256", "plain"],
        "claims_supported": [
            *("aud", "auth_time", "created_at", "email", "email_verified", "exp", "family_name", "given_name"),
            *("iat", "identities", "iss", "name", "nickname", "phone_number", "picture", "sub"),
        ],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "RS384", "PS256", "PS384", "ES256", "ES384"],
    }
    if lists_end_session:
        document["end_session_endpoint"] = f"{base}/oidc/logout"
    return document


_DOCUMENT = (
    *(
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "revocation_endpoint",
    ),
    *("pushed_authorization_request_endpoint", "subject_types_supported", "id_token_signing_alg_values_supported"),
    *("request_uri_parameter_supported", "request_parameter_supported"),
    *("backchannel_logout_supported", "backchannel_logout_session_supported"),
)


def judge_request(asked: Parameters, client: Client) -> None:
    """Refuse connections and organizations that this tenant does not have."""
    connection = asked.get("connection")
    if connection is not None and connection not in CONNECTIONS:
        raise CallbackError("invalid_request", f"the connection {connection} does not exist")
    organization_of(asked, client)


def id_token_claims(claims: JsonObject, scene: Scene) -> JsonObject:
    """`auth_time` only where `prompt=login` or `max_age` asked; `updated_at` as a text; the organization."""
    client, grant = _parties(scene)
    asked = dict(grant.asked)
    kept = {name: value for name, value in claims.items() if name not in _NOT_IN_ID_TOKENS}
    if "max_age" not in asked and "login" not in asked.get("prompt", "").split():
        kept.pop("auth_time", None)
    if grant.acr == MULTI_FACTOR:
        kept |= {"acr": MULTI_FACTOR, "amr": ["mfa"]}
    if "updated_at" in kept:
        moment = datetime.fromtimestamp(kept["updated_at"], UTC)
        kept["updated_at"] = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {**kept, **_organization_claims(asked, client)}


def make_access_token(grant: Grant, scene: Scene, *, rfc9068: bool = False) -> str | None:
    """A JWT for the API that `audience` names, in one of the two profiles; without an audience opaque (None)."""
    client, _ = _parties(scene)
    asked = dict(grant.asked)
    audience = asked.get("audience")
    if audience is None:
        return None
    userinfo = [scene.issuer + "userinfo"] if "openid" in grant.scopes else []
    claims: JsonObject = {
        "iss": scene.issuer,
        "sub": grant.persona.sub if grant.persona else f"{client.client_id}@clients",
        "aud": [audience, *userinfo] if userinfo else audience,
        "iat": int(scene.now),
        "exp": int(scene.now) + scene.access_token_seconds,
        "scope": " ".join(grant.scopes),
        **_organization_claims(asked, client),
    }
    own: JsonObject = {"azp": client.client_id}
    if rfc9068:
        own = {"client_id": client.client_id, "jti": secrets.token_urlsafe(16)}
    key = scene.keys.signing_key("RS256")
    return write(draft({**claims, **own}, key=key, alg="RS256", typ="at+jwt" if rfc9068 else "JWT"))


def logout_token_claims(claims: JsonObject, _scene: Scene) -> JsonObject:
    """A `trace_id` stands beside the standard's claims."""
    return {**claims, "trace_id": secrets.token_hex(4)}


def revocable(token: Token) -> bool:
    """Refresh tokens alone."""
    return token.kind == "refresh_token"


def _organization_claims(asked: Parameters, client: Client) -> JsonObject:
    organization = organization_of(asked, client)
    return {} if organization is None else {"org_id": organization.id, "org_name": organization.name}


def _parties(scene: Scene) -> tuple[Client, Grant]:
    if scene.client is None or scene.grant is None:
        raise AssertionError("a token needs a client and a grant")
    return scene.client, scene.grant


def error_members(members: JsonObject, _scene: Scene) -> JsonObject:
    """A wrong secret is `access_denied`; codes and refresh tokens have sentences of their own."""
    error, description = members["error"], str(members.get("error_description", ""))
    if error == "invalid_client" and "wrong client secret" in description:
        return {"error": "access_denied", "error_description": "Unauthorized"}
    if error == "invalid_grant" and "refresh token" in description:
        return {"error": error, "error_description": "Unknown or invalid refresh token."}
    if error == "invalid_grant":
        return {"error": error, "error_description": "Invalid authorization code"}
    return members


def usual_client(client: Client) -> Client:
    """As a regular web application is registered; PKCE is taken where it comes, and not demanded."""
    return replace(client, token_endpoint_auth_method="client_secret_post", require_pkce=False)


def settings(issuer: str, client: Client) -> dict[str, str]:
    """The domain, here as an address since it has a port and no https, and what differs from the usual."""
    values = {
        "DOMAIN": issuer.rstrip("/"),
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": client.client_secret or "",
        "CLIENT_AUTH": client.token_endpoint_auth_method,
        "ID_TOKEN_ALG": client.id_token_signed_response_alg,
    }
    usual = {"CLIENT_SECRET": "", "ID_TOKEN_ALG": "RS256"}
    return {name: value for name, value in values.items() if value != usual.get(name)}


AUTH0 = Dialect(
    name="auth0",
    label="Auth0",
    tint=Tint(light="#a8401c", dark="#f0a17e"),
    port=9003,
    usual_client=usual_client,
    settings=settings,
    issuer_suffix="/",
    paths=Paths(
        jwks="/.well-known/jwks.json",
        token="/oauth/token",
        introspection=None,
        revocation="/oauth/revoke",
        end_session="/oidc/logout",
        pushed="/oauth/par",
    ),
    lifetimes=Lifetimes(
        access_token=86_400, refresh_token=2_592_000, id_token=36_000, pushed=30, session=3 * 86_400
    ),
    scope_claims={
        "profile": ("name", "family_name", "given_name", "nickname", "picture", "updated_at"),
        "email": ("email", "email_verified"),
        "phone": ("phone_number", "phone_number_verified"),
        "address": ("address",),
        **{name: (name,) for name in _SINGLE if name != "email"},
    },
    acrs={"password": ("pwd",), MULTI_FACTOR: ("mfa",)},
    auth_methods=("client_secret_basic", "client_secret_post", "private_key_jwt", "none"),
    signing_algs=("HS256", "RS256", "PS256"),
    sends_iss=False,
    error_statuses={"invalid_grant": 403},
    sign_out=SignOutRules(same_sid=True),
    backchannel=BackchannelRules(typ="JWT", claims=logout_token_claims),
    sign_up=SignUpRules(parameter="screen_hint", value="signup"),
    personas=PEOPLE,
    discovery_document=discovery_document,
    jwks_members=only_rsa,
    judge_request=judge_request,
    id_token_claims=id_token_claims,
    make_access_token=make_access_token,
    error_members=error_members,
    next_page=choose,
    revocable=revocable,
    revocation_ends_grant=False,
    own_routes=(
        Route(name="authorization_server_metadata", path="/.well-known/oauth-authorization-server", view=metadata),
        Route(name="v2_logout", path="/v2/logout", view=v2_logout),
        Route(name="password_mail", path="/dbconnections/change_password", methods=("POST",), view=password_mail),
        Route(name="organization", path=ORGANIZATION_PATH, methods=("POST",), view=chosen),
    ),
)
"""Access tokens in Auth0's own profile; the end session endpoint is listed, as for every tenant since 2023-11."""

AUTH0_OF_OLD = replace(AUTH0, discovery_document=partial(discovery_document, lists_end_session=False))
"""A tenant whose metadata lists no end session endpoint."""

AUTH0_REVOKING_GRANTS = replace(AUTH0, revocation_ends_grant=True)
"""A tenant from before 2021-01-13: a revoked refresh token takes its grant along."""

AUTH0_RFC9068 = replace(AUTH0, make_access_token=partial(make_access_token, rfc9068=True))
"""A tenant whose API has access tokens in the profile of RFC 9068."""
