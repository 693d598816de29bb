import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from click.testing import CliRunner

from signon_demo import cli

VENDORS = ("THAID_", "AUTHMACHINE_", "AUTH0_", "PINGONE_", "SGID_", "OIDC_")
COMMAND = (sys.executable, "-c", "from signon.cli import main; main()", "demo")


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch):
    """Whatever vendor the developer has credentials of, these tests go to none."""
    for name in [name for name in os.environ if name.startswith(VENDORS)]:
        monkeypatch.delenv(name)


@pytest.fixture
def started():
    """Start the command with its output in pipes; whatever still runs afterwards is ended."""
    running = []

    def begin(*arguments):
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 - it only sets a signal, and takes no lock
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def _as_in_a_terminal():
    """Heed Ctrl-C, also where these tests run in the background of a shell, which hands on that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _address(process):
    """The one address of the first line, which must come while the command still runs."""
    line, stop = process.stdout.readline(), process.stdout.readline()
    assert stop == "Ctrl-C stops it.\n"
    (address,) = re.findall(r"http://\S+", line)
    assert re.fullmatch(r"Open http://localhost:\d+/ in a browser to sign in\.\n", line)
    return address


def test_it_says_where_to_go_serves_and_stops(started):
    """The address comes at once through a pipe, is served, and Ctrl-C ends both with status 0 and no complaint."""
    process = started("--port", "0", "--idp-port", "0")
    address = _address(process)
    with urllib.request.urlopen(address, timeout=10) as response:
        assert "Sign in to this demo" in response.read().decode()
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=15)
    assert (process.returncode, output, complaints) == (0, "Stopped.\n", "")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2].strip("/"))), timeout=5)


def test_taken_ports_are_told(started):
    """A taken port is named with the one in its place, beside the output that holds the address."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        port, idp_port = one.getsockname()[1], two.getsockname()[1]
        process = started("--port", str(port), "--idp-port", str(idp_port))
        address = _address(process)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=15)
    got = int(address.rpartition(":")[2].strip("/"))
    assert f"Port {port} is taken: the application is on {got}." in complaints
    assert re.search(rf"Port {idp_port} is taken: the practice provider oidc is on \d+\.", complaints)


def test_it_is_there_at_once():
    """All six providers and the application are served within ten seconds of the command, on a busy machine."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--idp-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stdout.readline().startswith("Open http://localhost:")
        assert time.monotonic() - begun < 10
    finally:
        process.kill()
        process.communicate()


class _Interrupted:
    def wait(self):
        raise KeyboardInterrupt


def test_ctrl_c_is_no_failure(monkeypatch):
    """An interrupt ends the command with status 0."""
    monkeypatch.setattr(cli, "Event", _Interrupted)
    result = CliRunner().invoke(cli.demo, ["--port", "0", "--idp-port", "0"])
    assert result.exit_code == 0
    assert result.stdout.endswith("Ctrl-C stops it.\nStopped.\n")


def test_the_real_vendor_is_told(monkeypatch):
    """Credentials in the environment are told before the address, whole ones and incomplete ones."""
    monkeypatch.setattr(cli, "Event", _Interrupted)
    environment = {"PINGONE_ENVIRONMENT_ID": "1-2", "PINGONE_CLIENT_ID": "app", "THAID_CLIENT_ID": "app"}
    result = CliRunner().invoke(cli.demo, ["--port", "0", "--idp-port", "0"], env=environment)
    thaid, pingone = result.stderr.splitlines()
    assert thaid.startswith("ThaID stays a practice provider: ")
    assert "THAID_CLIENT_SECRET" in thaid
    assert re.fullmatch(
        r"PingOne is the real one: it must know http://localhost:\d+/auth/callback/pingone\.", pingone
    )


def test_https_is_told(monkeypatch):
    """With --https the address is an https one, and the browser's question is announced."""
    monkeypatch.setattr(cli, "Event", _Interrupted)
    result = CliRunner().invoke(cli.demo, ["--port", "0", "--idp-port", "0", "--https"])
    assert re.match(r"Open https://localhost:\d+/ in a browser to sign in\.\n", result.stdout)
    assert result.stderr == "The browser will ask once whether to trust the certificate.\n"


def test_no_port_at_all_is_said_in_one_line(monkeypatch):
    """Where no port can be had the command fails with one sentence and status 1."""

    def refuse(*_arguments, **_keywords):
        raise OSError("no port from 5000 on can be had: in use")

    monkeypatch.setattr("signon_demo.serve.serving", refuse)
    result = CliRunner().invoke(cli.demo, [])
    assert (result.exit_code, result.stderr) == (1, "Error: no port from 5000 on can be had: in use\n")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_is_a_port(port):
    """A port outside 0 to 65535 is refused as a wrong use, status 2."""
    assert CliRunner().invoke(cli.demo, ["--port", port]).exit_code == 2
