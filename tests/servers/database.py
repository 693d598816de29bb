"""What the real database servers of the tests have in common: a program on a port, with its files in a folder."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.journeys.serving import free_port

START_SECONDS = 30.0
_ATTEMPTS = 4


class ProgramEnded(Exception):
    """A server ended by itself; the text is the end of its log."""


def need(programs: dict[str, object], package: str) -> None:
    """Skip the test, or fail it where the programs must be there, unless they are."""
    missing = [name for name, path in programs.items() if not path]
    if missing:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"{' and '.join(missing)} not found: install {package}")


class DatabaseServer:
    """One server, whose port, files and password stay the same however often it is started."""

    account: str | None = None
    """Who it runs as, where that isn't us."""
    stop_signal = signal.SIGTERM
    errors: tuple[type[Exception], ...] = ()
    """What `ask` raises of a server that isn't ready."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_urlsafe(16)
        self._options = options
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """What `SqlStore` takes."""
        raise NotImplementedError

    def ask(self, statement: str) -> list[tuple]:
        """The rows that a statement gives, asked as somebody who may do everything."""
        raise NotImplementedError

    def set_up(self) -> None:
        """Make its files, before its first start."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The program and its options."""
        raise NotImplementedError

    def empty(self) -> None:
        """Remove all tables."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, with all it kept, and return once it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.identity
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, self._log()
            time.sleep(0.02)

    @property
    def runs(self) -> bool:
        """Whether it was started and hasn't ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as a crash of the machine would."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it in order, if it runs."""
        if not self.runs:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def restart(self) -> None:
        """End it in order and start it again: connections are closed, nothing is lost."""
        self.stop()
        self.start()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Let it hang: connections are made, nothing is answered."""
        self._signal(signal.SIGSTOP)
        try:
            while not all(map(_is_stopped, self._processes())):
                time.sleep(0.001)
            yield
        finally:
            self._signal(signal.SIGCONT)

    @property
    def identity(self) -> dict[str, object]:
        """How its programs are run: some refuse to run as root."""
        if self.account is None or os.geteuid() != 0:
            return {}
        return {"user": self.account, "group": self.account, "extra_groups": []}

    def run(self, *command: str) -> None:
        """Run one of its programs to its end."""
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False, **self.identity
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise ProgramEnded(self._log())
        try:
            self.ask("SELECT 1")
        except self.errors:
            return False
        return True

    def _log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")[-2000:]

    def _signal(self, number: signal.Signals) -> None:
        """Send it to the program and to those that it has started."""
        for process in self._processes():
            with suppress(ProcessLookupError):  # a child has ended meanwhile
                os.kill(process, number)

    def _processes(self) -> list[int]:
        program = self._process.pid
        children = Path(f"/proc/{program}/task/{program}/children").read_text().split()
        return [program, *map(int, children)]


def _is_stopped(process: int) -> bool:
    """Whether all threads of a process have come to a halt, which takes a moment."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return all((thread / "stat").read_text().rpartition(") ")[2][0] in "TZ" for thread in threads)


@contextmanager
def running(make: Callable[[Path], DatabaseServer]) -> Iterator[DatabaseServer]:
    """Set a server up and start it, anew where another program was quicker to take its port, and stop it."""
    for attempt in range(_ATTEMPTS):
        with tempfile.TemporaryDirectory(prefix="database-", ignore_cleanup_errors=True) as name:
            server = make(Path(name))
            if server.identity:
                shutil.chown(name, server.account, server.account)
            try:
                server.set_up()
                server.start()
            except ProgramEnded:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            try:
                yield server
            finally:
                if server.runs:
                    server.kill()  # in order would take longer, and its files go with it
            return
