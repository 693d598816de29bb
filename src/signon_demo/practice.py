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
    also: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Further providers at the same place, by their names: the keywords in which they differ."""
    told_by: tuple[str, ...] = ()
    """Keywords beside `client_id` whose presence in the environment says that the real vendor is meant."""


_PLAIN = "openid profile email"
PRACTICES = (
    Practice(
        name="thaid",
        vendor="thaid",
        dialect="thaid",
        # Its introspection does not say for whom a token is: any client's would open an API of the application's.
        more={"scope": " ".join(THAID_SCOPES), "access_token_profile": "introspected-without-audience"},
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
        more={"scope": "openid profile email offline_access", "audience": "https://api.demo.example"},
        told_by=("client_secret", "domain", "issuer"),
    ),
    Practice(
        name="pingone",
        vendor="pingone",
        dialect="pingone",
        more={
            "scope": "openid profile email address offline_access p1:read:userPassword p1:reset:userPassword",
        },
        also={
            "implicit": {"response_type": "token id_token", "scope": _PLAIN, "label": "PingOne (implicit flow)"},
            "hybrid": {"response_type": "code id_token", "scope": _PLAIN, "label": "PingOne (hybrid flow)"},
        },
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
        more={
            "scope": "openid profile email phone address groups offline_access",
            "access_token_profile": "introspected",
        },
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
    usual, names = demo_client(practice.dialect), (practice.name, *practice.also)
    told = f"{application}/auth/backchannel-logout/{practice.name}"
    # Nobody but a browser that was asked trusts a certificate made on the fly.
    reaches_it = DIALECTS[practice.dialect].backchannel is not None and application.startswith("http:")
    client = replace(
        usual,
        client_name="Signon demo",
        redirect_uris=tuple(f"{application}/auth/callback/{name}" for name in names),
        post_logout_redirect_uris=tuple(f"{application}/auth/logout/callback/{name}" for name in names),
        backchannel_logout_uri=told if reaches_it else None,
        response_types=(*usual.response_types, *(more["response_type"] for more in practice.also.values())),
        grant_types=(*usual.grant_types, *(("implicit",) if practice.also else ())),
    )
    return start(dialect=practice.dialect, port=port, clients=(client,))


def provider_settings(practice: Practice, idp: Idp) -> dict[str, str]:
    """The settings of a practice's providers, by the names that an application's environment would have."""
    (client,) = idp.clients.values()
    usual = {name.lower(): value for name, value in idp.dialect.settings(idp.issuer, client).items()}
    each = {practice.name: {}, **practice.also}
    return {
        f"{name}_{keyword}".upper(): value
        for name, other in each.items()
        for keyword, value in {**usual, **practice.more, **other}.items()
    }


def provider_names(practices: tuple[Practice, ...], *, also_of: tuple[Practice, ...] = ()) -> str:
    """The list of providers as `SIGNON_PROVIDERS` has it, and at its end those further ones at the same places."""
    main = [f"{practice.name}:{practice.vendor}" for practice in practices]
    return ",".join((*main, *(f"{name}:{practice.vendor}" for practice in also_of for name in practice.also)))
