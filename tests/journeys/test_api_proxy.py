"""An API behind an application in a server of its own: large bodies, and what a refused one leaves behind."""

import http.client
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from tests.journeys.serving import free_port, running, serving
from tests.journeys.stage import client_for, settings_for
from tests.journeys.visitor import Visitor, sign_in

PIECE = os.urandom(1 << 16)
LARGE, SMALL = 1600, 16
"""Pieces: 105 MB, and 1 MB."""
MOST_BYTES = 12 << 20
"""How much more memory a large body may take than a small one: an eighth of it, for allocators and threads."""
CSRF = {"X-CSRF": "1"}


class Storage:
    """A backend that takes any body, and gives one of so many pieces; it keeps the sums of what it took."""

    def __init__(self) -> None:
        self.sums: list[int] = []
        self.headers: list[str] = []

    def __call__(self, environ, start_response):
        self.headers += [name for name in environ if name.startswith("HTTP_")]
        if environ["REQUEST_METHOD"] == "POST":
            total = 0
            while piece := environ["wsgi.input"].read(1 << 16):
                total = zlib.crc32(piece, total)
            self.sums.append(total)
            start_response("204 No Content", [("Set-Cookie", "evil=1; Path=/")])
            return []
        pieces = int(environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Length", str(pieces * len(PIECE))), ("Set-Cookie", "evil=1; Path=/")])
        return (PIECE for _ in range(pieces))


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The application, its one worker, what is behind it, and somebody who has signed in."""

    origin: str
    worker: int
    storage: Storage
    visitor: Visitor

    def most_bytes(self) -> int:
        """The most memory that the worker has had so far."""
        status = Path(f"/proc/{self.worker}/status").read_text("ascii")
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:"))

    def upload(self, pieces: int, *, known: bool) -> int:
        """Post a body of a length that is known before, or not: the status."""
        length = {"Content-Length": str(pieces * len(PIECE))} if known else {}
        asked = requests.Request(
            "POST",
            f"{self.origin}/api/files",
            headers={**CSRF, "Origin": self.origin, **length},
            data=(PIECE for _ in range(pieces)),
        ).prepare()
        if known:  # requests says both of a generator's body
            del asked.headers["Transfer-Encoding"]
        asked.headers["Cookie"] = self.cookies()
        return requests.adapters.HTTPAdapter().send(asked, timeout=60).status_code

    def download(self, pieces: int) -> tuple[int, Mapping[str, str]]:
        """Get a body: its sum, and the headers."""
        headers = {**CSRF, "Cookie": self.cookies()}
        with requests.get(f"{self.origin}/api/files?{pieces}", headers=headers, stream=True, timeout=60) as got:
            total = 0
            for piece in got.iter_content(1 << 16):
                total = zlib.crc32(piece, total)
            return total, got.headers

    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.visitor.cookies.items())


@pytest.fixture(scope="module")
def served(_signon_idp_server, tmp_path_factory) -> Iterator[Served]:
    """Gunicorn with one worker, a practice provider, and the backend."""
    idp, folder, storage = _signon_idp_server, tmp_path_factory.mktemp("proxy"), Storage()
    idp.reset()
    port = free_port()
    origin = f"http://localhost:{port}"
    settings = {
        "SIGNON_PROVIDERS": "oidc",
        "SIGNON_SESSIONS": f"sqlite:///{folder}/sessions.sqlite3",
        "SIGNON_KEYS": "a-sealing-key-of-the-proxy-s-tests",
        **settings_for(idp, idp.register(client_for(origin=origin))),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
    command += ["--no-control-socket", "--log-level", "warning", "tests.journeys.api_application:create_app()"]
    log = folder / "gunicorn.log"
    with serving(storage) as behind:
        settings["BACKEND"] = f"http://127.0.0.1:{behind}"
        with running(command, ready=f"{origin}/", output=log, settings=settings, folder=folder):
            visitor = Visitor()
            assert sign_in(visitor, f"{origin}/me").status_code == 200
            worker = visitor.get(f"{origin}/worker").text
            yield Served(origin=origin, worker=int(worker), storage=storage, visitor=visitor)


def sum_of(pieces: int) -> int:
    total = 0
    for _ in range(pieces):
        total = zlib.crc32(PIECE, total)
    return total


@pytest.mark.parametrize("known", [True, False], ids=["of known length", "in chunks"])
def test_large_upload_takes_no_memory(served, known):
    """A hundred megabytes go up whole, and the worker needs no more memory for them than for one."""
    assert served.upload(SMALL, known=known) == 204
    before = served.most_bytes()
    assert served.upload(LARGE, known=known) == 204
    assert served.storage.sums[-2:] == [sum_of(SMALL), sum_of(LARGE)]
    assert served.most_bytes() - before < MOST_BYTES


def test_large_download_takes_no_memory(served):
    """A hundred megabytes come down whole, and the worker needs no more memory for them than for one."""
    assert served.download(SMALL)[0] == sum_of(SMALL)
    before = served.most_bytes()
    total, headers = served.download(LARGE)
    assert (total, headers["Content-Length"]) == (sum_of(LARGE), str(LARGE * len(PIECE)))
    assert served.most_bytes() - before < MOST_BYTES


def test_no_cookie_goes_up_or_comes_down(served):
    """Neither does the backend see our cookie, nor the browser the backend's."""
    served.storage.headers.clear()
    _, headers = served.download(1)
    assert "Set-Cookie" not in headers
    assert "HTTP_AUTHORIZATION" in served.storage.headers
    assert not {"HTTP_COOKIE", "HTTP_X_CSRF"} & set(served.storage.headers)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        *((path, "proxy_path_refused") for path in ("/api/../me", "/api/%2e%2e/me", "/api//evil.example/")),
        *(
            (path, "proxy_path_refused")
            for path in ("/api/a%2fb", "/api/a%5cb", "/api/@evil.example/", "/api/a%0d%0aX:1")
        ),
        ("http://localhost/api/files", "proxy_path_refused"),
    ],
)
def test_tricks_of_the_path_on_the_wire(served, target, code):
    """As they stand in the first line, with no client to tidy them up, tricks get their refusal."""
    host, _, port = served.origin.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.putrequest("GET", target, skip_host=target.startswith("http"))
    for name, value in {"Host": f"{host}:{port}", **CSRF, "Cookie": served.cookies()}.items():
        if name != "Host" or target.startswith("http"):
            connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert f'"code":"{code}"'.encode() in answer.read().replace(b" ", b"")
    connection.close()


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_refused_upload_leaves_nothing_for_the_next_request(served, size):
    """What a refused request has left unread must not be taken for the next one on the same connection."""
    with requests.Session() as session:
        headers = {"Origin": "https://evil.example", "Cookie": served.cookies()}
        for _ in range(3):
            refused = session.post(f"{served.origin}/api/files", headers=headers, data=b"G" * size, timeout=10)
            assert refused.json()["code"] == "cross_site"
            fine = session.get(
                f"{served.origin}/api/files?1", headers={**CSRF, "Cookie": served.cookies()}, timeout=10
            )
            assert fine.content == PIECE
