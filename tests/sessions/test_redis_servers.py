import multiprocessing
from types import SimpleNamespace

import pytest

from signon.core.errors import StoreUnavailable
from signon.sessions import redis_servers
from signon.sessions.redis_scripts import CREATE, in_full, run
from signon.sessions.redis_servers import WAIT_MILLISECONDS, Servers
from signon.sessions.redis_topology import Failed
from signon.sessions.redis_url import Address

A, B, C = (Address(host, 7000) for host in "abc")
GET = ("GET", b"key")
MASTER = [b"master", 9, [[b"h", b"1", b"0"], [b"h", b"2", b"9"]]]
LONELY, LOADING = [b"master", 9, []], [b"master", 9, [[b"h", b"1", b"0"]]]
ROLE, WAIT = ("ROLE",), ("WAIT", 1, WAIT_MILLISECONDS)
CLOSED, SILENT, UNREACHED = (Failed(how, how=how) for how in ("closed", "silent", "unreached"))


def moved(code, address):
    return Failed(code, how="refused", code=code, moved_to=address)


class Scene:
    """Servers by a script: each connection and each call takes the next of `connects` and `replies`.

    `log` has what happened: `("connect", address)`, `("call", address, *commands)`, `("close", address)`.
    """

    def __init__(self, *replies, connects=(), places=(A,), replicas=0, confirmed=True):
        self.replies, self.connects, self.places, self.log = list(replies), list(connects), list(places), []
        topology = SimpleNamespace(
            find=lambda _: self.places[0], instead_of=self.instead_of, confirms=lambda *_: confirmed
        )
        self.servers = Servers(connect=self.connect, topology=lambda: topology, replicas=replicas)

    def connect(self, address):
        self.log.append(("connect", address))
        if self.connects:
            raise self.connects.pop(0)
        return SimpleNamespace(
            call=lambda *commands: self.answer(address, commands),
            close=lambda: self.log.append(("close", address)),
        )

    def answer(self, address, commands):
        self.log.append(("call", address, *commands))
        reply = self.replies.pop(0)
        if isinstance(reply, Failed):
            raise reply
        return reply

    def instead_of(self, address, _key, failed):
        self.log.append(("failed", address, failed.how))
        if failed.moved_to or failed.how in {"closed", "silent"}:
            return failed.moved_to
        return self.places.pop(1) if len(self.places) > 1 else None

    def sent(self):
        return [entry[2:] for entry in self.log if entry[0] == "call"]

    def connected(self):
        return [entry[1] for entry in self.log if entry[0] == "connect"]


def unavailable(scene, **keywords):
    """The words with which the store is unavailable."""
    with pytest.raises(StoreUnavailable) as caught:
        scene.servers.call(b"key", GET, **keywords)
    told = caught.value.args[0]
    unconfirmed = "confirmed what was saved" in told or "may be the master no longer" in told
    assert caught.value.code == ("store_unconfirmed" if unconfirmed else "store_unavailable")
    return caught.value.args[0]


def test_a_connection_is_used_again():
    """One connection serves one command after another."""
    scene = Scene([b"one"], [b"two"])
    assert [scene.servers.call(b"key", GET) for _ in range(2)] == [b"one", b"two"]
    assert scene.log == [("connect", A), ("call", A, GET), ("call", A, GET)]


def test_a_closed_connection_costs_a_second_try():
    """Where the server closed the connection a command is sent once more, as `again` where that differs."""
    scene = Scene(CLOSED, [b"one"])
    assert scene.servers.call(b"key", GET) == b"one"
    assert scene.sent() == [(GET,), (GET,)]
    assert scene.connected() == [A, A]
    scene = Scene(CLOSED, [b"one"])
    assert scene.servers.call(b"key", GET, again=("AGAIN",)) == b"one"
    assert scene.sent() == [(GET,), (("AGAIN",),)]


def test_there_is_no_third_try():
    """A connection that is closed twice is the store's failure."""
    scene = Scene(CLOSED, CLOSED)
    assert unavailable(scene) == "closed"
    assert scene.connected() == [A, A]


def test_all_idle_connections_go_with_a_closed_one():
    """After a restart of the server no other dead connection is handed out."""
    scene = Scene([b"outer"], CLOSED, [b"after"])
    calls = iter([lambda: scene.servers.call(b"key", GET)])
    answer = scene.answer

    def nested(address, commands):
        for call in calls:
            assert call() == b"outer"  # another thread's, while the first connection is busy
        return answer(address, commands)

    scene.answer = nested
    scene.replies.insert(1, [b"inner"])
    assert scene.servers.call(b"key", GET) == b"inner"
    assert scene.connected() == [A, A]
    assert scene.servers.call(b"key", GET) == b"after"
    assert [entry for entry in scene.log if entry[0] == "close"] == [("close", A)] * 2
    assert scene.connected() == [A, A, A]


def test_after_silence_nothing_is_sent_again():
    """What was sent to a server that doesn't answer is not repeated, and the connection isn't used again."""
    scene = Scene(SILENT, [b"later"])
    assert unavailable(scene) == "silent"
    assert scene.sent() == [(GET,)]
    assert scene.servers.call(b"key", GET) == b"later"
    assert scene.connected() == [A, A]


