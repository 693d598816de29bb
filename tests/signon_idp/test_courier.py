"""Deliveries over loopback: a client that answers, one that refuses, and those that don't behave."""

import socket
import threading
from contextlib import closing, contextmanager
from urllib.parse import parse_qs

import pytest
import trustme
from werkzeug import Response

from signon_idp.courier import Courier, Letter, LogoutDelivery

TOKEN = "header.payload.signature-of-a-logout-token"


@pytest.fixture
def make():
    couriers = []

    def make(**options) -> Courier:
        couriers.append(Courier(**options))
        return couriers[-1]

    yield make
    for courier in couriers:
        courier.close()


def letter(uri: str, client_id: str = "demo") -> Letter:
    return Letter(client_id=client_id, uri=uri, logout_token=TOKEN)


def delivered(courier: Courier, *letters: Letter) -> list[tuple[int | None, str]]:
    for one in letters:
        courier.send(one)
    return [(done.status, done.error) for done in courier.wait(10)]


@contextmanager
def stubborn(*said: bytes):
    """A client that says this and no more, and never hangs up; gives its address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        kept = []

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                for part in said:
                    connection.sendall(part)

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/out"
        for connection in kept:
            connection.close()


def test_form_is_posted(make, httpserver):
    """The token goes in a form of one field, by POST, to the path and query as registered (2.5)."""
    seen = []

    def take(request) -> Response:
        seen.append((request.full_path, request.mimetype, parse_qs(request.get_data(as_text=True))))
        return Response(status=200)

    httpserver.expect_request("/out", method="POST").respond_with_handler(take)
    courier, uri = make(), httpserver.url_for("/out") + "?tenant=a"
    assert delivered(courier, letter(uri)) == [(200, "")]
    assert seen == [("/out?tenant=a", "application/x-www-form-urlencoded", {"logout_token": [TOKEN]})]
    assert courier.deliveries() == (LogoutDelivery(client_id="demo", uri=uri, status=200),)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response('{"error":"invalid_request","error_description":"no"}', status=400), "invalid_request"),
        (Response("no", status=400), ""),
        (Response('["error"]', status=400), ""),
        (Response('{"error":1}', status=501), ""),
        (Response("[" * 60_000, status=500), ""),
        (Response(status=204), ""),
    ],
)
def test_answer_is_kept_and_final(make, httpserver, answer, error):
    """Status and error code of any answer are kept, and the token isn't sent once more."""
    httpserver.expect_request("/out").respond_with_response(answer)
    assert delivered(make(), letter(httpserver.url_for("/out"))) == [(answer.status_code, error)]
    assert len(httpserver.log) == 1


def test_redirects_are_not_followed(make, httpserver):
    """A redirect is an answer: the token goes to the registered address alone."""
    httpserver.expect_request("/out").respond_with_response(
        Response(status=307, headers={"Location": httpserver.url_for("/elsewhere")})
    )
    assert delivered(make(), letter(httpserver.url_for("/out"))) == [(307, "")]
    assert [request.path for request, _ in httpserver.log] == ["/out"]


def test_nobody_listens(make):
    """A client that is down is unreachable, and so is one that talks nonsense or has a broken address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with stubborn(b"nonsense\r\n\r\n") as talker:
        for uri in (f"http://127.0.0.1:{port}/", talker, "http://localhost:99999/", "http://127.0.0.1:1/\u00e4"):
            assert delivered(make(), letter(uri)) == [(None, "unreachable")], uri


def test_silence_and_dripping_are_given_up(make):
    """A client that never answers, or never ends its answer, holds a worker for no longer than the timeout."""
    courier = make(timeout_seconds=0.3)
    with stubborn() as silent, stubborn(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"{") as dripping:
        assert delivered(courier, letter(silent), letter(dripping)) == [(None, "timeout")] * 2


def test_steady_drip_is_given_up(make):
    """Bytes that keep coming don't prolong the wait."""
    stop = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with closing(connection):
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/out"
        assert delivered(make(timeout_seconds=0.4), letter(uri)) == [(None, "timeout")]
        stop.set()


@pytest.mark.parametrize("trusted", [True, False])
def test_https(make, make_https_server, monkeypatch, trusted):
    """TLS is checked: against the authority that this computer trusts, and no answer comes from another."""
    uri, authority = make_https_server
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", authority)
    assert delivered(make(), letter(uri)) == [(200, "") if trusted else (None, "unreachable")]


@pytest.fixture
def make_https_server(tmp_path):
    import ssl

    from pytest_httpserver import HTTPServer

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with HTTPServer(host="localhost", ssl_context=context) as server:
        server.expect_request("/out").respond_with_data("")
        yield server.url_for("/out"), str(tmp_path / "ca.pem")


def test_full_queue(make):
    """When too many wait, the next one is dropped, and that is told."""
    courier = make(timeout_seconds=0.5, waiting=1)
    with stubborn() as silent:
        for _ in range(30):
            courier.send(letter(silent))
        errors = [done.error for done in courier.deliveries()]
        assert errors
        assert set(errors) == {"queue_full"}
        assert len(courier.wait(10)) == 30


def test_waiting_too_long_is_an_error(make):
    """Who waits for deliveries that don't end hears so."""
    courier = make(timeout_seconds=1.0)
    with stubborn() as silent:
        courier.send(letter(silent))
        with pytest.raises(TimeoutError, match="1 logout tokens"):
            courier.wait(0.05)


def test_closed_courier_throws_letters_away(make):
    """After the end nothing is sent, nothing waits, and the workers are gone."""
    courier = make(timeout_seconds=0.3)
    with stubborn() as silent:
        for _ in range(20):
            courier.send(letter(silent))
        courier.close()
        courier.close()
        assert len(courier.wait(10)) <= 4, "only those that were under way end"
        unused = make()
        unused.close()
        unused.send(letter(silent))
        assert (unused.wait(0), unused._threads) == ((), [])
        for thread in courier._threads:
            thread.join(5)
        assert not any(thread.is_alive() for thread in courier._threads)


def test_token_is_not_printed():
    """A letter's repr doesn't hold the token, and a delivery has none."""
    assert TOKEN not in repr(letter("http://localhost/out"))
    assert "logout_token" not in LogoutDelivery.__slots__
