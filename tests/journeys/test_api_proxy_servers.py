"""Requests as no browser sends them, byte by byte, at an API behind the application: in each kind of server."""

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from tests.journeys.api_servers import SERVERS, ServedApi, api_served
from tests.journeys.serving import serving

REFUSED = frozenset({400, 403, 404, 405, 411, 417, 431, 501})
IDLE_SECONDS = 0.5
_STATUS = re.compile(rb"(?:HTTP/1.1 100 .*?\r\n\r\n)*HTTP/1\.[01] ([2-5]\d\d) ", re.DOTALL)


class Backend:
    """An API that keeps what it was asked, and whose answers to some paths break off, hang, or never end."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes | None]] = []
        self.left = threading.Event()
        self.stop = threading.Event()

    def __call__(self, environ, start_response):
        has_body = environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ
        try:
            body = environ["wsgi.input"].read() if has_body else b""
        except ValueError:  # whoever sent it has broken off
            body = None
        sent = {name: text for name, text in environ.items() if name.startswith("HTTP_")}
        self.asked.append((environ["REQUEST_METHOD"], environ["REQUEST_URI"], sent, body))
        path = environ["PATH_INFO"]
        fields = HOSTILE if path == "/hostile" else []
        if path in {"/broken", "/hanging", "/hostile"}:
            fields = [*fields, ("Content-Length", "2" if path == "/hostile" else "9000")]
        start_response("200 OK", [("Content-Type", "text/html"), *fields])
        return getattr(self, path.strip("/").replace("-", "_"), self.fine)()

    def fine(self):
        return [b"ok"]

    def broken(self):
        yield b"x" * 1000
        raise ConnectionError

    broken_in_chunks = broken

    def hanging(self):
        yield b"x" * 1000
        self.stop.wait(10)

    def endless(self):
        try:
            while not self.stop.is_set():
                yield b"x" * 65_536
        finally:
            self.left.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The application in a server of this name, and its backend."""

    name: str
    api: ServedApi
    backend: Backend = field(repr=False)

    def send(self, line: str, *fields: str, body: bytes = b"") -> bytes:
        """Send a request as it stands here, with what our own script would send; gives all that comes back."""
        usual = ("X-CSRF: 1", f"Origin: {self.api.origin}", f"Cookie: {self.api.cookies()}", "Connection: close")
        host = () if any(one.startswith("Host") for one in fields) else (f"Host: localhost:{self.api.port}",)
        head = "\r\n".join([f"{line} HTTP/1.1", *host, *usual, *fields, "", ""])
        self.backend.asked.clear()
        with socket.create_connection(("127.0.0.1", self.api.port), timeout=10) as connection:
            connection.sendall(head.encode("latin-1") + body)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(65_536):
                answer += piece
        return answer

    def status(self, line: str, *fields: str, body: bytes = b"") -> int:
        found = _STATUS.match(self.send(line, *fields, body=body))
        return int(found[1]) if found else 0


@pytest.fixture(scope="module", params=SERVERS)
def served(request, _signon_idp_server, tmp_path_factory) -> Iterator[Served]:
    """The application in a server, with its backend."""
    backend, folder = Backend(), tmp_path_factory.mktemp(request.param)
    how = {"server": request.param, "IDLE_SECONDS": str(IDLE_SECONDS)}
    with serving(backend) as behind, api_served(_signon_idp_server, folder, behind=behind, **how) as api:
        yield Served(name=request.param, api=api, backend=backend)
        backend.stop.set()


TARGETS = (
    *("/api/..", "/api/../me", "/api/%2e%2e/me", "/api/.%2e/me", "/api/%252e%252e/me", "/api/./a", "/api/a/..;/b"),
    *("/api//evil.example/", "/api/@evil.example/", "/api/a:b@evil.example/", "/api/https://evil.example/"),
    *("/api/a%2fb", "/api%2ffiles", "/api/a%5cb", "/api/a\\b", "/api/..\\me", "/api/%00", "/api/a\x00b"),
    *(
        "/api/a%0d%0aX:1",
        "/api/a%09b",
        "/api/%7f",
        "/api/%ff",
        "/api/%c0%ae%c0%ae/me",
        "/api/%ef%bc%8e%ef%bc%8e/me",
    ),
    *("http://localhost/api/files", "http://evil.example/api/files", "//evil.example/api/files", "api/files", "*"),
    *("/api@evil.example/", "/apifiles", "/API/files", "/./api/files", "/x/../api/files", "/api/" + "a" * 8200),
)


