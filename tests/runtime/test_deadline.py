from __future__ import annotations

import io
import socket
import threading

import pytest

from signon.runtime import deadline
from signon.runtime.deadline import Budget, BudgetedReader, TooMuch, connect, resolve


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(deadline, "monotonic", lambda: now[0])
    return now


def opened(*, seconds=10.0, size=100):
    budget = Budget()
    budget.open(seconds=seconds, size=size)
    return budget


class FakeSocket:
    """Receives what it is told to, and remembers how long it would have waited for it."""

    def __init__(self, *parts):
        self.parts = list(parts)
        self.waits = []

    def settimeout(self, seconds):
        self.waits.append(seconds)

    def recv_into(self, buffer):
        part = self.parts.pop(0)
        buffer[: len(part)] = part
        return len(part)


def test_the_seconds_left_shrink_with_the_clock(clock):
    """Each wait gets what is left of the whole."""
    budget = opened(seconds=10)
    assert budget.seconds_left() == 10
    clock[0] += 9.5
    assert budget.seconds_left() == 0.5


@pytest.mark.parametrize("late", [10.0, 11.0])
def test_at_the_deadline_nothing_is_left(clock, late):
    """At the deadline and after it there is no wait, not one of 0 seconds."""
    budget = opened(seconds=10)
    clock[0] += late
    with pytest.raises(TimeoutError):
        budget.seconds_left()


def test_bytes_are_counted_to_the_limit():
    """The last byte allowed is, and the next isn't."""
    budget = opened(size=10)
    budget.spend(4)
    budget.spend(6)
    with pytest.raises(TooMuch):
        budget.spend(1)


def test_threads_do_not_share_a_budget():
    """Another thread's exchange takes nothing of ours."""
    budget = opened(size=10)
    thread = threading.Thread(target=lambda: budget.open(seconds=1, size=0))
    thread.start()
    thread.join()
    budget.spend(10)


def test_each_read_waits_for_what_is_left(clock):
    """A peer that drips gets less at each read, whatever it sends."""
    sock = FakeSocket(b"a", b"b")
    reader = BudgetedReader(sock, hold=io.BytesIO(), budget=opened(seconds=10))
    assert reader.read(1) == b"a"
    clock[0] += 6
    assert reader.read(1) == b"b"
    assert sock.waits == [10, 4]
    clock[0] += 4
    with pytest.raises(TimeoutError):
        reader.read(1)


def test_a_read_past_the_limit_is_refused():
    """What comes is counted where it comes in, so no framing can hide it."""
    reader = BudgetedReader(FakeSocket(b"abc"), hold=io.BytesIO(), budget=opened(size=2))
    with pytest.raises(TooMuch):
        reader.read(3)


def test_closing_the_reader_lets_go_of_the_socket():
    """The socket's own reader is closed with ours."""
    hold = io.BytesIO()
    reader = BudgetedReader(FakeSocket(), hold=hold, budget=opened())
    assert reader.readable()
    reader.close()
    assert hold.closed


def test_a_slow_look_up_is_left_behind(monkeypatch):
    """The system's look-up can't be interrupted; we go on without it."""
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: done.wait(10) and [])
    with pytest.raises(TimeoutError):
        resolve("provider.example", 443, seconds=0.01)
    done.set()


@pytest.mark.parametrize("host", ["a" * 64 + ".example", ".example"])
def test_a_name_that_cannot_be_one_is_unknown(host):
    """A label that DNS can't have is an unknown host, not a bug of ours."""
    with pytest.raises(socket.gaierror):
        resolve(host, 443, seconds=5)


def test_an_unknown_name_says_so(monkeypatch):
    """The resolver's own error comes back."""

    def unknown(*_args, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror, match="not known"):
        resolve("provider.example", 443, seconds=5)


def test_the_next_address_is_tried(serve, always, monkeypatch):
    """A host with a dead address is reached at its live one, and without delaying small packets."""
    server = serve(always(b""))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()
    addresses = [(socket.AF_INET, dead), (socket.AF_INET, ("127.0.0.1", server.port))]
    monkeypatch.setattr(deadline, "resolve", lambda *_args, **_options: addresses)
    with connect("provider.example", 443, budget=opened(), seconds=5) as sock:
        assert sock.getpeername() == ("127.0.0.1", server.port)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_last_problem_is_told(monkeypatch):
    """Where no address answers, the last one's error comes out; where there is none, the name is unknown."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()
    monkeypatch.setattr(deadline, "resolve", lambda *_args, **_options: [(socket.AF_INET, dead)])
    with pytest.raises(ConnectionRefusedError):
        connect("provider.example", 443, budget=opened(), seconds=5)
    monkeypatch.setattr(deadline, "resolve", lambda *_args, **_options: [])
    with pytest.raises(socket.gaierror, match="no address"):
        connect("provider.example", 443, budget=opened(), seconds=5)


class SilentSocket(FakeSocket):
    """A socket whose peer never answers: connecting takes all the time it is given."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def setsockopt(self, *_option):
        pass

    def connect(self, _address):
        self.clock[0] += self.waits[-1]
        raise TimeoutError

    def close(self):
        pass


def test_many_silent_addresses_share_the_deadline(clock, monkeypatch):
    """Each address gets its seconds, and all of them together no more than there are."""
    sock = SilentSocket(clock)
    monkeypatch.setattr(deadline, "resolve", lambda *_args, **_options: [(socket.AF_INET, ("192.0.2.1", 443))] * 4)
    monkeypatch.setattr(deadline.socket, "socket", lambda *_args: sock)
    with pytest.raises(TimeoutError):
        connect("provider.example", 443, budget=opened(seconds=12), seconds=5)
    assert sock.waits == [5, 5, 2]
    assert clock[0] == 112


class SlowSocket(SilentSocket):
    """A socket whose peer takes three seconds to answer."""

    def connect(self, _address):
        self.clock[0] += 3


@pytest.mark.parametrize(("seconds", "waits"), [(20, [5, 5]), (7, [5, 4])])
def test_a_handshake_gets_what_connecting_left(clock, monkeypatch, seconds, waits):
    """A connected socket waits anew for as long as connecting may take, within what is left."""
    sock = SlowSocket(clock)
    monkeypatch.setattr(deadline, "resolve", lambda *_args, **_options: [(socket.AF_INET, ("192.0.2.1", 443))])
    monkeypatch.setattr(deadline.socket, "socket", lambda *_args: sock)
    assert connect("provider.example", 443, budget=opened(seconds=seconds), seconds=5) is sock
    assert sock.waits == waits
