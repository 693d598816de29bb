"""ThaID, the digital id of the Thai Department of Provincial Administration (RP API manual 1.0.1).

The subject is the 13-digit national id: it is never shown or logged, and our own key stands in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Unpack, cast

from signon.core.claims import Expectations
from signon.core.errors import MalformedAnswer, TokenRejected
from signon.core.person import Person, text_claim
from signon.core.person import to_person as standard_person
from signon.core.provider import Deviation, Provider
from signon.core.values import JsonObject, JsonValue, is_number, url_problem
from signon.providers import checks
from signon.providers.common import bond_keywords, common_fields, require_a_bond
from signon.providers.dates import PartialDate, read_date
from signon.providers.keywords import SWITCH, Common, Keyword, Reader, keywords

PRODUCTION = "https://imauth.bora.dopa.go.th"
SANDBOX = "https://imauthsbx.bora.dopa.go.th"
CLAIMS = (
    *("pid", "title", "given_name", "middle_name", "family_name", "name"),
    *("title_en", "given_name_en", "middle_name_en", "family_name_en", "name_en"),
    *("birthdate", "gender", "address", "house_address", "ial"),
    *("smartcard_code", "date_of_issuance", "date_of_expiry"),
)
"""One scope gives one claim of the same name (manual, 6.1)."""
_WELL_KNOWN = "/.well-known/openid-configuration"
_ABSOLUTE = 10**9
"""Larger numbers are times and not durations: 10^9 seconds are 31 years."""


class ThaidKeywords(Common, total=False):
    """The keywords that only ThaID has."""

    sandbox: bool | str
    well_known_url: str
    api_key: str
    api_key_header: str
    raw_basic: bool | str
    bearer_prefix: bool | str
    nonce: str
    pkce: bool | str


def _address(text: str) -> str | None:
    return url_problem(text, query=False)


KEYWORDS = keywords(
    Keyword(
        name="scope",
        says="what to ask for, openid for a signed answer; one that the registration lacks makes ThaID refuse"
        " every sign-in on a page of its own (400 invalid_scope)",
        default=" ".join(("openid", *(name for name in CLAIMS if name != "house_address"))),
    ),
    Keyword(
        name="sandbox",
        says="use the sandbox, which has its own registrations",
        default="false",
        choices=SWITCH,
    ),
    Keyword(
        name="well_known_url",
        says="the metadata's address; the issuer is what stands before /.well-known",
        check=_address,
    ),
    Keyword(
        name="api_key",
        says="the API key of the registration; some environments are said to need it",
        check=checks.header,
        secret=True,
    ),
    Keyword(
        name="api_key_header",
        says="the header that it goes in",
        default="x-api-key",
        choices=("x-api-key", "x-imauth-apikey"),
    ),
    Keyword(
        name="raw_basic",
        says="send client id and secret as they are in Basic, as the manual shows it, and not form-encoded first",
        default="true",
        choices=SWITCH,
    ),
    Keyword(
        name="bearer_prefix",
        says="put the word Bearer before the token in introspection and revocation, as the manual shows it",
        default="true",
        choices=SWITCH,
    ),
    *bond_keywords(pkce="send a code challenge, which ThaID does not advertise"),
    client_auth="client_secret_basic",
    id_token_alg="ES256",  # noqa: S106 - the name of an algorithm
    userinfo="never",
    access_token_profile="introspected",  # noqa: S106 - the name of a profile
)

UNSIGNED = Deviation(
    name="unsigned_claims",
    why="without the scope openid there is no ID token: claims come flat beside the tokens",
    evidence="RP API manual 1.0.1, section 6.2.2",
    date="2023-09",
)
NONCE = Deviation(
    name="nonce_tolerated",
    why="whether nonce is echoed is not written anywhere; a wrong one is refused all the same",
    evidence="reports of sandbox integrations, 2026-08; switched on by the setting nonce=tolerated",
    date="2026-08",
)
PKCE = Deviation(
    name="no_pkce",
    why="PKCE is not advertised; it is sent unless the setting pkce=false says otherwise",
    evidence="the discovery documents of both hosts list no code_challenge_methods_supported",
    date="2026-09",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThaidPerson:
    """A person as their card has it. Thai and English names; None where the scope was not asked for."""

    pid: str | None = field(repr=False)
    """The national id, check digit verified. Show `pid_masked`."""
    pid_masked: str | None
    title: str | None
    given_name: str | None
    middle_name: str | None
    family_name: str | None
    name: str | None
    title_en: str | None
    given_name_en: str | None
    middle_name_en: str | None
    family_name_en: str | None
    name_en: str | None
    birthdate: PartialDate | None
    gender: str | None
    address: str | None
    house_address: str | None
    ial: str | None
    smartcard_code: str | None
    date_of_issuance: PartialDate | None
    date_of_expiry: PartialDate | None


def thaid(
    *, name: str = "thaid", settings: Mapping[str, object] | None = None, **given: Unpack[ThaidKeywords]
) -> Provider:
    """Describe ThaID, from `THAID_CLIENT_ID`, `THAID_CLIENT_SECRET`, `THAID_SANDBOX` and so on."""
    read = Reader(provider=name, given=cast("Mapping[str, object]", given), settings=settings, keywords=KEYWORDS)
    well_known = read.text("well_known_url")
    issuer = read.text("issuer") or _issuer(read, well_known)
    fields = common_fields(read, label="ThaID")
    fields["client"] = replace(fields["client"], raw_basic=read.switch("raw_basic"))
    api_key, key_header = read.secret("api_key"), str(read.text("api_key_header"))
    lenient = read.text("nonce") == "tolerated"
    pkce = read.switch("pkce")
    require_a_bond(read, pkce=pkce, nonce_may_be_missing=lenient or "openid" not in fields["scopes"])
    deviations = {UNSIGNED: "openid" not in fields["scopes"], NONCE: lenient, PKCE: not pkce}
    return Provider(
        issuer=issuer,
        **fields,
        discovery_url=well_known,
        # The manual has the address; the metadata document is not known to name it.
        endpoints={"introspection_endpoint": f"{issuer}/api/v2/oauth2/introspect/"},
        headers={} if api_key is None else {key_header: api_key.reveal()},
        pkce=pkce,
        nonce_may_be_missing=lenient,
        sign_out=(),
        subject_is_national_id=True,
        identity_from_introspection=True,
        introspection_prefix="Bearer " if read.switch("bearer_prefix") else "",
        refresh_ends=frozenset({"invalid_grant", "invalid_refresh_token"}),
        revocation_cascades=False,
        read_tokens=read_tokens,
        read_error=read_error,
        to_person=to_person,
        to_vendor=to_vendor,
        extra_checks=(check_pid,),
        deviations=tuple(deviation for deviation, used in deviations.items() if used),
        problems=tuple(dict.fromkeys(read.problems)),
    )


def _issuer(read: Reader, well_known: str | None) -> str:
    if well_known is None:
        return SANDBOX if read.switch("sandbox") else PRODUCTION
    issuer, found, rest = well_known.partition(_WELL_KNOWN)
    if not found or rest:
        read.problems.append(f"{read.setting('well_known_url')} does not end in {_WELL_KNOWN}")
    return issuer


def read_tokens(answer: JsonObject, now: float) -> JsonObject:
    """Standard names and durations: `expire_in` or `expires_in`, absolute or not; flat claims into `claims`."""
    claims: JsonObject = {name: answer[name] for name in CLAIMS if name in answer}
    if not _is_absent_or_right(claims.get("pid")):
        raise MalformedAnswer("token_pid_invalid", "the pid in the token answer has a wrong check digit")
    standard = {name: value for name, value in answer.items() if name not in claims and name != "expire_in"}
    life = answer.get("expire_in") if answer.get("expires_in") is None else answer["expires_in"]
    if is_number(life) and isinstance(life, int | float) and life > _ABSOLUTE:
        life = max(0, life - now)
    if life is not None:
        standard["expires_in"] = life
    return {**standard, "claims": claims}


_STANDARD = {
    "user_denied": "access_denied",
    "invalid_refresh_token": "invalid_grant",
    "duplicate_request": "invalid_grant",
}
"""What the manual's own codes mean; a code that is used twice is a duplicate request."""


