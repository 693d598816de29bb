from __future__ import annotations

import time
from dataclasses import replace

import pytest

from signon.core.errors import ProviderError, ProviderUnavailable
from signon.core.http import HttpRequest
from signon.runtime.transport import Transport

QUICK = 0.3
SOON = 2.0
"""Seconds: far below what the tests' servers would take, far above what a busy machine does."""


def get(url):
    return HttpRequest(method="GET", url=url, document="token")


def failing(url, *, error, code, sender):
    with pytest.raises(error) as caught:
        sender.send(get(url))
    assert type(caught.value) is error
    assert caught.value.code == code


def framed(framing, body):
    if framing == "length":
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    if framing == "chunked":
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return b"HTTP/1.1 200 OK\r\n\r\n" + body


@pytest.mark.parametrize("framing", ["length", "chunked", "closing"])
def test_the_limit_of_a_body(serve, once, framing):
    """An answer of exactly the limit is read, one byte more is refused, however it is framed."""
    body = b"x" * 1000
    assert Transport(max_bytes=1000).send(get(serve(once(framed(framing, body))).url())).body == body
    server = serve(once(framed(framing, body + b"x")))
    failing(server.url(), error=ProviderError, code="token_too_large", sender=Transport(max_bytes=1000))


def test_an_announced_flood_is_not_waited_for(serve):
    """An answer that says it will be too large is refused before any of it has come."""

    def handle(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
        server.stopped.wait(10)

    sender = Transport(max_bytes=1000, total_seconds=5)
    failing(serve(handle).url(), error=ProviderError, code="token_too_large", sender=sender)


@pytest.mark.parametrize(
    ("head", "flood"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"T: x\r\n" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    ],
)
def test_no_framing_hides_a_flood(serve, head, flood):
    """A chunk of size -1, endless trailers and endless informational answers meet the limit too."""

    def handle(connection, server):
        server.read_request(connection)
        connection.sendall(head)
        while not server.stopped.is_set():
            connection.sendall(flood)

    failing(serve(handle).url(), error=ProviderError, code="token_too_large", sender=Transport(max_bytes=1000))


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (b"", b""),
        (b"", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_the_deadline_holds_against_drips(serve, drip, head, tail):
    """Silence, dripped heads, dripped bodies and dripped chunks all end at the deadline."""
    server = serve(drip(head, tail) if tail else lambda _connection, server: server.stopped.wait(10))
    before = time.monotonic()
    failing(server.url(), error=ProviderUnavailable, code="token_timeout", sender=Transport(total_seconds=QUICK))
    assert QUICK <= time.monotonic() - before < SOON


def test_the_deadline_holds_for_a_peer_that_reads_nothing(serve):
    """A request that isn't taken off our hands ends at the deadline as well."""
    server = serve(lambda _connection, server: server.stopped.wait(10))
    request = HttpRequest(method="POST", url=server.url(), document="token", body=b"x" * 20_000_000)
    before = time.monotonic()
    with pytest.raises(ProviderUnavailable) as caught:
        Transport(total_seconds=QUICK).send(request)
    assert caught.value.code == "token_timeout"
    assert time.monotonic() - before < SOON


def test_a_request_may_have_a_deadline_of_its_own(serve):
    """A request that says how long it may take is given up then, and the next one has the usual time again."""

    def handle(connection, server):
        server.read_request(connection)
        server.stopped.wait(QUICK * 2)
        connection.sendall(framed("length", b"late"))

    sender, url = Transport(total_seconds=5), serve(handle).url()
    started = time.monotonic()
    with pytest.raises(ProviderUnavailable) as caught:
        sender.send(replace(get(url), total_seconds=QUICK))
    assert caught.value.code == "token_timeout"
    assert time.monotonic() - started < QUICK * 2
    assert sender.send(get(url)).body == b"late"