def test_tricks_of_the_path(served):
    """As it stands in the first line, with no client to tidy it up, each is refused, and nothing is asked."""
    passed = {target: served.status(f"GET {target}") for target in TARGETS}
    assert {target: status for target, status in passed.items() if status not in {*REFUSED, 414}} == {}
    assert served.backend.asked == []


def test_refusals_are_ours(served):
    """What a server lets through to us is refused with its code, as JSON."""
    for target in ("/api/../me", "/api/%2e%2e/me", "/api//evil.example/", "/api/a%2fb", "/api/a%5cb", "/api/%00"):
        answer = served.send(f"GET {target}")
        assert _STATUS.match(answer)[1] == b"400"
        assert b"application/problem+json" in answer
        assert b'"code":"proxy_path_refused"' in answer.replace(b" ", b"")


METHODS = ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "GETT", "POST;GET", "G\xc9T", "X" * 300)


def test_methods(served):
    """A method that isn't offered is refused, however it is written; OPTIONS is answered by us."""
    passed = {method: served.status(f"{method} /api/files", "Content-Length: 0") for method in METHODS}
    assert {method: status for method, status in passed.items() if status not in {400, 405}} == {}
    assert served.status("OPTIONS /api/files") == 204
    assert served.backend.asked == []
    assert served.status("HEAD /api/files") == 200
    assert [method for method, *_ in served.backend.asked] == ["HEAD"]


FIVE = b"5\r\nhello\r\n0\r\n\r\n"
FRAMINGS = (
    (("Content-Length: 5", "Transfer-Encoding: chunked"), FIVE),
    *(
        ((f"Transfer-Encoding: {coding}",), FIVE)
        for coding in (
            *("chunked", "Chunked", "\tchunked ", "xchunked", "identity", "gzip, chunked", "chunked, chunked"),
            *("chunked, identity", "chunked;q=1", '"chunked"', "chunked\x0b", "\r\n chunked", ""),
        )
    ),
    (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), FIVE),
    *(
        ((f"Content-Length: {length}",), b"hello")
        for length in ("5", "05", "+5", "-5", "5, 5", "5_0", "0x5", "5.0", "\xd9\xa5", "50", "9" * 30)
    ),
    *(
        (("Transfer-Encoding: chunked",), body)
        for body in (
            *(b"5;ext=1\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nX-Trailer: a\r\n\r\n", b"5\nhello\n0\n\n"),
            *(
                b"5\r\nhelloX\r\n0\r\n\r\n",
                b"5\r\nhello0\r\n\r\n",
                b"5\r\nhello\r\n",
                b"5\r\nhel",
                b"zz\r\nhello\r\n",
            ),
            b"\r\nhello",
        )
    ),
)


def test_framings(served):
    """A body goes on whole or it is refused: it is never cut, nor read otherwise by the backend."""
    odd = []
    for number, (fields, body) in enumerate(FRAMINGS):
        path = f"/files/{number}"  # of its own: what was broken off may be noted late, beside the next one
        status = served.status(f"POST /api{path}", *fields, body=body)
        went_on = [body for _method, asked, _sent, body in served.backend.asked if asked.endswith(path)]
        if (status, went_on) != (200, [b"hello"]) and not (status in REFUSED and not any(went_on)):
            odd.append((fields, body, status, went_on))
    assert odd == []


