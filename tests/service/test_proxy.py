from dataclasses import replace

import pytest
from tests.service.test_proxy_headers import INERT

from signon.core.errors import MalformedAnswer, PersonError, SuspectError
from signon.core.values import Secret
from signon.runtime.stream import Answer, Upload
from signon.service.proxy import REPEATABLE_BYTES, Asked, Route, check_method, forward

TO = "https://backend.example/v1"
OLD, NEW = "access-token-of-old-times", "access-token-of-new-times"
GET = Asked(
    method="GET",
    root="/shop",
    path="/api/orders",
    query=b"a=b",
    raw_target=None,
    headers=(("Accept", "*/*"), ("Cookie", "signon=1")),
    upload=None,
    address="192.0.2.7",
)


class Body:
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


class Backend:
    """Gives these answers, one after the other, and keeps what it was asked."""

    def __init__(self, *statuses, headers=()):
        self.answers = [Answer(status=status, headers=headers, length=0, body=Body()) for status in statuses]
        self.given = list(self.answers)
        self.asked = []

    def send(self, request, upload):
        body = None if upload is None else b"".join(upload.pieces)
        self.asked.append((request.method, request.url, dict(request.headers), body))
        return self.given.pop(0)

    def tokens(self):
        return [headers.get("Authorization") for _, _, headers, _ in self.asked]


class Tokens:
    """A token, and what comes after it: another, none, or an error."""

    def __init__(self, current=OLD, newer=NEW):
        self._current, self._newer = current, newer

    def current(self):
        return Secret(self._current) if self._current else None

    def newer(self):
        if isinstance(self._newer, Exception):
            raise self._newer
        return Secret(self._newer) if self._newer else None


def route_to(backend, **changes):
    usual = {"prefix": "/api", "to": TO, "methods": frozenset({"GET", "POST"}), "upstream": backend}
    return Route(**{**usual, **changes})


def posting(*pieces, length=None):
    return replace(GET, method="POST", upload=Upload(pieces=iter(pieces), length=length))


@pytest.fixture(autouse=True)
def _planted(plant):
    plant(OLD, NEW)


def test_request_goes_on_with_the_token():
    """The backend is asked what the page asked, with our token and without its cookie."""
    backend = Backend(200)
    assert forward(route_to(backend), GET, Tokens()).status == 200
    headers = {"accept": "*/*", "X-Forwarded-For": "192.0.2.7", "Authorization": f"Bearer {OLD}"}
    assert backend.asked == [("GET", f"{TO}/orders?a=b", headers, None)]


def test_no_token_is_no_header():
    """Without a token there is no Authorization, not an empty one, and none of the page's."""
    backend = Backend(200)
    asked = replace(GET, headers=(("Authorization", "Bearer stolen"),))
    forward(route_to(backend), asked, Tokens(current=None))
    assert backend.tokens() == [None]


def test_secrets_do_not_show():
    """Neither a route nor a request may print what it holds."""
    assert OLD not in repr(route_to(Backend())) + repr(replace(GET, headers=(("Authorization", OLD),)))


@pytest.mark.parametrize("method", ["DELETE", "TRACE", "get", "", "OPTIONS"])
def test_method_that_is_not_offered(method):
    """Only the methods of the route are offered, as they are written."""
    with pytest.raises(SuspectError) as caught:
        check_method(route_to(Backend()), method)
    assert (caught.value.code, caught.value.status) == ("proxy_method_refused", 405)
    check_method(route_to(Backend()), "GET")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"path": "/api/../admin"}, "proxy_path_refused"),
        ({"path": "/api/" + "a" * 9000}, "proxy_address_too_long"),
        ({"raw_target": "/api/a%2fb"}, "proxy_path_refused"),
        ({"headers": (("Upgrade", "websocket"),)}, "proxy_header_refused"),
        ({"headers": (("Accept", "a" * 20_000),)}, "proxy_headers_too_large"),
        ({"upload": Upload(pieces=(), length=101)}, "proxy_body_too_large"),
    ],
)
def test_what_is_refused_is_not_sent(changes, code):
    """A request that is refused must not reach the backend, and costs no token."""
    backend = Backend()
    tokens = Tokens()
    tokens.current = None
    with pytest.raises(SuspectError) as caught:
        forward(route_to(backend, max_body_bytes=100), replace(GET, **changes), tokens)
    assert caught.value.code == code
    assert backend.asked == []


