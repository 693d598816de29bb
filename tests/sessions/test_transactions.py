import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from signon.core.errors import OperatorError, PersonError
from signon.core.values import Secret, b64url_decode, b64url_encode
from signon.sessions.codec import to_json, to_row
from signon.sessions.sealer import Sealer
from signon.sessions.transactions import (
    MAX_CHARACTERS,
    TRANSACTION_SECONDS,
    cookie_name,
    names_state,
    open_transaction,
    seal_transaction,
    tx_started,
)

TEXT = st.text(st.characters(exclude_categories=()), max_size=2000)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def digits(length):
    """Text that packs badly, always the same."""
    texts = (b64url_encode(hashlib.sha256(bytes([n])).digest()) for n in range(length // 40 + 1))
    return "".join(texts)[:length]


def sealed_or_code(sealer, transaction):
    try:
        return seal_transaction(sealer, transaction)
    except PersonError as error:
        return error.code


def test_a_cookie_is_named_after_time_and_state():
    """The name has the time in base 36 and 16 hex digits of the state's SHA-256."""
    assert cookie_name("state", now=1_760_000_000.9) == (
        "signon-tx-t3uwow-" + hashlib.sha256(b"state").hexdigest()[:16]
    )
    assert int("t3uwow", 36) == 1_760_000_000
    assert cookie_name("state", now=0).startswith("signon-tx-0-")


def test_a_name_belongs_to_its_state():
    """A cookie belongs to the state it is named after, behind any prefix, and to no other."""
    name = cookie_name("state", now=5)
    for prefix in ("", "__Host-", "5000-"):
        assert names_state(prefix + name, "state")
        assert not names_state(prefix + name, "other")
    assert not names_state(name + "x", "state")
    assert not names_state(name + "\n", "state")
    assert not names_state("session-" + hashlib.sha256(b"state").hexdigest()[:16], "state")
    assert not names_state("", "state")


@unhurried
@given(TEXT, st.integers(0, 2**33))
def test_a_name_tells_its_time(state, now):
    """The time comes back out of any name we make, and the name is fit for a cookie."""
    name = cookie_name(state, now=now)
    assert tx_started(name) == now
    assert names_state("__Host-" + name, state)
    assert name.isascii()
    assert name.replace("-", "").isalnum()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "signon",
        "__Host-signon",
        "signon-tx-",
        "signon-tx-t3uwow-0123456789abcde",
        "signon-tx-t3uwow-0123456789ABCDEF",
        "signon-tx--0123456789abcdef",
        "signon-tx-T3V0HS-0123456789abcdef",
        "signon-tx-" + "z" * 9 + "-0123456789abcdef",
        "signon-tx-t3uwow-0123456789abcdef0",
        "signon-tx-٣-0123456789abcdef",
    ],
)
def test_other_cookies_have_no_time(name):
    """What isn't the name of a transaction's cookie has no time in it."""
    assert tx_started(name) is None


def test_a_transaction_comes_back(sealer, transaction, now):
    """A transaction is opened as it was sealed."""
    value = seal_transaction(sealer, transaction)
    assert len(value) < 700
    assert open_transaction(sealer, value, now=now) == transaction


def test_nothing_of_a_transaction_is_readable(sealer, transaction):
    """The cookie shows nothing of verifier, nonce, state or addresses."""
    raw = b64url_decode(seal_transaction(sealer, transaction))
    for text in (transaction.verifier, transaction.nonce, transaction.state, "pingone", "reports"):
        assert text.encode() not in raw


def test_a_long_next_is_dropped_not_cut(sealer, transaction, now):
    """A return path that doesn't fit is forgotten whole; everything else is kept."""
    path = "/" + "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(20))
    long = replace(transaction, next=path)
    value = seal_transaction(sealer, long)
    assert len(value) <= MAX_CHARACTERS
    assert open_transaction(sealer, value, now=now) == replace(transaction, next=None)


def test_a_next_that_fits_packed_is_kept(sealer, transaction, now):
    """A long return path that packs well stays."""
    long = replace(transaction, next="/reports?" + "&".join(f"columns={n:03}" for n in range(60)))
    assert len(long.next) > 700
    value = seal_transaction(sealer, long)
    assert len(value) <= MAX_CHARACTERS
    assert open_transaction(sealer, value, now=now) == long


@unhurried
@given(next_path=st.none() | TEXT)
def test_no_next_passes_the_limit(sealer, transaction, now, next_path):
    """Whatever the return path is, the value has at most 1,000 characters, and the path is whole or gone."""
    value = seal_transaction(sealer, replace(transaction, next=next_path))
    assert len(value) <= MAX_CHARACTERS == 1000
    assert open_transaction(sealer, value, now=now).next in {next_path, None}


def test_a_next_that_packs_too_well_is_dropped(sealer, transaction, now):
    """A return path that would not be unpacked again, since it is so much longer than it looks, is forgotten."""
    value = seal_transaction(sealer, replace(transaction, next="/" + "a" * 70_000))
    assert open_transaction(sealer, value, now=now) == replace(transaction, next=None)