def test_an_unreachable_server_is_replaced():
    """A command that could not be sent goes to whoever has the server's place, and nowhere where nobody has."""
    scene = Scene([b"one"], connects=[UNREACHED], places=[A, B])
    assert scene.servers.call(b"key", GET) == b"one"
    assert scene.connected() == [A, B]
    assert unavailable(Scene(connects=[UNREACHED])) == "unreached"


def test_time_is_bounded(monkeypatch):
    """A command that took as long as a page can wait is not sent elsewhere."""
    monkeypatch.setattr(redis_servers, "ASKING_SECONDS", -1)
    scene = Scene([b"one"], connects=[UNREACHED], places=[A, B])
    assert unavailable(scene) == "unreached"
    assert scene.connected() == [A]


def test_redirections_are_followed():
    """MOVED leads to another server, ASK there for this command alone, announced by ASKING."""
    scene = Scene(moved("MOVED", B), moved("ASK", C), [b"OK", b"one"])
    assert scene.servers.call(b"key", GET) == b"one"
    assert [entry for entry in scene.log if entry[0] == "call"] == [
        ("call", A, GET),
        ("call", B, GET),
        ("call", C, ("ASKING",), GET),
    ]


def test_redirections_end():
    """Servers that send us to each other for ever are the store's failure."""
    scene = Scene(*(moved("MOVED", address) for address in (B, A) * 4))
    assert unavailable(scene) == "the servers of the Redis cluster don't agree who has the key"


def test_a_script_that_is_not_known_is_sent_in_full():
    """A server that doesn't know a script gets its text, on the same connection."""
    command = run(CREATE, b"key", b"record", 1, 0)
    unknown = Failed("", how="refused", code="NOSCRIPT")
    scene = Scene(unknown, [1])
    assert scene.servers.call(b"key", command) == 1
    assert scene.log == [("connect", A), ("call", A, command), ("call", A, in_full(command))]
    scene = Scene(unknown, [MASTER, 1], [1], replicas=1)
    assert scene.servers.call(b"key", command, saved=True) == 1
    assert scene.sent() == [(ROLE, command), (ROLE, in_full(command)), (WAIT,)]


def test_what_is_saved_waits_for_a_replica():
    """What has to last counts as done once a replica has it; the answer is that of the command."""
    scene = Scene([MASTER, b"one"], [1], replicas=1)
    assert scene.servers.call(b"key", GET, saved=True) == b"one"
    assert scene.sent() == [(ROLE, GET), (WAIT,)]


def test_what_no_replica_confirms_is_not_done():
    """Where the master has replicas and none confirms, the caller is not told that it is done."""
    scene = Scene([MASTER, b"one"], [0], replicas=1)
    assert unavailable(scene, saved=True) == "no replica of Redis at a:7000 confirmed what was saved"


@pytest.mark.parametrize("role", [LONELY, LOADING, [b"slave", b"h", 1, b"connected", 0], [], [b"master", 9, [1]]])
def test_a_master_without_replicas_goes_on_alone(role):
    """Where no replica is in step nobody waits for one, as long as others say that this is the master."""
    scene = Scene([role, b"one"], replicas=1)
    assert scene.servers.call(b"key", GET, saved=True) == b"one"
    assert scene.sent() == [(ROLE, GET)]
    scene = Scene([role, b"one"], replicas=1, confirmed=False)
    assert unavailable(scene, saved=True) == "Redis at a:7000 has no replica, and may be the master no longer"


@pytest.mark.parametrize(("replicas", "saved"), [(0, True), (1, False)])
def test_nobody_waits_without_need(replicas, saved):
    """Neither what needn't last, nor an address that says wait=0, asks for a replica."""
    scene = Scene([b"one"], replicas=replicas)
    assert scene.servers.call(b"key", GET, saved=saved) == b"one"
    assert scene.sent() == [(GET,)]


def test_close_lets_go_of_all():
    """Closing closes what is idle, of every server; a later command connects anew."""
    scene = Scene([b"one"], [b"two"], [b"three"], places=[A])
    scene.servers.call(b"key", GET)
    scene.places = [B]
    scene.servers.call(b"key", GET)
    scene.servers.close()
    assert scene.log[-2:] == [("close", A), ("close", B)]
    assert scene.servers.call(b"key", GET) == b"three"
    assert scene.connected() == [A, B, B]


def test_a_child_connects_for_itself():
    """After a fork the child makes a connection of its own, and the parent keeps its own."""
    scene = Scene([b"one"], [b"two"], [b"three"])
    scene.servers.call(b"key", GET)
    context = multiprocessing.get_context("fork")
    said = context.Queue()

    def child():
        scene.servers.call(b"key", GET)
        said.put(scene.connected())

    process = context.Process(target=child)
    process.start()
    assert said.get(timeout=20) == [A, A]
    process.join()
    scene.servers.call(b"key", GET)
    assert scene.connected() == [A]
