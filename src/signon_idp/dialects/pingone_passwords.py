"""The password policies of PingOne's fictional people: every rule, and every gap, is somewhere."""

from collections.abc import Mapping

from signon_idp.model import JsonObject
from signon_idp.rules.passwords import Account

STANDARD: JsonObject = {
    "id": "9c2f0b6e-3f5d-4a43-8c6b-7d1e2f3a4b5c",
    "name": "Standard",
    "default": True,
    "length": {"min": 8, "max": 255},
    "minCharacters": {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ": 1,
        "abcdefghijklmnopqrstuvwxyz": 1,
        "0123456789": 1,
        "~!@#$%^&*()-_=+[]{}|;:,.<>/?": 1,
    },
    "maxRepeatedCharacters": 2,
    "minUniqueCharacters": 5,
    "minComplexity": 7,
    "excludesCommonlyUsed": True,
    "excludesProfileData": True,
    "notSimilarToCurrent": True,
    "history": {"count": 6, "retentionDays": 365},
    "lockout": {"failureCount": 5, "durationSeconds": 900},
    "maxAgeDays": 182,
    "minAgeDays": 1,
}
NOTHING: JsonObject = {"id": "0d7a4f9e-5b1c-4e2d-9f8a-6c3b2a1d0e4f", "name": "Nothing is demanded"}
ODD_CHARACTERS: JsonObject = {
    "id": "4e1b8d2c-6a7f-4c3e-b5d9-8f0a1c2e3d4b",
    "name": "Characters that patterns must escape",
    "length": {"min": 6},
    "minCharacters": {"]\\^-": 1},
    "maxRepeatedCharacters": 3,
}


ACCOUNTS: Mapping[str, Account] = {
    "arun": Account(policy=NOTHING),
    "sam": Account(policy=ODD_CHARACTERS),
    "edith": Account(policy=STANDARD, external=True),
}
"""By persona; everybody else has the usual one."""
USUAL = Account(policy=STANDARD)
