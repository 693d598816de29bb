"""The practice providers of the demo, as data, and what the application must know to use each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from signon_idp import Idp, start
from signon_idp.demo import demo_client
from signon_idp.dialects import DIALECTS
from signon_idp.dialects.sgid import SCOPES as SGID_SCOPES
from signon_idp.dialects.thaid import SCOPES as THAID_SCOPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """One practice provider: what the application calls it, and what it plays."""

    name: str
    """In addresses, and before the names of its settings."""
    vendor: str
    """Whose factory the application uses."""
    dialect: str
    more: Mapping[str, str] = field(default_factory=dict)
    """Further keywords of the vendor's factory."""
    told_by: tuple[str, ...] = ()
    """Keywords beside `client_id` whose presence in the environment says that the real vendor is meant."""


PRACTICES = (
    Practice(
        name="thaid",
        vendor="thaid",
        dialect="thaid",
        more={"scope": " ".join(THAID_SCOPES)},
        told_by=("client_secret", "well_known_url", "issuer"),
    ),
    Practice(
        name="authmachine",
        vendor="authmachine",
        dialect="authmachine",
        more={"permissions": "billing warehouse-7"},
        told_by=("client_secret", "url", "issuer"),
    ),
    Practice(
        name="auth0",
        vendor="auth0",
        dialect="auth0",
        told_by=("client_secret", "domain", "issuer"),
    ),
    Practice(
        name="pingone",
        vendor="pingone",
        dialect="pingone",
        more={"scope": "openid profile email address p1:read:userPassword p1:reset:userPassword"},
        told_by=("client_secret", "environment_id", "custom_domain", "issuer"),
    ),
    Practice(
        name="sgid",
        vendor="sgid",
        dialect="sgid",
        more={"scope": " ".join(SGID_SCOPES)},
        told_by=("client_secret", "private_key"),
    ),
    Practice(
        name="oidc",
        vendor="oidc",
        dialect="oidc",
        more={"scope": "openid profile email phone address groups"},
        told_by=("client_secret", "issuer"),
    ),
)
"""What the demo offers, in the order of the buttons; each gets a port of its own, as vendors have origins."""

_FIRST_PORT = DIALECTS["oidc"].port


def usual_port(practice: Practice, *, first: int) -> int:
    """Where a practice provider goes when the standard one's port is `first`; 0, any port, stays 0."""
    return first and first + DIALECTS[practice.dialect].port - _FIRST_PORT


def start_practice(practice: Practice, *, port: int, application: str) -> Idp:
    """Serve a practice provider on 127.0.0.1 that knows the application at that base URL.

    127.0.0.1 and localhost are two sites to a browser, as a provider and an application are in life.
    Raises OSError when the port is taken.
    """
    client = replace(
        demo_client(practice.dialect),
        client_name="Signon demo",
        redirect_uris=(f"{application}/auth/callback/{practice.name}",),
        post_logout_redirect_uris=(f"{application}/auth/logout/callback/{practice.name}",),
    )
    return start(dialect=practice.dialect, port=port, clients=(client,))


def provider_settings(practice: Practice, idp: Idp) -> dict[str, str]:
    """The settings of one provider, by the names that an application's environment would have."""
    (client,) = idp.clients.values()
    keywords = {**idp.dialect.settings(idp.issuer, client), **practice.more}
    return {f"{practice.name}_{keyword}".upper(): value for keyword, value in keywords.items()}


def provider_names(practices: tuple[Practice, ...]) -> str:
    """The list of providers as `SIGNON_PROVIDERS` has it."""
    return ",".join(f"{practice.name}:{practice.vendor}" for practice in practices)
