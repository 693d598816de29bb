from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from contextlib import suppress

import pytest
import trustme

from signon.core.client_auth import Client
from signon.core.errors import OperatorError, ProviderUnavailable
from signon.core.http import HttpRequest
from signon.core.provider import Provider
from signon.runtime import transport
from signon.runtime.transport import Transport, transport_for

QUICK = 0.3
SOON = 2.0
"""Seconds: far below what the tests' servers would take, far above what a busy machine does."""
CA = trustme.CA()


@pytest.fixture
def ca_file(tmp_path):
    CA.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


def server_context(*names, expires_at=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(*names, not_after=expires_at).configure_cert(context)
    return context


def get(url):
    return HttpRequest(method="GET", url=url, document="jwks")


def failing(url, sender, *, error=ProviderUnavailable, code):
    with pytest.raises(error) as caught:
        sender.send(get(url))
    assert type(caught.value) is error
    assert caught.value.code == code
    return caught.value


def proxy(target_port, *, delay=0.0):
    """A proxy that connects to one port, whatever host it is asked for, and passes bytes both ways."""

    def pump(source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def handle(connection, server):
        server.read_request(connection)
        server.stopped.wait(delay)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", target_port)) as target:
            thread = threading.Thread(target=pump, args=(target, connection), daemon=True)
            thread.start()
            pump(connection, target)
            thread.join(5)

    return handle


def test_a_ca_of_ones_own_is_trusted_and_connections_are_kept(serve, always, answer, ca_file):
    """With its CA file a provider of one's own CA is reached, over one connection."""
    server = serve(always(answer(b"{}")), context=server_context("localhost"))
    sender = Transport(ca_file=ca_file)
    assert [sender.send(get(server.url())).body for _ in range(4)] == [b"{}"] * 4
    assert server.connections == 1


def test_an_unknown_ca_is_refused(serve, always, answer):
    """Without the CA file the certificate is refused, nothing is sent, and the error says what to set."""
    server = serve(always(answer()), context=server_context("localhost"))
    error = failing(server.url(), Transport(), code="jwks_tls_failed")
    assert "unable to get local issuer certificate" in str(error)
    assert "set the CA file of the provider" in str(error)
    assert server.requests == []


def test_another_hosts_certificate_is_refused(serve, always, answer, ca_file):
    """The certificate must be for the host that was asked (RFC 9110 4.3.4)."""
    server = serve(always(answer()), context=server_context("other.example"))
    error = failing(server.url(), Transport(ca_file=ca_file), code="jwks_tls_failed")
    assert "Hostname mismatch" in str(error)
    assert server.requests == []


def test_an_expired_certificate_is_refused(serve, always, answer, ca_file):
    """A certificate past its end is refused."""
    ended = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    server = serve(always(answer()), context=server_context("localhost", expires_at=ended))
    error = failing(server.url(), Transport(ca_file=ca_file), code="jwks_tls_failed")
    assert "certificate has expired" in str(error)


def test_tls_1_1_is_refused():
    """No older TLS than 1.2 is spoken (RFC 8996)."""
    assert transport.tls_context(None).minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_server_without_tls(serve):
    """Plain http on an https address is a TLS failure, not a trust in plain http."""
    server = serve(lambda connection, _server: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    error = failing(f"https://localhost:{server.port}/", Transport(), code="jwks_tls_failed")
    assert "CA file" in str(error)


@pytest.mark.parametrize("content", [None, "no certificate at all"])
def test_an_unreadable_ca_file_is_the_operators(tmp_path, content):
    """A CA file that isn't there, or holds no certificate, is named; nothing is sent."""
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    error = failing(
        "https://localhost/", Transport(ca_file=str(path)), error=OperatorError, code="ca_file_unreadable"
    )
    assert str(path) in str(error)


def test_the_ca_file_is_loaded_once(serve, always, answer, ca_file, monkeypatch):
    """One TLS context serves every origin: loading certificates is the dearest part of a request."""
    loaded = []
    make = transport.tls_context
    monkeypatch.setattr(transport, "tls_context", lambda path: loaded.append(path) or make(path))
    sender = Transport(ca_file=ca_file)
    for _ in range(2):
        server = serve(always(answer()), context=server_context("localhost"))
        sender.send(get(server.url()))
        sender.send(get(server.url()))
    assert loaded == [ca_file]


def test_the_deadline_holds_against_drips_over_tls(serve, drip, ca_file):
    """A body dripped inside TLS ends at the deadline."""
    dripping = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x")
    server = serve(dripping, context=server_context("localhost"))
    before = time.monotonic()
    failing(server.url(), Transport(ca_file=ca_file, total_seconds=QUICK), code="jwks_timeout")
    assert time.monotonic() - before < SOON


def test_the_deadline_holds_for_a_peer_that_reads_slowly(serve, ca_file):
    """A request that is taken off our hands a record now and then ends at the deadline as well."""

    def handle(connection, server):
        while not server.stopped.wait(0.02):
            connection.recv(16384)

    server = serve(handle, context=server_context("localhost"))
    request = HttpRequest(method="POST", url=server.url(), document="token", body=b"x" * 20_000_000)
    before = time.monotonic()
    with pytest.raises(ProviderUnavailable) as caught:
        Transport(ca_file=ca_file, total_seconds=QUICK).send(request)
    assert caught.value.code == "token_timeout"
    assert time.monotonic() - before < SOON


def test_a_silent_handshake_ends_with_the_time_to_connect(serve, ca_file):
    """A server that never shakes hands costs the connect time at most."""
    server = serve(lambda _connection, server: server.stopped.wait(10))
    before = time.monotonic()
    failing(f"https://localhost:{server.port}/", Transport(connect_seconds=QUICK), code="jwks_timeout")
    assert time.monotonic() - before < SOON


def test_a_proxy_sees_only_where_to(serve, always, answer, ca_file):
    """A provider is reached through a tunnel: the proxy sees host, port and its own login, nothing else."""
    server = serve(always(answer(b"{}")), context=server_context("provider.example"))
    middle = serve(proxy(server.port))
    sender = Transport(ca_file=ca_file, proxy=f"http://us%40er:pass@127.0.0.1:{middle.port}")
    assert [sender.send(get("https://provider.example/secret")).body for _ in range(3)] == [b"{}"] * 3
    assert middle.connections == server.connections == 1
    assert middle.requests[0].startswith(b"CONNECT provider.example:443 HTTP/1.")
    assert b"\r\nproxy-authorization: basic dXNAZXI6cGFzcw==\r\n".lower() in middle.requests[0].lower()
    assert b"secret" not in middle.requests[0]
    assert b"proxy-authorization" not in server.requests[0].lower()


def test_a_proxy_vouches_for_nobody(serve, always, answer, ca_file):
    """Behind a proxy the provider's certificate is judged all the same."""
    server = serve(always(answer()), context=server_context("other.example"))
    middle = serve(proxy(server.port))
    sender = Transport(ca_file=ca_file, proxy=f"http://127.0.0.1:{middle.port}")
    failing("https://provider.example/", sender, code="jwks_tls_failed")
    assert server.requests == []


def test_a_proxy_gets_nothing_in_the_clear(serve, always, answer):
    """A provider on this machine is asked directly: the proxy would read the secrets."""
    server = serve(always(answer(b"{}")))
    middle = serve(proxy(server.port))
    assert Transport(proxy=f"http://127.0.0.1:{middle.port}").send(get(server.url())).body == b"{}"
    assert middle.connections == 0


def test_a_proxy_that_refuses_is_named(serve, once):
    """The operator reads that it was the proxy, and nothing of its text."""
    middle = serve(once(b"HTTP/1.1 407 planted\r\nX: planted\r\n\r\n"))
    sender = Transport(proxy=f"http://127.0.0.1:{middle.port}")
    error = failing("https://provider.example/", sender, code="jwks_unreachable")
    assert "the proxy on the way to the jwks endpoint (provider.example)" in str(error)
    assert "planted" not in str(error)


@pytest.mark.parametrize(
    ("head", "tail"), [(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), (b"", b"HTTP/1.1 200 " + b"x" * 1000)]
)
def test_the_deadline_holds_against_a_dripping_proxy(serve, drip, head, tail):
    """A proxy that drips its answer ends at the deadline too."""
    middle = serve(drip(head, tail))
    before = time.monotonic()
    sender = Transport(proxy=f"http://127.0.0.1:{middle.port}", total_seconds=QUICK)
    failing("https://provider.example/", sender, code="jwks_timeout")
    assert time.monotonic() - before < SOON


def test_a_handshake_behind_a_proxy_gets_what_is_left(serve):
    """A slow tunnel to a silent server ends at the deadline: the handshake gets what the tunnel left."""
    silent = serve(lambda _connection, server: server.stopped.wait(10))
    middle = serve(proxy(silent.port, delay=0.9))
    before = time.monotonic()
    sender = Transport(proxy=f"http://127.0.0.1:{middle.port}", total_seconds=1)
    failing("https://provider.example/", sender, code="jwks_timeout")
    assert time.monotonic() - before < 1.7


@pytest.mark.parametrize(
    "address", ["proxy.example:3128", "https://proxy.example", "socks5://proxy.example", "http://"]
)
def test_a_proxy_must_be_plain_http(address):
    """What isn't an http proxy is the operator's to mend."""
    error = failing(
        "https://provider.example/", Transport(proxy=address), error=OperatorError, code="proxy_invalid"
    )
    assert "http://proxy.example:3128" in str(error)


def provider(**options):
    settings = {
        "name": "x",
        "label": "X",
        "issuer": "https://x.example",
        "client": Client(client_id="c"),
        **options,
    }
    return Provider(**settings)


def test_providers_share_a_transport_by_ca_file_and_proxy():
    """One transport for the process where two providers need the same, another where they don't."""
    shared = transport_for(provider())
    assert transport_for(provider(label="Y")) is shared
    assert transport_for(provider(ca_file="/ca.pem")) is not shared
    assert transport_for(provider(proxy="http://proxy.example")) is not shared
    assert transport_for(provider(ca_file="/ca.pem")) is transport_for(provider(ca_file="/ca.pem"))
