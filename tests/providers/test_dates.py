from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.providers.dates import PartialDate, read_date


@pytest.mark.parametrize(
    ("text", "parts", "whole"),
    [
        ("1989-12-28", (1989, 12, 28), date(1989, 12, 28)),
        ("2000-02-29", (2000, 2, 29), date(2000, 2, 29)),
        ("1989-12", (1989, 12, None), None),
        ("1989", (1989, None, None), None),
        ("0001-01-01", (1, 1, 1), date(1, 1, 1)),
    ],
)
def test_date_whole_or_in_part(text, parts, whole):
    """Day, or month and day, may be unknown: only a whole date is one."""
    found = read_date(text)
    assert (found.text, (found.year, found.month, found.day), found.date) == (text, parts, whole)


@pytest.mark.parametrize(
    "text",
    [
        *("1989-02-29", "1989-13-01", "1989-00-01", "0000", "0000-01-01", "1989-12-32", "89-12-28", "28/12/1989"),
        *("1989-12-28T00:00", "1989-12-28\n", "19891228", "๑๙๘๙", "unknown", "NA", "-", " 1989"),
    ],
)
def test_what_is_no_date_keeps_its_text(text):
    """A text that is no date is kept as it is, and no part of it is made up."""
    assert read_date(text) == PartialDate(text=text)
    assert read_date(text).date is None


@pytest.mark.parametrize("text", [None, ""])
def test_no_text_is_no_date(text):
    """Without a text there is no date."""
    assert read_date(text) is None


@given(st.text())
def test_any_text_is_read(text):
    """Whatever is sent, reading it gives a value."""
    found = read_date(text)
    assert found is None or (found.text == text and (found.date is None or str(found.date) == text))


@given(st.dates())
def test_every_date_is_read(day):
    """Every date of the calendar is read as itself."""
    assert read_date(day.isoformat()).date == day
