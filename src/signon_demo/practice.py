"""The practice providers of the demo, as data, and what the application must know to use each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from signon_idp import Client, Idp, start

CLIENT_ID = "demo"
CLIENT_SECRET = "practice-secret-of-the-demo-client"
"""Published on purpose: it opens nothing but a practice provider."""


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


PRACTICES = (
    Practice(
        name="oidc",
        vendor="oidc",
        dialect="oidc",
        more={"scope": "openid profile email phone address groups"},
    ),
)
"""What the demo starts, in the order of the buttons; each gets a port of its own, as vendors have origins."""


def start_practice(practice: Practice, *, port: int, application: str) -> Idp:
    """Serve a practice provider on 127.0.0.1 that knows the application at that base URL.

    127.0.0.1 and localhost are two sites to a browser, as a provider and an application are in life.
    Raises OSError when the port is taken.
    """
    client = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_name="Signon demo",
        redirect_uris=(f"{application}/auth/callback/{practice.name}",),
        post_logout_redirect_uris=(f"{application}/auth/logout/callback/{practice.name}",),
    )
    return start(dialect=practice.dialect, port=port, clients=(client,))


def provider_settings(practice: Practice, idp: Idp) -> dict[str, str]:
    """The settings of one provider, by the names that an application's environment would have."""
    keywords = {"issuer": idp.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **practice.more}
    return {f"{practice.name}_{keyword}".upper(): value for keyword, value in keywords.items()}


def provider_names(practices: tuple[Practice, ...]) -> str:
    """The list of providers as `SIGNON_PROVIDERS` has it."""
    return ",".join(f"{practice.name}:{practice.vendor}" for practice in practices)
