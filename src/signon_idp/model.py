"""What the provider knows: clients, personas, and what it has handed out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")
ASSERTION_ALGS: Mapping[str, tuple[str, ...]] = {
    "client_secret_jwt": ("HS256", "HS384", "HS512"),
    "private_key_jwt": ("RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384", "EdDSA"),
}
"""What each way of client authentication by JWT may be signed with (OIDC Core 9)."""
ENCRYPTION_ALGS = ("RSA-OAEP-256", "RSA-OAEP", "ECDH-ES")
ENCRYPTION_ENCS = ("A256GCM", "A128GCM", "A128CBC-HS256", "A256CBC-HS512")
SIGNING_ALGS = ("RS256", "PS256", "ES256", "EdDSA", "HS256")
_HS256_SECRET_BYTES = 32

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered relying party; field names are those of OIDC Dynamic Client Registration, section 2.

    `scope` is what a client may ask for where the vendor registers that; None: whatever there is.
    `extra_scopes` are API scopes that this client may ask for beside the dialect's own.
    `claims_in_id_token` puts what the scopes allow into the ID token too, not only into userinfo.
    `organization_usage` is Auth0's: deny, allow or require that a sign-in is for an organization.
    `jwks` are the client's public keys as a JWK Set: they check its assertions, and tokens are encrypted to them.
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
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str = "A128CBC-HS256"
    userinfo_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_enc: str = "A128CBC-HS256"
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    token_endpoint_auth_signing_alg: str | None = None
    require_pushed_authorization_requests: bool = False
    organization_usage: str = "allow"
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token", "client_credentials")
    scope: str | None = None
    extra_scopes: tuple[str, ...] = ()
    require_pkce: bool = True
    require_consent: bool = False
    claims_in_id_token: bool = True

    def __post_init__(self) -> None:
        """Refuse a registration that could never work."""
        if self.token_endpoint_auth_method not in AUTH_METHODS:
            raise ValueError(f"{self.token_endpoint_auth_method!r} is no client authentication spoken here")
        self._check_credentials()
        self._check_encryption()
        for alg in (self.id_token_signed_response_alg, self.userinfo_signed_response_alg):
            self._check_alg(alg)
        for uri in (*self.redirect_uris, *self.post_logout_redirect_uris):
            parts = urlsplit(uri)
            if not parts.scheme or "#" in uri or parts.scheme in {"javascript", "data"}:
                raise ValueError(f"{uri!r} is no absolute address without a fragment (RFC 6749 3.1.2)")

    def _check_credentials(self) -> None:
        method = self.token_endpoint_auth_method
        if (method == "none" and self.client_secret) or (
            method.startswith("client_secret") and not self.client_secret
        ):
            raise ValueError("client_secret goes with every authentication method but none and private_key_jwt")
        if method == "private_key_jwt" and not self.jwks:
            raise ValueError("private_key_jwt needs the client's public keys in jwks")
        alg = self.token_endpoint_auth_signing_alg
        if alg is not None and alg not in ASSERTION_ALGS.get(method, ()):
            raise ValueError(f"{alg!r} does not sign the assertions of {method}")
        if method == "client_secret_jwt" and len((self.client_secret or "").encode()) < _HS256_SECRET_BYTES:
            raise ValueError("client_secret_jwt needs a client_secret of 32 bytes or more (RFC 7518 3.2)")

    def _check_encryption(self) -> None:
        for alg in (self.id_token_encrypted_response_alg, self.userinfo_encrypted_response_alg):
            if alg is not None and (alg not in ENCRYPTION_ALGS or not self.jwks):
                raise ValueError(f"encryption by {alg!r} needs one of {', '.join(ENCRYPTION_ALGS)}, and jwks")
        for enc in (self.id_token_encrypted_response_enc, self.userinfo_encrypted_response_enc):
            if enc not in ENCRYPTION_ENCS:
                raise ValueError(f"{enc!r} is not among {', '.join(ENCRYPTION_ENCS)}")

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
    asked: Mapping[str, str] = field(default_factory=dict)
    """The parameters of the authorization request, for what a vendor does with its own."""
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class Code:
    """An authorization code. Not frozen: `used` is set once, and a second use ends the grant (RFC 6749 4.1.2)."""

    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    expires_at: float
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """An authorization request that waits for its browser (RFC 9126)."""

    client_id: str
    pairs: tuple[tuple[str, str], ...]


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
    before: tuple[str, ...] = ()
    """The ids that this browser had before: sign-in pages in its other tabs are bound to them."""
