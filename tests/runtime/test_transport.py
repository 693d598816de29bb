from __future__ import annotations

import gzip
import logging
import os
import socket
import threading
import time

import pytest

from signon.core.errors import MalformedAnswer, OperatorError, ProviderError, ProviderUnavailable
from signon.core.http import HttpRequest, form_request
from signon.runtime import deadline, transport
from signon.runtime.transport import Transport

QUICK = 0.3


def get(url, **fields):
    return HttpRequest(method="GET", url=url, document="jwks", **fields)


def post(url):
    return form_request(url, {"code": "planted"}, document="token", headers={"Authorization": "Basic planted"})


def failing(url, *, error, code, sender=None):
    """The error of a request that must fail, exactly this one, with nothing planted in it or behind it."""
    with pytest.raises(error) as caught:
        (sender or Transport()).send(post(url))
    assert type(caught.value) is error
    assert caught.value.code == code
    assert "planted" not in str(caught.value)
    assert caught.value.__context__ is None
    return caught.value


def test_the_answer_comes_back_whole(serve, always, answer):
    """Status, fields under lower-case names (repeated ones joined, RFC 9110 5.3) and body are the server's."""
    server = serve(always(answer(b'{"a":1}', status="400 Bad Request", fields="X-One: a\r\nX-ONE: b\r\n")))
    response = Transport().send(get(server.url()))
    assert response.status == 400
    assert response.body == b'{"a":1}'
    assert response.headers["x-one"] == "a, b"
    assert response.headers["content-type"] == "application/json"


def test_the_request_goes_out_whole_in_one_piece(serve, answer):
    """Method, path with query, our own fields and the body are sent at once, asking for a plain answer."""
    seen = []

    def handle(connection, _server):
        seen.append(connection.recv(65536))
        connection.sendall(answer())

    server = serve(handle)
    Transport().send(post(server.url("/token?x=%20y")))
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /token?x=%20y HTTP/1.1"
    assert f"Host: localhost:{server.port}" in lines
    assert f"User-Agent: signon/{transport.__version__}" in lines
    assert "Accept-Encoding: identity" in lines
    assert "Authorization: Basic planted" in lines
    assert "Content-Length: 12" in lines
    assert body == b"code=planted"


def test_an_address_without_a_path_is_the_root(serve, always, answer):
    """`https://host` is asked for `/` (RFC 9112 3.2.1)."""
    server = serve(always(answer()))
    Transport().send(get(server.url("")))
    Transport().send(get(server.url("?a=b")))
    assert [request.split(b" ")[1] for request in server.requests] == [b"/", b"/?a=b"]


def test_a_profile_may_name_itself_but_not_ask_for_packed_answers(serve, always, answer):
    """A provider's fields override the User-Agent, never the encoding."""
    server = serve(always(answer()))
    Transport().send(get(server.url(), headers={"User-Agent": "shop/1", "Accept-Encoding": "gzip"}))
    assert b"User-Agent: shop/1\r\n" in server.requests[0]
    assert b"Accept-Encoding: identity\r\n" in server.requests[0]
    assert b"gzip" not in server.requests[0]


@pytest.mark.parametrize(
    "url", ["http://provider.example/token", "ftp://localhost/", "https://user@provider.example/", "https://a b/"]
)
def test_an_address_is_judged_again_before_anything_is_sent(url):
    """Plain http elsewhere, other schemes, user information and white space aren't even looked up."""
    error = failing(url, error=OperatorError, code="token_address_refused")
    assert "the address of the token endpoint" in str(error)


def test_a_redirect_is_an_answer(httpserver):
    """Redirects are handed back and not followed (a token request would take its secrets along)."""
    httpserver.expect_request("/token").respond_with_data("", status=307, headers={"Location": "/elsewhere"})
    assert Transport().send(post(httpserver.url_for("/token"))).status == 307
    assert [request.path for request, _ in httpserver.log] == ["/token"]


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
    assert [sender.send(get(server.url())).body for _ in range(3)] == [body] * 3
    assert server.connections == 1


def test_an_answer_that_ends_with_its_connection_is_whole(serve, once):
    """Without a length the end of the connection is the end of the body (RFC 9112 6.3)."""
    server = serve(once(b"HTTP/1.0 200 OK\r\n\r\nabc"))
    assert Transport().send(get(server.url())).body == b"abc"


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