@unhurried
@given(kept=st.dictionaries(TEXT, TEXT, max_size=4))
@example(kept={"flavour": "a" * 70_000})
@example(kept={"flavour": "a" * 60_000})
def test_what_is_kept_comes_back_or_is_refused(sealer, transaction, now, kept):
    """Whatever an application keeps comes back as it was, beside everything but a long return path; what doesn't
    fit is `kept_too_large` before anything has begun, and never cut.
    """
    keeping = replace(transaction, kept=kept)
    value = sealed_or_code(sealer, keeping)
    assert len(value) <= MAX_CHARACTERS
    if value != "kept_too_large":
        assert open_transaction(sealer, value, now=now) in (keeping, replace(keeping, next=None))


def test_a_long_next_goes_before_what_is_kept(sealer, transaction, now):
    """Where both don't fit, what the application keeps stays."""
    keeping = replace(transaction, next="/" + digits(400)[::-1], kept={"flavour": digits(400)})
    opened = open_transaction(sealer, seal_transaction(sealer, keeping), now=now)
    assert opened == replace(keeping, next=None)


def test_too_much_to_keep_says_how_much_fits(sealer, transaction, now):
    """The error has the size and the room, and nothing of the text; as much as it says does fit."""
    with pytest.raises(PersonError, match=r"is 2014 bytes long as JSON, and about \d+ fit") as caught:
        seal_transaction(sealer, replace(transaction, kept={"flavour": digits(2000)}))
    assert digits(2000)[:8] not in str(caught.value)
    room = int(re.search(r"about (\d+) fit", str(caught.value))[1])
    assert 250 < room < 500
    fits = replace(transaction, next=None, kept={"flavour": digits(room - 14)})
    assert open_transaction(sealer, seal_transaction(sealer, fits), now=now) == fits


def test_what_is_kept_is_not_readable(sealer, transaction):
    """The cookie shows nothing of it."""
    assert b"Vanilla" not in b64url_decode(seal_transaction(sealer, replace(transaction, kept={"a": "Vanilla"})))


def test_a_transaction_of_the_last_release_opens(sealer, transaction, now):
    """A sign-in under way while an application is brought up to date is finished by the new release."""
    row = to_row(transaction)[:-1]
    value = b64url_encode(sealer.seal_salted(to_json(row), purpose="transaction"))
    assert open_transaction(sealer, value, now=now) == transaction


def test_settings_that_do_not_fit_are_the_operators(sealer, transaction):
    """Where the settings alone pass the limit, who set them is told, and what to shorten."""
    scopes = tuple(hashlib.sha256(bytes([n])).hexdigest() for n in range(30))
    for kept in ({}, {"flavour": "Vanilla"}):
        with pytest.raises(OperatorError, match=r"pingone.*scopes") as caught:
            seal_transaction(sealer, replace(transaction, scopes=scopes, kept=kept))
        assert caught.value.code == "transaction_too_large"


def test_a_transaction_ends_after_fifteen_minutes(sealer, transaction, now):
    """Just within 15 minutes, by the time inside the seal, it opens; past that the person is told."""
    value = seal_transaction(sealer, transaction)
    assert open_transaction(sealer, value, now=now + 900) == transaction
    with pytest.raises(PersonError) as caught:
        open_transaction(sealer, value, now=now + 900.5)
    assert TRANSACTION_SECONDS == 900
    assert caught.value.code == "state_expired"


def test_a_strangers_transaction_is_none(sealer, transaction, new_key, now):
    """What another key sealed is no transaction of ours."""
    value = seal_transaction(Sealer([new_key]), transaction)
    assert open_transaction(sealer, value, now=now) is None


def test_a_transaction_of_the_older_key_opens(sealer, rotated, transaction, now):
    """A sign-in under way survives a change of keys."""
    assert open_transaction(rotated, seal_transaction(sealer, transaction), now=now) == transaction


def test_another_purpose_is_no_transaction(sealer, transaction, now):
    """What is sealed for something else never opens as a transaction, though the content would fit."""
    envelope = b64url_decode(seal_transaction(sealer, transaction))
    body = sealer.open_salted(envelope, purpose="transaction")
    assert open_transaction(sealer, b64url_encode(sealer.seal_salted(body, purpose="session")), now=now) is None
    bound = sealer.seal(body, purpose="transaction", record_id=bytes(16))
    assert open_transaction(sealer, b64url_encode(bound), now=now) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"[1]", b"{}", b"[", b"x\x9cnot deflated", b"x\x9c", b"\xff"])
def test_a_sealed_stranger_is_none(sealer, now, body):
    """What we sealed but is no transaction (of another release, say) is none."""
    value = b64url_encode(sealer.seal_salted(body, purpose="transaction"))
    assert open_transaction(sealer, value, now=now) is None


SEALER = Sealer([Secret("k" * 16)])


@unhurried
@given(TEXT | st.binary(max_size=900).map(b64url_encode))
def test_any_value_is_none(value):
    """Any cookie value that we didn't make opens to None, and raises nothing."""
    assert open_transaction(SEALER, value, now=0) is None


def test_a_long_value_is_not_even_decoded(transaction, now, monkeypatch):
    """A value past our own limit is refused by its length."""
    monkeypatch.setattr("signon.sessions.transactions.b64url_decode", None)
    assert open_transaction(SEALER, "A" * (MAX_CHARACTERS + 1), now=now) is None
