from __future__ import annotations

import os
import ssl
import threading

import pytest
import trustme

from signon.core.errors import MalformedAnswer, OperatorError, ProviderUnavailable
from signon.core.http import HttpRequest
from signon.runtime import stream
from signon.runtime.stream import Upload, Upstream

BIG = b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + b"x" * 400_000


def asked(server, path="/v1/orders", *, method="GET", **headers):
    return HttpRequest(method=method, url=server.url(path), document="backend", headers=headers)


def upstream_of(server, **options):
    return Upstream(server.url(""), **{"idle_seconds": 5.0, **options})


def whole(answer):
    return b"".join(answer.body)


def failing(work, *, error, code):
    with pytest.raises(error) as caught:
        work()
    assert type(caught.value) is error
    assert caught.value.code == code
    assert caught.value.__context__ is None


def test_request_and_answer_pass(serve, always, answer):
    """What goes over the wire must be what was asked, with one Host, and back come status, fields and body."""
    server = serve(always(answer(b"hello", status="201 Created", fields="X-One: 1\r\nX-One: 2\r\n")))
    got = upstream_of(server).send(asked(server, "/v1/a?b=c", method="DELETE", Accept="*/*"))
    assert (got.status, got.length, whole(got)) == (201, 5, b"hello")
    assert [value for name, value in got.headers if name == "x-one"] == ["1", "2"]
    head = server.requests[0].decode().split("\r\n")
    assert head[0] == "DELETE /v1/a?b=c HTTP/1.1"
    assert sorted(head[1:-2]) == ["Accept: */*", f"Host: localhost:{server.port}"]


@pytest.mark.parametrize(("path", "line"), [("", b"GET / HTTP/1.1\r\n"), ("?a=b", b"GET /?a=b HTTP/1.1\r\n")])
def test_address_without_path_asks_for_the_root(serve, always, answer, path, line):
    """A backend's bare address must be its root."""
    server = serve(always(answer()))
    whole(upstream_of(server).send(asked(server, path)))
    assert server.requests[0].startswith(line)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_no_body_is_said(serve, always, answer, method):
    """A method that mostly has a body must say where it has none (RFC 9110 8.6)."""
    server = serve(always(answer()))
    whole(upstream_of(server).send(asked(server, method=method)))
    assert b"\r\nContent-Length: 0\r\n" in server.requests[0]


@pytest.mark.parametrize(
    ("length", "framing", "body"),
    [
        (6, b"Content-Length: 6", b"abcdef"),
        (None, b"Transfer-Encoding: chunked", b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
    ],
)
def test_body_is_sent_piece_by_piece(serve, answer, length, framing, body):
    """A body of known length goes as it is, another one in chunks; an empty piece must not end it."""
    got = bytearray()

    def handle(connection, server):
        while not got.endswith((b"def", b"0\r\n\r\n")) or (length is None and not got.endswith(b"0\r\n\r\n")):
            got.extend(connection.recv(65536))
        connection.sendall(answer())

    server = serve(handle)
    upload = Upload(pieces=iter([b"abc", b"", b"def"]), length=length)
    whole(upstream_of(server).send(asked(server, method="PUT"), upload))
    head, _, sent = bytes(got).partition(b"\r\n\r\n")
    assert framing in head
    assert sent == body


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\n",
    ],
)
def test_connections_are_kept_when_the_answer_was_read(serve, always, data):
    """One after another, requests use one connection, whatever the framing."""
    server = serve(always(data))
    upstream = upstream_of(server)
    assert [whole(upstream.send(asked(server))) for _ in range(4)] == [b"abc"] * 4
    assert server.connections == 1


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not")])
def test_answers_without_a_body_are_drained(serve, always, method, status):
    """What has no body must end at once and leave its connection for the next, whatever length it names."""
    server = serve(always(f"HTTP/1.1 {status}\r\nContent-Length: {7 if method == 'HEAD' else 0}\r\n\r\n".encode()))
    upstream = upstream_of(server)
    for _ in range(3):
        upstream.send(asked(server, method=method)).body.drain()
    assert server.connections == 1


def test_body_that_ends_with_the_connection(serve, once):
    """A body without a length must be read to the end of the connection, which nobody uses again."""
    server = serve(once(b"HTTP/1.1 200 OK\r\n\r\nall of it"))
    upstream = upstream_of(server)
    for _ in range(2):
        got = upstream.send(asked(server))
        assert (got.length, whole(got)) == (None, b"all of it")
    assert server.connections == 2


