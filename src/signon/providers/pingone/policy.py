"""What an environment demands of a password (Password policies data model): a part that is absent is no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from signon.core.values import JsonObject, JsonValue

CODES: Mapping[str, str] = MappingProxyType(
    {
        "length": "password_length",
        "minCharacters": "password_min_characters",
        "maxRepeatedCharacters": "password_max_repeated_characters",
        "minUniqueCharacters": "password_min_unique_characters",
        "minComplexity": "password_min_complexity",
        "excludesCommonlyUsed": "password_commonly_used",
        "excludesProfileData": "password_profile_data",
        "notSimilarToCurrent": "password_similar_to_current",
        "history": "password_history",
        "minAgeDays": "password_min_age",
        "alphabetSequenceRule": "password_alphabet_sequence",
        "numberSequenceRule": "password_number_sequence",
        "qwertySequenceRule": "password_qwerty_sequence",
        "shiftedNumberRowSequenceRule": "password_shifted_number_sequence",
    }
)
"""The API's name of each requirement, and the code of a password that doesn't meet it; in the order of a page."""
OTHER_CODE = "password_other_rule"
"""The code for a requirement that is newer than we are."""
_COUNTED = frozenset(
    {"maxRepeatedCharacters", "minUniqueCharacters", "minComplexity", "minAgeDays"},
)
_MAX_COUNT = 100_000
_MAX_SETS = 16
_MAX_CHARACTERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a policy."""

    requirement: str
    """The API's name of it: a key of `CODES`."""
    least: int | None = None
    """How many at least: characters, of `characters` where there are some, days, passwords before this one."""
    most: int | None = None
    """How many at most: characters, or of the same one in a row."""
    characters: str = ""
    """The set that some must be of."""


def read_policy(members: JsonObject) -> tuple[Rule, ...]:
    """The rules of a policy, in the order of `CODES`. What can't be read is left out: the API judges, not we."""
    return tuple(rule for name in CODES for rule in _rules(name, members.get(name)))


def _rules(name: str, value: JsonValue) -> tuple[Rule, ...]:
    if value is None or value is False:
        return ()
    if name == "minCharacters":
        return _sets(value)
    if name == "length":
        return _length(value)
    if name == "history":
        count = _count(value.get("count")) if isinstance(value, dict) else None
        return (Rule(requirement=name, least=count),)
    if name not in _COUNTED:
        return (Rule(requirement=name),)
    count = _count(value)
    if not count:
        return ()
    if name == "maxRepeatedCharacters":
        return (Rule(requirement=name, most=count),)
    return (Rule(requirement=name, least=count),)


def _length(value: JsonValue) -> tuple[Rule, ...]:
    if not isinstance(value, dict):
        return ()
    least, most = _count(value.get("min")), _count(value.get("max"))
    return (Rule(requirement="length", least=least, most=most),) if least or most else ()


def _sets(value: JsonValue) -> tuple[Rule, ...]:
    """One rule for each set of characters."""
    if not isinstance(value, dict):
        return ()
    counts = ((characters, _count(count)) for characters, count in list(value.items())[:_MAX_SETS])
    return tuple(
        Rule(requirement="minCharacters", least=count, characters=characters)
        for characters, count in counts
        if count and 0 < len(characters) <= _MAX_CHARACTERS
    )


def _count(value: JsonValue) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT
    return int(value) if whole else None  # type: ignore[arg-type]  # whole has just said so
