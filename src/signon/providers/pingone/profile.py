"""PingOne as data: environments, regions, sign-on policies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Unpack, cast
from urllib.parse import urlsplit

from signon.core.person import text_claim
from signon.core.provider import AccessTokenProfile, Deviation, PasswordApi, Provider, SignOutForm
from signon.core.values import JsonObject, JsonValue, url_problem
from signon.providers.common import common_fields, require_openid
from signon.providers.keywords import SWITCH, Common, Keyword, Reader, keywords

REGIONS: Mapping[str, str] = {
    "com": "North America",
    "ca": "Canada",
    "eu": "Europe",
    "com.au": "Australia",
    "sg": "Singapore",
    "asia": "Asia-Pacific, of old",
}
"""The top-level domain of each region's hosts (IP address and domain reference)."""


class PingOneKeywords(Common, total=False):
    """The keywords that only PingOne has."""

    environment_id: str
    region: str
    custom_domain: str
    api_url: str
    logout_sends_client_id: bool | str
    logout_sends_hint: bool | str
    idp_signoff: bool | str


_ENVIRONMENT_ID = re.compile(r"[A-Za-z0-9-]+\Z")
_AUTH_HOST = "auth.pingone."
_OF_ENVIRONMENT = re.compile(r"/([A-Za-z0-9-]+)/as\Z")
"""The path of an issuer that names its environment; a custom domain's doesn't."""
READ_PASSWORD = "p1:read:userPassword"  # noqa: S105 - the name of a scope
CHANGE_PASSWORD = "p1:reset:userPassword"  # noqa: S105 - the same


def _environment_id(text: str) -> str | None:
    return None if _ENVIRONMENT_ID.match(text) else "is no id: letters, digits and hyphens"


def _custom_domain(text: str) -> str | None:
    return url_problem(_on_domain(text), query=False)


KEYWORDS = keywords(
    Keyword(
        name="environment_id",
        says="the environment's id; the issuer follows from it and the region",
        check=_environment_id,
    ),
    Keyword(
        name="region", says="the region, as the end of its hosts' names", default="com", choices=tuple(REGIONS)
    ),
    Keyword(
        name="custom_domain",
        says="the environment's own domain, in place of id and region; its API still goes by these",
        check=_custom_domain,
    ),
    Keyword(
        name="api_url",
        says="where the platform API is, up to the version; unset: the region's",
        check=lambda text: url_problem(text, query=False),
    ),
    Keyword(
        name="logout_sends_client_id",
        says="send client_id to signoff, too: the page about it lists only the hint, the address and state",
        default="false",
        choices=SWITCH,
    ),
    Keyword(
        name="logout_sends_hint",
        says="send the ID token to signoff; false where an environment refuses one that has expired",
        default="true",
        choices=SWITCH,
    ),
    Keyword(
        name="idp_signoff",
        says="sign out at the identity provider behind PingOne, too; the application there must allow idpSignoff",
        default="false",
        choices=SWITCH,
    ),
    access_token_profile="untyped",  # noqa: S106 - the name of a profile; until March 2027, when typ is the rule
)
NO_SUBJECT = Deviation(
    name="access_token_without_subject",
    why="a token that a client got for itself names nobody",
    evidence="PingOne API documentation, Token claims",
    date="2026-11",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PingOnePerson:
    """What PingOne says of a person beside the standard claims."""

    user_id: str
    """For the paths of the platform API: `p1.userId` where an attribute mapping has changed `sub`."""
    environment_id: str | None
    organization_id: str | None
    region: str | None
    groups: tuple[str, ...]


def pingone(
    *, name: str = "pingone", settings: Mapping[str, object] | None = None, **given: Unpack[PingOneKeywords]
) -> Provider:
    """Describe a PingOne environment, from `PINGONE_ENVIRONMENT_ID`, `PINGONE_REGION` and so on."""
    read = Reader(provider=name, given=cast("Mapping[str, object]", given), settings=settings, keywords=KEYWORDS)
    issuer = read.text("issuer") or _issuer(read)
    fields = common_fields(read, label="PingOne")
    fields["access_tokens"] = _access_tokens(fields["access_tokens"])
    require_openid(read, fields["scopes"])
    api = api_url(read, issuer)
    return Provider(
        issuer=issuer,
        **fields,
        api_url=api,
        passwords=PasswordApi(
            environments_url=f"{api}/environments",
            environment_id=environment_id(read, issuer),
            scopes=(READ_PASSWORD, CHANGE_PASSWORD),
        ),
        sign_out=sign_out_forms(read, issuer),
        unrevocable_scope="p1:",
        to_vendor=to_vendor,
        problems=tuple(dict.fromkeys(read.problems)),
    )


def sign_out_forms(read: Reader, issuer: str) -> tuple[SignOutForm, ...]:
    """`signoff`, which the metadata names, and before it `idpSignoff` where that is wanted: only with a hint."""
    optional = {"id_token_hint": "logout_sends_hint", "client_id": "logout_sends_client_id"}
    sends = {"state", *(name for name, keyword in optional.items() if read.switch(keyword))}
    signoff = SignOutForm(sends=frozenset(sends))
    if not read.switch("idp_signoff"):
        return (signoff,)
    upstream = SignOutForm(
        endpoint=f"{issuer}/idpSignoff", sends=frozenset({"id_token_hint", "state"}), needs_hint=True
    )
    return (upstream, signoff)


def _access_tokens(profile: AccessTokenProfile) -> AccessTokenProfile:
    """Whatever `typ` says, `client_id` and `jti` are always there (Token claims)."""
    return replace(
        profile,
        azp_may_stand_in=False,
        jti_may_be_missing=False,
        subject_may_be_missing=True,
        deviations=(*profile.deviations, NO_SUBJECT),
    )


def _issuer(read: Reader) -> str:
    """`https://auth.pingone.<region>/<environment>/as`, or `https://<custom domain>/as`: never a closing slash."""
    domain = read.text("custom_domain")
    if domain:
        return _on_domain(domain)
    return f"https://auth.pingone.{read.text('region')}/{read.required('environment_id')}/as"


def _on_domain(domain: str) -> str:
    domain = domain if "://" in domain else f"https://{domain}"
    return f"{domain.rstrip('/')}/as"


def api_url(read: Reader, issuer: str) -> str:
    """Where the platform API is: in the issuer's own region, since its tokens are strangers in another."""
    host = urlsplit(issuer).hostname or ""
    region = host.removeprefix(_AUTH_HOST) if host.startswith(_AUTH_HOST) else read.text("region")
    return (read.text("api_url") or f"https://api.pingone.{region}/v1").rstrip("/")


def environment_id(read: Reader, issuer: str) -> str | None:
    """The environment's id, as set or as the issuer names it; a custom domain alone doesn't tell."""
    match = _OF_ENVIRONMENT.search(urlsplit(issuer).path)
    return read.text("environment_id") or (match[1] if match else None)


def to_vendor(claims: Mapping[str, JsonValue]) -> PingOnePerson:
    """The vendor's own fields of a person."""
    members: JsonObject = dict(claims)
    groups = claims.get("groups", claims.get("memberOfGroupNames"))
    return PingOnePerson(
        user_id=text_claim(members, "p1.userId") or str(claims["sub"]),
        environment_id=text_claim(members, "env"),
        organization_id=text_claim(members, "org"),
        region=text_claim(members, "p1.region"),
        groups=tuple(group for group in groups if isinstance(group, str)) if isinstance(groups, list) else (),
    )
