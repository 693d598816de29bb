from __future__ import annotations

import logging
import os
import threading
from types import SimpleNamespace

import pytest

from signon.core.errors import ProviderUnavailable, StoreUnavailable
from signon.runtime import background

PATIENCE = 5.0


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    """Each test begins with no thread and no queue, as a process does."""
    monkeypatch.setattr(background, "_queues", {})


def wait_for_all() -> None:
    """Until everything that was submitted before is done: one thread does it in order."""
    done = threading.Event()
    assert background.submit(done.set)
    assert done.wait(PATIENCE)


def test_jobs_are_done_in_their_order_by_one_thread():
    """Everything that is submitted gets done, in order, by one thread that is not the caller's."""
    seen: list[tuple[int, str]] = []

    def job(number: int) -> None:
        seen.append((number, threading.current_thread().name))

    for number in range(20):
        assert background.submit(lambda number=number: job(number))
    wait_for_all()
    assert seen == [(number, "signon-background") for number in range(20)]


def test_crowd_of_first_callers_shares_one_thread():
    """However many threads submit first, there is one queue, and nothing of it is lost."""
    seen: list[int] = []
    barrier = threading.Barrier(8)

    def caller(number: int) -> None:
        barrier.wait(PATIENCE)
        assert background.submit(lambda: seen.append(threading.get_ident()))
        assert number >= 0

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(8)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join(PATIENCE)
    wait_for_all()
    assert (len(seen), len(set(seen))) == (8, 1)


def test_caller_does_not_wait():
    """A job that takes long keeps nobody but later jobs."""
    go_on, started = threading.Event(), threading.Event()

    def long() -> None:
        started.set()
        go_on.wait(PATIENCE)

    assert background.submit(long)
    assert started.wait(PATIENCE)
    go_on.set()
    wait_for_all()


def test_full_queue_leaves_undone_and_says_so(caplog):
    """What doesn't fit is not kept, and the log says that something was left undone."""
    go_on, started = threading.Event(), threading.Event()

    def block() -> None:
        started.set()
        go_on.wait(PATIENCE)

    assert background.submit(block)
    assert started.wait(PATIENCE)
    done: list[int] = []
    for number in range(background.WAITING_JOBS):
        assert background.submit(lambda number=number: done.append(number))
    with caplog.at_level(logging.WARNING, logger="signon.runtime"):
        assert not background.submit(lambda: done.append(-1))
    assert "left undone" in caplog.text
    last = threading.Event()
    go_on.set()
    while not background.submit(last.set):
        pass
    assert last.wait(PATIENCE)
    assert done == list(range(background.WAITING_JOBS))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ProviderUnavailable("revocation_timeout", "no answer in time"), "revocation_timeout"),
        (ValueError("a-token-that-nobody-may-log"), "ValueError"),
    ],
)
def test_job_that_fails_is_logged_and_the_next_is_done(caplog, plant, error, said):
    """A failure ends its own job only; an error that isn't ours is named, and its text kept to itself."""
    plant("a-token-that-nobody-may-log")

    def fail() -> None:
        raise error

    with caplog.at_level(logging.WARNING, logger="signon.runtime"):
        assert background.submit(fail)
        wait_for_all()
    assert said in caplog.text


def test_process_without_another_thread(monkeypatch, caplog):
    """Where no thread can be had nothing is done, nobody is told off, and a later try begins anew."""

    def no_thread(*_args, **_options):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        assert not background.submit(lambda: None)
    assert "left undone" in caplog.text
    wait_for_all()


def test_child_has_a_thread_of_its_own(monkeypatch):
    """After a fork the queue is another one: the parent's thread is not there."""
    wait_for_all()
    (first,) = background._queues.values()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    wait_for_all()
    assert background._queues[-1] is not first


@pytest.fixture
def clock(monkeypatch):
    """Time that only pauses move."""
    now = SimpleNamespace(seconds=0.0)
    now.sleep = lambda pause: setattr(now, "seconds", now.seconds + pause)
    monkeypatch.setattr(background, "time", SimpleNamespace(monotonic=lambda: now.seconds, sleep=now.sleep))
    return now


def test_what_is_insisted_on_is_tried_until_the_store_takes_it(clock):
    """A job that the store refuses is tried again, with a pause, and once it is done no more."""
    tries: list[float] = []

    def job() -> None:
        tries.append(clock.seconds)
        if len(tries) < 3:
            raise StoreUnavailable("store_unavailable", "away")

    assert background.insist(job, seconds=10)
    for _ in range(4):
        wait_for_all()
    assert tries == [0.0, background.INSIST_PAUSE_SECONDS, 2 * background.INSIST_PAUSE_SECONDS]


def test_nothing_is_insisted_on_for_ever(clock, caplog):
    """After its time a job is given up, with a line in the log."""
    tries: list[float] = []

    def job() -> None:
        tries.append(clock.seconds)
        raise StoreUnavailable("store_unavailable", "away")

    assert background.insist(job, seconds=1)
    for _ in range(8):
        wait_for_all()
    assert tries[-1] == 1.0
    assert "a job in the background has failed: store_unavailable: away" in caplog.text
