"""The rules of a password as people read them, and as the page's script judges them while somebody types."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from signon.core.errors import printable
from signon.core.values import Secret
from signon.providers.pingone.policy import Rule

_SETS: Mapping[str, str] = MappingProxyType(
    {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ": "capital letter",
        "abcdefghijklmnopqrstuvwxyz": "small letter",
        "0123456789": "digit",
    }
)
_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "maxRepeatedCharacters": "The same character at most {most} in a row",
        "minUniqueCharacters": "At least {least} different characters",
        "minComplexity": "Guessing it by trying takes {least} or more, by the provider's estimate",
        "excludesCommonlyUsed": "None that many people use",
        "excludesProfileData": "Nothing of your name or your e-mail address",
        "notSimilarToCurrent": "Not similar to your current password",
        "minAgeDays": "The last change was {least} ago or more",
        "alphabetSequenceRule": "No long run of the alphabet, such as abcd",
        "numberSequenceRule": "No long run of numbers, such as 1234",
        "qwertySequenceRule": "No long run of the keyboard, such as qwerty",
        "shiftedNumberRowSequenceRule": "No long run of signs beside each other, such as !@#$",
    }
)
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "length": "length",
        "minCharacters": "characters",
        "maxRepeatedCharacters": "run",
        "minUniqueCharacters": "different",
        "minComplexity": "days",
    }
)
"""What the script can judge, by the names that it has for that; all else only the provider knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One line of the page's list of rules."""

    text: str
    check: Mapping[str, str | int] | None = None
    """For the script: `kind`, and `least`, `most`, `characters` where there are some; None: judged on saving."""
    broken: bool = False
    """Whether the provider has just said so."""


def rule_lines(
    rules: Iterable[Rule], *, broken: Collection[str] = (), typed: Secret | None = None
) -> tuple[RuleLine, ...]:
    """A line for each rule. `broken` are the requirements that `typed` was refused for; those of no known rule
    come last.
    """
    found = tuple(rules)
    refused = {rule for rule in found if rule.requirement in broken}
    # One name stands for all sets of characters: what was typed shows which of them are meant.
    sets = {rule for rule in refused if rule.characters}
    text = typed.reveal() if typed is not None else ""
    marked = refused - sets | ({rule for rule in sets if not _has_enough(rule, text)} or sets)
    lines = (RuleLine(text=_text(rule), check=_check(rule), broken=rule in marked) for rule in found)
    known = {rule.requirement for rule in found}
    others = (RuleLine(text=_unlisted(name), broken=True) for name in dict.fromkeys(broken) if name not in known)
    return (*lines, *others)


def _has_enough(rule: Rule, text: str) -> bool:
    return sum(character in rule.characters for character in text) >= (rule.least or 0)


def _text(rule: Rule) -> str:
    least, most = rule.least, rule.most
    if rule.requirement == "length":
        return _length(least, most)
    if rule.requirement == "minCharacters":
        kind = _SETS.get(rule.characters)
        return f"At least {_counted(least, kind)}" if kind else f"At least {least} of {rule.characters}"
    if rule.requirement == "history":
        return f"None of your last {_counted(least, 'password')}" if least else "None that you have had before"
    in_days = rule.requirement in {"minComplexity", "minAgeDays"}
    return _TEXTS[rule.requirement].format(least=_counted(least, "day") if in_days else least, most=most)


def _length(least: int | None, most: int | None) -> str:
    if least and most:
        return f"{least} to {most} characters"
    return f"At least {_counted(least, 'character')}" if least else f"At most {_counted(most, 'character')}"


def _counted(count: int | None, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _unlisted(requirement: str) -> str:
    """The text for a refusal by a rule that was not among the policy's."""
    if requirement in _TEXTS and "{" not in _TEXTS[requirement]:
        return _TEXTS[requirement]
    return f"Another rule: {printable(requirement, limit=64)}" if requirement else "Another rule of the provider"


def _check(rule: Rule) -> dict[str, str | int] | None:
    kind = _KINDS.get(rule.requirement)
    if kind is None:
        return None
    found: dict[str, str | int | None] = {"least": rule.least, "most": rule.most, "characters": rule.characters}
    return {"kind": kind, **{name: value for name, value in found.items() if value}}