def test_nobody_there(serve, always):
    """A refused connection is an unreachable provider."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = failing(f"http://127.0.0.1:{port}/", error=ProviderUnavailable, code="token_unreachable")
    assert "Connection refused" in str(error)


def test_an_unknown_host(monkeypatch):
    """A name that doesn't resolve is an unreachable provider."""

    def unknown(*_args, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(deadline.socket, "getaddrinfo", unknown)
    error = failing("https://provider.example/token", error=ProviderUnavailable, code="token_unreachable")
    assert "Name or service not known" in str(error)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nplanted",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nplanted",
    ],
)
def test_an_answer_that_breaks_off(serve, once, data):
    """Closed without an answer, or before its end: unreachable, and nothing of it is believed."""
    failing(serve(once(data)).url(), error=ProviderUnavailable, code="token_unreachable")


def test_a_reset_connection(serve):
    """A connection reset after the request is an unreachable provider."""

    def handle(connection, server):
        server.read_request(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    error = failing(serve(handle).url(), error=ProviderUnavailable, code="token_unreachable")
    assert "reset by peer" in str(error)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-planted\r\n",
        b"HTTP/2.0 200 OK\r\nX: planted\r\n\r\n",
        b"HTTP/1.1 planted OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"planted" * 10_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: planted\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: planted\r\nplanted without a colon\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: a\r\rX: planted\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nplanted",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nplanted\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nplanted\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nplanted",
    ],
)
def test_what_is_not_http_is_refused_and_quoted_nowhere(serve, once, caplog, data):
    """Broken status lines, fields, lengths and chunks, and answers that would be taken for the next one's."""
    caplog.set_level(logging.DEBUG)
    failing(serve(once(data)).url(), error=MalformedAnswer, code="token_not_http")
    assert "planted" not in caplog.text


@pytest.mark.parametrize(
    "field", ["Content-Encoding: gzip", "Content-Encoding: gzip, identity", "Transfer-Encoding: gzip, chunked"]
)
def test_packed_answers_are_refused(serve, once, field):
    """Plain was asked for; nothing is unpacked."""
    body = gzip.compress(b"{}" * 1000)
    data = f"HTTP/1.1 200 OK\r\n{field}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    failing(serve(once(data)).url(), error=ProviderError, code="token_encoding")


def test_an_answer_may_call_itself_plain(serve, always, answer):
    """`Content-Encoding: identity` says what was asked for."""
    server = serve(always(answer(b"{}", fields="Content-Encoding: Identity\r\n")))
    assert Transport().send(get(server.url())).body == b"{}"


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
    assert QUICK <= time.monotonic() - before < QUICK + 0.3


def test_the_deadline_holds_for_a_peer_that_reads_nothing(serve):
    """A request that isn't taken off our hands ends at the deadline as well."""
    server = serve(lambda _connection, server: server.stopped.wait(10))
    request = HttpRequest(method="POST", url=server.url(), document="token", body=b"x" * 20_000_000)
    before = time.monotonic()
    with pytest.raises(ProviderUnavailable) as caught:
        Transport(total_seconds=QUICK).send(request)
    assert caught.value.code == "token_timeout"
    assert time.monotonic() - before < QUICK + 0.3


def test_a_refused_answer_costs_the_connection_and_no_more(serve, answer):
    """After an answer that was left unread the next request starts on a clean connection."""
    answers = [answer(b"x" * 2000), answer(b"fine")]

    def handle(connection, server):
        while server.read_request(connection):
            connection.sendall(answers.pop(0))

    server = serve(handle)
    sender = Transport(max_bytes=1000)
    failing(server.url(), error=ProviderError, code="token_too_large", sender=sender)
    assert sender.send(get(server.url())).body == b"fine"
    assert server.connections == 2


def test_a_field_that_none_can_have_is_the_operators(serve, always, answer):
    """A header field with a line break is never sent, and not quoted."""
    server = serve(always(answer()))
    with pytest.raises(OperatorError) as caught:
        Transport().send(get(server.url(), headers={"X-Key": "planted\r\nX-More: y"}))
    assert caught.value.code == "jwks_request_invalid"
    assert "planted" not in str(caught.value)
    assert caught.value.__context__ is None
    assert server.requests == []


def test_nothing_of_an_exchange_is_logged(serve, always, answer, caplog):
    """Neither what is sent nor what is answered is in any record, not even for those who debug."""
    caplog.set_level(logging.DEBUG)
    server = serve(always(answer(b'{"access_token":"planted"}', fields="Set-Cookie: planted\r\n")))
    Transport().send(post(server.url()))
    assert any(record.name.startswith("urllib3") for record in caplog.records)
    assert "planted" not in caplog.text


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
