"""sgID, Singapore's federated sign-in (https://docs.id.gov.sg, version 2): claims encrypted end to end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Unpack, cast

from signon.core.errors import MalformedAnswer, TokenRejected
from signon.core.jose import PrivateKey, decrypt_jwe, decrypt_with, symmetric_key
from signon.core.metadata import Metadata
from signon.core.person import Person, text_claim
from signon.core.provider import Deviation, Provider
from signon.core.values import JsonObject, JsonValue, read_json_object
from signon.providers.common import common_fields
from signon.providers.dates import PartialDate, read_date
from signon.providers.keywords import SWITCH, Common, Keyword, Reader, keywords

ISSUER = "https://api.id.gov.sg/v2"
NOT_AVAILABLE = "NA"
"""The value of a field that the government has no data for (Data Catalog)."""


class SgidKeywords(Common, total=False):
    """The keywords that only sgID has."""

    allow_rsa_oaep: bool | str


KEYWORDS = keywords(
    Keyword(
        name="allow_rsa_oaep",
        says="also open block keys under RSA-OAEP with SHA-1, as MockPass makes them",
        default="false",
        choices=SWITCH,
    ),
    issuer=ISSUER,
    client_auth="client_secret_post",
    scope="openid myinfo.name",
    userinfo="always",
)

NO_TOKEN_TYPE = Deviation(
    name="token_type_missing",
    why="the token answer is documented with access_token and id_token alone; Bearer is meant",
    evidence="docs.id.gov.sg, Custom Integration; both SDKs read these two members only",
    date="2026-11",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Employment:
    """One post of a public officer (`pocdex.public_officer_details`)."""

    work_email: str | None
    agency_name: str | None
    department_name: str | None
    employment_type: str | None
    employment_title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SgidPerson:
    """The fields that were shared, typed; None where the scope was not asked for or there is no data."""

    name: str | None
    nric_number: str | None = field(repr=False)
    """Shows who somebody is everywhere: never log it."""
    date_of_birth: PartialDate | None
    passport_number: str | None = field(repr=False)
    passport_expiry_date: PartialDate | None
    mobile_number: str | None
    """Eight digits, without the country's code."""
    mobile_number_with_country_code: str | None
    email: str | None
    registered_address: tuple[str, ...]
    """Its lines."""
    vehicles: tuple[str, ...]
    """Their numbers."""
    employments: tuple[Employment, ...]
    sponsored_child_records: tuple[Mapping[str, JsonValue], ...] = field(repr=False)
    others: Mapping[str, str] = field(repr=False)
    """Every other field, by its scope."""


def sgid(
    *, name: str = "sgid", settings: Mapping[str, object] | None = None, **given: Unpack[SgidKeywords]
) -> Provider:
    """Describe sgID, from `SGID_CLIENT_ID`, `SGID_CLIENT_SECRET` and `SGID_PRIVATE_KEY`."""
    read = Reader(provider=name, given=cast("Mapping[str, object]", given), settings=settings, keywords=KEYWORDS)
    issuer = read.required("issuer").rstrip("/")
    common = common_fields(read, label="sgID")
    keys: tuple[PrivateKey, ...] = common["private_keys"]
    read.problems += _contradictions(read, common["scopes"], keys)
    algs = ("RSA-OAEP-256", "RSA-OAEP") if read.switch("allow_rsa_oaep") else ("RSA-OAEP-256",)
    return Provider(
        issuer=issuer,
        **{**common, "userinfo": "never" if common["scopes"] == ("openid",) else common["userinfo"]},
        metadata=metadata(issuer),
        read_tokens=read_tokens,
        read_error=read_error,
        read_userinfo=partial(open_fields, keys, algs),
        to_person=to_person,
        to_vendor=to_vendor,
        sign_out=(),
        deviations=(NO_TOKEN_TYPE,),
        problems=tuple(dict.fromkeys(read.problems)),
    )


def _contradictions(read: Reader, scopes: tuple[str, ...], keys: tuple[PrivateKey, ...]) -> list[str]:
    """What is wrong with scope and key together."""
    problems = []
    if "openid" not in scopes:
        problems.append(f"{read.setting('scope')} must contain openid (OIDC Core 3.1.2.1)")
    if scopes != ("openid",) and read.text("private_key") is None:
        problems.append(f"{read.setting('private_key')} is not set: sgID encrypts fields to its public half")
    if any(key.kty != "RSA" for key in keys):
        problems.append(f"{read.setting('private_key')} is no RSA key, and sgID encrypts to RSA keys only")
    if keys and all(key.use == "sig" for key in keys):
        problems.append(f"{read.setting('private_key')} is there to sign alone, and sgID encrypts fields to it")
    return problems


