from __future__ import annotations

from signon.core.errors import ProviderUnavailable

DOWN = ProviderUnavailable("jwks_timeout", "too slow")


def test_a_newer_copy_is_fetched_at_once(kept, source):
    """Who knows a copy to be too old gets a newer one without waiting for its lifetime's end."""
    first = kept.get()
    second = kept.newer_than(first)
    assert second == [2]
    assert kept.get() is second


def test_who_knows_an_older_copy_gets_the_held_one(kept, source):
    """A copy newer than the known one is handed out without a fetch, within and after the cooldown."""
    first = kept.get()
    second = kept.newer_than(first)
    assert kept.newer_than(first) is second
    assert source.calls == 2


def test_newer_copies_are_fetched_every_30_seconds_at_most(kept, source, now):
    """A flood of made-up keys costs one fetch per cooldown."""
    held = kept.get()
    for _ in range(100):
        held = kept.newer_than(held)
    assert source.calls == 2
    now[0] += 29.9
    assert kept.newer_than(held) is held
    now[0] += 0.1
    assert kept.newer_than(held) == [3]


def test_the_cooldown_holds_when_the_fetch_fails(kept, source, now):
    """A provider that fails isn't asked more often; the held copy comes back."""
    held = kept.get()
    source.failure = DOWN
    assert [kept.newer_than(held) for _ in range(100)] == [held] * 100
    assert source.calls == 2
    now[0] += 30
    assert kept.newer_than(held) is held
    assert source.calls == 3


def test_a_newer_copy_is_fetched_once_for_all(kept, source, in_one_flight):
    """Eight at once with the same old copy: one fetch, the new copy for all, and nobody else is held up."""
    first = kept.get()
    meanwhile = []
    results = in_one_flight(
        kept, source, lambda: kept.newer_than(first), meanwhile=lambda: meanwhile.append(kept.get())
    )
    assert meanwhile == [first]
    assert source.calls == 2
    assert results == [[2]] * 8


def test_a_renewal_under_way_is_waited_for(kept, source, now, in_one_flight):
    """Who wants a newer copy while one is being fetched gets that one, and the cooldown stays unused."""
    first = kept.get()
    source.gate.clear()
    now[0] += 1000
    kept.get()
    results = in_one_flight(kept, source, lambda: kept.newer_than(first))
    assert results == [[2]] * 8
    assert kept.newer_than(results[0]) == [3]


class SlowLock:
    """Lets something else happen between the look at the copy and the lock."""

    def __init__(self, kept, meanwhile):
        self.kept, self.lock, self.meanwhile = kept, kept._lock, meanwhile
        kept._lock = self

    def __enter__(self):
        self.kept._lock = self.lock
        self.meanwhile()
        self.lock.acquire()

    def __exit__(self, *_error):
        self.lock.release()


def test_a_first_copy_that_has_landed_meanwhile_is_taken(kept, source):
    """Who found nothing, and waited for the lock while another's flight landed, doesn't fetch again."""
    SlowLock(kept, kept.get)
    assert kept.get() == [1]
    assert source.calls == 1


def test_a_newer_copy_that_has_landed_meanwhile_is_taken(kept, source):
    """Who wanted a newer copy, and waited for the lock while another's flight landed, has it."""
    first = kept.get()
    SlowLock(kept, lambda: kept.newer_than(first))
    assert kept.newer_than(first) == [2]
    assert source.calls == 2


def test_a_renewal_that_has_landed_meanwhile_is_not_repeated(kept, source, now):
    """Who found the copy old, and waited for the lock while another's flight landed, starts no flight."""
    first = kept.get()
    now[0] += 1000
    SlowLock(kept, lambda: kept._fly(kept._board()[0]))
    assert kept.get() is first
    assert kept._flight is None
    assert kept.get() == [2]
    assert source.calls == 2


def test_with_nothing_held_a_newer_copy_is_the_first(kept, source):
    """A known copy that isn't held any more is answered by a first fetch."""
    assert kept.newer_than([0]) == [1]
    assert source.calls == 1
