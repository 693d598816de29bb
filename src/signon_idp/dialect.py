"""A dialect is how one vendor speaks: data, and a few hooks that translate a standard answer into its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from signon_idp.jws import Draft
from signon_idp.model import AUTH_METHODS, SIGNING_ALGS, BrowserSession, Client, Grant, JsonObject, Persona, Token
from signon_idp.personas import PERSONAS
from signon_idp.rules.authorization import JudgeRequest, anything_goes
from signon_idp.rules.parameters import Pairs, Parameters
from signon_idp.scene import Scene

if TYPE_CHECKING:
    from flask import Response

    from signon_idp.provider import Idp
    from signon_idp.rules.authorization import AuthorizationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where each endpoint is, under the issuer's path; None where the vendor has no such endpoint."""

    discovery: str = "/.well-known/openid-configuration"
    jwks: str = "/jwks.json"
    authorize: str = "/authorize"
    token: str = "/token"
    userinfo: str | None = "/userinfo"
    introspection: str | None = "/introspect"
    revocation: str | None = "/revoke"
    end_session: str | None = "/end-session"
    pushed: str | None = None
    sign_up: str | None = None
    """A page for new accounts that takes an authorization request, where the vendor has one apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long things live, in seconds."""

    code: int = 60
    access_token: int = 3600
    refresh_token: int = 14 * 86400
    id_token: int = 3600
    session: int = 8 * 3600
    pushed: int = 60
    metadata: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tint:
    """The accent of the pages: CSS colours for light and dark."""

    light: str
    dark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutRules:
    """What the end session endpoint wants before it acts, beyond RP-Initiated Logout 2.

    `any_clients_redirect` finds the client by its address where nothing else names one. `same_sid` asks the
    person unless the hint is of this very session. `revokes_with` names a parameter whose 1 ends all tokens.
    """

    asks_without_hint: bool = True
    any_clients_redirect: bool = False
    expired_hint: bool = True
    same_sid: bool = False
    revokes_with: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpRules:
    """The parameter that asks for a new account, and whether somebody who is signed in is asked, too."""

    parameter: str
    value: str
    asks_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An endpoint of the vendor's own; `path` is a Flask rule below the issuer's path."""

    name: str
    path: str
    methods: tuple[str, ...] = ("GET",)
    view: "Callable[[Idp], Response]"


Translate = Callable[[JsonObject, Scene], JsonObject]


def _unchanged(members: JsonObject, _scene: Scene) -> JsonObject:
    return members


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelRules:
    """What a vendor writes into a logout token's header as `typ`, and makes of its claims."""

    typ: str = "logout+jwt"
    claims: Translate = _unchanged


def only_rsa(members: JsonObject, _scene: Scene) -> JsonObject:
    """The JWK Set of a vendor that signs with RSA alone."""
    return {"keys": [key for key in members["keys"] if key["kty"] == "RSA"]}


def _as_shown(token: str) -> str:
    return token


def _as_registered(client: Client) -> Client:
    return client


def _as_drafted(token: Draft) -> Draft:
    return token


def standard_settings(issuer: str, client: Client) -> dict[str, str]:
    """What an application must be told that knows nothing but discovery; only what it would not assume itself."""
    values = {
        "ISSUER": issuer,
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": client.client_secret or "",
        "CLIENT_AUTH": client.token_endpoint_auth_method,
        "ID_TOKEN_ALG": client.id_token_signed_response_alg,
    }
    usual = {"CLIENT_SECRET": "", "CLIENT_AUTH": "client_secret_basic", "ID_TOKEN_ALG": "RS256"}
    return {name: value for name, value in values.items() if value != usual.get(name)}


