import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.sessions import redis_scripts as scripts
from signon.sessions.store import Stored

TIMES = st.floats(min_value=0, max_value=1e11)
SCRIPTS = [scripts.CREATE, scripts.UPDATE, scripts.TOUCH, scripts.TAKE, scripts.RELEASE, scripts.INDEX_ADD]


@given(st.binary(), st.integers(0, 2**32 - 1), TIMES, TIMES)
def test_a_record_comes_back(value, version, touched_at, expires_at):
    """What was packed is read until just before its expiry, times to the last bit, and not from then on."""
    packed = scripts.pack_record(value, version=version, now=touched_at, expires_at=expires_at)
    expected = Stored(value=value, version=version, touched_at=touched_at)
    assert scripts.read_record(packed, now=expires_at - 0.001) == expected
    assert scripts.read_record(packed, now=expires_at) is None


@given(st.none() | st.binary(max_size=64), TIMES)
def test_any_bytes_are_read(held, now):
    """Whatever stands under a key, it is a record or none, a claim or none, a mark or none."""
    record = scripts.read_record(held, now=now)
    assert record is None or isinstance(record, Stored)
    assert scripts.is_taken(held, now=now) in {True, False}
    assert scripts.is_ended(held, since=0, now=now) in {True, False}


def test_a_touch_changes_the_head_only():
    """The times of a record are its first sixteen bytes, so that a touch can write them in place."""
    before = scripts.pack_record(b"value", version=7, now=1.0, expires_at=2.0)
    after = scripts.pack_record(b"value", version=7, now=3.0, expires_at=4.0)
    assert scripts.pack_times(3.0, 4.0) + before[16:] == after


def test_a_claim_holds_until_its_expiry():
    """A claim holds just before its expiry and not at it."""
    held = scripts.pack_owner(b"o" * 16, expires_at=10.0)
    assert scripts.is_taken(held, now=9.999)
    assert not scripts.is_taken(held, now=10.0)


def test_a_mark_holds_until_its_expiry():
    """A mark is later than what began before it, until just before its expiry."""
    held = scripts.pack_times(5.0, 10.0)
    assert scripts.is_ended(held, since=4.999, now=9.999)
    assert not scripts.is_ended(held, since=5.0, now=9.999)
    assert not scripts.is_ended(held, since=4.999, now=10.0)


def test_redis_keeps_a_key_longer():
    """A key goes two minutes after its expiry, in whole milliseconds."""
    assert scripts.goes_at(1000.0005) == 1_120_000


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_known_by_its_checksum(script):
    """A script is run by the SHA-1 of its text, and in full with the same key and arguments."""
    command = scripts.run(script, b"key", b"one", 2)
    assert command == ("EVALSHA", script, 1, b"key", b"one", 2)
    name, text, *rest = scripts.in_full(command)
    assert (name, hashlib.sha1(text.encode()).hexdigest(), rest) == ("EVAL", script, [1, b"key", b"one", 2])