def test_headers_that_go_on(served):
    """The backend learns who asks from us alone: no credentials, no claims, nothing of the connection's."""
    status = served.status(
        "GET /api/files/fields",
        *("Authorization: Bearer stolen", "X-Forwarded-For: 192.0.2.66", "X-Forwarded-Host: evil.example"),
        *(
            "X-Forwarded-User: admin",
            "X_Forwarded_User: admin",
            "Forwarded: for=192.0.2.66",
            "X-Real-IP: 192.0.2.66",
        ),
        *("Proxy-Authorization: Basic eDp5", "Keep-Alive: timeout=9", "TE: trailers", "Via: 1.1 evil"),
        *("Expect: 100-continue", "Range: bytes=0-1", "Accept: a", "Accept: b", "Sec-Fetch-Site: same-origin"),
    )
    (sent,) = [sent for _method, path, sent, _body in served.backend.asked if path == "/files/fields"]
    assert status == 200
    assert sent.keys() == {
        *("HTTP_HOST", "HTTP_AUTHORIZATION", "HTTP_X_FORWARDED_FOR", "HTTP_ACCEPT", "HTTP_RANGE"),
    }
    assert sent["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert sent["HTTP_AUTHORIZATION"].startswith("Bearer ")
    assert sent["HTTP_AUTHORIZATION"] != "Bearer stolen"
    assert sent["HTTP_HOST"].startswith("127.0.0.1:")


@pytest.mark.parametrize(
    "fields",
    [
        ("Upgrade: websocket", "Connection: Upgrade"),
        ("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
        ("X-HTTP-Method-Override: DELETE",),
        ("Host: evil.example",),
        ("Accept: " + "a" * 20_000,),
    ],
    ids=["websocket", "h2c", "method", "host", "size"],
)
def test_headers_that_are_refused(served, fields):
    """What would make another request of it is refused."""
    assert served.status("GET /api/files", *fields) in {400, 431}
    assert served.backend.asked == []


HOSTILE = [
    *(
        ("Set-Cookie", "evil=1; Path=/"),
        ("Clear-Site-Data", '"cookies"'),
        ("Strict-Transport-Security", "max-age=9"),
    ),
    *(("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true"), ("Alt-Svc", "clear")),
    *(("WWW-Authenticate", "Basic"), ("Refresh", "0; url=https://evil.example/"), ("Service-Worker-Allowed", "/")),
    *(("Content-Security-Policy", "script-src *"), ("X-Accel-Redirect", "/etc/passwd"), ("X-Hop", "1")),
    *(("Connection", "X-Hop"), ("NEL", "{}"), ("CDN-Cache-Control", "max-age=9"), ("X-Kept", "1")),
]


def test_headers_that_come_back(served):
    """Nothing of the backend's speaks for our origin, and what it sends as a page is none."""
    head = served.send("GET /api/hostile").partition(b"\r\n\r\n")[0].decode("latin-1").lower()
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    assert not {name.lower() for name, _ in HOSTILE[:-1]} & fields.keys() - {
        *("content-security-policy", "connection"),
    }
    assert fields["content-security-policy"] == "default-src 'none'; sandbox"
    assert fields["x-content-type-options"] == "nosniff"
    assert fields["cache-control"] == "private, no-store"
    assert fields["x-kept"] == "1"


@pytest.mark.parametrize("path", ["broken", "broken-in-chunks", "hanging"])
def test_half_an_answer_is_no_whole_one(served, path):
    """Where the backend breaks off, or falls silent, in its answer, the page can tell that it isn't whole."""
    answer = served.send(f"GET /api/{path}")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert _STATUS.match(answer)[1] == b"200"
    assert b"x" * 1000 in body
    if b"content-length: 9000" in head.lower():
        assert len(body) < 9000
    else:
        assert b"transfer-encoding: chunked" in head.lower()
        assert not body.endswith(b"0\r\n\r\n")


def test_page_that_leaves_in_mid_answer(served):
    """Where the page goes away the backend's answer is let go of, too."""
    served.backend.left.clear()
    head = f"GET /api/endless HTTP/1.1\r\nHost: localhost:{served.api.port}\r\nX-CSRF: 1\r\n"
    with socket.create_connection(("127.0.0.1", served.api.port), timeout=10) as connection:
        connection.sendall(f"{head}Cookie: {served.api.cookies()}\r\n\r\n".encode())
        total = 0
        while total < 1 << 20:
            total += len(connection.recv(65_536))
        assert not served.backend.left.is_set()
    assert served.backend.left.wait(5)
