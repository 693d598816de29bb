"""AuthMachine's profile: its keywords, its deviations, and what it says of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack, cast

from signon.core.person import text_claim
from signon.core.provider import Deviation, Provider, RevokedCheck, SignOutForm, SignUp
from signon.core.values import JsonObject, JsonValue, read_seconds, url_problem
from signon.providers import checks
from signon.providers.authmachine.permissions import Permissions, granted_at_sign_in, permissions_claim, user_id
from signon.providers.common import bond_keywords, common_fields, require_a_bond, require_openid
from signon.providers.keywords import SWITCH, Common, Keyword, Reader, keywords


class AuthMachineKeywords(Common, total=False):
    """The keywords that only AuthMachine has."""

    url: str
    api_token: str
    permissions: str
    userinfo_by: str
    revoke_tokens: bool | str
    nonce: str
    pkce: bool | str
    logout_sends_hint: bool | str
    revoked_check: str
    revoked_unknown: str


def _how_often(text: str) -> str | None:
    fine = text in {"off", "each"} or read_seconds(text)
    return None if fine else "is not off, each or a whole number of seconds"


KEYWORDS = keywords(
    Keyword(
        name="url",
        says="the installation's address, with or without a slash at its end: the issuer",
        check=lambda text: url_problem(text, query=False),
    ),
    Keyword(name="api_token", says="the token of the permissions API", check=checks.header, secret=True),
    Keyword(name="permissions", says="objects whose permissions to ask for at each sign-in, blanks between"),
    Keyword(
        name="userinfo_by",
        says="send the access token to userinfo in a form, as the vendor's own applications do, or in the header",
        default="form",
        choices=("form", "header"),
    ),
    Keyword(
        name="revoke_tokens",
        says="revoke all tokens of the session at sign-out, so that other applications notice",
        default="true",
        choices=SWITCH,
    ),
    Keyword(
        name="logout_sends_hint",
        says="send id_token_hint and client_id at sign-out, which the vendor's own applications don't",
        default="false",
        choices=SWITCH,
    ),
    Keyword(
        name="revoked_check",
        says="ask whether a session was ended there: at each look at who is signed in, as the vendor's own"
        " applications do (it has no other way to tell us), every so many seconds, or off",
        default="each",
        check=_how_often,
    ),
    Keyword(
        name="revoked_unknown",
        says="what becomes of a session while AuthMachine does not answer that: keep it, as the vendor's own"
        " applications do, or end it",
        default="keep",
        choices=("keep", "end"),
    ),
    *bond_keywords(pkce="send a code challenge, which the vendor's own applications don't"),
    client_auth="client_secret_post",
    userinfo="always",
)

SLASH = Deviation(
    name="issuer_either_slash",
    why="the setting may have a slash at its end or not; the spelling of the metadata is pinned and then exact",
    evidence="the vendor's demonstration has none in its settings and one in its README, and works with both",
    date="2026-11",
)
NONCE = Deviation(
    name="nonce_tolerated",
    why="whether nonce is echoed is not known; a wrong one is refused all the same",
    evidence="the vendor's demonstrations send one and never look at the answer's; switched on by nonce=tolerated",
    date="2021-02",
)
PKCE = Deviation(
    name="no_pkce",
    why="nothing is known of PKCE; it is sent unless the setting pkce=false says otherwise",
    evidence="the vendor's demonstrations send none",
    date="2021-02",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthMachinePerson:
    """What AuthMachine says of a person beside the standard claims."""

    user_id: str
    """For the permissions API."""
    permissions: Permissions
    """The permissions that were asked for at sign-in, by object."""


def authmachine(
    *,
    name: str = "authmachine",
    settings: Mapping[str, object] | None = None,
    **given: Unpack[AuthMachineKeywords],
) -> Provider:
    """Describe an AuthMachine installation, from `AUTHMACHINE_URL`, `AUTHMACHINE_CLIENT_ID` and so on."""
    read = Reader(provider=name, given=cast("Mapping[str, object]", given), settings=settings, keywords=KEYWORDS)
    issuer = read.text("issuer") or read.required("url")
    fields = common_fields(read, label="AuthMachine")
    require_openid(read, fields["scopes"])
    revoke = {"revoke_tokens": "1"} if read.switch("revoke_tokens") else {}
    hint = {"id_token_hint", "client_id"} if read.switch("logout_sends_hint") else set()
    lenient, pkce = read.text("nonce") == "tolerated", read.switch("pkce")
    require_a_bond(read, pkce=pkce, nonce_may_be_missing=lenient)
    deviations = {SLASH: True, NONCE: lenient, PKCE: not pkce}
    return Provider(
        issuer=issuer,
        **fields,
        either_slash=True,
        nonce_may_be_missing=lenient,
        pkce=pkce,
        api_token=read.secret("api_token"),
        authorize_parameters=permissions_claim(read.words("permissions")),
        userinfo_form=read.text("userinfo_by") == "form",
        sign_up=SignUp(parameters={"register": "1"}, at_registration_endpoint=True, echo=("register", "1")),
        sign_out=(
            SignOutForm(
                sends=frozenset({"state", *hint}),
                parameters={"scope": " ".join(fields["scopes"]), **revoke},
            ),
        ),
        revoked_check=revoked_check(read),
        read_userinfo=read_userinfo,
        to_vendor=to_vendor,
        to_permissions=granted_at_sign_in,
        deviations=tuple(deviation for deviation, used in deviations.items() if used),
        problems=tuple(dict.fromkeys(read.problems)),
    )


def revoked_check(read: Reader) -> RevokedCheck | None:
    """How often to ask whether a session was ended there; None: never."""
    often = read.text("revoked_check")
    if often == "off":
        return None
    return RevokedCheck(
        grant_type="check_token_revoked",
        every_seconds=0.0 if often is None or often == "each" else float(often),
        unknown="end" if read.text("revoked_unknown") == "end" else "keep",
    )


def read_userinfo(answer: JsonObject, _now: float) -> JsonObject:
    """The standard's name for the user name: some installations call it `username` alone."""
    own = text_claim(answer, "username")
    return answer if own is None else {"preferred_username": own, **answer}


def to_vendor(claims: Mapping[str, JsonValue]) -> AuthMachinePerson:
    """The vendor's own fields of a person."""
    return AuthMachinePerson(user_id=user_id(claims), permissions=granted_at_sign_in(claims))
