import threading
from binascii import crc_hqx
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis.crc
from hypothesis import example, given
from hypothesis import strategies as st

from signon.sessions import redis_topology
from signon.sessions.redis_topology import SLOTS, Failed, Topology, read_master, read_slots, slot_of
from signon.sessions.redis_url import Address, read_redis_url

A, B, C, D = (Address(host, 7000) for host in "abcd")
LAST = SLOTS - 1
KEY = b"key"
UNREACHED = Failed("it is gone", how="unreached")


def node(address):
    return [address.host.encode(), address.port, b"id"]


class Answers:
    """Stands for the servers: what each says, an error of theirs, or nothing known; and who was asked."""

    def __init__(self, **said):
        self.said = said
        self.asked = []

    def __call__(self, address, _command):
        self.asked.append(address.host)
        answer = self.said[address.host]
        if isinstance(answer, Failed):
            raise answer
        return answer


def cluster(answers, url="redis+cluster://a:7000,b:7000"):
    return Topology(read_redis_url(url), answers)


def all_slots(master, *replicas):
    return [[0, LAST, node(master), *map(node, replicas)]]


@given(st.binary())
@example(b"{a}b")
@example(b"{}a")
@example(b"a{")
@example(b"}{a")
@example(b"{{a}}")
def test_a_slot_is_what_redis_says(key):
    """The slot of any key, braces included, is that of another client; what stands in braces decides."""
    assert slot_of(key) == redis.crc.key_slot(key)
    assert slot_of(b"{tag}" + key) == crc_hqx(b"tag", 0) % SLOTS


def test_a_single_server_has_every_key():
    """Where there is one server nobody is asked, neither before nor after it failed."""
    topology = Topology(read_redis_url("redis://a:7000"), Answers())
    assert topology.find(KEY) == A
    assert topology.instead_of(A, KEY, UNREACHED) is None
    assert topology.instead_of(A, KEY, Failed("", how="refused", code="MOVED", moved_to=B)) is None
    assert topology.find(KEY) == A


def test_a_cluster_is_asked_once():
    """The slots that a server names decide, and it isn't asked again while nothing fails."""
    middle = slot_of(KEY)
    answers = Answers(a=[[0, middle - 1, node(A)], [middle, middle, node(B)], [middle + 1, LAST, node(C)]])
    topology = cluster(answers)
    assert topology.find(KEY) == B
    found = {slot_of(b"%d" % n): topology.find(b"%d" % n) for n in range(100)}
    assert found == {slot: A if slot < middle else C for slot in found}
    assert answers.asked == ["a"]


def test_the_master_is_found_not_a_replica():
    """Of the servers that have a slot the first is its master."""
    assert cluster(Answers(a=all_slots(C, D))).find(KEY) == C


def test_after_a_failure_another_is_asked():
    """After a server failed the others are asked, the replicas too, and it comes last."""
    answers = Answers(a=all_slots(A, C))
    topology = cluster(answers)
    topology.find(KEY)
    answers.said = {"a": UNREACHED, "b": UNREACHED, "c": all_slots(C)}
    assert topology.instead_of(A, KEY, UNREACHED) == C
    assert answers.asked == ["a", "c"]
    assert topology.find(KEY) == C


@pytest.mark.parametrize("how", ["closed", "silent"])
def test_what_may_have_been_done_goes_nowhere_else(how):
    """A command that may have been done is not sent elsewhere, but the next asks first where its key is."""
    answers = Answers(a=all_slots(A), b=all_slots(C))
    topology = cluster(answers)
    topology.find(KEY)
    assert topology.instead_of(A, KEY, Failed("", how=how)) is None
    assert answers.asked == ["a"]
    assert topology.find(KEY) == C
    assert answers.asked == ["a", "b"]


def test_a_redirection_is_followed():
    """A server that says who has the key is believed, even if it names itself, and the map is asked for again."""
    answers = Answers(a=all_slots(A), b=all_slots(B))
    topology = cluster(answers)
    topology.find(KEY)
    for address in (D, A):
        assert topology.instead_of(A, KEY, Failed("", how="refused", code="MOVED", moved_to=address)) == address
    assert answers.asked == ["a"]
    assert topology.find(KEY) == B


