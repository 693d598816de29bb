import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from signon.core.errors import StoreUnavailable
from signon.sessions.circuit import PAUSES_SECONDS, Circuit
from signon.sessions.contract import StoreContract
from signon.sessions.memory import MemoryStore
from signon.sessions.sqlite import SqliteStore
from signon.sessions.store import SessionStore

KEY = b"k" * 32
PATIENCE_SECONDS = 10
"""For threads to get where they are awaited; nothing takes that long unless it hangs."""


@pytest.fixture
def store():
    return Circuit(MemoryStore())


class TestCircuit(StoreContract):
    """A circuit around a store keeps the promise of a store."""


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self):
        return self.now


class Frail(MemoryStore):
    """A store that fails while it has a `failure`, counts what it is asked, and can hold a caller."""

    def __init__(self):
        super().__init__()
        self.failure = None
        self.asked = 0
        self.held = None

    def load(self, key, *, now):
        self.asked += 1
        held, self.held = self.held, None
        if held is not None:
            held.wait_inside()
            if held.failure is not None:
                raise held.failure
            return super().load(key, now=now)
        if self.failure is not None:
            raise self.failure
        return super().load(key, now=now)


class Held:
    """A caller who is kept inside the store until the test lets it go, to be answered or to fail."""

    def __init__(self, frail, circuit, *, failure=None):
        self.failure = failure
        self._entered, self._go = threading.Event(), threading.Event()
        frail.held = self
        self._threads = ThreadPoolExecutor(1)
        self._outcome = self._threads.submit(circuit.load, KEY, now=1.0)
        assert self._entered.wait(PATIENCE_SECONDS)

    def wait_inside(self):
        self._entered.set()
        assert self._go.wait(PATIENCE_SECONDS)

    def let_go(self):
        """Let the caller end; what it raised, or None where it was answered."""
        self._go.set()
        with self._threads:
            return self._outcome.exception(PATIENCE_SECONDS)


def down(reason="it is gone"):
    return StoreUnavailable("store_unavailable", reason)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def frail():
    frail = Frail()
    frail.create(KEY, b"value", now=0.0, expires_at=9.0)
    return frail


@pytest.fixture
def circuit(frail, clock):
    return Circuit(frail, clock=clock)


def outcome(circuit):
    """What a caller gets: "answered", or the words of the refusal."""
    try:
        stored = circuit.load(KEY, now=1.0)
    except StoreUnavailable as error:
        return str(error)
    assert stored.value == b"value"
    return "answered"


FAILED = "store_unavailable: it is gone"
REFUSED = "store_unavailable: the store is not asked again yet: it is gone"


def go_down(circuit, frail):
    """Fail once: from here on there are pauses."""
    frail.failure = down()
    assert [outcome(circuit), outcome(circuit)] == [FAILED, REFUSED]


def test_every_operation_is_passed_on_and_guarded(frail):
    """No operation of the protocol is missing, none goes by the circuit, but closing always gets through."""
    names = {name for name in vars(SessionStore) if not name.startswith("_")}
    circuit = Circuit(frail)
    for name in names - {"close"}:
        assert getattr(circuit, name) != getattr(frail, name), name
    assert all(callable(getattr(circuit, name)) for name in names)
    assert circuit.store is frail
    frail.failure = down()
    outcome(circuit)
    outcome(circuit)
    circuit.close()
    for name in names - {"close"}:
        with pytest.raises(StoreUnavailable, match="not asked again yet") as caught:
            getattr(circuit, name)()
        assert (caught.value.status, caught.value.retry_after_seconds) == (503, 5)


def test_an_optional_operation_is_there_only_where_the_store_has_it(circuit, tmp_path):
    """`create_indexed`, which is asked for by its name, is passed on and guarded; without one there is none."""
    assert not hasattr(circuit, "create_indexed")
    store = SqliteStore(str(tmp_path / "sessions.db"))
    guarded = Circuit(store)
    index = b"i" * 32
    assert guarded.create_indexed(KEY, b"value", indexes=[index], since=0.0, now=1.0, expires_at=9.0)
    assert store.index_list(index, now=1.0) == (KEY,)
    with pytest.raises(StoreUnavailable):
        guarded.create_indexed(KEY, b"other", indexes=[index], since=0.0, now=1.0, expires_at=9.0)
    assert guarded._outage is not None
    store.close()


