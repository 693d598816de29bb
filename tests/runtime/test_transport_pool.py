from __future__ import annotations

import os
import threading

import pytest

from signon.core.errors import ProviderError, ProviderUnavailable
from signon.core.http import HttpRequest
from signon.runtime import transport
from signon.runtime.transport import Transport


def post(url):
    return HttpRequest(method="POST", url=url, document="token", body=b"code=x")


def failing(url, *, error, code, sender):
    with pytest.raises(error) as caught:
        sender.send(post(url))
    assert type(caught.value) is error
    assert caught.value.code == code


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "503 Service Unavailable"])
def test_connections_are_kept(serve, always, answer, status):
    """One after another, requests use one connection, also after an error."""
    server = serve(always(answer(status=status)))
    sender = Transport()
    for _ in range(5):
        sender.send(post(server.url()))
    assert server.connections == 1
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: x\r\n\r\n",
            b"abc",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
    ],
)
def test_each_framing_is_read_to_its_end(serve, always, data, body):
    """Chunks with extensions and trailers, empty answers and "go on" leave the connection ready for the next."""
    server = serve(always(data))
    sender = Transport()
    assert [sender.send(post(server.url())).body for _ in range(3)] == [body] * 3
    assert server.connections == 1


def test_a_connection_closed_while_idle_fails_nobody(serve, once, answer):
    """What the provider closed in the meantime is noticed, and the next request gets a new connection."""
    server = serve(once(answer()))
    sender = Transport()
    for expected in (1, 2, 3):
        assert sender.send(post(server.url())).status == 200
        server._threads[-1].join(5)
        assert server.connections == expected
    assert len(server.requests) == 3


def test_a_connection_idle_for_long_is_not_used_again(serve, always, answer, monkeypatch):
    """Somebody on the way may have forgotten it without a word: within 50 s it is used, after that it isn't."""
    now = [1000.0]
    monkeypatch.setattr(transport, "monotonic", lambda: now[0])
    server = serve(always(answer()))
    sender = Transport()
    for seconds, connections in ((0, 1), (49.9, 1), (50, 2)):
        now[0] += seconds
        sender.send(post(server.url()))
        assert server.connections == connections


def test_a_request_is_never_sent_twice(serve, always, answer):
    """A kept connection that dies under a request fails it: the code may have been redeemed already."""

    def handle(connection, server):
        server.read_request(connection)
        connection.sendall(answer())
        server.read_request(connection)

    server = serve(handle)
    sender = Transport()
    sender.send(post(server.url()))
    failing(server.url(), error=ProviderUnavailable, code="token_unreachable", sender=sender)
    assert len(server.requests) == 2


def test_a_refused_answer_costs_the_connection_and_no_more(serve, answer):
    """After an answer that was left unread the next request starts on a clean connection."""
    answers = [answer(b"x" * 2000), answer(b"fine")]

    def handle(connection, server):
        while server.read_request(connection):
            connection.sendall(answers.pop(0))

    server = serve(handle)
    sender = Transport(max_bytes=1000)
    failing(server.url(), error=ProviderError, code="token_too_large", sender=sender)
    assert sender.send(post(server.url())).body == b"fine"
    assert server.connections == 2


def test_eight_threads_share_eight_connections(serve, always, answer):
    """Under load there is no error, and no more connections than threads."""
    server = serve(always(answer(b"x" * 3000)))
    sender = Transport()
    barrier = threading.Barrier(8)
    bodies = []

    def work():
        barrier.wait(5)
        bodies.extend(sender.send(post(server.url())).body for _ in range(100))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert bodies == [b"x" * 3000] * 800
    assert server.connections <= 8


def test_connections_of_32_threads_are_kept(serve, answer):
    """As many as a worker has threads wait for their next use, and none is thrown away."""
    together = threading.Barrier(32)

    def handle(connection, server):
        while server.read_request(connection):
            together.wait(5)
            connection.sendall(answer())

    server = serve(handle)
    sender = Transport()
    for _ in range(2):
        threads = [threading.Thread(target=sender.send, args=(post(server.url()),)) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert len(server.requests) == 64
    assert server.connections == 32


def test_a_forked_process_connects_anew(serve, always, answer):
    """A connection isn't used by two processes: their answers would mix."""
    server = serve(always(answer()))
    sender = Transport()
    sender.send(post(server.url()))
    child = os.fork()
    if child == 0:  # pragma: no cover - runs in the child, which must not become a second test run
        try:
            os._exit(0 if sender.send(post(server.url())).status == 200 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert server.connections == 2
    sender.send(post(server.url()))
    assert server.connections == 2
