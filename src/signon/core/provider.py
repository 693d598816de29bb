"""A provider as data: what is known of it before it was ever asked, and the hooks that translate its dialect.

A hook turns the provider's JSON into standard JSON, or adds checks. None can take a check away: what loosens
a rule is a `Deviation` with its evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from signon.core.claims import Check
from signon.core.client_auth import Client
from signon.core.metadata import Metadata
from signon.core.person import Person, to_person
from signon.core.values import JsonObject

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
    logout_parameters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
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
    sends_id_token_hint: bool = True
    callback_path: str | None = None
    logout_callback_path: str | None = None
    post_logout_path: str | None = None
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
    read_tokens: ReadJson = _as_it_is
    read_userinfo: ReadJson = _as_it_is
    read_error: ReadJson = _as_it_is
    to_person: Callable[..., Person] = to_person
    extra_checks: tuple[Check, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong with its settings, for the start to print; a provider with problems is never used."""
