import http.client
import socket

import pytest

from signon_demo.practice import PRACTICES, Practice
from signon_demo.serve import on_free_port, serving

STAFF = Practice(name="staff", vendor="oidc", dialect="oidc")


@pytest.fixture
def taken():
    """A port that somebody listens on, with one after it that may be had."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_each_provider_has_a_port_of_its_own():
    """Application and providers have ports of their own, keep connections, and end with the block."""
    with serving((*PRACTICES, STAFF), port=0, idp_port=0) as running:
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
    with serving(PRACTICES, port=taken, idp_port=taken) as running:
        assert running.port > taken
        assert running.idps["oidc"].port > running.port


def test_the_second_provider_looks_behind_the_first():
    """With a wish for the first provider's port the second stands behind it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        wish = server.getsockname()[1]
    with serving((*PRACTICES, STAFF), port=0, idp_port=wish) as running:
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


def test_a_failed_start_leaves_nothing_running(monkeypatch):
    """When a provider can't be started, the application's port is free again."""
    bound = []

    def refuse(practice, *, port, application):
        bound.append(int(application.rpartition(":")[2]))
        raise ValueError("no such dialect")

    monkeypatch.setattr("signon_demo.serve.start_practice", refuse)
    with pytest.raises(ValueError, match="no such dialect"), serving(PRACTICES, port=0, idp_port=0):
        pytest.fail("it started")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", bound[0]), timeout=5)