def test_the_old_map_serves_while_nobody_answers():
    """Where nobody answers the last map is gone by, and asking is tried again each time."""
    answers = Answers(a=all_slots(A))
    topology = cluster(answers)
    topology.find(KEY)
    answers.said = {"a": UNREACHED, "b": UNREACHED}
    assert topology.instead_of(A, KEY, UNREACHED) is None
    assert topology.find(KEY) == A
    answers.said = {"a": UNREACHED, "b": all_slots(B)}
    assert topology.find(KEY) == B


def test_nobody_answers_at_all():
    """Where there is no map yet, what the last one asked said is raised, and the next caller asks anew."""
    answers = Answers(a=UNREACHED, b=Failed("b has no time", how="silent"))
    topology = cluster(answers)
    with pytest.raises(Failed, match="b has no time"):
        topology.find(KEY)
    answers.said = {"a": all_slots(A)}
    assert topology.find(KEY) == A


def test_asking_ends_in_time(monkeypatch):
    """Servers that hang are not asked one after another: after one of them the caller is told."""
    monkeypatch.setattr(redis_topology, "ASKING_SECONDS", -1)
    answers = Answers(a=UNREACHED, b=all_slots(B))
    topology = cluster(answers)
    with pytest.raises(Failed, match="it is gone"):
        topology.find(KEY)
    assert answers.asked == ["a"]
    assert topology.find(KEY) == B


def test_the_given_servers_are_not_forgotten():
    """The servers of the address are asked again in the end, also when the cluster didn't name them."""
    answers = Answers(a=all_slots(C, D))
    topology = cluster(answers)
    topology.find(KEY)
    answers.said = {"a": UNREACHED, "b": all_slots(B), "c": UNREACHED, "d": UNREACHED}
    assert topology.instead_of(C, KEY, UNREACHED) == B
    assert answers.asked == ["a", "a", "d", "b"]


def test_a_slot_that_nobody_has():
    """A key whose slot has no server is unreachable, until another answer says otherwise."""
    answers = Answers(a=[[0, 0, node(A)]])
    topology = cluster(answers)
    with pytest.raises(Failed, match="no server of the Redis cluster has the key's slot") as caught:
        topology.find(KEY)
    assert caught.value.how == "unreached"
    answers.said = {"a": all_slots(B)}
    assert topology.find(KEY) == B


def test_one_asks_for_all():
    """Of eight threads that come first one asks; where a map is known nobody waits for the one that asks."""
    gate, asked = threading.Event(), []

    def answer(address, command):
        asked.append(address)
        gate.wait(10)
        return all_slots(A if len(asked) == 1 else B)

    topology = cluster(answer)
    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(topology.find, KEY) for _ in range(8)]
        gate.set()
        assert [future.result(10) for future in first] == [A] * 8
        assert len(asked) == 1
        gate.clear()
        topology.instead_of(A, KEY, Failed("", how="silent"))
        asking = pool.submit(topology.find, KEY)
        while len(asked) < 2:
            assert not asking.done()
        topology.instead_of(A, KEY, Failed("", how="silent"))
        assert pool.submit(topology.find, KEY).result(10) == A
        gate.set()
        assert asking.result(10) == B
        topology.find(KEY)
        assert len(asked) == 3  # for the second failure


def test_sentinels_name_the_master():
    """The master is whom a Sentinel names, and another is asked once it fails."""
    answers = Answers(a=[b"c", b"7000"], b=[b"d", b"7000"])
    topology = Topology(read_redis_url("redis+sentinel://a:7000,b:7000/main"), answers)
    assert topology.find(KEY) == C
    answers.said["a"] = UNREACHED
    assert topology.instead_of(C, KEY, UNREACHED) == D
    assert answers.asked == ["a", "a", "b"]


def test_sentinels_are_asked_by_the_service_name():
    """A Sentinel is asked for the master of the service that the address ends in."""
    asked = []

    def answer(address, command):
        asked.append(command)
        return [b"c", b"7000"]

    Topology(read_redis_url("redis+sentinel://a:7000/main"), answer).find(KEY)
    assert asked == [("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")]


def test_a_single_server_is_confirmed():
    """Where there is one server nobody can have taken its place."""
    assert Topology(read_redis_url("redis://a:7000?wait=1"), Answers()).confirms(A, KEY)


