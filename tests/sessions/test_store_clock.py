import multiprocessing
import threading
import time

import pytest

from signon.core.errors import StoreUnavailable
from signon.sessions import store_clock
from signon.sessions.memory import MemoryStore
from signon.sessions.store_clock import ASK_SECONDS, RETRY_SECONDS, StoreClock

NOW = 1_760_000_000.25
PATIENCE_SECONDS = 10
"""For threads to get where they are awaited; nothing takes that long unless it hangs."""


class Told(MemoryStore):
    """A store whose clock is `ahead` of ours, both going with the seconds that a test lets pass.

    `ways` are the seconds there and back each time it is asked, the last ones from then on. It can fail and hang.
    """

    def __init__(self, ahead=60.0):
        super().__init__()
        self.ahead = ahead
        self.seconds = 1000.0
        self.ways = [(0.0, 0.0)]
        self.asked = 0
        self.failing = False
        self.go = threading.Event()
        self.go.set()

    def monotonic(self):
        return self.seconds

    def clock(self):
        self.asked += 1
        self.go.wait(PATIENCE_SECONDS)
        if self.failing:
            raise StoreUnavailable("store_unavailable", "away")
        there, back = self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]
        self.seconds += there
        told = NOW + self.ahead + self.seconds - 1000.0
        self.seconds += back
        return told


@pytest.fixture
def store():
    return Told()


@pytest.fixture
def clock(store):
    return StoreClock(store, monotonic=store.monotonic)


@pytest.fixture
def patient(monkeypatch):
    """Nobody gives up waiting while a busy machine gets round to a thread."""
    monkeypatch.setattr(store_clock, "WAIT_SECONDS", PATIENCE_SECONDS)


def test_a_store_without_a_clock_is_at_our_time():
    """On one machine there is one clock: no offset, and nobody is asked."""
    clock = StoreClock(MemoryStore())
    assert clock.offset(NOW) == 0.0
    assert clock._known is None
    assert not clock._asked[0].ident


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("ahead", [60.0, -60.0, 0.0, 0.00004, 123.45678])
def test_the_offset_is_what_is_missing(ahead):
    """Our time and the offset are the store's time, to a tenth of a millisecond."""
    store = Told(ahead)
    assert StoreClock(store, monotonic=store.monotonic).offset(NOW) == pytest.approx(ahead, abs=0.00006)


@pytest.mark.usefixtures("patient")
def test_a_store_is_asked_once_a_minute(clock, store):
    """An answer is good for 60 seconds, then the store is asked again."""
    clock.offset(NOW)
    assert store.asked == 2
    store.ahead = 70.0
    store.seconds += ASK_SECONDS - 0.01
    assert clock.offset(NOW + ASK_SECONDS - 0.01) == 60.0
    assert store.asked == 2
    store.seconds += 0.01
    assert clock.offset(NOW + ASK_SECONDS) == 70.0
    assert (store.asked, ASK_SECONDS) == (4, 60.0)


@pytest.mark.usefixtures("patient")
def test_who_sets_our_clock_does_not_move_the_stores(clock, store):
    """A clock of ours that jumps within the minute is out by as much more, and the store's time stays."""
    clock.offset(NOW)
    store.seconds += 10
    assert NOW + 3600 + clock.offset(NOW + 3600) == NOW + 70
    assert store.asked == 2


@pytest.mark.usefixtures("patient")
def test_the_quicker_answer_counts(clock, store):
    """A first answer that took long, as where it had to connect, doesn't put the time out by half of that."""
    store.ways = [(4.0, 0.0), (0.0, 0.0)]
    assert clock.offset(NOW) == 60.0
    assert store.seconds == 1004.0
    assert clock.offset(NOW + 4) == 60.0


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("ways", "error"), [((2.0, 2.0), 0.0), ((3.0, 1.0), 1.0), ((1.0, 3.0), -1.0)])
def test_a_long_way_puts_it_out_by_half_at_most(clock, store, ways, error):
    """An answer is taken for the time halfway between question and answer."""
    store.ways = [ways]
    assert clock.offset(NOW) == 60.0 + error


@pytest.mark.usefixtures("patient")
def test_a_store_that_never_said_is_at_our_time(clock, store):
    """A store that fails raises nothing here, and is asked again after five seconds, not before."""
    store.failing = True
    assert clock.offset(NOW) == 0.0
    assert store.asked == 1
    store.failing = False
    store.seconds += RETRY_SECONDS - 0.01
    assert clock.offset(NOW + 4.99) == 0.0
    assert store.asked == 1
    store.seconds += 0.01
    assert clock.offset(NOW + 5) == 60.0
    assert (store.asked, RETRY_SECONDS) == (3, 5.0)


@pytest.mark.usefixtures("patient")
def test_what_was_said_last_holds(clock, store):
    """While a store is away its time goes on as it was last known."""
    clock.offset(NOW)
    store.failing = True
    store.seconds += 10 * ASK_SECONDS
    assert clock.offset(NOW + 10 * ASK_SECONDS) == 60.0
    assert store.asked == 3


def test_nobody_waits_for_a_store_that_hangs(clock, store):
    """A store that doesn't answer costs a quarter of a second; its answer counts when it comes."""
    store.go.clear()
    started = time.monotonic()
    assert clock.offset(NOW) == 0.0
    assert 0.2 < time.monotonic() - started < 0.9
    store.go.set()
    clock._asked[0].join(PATIENCE_SECONDS)
    assert clock.offset(NOW) == 60.0
    assert store.asked == 2


@pytest.mark.usefixtures("patient")
def test_who_comes_meanwhile_waits_for_the_same_answer(clock, store):
    """Two who need it at the same time ask once, and both know."""
    store.go.clear()
    offsets = []
    first, second = (threading.Thread(target=lambda: offsets.append(clock.offset(NOW))) for _ in range(2))
    first.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while clock._asked[1] < 0 and time.monotonic() < deadline:
        time.sleep(0.001)
    second.start()
    store.go.set()
    for thread in (first, second):
        thread.join(PATIENCE_SECONDS)
    assert (offsets, store.asked) == ([60.0, 60.0], 2)


@pytest.mark.usefixtures("patient")
def test_a_process_that_may_have_no_more_threads_goes_on(clock, store, monkeypatch):
    """Where no thread can be had the offset stays what it was, and the next caller tries again."""

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert clock.offset(NOW) == 0.0
    assert clock.offset(NOW) == 60.0


def test_a_child_of_a_fork_asks_for_itself(clock, store):
    """A child whose parent was just asking waits for nobody, and asks when it is time again."""
    store.go.clear()
    clock.offset(NOW)
    context = multiprocessing.get_context("fork")
    said = context.Queue()

    def child():
        store.go = threading.Event()
        store.go.set()
        first = clock.offset(NOW)
        store.seconds += RETRY_SECONDS
        clock._asked[0].join(PATIENCE_SECONDS)
        clock.offset(NOW)
        clock._asked[0].join(PATIENCE_SECONDS)
        said.put((first, clock.offset(NOW + RETRY_SECONDS)))

    process = context.Process(target=child)
    process.start()
    assert said.get(timeout=20) == (0.0, 60.0)
    process.join()
    store.go.set()
