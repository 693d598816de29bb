"""What the provider knows: clients, personas, and what it has handed out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
SIGNING_ALGS = ("RS256", "PS256", "ES256", "EdDSA", "HS256")
_HS256_SECRET_BYTES = 32

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered relying party; field names are those of OIDC Dynamic Client Registration, section 2.

    `extra_scopes` are API scopes that this client may ask for beside the dialect's own.
    `claims_in_id_token` puts what the scopes allow into the ID token too, not only into userinfo.
    Raises ValueError when the registration contradicts itself.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    client_name: str | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str = "client_secret_basic"
    id_token_signed_response_alg: str = "RS256"
    userinfo_signed_response_alg: str | None = None
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token", "client_credentials")
    extra_scopes: tuple[str, ...] = ()
    require_pkce: bool = True
    require_consent: bool = False
    claims_in_id_token: bool = True

    def __post_init__(self) -> None:
        """Refuse a registration that could never work."""
        if self.token_endpoint_auth_method not in AUTH_METHODS:
            raise ValueError(f"{self.token_endpoint_auth_method!r} is no client authentication spoken here")
        if (self.token_endpoint_auth_method == "none") != (not self.client_secret):
            raise ValueError("client_secret goes with every authentication method but none")
        for alg in (self.id_token_signed_response_alg, self.userinfo_signed_response_alg):
            self._check_alg(alg)
        for uri in (*self.redirect_uris, *self.post_logout_redirect_uris):
            parts = urlsplit(uri)
            if not parts.scheme or "#" in uri or parts.scheme in {"javascript", "data"}:
                raise ValueError(f"{uri!r} is no absolute address without a fragment (RFC 6749 3.1.2)")

    def _check_alg(self, alg: str | None) -> None:
        if alg is None:
            return
        if alg not in SIGNING_ALGS:
            raise ValueError(f"{alg!r} is not among {', '.join(SIGNING_ALGS)}")
        if alg == "HS256" and len((self.client_secret or "").encode()) < _HS256_SECRET_BYTES:
            raise ValueError("HS256 needs a client_secret of 32 bytes or more (RFC 7518 3.2)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A fictional person; `id` is the user name on the form, `note` says in one line what is special."""

    id: str
    sub: str
    note: str
    note_th: str = ""
    claims: Mapping[str, Any]
    refuses_consent: bool = False


@dataclass(slots=True, kw_only=True)
class Grant:
    """What one sign-in (or one client_credentials request) allowed; ending it ends every token of it.

    Not frozen: `ended` is the one switch that all of its tokens look at.
    """

    client_id: str
    scopes: tuple[str, ...]
    persona: Persona | None = None
    sid: str = ""
    auth_time: float = 0.0
    acr: str = ""
    nonce: str | None = None
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class Code:
    """An authorization code. Not frozen: `used` is set once, and a second use ends the grant (RFC 6749 4.1.2)."""

    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    expires_at: float
    used: bool = False


@dataclass(slots=True, kw_only=True)
class Token:
    """An access or a refresh token. Not frozen: a refresh token is `used` once, either can be `revoked`."""

    kind: str
    grant: Grant
    scopes: tuple[str, ...]
    issued_at: float
    expires_at: float
    used: bool = False
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class BrowserSession:
    """The provider's own session with a browser. Not frozen: `consents` grows as the person allows clients."""

    persona: Persona
    sid: str
    auth_time: float
    acr: str
    expires_at: float
    consents: dict[str, frozenset[str]] = field(default_factory=dict)
