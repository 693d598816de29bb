"""What the provider knows: clients, personas, and what it has handed out."""

import re
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
_LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}")

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered relying party; field names are those of OIDC Dynamic Client Registration, section 2.

    `scope` is what a client may ask for where the vendor registers that; None: whatever there is.
    `extra_scopes` are API scopes that this client may ask for beside the dialect's own.
    `claims_in_id_token` puts what the scopes allow into the ID token too, not only into userinfo.
    `organization_usage` is Auth0's: deny, allow or require that a sign-in is for an organization.
    `idp_signoff` is PingOne's: the application may sign people out at the provider behind the environment, too.
    `jwks` are the client's public keys as a JWK Set: they check its assertions, and tokens are encrypted to them.
    The logout addresses and whether they want a `sid` are those of OIDC Back-Channel and Front-Channel Logout 1.0.
    Raises ValueError when the registration contradicts itself.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    client_name: str | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False
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
    idp_signoff: bool = False
    response_types: tuple[str, ...] = ("code",)
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
        if "implicit" not in self.grant_types and any(kind != "code" for kind in self.response_types):
            raise ValueError("response types with tokens go with the grant type implicit (Registration 2)")
        for alg in (self.id_token_signed_response_alg, self.userinfo_signed_response_alg):
            self._check_alg(alg)
        for uri in (*self.redirect_uris, *self.post_logout_redirect_uris):
            parts = urlsplit(uri)
            if not parts.scheme or "#" in uri or parts.scheme in {"javascript", "data"}:
                raise ValueError(f"{uri!r} is no absolute address without a fragment (RFC 6749 3.1.2)")
        self._check_logout()

    def _check_logout(self) -> None:
        for uri in (self.backchannel_logout_uri, self.frontchannel_logout_uri):
            if uri is not None and not _is_safe_address(uri):
                raise ValueError(f"{uri!r} is no https or loopback address without a fragment")
        origins = {urlsplit(uri)[:2] for uri in self.redirect_uris}
        if self.frontchannel_logout_uri and urlsplit(self.frontchannel_logout_uri)[:2] not in origins:
            raise ValueError(
                "frontchannel_logout_uri shares its origin with a redirect URI (Front-Channel Logout 2)"
            )

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


def _is_safe_address(address: str) -> bool:
    """Whether we may send requests there: to anywhere by https, by http to this computer alone."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    here = host in {"localhost", "::1"} or host.endswith(".localhost") or _LOOPBACK.fullmatch(host) is not None
    return bool(host) and "#" not in address and (parts.scheme == "https" or (parts.scheme == "http" and here))


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
class Password:
    """Somebody's password where it can be changed. Not frozen: it changes, and wrong tries are counted.

    Times are POSIX seconds. `former` are the ones before it, the latest first.
    """

    value: str = field(repr=False)
    changed_at: float
    former: list[str] = field(default_factory=list, repr=False)
    must_change: bool = False
    failures: int = 0
    locked_until: float = 0.0
    recovery_code: str = field(default="", repr=False)
    recovery_until: float = 0.0


@dataclass(slots=True, kw_only=True)
class Grant:
    """What one sign-in (or one client_credentials request) allowed; ending it ends every token of it.

    Not frozen: `ended` is the one switch that all of its tokens look at, `redeemed` the refresh token used last.
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
    redeemed: "Token | None" = field(default=None, repr=False, compare=False)


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
    """An access or a refresh token. Not frozen: a refresh token is used once, either can be `revoked`.

    `used_at` is the POSIX time of the first use.
    """

    kind: str
    grant: Grant
    scopes: tuple[str, ...]
    issued_at: float
    expires_at: float
    used_at: float | None = None
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class BrowserSession:
    """The provider's own session with a browser. Not frozen: `consents` grows as the person allows clients.

    `clients` are the ids of those that people went on to: from the code on, since the session may end while one
    is being redeemed.
    """

    persona: Persona
    sid: str
    auth_time: float
    acr: str
    expires_at: float
    consents: dict[str, frozenset[str]] = field(default_factory=dict)
    clients: set[str] = field(default_factory=set)
    before: tuple[str, ...] = ()
    """The ids that this browser had before: sign-in pages in its other tabs are bound to them."""