MakeAccessToken = Callable[[Grant, Scene], str | None]
OwnGrant = Callable[["Idp", Client, Parameters], JsonObject]
NextPage = Callable[["Idp", "AuthorizationRequest", BrowserSession, str], "Response | None"]
Settings = Callable[[str, Client], dict[str, str]]
_NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One vendor's data and hooks.

    `issuer_suffix` is what the vendor puts behind its origin in the issuer ("/", "/v2"). `acrs` maps each
    authentication context to its methods (`amr`), the usual one first. `decoys` publishes the odd keys.
    `page_kind` names the sign-in template. The hooks get the standard JSON object and give the vendor's.

    `port` is where the command line serves it, `usual_client` makes the client that it registers this vendor's,
    and `settings` is what an application sets for it, from issuer and client. `refuses_in_place` shows every
    mistake of an authorization request instead of sending it back. `error_statuses` are the statuses of the
    vendor's own codes. `judge_request` raises CallbackError for what only this vendor refuses.

    `basic_alone` refuses a `client_id` in the body beside Basic.
    `next_page` may show one more page after the sign-in, `answer_members` adds to the authorization response,
    `make_access_token` gives None for an opaque one, `revocable` is false for tokens that revocation spares,
    `revocation_ends_grant` lets a revoked refresh token take the access tokens along.

    `backchannel` and `frontchannel` are the ways in which clients learn that a session ended.
    """

    name: str
    label: str
    label_th: str = ""
    tint: Tint
    port: int = 9000
    usual_client: Callable[[Client], Client] = _as_registered
    settings: Settings = standard_settings
    issuer_suffix: str = ""
    paths: Paths = field(default_factory=Paths)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    scope_claims: Mapping[str, tuple[str, ...]]
    acrs: Mapping[str, tuple[str, ...]]
    auth_methods: tuple[str, ...] = AUTH_METHODS
    signing_algs: tuple[str, ...] = SIGNING_ALGS
    response_types: tuple[str, ...] = ("code",)
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token", "client_credentials")
    openid_required: bool = False
    sends_iss: bool = True
    decoys: bool = False
    encryption: bool = False
    basic_alone: bool = False
    sign_out: SignOutRules = field(default_factory=SignOutRules)
    backchannel: BackchannelRules | None = None
    frontchannel: bool = False
    sign_up: SignUpRules | None = None
    raw_basic: bool = False
    keeps_session: bool = True
    refresh_always: bool = False
    refuses_in_place: bool = False
    error_statuses: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    personas: tuple[Persona, ...] = PERSONAS
    page_kind: str = "form"
    discovery_document: Translate = _unchanged
    token_members: Translate = _unchanged
    id_token_claims: Translate = _unchanged
    userinfo_members: Translate = _unchanged
    error_members: Translate = _unchanged
    jwks_members: Translate = _unchanged
    introspection_members: Translate = _unchanged
    revocation_members: Translate = _unchanged
    id_token_draft: Callable[[Draft], Draft] = _as_drafted
    judge_request: JudgeRequest = anything_goes
    bare_token: Callable[[str], str] = _as_shown
    make_access_token: MakeAccessToken | None = None
    next_page: NextPage | None = None
    answer_members: Callable[[Parameters], Pairs] | None = None
    revocable: Callable[[Token], bool] | None = None
    revocation_ends_grant: bool = True
    own_grants: Mapping[str, OwnGrant] = field(default_factory=dict)
    own_routes: tuple[Route, ...] = ()

    def wants_sign_up(self, asked: Parameters) -> bool:
        """Whether a request asks for a new account, in the vendor's own way."""
        return self.sign_up is not None and asked.get(self.sign_up.parameter) == self.sign_up.value

    def granted_scopes(self, asked: tuple[str, ...], client: Client) -> tuple[str, ...]:
        """The scopes of `asked` that exist here for this client; the others are ignored (OIDC Core 3.1.2.1)."""
        known = {"openid", "offline_access", *self.scope_claims, *client.extra_scopes}
        if "refresh_token" not in client.grant_types:
            known.discard("offline_access")
        if client.scope is not None:
            known &= {*client.scope.split(), *client.extra_scopes}
        return tuple(scope for scope in dict.fromkeys(asked) if scope in known)

    def claims_for(self, persona: Persona, scopes: tuple[str, ...]) -> JsonObject:
        """What `scopes` allow of the persona's claims, language-tagged ones too (OIDC Core 5.2, 5.4)."""
        allowed = {name for scope in scopes for name in self.scope_claims.get(scope, ())}
        return {name: value for name, value in persona.claims.items() if name.partition("#")[0] in allowed}
