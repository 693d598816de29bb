from __future__ import annotations

import threading

import pytest

from signon.core.errors import MalformedAnswer, ProviderRefused, ProviderUnavailable
from signon.runtime import document
from signon.runtime.document import lifetime_seconds

DOWN = ProviderUnavailable("jwks_timeout", "too slow")


def test_within_its_lifetime_a_copy_is_served_without_a_fetch(kept, source, now):
    """Up to its last moment, a fresh copy is the same object at no cost."""
    first = kept.get()
    now[0] += 999.9
    assert kept.get() is first
    assert source.calls == 1


def test_past_its_lifetime_the_old_copy_is_served_and_renewed_behind(kept, source, now):
    """Nobody waits for a renewal: the old copy at once, one flight in the background, then the new copy."""
    first = kept.get()
    source.gate.clear()
    now[0] += 1000
    assert [kept.get() for _ in range(5)] == [first] * 5
    source.gate.set()
    source.landed()
    assert source.calls == 2
    assert source.thread is not threading.current_thread()
    assert source.thread.daemon
    assert kept.get() == [2]


def test_a_failed_renewal_backs_off_and_the_old_copy_serves(kept, source, now):
    """Renewals are tried after 1, 2, 4 … 60 seconds, not sooner; all the while the last good copy serves."""
    first = kept.get()
    source.failure = DOWN
    now[0] += 1000
    for backoff in (1, 2, 4, 8, 16, 32, 60, 60):
        calls = source.calls
        assert kept.get() is first
        source.landed()
        assert source.calls == calls + 1
        now[0] += backoff - 0.1
        assert kept.get() is first
        assert source.calls == calls + 1
        now[0] += 0.1
    source.failure = None
    assert kept.get() is first
    source.landed()
    assert kept.get() == [source.calls]


def test_after_a_success_the_backoff_starts_again(kept, source, now):
    """A new streak of failures begins with one second."""
    kept.get()
    for _ in range(2):
        now[0] += 1000
        source.failure = DOWN
        for backoff in (1, 2):
            kept.get()
            source.landed()
            now[0] += backoff
        source.failure = None
        kept.get()
        source.landed()
    assert source.calls == 7


def test_the_last_good_copy_serves_for_seven_days(kept, source, now):
    """Up to seven days after it was fetched a copy serves; then the failure is told."""
    first = kept.get()
    source.failure = DOWN
    now[0] += 7 * 24 * 3600 - 0.1
    assert kept.get() is first
    source.landed()
    now[0] += 0.1 + document.FAILURE_SECONDS
    with pytest.raises(ProviderUnavailable) as caught:
        kept.get()
    assert caught.value.code == "jwks_timeout"


def test_those_who_have_nothing_share_one_flight(kept, source, in_one_flight):
    """Eight at once: one fetch, and the same object for all."""
    results = in_one_flight(kept, source, kept.get)
    assert source.calls == 1
    assert all(result is results[0] for result in results)


def test_those_who_have_nothing_share_its_failure(kept, source, in_one_flight):
    """Eight at once: one failure, told to each in an error of its own."""
    source.failure = DOWN
    results = in_one_flight(kept, source, kept.get)
    assert source.calls == 1
    assert [type(error) for error in results] == [ProviderUnavailable] * 8
    assert {error.code for error in results} == {"jwks_timeout"}
    assert len({id(error) for error in results}) == 8


def test_a_failure_is_remembered_for_a_second_and_no_longer(kept, source, now):
    """Within a second the failure is told again; then a provider that has come back works at once."""
    source.failure = DOWN
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            kept.get()
        now[0] += 0.3
    assert source.calls == 1
    source.failure = None
    now[0] += 0.1
    assert kept.get() == [2]


def test_an_errors_particulars_are_told_to_each(kept, source, now):
    """An error of another shape comes out with all that it had, and without the first one's traceback."""
    source.failure = ProviderRefused("jwks_refused", "no", error="invalid_client", section="RFC 6749 5.2")
    errors = []
    for _ in range(2):
        with pytest.raises(ProviderRefused) as caught:
            kept.get()
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    for error in errors:
        assert str(error) == str(source.failure)
        assert (error.error, error.status) == ("invalid_client", 502)
        assert error is not source.failure