def test_the_clock_is_there_only_where_the_store_has_one(circuit, frail, clock):
    """A store's clock is passed on; while the store is down it is not asked, and that is nobody's turn to try."""
    assert not hasattr(circuit, "clock")
    frail.clock = lambda: 4711.5
    guarded = Circuit(frail, clock=clock)
    assert guarded.clock() == 4711.5
    go_down(guarded, frail)
    clock.now += PAUSES_SECONDS[0]
    frail.clock = pytest.fail
    with pytest.raises(StoreUnavailable, match="not asked again yet: it is gone"):
        guarded.clock()
    frail.failure = None
    assert outcome(guarded) == "answered"


def test_a_clock_that_fails_opens_nothing(frail, clock):
    """A server that refuses to say its time, and nothing else, goes on being asked for everything else."""

    def refuse():
        raise StoreUnavailable("store_unavailable", "it may not be asked for that")

    frail.clock = refuse
    guarded = Circuit(frail, clock=clock)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="may not be asked"):
            guarded.clock()
        assert outcome(guarded) == "answered"


def test_a_dead_store_is_tried_after_growing_pauses(circuit, frail, clock):
    """While it fails it is asked once after each pause, and everybody else is told at once what was wrong."""
    go_down(circuit, frail)
    for pause in (*PAUSES_SECONDS, PAUSES_SECONDS[-1]):
        asked = frail.asked
        clock.now += pause - 0.001
        assert [outcome(circuit), outcome(circuit)] == [REFUSED, REFUSED]
        assert frail.asked == asked
        clock.now += 0.001
        assert [outcome(circuit), outcome(circuit)] == [FAILED, REFUSED]
        assert frail.asked == asked + 1
    assert (PAUSES_SECONDS[0], PAUSES_SECONDS[-1]) == (0.5, 2.0)


def test_one_answer_closes_it(circuit, frail, clock):
    """A store that is back is everybody's at once, and a later failure begins with the shortest pause again."""
    go_down(circuit, frail)
    clock.now += PAUSES_SECONDS[0]
    assert outcome(circuit) == FAILED
    frail.failure = None
    assert outcome(circuit) == REFUSED
    clock.now += PAUSES_SECONDS[1]
    assert [outcome(circuit), outcome(circuit)] == ["answered", "answered"]
    go_down(circuit, frail)
    clock.now += PAUSES_SECONDS[0]
    assert outcome(circuit) == FAILED


def test_nothing_found_is_an_answer(circuit, frail, clock):
    """A store that says that it has no such record is up."""
    go_down(circuit, frail)
    frail.failure = None
    clock.now += PAUSES_SECONDS[0]
    assert circuit.load(b"n" * 32, now=1.0) is None
    assert outcome(circuit) == "answered"


def test_one_caller_at_a_time_tries(circuit, frail, clock):
    """While somebody tries again nobody else waits, however long that takes."""
    go_down(circuit, frail)
    clock.now += PAUSES_SECONDS[0]
    trying = Held(frail, circuit, failure=down())
    clock.now += 100
    assert [outcome(circuit) for _ in range(3)] == [REFUSED] * 3
    assert str(trying.let_go()) == FAILED
    assert outcome(circuit) == REFUSED
    clock.now += PAUSES_SECONDS[1]
    assert outcome(circuit) == FAILED


def test_eight_callers_at_once_are_one_try(circuit, frail, clock):
    """Of eight threads that come when the pause is over one reaches the store."""
    go_down(circuit, frail)
    clock.now += PAUSES_SECONDS[0]
    asked, gate = frail.asked, threading.Barrier(8)

    def come(_):
        gate.wait()
        return outcome(circuit)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(come, range(8)))
    assert sorted(outcomes) == [FAILED, *[REFUSED] * 7]
    assert frail.asked == asked + 1


def test_a_caller_who_took_the_turn_late_goes_by_the_new_pause(circuit, frail, clock):
    """Somebody who saw that the pause was over, and got the turn after another's failure, doesn't try as well."""
    go_down(circuit, frail)
    outage, asked = circuit._outage, frail.asked
    clock.now += PAUSES_SECONDS[0]

    class TakenBefore:
        """A turn that is free when this caller asks for it, since another has just failed in it."""

        def __init__(self):
            self.given_back = 0

        def acquire(self, *, blocking):
            assert not blocking
            outage.try_at = clock.now + 1
            return True

        def release(self):
            self.given_back += 1

    outage.turn = TakenBefore()
    assert outcome(circuit) == REFUSED
    assert (frail.asked, outage.turn.given_back) == (asked, 1)


def test_an_answer_to_somebody_in_flight_closes_it(circuit, frail):
    """Somebody who had asked before it opened and is answered after that has shown that the store is up."""
    waiting = Held(frail, circuit)
    go_down(circuit, frail)
    frail.failure = None
    assert outcome(circuit) == REFUSED
    assert waiting.let_go() is None
    assert outcome(circuit) == "answered"