def test_answer_left_unread_costs_its_connection(serve, always):
    """A body that was closed before its end must leave nothing behind for the next request; twice is fine."""
    server = serve(always(BIG))
    upstream = upstream_of(server)
    got = upstream.send(asked(server))
    assert next(got.body)
    got.body.close()
    got.body.close()
    assert list(got.body) == []
    assert len(whole(upstream.send(asked(server)))) == 400_000
    assert server.connections == 2


def test_pieces_are_small(serve, always):
    """No piece may be larger than what one read takes, so that memory stays the same."""
    server = serve(always(BIG))
    sizes = [len(piece) for piece in upstream_of(server).send(asked(server)).body]
    assert sum(sizes) == 400_000
    assert max(sizes) <= stream.PIECE_BYTES


def test_pieces_come_as_they_arrive(serve):
    """An event must be there when it is sent, and not when the next ones fill a buffer."""
    more = threading.Event()

    def handle(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert more.wait(5)
        connection.sendall(b"6\r\nsecond\r\n0\r\n\r\n")

    server = serve(handle)
    got = upstream_of(server).send(asked(server))
    assert next(got.body) == b"first"
    more.set()
    assert list(got.body) == [b"second"]


@pytest.mark.parametrize(
    ("data", "error", "code"),
    [
        (b"Content-Length: 10\r\n\r\nshort", ProviderUnavailable, "backend_unreachable"),
        (b"Transfer-Encoding: chunked\r\n\r\n9\r\nshort", ProviderUnavailable, "backend_unreachable"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", MalformedAnswer, "backend_not_http"),
    ],
)
def test_half_an_answer_is_no_whole_one(serve, once, data, error, code):
    """A body that breaks off must end in an error, and never look complete."""
    server = serve(once(b"HTTP/1.1 200 OK\r\n" + data))
    got = upstream_of(server).send(asked(server))
    assert next(got.body) == b"short"
    failing(lambda: list(got.body), error=error, code=code)
    assert list(got.body) == []


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_answer_that_can_be_read_in_two_ways_is_refused(serve, once, data):
    """Two lengths, a framing that wasn't asked for, a line that is none: nobody knows what others make of it."""
    server = serve(once(data))
    failing(lambda: upstream_of(server).send(asked(server)), error=MalformedAnswer, code="backend_not_http")


def test_backend_that_is_not_there():
    """Who answers no call can't be reached."""
    request = HttpRequest(method="GET", url="http://localhost:1/", document="backend")
    upstream = Upstream("http://localhost:1", idle_seconds=5.0)
    failing(lambda: upstream.send(request), error=ProviderUnavailable, code="backend_unreachable")


def test_silence_ends_with_the_idle_time(serve):
    """A backend that says nothing, before its answer or in it, is waited for as long as a wait may be."""

    def handle(connection, server):
        if b"/slow" in server.read_request(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        server.stopped.wait(5)

    server = serve(handle)
    upstream = upstream_of(server, idle_seconds=0.1)
    failing(lambda: upstream.send(asked(server)), error=ProviderUnavailable, code="backend_timeout")
    got = upstream.send(asked(server, "/slow"))
    assert next(got.body) == b"a"
    failing(lambda: list(got.body), error=ProviderUnavailable, code="backend_timeout")


def test_there_is_no_total(serve, drip):
    """What keeps coming may take longer than any one wait: here five times as long."""
    server = serve(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", b"x"))
    assert whole(upstream_of(server, idle_seconds=0.2).send(asked(server))) == b"x" * 50


def test_backend_that_does_not_read(serve):
    """A body that nobody takes must not hold a worker for longer than a wait may be."""
    server = serve(lambda _connection, server: server.stopped.wait(5))
    upload = Upload(pieces=(b"x" * 65536 for _ in range(1000)), length=65_536_000)
    failing(
        lambda: upstream_of(server, idle_seconds=0.2).send(asked(server, method="POST"), upload),
        error=ProviderUnavailable,
        code="backend_timeout",
    )


def test_refusal_in_mid_upload_is_heard(serve, answer):
    """A backend that refuses before it has read everything must be heard, and its connection is not used again."""
    refused = threading.Event()

    def handle(connection, server):
        connection.recv(1000)
        connection.sendall(answer(b"too large", status="413 Content Too Large"))
        connection.shutdown(1)
        refused.set()
        while connection.recv(1 << 20):
            pass

    def pieces():
        yield b"x" * 1000
        assert refused.wait(5)
        yield from (b"x" * 65536 for _ in range(20))

    server = serve(handle)
    upstream = upstream_of(server)
    length = 1000 + 20 * 65536
    got = upstream.send(asked(server, method="POST"), Upload(pieces=pieces(), length=length))
    assert (got.status, whole(got)) == (413, b"too large")


def test_connection_that_broke_under_an_upload(serve, answer, monkeypatch):
    """Where the rest of a body can't be sent any more the answer is read all the same, once."""
    server = serve(lambda connection, _server: (connection.recv(65536), connection.sendall(answer(b"no"))))
    sent = []

    def break_off(self, piece):
        sent.append(piece)
        self.is_clean = False
        return False

    monkeypatch.setattr(stream._Connection, "_send_piece", break_off)
    upstream = upstream_of(server)
    got = upstream.send(asked(server, method="POST"), Upload(pieces=iter([b"a", b"b"]), length=2))
    assert whole(got) == b"no"
    assert sent == [b"a"]
    assert upstream._kept[os.getpid()] == []


def test_reset_connection_is_told_from_a_good_one(serve):
    """A piece that meets a connection that is gone must say so, and mark it."""
    connection = stream._Connection("localhost", 1, idle=stream._Idle(1.0), context=None)

    class Gone:
        def settimeout(self, _seconds):
            pass

        def sendall(self, _piece):
            raise BrokenPipeError

    connection.sock = Gone()
    assert connection._send_piece(b"x") is False
    assert connection.is_clean is False


def test_sender_that_breaks_off(serve):
    """An upload that fails half way must fail the request, and nothing may follow half a request."""
    ended = threading.Event()

    def handle(connection, _server):
        while connection.recv(65536):
            pass
        ended.set()

    server = serve(handle)
    upstream = upstream_of(server)

    def pieces():
        yield b"half"
        raise KeyError("gone")

    with pytest.raises(KeyError):
        upstream.send(asked(server, method="POST"), Upload(pieces=pieces(), length=8))
    assert ended.wait(5)
    assert upstream._kept.get(os.getpid()) == []


def test_connection_closed_while_idle_fails_nobody(serve, once, answer):
    """What the backend closed in the meantime is noticed, and the next request gets a new connection."""
    server = serve(once(answer(b"fine")))
    upstream = upstream_of(server)
    for expected in (1, 2, 3):
        assert whole(upstream.send(asked(server))) == b"fine"
        server._threads[-1].join(5)
        assert server.connections == expected


def test_connection_idle_for_long_is_not_used_again(serve, always, answer, monkeypatch):
    """Somebody on the way may have forgotten it without a word: within 50 s it is used, after that it isn't."""
    now = [1000.0]
    monkeypatch.setattr(stream, "monotonic", lambda: now[0])
    server = serve(always(answer()))
    upstream = upstream_of(server)
    for seconds, connections in ((0, 1), (49.9, 1), (50, 2)):
        now[0] += seconds
        whole(upstream.send(asked(server)))
        assert server.connections == connections


def test_no_more_connections_are_kept_than_threads(serve, always, answer, monkeypatch):
    """After a rush the rest of the connections are closed."""
    monkeypatch.setattr(stream, "_KEPT_CONNECTIONS", 2)
    server = serve(always(answer()))
    upstream = upstream_of(server)
    for got in [upstream.send(asked(server)) for _ in range(4)]:
        whole(got)
    assert len(upstream._kept[os.getpid()]) == 2


def test_forked_process_connects_anew(serve, always, answer, monkeypatch):
    """A connection isn't used by two processes: their answers would mix."""
    server = serve(always(answer()))
    upstream = upstream_of(server)
    whole(upstream.send(asked(server)))
    monkeypatch.setattr(os, "getpid", lambda: -1)
    whole(upstream.send(asked(server)))
    assert server.connections == 2


def test_tls_with_a_ca_of_ones_own(serve, always, answer, tmp_path):
    """With the CA's file the backend's certificate is trusted, and connections are kept; without it is not."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    server = serve(always(answer(b"fine")), context=context)
    upstream = upstream_of(server, ca_file=str(tmp_path / "ca.pem"))
    assert [whole(upstream.send(asked(server))) for _ in range(3)] == [b"fine"] * 3
    assert f"Host: localhost:{server.port}\r\n".encode() in server.requests[0]
    assert server.connections <= 2  # a session ticket that comes late looks like a backend that says good-bye
    stream._close_all(upstream._kept)
    failing(lambda: upstream_of(server).send(asked(server)), error=ProviderUnavailable, code="backend_tls_failed")
    missing = upstream_of(server, ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(OperatorError) as caught:
        missing.send(asked(server))
    assert caught.value.code == "ca_file_unreadable"
