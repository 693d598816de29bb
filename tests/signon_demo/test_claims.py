import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.core.person import to_login, to_person
from signon_demo import claims
from signon_demo.claims import MEANINGS, OTHER, PERSON, SIGN_IN, Row, claim_groups, local_time, shortened

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture(autouse=True)
def _bangkok(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Bangkok")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def login(**more):
    said = {"iss": "https://op.example", "sub": "ada", **more}
    person = to_person(said, provider="oidc", issuer="https://op.example")
    return to_login(person, said, now=1_800_000_000.0, scope=("openid",))


def row(name, value) -> Row:
    (found,) = (row for rows in claim_groups(login(**{name: value})).values() for row in rows if row.name == name)
    return found


def test_times_are_local_with_the_number_beside():
    """A time claim is this computer's local time with its offset, and the number stays readable."""
    found = row("auth_time", 1767225600)
    assert found.lines == ("1 January 2026, 07:00:00 (UTC+07:00)",)
    assert found.raw == "1767225600"


@pytest.mark.parametrize("number", [1e300, -(10**30), 10**12 * 4])
def test_a_number_that_is_no_time_stays_a_number(number):
    """A time out of every calendar is shown as it came."""
    found = row("exp", number)
    assert (found.lines, found.raw) == ((json.dumps(number),), None)
    assert local_time(number) is None


@pytest.mark.parametrize("value", [True, "soon"])
def test_a_time_of_another_type_stays_as_it_is(value):
    """What should be a time and isn't a number is not turned into one."""
    found = row("updated_at", value)
    assert (found.lines, found.raw) == (("true" if value is True else value,), None)


@pytest.mark.parametrize("name", ["nonce", "sid", "jti", "at_hash", "c_hash", "s_hash", "nonce#th"])
def test_what_ties_tokens_together_is_shortened(name):
    """Nonces, hashes and session numbers show four characters at each end and their length."""
    assert row(name, "abcd" + "-" * 35 + "wxyz").lines == ("abcd…wxyz (43)",)


@pytest.mark.parametrize("name", ["access_token", "refreshToken", "client_secret", "password"])
def test_a_claim_named_like_a_secret_is_shortened(name):
    """A provider that puts a secret into its claims does not get it onto the page."""
    assert row(name, "abcd" + "-" * 35 + "wxyz").lines == ("abcd…wxyz (43)",)


@pytest.mark.parametrize("value", [JWT, [JWT], {"inner": JWT}])
def test_a_value_that_is_a_token_is_shortened(value):
    """A JWS or JWE is not shown whole, whatever the claim is called and however deep it is."""
    (line,) = row("anything", value).lines
    assert line.endswith(f"{shortened(JWT)}")
    assert JWT not in line


def test_a_short_secret_shows_nothing_of_itself():
    """Of a text under 16 characters only the length is shown: the two ends would be most of it."""
    assert shortened("a" * 15) == "… (15)"
    assert shortened("a" * 16) == "aaaa…aaaa (16)"


@pytest.mark.parametrize("name", ["pid", "smartcard_code", "myinfo.nric_number", "myinfo.passport_number"])
@pytest.mark.parametrize("value", ["9103700001234", 9103700001234])
def test_a_number_of_papers_shows_its_end_alone(name, value):
    """A national id, a passport's and a card's number show their last four characters, also as numbers."""
    assert row(name, value).lines == ("•••••••••1234",)
    assert row("inside", {name: value}).lines == (f"{name}: •••••••••1234",)


def test_a_short_number_of_papers_shows_nothing():
    """Of a number under eight characters nothing is shown: the last four would be most of it."""
    assert row("pid", "1234567").lines == ("•••••••",)
    assert row("pid", "12345678").lines == ("••••5678",)


def test_children_are_not_listed_with_their_numbers():
    """The records of children, one text with all their numbers, are shortened."""
    found = json.dumps([{"name": "NUR", "birth_cert_no": "T1612345A"}])
    assert row("myinfo.sponsored_child_records", found).lines == (shortened(found),)


def test_lists_are_lines_and_long_ones_fold():
    """The first twelve items are lines, the rest is kept apart."""
    found = row("groups", [f"g{number}" for number in range(14)])
    assert found.lines == tuple(f"g{number}" for number in range(12))
    assert found.more == ("g12", "g13")


@pytest.mark.parametrize(
    ("value", "lines"), [([], ("none",)), ({}, ("none",)), ("a\nb", ("a", "b")), (None, ("null",))]
)
def test_odd_values_have_a_face(value, lines):
    """Empty lists and objects say so, lines stay lines, null is null."""
    assert row("odd", value).lines == lines


def test_an_object_is_its_members():
    """An address is shown member by member, lists inside as JSON in their own letters."""
    found = row("address", {"country": "TH", "lines": ["ถนน"]})
    assert found.lines == ("country: TH", 'lines: ["ถนน"]')


def test_meanings_come_from_the_standard():
    """A registered claim has its meaning and section, one with a language tag says which (OIDC Core 5.2)."""
    found = row("given_name#th", "เอดา")
    assert (found.meaning, found.section) == ("First name or names, in the language “th”", "OIDC Core 5.1")


def test_a_vendors_claim_is_explained_by_its_documents():
    """A claim of a vendor's own stands under the other claims with its meaning and source."""
    found = row("name_en", "Somchai")
    assert (found.meaning, found.section) == ("Full name with its title, in English", "ThaID RP API manual 6.1")
    assert row("version", "1.0").section == ""


def test_groups_are_in_order_and_never_empty():
    """The person comes first, then the sign-in, then what is in no standard; each in a fixed order."""
    groups = claim_groups(login(zzz=1, email="a@people.example", aaa=2, name="Ada", aud="demo"))
    assert {title: [row.name for row in rows] for title, rows in groups.items()} == {
        PERSON: ["sub", "name", "email"],
        SIGN_IN: ["iss", "aud"],
        OTHER: ["zzz", "aaa"],
    }
    assert list(claim_groups(login())) == [PERSON, SIGN_IN]


def test_the_subject_is_the_one_that_may_be_shown():
    """Where a key stands in for a national id, the table has the key, says whose that is, and has no id."""
    found = login()
    person = type(found.person)(
        provider="oidc", issuer="https://op.example", subject="1101700203451", public_subject="key-of-ours"
    )
    known = to_login(person, {"sub": "1101700203451"}, now=0, scope=())
    row = claim_groups(known)[PERSON][0]
    assert row.lines == ("key-of-ours",)
    assert row.meaning.startswith("This application's own key")


def test_every_meaning_is_a_phrase_with_a_source():
    """Each registered claim has a phrase without a full stop, and the document that defines it."""
    for name, meaning in MEANINGS.items():
        assert meaning.text[0].isupper(), name
        assert not meaning.text.endswith("."), name
        assert meaning.section.startswith(("OIDC ", "RFC ")), name


@given(st.dictionaries(st.text(), JSON, max_size=8))
def test_any_claims_make_a_table(found):
    """Whatever JSON a provider sends, each claim has one row of text lines."""
    groups = claims.claim_groups(login(**{"iss": "https://op.example", **found, "sub": "ada"}))
    rows = [row for rows in groups.values() for row in rows]
    assert sorted(row.name for row in rows) == sorted({"iss", "sub", *found})
    assert all(isinstance(line, str) for row in rows for line in (*row.lines, *row.more))
