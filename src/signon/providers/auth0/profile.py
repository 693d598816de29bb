"""Auth0's profile: the standard, with organizations, invitations and a sign-out of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Unpack, cast

from signon.core.claims import Expectations
from signon.core.errors import TokenRejected
from signon.core.person import number_claim, text_claim
from signon.core.provider import Provider, SignOutForm, SignUp
from signon.core.values import JsonObject, JsonValue, url_problem
from signon.providers.common import common_fields, require_openid
from signon.providers.keywords import SWITCH, Common, Keyword, Reader, keywords


class Auth0Keywords(Common, total=False):
    """The keywords that only Auth0 has."""

    domain: str
    audience: str
    organization: str
    connection: str
    ui_locales: str
    ext: str
    trusted_organizations: str
    logout: str
    federated: bool | str
    access_token_scopes: str


def _domain(text: str) -> str | None:
    return url_problem(_issuer(text), query=False)


KEYWORDS = keywords(
    Keyword(
        name="domain",
        says="the tenant's domain or custom domain, bare or as a URL: the issuer follows from it",
        check=_domain,
    ),
    Keyword(name="audience", says="the API that access tokens are for; without one they are opaque"),
    Keyword(name="organization", says="the id (org_…) or name of the organization that people must belong to"),
    Keyword(name="connection", says="go straight to this connection's sign-in"),
    Keyword(name="ui_locales", says="languages of the sign-in page, the best one first"),
    Keyword(name="ext", says="custom parameters of the sign-in page: ext-name=value, blanks between"),
    Keyword(
        name="trusted_organizations",
        says="ids of the organizations whose members may come in where no organization is set; unset: of any",
    ),
    Keyword(
        name="logout",
        says="which sign-out to use: what the metadata names and else /v2/logout, or always one of them",
        default="auto",
        choices=("auto", "oidc", "v2"),
    ),
    Keyword(
        name="federated",
        says="sign out at the identity provider behind Auth0, too; not all of them send people back",
        default="false",
        choices=SWITCH,
    ),
    Keyword(
        name="access_token_scopes",
        says="the claim that an API of ours finds scopes in: what the client was granted, or all that the person's"
        " roles permit",
        default="scope",
        choices=("scope", "permissions"),
    ),
    access_token_profile="untyped",  # noqa: S106 - the name of a profile: Auth0's own; an API can have RFC 9068's
)
_FORWARDED = frozenset({"organization", "invitation", "organization_name", "login_hint", "screen_hint"})
"""An invitation's link comes to the login route and must go on whole (Organizations, Invite Members)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth0Person:
    """What Auth0 says of a person beside the standard claims."""

    connection: str
    """How they proved who they are: the subject's first part (auth0, google-oauth2, waad, …)."""
    organization_id: str | None
    organization_name: str | None
    nickname: str | None
    updated_at: float | None
    """POSIX seconds."""


def auth0(
    *, name: str = "auth0", settings: Mapping[str, object] | None = None, **given: Unpack[Auth0Keywords]
) -> Provider:
    """Describe an Auth0 tenant, from `AUTH0_DOMAIN`, `AUTH0_CLIENT_ID`, `AUTH0_CLIENT_SECRET` and so on."""
    read = Reader(provider=name, given=cast("Mapping[str, object]", given), settings=settings, keywords=KEYWORDS)
    issuer = read.text("issuer") or _issuer(read.required("domain"))
    fields = common_fields(read, label="Auth0")
    fields["access_tokens"] = replace(fields["access_tokens"], scope_claim=read.text("access_token_scopes"))
    require_openid(read, fields["scopes"])
    extra = {key: read.text(key) for key in ("audience", "organization", "connection", "ui_locales")}
    organization = extra["organization"]
    return Provider(
        issuer=issuer,
        **fields,
        authorize_parameters={**_ext(read), **{key: value for key, value in extra.items() if value}},
        service_parameters={"audience": extra["audience"]} if extra["audience"] else {},
        forwarded=_FORWARDED - ({"organization"} if organization else frozenset()),
        asked_again={} if organization else {"org_id": "organization"},
        sign_up=SignUp(parameters={"screen_hint": "signup", "prompt": "login"}),
        sign_out=sign_out_forms(read, issuer),
        tells_by=frozenset({"backchannel"}),
        refresh_ends=frozenset({"invalid_grant", "mfa_required"}),
        refresh_end_statuses=frozenset({403}),
        revokes=frozenset({"refresh_token"}),
        password_mail_url=f"{issuer.rstrip('/')}/dbconnections/change_password",
        read_error=read_error,
        to_vendor=to_vendor,
        extra_checks=(partial(check_organization, organization, read.words("trusted_organizations")),),
        problems=tuple(dict.fromkeys(read.problems)),
    )


