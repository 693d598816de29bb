"""A provider as data: what is known of it before it was ever asked, and the hooks that translate its dialect.

A hook turns the provider's JSON into standard JSON, or adds checks. None can take a check away: what loosens
a rule is a `Deviation` with its evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from signon.core.claims import Check
from signon.core.client_auth import Client
from signon.core.jose import PrivateKey
from signon.core.metadata import Metadata
from signon.core.person import Person, to_person
from signon.core.values import JsonObject, JsonValue, Secret

ResponseMode: TypeAlias = Literal["query", "form_post", "fragment"]
UserinfoPolicy: TypeAlias = Literal["never", "missing", "always"]
"""Whether to ask the userinfo endpoint: never; when the ID token lacks what the scope promised; always."""

SignOutScope: TypeAlias = Literal["everywhere", "here"]
"""How far a sign-out goes: to the provider, too, or no further than this application."""

TokenKind: TypeAlias = Literal["refresh_token", "access_token"]
"""A token as revocation calls it (RFC 7009 2.1)."""

ReadJson: TypeAlias = Callable[[JsonObject, float], JsonObject]
"""Wire JSON and `now` (POSIX seconds) to standard wire JSON."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _as_it_is(answer: JsonObject, _now: float) -> JsonObject:
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One place where a provider is judged less strictly than the standard says, and why that is known."""

    name: str
    why: str
    evidence: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenProfile:
    """How a provider's access tokens are judged at an API of ours: by RFC 9068, but for what is loosened here."""

    algs: frozenset[str] = frozenset({"RS256"})
    """The registered signatures; none of a shared secret, which whoever verifies could forge with."""
    introspected: bool = False
    """The token itself says nothing to us: the provider is asked about it (RFC 7662)."""
    scope_claim: str = "scope"
    """The claim that holds what the token is good for: `scope` as text (RFC 9068 2.2.3), others as a list."""
    kind_may_be_unsaid: bool = False
    """`typ` may be absent or `JWT`; further checks then tell ID tokens apart. A deviation."""
    azp_may_stand_in: bool = False
    """`azp` may stand in for `client_id`. A deviation."""
    jti_may_be_missing: bool = False
    """A deviation."""
    subject_may_be_missing: bool = False
    """A client's own token may name nobody. A deviation."""
    audience_may_be_missing: bool = False
    """The answer about a token need not say whom it is for, so that any client's opens our API. A deviation."""
    deviations: tuple[Deviation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedCheck:
    """A vendor's own way to say that a session has ended there: whether the access token was revoked."""

    grant_type: str
    every_seconds: float = 0.0
    """How often a session is asked about; 0: at each look at who is signed in."""
    unknown: Literal["keep", "end"] = "keep"
    """What becomes of a session where the vendor gives no verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordApi:
    """Where a vendor's own API has the passwords of its people."""

    environments_url: str
    """The address below which each environment has its people."""
    environment_id: str | None
    """None: known only by what is said of each person."""
    scopes: tuple[str, ...]
    """What somebody's own token must be good for before they change their password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutForm:
    """One way to sign out at a provider (RP-Initiated Logout 2, or the vendor's own)."""

    endpoint: str | None = None
    """None: the metadata's `end_session_endpoint`."""
    redirect_parameter: str = "post_logout_redirect_uri"
    sends: frozenset[str] = frozenset({"id_token_hint", "client_id", "state"})
    """What goes along where there is some; `logout_hint`, too, in place of a hint that is too long."""
    needs_hint: bool = False
    """Only where there is an ID token to send; else the next form's turn comes."""
    parameters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """How a person without an account gets one: parameters, at the authorization endpoint or a page of its own."""

    parameters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    at_registration_endpoint: bool = False
    """The metadata's `registration_endpoint` is that page (where it is no endpoint of dynamic registration)."""
    echo: tuple[str, str] | None = None
    """The parameter of the authorization response that tells of a new account, and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider, ready to be used by every function of the core."""

    name: str
    """In URLs, in sessions and before its settings: `[a-z][a-z0-9_]*`."""
    label: str
    issuer: str
    client: Client
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    id_token_algs: frozenset[str] = frozenset({"RS256"})
    discovery_url: str | None = None
    """Where the metadata document is, if not where the standard says."""
    metadata: Metadata | None = None
    """Fixed metadata of a provider without a discovery document."""
    authorize_parameters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    service_parameters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Sent when the application asks for a token of its own, unless that call says otherwise."""
    forwarded: frozenset[str] = frozenset()
    """Parameters of the login route that go on to the provider; all others stop here."""
    asked_again: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Claims whose value somebody who has to sign in once more is asked to have again, such as an organization,
    and the parameter that asks for each."""
    sign_up: SignUp | None = None
    sign_out: tuple[SignOutForm, ...] = (SignOutForm(),)
    """Tried in order: the first with an endpoint is used. Empty: only the application has a session."""
    sign_out_scope: SignOutScope = "everywhere"
    """How far a sign-out goes unless the person chooses otherwise."""
    tells_by: frozenset[str] = frozenset()
    """How it may tell us of sign-outs elsewhere, "backchannel" or "frontchannel": for those who register the
    addresses. We listen in any case."""
    endpoints: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Addresses that win over the metadata's, by their metadata names."""
    either_slash: bool = False
    """The metadata may spell the issuer with or without a slash at its end. A deviation."""
    pkce: bool = True
    """False sends no code challenge. A deviation."""
    nonce_may_be_missing: bool = False
    """The ID token may come without the nonce that was sent; a wrong one never may. A deviation."""
    par: bool = False
    """Push every authorization request (RFC 9126). Also done where the metadata demands it."""
    private_keys: tuple[PrivateKey, ...] = ()
    """They sign our client assertions and open what is encrypted to us."""
    id_token_encryption: str | None = None
    """The registered key encryption of ID tokens; others, and plain ones, are then refused (OIDC Core 3.1.3.7)."""
    userinfo_encryption: str | None = None
    subject_is_national_id: bool = False
    """The subject is a number that identifies the person everywhere: never shown or logged, our key stands in."""
    identity_from_introspection: bool = False
    """Without `openid` the claims come in the token answer and nothing is signed. A deviation."""
    api_url: str | None = None
    """The vendor's own API, for the profile's further modules."""
    api_token: Secret | None = None
    passwords: PasswordApi | None = None
    """None: the vendor has no API for them."""
    password_mail_url: str | None = None
    """Where it is asked for a mail with a link to a new password; None: it sends none."""
    access_tokens: AccessTokenProfile = AccessTokenProfile()
    """How its access tokens are judged at an API of ours."""
    introspection_prefix: str = ""
    """Before the token in the forms of introspection and revocation."""
    introspection_alg: str | None = None
    """The registered signature of introspection answers (RFC 9701 6); plain JSON is then refused."""
    refresh_ends: frozenset[str] = frozenset(
        {"invalid_grant", "interaction_required", "login_required", "consent_required"}
    )
    """The error codes, its own or the standard's, that end a refresh for good. Any other failure may pass."""
    refresh_end_statuses: frozenset[int] = frozenset()
    """The statuses that do, whatever the error's code."""
    revokes: frozenset[TokenKind] = frozenset({"refresh_token", "access_token"})
    """What can be revoked where it has an endpoint for that."""
    revocation_cascades: bool = True
    """A refresh token that is revoked takes its access tokens along (RFC 7009 2.1)."""
    unrevocable_scope: str | None = None
    """How scopes begin whose access tokens can't be revoked."""
    revoked_check: RevokedCheck | None = None
    """Whether, and how often, it is asked if a session has ended there."""
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    """Sent with every request to the provider's endpoints."""
    response_type: str = "code"
    """As it is sent: words in any order. With `id_token` or `token` among them tokens come by the browser."""
    response_mode: ResponseMode = "query"
    prompt: str | None = None
    max_age_seconds: int | None = None
    acr_values: tuple[str, ...] = ()
    userinfo: UserinfoPolicy = "missing"
    userinfo_alg: str | None = None
    """The registered signature of userinfo answers; plain JSON is then refused."""
    userinfo_form: bool = False
    """Send the access token in a form (RFC 6750 2.2) and not in the header: for providers that ask for it."""
    callback_path: str | None = None
    logout_callback_path: str | None = None
    post_logout_path: str | None = None
    backchannel_logout_path: str | None = None
    frontchannel_logout_path: str | None = None
    initiate_path: str | None = None
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
    read_tokens: ReadJson = _as_it_is
    read_userinfo: ReadJson = _as_it_is
    read_error: ReadJson = _as_it_is
    to_person: Callable[..., Person] = to_person
    to_vendor: Callable[[Mapping[str, JsonValue]], object] | None = None
    """The vendor's own fields of a person, typed, from the claims."""
    to_permissions: Callable[[Mapping[str, JsonValue]], Mapping[str, tuple[str, ...]]] | None = None
    """What a person may do with which object, from the claims; None: the vendor has no permissions."""
    extra_checks: tuple[Check, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong with its settings, for the start to print; a provider with problems is never used."""


def settle(provider: Provider, metadata: Metadata) -> Metadata:
    """The provider's metadata with the addresses that its profile knows better."""
    known: dict[str, Any] = dict(provider.endpoints)
    return replace(metadata, **known) if known else metadata
