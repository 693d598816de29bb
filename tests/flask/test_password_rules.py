import pytest

from signon.core.values import Secret
from signon.flask.password_rules import RuleLine, rule_lines
from signon.providers.pingone.policy import CODES, Rule

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize(
    ("rule", "text", "check"),
    [
        (
            Rule(requirement="length", least=8, most=255),
            "8 to 255 characters",
            {"kind": "length", "least": 8, "most": 255},
        ),
        (Rule(requirement="length", least=8), "At least 8 characters", {"kind": "length", "least": 8}),
        (Rule(requirement="length", most=1), "At most 1 character", {"kind": "length", "most": 1}),
        (
            Rule(requirement="minCharacters", least=1, characters=UPPER),
            "At least 1 capital letter",
            {"kind": "characters", "least": 1, "characters": UPPER},
        ),
        (
            Rule(requirement="minCharacters", least=2, characters="abcdefghijklmnopqrstuvwxyz"),
            "At least 2 small letters",
            {"kind": "characters", "least": 2, "characters": "abcdefghijklmnopqrstuvwxyz"},
        ),
        (
            Rule(requirement="minCharacters", least=2, characters="]\\^-"),
            "At least 2 of ]\\^-",
            {"kind": "characters", "least": 2, "characters": "]\\^-"},
        ),
        (
            Rule(requirement="maxRepeatedCharacters", most=2),
            "The same character at most 2 in a row",
            {"kind": "run", "most": 2},
        ),
        (
            Rule(requirement="minUniqueCharacters", least=5),
            "At least 5 different characters",
            {"kind": "different", "least": 5},
        ),
        (
            Rule(requirement="minComplexity", least=7),
            "Guessing it by trying takes 7 days or more, by the provider's estimate",
            {"kind": "days", "least": 7},
        ),
        (Rule(requirement="history", least=6), "None of your last 6 passwords", None),
        (Rule(requirement="history"), "None that you have had before", None),
        (Rule(requirement="minAgeDays", least=1), "The last change was 1 day ago or more", None),
    ],
)
def test_rule_is_said(rule, text, check):
    """A rule is said in words, with its numbers; what a script can judge has those, too."""
    assert rule_lines([rule]) == (RuleLine(text=text, check=check),)


@pytest.mark.parametrize("requirement", CODES)
def test_every_rule_has_words(requirement):
    """No rule is without words, none shows a gap, and each can be marked as broken."""
    (line,) = rule_lines([Rule(requirement=requirement, least=3, most=3)], broken=[requirement])
    assert line.broken
    assert requirement not in line.text
    assert "None" not in line.text.split()[1:]
    assert "{" not in line.text


def test_broken_rules():
    """A requirement that is refused marks each of its lines; one that was not listed comes last."""
    rules = [Rule(requirement="minCharacters", least=1, characters=c) for c in ("ab", "cd")]
    lines = rule_lines([*rules, Rule(requirement="length", least=3)], broken=["minCharacters", "haikuRule"])
    assert [line.broken for line in lines] == [True, True, False, True]
    assert lines[-1].text == "Another rule: haikuRule"


@pytest.mark.parametrize(
    ("typed", "broken"),
    [
        ("xa", [False, True]),
        ("xc", [True, False]),
        ("x", [True, True]),
        ("ac", [True, True]),
    ],
)
def test_which_set_is_lacking(typed, broken):
    """One name is refused for all sets of characters: those that are met aren't marked, unless all seem to be."""
    rules = [Rule(requirement="minCharacters", least=n, characters=c) for n, c in ((1, "ab"), (1, "cd"))]
    lines = rule_lines(
        [*rules, Rule(requirement="history")], broken=["minCharacters", "history"], typed=Secret(typed)
    )
    assert [line.broken for line in lines] == [*broken, True]


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        ("excludesCommonlyUsed", "None that many people use"),
        ("minAgeDays", "Another rule: minAgeDays"),
        ("", "Another rule of the provider"),
    ],
)
def test_unlisted_rules(requirement, text):
    """Of a rule that is not in the policy is said what is known of it, once."""
    assert rule_lines([], broken=[requirement, requirement]) == (RuleLine(text=text, broken=True),)