@pytest.mark.parametrize(
    ("said", "confirmed", "asked"),
    [
        ({"b": all_slots(A)}, True, ["b"]),
        ({"b": all_slots(C)}, False, ["b"]),
        ({"b": UNREACHED, "c": all_slots(A)}, True, ["b", "c"]),
        ({"b": UNREACHED, "c": all_slots(C)}, False, ["b", "c"]),
        ({"b": UNREACHED, "c": UNREACHED}, False, ["b", "c"]),
    ],
)
def test_a_master_of_a_cluster_is_confirmed_by_another(said, confirmed, asked):
    """One other server that answers decides; the master itself is not asked, and nobody is no confirmation."""
    answers = Answers(a=all_slots(A), **said)
    topology = cluster(answers, "redis+cluster://a:7000,b:7000,c:7000")
    topology.find(KEY)
    answers.asked.clear()
    assert topology.confirms(A, KEY) is confirmed
    assert answers.asked == asked


def sentinel_state(address, flags=b"master"):
    return [b"name", b"main", b"ip", address.host.encode(), b"port", b"%d" % address.port, b"flags", flags]


SETTLED, OTHER_MASTER = sentinel_state(D), sentinel_state(C)
UNDER_WAY = sentinel_state(D, b"master,failover_in_progress")


@pytest.mark.parametrize(
    ("said", "confirmed"),
    [
        ((SETTLED, SETTLED, SETTLED), True),
        ((SETTLED, UNREACHED, UNREACHED), True),
        ((SETTLED, SETTLED, UNDER_WAY), False),
        ((SETTLED, SETTLED, OTHER_MASTER), False),
        ((UNREACHED, UNREACHED, UNREACHED), False),
        ((SETTLED, SETTLED, None), False),
        ((SETTLED, SETTLED, [b"ip"]), False),
        ((SETTLED, SETTLED, [b"ip", b"d"]), False),
        ((SETTLED, SETTLED, 7), False),
    ],
)
def test_a_master_is_confirmed_by_all_sentinels(said, confirmed):
    """Every Sentinel that answers must name the master and know of no failover: only one of them may know."""
    answers = Answers(**dict(zip("abc", said, strict=True)))
    topology = Topology(read_redis_url("redis+sentinel://a:7000,b:7000,c:7000/main"), answers)
    assert topology.confirms(D, KEY) is confirmed
    assert answers.asked == ["a", "b", "c"]


def test_confirming_ends_in_time(monkeypatch):
    """Sentinels that hang are not asked one after another, and what they would have said is missing."""
    monkeypatch.setattr(redis_topology, "ASKING_SECONDS", -1)
    answers = Answers(a=UNREACHED, b=SETTLED)
    assert not Topology(read_redis_url("redis+sentinel://a:7000,b:7000/main"), answers).confirms(D, KEY)
    assert answers.asked == ["a"]


def test_a_server_that_does_not_know_its_own_host():
    """A server that leaves its host empty is where it was asked."""
    places, servers = read_slots([[0, LAST, [b"", 7001, b"id"], [None, 7002, b"id"]]], asked=A)
    assert places[0] == Address("a", 7001)
    assert servers == [Address("a", 7001), Address("a", 7002)]


@pytest.mark.parametrize(
    "reply",
    [
        [],
        None,
        7,
        [[0, LAST]],
        [[0]],
        [[0, LAST, []]],
        [[0, LAST, [b"a"]]],
        [[0, LAST, [b"\xff", 1]]],
        [[0, LAST + 1, [b"a", 1]]],
        [[b"0", b"1", [b"a", 1]]],
        b"OK",
    ],
)
def test_slots_that_can_not_be_read(reply):
    """An answer that isn't a list of slots is refused, whatever it is."""
    with pytest.raises(Failed, match="which server has which slot") as caught:
        read_slots(reply, asked=A)
    assert caught.value.how == "refused"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (None, "know no master of this name"),
        ([], "can't be read"),
        ([b"a", b"b"], "can't be read"),
        ([b"\xff", b"1"], "can't be read"),
        ([1, 2], "can't be read"),
        (7, "can't be read"),
    ],
)
def test_a_master_that_can_not_be_read(reply, words):
    """A Sentinel that knows no such master, or answers something else, is refused."""
    with pytest.raises(Failed, match=words) as caught:
        read_master(reply)
    assert caught.value.how == "refused"