def test_a_failure_never_replaces_a_copy(kept, source):
    """An answer that can't be read leaves the held copy where it is."""
    first = kept.get()
    source.failure = MalformedAnswer("jwks_not_json", "no JSON")
    assert kept.newer_than(first) is first
    assert kept.get() is first


def test_waiting_is_bounded(kept, source, monkeypatch):
    """Who shares a flight that doesn't land gets a timeout."""
    monkeypatch.setattr(document, "_FLIGHT_SECONDS", 0.01)
    source.gate.clear()
    thread = threading.Thread(target=kept.get)
    thread.start()
    assert source.entered.wait(5)
    with pytest.raises(ProviderUnavailable) as caught:
        kept.get()
    assert caught.value.code == "jwks_timeout"
    source.gate.set()
    thread.join(5)
    assert kept.get() == [1]


def test_a_bug_lands_the_flight_too(kept, source, now):
    """What is no `SignOnError` comes out where it happened, others are told the provider failed; nobody hangs."""
    source.failure = KeyError("bug")
    with pytest.raises(KeyError):
        kept.get()
    with pytest.raises(ProviderUnavailable) as caught:
        kept.get()
    assert caught.value.code == "jwks_unreachable"
    source.failure = None
    now[0] += 1
    assert kept.get() == [2]


def test_without_a_thread_to_be_had_the_copy_serves(kept, source, now, monkeypatch):
    """Where no thread can be started, the renewal counts as failed and is tried again later."""

    def no_thread(_thread):
        raise RuntimeError("can't start new thread")

    first = kept.get()
    now[0] += 1000
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        assert kept.get() is first
    now[0] += 1
    assert kept.get() is first
    source.landed()
    assert kept.get() == [2]


def test_a_streak_of_failures_is_logged_once(kept, source, now, caplog):
    """One warning for each streak, with provider, document and code, and nothing else."""
    source.failure = DOWN
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            kept.get()
        now[0] += 1
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        ("signon.runtime", "WARNING", "x: no new jwks (jwks_timeout)")
    ]
    source.failure = None
    held = kept.get()
    source.failure = MalformedAnswer("jwks_not_json", "planted")
    kept.newer_than(held)
    assert [record.getMessage() for record in caplog.records[1:]] == ["x: no new jwks (jwks_not_json)"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 3600),
        ({"cache-control": ""}, 3600),
        ({"cache-control": "public"}, 3600),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": 'Public , MAX-AGE="600"'}, 600),
        ({"cache-control": "max-age=299"}, 300),
        ({"cache-control": "max-age=300"}, 300),
        ({"cache-control": "max-age=86400"}, 86400),
        ({"cache-control": "max-age=86401"}, 86400),
        ({"cache-control": "max-age=" + "9" * 5000}, 86400),
        ({"cache-control": "max-age=0"}, 300),
        ({"cache-control": "max-age=-1"}, 300),
        ({"cache-control": "max-age=١٢٣٤٥"}, 300),
        ({"cache-control": "max-age=soon"}, 300),
        ({"cache-control": "max-age"}, 300),
        ({"cache-control": "max-age=7200, max-age=600"}, 600),
        ({"cache-control": "no-store"}, 300),
        ({"cache-control": "max-age=7200, no-cache"}, 300),
        ({"cache-control": 'no-cache="set-cookie"'}, 300),
        ({"cache-control": "max-age=7200,must-revalidate"}, 300),
        ({"cache-control": "s-maxage=7200"}, 3600),
        ({"cache-control": "max-age=7200", "age": "1200"}, 6000),
        ({"cache-control": "max-age=7200", "age": "9999"}, 300),
        ({"cache-control": "max-age=7200", "age": "old"}, 7200),
    ],
)
def test_the_lifetime_is_the_servers_within_bounds(headers, seconds):
    """`max-age` less `Age`, from 5 minutes to 24 hours; an hour if unsaid; the least if it must not be reused."""
    assert lifetime_seconds(headers) == seconds
