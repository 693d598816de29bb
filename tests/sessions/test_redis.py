import importlib.util
import multiprocessing
import socket
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import trustme
from redis import exceptions as errors
from tests.servers.redis import redis_server

from signon.core.errors import ConfigurationError, StoreUnavailable
from signon.sessions import redis as redis_module
from signon.sessions.redis import open_redis
from signon.sessions.redis_topology import Failed
from signon.sessions.redis_url import Address, read_redis_url
from signon.sessions.store import Stored

pytestmark = pytest.mark.redis

NOW = float(round(time.time()))
END = NOW + 1000
KEY, OTHER, OWNER = b"k" * 32, b"o" * 32, b"w" * 16
PASSWORD = "planted-redis-password"
STORED = Stored(value=b"value", version=1, touched_at=NOW)

OPERATIONS = {
    "create": lambda store: store.create(KEY, b"value", now=NOW, expires_at=END),
    "load": lambda store: store.load(KEY, now=NOW),
    "update": lambda store: store.update(KEY, b"new", version=1, now=NOW, expires_at=END),
    "touch": lambda store: store.touch(KEY, now=NOW, expires_at=END),
    "delete": lambda store: store.delete(KEY),
    "claim": lambda store: store.claim(KEY, OWNER, now=NOW, expires_at=END),
    "was_claimed": lambda store: store.was_claimed(KEY, now=NOW),
    "index_add": lambda store: store.index_add(KEY, OTHER, now=NOW, expires_at=END),
    "index_list": lambda store: store.index_list(KEY, now=NOW),
    "index_remove": lambda store: store.index_remove(KEY, OTHER),
    "mark_ended": lambda store: store.mark_ended(KEY, now=NOW, expires_at=END),
    "ended_since": lambda store: store.ended_since(KEY, since=NOW - 1, now=NOW),
    "lease": lambda store: store.lease(KEY, OWNER, now=NOW, expires_at=END),
    "release": lambda store: store.release(KEY, OWNER),
    "epoch": lambda store: store.epoch(),
    "next_epoch": lambda store: store.next_epoch(),
    "clock": lambda store: store.clock(),
}


@pytest.fixture(scope="module")
def server():
    with redis_server() as server:
        yield server


@pytest.fixture
def store(server):
    server.ask("FLUSHALL")
    store = open_redis(server.url)
    yield store
    store.close()


@contextmanager
def opened(url):
    store = open_redis(url)
    try:
        yield store
    finally:
        store.close()


def unavailable(operation, *arguments, within=2.0, **keywords):
    """The words with which the store is unavailable, said in time."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        operation(*arguments, **keywords)
    assert time.monotonic() - started < within
    assert caught.value.code == "store_unavailable"
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    return caught.value.args[0]


def test_nothing_is_connected_before_it_is_needed(monkeypatch):
    """Opening a store connects to nobody, and looks no name up."""
    asked = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *address, **_options: asked.append(address) or [])
    store = open_redis("redis://no-such-host.invalid")
    assert asked == []
    with pytest.raises(StoreUnavailable):
        store.epoch()
    assert asked
    store.close()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_restart_between_two_operations_costs_nothing(server, store, name):
    """After a crash and a restart every operation finds all that was answered, and no dead connection."""
    operation = OPERATIONS[name]
    if name != "create":
        OPERATIONS["create"](store)
    store.epoch()
    server.restart()
    answer = operation(store)
    if name in {"create", "update", "touch", "delete", "claim", "lease"}:
        assert answer is True
    elif name == "load":
        assert answer == STORED


def test_each_idle_connection_may_be_dead(server, store):
    """After a restart none of eight threads gets an error, though each had a connection."""
    OPERATIONS["create"](store)
    gate = threading.Barrier(8)

    def load(_):
        gate.wait()
        return store.load(KEY, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(load, range(8))) == [STORED] * 8
        server.restart()
        assert list(pool.map(load, range(8))) == [STORED] * 8


def test_a_connection_that_the_server_closed(server, store):
    """A connection that the server closed after some idle time costs no error, not even to a new record."""
    store.epoch()
    server.ask("CLIENT", "KILL", "TYPE", "normal")
    assert OPERATIONS["create"](store)
    server.ask("CLIENT", "KILL", "TYPE", "normal")
    assert store.load(KEY, now=NOW) == STORED


def test_a_dead_server_is_noticed_at_once(server, store):
    """Every operation says in no time that a server that has ended can't be reached, and works when it is back."""
    OPERATIONS["create"](store)
    server.kill()
    try:
        for operation in OPERATIONS.values():
            assert "can't be used" in unavailable(operation, store, within=0.5)
    finally:
        server.start()
    assert store.load(KEY, now=NOW) == STORED