def test_a_failure_from_before_it_closed_is_no_news(circuit, frail, clock):
    """Somebody who asked before the outage and fails after its end doesn't open the circuit once more."""
    waiting = Held(frail, circuit, failure=down("it was slow"))
    go_down(circuit, frail)
    frail.failure = None
    clock.now += PAUSES_SECONDS[0]
    assert outcome(circuit) == "answered"
    assert str(waiting.let_go()) == "store_unavailable: it was slow"
    assert circuit._outage is None


def test_failures_of_those_in_flight_lengthen_no_pause(circuit, frail, clock):
    """Eight who were waiting when the store died are one outage, and not eight tries in vain."""
    waiting = [Held(frail, circuit, failure=down()) for _ in range(8)]
    assert all(str(caller.let_go()) == FAILED for caller in waiting)
    frail.failure = down()
    assert outcome(circuit) == REFUSED
    clock.now += PAUSES_SECONDS[0]
    assert outcome(circuit) == FAILED


def test_a_late_failure_of_somebody_in_flight_shortens_no_pause(circuit, frail, clock):
    """Somebody who was waiting when the store died, and fails in a long pause, doesn't begin the outage anew."""
    waiting = Held(frail, circuit, failure=down())
    go_down(circuit, frail)
    clock.now += PAUSES_SECONDS[0]
    assert outcome(circuit) == FAILED
    assert str(waiting.let_go()) == FAILED
    clock.now += PAUSES_SECONDS[0]
    assert outcome(circuit) == REFUSED


def test_the_last_reason_is_told(circuit, frail, clock):
    """Who is refused is told what was wrong the last time that the store was asked."""
    go_down(circuit, frail)
    frail.failure = down("its tables have version 7")
    clock.now += PAUSES_SECONDS[0]
    assert outcome(circuit) == "store_unavailable: its tables have version 7"
    assert outcome(circuit).endswith("not asked again yet: its tables have version 7")


@pytest.mark.parametrize("error", [ValueError("a fault of ours"), SystemExit()])
def test_what_is_not_the_stores_fault_passes(circuit, frail, clock, error):
    """Any other exception opens nothing, and ends a try without a verdict: the next caller tries."""
    frail.failure = error
    for _ in range(2):
        with pytest.raises(type(error)):
            outcome(circuit)
    go_down(circuit, frail)
    clock.now += PAUSES_SECONDS[0]
    frail.failure = error
    with pytest.raises(type(error)):
        outcome(circuit)
    frail.failure = None
    assert outcome(circuit) == "answered"


def in_child(work):
    """Run `work` in a forked child; whether it held."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_fork_during_a_try_leaves_the_child_its_own_turn(circuit, frail, clock):
    """A child whose parent was just trying again tries by itself when the pause is over, and closes for itself."""
    go_down(circuit, frail)
    clock.now += PAUSES_SECONDS[0]
    trying = Held(frail, circuit)
    frail.failure = None
    assert in_child(lambda: [outcome(circuit), outcome(circuit)] == ["answered", "answered"])
    assert outcome(circuit) == REFUSED
    assert trying.let_go() is None


def test_a_turn_of_another_process_is_not_waited_for(circuit, frail, clock):
    """A turn that was held at the fork is replaced, once, and the count of tries goes on."""
    go_down(circuit, frail)
    clock.now += PAUSES_SECONDS[0]
    parents = circuit._outage
    parents.pid = -1
    parents.turn.acquire()
    assert [outcome(circuit), outcome(circuit)] == [FAILED, REFUSED]
    assert (circuit._outage.pid, circuit._outage.tried, parents.turn.locked()) == (os.getpid(), 1, True)


def test_a_child_knows_of_its_parents_outage(circuit, frail):
    """A child that is forked in a pause waits for its end, too."""
    go_down(circuit, frail)
    assert in_child(lambda: outcome(circuit) == REFUSED)


def test_a_replica_that_is_silent_opens_nothing():
    """That no replica has confirmed a write says nothing of the server: reads go on."""

    class Unconfirmed(MemoryStore):
        def create(self, *_args, **_options):
            raise StoreUnavailable("store_unconfirmed", "no replica")

    circuit = Circuit(Unconfirmed())
    with pytest.raises(StoreUnavailable, match="store_unconfirmed"):
        circuit.create(b"k" * 32, b"v", now=1.0, expires_at=2.0)
    assert circuit.load(b"k" * 32, now=1.0) is None
