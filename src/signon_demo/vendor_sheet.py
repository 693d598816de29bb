"""What a vendor says of a person beyond the standard, as people read it: dates, addresses, posts, permissions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import singledispatch

from signon.providers.auth0 import Auth0Person
from signon.providers.authmachine import AuthMachinePerson
from signon.providers.dates import PartialDate
from signon.providers.pingone import PingOnePerson
from signon.providers.sgid import SgidPerson
from signon.providers.thaid import ThaidPerson
from signon_demo.claims import local_time, masked

_SHOWN_LINES = 6
_BUDDHIST_ERA = 543
_NO_END = 9999
"""The year of a card for life."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_THAI_LINE = re.compile(r"\s+(?=ตำบล|แขวง|จังหวัด|กรุงเทพ)")
"""Where a Thai address begins a new line: before the subdistrict, and before the province."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing known, line by line; of a long list the rest is in `more`."""

    label: str
    lines: tuple[str, ...]
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Things known by row and column; each row's first cell is its name. Cells that are absent are empty."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that a vendor says, in the order of the page."""

    facts: tuple[Fact, ...]
    names: Table | None = None
    """Before the facts."""
    table: Table | None = None
    """After them."""


@singledispatch
def vendor_sheet(_vendor: object) -> Sheet | None:
    """The sheet of a person; None where the provider has no fields of its own."""
    return None


@vendor_sheet.register
def _thaid(person: ThaidPerson) -> Sheet:
    parts = ("title", "given_name", "middle_name", "family_name", "name")
    pairs = ((part, getattr(person, part) or "", getattr(person, f"{part}_en") or "") for part in parts)
    labels = {**{part: _words(part) for part in parts}, "name": "Full name"}
    rows = tuple((labels[part], thai, english) for part, thai, english in pairs if thai or english)
    return Sheet(
        names=Table(title="Name", head=("", "Thai", "English"), rows=rows) if rows else None,
        facts=_facts(
            ("National id", None if person.pid is None else masked(person.pid)),
            ("Date of birth", _thai_date(person.birthdate)),
            ("Gender", person.gender),
            ("Address", _thai_lines(person.address)),
            ("House registration", _thai_lines(person.house_address)),
            ("Card number", None if person.smartcard_code is None else masked(person.smartcard_code)),
            ("Card issued", _thai_date(person.date_of_issuance)),
            ("Card expires", _thai_date(person.date_of_expiry)),
            ("Identity assurance level", person.ial),
        ),
    )


@vendor_sheet.register
def _sgid(person: SgidPerson) -> Sheet:
    head = ("Agency", "Department", "Title", "Type", "Work e-mail")
    posts = tuple(
        (
            post.agency_name or "",
            post.department_name or "",
            post.employment_title or "",
            post.employment_type or "",
            post.work_email or "",
        )
        for post in person.employments
    )
    children = tuple(str(child["name"]) for child in person.sponsored_child_records if child.get("name"))
    return Sheet(
        facts=_facts(
            ("Name", person.name),
            ("NRIC number", None if person.nric_number is None else masked(person.nric_number)),
            ("Date of birth", _date(person.date_of_birth)),
            ("Passport", None if person.passport_number is None else masked(person.passport_number)),
            ("Passport expires", _date(person.passport_expiry_date)),
            ("Mobile", person.mobile_number_with_country_code or person.mobile_number),
            ("E-mail", person.email),
            ("Registered address", person.registered_address),
            ("Vehicles", person.vehicles),
            ("Sponsored children", children),
            *((_words(scope.partition(".")[2]), text) for scope, text in person.others.items()),
        ),
        table=Table(title="Employments", head=head, rows=posts) if posts else None,
    )


@vendor_sheet.register
def _authmachine(person: AuthMachinePerson) -> Sheet:
    rows = tuple((name, ", ".join(codes) or "none") for name, codes in person.permissions.items())
    return Sheet(
        facts=_facts(("User id", person.user_id)),
        table=Table(title="Permissions", head=("Object", "What they may do"), rows=rows) if rows else None,
    )


@vendor_sheet.register
def _auth0(person: Auth0Person) -> Sheet:
    return Sheet(
        facts=_facts(
            ("Connection", person.connection),
            ("Nickname", person.nickname),
            ("Organization", person.organization_name),
            ("Organization id", person.organization_id),
            ("Last changed", None if person.updated_at is None else local_time(person.updated_at)),
        )
    )


@vendor_sheet.register
def _pingone(person: PingOnePerson) -> Sheet:
    return Sheet(
        facts=_facts(
            ("User id", person.user_id),
            ("Environment", person.environment_id),
            ("Organization", person.organization_id),
            ("Region", person.region),
            ("Groups", person.groups),
        )
    )


def _facts(*known: tuple[str, str | tuple[str, ...] | None]) -> tuple[Fact, ...]:
    """The facts that there is something to say of."""
    texts = ((label, (said,) if isinstance(said, str) else said or ()) for label, said in known)
    return tuple(
        Fact(label=label, lines=lines[:_SHOWN_LINES], more=lines[_SHOWN_LINES:])
        for label, lines in texts
        if any(lines)
    )


def _date(found: PartialDate | None) -> str | None:
    """A date in words, as much of it as is known; what is no date as it came."""
    if found is None or found.year is None:
        return found.text if found else None
    month = None if found.month is None else _MONTHS[found.month - 1]
    return " ".join(str(part) for part in (found.day, month, found.year) if part is not None)


def _thai_date(found: PartialDate | None) -> str | None:
    """The same with the year of the Buddhist era beside it."""
    if found is not None and found.year == _NO_END:
        return "Never: a card for life"
    text = _date(found)
    if found is None or found.year is None:
        return text
    return f"{text} (พ.ศ.\N{NO-BREAK SPACE}{found.year + _BUDDHIST_ERA})"


def _thai_lines(address: str | None) -> tuple[str, ...]:
    return tuple(part for line in (address or "").splitlines() for part in _THAI_LINE.split(line.strip()))


def _words(name: str) -> str:
    """`marital_status` as a label: Marital status."""
    return name.replace("_", " ").capitalize()