def test_a_server_that_hangs_costs_a_second(server, store):
    """A server that takes connections and answers nothing is given up in time, at the first word or later."""
    OPERATIONS["create"](store)
    with server.pause(), opened(server.url) as another, opened(f"{server.url}/1") as selecting:
        waits = [lambda: unavailable(OPERATIONS["update"], store)]
        waits += [lambda new=new: unavailable(new.load, KEY, now=NOW) for new in (another, selecting)]
        with ThreadPoolExecutor(len(waits)) as pool:
            words = [future.result() for future in [pool.submit(wait) for wait in waits]]
    assert all("does not answer" in said for said in words)
    assert store.load(KEY, now=NOW).touched_at == NOW


def test_nothing_is_sent_again_after_silence(server, store):
    """A count that was given up while the server hung is done once at most."""
    store.epoch()
    with server.pause():
        unavailable(store.next_epoch)
    assert store.epoch() <= 1


def test_scripts_that_the_server_forgot(server, store):
    """A server that has lost its scripts is told them again, by each operation that needs one."""
    for operation in OPERATIONS.values():
        server.ask("SCRIPT", "FLUSH")
        operation(store)
    store.delete(KEY)
    server.ask("SCRIPT", "FLUSH")
    assert OPERATIONS["create"](store)
    assert store.load(KEY, now=NOW) == STORED


def test_a_child_of_a_fork(server, store):
    """A child has a connection of its own, and its end leaves the parent's open."""
    OPERATIONS["create"](store)
    context = multiprocessing.get_context("fork")
    said = context.Queue()

    def client():
        return store._servers.call(b"", ("CLIENT", "ID"))

    def child():
        said.put((client(), store.load(KEY, now=NOW)))
        store.close()

    ours = client()
    process = context.Process(target=child)
    process.start()
    theirs, stored = said.get(timeout=20)
    process.join()
    assert stored == STORED
    assert theirs != ours
    assert client() == ours


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (("LPUSH", b"signon:s" + KEY, b"x"), "WRONGTYPE"),
        (("SET", b"signon:s" + KEY, b"x"), "data string too short"),
    ],
)
def test_what_is_not_ours_is_no_record(server, store, value, words):
    """Something else under a key of ours is an error in words, never another exception."""
    server.ask(*value)
    assert words in unavailable(OPERATIONS["create"], store)


def test_a_server_without_memory(server, store):
    """A server that has no memory left still gives what it has, and says why it takes nothing more."""
    OPERATIONS["create"](store)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        assert "no memory left" in unavailable(store.claim, KEY, OWNER, now=NOW, expires_at=END)
        assert store.load(KEY, now=NOW) == STORED
    finally:
        server.ask("CONFIG", "SET", "maxmemory", "0")


def test_an_unknown_command_does_not_quote_its_arguments(server, store):
    """Where a server knows no such command its words are passed on without what was sent."""
    words = unavailable(store._servers.call, b"", ("NOSUCH", b"planted-argument"))
    assert "unknown command 'NOSUCH'" in words
    assert "planted" not in words


def test_passwords():
    """A password, alone or with a user, opens the store; without it, or with another, the store says why."""
    with redis_server(password=PASSWORD) as server:
        server.ask("ACL", "SETUSER", "app", "on", f">{PASSWORD}-2", "~signon:*", "+@all")
        server.ask("ACL", "SETUSER", "reader", "on", f">{PASSWORD}-3", "~signon:*", "+get")
        host = f"127.0.0.1:{server.port}"
        for url in (server.url, f"{server.url}/3", f"redis://app:{PASSWORD}-2@{host}"):
            with opened(url) as store:
                assert OPERATIONS["create"](store)
                store.delete(KEY)
        with opened(f"redis://{host}") as store:
            assert "asks for a password" in unavailable(store.load, KEY, now=NOW)
        with opened(f"redis://:{PASSWORD}-no@{host}") as store:
            assert "refuses the user name or password" in unavailable(store.load, KEY, now=NOW)
            assert PASSWORD not in repr(vars(store._servers))
        with opened(f"redis://reader:{PASSWORD}-3@{host}") as store:
            assert store.load(KEY, now=NOW) is None
            assert "may not run" in unavailable(OPERATIONS["create"], store)
        with opened(f"{server.url}/99") as store:
            assert "index is out of range" in unavailable(store.load, KEY, now=NOW)