def metadata(issuer: str) -> Metadata:
    """The fixed addresses (API Documentation): both SDKs know them by heart and ask for no document."""
    return Metadata(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/oauth/authorize",
        token_endpoint=f"{issuer}/oauth/token",
        userinfo_endpoint=f"{issuer}/oauth/userinfo",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        token_endpoint_auth_methods_supported=("client_secret_post",),
        code_challenge_methods_supported=("S256",),
    )


def read_tokens(answer: JsonObject, _now: float) -> JsonObject:
    """Add the token type that is left out."""
    return {"token_type": "Bearer", **answer}


def read_error(answer: JsonObject, _now: float) -> JsonObject:
    """An error without a code has a `message` alone, as the vendor's own clients expect it: quoted as it is."""
    message = answer.get("message")
    if "error" in answer or not isinstance(message, str):
        return answer
    return {"error": "message", "error_description": message}


def open_fields(
    keys: tuple[PrivateKey, ...], algs: tuple[str, ...], answer: JsonObject, _now: float
) -> JsonObject:
    """Open the fields: first the block key with our private key, then each field with the block key.

    Fields without data are left out. Codes: `userinfo_key_invalid`, `userinfo_field_invalid`,
    `userinfo_decryption`, `userinfo_encryption_alg` and those of a malformed header.
    """
    key, data = answer.get("key"), answer.get("data")
    if key is None and data is None:
        return answer  # with the scope openid alone there is nothing to open
    if not isinstance(key, str) or not isinstance(data, dict):
        raise MalformedAnswer("userinfo_key_invalid", "userinfo has fields without a key, or the reverse")
    block = read_json_object(decrypt_jwe(key, keys=keys, algs=algs, document="userinfo"), document="userinfo_key")
    try:
        block_key = symmetric_key(block)
    except ValueError:
        raise TokenRejected("userinfo_key_invalid", "the userinfo document's block key is no key") from None
    opened: JsonObject = {}
    for scope, value in data.items():
        text = _text(decrypt_with(str(value), key=block_key, document="userinfo"))
        if text != NOT_AVAILABLE:
            opened[scope] = text
    return {**opened, "sub": answer.get("sub")}


def _text(plaintext: bytes) -> str:
    try:
        return plaintext.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise MalformedAnswer("userinfo_field_invalid", "a field of the userinfo document is not UTF-8")


def to_person(claims: JsonObject, *, provider: str, issuer: str) -> Person:
    """Map the fields to the standard's; an e-mail address is not said to be verified."""
    subject = str(claims["sub"])
    return Person(
        provider=provider,
        issuer=issuer,
        subject=subject,
        public_subject=subject,
        name=text_claim(claims, "myinfo.name"),
        email=text_claim(claims, "myinfo.email"),
    )


def to_vendor(claims: Mapping[str, JsonValue]) -> SgidPerson:
    """The fields, typed."""
    texts = {name: value for name, value in claims.items() if isinstance(value, str) and "." in name}
    own: dict[str, Any] = {name: texts.get(f"myinfo.{name}") or None for name in _TEXTS}
    own |= {name: read_date(texts.get(f"myinfo.{name}")) for name in _DATES}
    address = texts.get("myinfo.registered_address", "")
    known = {
        *(f"myinfo.{name}" for name in (*_TEXTS, *_DATES, "registered_address", "vehicles")),
        _OFFICER,
        _CHILDREN,
    }
    return SgidPerson(
        **own,
        registered_address=tuple(line for line in address.split("\n") if line),
        vehicles=tuple(
            str(vehicle["vehicle_number"])
            for vehicle in _objects(texts.get("myinfo.vehicles"))
            if isinstance(vehicle.get("vehicle_number"), str)
        ),
        employments=tuple(_employment(post) for post in _objects(texts.get(_OFFICER))),
        sponsored_child_records=tuple(_objects(texts.get(_CHILDREN))),
        others={name: text for name, text in texts.items() if name not in known},
    )


_OFFICER = "pocdex.public_officer_details"
_CHILDREN = "myinfo.sponsored_child_records"
_TEXTS = (
    *("name", "nric_number", "passport_number", "email"),
    *("mobile_number", "mobile_number_with_country_code"),
)
_DATES = ("date_of_birth", "passport_expiry_date")


def _objects(text: str | None) -> list[dict[str, Any]]:
    """The objects of a field that is a JSON list; none where it is anything else."""
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _employment(post: dict[str, Any]) -> Employment:
    values = {each.name: post.get(each.name) for each in fields(Employment)}
    return Employment(
        **{
            name: value if isinstance(value, str) and value not in {"", NOT_AVAILABLE} else None
            for name, value in values.items()
        }
    )
