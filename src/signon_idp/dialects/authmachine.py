"""AuthMachine: an identity server that organizations run themselves, as its public demonstrations use it.

What those show is built in; what was only deduced is an argument of `authmachine_dialect`.
"""

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from signon_idp.dialect import Dialect, Lifetimes, Paths, Route, SignOutRules, SignUpRules, Tint, only_rsa
from signon_idp.dialects.authmachine_people import PEOPLE, PERMISSIONS
from signon_idp.endpoints.permissions import permissions
from signon_idp.errors import CallbackError
from signon_idp.model import Client, JsonObject
from signon_idp.rules.grants import required
from signon_idp.rules.parameters import Pairs, Parameters
from signon_idp.scene import Scene

if TYPE_CHECKING:
    from signon_idp.provider import Idp

Forgotten = Literal["revoked", "not_revoked", "unsaid"]
"""What the vendor's check says of a token that it no longer knows."""
API_TOKEN = "practice-api-token-of-authmachine"
_ID_TOKEN_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "nonce")
_DISCOVERY = (
    *(
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "end_session_endpoint",
        "jwks_uri",
    ),
    *("scopes_supported", "response_types_supported", "subject_types_supported"),
    *("id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported"),
)


def discovery_document(members: JsonObject, scene: Scene) -> JsonObject:
    """Nothing about PKCE; `registration_endpoint` is a page for people, not dynamic registration."""
    known = {name: members[name] for name in _DISCOVERY}
    return {**known, "registration_endpoint": scene.issuer.rstrip("/") + str(_SHOWN.paths.sign_up)}


def asked_objects(asked: Parameters) -> list[str]:
    """The objects in the flat `claims` parameter; ValueError where it has another shape."""
    text = asked.get("claims")
    if text is None:
        return []
    found = json.loads(text)
    objects = found.get("authmachine_permissions") if isinstance(found, dict) else None
    if not isinstance(objects, list) or not all(isinstance(name, str) for name in objects):
        raise ValueError("claims is not a flat object with a list authmachine_permissions")
    return objects


def judge_request(asked: Parameters, _client: Client) -> None:
    """Refuse a `claims` parameter of the standard's shape: this vendor has its own."""
    try:
        asked_objects(asked)
    except ValueError:
        raise CallbackError(
            "invalid_request", "claims must be a flat object: authmachine_permissions and a list"
        ) from None


def id_token_claims(claims: JsonObject, _scene: Scene, *, echoes_nonce: bool) -> JsonObject:
    """No more than the standard's minimum: everything about the person is at userinfo."""
    kept = {name: value for name, value in claims.items() if name in _ID_TOKEN_CLAIMS}
    if not echoes_nonce:
        kept.pop("nonce", None)
    return kept


def userinfo_members(members: JsonObject, scene: Scene) -> JsonObject:
    """`id` and `username` beside `sub`, and the permissions that the sign-in asked for."""
    if scene.grant is None or scene.grant.persona is None:
        raise AssertionError("userinfo is about a person")
    persona = scene.grant.persona
    own = {"id": persona.claims.get("id", persona.sub), "username": persona.id}
    objects = asked_objects(dict(scene.grant.asked))
    if objects:
        granted = PERMISSIONS.get(persona.id, {})
        own["authmachine_permissions"] = {name: list(granted.get(name, ())) for name in objects}
    return {**members, **own}


def check_token_revoked(idp: "Idp", client: Client, form: Parameters, *, forgotten: Forgotten) -> JsonObject:
    """The vendor's own grant: whether an access token of this client has been revoked. `forgotten` is about one
    that is over, or that never was.
    """
    token = idp.state.tokens.get(required(form, "access_token"))
    if token is None:
        return {} if forgotten == "unsaid" else {"revoked": forgotten == "revoked"}
    return {"revoked": token.revoked or token.grant.ended or token.grant.client_id != client.client_id}


def answer_members(asked: Parameters) -> Pairs:
    """A sign-up comes back as such."""
    return (("register", "1"),) if asked.get("register") == "1" else ()


def usual_client(client: Client) -> Client:
    """As the demonstrations are registered: the secret in the form, no PKCE."""
    return replace(client, token_endpoint_auth_method="client_secret_post", require_pkce=False)


def settings(issuer: str, client: Client) -> dict[str, str]:
    """The names of the vendor's own demonstrations, and what differs from them."""
    values = {
        "URL": issuer,
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": client.client_secret or "",
        "API_TOKEN": API_TOKEN,
        "CLIENT_AUTH": client.token_endpoint_auth_method,
        "ID_TOKEN_ALG": client.id_token_signed_response_alg,
    }
    usual = {"CLIENT_AUTH": "client_secret_post", "ID_TOKEN_ALG": "RS256"}
    return {name: value for name, value in values.items() if value != usual.get(name)}


_SHOWN = Dialect(
    name="authmachine",
    label="AuthMachine",
    tint=Tint(light="#6a3d9a", dark="#c3a6e8"),
    port=9002,
    usual_client=usual_client,
    settings=settings,
    paths=Paths(
        jwks="/oidc/jwks",
        authorize="/oidc/authorize",
        token="/oidc/token",
        userinfo="/oidc/userinfo",
        introspection=None,
        revocation=None,
        end_session="/oidc/end-session",
        sign_up="/oidc/register",
    ),
    lifetimes=Lifetimes(access_token=3600),
    scope_claims={
        "profile": ("name", "given_name", "family_name", "preferred_username"),
        "email": ("email", "email_verified"),
    },
    acrs={"password": ("pwd",)},
    auth_methods=("client_secret_post", "client_secret_basic"),
    signing_algs=("RS256", "HS256"),
    sends_iss=False,
    sign_out=SignOutRules(asks_without_hint=False, any_clients_redirect=True, revokes_with="revoke_tokens"),
    sign_up=SignUpRules(parameter="register", value="1", asks_known=True),
    personas=PEOPLE,
    discovery_document=discovery_document,
    jwks_members=only_rsa,
    judge_request=judge_request,
    userinfo_members=userinfo_members,
    answer_members=answer_members,
)


def authmachine_dialect(
    *, echoes_nonce: bool = True, forgotten: Forgotten = "revoked", older_permissions: bool = False
) -> Dialect:
    """AuthMachine, with what nobody has promised as it is told here.

    A token that is over counts as revoked, since no sign-out is missed then: an application's people sign in again
    once its tokens have run out. `older_permissions` is the shape of the permissions API's answer.
    """
    api = permissions(PERMISSIONS, people=PEOPLE, token=API_TOKEN, bare=older_permissions)
    return replace(
        _SHOWN,
        id_token_claims=partial(id_token_claims, echoes_nonce=echoes_nonce),
        own_grants={"check_token_revoked": partial(check_token_revoked, forgotten=forgotten)},
        own_routes=(Route(name="permissions", path="/api/scim/v1/Users/<user_id>/permissions", view=api),),
    )


AUTHMACHINE = authmachine_dialect()
