"""The application of these tests under gunicorn with several workers, which can be killed one by one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
_APPLICATION = "tests.faults.application:create_fragile_app()"
_START_SECONDS = 30
_STOP_SECONDS = 5
_NOT_INHERITED = ("SIGNON_", "OIDC_", "FLASK_", "GUNICORN_", "COVERAGE_", "COV_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A running application: where it answers, and the process whose children are its workers."""

    port: int
    pid: int
    log: Path

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def workers(self) -> list[int]:
        """The ids of the workers, the oldest first."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return sorted(int(child) for child in children.split())

    def kill_worker(self, pid: int) -> None:
        """End a worker as the kernel would, with no chance to finish anything. A new one takes its place."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket on a free port, which the program to be started inherits: so no port is guessed."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        # Connections inherit it; without it an answer may wait 40 ms for the acknowledgement of its first part.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


@contextmanager
def fleet(
    listener: socket.socket,
    settings: dict[str, str],
    folder: Path,
    *,
    workers: int = 4,
    threads: int = 8,
    preload: bool = False,
) -> Iterator[Fleet]:
    """Serve the application on this socket until the block is left. Its output goes to a file in the folder."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--backlog", "1024"]
    command += ["--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)]
    command += ["--no-control-socket", "--graceful-timeout", "1", "--timeout", "60", "--log-level", "warning"]
    command += ["--preload"] * preload
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    log = folder / "gunicorn.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, _APPLICATION],
            env={**inherited, **settings, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
            pass_fds=(listener.fileno(),),
            start_new_session=True,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    port = listener.getsockname()[1]
    listener.close()  # ours, so that a program that dies leaves nobody waiting for it
    try:
        _wait(process, port, log)
        yield Fleet(port=port, pid=process.pid, log=log)
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    try:
        requests.get(f"http://127.0.0.1:{port}/public", timeout=_START_SECONDS).raise_for_status()
    except requests.RequestException as error:
        msg = f"no answer ({error}), exit status {process.poll()}:\n{log.read_text()}"
        raise RuntimeError(msg) from None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its own group: workers that outlived it
    process.wait()
