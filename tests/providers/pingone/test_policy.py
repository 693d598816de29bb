import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.providers.pingone.policy import CODES, Rule, read_policy

UPPER, ODD = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "]\\^-"
WHOLE = {
    "id": "P",
    "name": "Standard",
    "default": True,
    "minAgeDays": 1,
    "length": {"min": 8, "max": 255},
    "minCharacters": {UPPER: 1, ODD: 2},
    "maxRepeatedCharacters": 2,
    "minUniqueCharacters": 5,
    "minComplexity": 7,
    "excludesCommonlyUsed": True,
    "excludesProfileData": True,
    "notSimilarToCurrent": True,
    "history": {"count": 6, "retentionDays": 365},
    "lockout": {"failureCount": 5, "durationSeconds": 900},
    "maxAgeDays": 182,
    "qwertySequenceRule": {"maxLength": 3},
}


def test_whole_policy():
    """Every part is one rule, each set of characters one; what says nothing of a new password is none."""
    assert read_policy(WHOLE) == (
        Rule(requirement="length", least=8, most=255),
        Rule(requirement="minCharacters", least=1, characters=UPPER),
        Rule(requirement="minCharacters", least=2, characters=ODD),
        Rule(requirement="maxRepeatedCharacters", most=2),
        Rule(requirement="minUniqueCharacters", least=5),
        Rule(requirement="minComplexity", least=7),
        Rule(requirement="excludesCommonlyUsed"),
        Rule(requirement="excludesProfileData"),
        Rule(requirement="notSimilarToCurrent"),
        Rule(requirement="history", least=6),
        Rule(requirement="minAgeDays", least=1),
        Rule(requirement="qwertySequenceRule"),
    )


@pytest.mark.parametrize("absent", sorted(set(WHOLE) & set(CODES)))
def test_quirk_5_absent_is_no_rule(absent):
    """Quirk 5: a part that is missing, null, false or zero is no rule, and the others are as they were."""
    rest = tuple(rule for rule in read_policy(WHOLE) if rule.requirement != absent)
    assert read_policy({name: value for name, value in WHOLE.items() if name != absent}) == rest
    assert read_policy({**WHOLE, absent: None}) == rest
    assert read_policy({**WHOLE, absent: False}) == rest
    assert read_policy({}) == ()


@pytest.mark.parametrize(
    ("length", "rules"),
    [
        ({"min": 8}, (Rule(requirement="length", least=8),)),
        ({"max": 20}, (Rule(requirement="length", most=20),)),
        ({}, ()),
        ({"min": "8"}, ()),
        (8, ()),
    ],
)
def test_length(length, rules):
    """Either end of the length may be missing; without both it says nothing."""
    assert read_policy({"length": length}) == rules


def test_history_without_a_count():
    """A history whose length isn't said is still a rule."""
    for history in ({}, True, {"count": "six"}):
        assert read_policy({"history": history}) == (Rule(requirement="history"),)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2", 100_001, [], {}])
def test_counts_that_are_none(count):
    """What is no sensible whole number counts nothing."""
    assert read_policy({"maxRepeatedCharacters": count, "minCharacters": {UPPER: count}}) == ()


def test_sets_are_bounded():
    """More sets of characters than a page can list, empty ones and endless ones are left out."""
    sets = {"": 1, "x" * 257: 1, **{str(number): 1 for number in range(40)}}
    rules = read_policy({"minCharacters": sets})
    assert [rule.characters for rule in rules] == [str(number) for number in range(14)]
    assert read_policy({"minCharacters": [UPPER]}) == ()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(CODES)), VALUES))
def test_anything_can_be_read(members):
    """Whatever a policy holds, reading it gives rules that have a code."""
    assert all(rule.requirement in CODES for rule in read_policy(members))


def test_each_requirement_has_a_code_of_its_own():
    """No two requirements share a code."""
    assert len(set(CODES.values())) == len(CODES)
    assert all(code.startswith("password_") for code in CODES.values())
