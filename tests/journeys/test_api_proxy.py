"""An API behind an application in a server of its own: large bodies, and what a refused one leaves behind."""

import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from tests.journeys.api_servers import CSRF, ServedApi, api_served
from tests.journeys.serving import serving

PIECE = os.urandom(1 << 16)
LARGE, SMALL = 1600, 16
"""Pieces: 105 MB, and 1 MB."""
MOST_BYTES = 12 << 20
"""How much more memory a large body may take than a small one: an eighth of it, for allocators and threads."""


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
    """The application in its one worker, and what is behind it."""

    api: ServedApi
    storage: Storage

    def most_bytes(self) -> int:
        """The most memory that the worker has had so far."""
        status = Path(f"/proc/{self.api.worker}/status").read_text("ascii")
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:"))

    def upload(self, pieces: int, *, known: bool) -> int:
        """Post a body of a length that is known before, or not: the status."""
        length = {"Content-Length": str(pieces * len(PIECE))} if known else {}
        asked = requests.Request(
            "POST",
            f"{self.api.origin}/api/files",
            headers={**CSRF, "Origin": self.api.origin, **length},
            data=(PIECE for _ in range(pieces)),
        ).prepare()
        if known:  # requests says both of a generator's body
            del asked.headers["Transfer-Encoding"]
        asked.headers["Cookie"] = self.api.cookies()
        return requests.adapters.HTTPAdapter().send(asked, timeout=60).status_code

    def download(self, pieces: int) -> tuple[int, Mapping[str, str]]:
        """Get a body: its sum, and the headers."""
        headers = {**CSRF, "Cookie": self.api.cookies()}
        with requests.get(
            f"{self.api.origin}/api/files?{pieces}", headers=headers, stream=True, timeout=60
        ) as got:
            total = 0
            for piece in got.iter_content(1 << 16):
                total = zlib.crc32(piece, total)
            return total, got.headers


@pytest.fixture(scope="module")
def served(_signon_idp_server, tmp_path_factory) -> Iterator[Served]:
    """Gunicorn with one worker, a practice provider, and the backend."""
    storage = Storage()
    with (
        serving(storage) as behind,
        api_served(_signon_idp_server, tmp_path_factory.mktemp("proxy"), server="gunicorn", behind=behind) as api,
    ):
        yield Served(api=api, storage=storage)


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


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_refused_upload_leaves_nothing_for_the_next_request(served, size):
    """What a refused request has left unread must not be taken for the next one on the same connection."""
    with requests.Session() as session:
        headers = {"Origin": "https://evil.example", "Cookie": served.api.cookies()}
        for _ in range(3):
            refused = session.post(f"{served.api.origin}/api/files", headers=headers, data=b"G" * size, timeout=10)
            assert refused.json()["code"] == "cross_site"
            fine = session.get(
                f"{served.api.origin}/api/files?1", headers={**CSRF, "Cookie": served.api.cookies()}, timeout=10
            )
            assert fine.content == PIECE