def test_a_sentinel_is_told_the_password_only_if_it_asks():
    """Questions go without a password first, and with the servers' where a Sentinel wants one."""
    with redis_server(password=PASSWORD) as server, redis_server() as open_server:
        for port in (server.port, open_server.port):
            url = read_redis_url(f"redis+sentinel://:{PASSWORD}@127.0.0.1:{port}/main")
            address = Address("127.0.0.1", port)
            assert redis_module._ask(url, address, ("PING",)) == b"PONG"
        without = read_redis_url(f"redis+sentinel://127.0.0.1:{server.port}/main")
        with pytest.raises(Failed, match="asks for a password"):
            redis_module._ask(without, Address("127.0.0.1", server.port), ("PING",))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return folder


def test_tls(certificates):
    """Over TLS the certificate is checked against the given authority, and for the host's name."""
    with redis_server() as server:
        (tls_port,) = free_ports(1)
        for name, value in {
            "tls-cert-file": certificates / "cert.pem",
            "tls-key-file": certificates / "key.pem",
            "tls-ca-cert-file": certificates / "ca.pem",
            "tls-auth-clients": "no",
            "tls-port": tls_port,
        }.items():
            server.ask("CONFIG", "SET", name, str(value))
        trusting = f"?ca_file={certificates / 'ca.pem'}"
        with opened(f"rediss://127.0.0.1:{tls_port}{trusting}") as store:
            assert OPERATIONS["create"](store)
            assert store.load(KEY, now=NOW) == STORED
        with opened(f"rediss://127.0.0.1:{tls_port}") as store:
            assert "CERTIFICATE_VERIFY_FAILED" in unavailable(store.load, KEY, now=NOW)
        with opened(f"rediss://localhost:{tls_port}{trusting}") as store:
            assert "CERTIFICATE_VERIFY_FAILED" in unavailable(store.load, KEY, now=NOW)


def free_ports(number):
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), ("no certificate", "can't be read")])
def test_authorities_that_can_not_be_read(tmp_path, content, words):
    """A file of authorities that isn't there, or isn't one, stops the start."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        open_redis(f"rediss://:{PASSWORD}@one?ca_file={file}")
    (problem,) = caught.value.problems
    assert words in problem
    assert PASSWORD not in problem


def test_a_server_that_is_no_redis():
    """Whatever answers in another protocol is the store's failure."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:

        def answer():
            for _ in range(2):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = pool.submit(answer)
        with opened(f"redis://127.0.0.1:{listening.getsockname()[1]}") as store:
            assert "can't be used" in unavailable(store.load, KEY, now=NOW)
        answering.result(10)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "a" * 70])
def test_a_host_that_can_not_be_found(host):
    """A name that nobody has, or that can't be one, is the store's failure."""
    with opened(f"redis://{host}") as store:
        assert "can't be used" in unavailable(store.load, KEY, now=NOW, within=10)


@pytest.mark.parametrize(("text", "host"), [("7 other:7001", "other"), ("7 :7001", "one"), ("7 ::1:7001", "::1")])
def test_where_a_key_has_moved(text, host):
    """A redirection names the other server, or the same host where it leaves that empty."""
    for code, error in (("MOVED", errors.MovedError), ("ASK", errors.AskError)):
        failed = redis_module._failed(Address("one", 7000), error(text, status_code=code))
        assert (failed.how, failed.code, failed.moved_to) == ("refused", code, Address(host, 7001))


def test_without_redis_py(monkeypatch):
    """Where redis-py isn't installed the start says what to install."""
    for name in [name for name in sys.modules if name == "redis" or name.startswith("redis.")]:
        monkeypatch.setitem(sys.modules, name, None)
    spec = importlib.util.spec_from_file_location("a_second_copy", redis_module.__file__)
    with pytest.raises(ConfigurationError) as caught:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert caught.value.problems == ("sessions in Redis need redis-py: pip install 'signon[redis]'",)
