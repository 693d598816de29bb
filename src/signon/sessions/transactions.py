"""The transaction cookie: what a browser remembers of one sign-in, sealed, under a name that tells its state."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import replace

from signon.core.authorize import Transaction
from signon.core.errors import OperatorError, PersonError
from signon.core.values import b64url_decode, b64url_encode
from signon.sessions.codec import Unreadable, from_json, from_row, to_json, to_row
from signon.sessions.sealer import Sealer

TRANSACTION_SECONDS = 900
"""How long a sign-in may take at the provider: some send people to an app on their phone."""
MAX_CHARACTERS = 1000
"""Of a cookie's value. Five of them stay below the 8 KB of headers that servers commonly take."""

_PURPOSE = "transaction"
_MAX_JSON_BYTES = 1 << 16
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NAME = re.compile(r"signon-tx-([0-9a-z]{1,8})-([0-9a-f]{16})\Z")


def cookie_name(state: str, *, now: float) -> str:
    """`signon-tx-<base36 time>-<16 hex of SHA-256(state)>`; a prefix is the caller's to put in front."""
    return f"signon-tx-{_base36(int(now))}-{_digest(state)}"


def names_state(cookie_name: str, state: str) -> bool:
    """Whether a cookie of this name, whatever its prefix, belongs to this state."""
    match = _NAME.search(cookie_name)
    return match is not None and match[2] == _digest(state)


def tx_started(cookie_name: str) -> int | None:
    """The time in a transaction cookie's name, POSIX seconds; None for any other cookie."""
    match = _NAME.search(cookie_name)
    return None if match is None else int(match[1], 36)


def seal_transaction(sealer: Sealer, transaction: Transaction) -> str:
    """The cookie's value, base64url, at most 1,000 characters. A `next` that doesn't fit is dropped, never cut.

    Raises `PersonError` (`kept_too_large`) where the application wants too much kept, and `OperatorError`
    (`transaction_too_large`) where the settings alone are too long.
    """
    for keeps_next in (True, False):
        smaller = transaction if keeps_next else replace(transaction, next=None)
        plain = to_json(to_row(smaller))
        if len(plain) > _MAX_JSON_BYTES:  # it may pack well, and would not be unpacked again
            continue
        for pack in (bytes, zlib.compress):  # what zlib makes begins with 0x78, never with "["
            value = b64url_encode(sealer.seal_salted(pack(plain), purpose=_PURPOSE))
            if len(value) <= MAX_CHARACTERS:
                return value
    raise _too_large(sealer, replace(transaction, next=None))


def _too_large(sealer: Sealer, transaction: Transaction) -> PersonError | OperatorError:
    """Whose doing it is: of what the application keeps, which may be a person's words, or of the settings."""
    needed = zlib.compress(to_json(to_row(replace(transaction, kept={}))))
    size = len(to_json(dict(transaction.kept)))
    room = MAX_CHARACTERS * 3 // 4 - len(sealer.seal_salted(needed, purpose=_PURPOSE))
    if transaction.kept and room > 0:
        return PersonError(
            "kept_too_large",
            f"what this sign-in should keep is {size} bytes long as JSON, and about {room} fit into its cookie"
            f" beside what {transaction.provider} needs",
            status=400,
        )
    return OperatorError(
        "transaction_too_large",
        f"what a sign-in with {transaction.provider} must remember does not fit into a cookie:"
        " shorten its scopes, client id or addresses",
    )


def open_transaction(sealer: Sealer, value: str, *, now: float) -> Transaction | None:
    """The transaction, or None for a value that we didn't seal.

    Raises `PersonError` (`state_expired`) when it is older than 15 minutes, by the time inside the seal.
    """
    envelope = b64url_decode(value) if len(value) <= MAX_CHARACTERS else None
    body = None if envelope is None else sealer.open_salted(envelope, purpose=_PURPOSE)
    if body is None:
        return None
    try:
        if not body.startswith(b"["):
            body = zlib.decompressobj().decompress(body, _MAX_JSON_BYTES)
        transaction = from_row(Transaction, from_json(body))
    except (Unreadable, zlib.error):
        return None
    if now - transaction.started_at > TRANSACTION_SECONDS:
        raise PersonError(
            "state_expired", f"the sign-in was begun {now - transaction.started_at:.0f} seconds ago", status=400
        )
    return transaction


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
