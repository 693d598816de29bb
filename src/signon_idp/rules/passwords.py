"""What a password policy of PingOne's shape demands of a new password; a part that is absent demands nothing."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from signon_idp.model import JsonObject, Password

COMMONLY_USED = frozenset({"password", "password1", "password1!", "qwerty123", "letmein1", "welcome1", "practice"})
DAY_SECONDS = 86_400
_GUESSES_A_DAY = 100_000_000_000 * DAY_SECONDS
_SIMILAR_CHARACTERS = 4
"""So many in a row from the current password, or from the profile, are too many."""
_KINDS = ((r"[a-z]", 26), (r"[A-Z]", 26), (r"[0-9]", 10), (r"[ -/:-@\[-`{-~]", 33))
_OTHER_DEPTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is known of somebody's password at the start; `external` people have theirs at another provider."""

    policy: JsonObject
    changed_days_ago: int = 90
    external: bool = False


def unsatisfied(
    policy: JsonObject, new: str, *, password: Password, profile: Iterable[str], now: float
) -> list[str]:
    """The names of the requirements that `new` does not meet, in the policy's order.

    `password` is the one it replaces, `profile` are the texts that are known of the person.
    """
    judges: dict[str, Callable[[], bool]] = {
        "length": lambda: policy["length"].get("min", 0) <= len(new) <= policy["length"].get("max", 255),
        "minCharacters": lambda: all(
            sum(character in characters for character in new) >= count
            for characters, count in policy["minCharacters"].items()
        ),
        "maxRepeatedCharacters": lambda: longest_run(new) <= policy["maxRepeatedCharacters"],
        "minUniqueCharacters": lambda: len(set(new)) >= policy["minUniqueCharacters"],
        "minComplexity": lambda: days_to_guess(new) >= policy["minComplexity"],
        "excludesCommonlyUsed": lambda: new.lower() not in COMMONLY_USED,
        "excludesProfileData": lambda: not any(_shares(new, text) for text in profile),
        "notSimilarToCurrent": lambda: not _shares(new, password.value),
        "history": lambda: new not in [password.value, *password.former][: policy["history"]["count"]],
        "minAgeDays": lambda: now >= password.changed_at + policy["minAgeDays"] * DAY_SECONDS,
    }
    return [name for name in policy if name in judges and policy[name] and not judges[name]()]


def longest_run(text: str) -> int:
    """How often the same character comes in a row, at most."""
    return max((len(match[0]) for match in re.finditer(r"(.)\1*", text, re.DOTALL)), default=0)


def days_to_guess(text: str) -> int:
    """How many days it takes to try everything up to a password of this length and these kinds of characters.

    At 100 thousand million guesses a second, as the vendor's own sample counts them.
    """
    depth = sum(size for pattern, size in _KINDS if re.search(pattern, text))
    if re.search(r"[^ -~]", text):
        depth = _OTHER_DEPTH
    everything: int = sum(depth**length for length in range(1, len(text) + 1))
    return everything // _GUESSES_A_DAY


def _shares(new: str, old: str) -> bool:
    lowered, theirs = new.lower(), old.lower()
    pieces = (lowered[at : at + _SIMILAR_CHARACTERS] for at in range(len(lowered) - _SIMILAR_CHARACTERS + 1))
    return any(piece in theirs for piece in pieces)
