"""Servers on this machine: an application in a thread, or a program with its environment alone."""

import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from cheroot.wsgi import Server

_START_SECONDS = 20.0


def free_port() -> int:
    """A port of this machine that nobody listens on.

    Not one that the system would give out: beside us other tests ask for those, and one of them could have it
    before the program that it is meant for.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def serving(application: object, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve a WSGI application from a thread; gives the port. Neither requests nor answers are logged."""
    server = Server((host, port), application, numthreads=8, shutdown_timeout=1)
    server.expiration_interval = 0.02  # how often it looks whether to stop
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join(5)


@contextmanager
def running(
    command: Sequence[str], *, ready: str, output: Path, settings: dict[str, str], folder: Path | None = None
) -> Iterator[None]:
    """Run a program until it answers at the address `ready`, and stop it afterwards. Its output goes to a file.

    Its environment is this one's without any setting of Signon, and `settings`.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNON_", "OIDC_"))}
    with output.open("wb") as log:
        program = subprocess.Popen(
            command, env={**inherited, **settings}, stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        _wait(program, ready, output)
        yield
    finally:
        program.terminate()  # SIGINT may be ignored where these tests run in the background of a shell
        try:
            program.wait(10)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def _wait(program: subprocess.Popen, ready: str, output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert program.poll() is None, f"it ended by itself:\n{output.read_text()}"
        try:
            requests.get(ready, timeout=1, allow_redirects=False)
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"no answer at {ready}:\n{output.read_text()}")
