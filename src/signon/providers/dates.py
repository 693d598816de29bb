"""Dates as identity providers write them: whole, or with a month or a year alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialDate:
    """A date of which day, or month and day, may be unknown, and the text it was read from."""

    text: str
    year: int | None = None
    month: int | None = None
    day: int | None = None

    @property
    def date(self) -> date | None:
        """The date, where all of it is known."""
        if self.year is None or self.month is None or self.day is None:
            return None
        return date(self.year, self.month, self.day)


def read_date(text: str | None) -> PartialDate | None:
    """Read `1989-12-28`, `1989-12` or `1989`; what is no date keeps its text and has no year."""
    if not text:
        return None
    match = _DATE.match(text)
    if match is None:
        return PartialDate(text=text)
    year, month, day = (None if part is None else int(part) for part in match.groups())
    try:
        date(year or 0, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return PartialDate(text=text)
    return PartialDate(text=text, year=year, month=month, day=day)
