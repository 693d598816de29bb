"""PingOne (https://developer.pingidentity.com/pingone-api): environments, regions, sign-on policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack, cast

from signon.core.person import text_claim
from signon.core.provider import Provider, SignOutForm
from signon.core.values import JsonObject, JsonValue, url_problem
from signon.providers.common import common_fields
from signon.providers.keywords import Common, Keyword, Reader, keywords

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


KEYWORDS = keywords(
    Keyword(name="environment_id", says="the environment's id; the issuer follows from it and the region"),
    Keyword(
        name="region", says="the region, as the end of its hosts' names", default="com", choices=tuple(REGIONS)
    ),
    Keyword(name="custom_domain", says="the environment's own domain, in place of id and region"),
    Keyword(
        name="api_url",
        says="where the platform API is, up to the version; unset: the region's",
        check=lambda text: url_problem(text, query=False),
    ),
    Keyword(
        name="logout_sends_client_id",
        says="send client_id to signoff, too: the page about it lists only the hint, the address and state",
        default="false",
        choices=("true", "false"),
    ),
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
    sends = {"id_token_hint", "state", *(("client_id",) if read.switch("logout_sends_client_id") else ())}
    return Provider(
        issuer=issuer,
        **fields,
        api_url=api_url(read),
        sign_out=(SignOutForm(sends=frozenset(sends)),),
        to_vendor=to_vendor,
        problems=tuple(dict.fromkeys(read.problems)),
    )


def _issuer(read: Reader) -> str:
    """`https://auth.pingone.<region>/<environment>/as`, or `https://<custom domain>/as`: never a closing slash."""
    domain = read.text("custom_domain")
    if domain:
        return f"https://{domain.removeprefix('https://').rstrip('/')}/as"
    return f"https://auth.pingone.{read.text('region')}/{read.required('environment_id')}/as"


def api_url(read: Reader) -> str:
    """Where the platform API is: in the issuer's own region, since its tokens are strangers in another."""
    return (read.text("api_url") or f"https://api.pingone.{read.text('region')}/v1").rstrip("/")


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
