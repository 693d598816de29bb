import contextlib
import http.client
import socket

import pytest
from tests.journeys.visitor import Visitor

from signon_demo.practice import PRACTICES, Practice
from signon_demo.serve import on_free_port, serving

STAFF = Practice(name="staff", vendor="oidc", dialect="oidc")
STANDARD = PRACTICES[-1]


@pytest.fixture
def taken():
    """A port that somebody listens on, with one after it that may be had."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_each_provider_has_a_port_of_its_own():
    """Application and providers have ports of their own, keep connections, and end with the block."""
    with serving((STANDARD, STAFF), environment={}, port=0, idp_port=0) as running:
        ports = {running.port, *(idp.port for idp in running.idps.values())}
        assert len(ports) == 3
        assert running.address == f"http://localhost:{running.port}"
        connection = http.client.HTTPConnection("localhost", running.port, timeout=10)
        for _ in range(2):
            connection.request("GET", "/")
            response = connection.getresponse()
            assert (response.status, b"Sign in with Staff" in response.read()) == (200, True)
            kept = connection.sock
        assert kept is not None
        connection.close()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_taken_ports_give_way_to_the_next(taken):
    """A port that is taken is skipped, and the provider's too when the application has just taken it."""
    with serving((STANDARD,), environment={}, port=taken, idp_port=taken) as running:
        assert running.port > taken
        assert running.idps["oidc"].port > running.port


def test_the_second_provider_looks_behind_the_first():
    """With a wish for the first provider's port the second stands behind it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        wish = server.getsockname()[1]
    with serving((STANDARD, STAFF), environment={}, port=0, idp_port=wish) as running:
        assert running.idps["staff"].port > running.idps["oidc"].port >= wish


def test_a_port_that_is_refused_is_passed_over():
    """Where starting fails, the next port is tried; the last reason is told when none is left."""

    def only_the_third(port):
        if port < 65530:
            raise OSError("denied")
        return port

    assert on_free_port(only_the_third, port=65528) == 65530
    with pytest.raises(OSError, match="no port from 60000 on can be had: denied"):
        on_free_port(only_the_third, port=60000)


def test_a_port_that_is_bound_and_silent_is_not_tried():
    """A port that somebody holds without answering is passed over before anything is started on it."""
    tried = []
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        on_free_port(tried.append, port=port)
    assert tried[0] > port


def test_a_failed_start_leaves_nothing_running(monkeypatch):
    """When a provider can't be started, the application's port is free again."""
    bound = []

    def refuse(practice, *, port, application):
        bound.append(int(application.rpartition(":")[2]))
        raise ValueError("no such dialect")

    monkeypatch.setattr("signon_demo.serve.start_practice", refuse)
    with (
        pytest.raises(ValueError, match="no such dialect"),
        serving((STANDARD,), environment={}, port=0, idp_port=0),
    ):
        pytest.fail("it started")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", bound[0]), timeout=5)


def test_a_real_vendor_needs_no_practice_provider():
    """With whole credentials a vendor has no practice provider, and both the start and the pages say so."""
    environment = {"AUTH0_DOMAIN": "tenant.example", "AUTH0_CLIENT_ID": "app", "AUTH0_CLIENT_SECRET": "s" * 32}
    auth0 = next(practice for practice in PRACTICES if practice.name == "auth0")
    with serving((auth0, STANDARD), port=0, idp_port=0, environment=environment) as running:
        assert list(running.idps) == ["oidc"]
        told = f"Auth0 is the real one: it must know {running.address}/auth/callback/auth0."
        assert running.notes == (told,)
        text = Visitor().get(f"{running.address}/").text
    assert text.index("Sign in with Auth0") < text.index("Sign in with OpenID")
    assert "Whoever comes by Auth0 is real" in text


def test_https():
    """Over TLS somebody signs in, sees their profile, and every cookie of ours is Secure and tied to the host."""
    with serving((STANDARD,), port=0, idp_port=0, https=True, environment={}) as running:
        assert running.address == f"https://localhost:{running.port}"
        visitor = Visitor()
        visitor.session.verify = str(running.certificate)
        page = visitor.get(f"{running.address}/auth/login/oidc?next=/profile")
        assert page.url.startswith(f"{running.idps['oidc'].issuer}/")
        begun = [cookie for cookie in visitor.session.cookies if cookie.domain.startswith("localhost")]
        page = visitor.submit(page, persona="mei")
        assert (page.url, page.status_code) == (f"{running.address}/profile", 200)
        assert "Mei Lin Tan" in page.text
        ended = [cookie for cookie in visitor.session.cookies if cookie.domain.startswith("localhost")]
    assert [cookie.name for cookie in ended] == ["__Host-signon"]
    assert len(begun) == 1
    assert all(cookie.name.startswith("__Host-") and cookie.secure for cookie in (*begun, *ended))
    assert not running.certificate.parent.exists()


def test_https_says_nothing_of_broken_handshakes(capfd):
    """A browser that does not trust the certificate yet leaves nothing in the terminal."""
    with serving((STANDARD,), port=0, idp_port=0, https=True, environment={}) as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                plain.recv(100)
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as broken:
            broken.sendall(b"\x16\x03\x01\x00\x05nohow")
            with contextlib.suppress(ConnectionResetError):
                broken.recv(100)
    assert capfd.readouterr() == ("", "")
