"""A dialect is how one vendor speaks: data, and a few hooks that translate a standard answer into its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from signon_idp.model import AUTH_METHODS, SIGNING_ALGS, Client, Grant, JsonObject, Persona
from signon_idp.personas import PERSONAS
from signon_idp.scene import Scene


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long things live, in seconds."""

    code: int = 60
    access_token: int = 3600
    refresh_token: int = 14 * 86400
    id_token: int = 3600
    session: int = 8 * 3600
    metadata: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tint:
    """The accent of the pages: CSS colours for light and dark."""

    light: str
    dark: str


def _unchanged(members: JsonObject, _scene: Scene) -> JsonObject:
    return members


Translate = Callable[[JsonObject, Scene], JsonObject]
MakeAccessToken = Callable[[Grant, Scene], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One vendor's data and hooks.

    `issuer_suffix` is what the vendor puts behind its origin in the issuer ("/", "/v2"). `acrs` maps each
    authentication context to its methods (`amr`), the usual one first. `decoys` publishes the odd keys.
    `page_kind` names the sign-in template. The hooks get the standard JSON object and give the vendor's.
    """

    name: str
    label: str
    label_th: str = ""
    tint: Tint
    issuer_suffix: str = ""
    paths: Paths = field(default_factory=Paths)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    scope_claims: Mapping[str, tuple[str, ...]]
    acrs: Mapping[str, tuple[str, ...]]
    auth_methods: tuple[str, ...] = AUTH_METHODS
    signing_algs: tuple[str, ...] = SIGNING_ALGS
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token", "client_credentials")
    openid_required: bool = False
    sends_iss: bool = True
    decoys: bool = False
    personas: tuple[Persona, ...] = PERSONAS
    page_kind: str = "form"
    discovery_document: Translate = _unchanged
    token_members: Translate = _unchanged
    id_token_claims: Translate = _unchanged
    userinfo_members: Translate = _unchanged
    error_members: Translate = _unchanged
    make_access_token: MakeAccessToken | None = None

    def granted_scopes(self, asked: tuple[str, ...], client: Client) -> tuple[str, ...]:
        """The scopes of `asked` that exist here; the others are ignored (OIDC Core 3.1.2.1)."""
        known = {"openid", "offline_access", *self.scope_claims, *client.extra_scopes}
        if "refresh_token" not in client.grant_types:
            known.discard("offline_access")
        return tuple(scope for scope in dict.fromkeys(asked) if scope in known)

    def claims_for(self, persona: Persona, scopes: tuple[str, ...]) -> JsonObject:
        """What `scopes` allow of the persona's claims, language-tagged ones too (OIDC Core 5.2, 5.4)."""
        allowed = {name for scope in scopes for name in self.scope_claims.get(scope, ())}
        return {name: value for name, value in persona.claims.items() if name.partition("#")[0] in allowed}
