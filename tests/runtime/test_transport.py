from __future__ import annotations

import gzip
import logging
import socket

import pytest

from signon.core.errors import MalformedAnswer, OperatorError, ProviderError, ProviderUnavailable
from signon.core.http import HttpRequest, form_request
from signon.runtime import deadline, transport
from signon.runtime.transport import Transport


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


def test_an_answer_that_ends_with_its_connection_is_whole(serve, once):
    """Without a length the end of the connection is the end of the body (RFC 9112 6.3)."""
    server = serve(once(b"HTTP/1.0 200 OK\r\n\r\nabc"))
    assert Transport().send(get(server.url())).body == b"abc"


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
