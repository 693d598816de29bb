"""An application with an API behind it in a server of its own, and somebody who has signed in there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.serving import free_port, running
from tests.journeys.stage import client_for, settings_for
from tests.journeys.visitor import Visitor, sign_in

CSRF = {"X-CSRF": "1"}
_APPLICATION = "tests.journeys.api_application:create_app"
_CHEROOT = (
    "from cheroot.wsgi import Server; from tests.journeys.api_application import create_app;"
    " Server(('127.0.0.1', {port}), create_app()).safe_start()"
)
SERVERS = {
    "gunicorn": (
        *("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--threads", "4", "--no-control-socket"),
        *("--log-level", "warning", f"{_APPLICATION}()"),
    ),
    "cheroot": ("-c", _CHEROOT),
    "werkzeug": ("-m", "flask", "--app", _APPLICATION, "run", "--port", "{port}"),
}
"""How each is started, with one process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedApi:
    """The application's origin, its process, and the cookies of who has signed in."""

    origin: str
    worker: int
    visitor: Visitor

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.visitor.cookies.items())


@contextmanager
def api_served(idp, folder: Path, *, server: str, behind: int, **settings: str) -> Iterator[ServedApi]:
    """Serve the application by one of `SERVERS`, with the backend that listens at `behind`."""
    idp.reset()
    port = free_port()
    origin = f"http://localhost:{port}"
    settings = {
        "SIGNON_PROVIDERS": "oidc",
        "SIGNON_SESSIONS": f"sqlite:///{folder}/sessions.sqlite3",
        "SIGNON_KEYS": "a-sealing-key-of-the-proxy-s-tests",
        **settings_for(idp, idp.register(client_for(origin=origin))),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "BACKEND": f"http://127.0.0.1:{behind}",
        **settings,
    }
    command = [sys.executable, *(part.replace("{port}", str(port)) for part in SERVERS[server])]
    with running(command, ready=f"{origin}/", output=folder / "server.log", settings=settings, folder=folder):
        visitor = Visitor()
        assert sign_in(visitor, f"{origin}/me").status_code == 200
        yield ServedApi(origin=origin, worker=int(visitor.get(f"{origin}/worker").text), visitor=visitor)
