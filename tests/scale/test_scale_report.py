"""Figures that have a limit."""

from bench.scale_report import Judged, Ratio, ratio, verdict


def judged(median):
    return Judged("a page", Ratio(median - 0.1, median, median + 0.1), 1.5)


def test_a_tenth_is_noise():
    """A median is judged by its limit and a tenth of that, and its quartiles are not; what is between is told."""
    words = {median: str(judged(median)).split()[0] for median in (1.5, 1.51, 1.64, 1.66)}
    assert words == {1.5: "pass", 1.51: "over", 1.64: "over", 1.66: "FAIL"}
    assert judged(1.64).met
    assert not judged(1.66).met


def test_one_miss_is_the_status(capsys):
    """One figure that misses its limit makes the status 1, and each is told."""
    assert verdict([judged(1.0)]) == 0
    assert verdict([judged(1.0), judged(2.0), judged(1.0)]) == 1
    *_, before, missed, after = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in (before, missed, after)] == ["pass", "FAIL", "pass"]
    assert missed == "FAIL a page: 2.00 (1.90-2.10) (at most 1.5)"


def test_rounds_are_compared_with_their_own():
    """A round that was slow for both is no other ratio."""
    assert ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == Ratio(2.0, 2.0, 2.0)
