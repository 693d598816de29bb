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

ResponseMode: TypeAlias = Literal["query", "form_post"]
UserinfoPolicy: TypeAlias = Literal["never", "missing", "always"]
"""Whether to ask the userinfo endpoint: never; when the ID token lacks what the scope promised; always."""

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
class SignOutForm:
    """One way to sign out at a provider (RP-Initiated Logout 2, or the vendor's own)."""

    endpoint: str | None = None
    """None: the metadata's `end_session_endpoint`."""
    redirect_parameter: str = "post_logout_redirect_uri"
    sends: frozenset[str] = frozenset({"id_token_hint", "client_id", "state"})
    parameters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """How a person without an account gets one: parameters, at the authorization endpoint or a page of its own."""

    parameters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    at_registration_endpoint: bool = False
    """The metadata's `registration_endpoint` is that page (where it is no endpoint of dynamic registration)."""


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
    forwarded: frozenset[str] = frozenset()
    """Parameters of the login route that go on to the provider; all others stop here."""
    sign_up: SignUp | None = None
    sign_out: tuple[SignOutForm, ...] = (SignOutForm(),)
    """Tried in order: the first with an endpoint is used. Empty: only the application has a session."""
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
    introspection_prefix: str = ""
    """Before the token in the forms of introspection and revocation."""
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    """Sent with every request to the provider's endpoints."""
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
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
    read_tokens: ReadJson = _as_it_is
    read_userinfo: ReadJson = _as_it_is
    read_error: ReadJson = _as_it_is
    to_person: Callable[..., Person] = to_person
    to_vendor: Callable[[Mapping[str, JsonValue]], object] | None = None
    """The vendor's own fields of a person, typed, from the claims."""
    extra_checks: tuple[Check, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong with its settings, for the start to print; a provider with problems is never used."""


def settle(provider: Provider, metadata: Metadata) -> Metadata:
    """The provider's metadata with the addresses that its profile knows better."""
    known: dict[str, Any] = dict(provider.endpoints)
    return replace(metadata, **known) if known else metadata
