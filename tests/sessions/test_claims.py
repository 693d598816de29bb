import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from signon.core.errors import StoreUnavailable
from signon.sessions.claims import Claims
from signon.sessions.memory import MemoryStore
from signon.sessions.sealer import Sealer


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def claims(store, sealer):
    return Claims(store, sealer)


def test_there_is_one_first_time(claims, now):
    """The first caller is told so, nobody else until the seconds are over; then there is a first time again."""
    assert claims.first("sent", "a", now=now, seconds=10)
    assert not claims.first("sent", "a", now=now + 9.9, seconds=10)
    assert claims.first("sent", "a", now=now + 10, seconds=10)


def test_a_first_time_is_known(claims, now):
    """A first time is known until its seconds are over, and asking is none."""
    assert not claims.known("sent", "a", now=now)
    assert claims.first("sent", "a", now=now, seconds=10)
    assert claims.known("sent", "a", now=now + 9.9)
    assert not claims.known("sent", "a", now=now + 10)


@pytest.mark.parametrize("other", [("sent", "b"), ("kept", "a"), ("sent", "a", ""), ("sent", "", "a"), ("senta",)])
def test_names_keep_apart(claims, now, other):
    """Another purpose, or other parts, however they run together, are another name."""
    assert claims.first("sent", "a", now=now, seconds=10)
    assert claims.first(*other, now=now, seconds=10)


def test_a_first_time_holds_across_a_change_of_keys(store, sealer, rotated, now):
    """What was claimed under the older key is known, and not first, under both; so is what is claimed then."""
    before, after = Claims(store, sealer), Claims(store, rotated)
    assert before.first("sent", "a", now=now, seconds=10)
    assert after.known("sent", "a", now=now)
    assert not after.first("sent", "a", now=now, seconds=10)
    assert after.first("sent", "b", now=now, seconds=10)
    assert after.known("sent", "b", now=now)


def test_one_at_a_time(claims, now):
    """While one is at it nobody else gets in, not even by another look; afterwards the next one does."""
    with claims.only_one("refresh", "a", now=now, seconds=10) as first:
        with claims.only_one("refresh", "a", now=now, seconds=10) as second:
            assert (bool(first), bool(second)) == (True, False)
        with claims.only_one("refresh", "a", now=now, seconds=10) as third:
            assert not third
        with claims.only_one("refresh", "b", now=now, seconds=10) as elsewhere:
            assert elsewhere
    with claims.only_one("refresh", "a", now=now, seconds=10) as later:
        assert later


def test_who_fails_lets_the_next_one_in(claims, now):
    """An error on the way gives back what was taken, and comes through."""
    with pytest.raises(ValueError, match="on the way"), claims.only_one("refresh", "a", now=now, seconds=10):
        raise ValueError("on the way")
    with claims.only_one("refresh", "a", now=now, seconds=10) as later:
        assert later


def test_who_dies_is_waited_for(claims, store, sealer, now, monkeypatch):
    """A process that dies leaves its turn to run out; one that comes back after that can't take the next one's."""
    monkeypatch.setattr(store, "release", lambda *_: None)
    with claims.only_one("refresh", "a", now=now, seconds=10):
        pass
    monkeypatch.undo()
    with claims.only_one("refresh", "a", now=now + 9.9, seconds=10) as early:
        assert not early
    late = claims.only_one("refresh", "a", now=now + 10, seconds=10)
    assert late.__enter__()
    assert not store.lease(sealer.index_keys("refresh", "a")[0], b"o" * 16, now=now + 19.9, expires_at=now + 30)
    late.__exit__(None, None, None)


@pytest.mark.parametrize("inside", ["before", "between", "after"])
def test_one_at_a_time_across_a_change_of_keys(store, sealer, rotated, new_key, old_key, now, inside):
    """Workers with the old key, both, or both the other way round never get in together."""
    keys = {"before": sealer, "between": rotated, "after": Sealer([old_key, new_key])}
    with Claims(store, keys.pop(inside)).only_one("refresh", "a", now=now, seconds=10) as first:
        assert first
        for sealer_of_another in keys.values():
            with Claims(store, sealer_of_another).only_one("refresh", "a", now=now, seconds=10) as other:
                assert not other
    for sealer_of_another in keys.values():
        with Claims(store, sealer_of_another).only_one("refresh", "a", now=now, seconds=10) as later:
            assert later


def test_half_a_turn_is_given_back(store, sealer, rotated, now):
    """Who gets one of two keys only has no turn, and keeps nobody out."""
    both, old = Claims(store, rotated), sealer.index_keys("refresh", "a")[0]
    assert store.lease(old, b"o" * 16, now=now, expires_at=now + 10)
    with both.only_one("refresh", "a", now=now, seconds=10) as first:
        assert not first
    store.release(old, b"o" * 16)
    with both.only_one("refresh", "a", now=now, seconds=10) as later:
        assert later


def test_a_turn_whose_answer_was_lost_is_given_back(claims, store, now, monkeypatch):
    """A store that gives a turn and then fails to say so keeps nobody out for the whole time of it."""
    lease = store.lease

    def lose(*args, **options):
        lease(*args, **options)
        raise StoreUnavailable("store_unavailable", "the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(store, "lease", lose)
        with pytest.raises(StoreUnavailable), claims.only_one("refresh", "a", now=now, seconds=10):
            pytest.fail("nobody knows whose turn it is")
    with claims.only_one("refresh", "a", now=now, seconds=10) as later:
        assert later


def test_one_of_eight_is_the_only_one(claims, now):
    """Of eight threads that try together one gets in."""
    gate, done = threading.Barrier(8), threading.Barrier(8)

    def turn(_):
        gate.wait()
        with claims.only_one("refresh", "a", now=now, seconds=10) as mine:
            done.wait()
            return bool(mine)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(turn, range(8))).count(True) == 1


def test_a_store_that_fails_gives_nobody_a_turn(claims, store, now, monkeypatch):
    """A store that can't say who is first, or the only one, is heard."""

    def fail(*_args, **_options):
        raise StoreUnavailable("store_unavailable", "away")

    for name in ("claim", "was_claimed", "lease"):
        monkeypatch.setattr(store, name, fail)
    with pytest.raises(StoreUnavailable):
        claims.first("sent", "a", now=now, seconds=10)
    with pytest.raises(StoreUnavailable):
        claims.known("sent", "a", now=now)
    with pytest.raises(StoreUnavailable), claims.only_one("refresh", "a", now=now, seconds=10):
        pytest.fail("nobody may get in")


def test_the_store_sees_no_name(claims, store, now):
    """Neither purpose nor parts are readable in the store: its keys are digests of 32 bytes."""
    seen = []
    claim, lease = store.claim, store.lease
    store.claim = lambda key, owner, **times: seen.append((key, owner)) or claim(key, owner, **times)
    store.lease = lambda key, owner, **times: seen.append((key, owner)) or lease(key, owner, **times)
    claims.first("sent", "somebody", now=now, seconds=10)
    with claims.only_one("refresh", "somebody", now=now, seconds=10):
        pass
    assert [(len(key), len(owner)) for key, owner in seen] == [(32, 16)] * 2
    assert len({owner for _, owner in seen}) == 2