def read_error(answer: JsonObject, _now: float) -> JsonObject:
    """ThaID's error codes as the standard's (manual, section 7)."""
    error, description = answer.get("error"), str(answer.get("error_description", "")).lower()
    standard = _STANDARD.get(str(error), error)
    if error == "invalid_request" and "authorization code" in description:
        standard = "invalid_grant"
    return {**answer, "error": standard}


def check_pid(claims: JsonObject, _expected: Expectations) -> None:
    """`pid`, when present, must have the right check digit."""
    if not _is_absent_or_right(claims.get("pid")):
        raise TokenRejected("id_token_pid", "in the id_token the pid has a wrong check digit")


def _is_absent_or_right(pid: JsonValue) -> bool:
    return pid is None or (isinstance(pid, str) and is_national_id(pid))


def is_national_id(text: str) -> bool:
    """Whether a text is a Thai national id: 13 digits, the last by weights 13 to 2 over the others."""
    if len(text) != 13 or not (text.isascii() and text.isdigit()):  # noqa: PLR2004 - digits of the id
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, range(13, 1, -1), strict=False))
    return (11 - total % 11) % 10 == int(text[12])


def masked(number: str) -> str:
    """A national id that may be shown: the last four digits."""
    return "•" * (len(number) - 4) + number[-4:]


def to_person(claims: JsonObject, *, provider: str, issuer: str) -> Person:
    """The standard mapping; a name that was not asked for whole is put together from its parts."""
    person = standard_person(claims, provider=provider, issuer=issuer)
    parts = (text_claim(claims, name) for name in ("given_name", "middle_name", "family_name"))
    return replace(person, name=person.name or " ".join(part for part in parts if part) or None)


def to_vendor(claims: Mapping[str, JsonValue]) -> ThaidPerson:
    """The card's fields, typed."""
    members: JsonObject = dict(claims)
    pid = text_claim(members, "pid")
    ial = claims.get("ial")
    return ThaidPerson(
        pid=pid,
        pid_masked=None if pid is None else masked(pid),
        **{name: text_claim(members, name) for name in _NAMES},
        birthdate=read_date(text_claim(members, "birthdate")),
        gender=text_claim(members, "gender"),
        address=_formatted(claims.get("address")),
        house_address=_formatted(claims.get("house_address")),
        ial=str(ial) if isinstance(ial, str | int | float) and ial != "" else None,
        smartcard_code=text_claim(members, "smartcard_code"),
        date_of_issuance=read_date(text_claim(members, "date_of_issuance")),
        date_of_expiry=read_date(text_claim(members, "date_of_expiry")),
    )


_NAMES = tuple(name for name in CLAIMS if "name" in name or name.startswith("title"))


def _formatted(value: JsonValue) -> str | None:
    """An address is a text, or an object whose `formatted` is one (OIDC Core 5.1.1)."""
    if isinstance(value, dict):
        value = value.get("formatted")
    return value if isinstance(value, str) and value else None