def sign_out_forms(read: Reader, issuer: str) -> tuple[SignOutForm, ...]:
    """The two sign-outs: the standard's, which wants the session's id beside the token, and one of its own."""
    # The presence of `federated` counts and never its value, also where that is "false".
    parameters = {"federated": "true"} if read.switch("federated") else {}
    oidc = SignOutForm(
        sends=frozenset({"id_token_hint", "logout_hint", "client_id", "state"}), parameters=parameters
    )
    v2 = SignOutForm(
        endpoint=f"{issuer.rstrip('/')}/v2/logout",
        redirect_parameter="returnTo",
        sends=frozenset({"client_id"}),
        parameters=parameters,
    )
    return {"auto": (oidc, v2), "oidc": (oidc,), "v2": (v2,)}[read.text("logout") or "auto"]


def check_organization(
    configured: str | None, trusted: tuple[str, ...], claims: JsonObject, expected: Expectations
) -> None:
    """`org_id`, or `org_name`, must be the organization that was asked for (Organizations, Work with Tokens),
    and after a refresh the one of the sign-in.
    """
    signed_in_to = None if expected.original is None else text_claim(dict(expected.original), "org_id")
    asked = configured or expected.asked.get("organization") or signed_in_to
    org_id, org_name = claims.get("org_id"), claims.get("org_name")
    if configured is None and trusted and org_id is not None and org_id not in trusted:
        # Also where an invitation's link, which anybody can write, has asked for it.
        right = False
    elif asked is None:
        right = True
    elif asked.startswith("org_"):
        right = org_id == asked
    else:
        right = isinstance(org_name, str) and org_name.lower() == asked.lower()
    if not right:
        raise TokenRejected(
            "id_token_organization",
            "in the id_token the organization is not the one that was asked for",
            section="Auth0, Work with Tokens and Organizations",
        )


def read_error(answer: JsonObject, _now: float) -> JsonObject:
    """The token endpoint says `access_denied` of a wrong secret, which elsewhere means that the person refused."""
    wrong_secret = answer.get("error") == "access_denied" and answer.get("error_description") == "Unauthorized"
    return {**answer, "error": "invalid_client"} if wrong_secret else answer


def to_vendor(claims: Mapping[str, JsonValue]) -> Auth0Person:
    """The vendor's own fields of a person."""
    members: JsonObject = dict(claims)
    return Auth0Person(
        connection=str(claims["sub"]).partition("|")[0],
        organization_id=text_claim(members, "org_id"),
        organization_name=text_claim(members, "org_name"),
        nickname=text_claim(members, "nickname"),
        updated_at=_moment(members),
    )


def _moment(claims: JsonObject) -> float | None:
    """`updated_at` is a number at userinfo and a text in ID tokens."""
    text = text_claim(claims, "updated_at")
    if text is None:
        return number_claim(claims, "updated_at")
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return None


def _ext(read: Reader) -> dict[str, str]:
    """The custom parameters. Only names that begin with `ext-` reach the tenant's own code."""
    parameters = {}
    for word in read.words("ext"):
        name, equals, value = word.partition("=")
        if not equals or not name.startswith("ext-"):
            read.problems.append(f"{read.setting('ext')}: {word!r} is not ext-name=value")
        parameters[name] = value
    return parameters


def _issuer(domain: str) -> str:
    """The issuer of a domain: https where nothing is said, and always with the slash at its end."""
    domain = domain if "://" in domain or not domain else f"https://{domain}"
    return f"{domain.rstrip('/')}/" if domain else ""
