"""What all tests share: the log of the whole run, and the minimal example as an application in this process."""

import importlib.util
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cheroot import connections
from flask import Flask

MINIMAL = Path(__file__).parent.parent / "examples" / "minimal" / "app.py"
SEALING_KEY = "a-sealing-key-that-only-the-tests-know"
_SETTING = re.compile(r"(SIGNON|OIDC|STAFF|PARTNERS|THAID|AUTHMACHINE|AUTH0|PINGONE|SGID)_")
_SHORTEST_SECRET = 12


class LogOfTheRun(logging.Handler):
    """Keeps every record of the run as text: message, arguments, extras, exceptions."""

    def __init__(self) -> None:
        super().__init__(level=logging.DEBUG)
        self.lines: list[str] = []
        self.secrets: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        error = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        test = os.environ.get("PYTEST_CURRENT_TEST", "")
        rest = {name: value for name, value in record.__dict__.items() if name != "exc_info"}
        self.lines.append(f"{test} {record.getMessage()} {rest!r} {error}")

    def leaks(self) -> list[str]:
        """The records that hold a secret, one for each secret."""
        everything = "\n".join(self.lines)
        leaked = [secret for secret in self.secrets if secret in everything]
        return [next(line for line in self.lines if secret in line) for secret in leaked]


@pytest.fixture(scope="session", autouse=True)
def _servers_know_no_time_travel() -> None:
    """A server here (cheroot) closes kept connections by the wall clock: where a test moves that, a request could
    meet one that is just being closed.
    """
    connections.time = SimpleNamespace(time=time.perf_counter, sleep=time.sleep)  # type: ignore[attr-defined]  # its module


@pytest.fixture(scope="session", autouse=True)
def log_of_the_run() -> Iterator[LogOfTheRun]:
    """Every record at DEBUG, read at the end: a planted secret in any of them fails the run.

    Under xdist each worker has its own log and reads that.
    """
    root, log = logging.getLogger(), LogOfTheRun()
    before = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    yield log
    root.removeHandler(log)
    root.setLevel(before)
    found = log.leaks()
    if found:
        pytest.fail(f"{len(found)} secrets were logged, for example in:\n" + "\n".join(found[:5]), pytrace=False)


@pytest.fixture
def plant(log_of_the_run: LogOfTheRun) -> Callable[..., None]:
    """Name secrets that no log record of the whole run may hold."""

    def plant(*secrets: str) -> None:
        short = [secret for secret in secrets if len(secret) < _SHORTEST_SECRET]
        assert not short, "a short text may stand in a log by chance"
        log_of_the_run.secrets.update(secrets)

    return plant


@pytest.fixture
def load_minimal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Flask]:
    """Load `examples/minimal/app.py` as it is, with these settings as its whole environment."""

    def load(**settings: str) -> Flask:
        usual = {"SIGNON_KEYS": SEALING_KEY, "SIGNON_SESSIONS": f"sqlite:///{tmp_path}/sessions.sqlite3"}
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if _SETTING.match(name)]:
                patch.delenv(name)
            for name, value in {**usual, **settings}.items():
                patch.setenv(name, value)
            return _load(MINIMAL)

    return load


def _load(path: Path) -> Flask:
    name = "tests_minimal_application"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Flask looks there for the folder of the module that it is made in
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    application: Flask = module.app
    return application
