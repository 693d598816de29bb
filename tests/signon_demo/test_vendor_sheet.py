import json

import pytest

from signon.providers import auth0, authmachine, pingone, sgid, thaid
from signon.providers.dates import read_date
from signon_demo import vendor_sheet as module
from signon_demo.claims import local_time
from signon_demo.vendor_sheet import Sheet, vendor_sheet

PID = "9103700001234"


def sheet(factory, **claims) -> Sheet:
    provider = factory(settings={})
    return vendor_sheet(provider.to_vendor({"sub": "x", **{n.replace("__", "."): v for n, v in claims.items()}}))


def facts(found: Sheet) -> dict[str, tuple[str, ...]]:
    return {fact.label: fact.lines for fact in found.facts}


def test_thaid_names_stand_side_by_side():
    """Each part of the name has a row with the Thai and the English form; a part that neither has, none."""
    found = sheet(thaid, title="นาย", given_name="สมชาย", given_name_en="Somchai", name_en="Mr. Somchai")
    assert found.names.head == ("", "Thai", "English")
    assert found.names.rows == (
        ("Title", "นาย", ""),
        ("Given name", "สมชาย", "Somchai"),
        ("Full name", "", "Mr. Somchai"),
    )


def test_thaid_without_a_name_has_no_table():
    """Where no name was asked for there is no empty table."""
    assert sheet(thaid, pid=PID) == Sheet(facts=sheet(thaid, pid=PID).facts)


def test_thaid_numbers_are_masked():
    """Neither the national id nor the card's number is whole anywhere in the sheet."""
    found = sheet(thaid, pid=PID, smartcard_code="9999-01-01019999")
    assert facts(found) == {"National id": ("•••••••••1234",), "Card number": ("••••••••••••9999",)}
    assert PID not in repr(found)


def test_thaid_dates_and_address():
    """Dates have the Buddhist year beside, a card for life has no end, an address has lines."""
    found = sheet(
        thaid,
        birthdate="1989-12-28",
        date_of_expiry="9999-12-31",
        address={"formatted": "99/9 หมู่ที่ 1 ตำบลตัวอย่าง อำเภอเมือง จังหวัดตัวอย่าง"},
    )
    assert facts(found) == {
        "Date of birth": ("28 December 1989 (พ.ศ.\N{NO-BREAK SPACE}2532)",),
        "Address": ("99/9 หมู่ที่ 1", "ตำบลตัวอย่าง อำเภอเมือง", "จังหวัดตัวอย่าง"),
        "Card expires": ("Never: a card for life",),
    }


@pytest.mark.parametrize(
    ("text", "gregorian", "thai"),
    [
        ("1948", "1948", "1948 (พ.ศ.\N{NO-BREAK SPACE}2491)"),
        ("1993-11", "November 1993", "November 1993 (พ.ศ.\N{NO-BREAK SPACE}2536)"),
        ("unknown", "unknown", "unknown"),
        ("", None, None),
    ],
)
def test_partial_dates(text, gregorian, thai):
    """As much of a date is shown as is known; what is no date stays as it came."""
    date = read_date(text)
    assert (module._date(date), module._thai_date(date)) == (gregorian, thai)


def test_sgid_fields():
    """Papers are masked, the address has lines, vehicles are listed, other fields have labels of their own."""
    found = sheet(
        sgid,
        myinfo__name="TAN MEI LIN",
        myinfo__nric_number="S9012345I",
        myinfo__passport_number="E1234567X",
        myinfo__date_of_birth="1993-11",
        myinfo__mobile_number="81234567",
        myinfo__registered_address="12 EXAMPLE ROAD\n#03-45",
        myinfo__vehicles=json.dumps([{"vehicle_number": "SAB1234C"}]),
        myinfo__sponsored_child_records=json.dumps([{"name": "NUR", "nric_number": "T1612345A"}, {}]),
        myinfo__marital_status="MARRIED",
    )
    assert facts(found) == {
        "Name": ("TAN MEI LIN",),
        "NRIC number": ("•••••345I",),
        "Date of birth": ("November 1993",),
        "Passport": ("•••••567X",),
        "Mobile": ("81234567",),
        "Registered address": ("12 EXAMPLE ROAD", "#03-45"),
        "Vehicles": ("SAB1234C",),
        "Sponsored children": ("NUR",),
        "Marital status": ("MARRIED",),
    }
    assert found.table is None
    assert not [number for number in ("S9012345I", "E1234567X", "T1612345A") if number in repr(found)]


def test_sgid_employments():
    """Each post is a row; what there is no data for is an empty cell."""
    posts = [{"agency_name": "Agency One", "employment_title": "Engineer"}, {"agency_name": "NA"}]
    found = sheet(sgid, pocdex__public_officer_details=json.dumps(posts))
    assert found.table.head == ("Agency", "Department", "Title", "Type", "Work e-mail")
    assert found.table.rows == (("Agency One", "", "Engineer", "", ""), ("", "", "", "", ""))


def test_authmachine_permissions():
    """Each object is a row with its permissions, or the word that there are none."""
    found = sheet(authmachine, id="user-1", authmachine_permissions={"billing": ["view", "edit"], "depot": []})
    assert facts(found) == {"User id": ("user-1",)}
    assert found.table.rows == (("billing", "view, edit"), ("depot", "none"))
    assert sheet(authmachine).table is None


def test_auth0_fields():
    """Connection, organization and the time of the last change are in words."""
    found = sheet(auth0, sub="waad|7", org_id="org_1", org_name="acme", nickname="kit", updated_at=1767225600)
    assert facts(found) == {
        "Connection": ("waad",),
        "Nickname": ("kit",),
        "Organization": ("acme",),
        "Organization id": ("org_1",),
        "Last changed": (local_time(1767225600),),
    }


def test_pingone_groups_fold():
    """Of 300 groups six are shown and the rest is kept apart."""
    found = sheet(pingone, env="e", groups=[f"g{number}" for number in range(300)])
    groups = found.facts[-1]
    assert facts(found)["Environment"] == ("e",)
    assert (len(groups.lines), len(groups.more)) == (6, 294)


def test_a_provider_without_fields_of_its_own():
    """Where the profile knows no fields there is no sheet."""
    assert vendor_sheet(None) is None
