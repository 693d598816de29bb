import pytest

from signon_idp.dialects.pingone_passwords import STANDARD
from signon_idp.model import Password
from signon_idp.rules.passwords import DAY_SECONDS, days_to_guess, longest_run, unsatisfied

NOW = 1_800_000_000.0
CURRENT = "orange-Kettle-81"
FINE = "violet-Teapot-93"


def judged(new: str, *, policy=STANDARD, changed_at: float = 0.0, former: tuple[str, ...] = ()) -> list[str]:
    password = Password(value=CURRENT, changed_at=changed_at, former=list(former))
    return unsatisfied(policy, new, password=password, profile=["Mia Kern", "mia@people.example"], now=NOW)


@pytest.mark.parametrize(
    ("new", "broken"),
    [
        (FINE, []),
        ("vT-9eap", ["length", "minComplexity"]),
        ("v" + "iT-9eapot" * 30, ["length"]),
        ("violet-teapot-93", ["minCharacters"]),
        ("VIOLET-TEAPOT-93", ["minCharacters"]),
        ("violet-Teapot-xx", ["minCharacters"]),
        ("violetsTeapots93", ["minCharacters"]),
        ("viooolet-Teapot-93", ["maxRepeatedCharacters"]),
        ("aA1-aA1-aA1-aA1-", ["minUniqueCharacters"]),
        ("Password1!", ["excludesCommonlyUsed"]),
        ("Kern-violet-93", ["excludesProfileData"]),
        ("violet-Kettle-93", ["notSimilarToCurrent"]),
        (CURRENT, ["notSimilarToCurrent", "history"]),
        ("practice", ["minCharacters", "minComplexity", "excludesCommonlyUsed"]),
    ],
)
def test_each_rule(new, broken):
    """A password breaks the rules that it breaks, and no other."""
    assert judged(new) == broken


def test_history():
    """The last six are remembered, the current one among them; an older one may come back."""
    former = tuple(f"velvet-Anchor-{number}" for number in range(10, 19))
    assert judged(former[4], former=former) == ["history"]
    assert judged(former[5], former=former) == []


def test_age():
    """The last change must be a day ago, to the second."""
    assert judged(FINE, changed_at=NOW - DAY_SECONDS) == []
    assert judged(FINE, changed_at=NOW - DAY_SECONDS + 1) == ["minAgeDays"]


def test_absent_is_no_rule():
    """A policy with nothing in it takes anything; so does one whose parts are false."""
    assert judged("", policy={"name": "Nothing"}) == []
    assert judged("practice", policy={"excludesCommonlyUsed": False, "minUniqueCharacters": 0}) == []
    assert judged("x", policy={"length": {}}) == []


@pytest.mark.parametrize(("text", "run"), [("", 0), ("abc", 1), ("aabbb", 3), ("a\n\n\n", 3), ("ababab", 1)])
def test_runs(text, run):
    """Quirk 5: repeats count only in a row."""
    assert longest_run(text) == run


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("", 0),
        ("abcdefghijkl", 11),
        ("abcdefghijk", 0),
        ("Abcdefghij", 17),
        ("Abcdefgh1", 1),
        ("Abcdefg1!", 73),
        ("ปลาทูแม่", 2143),
    ],
)
def test_quirk_7_days(text, days):
    """Quirk 7: complexity counts days of trying everything up to the length, at a fixed rate of guesses."""
    assert days_to_guess(text) == days
