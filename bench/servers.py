"""The processes under measurement: started on sockets of 127.0.0.1, their CPU read, ended by their own ids."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import certifi
import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BENCH = Path(__file__).resolve().parent
STOP_SECONDS = 5
CPUS = sorted(os.sched_getaffinity(0))
# Python runs on one processor at a time; a worker that wanders between two costs twice as much and varies more.
APPLICATION_CPUS, OTHER_CPUS = set(CPUS[:1]), set(CPUS[1:] or CPUS)
KEEP_ALIVE_SECONDS = 600  # browsers keep their connections while the other applications have their turn
SETTINGS = ("SIGNON_", "OIDC_", "FLASK_", "GUNICORN_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PYTHONPATH")


class Server(NamedTuple):
    """A running server: where it answers and its process, the parent of its workers."""

    origin: str
    pid: int


class Certificates(NamedTuple):
    """Files of a TLS set-up: the provider's chain and key, our CA alone, and our CA among the public ones."""

    server: str
    authority: str
    bundle: str


def certificates(directory: Path) -> Certificates:
    """A CA for this run; the bundle is as large as the one an application loads in production."""
    authority = trustme.CA()
    server, ours, bundle = (directory / name for name in ("server.pem", "ca.pem", "bundle.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(server))
    authority.cert_pem.write_to_path(str(ours))
    bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    return Certificates(str(server), str(ours), str(bundle))


def client_context(files: Certificates) -> ssl.SSLContext:
    """What the browsers trust: our CA only, which is quick to load."""
    return ssl.create_default_context(cafile=files.authority)


def environment(directory: Path) -> dict[str, str]:
    """The caller's environment without settings and proxies of its own, with this run's client."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(SETTINGS) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "PYTHONPATH": str(BENCH / "apps"),
        "OIDC_CLIENT_ID": "bench",
        "OIDC_CLIENT_SECRET": secrets.token_hex(16),
        "SIGNON_PROVIDERS": "oidc",
        "SIGNON_KEYS": secrets.token_hex(32),
        "TMPDIR": str(directory),
    }


def trusting(files: Certificates | None) -> dict[str, str]:
    """Environment for applications whose provider speaks https: each reads the name that it knows."""
    return {} if files is None else {"OIDC_CA_FILE": files.bundle, "REQUESTS_CA_BUNDLE": files.bundle}


def application_settings(issuer: str, origin: str, sessions: Path) -> dict[str, str]:
    return {
        "OIDC_ISSUER": issuer,
        "SIGNON_BASE_URL": origin,
        "SIGNON_AFTER_LOGIN": "/me",
        "SIGNON_SESSIONS": f"sqlite:///{sessions}",
    }


@contextlib.contextmanager
def provider(env: Mapping[str, str], files: Certificates | None) -> Iterator[Server]:
    with listening() as listener:
        command = [sys.executable, str(BENCH / "provider.py"), str(listener.fileno())]
        if files is not None:
            command.append(files.server)
        origin = origin_of(listener, "http" if files is None else "https")
        with running(command, env, listener) as process:
            yield Server(origin, process.pid)


@contextlib.contextmanager
def application(module: str, env: Mapping[str, str], issuer: str) -> Iterator[Server]:
    """The application `apps/<module>.py` under gunicorn, one worker with eight threads."""
    with listening() as listener:
        origin = origin_of(listener, "http")
        sessions = Path(env["TMPDIR"]) / f"{module}-{listener.getsockname()[1]}.db"
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"]
        command += ["--worker-class", "gthread", "--workers", "1", "--threads", "8", "--no-control-socket"]
        command += ["--keep-alive", str(KEEP_ALIVE_SECONDS), "--graceful-timeout", "1"]
        command += ["--log-level", "warning", f"{module}:app"]
        settings = application_settings(issuer, origin, sessions)
        with running(command, {**env, **settings}, listener) as process:
            os.sched_setaffinity(process.pid, APPLICATION_CPUS)  # its workers, forked later, inherit this
            yield Server(origin, process.pid)


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    """A listening socket on a free port; the child inherits it, so no port is guessed and nothing polled."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        # Connections inherit this; those that queue up before the child sets it would wait 40 ms for each answer.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def origin_of(listener: socket.socket, scheme: str) -> str:
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def running(
    command: list[str], env: Mapping[str, str], listener: socket.socket
) -> Iterator[subprocess.Popen[bytes]]:
    """A child that leads a process group of its own and is ended, workers and all, when the block is left."""
    process = subprocess.Popen(
        command, env=dict(env), pass_fds=(listener.fileno(),), start_new_session=True, cwd=env["TMPDIR"]
    )
    listener.close()  # ours, so that a child that dies leaves nobody waiting for it
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its own group: workers that outlived it
    process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its threads and its children so far.

    Read from each process's CPU clock: /proc/PID/stat holds the same sum, but in ticks of 10 ms, and a round of
    sign-ins is only some 70 ms.
    """
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    own = time.clock_gettime((~pid << 3) | 2)  # the id clock_getcpuclockid(3) gives for a process
    return own + sum(cpu_seconds(int(child)) for child in children)