def test_body_without_a_length_is_counted():
    """A body of unknown length must end with an error where it passes the limit, and pass up to it."""
    backend = Backend(200)
    forward(route_to(backend, max_body_bytes=100), posting(b"a" * 60, b"b" * 40), Tokens())
    assert len(backend.asked[0][3]) == 100
    with pytest.raises(SuspectError) as caught:
        forward(route_to(Backend(200), max_body_bytes=100), posting(b"a" * 60, b"b" * 41), Tokens())
    assert (caught.value.code, caught.value.status) == ("proxy_body_too_large", 413)


@pytest.mark.parametrize("asked", [GET, posting(b"ab", b"cd", length=4)], ids=["no body", "small body"])
def test_once_more_with_a_newer_token(asked):
    """Where the backend refuses the token the request is sent once more, whole, with a newer one; once only."""
    backend = Backend(401, 401)
    body = None if asked.upload is None else b"abcd"
    assert forward(route_to(backend), asked, Tokens()).status == 401
    assert backend.tokens() == [f"Bearer {OLD}", f"Bearer {NEW}"]
    assert [one[3] for one in backend.asked] == [body, body]
    assert [answer.body.closed for answer in backend.answers] == [True, False]


def test_not_without_a_newer_token():
    """Where there is no newer token the page gets the refusal."""
    backend = Backend(401)
    assert forward(route_to(backend), GET, Tokens(newer=None)).status == 401
    assert backend.answers[0].body.closed is False


def test_not_after_another_refusal():
    """A newer token mends no other refusal."""
    backend = Backend(403)
    forward(route_to(backend), GET, Tokens())
    assert backend.tokens() == [f"Bearer {OLD}"]


@pytest.mark.parametrize(
    "asked",
    [posting(b"a" * (REPEATABLE_BYTES + 1), length=REPEATABLE_BYTES + 1), posting(b"a")],
    ids=["large", "of unknown length"],
)
def test_body_that_is_gone_is_not_sent_again(asked):
    """A body that was not held can't be sent twice, so the page gets the refusal."""
    backend = Backend(401)
    assert forward(route_to(backend), asked, Tokens()).status == 401
    assert len(backend.asked) == 1


def test_failing_refresh_lets_go_of_the_answer():
    """Where no newer token can be had at all its error is the answer, and the backend's is closed."""
    backend = Backend(401)
    with pytest.raises(PersonError) as caught:
        forward(route_to(backend), GET, Tokens(newer=PersonError("tokens_ended", "over", status=401)))
    assert caught.value.code == "tokens_ended"
    assert backend.answers[0].body.closed


def test_answer_comes_back_clean():
    """No cookie comes back, and an address below the backend's as one of ours, with the application's own path."""
    headers = (("set-cookie", "a=b"), ("location", f"{TO}/orders/8"), ("content-location", "8"), ("etag", "7"))
    got = forward(route_to(Backend(201, headers=headers)), GET, Tokens())
    assert got.headers == (
        ("location", "/shop/api/orders/8"),
        ("content-location", "/shop/api/8"),
        ("etag", "7"),
        *INERT,
    )


def test_malformed_answer_is_let_go():
    """An answer that can't be passed on must not hold its connection."""
    backend = Backend(200, headers=(("link", "a\x00b"),))
    with pytest.raises(MalformedAnswer) as caught:
        forward(route_to(backend), GET, Tokens())
    assert caught.value.code == "backend_not_http"
    assert backend.answers[0].body.closed
