"""Figures that have a limit: medians with quartiles, tables, and what was missed.

A tenth above a limit may be the machine's noise: it is said, and fails nothing; more does.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOISE = 1.1


class Ratio(NamedTuple):
    """The median of the rounds' ratios between its quartiles."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


class Judged(NamedTuple):
    """What was compared, how it came out, and how much it may be."""

    what: str
    ratio: Ratio
    limit: float

    @property
    def met(self) -> bool:
        return self.ratio.median <= self.limit * NOISE

    def __str__(self) -> str:
        word = "FAIL" if not self.met else "pass" if self.ratio.median <= self.limit else "over"
        return f"{word} {self.what}: {self.ratio} (at most {self.limit})"


def ratio(of: Iterable[float], to: Iterable[float]) -> Ratio:
    """Each round is compared with the same round of the other: what disturbs one disturbs both."""
    return Ratio(*statistics.quantiles([a / b for a, b in zip(of, to, strict=True)], n=4, method="inclusive"))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head, *lines = ["| " + " | ".join(cells) + " |" for cells in (columns, *rows)]
    return "\n".join([head, "|---|" + "---:|" * (len(columns) - 1), *lines, ""])


def verdict(judged: Iterable[Judged]) -> int:
    """Say what passes, and return the exit status: 1 where something was missed."""
    status = 0
    for each in judged:
        print(each)
        status |= not each.met
    return status
