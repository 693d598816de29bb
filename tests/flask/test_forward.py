import threading
from collections.abc import Callable
from io import BytesIO

import pytest
import time_machine
from tests.flask.double import FETCHED, ISSUER, LOCAL, Visitor
from tests.journeys.serving import serving
from tests.service.token_op import TokenOp
from werkzeug import Request, Response

from signon.flask import forward as module
from signon.flask.current import load_session
from signon.flask.forward import LINGER_BYTES, NEW_SECONDS
from signon.flask.signals import tokens_refreshed

NOW = 1_800_000_000
ASKED = {**FETCHED, "X-CSRF": "1"}
POSTED = {**ASKED, "Origin": LOCAL}


class Backend:
    """An API that accepts one token, keeps what it was asked, and answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.bodies: list[bytes] = []
        self.good: Callable[[str], bool] = lambda _token: True
        self.answer = Response("[]", mimetype="application/json")

    def __call__(self, environ, start_response):
        request = Request(environ)
        self.asked.append(request)
        self.bodies.append(request.get_data())
        good = self.good(self.tokens()[-1])
        answer = (
            self.answer if good else Response("no", status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        )
        return answer(environ, start_response)

    def tokens(self) -> list[str | None]:
        return [request.headers.get("Authorization", "").removeprefix("Bearer ") for request in self.asked]


class Reader(Visitor):
    """A visitor who reads each answer to its end, as servers do."""

    def get(self, path, **given):
        response = super().get(path, **given)
        response.get_data()
        return response


def nothing(_token):
    return False


@pytest.fixture
def backend():
    return Backend()


@pytest.fixture
def to(backend):
    with serving(backend) as port:
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture
def provider(ops, plant):
    ops[ISSUER] = TokenOp(plant)
    return ops[ISSUER]


@pytest.fixture
def make_visitor(make_app, provider, to):
    """Somebody with a browser at an application that offers the backend; signed in unless it is said."""

    def make(*, signed_in=True, settings=None, extension=None, **given):
        app = make_app(extension, **(settings or {}))
        app.signon.proxy(app, "/api", **{"to": to, "methods": METHODS, **given})
        visitor = Reader(app, provider)
        if signed_in:
            visitor.sign_in()
        return visitor

    return make


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def visitor(make_visitor):
    return make_visitor()


def held(visitor):
    """The access token that the session has now."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies().items())
    with visitor.client.application.test_request_context("/", headers={"Cookie": cookies}):
        return load_session(slide=False).tokens.access_token.reveal()


def refusal(response):
    assert response.content_type == "application/problem+json"
    assert "Location" not in response.headers
    return response.status_code, response.json["code"]


def test_request_goes_to_the_backend_with_the_persons_token(visitor, backend):
    """The backend gets what was asked for, with the person's token, without our cookie, and from whom."""
    response = visitor.get("/api/orders/7?a=b%20c", **ASKED, Accept="application/json", X_Forwarded_For="1.1.1.1")
    assert (response.status_code, response.json, response.mimetype) == (200, [], "application/json")
    (asked,) = backend.asked
    assert (asked.method, asked.full_path) == ("GET", "/v1/orders/7?a=b%20c")
    assert backend.tokens() == [held(visitor)]
    assert {name.lower() for name, _ in asked.headers} == {
        *("host", "accept", "user-agent", "authorization", "x-forwarded-for"),
    }
    assert asked.headers["X-Forwarded-For"] == "127.0.0.1"


def test_answer_depends_on_the_person(visitor, backend):
    """No cache may keep what was answered to one person, whatever the backend says of that."""
    backend.answer = Response("x", headers={"Cache-Control": "public, max-age=9", "ETag": '"7"', "X-Count": "3"})
    response = visitor.get("/api/a", **ASKED)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert {"Cookie", "Origin"} <= set(response.vary)
    assert (response.headers["ETag"], response.headers["X-Count"]) == ('"7"', "3")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_no_cookie_comes_back(visitor, backend):
    """A backend sets no cookie for our origin, and lets no other origin in."""
    backend.answer = Response("x", headers={"Access-Control-Allow-Origin": "*", "Clear-Site-Data": '"cookies"'})
    backend.answer.set_cookie("signon-80", "fixed")
    response = visitor.get("/api/a", **ASKED)
    for name in ("Set-Cookie", "Access-Control-Allow-Origin", "Clear-Site-Data"):
        assert name not in response.headers
    assert visitor.who() == "Somchai"


def test_kind_of_content_is_the_backends(visitor, backend):
    """Without a content type there is none, and not Flask's."""
    backend.answer = Response("x")
    del backend.answer.headers["Content-Type"]
    assert "Content-Type" not in visitor.get("/api/a", **ASKED).headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_body_goes_on(visitor, backend, method):
    """Bodies go on as they are, with their kind; so does an answer's status and where it leads."""
    location = {"Location": "/v1/orders/8"}
    backend.answer = Response(status=201, headers=location)
    response = visitor.get("/api/orders", method=method, data=b"\x00\xff", **POSTED, Content_Type="x/y")
    assert (response.status_code, response.headers["Location"]) == (201, "/api/orders/8")
    assert backend.bodies == [b"\x00\xff"]
    assert backend.asked[0].content_type == "x/y"


def test_no_body_is_an_empty_one(visitor, backend):
    """A POST without a body must be one for the backend, too."""
    visitor.post("/api/a", **POSTED)
    assert (backend.bodies, backend.asked[0].content_length) == ([b""], 0)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_a_body(visitor, backend, method, status):
    """What has no body is passed on without one, and without a length that would promise one."""
    backend.answer = Response("1234567" if status == 200 else None, status=status)
    response = visitor.get("/api/a", method=method, **ASKED)
    assert (response.status_code, response.data) == (status, b"")
    assert "Content-Length" not in response.headers


def test_application_below_a_path(make_visitor, backend):
    """Where the application is served below a path, addresses of the backend come back below that."""
    visitor = make_visitor(settings={"SIGNON_BASE_URL": "https://app.example.org/shop"}, signed_in=False)
    visitor.at = "https://app.example.org/shop"
    visitor.sign_in()
    backend.answer = Response(status=303, headers={"Location": "orders"})
    response = visitor.get("/api/a", **ASKED)
    assert response.headers["Location"] == "/shop/api/orders"


# Who may ask


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-CSRF": ""}, "csrf_header_missing"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, "cross_site"),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8080"}, "cross_site"),
        ({"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, "cross_site"),
    ],
)
def test_only_scripts_of_ours_may_ask(visitor, backend, method, headers, code):
    """What comes without the header, or from elsewhere, never gets to the backend, whatever the method."""
    response = visitor.get("/api/a", method=method, **{**POSTED, **headers})
    assert response.status_code == 403
    if method != "HEAD":
        assert refusal(response) == (403, code)
    assert backend.asked == []


def test_unsafe_methods_come_from_our_pages(visitor, backend):
    """Without Fetch Metadata a method that changes something needs our Origin, as everywhere."""
    assert refusal(visitor.post("/api/a", X_CSRF="1", Sec_Fetch_Site="", Origin="")) == (403, "cross_site")
    assert visitor.get("/api/a", X_CSRF="1").status_code == 200
    assert visitor.post("/api/a", X_CSRF="1", Origin=LOCAL).status_code == 200
    assert [request.method for request in backend.asked] == ["GET", "POST"]


def test_listed_origin(make_visitor, backend):
    """A listed frontend may ask after a preflight that names its own headers, and read answers and refusals."""
    spa = "http://localhost:5173"
    visitor = make_visitor(settings={"SIGNON_CORS_ORIGINS": spa}, headers=["X-Tenant"])
    backend.answer = Response("x", headers={"X-Count": "3"})
    came = {"Origin": spa, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-csrf,x-tenant"}
    preflight = visitor.get("/api/a", method="OPTIONS", **came, **asks)
    assert (preflight.status_code, backend.asked) == (204, [])
    assert preflight.headers["Access-Control-Allow-Headers"] == "x-csrf,x-tenant"
    assert preflight.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, PATCH, POST, PUT"
    for headers, status in (({"X-CSRF": "1", "X-Tenant": "7"}, 200), ({}, 403)):
        response = visitor.get("/api/a", method="PUT", **came, **headers)
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == spa
        shown = response.headers["Access-Control-Expose-Headers"].split(", ")
        assert ("x-count" in shown, "WWW-Authenticate" in shown) == (status == 200, False)
    assert [request.headers["X-Tenant"] for request in backend.asked] == ["7"]
    own = visitor.get("/api/a", **ASKED)
    assert not [name for name, _ in own.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("credential", ["user", "own"])
def test_nobody_gets_nothing(make_visitor, backend, credential):
    """Without a sign-in no token is sent for anybody; the answer is 401, and never a redirect."""
    visitor = make_visitor(signed_in=False, credential=credential)
    response = visitor.get("/api/a", **ASKED)
    assert refusal(response) == (401, "login_needed")
    assert response.json["login"] == "/auth/login"
    assert backend.asked == []


def test_session_that_came_to_a_limit(make_visitor):
    """Who was signed out by a limit is told which."""
    with time_machine.travel(NOW, tick=False) as clock:
        visitor = make_visitor()
        clock.shift(3601)
        assert refusal(visitor.get("/api/a", **ASKED)) == (401, "session_idle")


# Whose token


def test_own_token(make_visitor, backend, monkeypatch):
    """The application's own token goes to a route that says so, for its scope and audience."""
    asked = []

    def service_token(provider, *, scope, audience):
        asked.append((provider, scope, audience))
        return "the-application-s-own-token"

    monkeypatch.setattr(module, "service_token", service_token)
    visitor = make_visitor(credential="own", scope="a b", audience="https://api.example")
    visitor.get("/api/a", **ASKED)
    assert asked == [("oidc", ("a", "b"), "https://api.example")]
    assert backend.tokens() == ["the-application-s-own-token"]
    backend.good = nothing
    assert visitor.get("/api/a", **ASKED).status_code == 401
    assert len(backend.asked) == 2


def test_no_token(make_visitor, backend):
    """A route without tokens needs no sign-in, sends none, and leaves caching to the backend."""
    visitor = make_visitor(signed_in=False, credential="none")
    backend.answer = Response("x", headers={"Cache-Control": "public, max-age=9"})
    response = visitor.get("/api/a", **ASKED, Authorization="Bearer mine")
    assert (response.status_code, backend.tokens()) == (200, [""])
    assert response.headers["Cache-Control"] == "public, max-age=9"
    backend.good = nothing
    assert visitor.get("/api/a", **ASKED).status_code == 401


def test_token_of_another_provider_stays_here(make_visitor, make_provider, provider, backend):
    """A person who signed in with another provider has no token for this API."""
    others = {"providers": [make_provider(), make_provider("other", "https://other.example")]}
    visitor = make_visitor(extension=others, provider="other", signed_in=False)
    visitor.sign_in("/auth/login/oidc")
    assert refusal(visitor.get("/api/a", **ASKED)) == (403, "proxy_other_provider")
    assert backend.asked == []


# Tokens that are refused


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def test_refused_token_is_refreshed_once(make_visitor, backend, provider, clock):
    """Where the backend refuses the token the request is sent once more with a new one, body and all."""
    visitor = make_visitor()
    old = held(visitor)
    clock.shift(NEW_SECONDS)
    backend.good = nothing
    told = []
    with tokens_refreshed.connected_to(lambda _app, login, **_: told.append(login), visitor.client.application):
        response = visitor.post("/api/a", b"a body", **POSTED)
    assert response.status_code == 401
    assert "WWW-Authenticate" not in response.headers
    assert backend.tokens() == [old, held(visitor)]
    assert backend.bodies == [b"a body"] * 2
    assert (provider.refreshes, len(told)) == (1, 1)


def test_refreshed_token_opens_the_api(make_visitor, backend, clock):
    """With the new token the page gets its answer, and sees nothing of it."""
    visitor = make_visitor()
    old = held(visitor)
    clock.shift(NEW_SECONDS)
    backend.good = lambda token: token != old
    response = visitor.get("/api/a", **ASKED)
    assert (response.status_code, response.text) == (200, "[]")


def test_new_token_is_not_refreshed_again(make_visitor, backend, provider, clock):
    """A backend that refuses every token must not cost a refresh each time."""
    visitor = make_visitor()
    backend.good = nothing
    for seconds, refreshes in ((NEW_SECONDS - 1, 0), (1, 1), (NEW_SECONDS - 1, 1), (1, 2)):
        clock.shift(seconds)
        assert visitor.get("/api/a", **ASKED).status_code == 401
        assert provider.refreshes == refreshes


def test_without_a_refresh_token_the_refusal_stands(make_visitor, backend, provider, clock):
    """Where nothing can be refreshed the page gets the backend's refusal, and the person stays signed in."""
    provider.token["refresh_token"] = None
    visitor = make_visitor()
    clock.shift(60)
    backend.good = nothing
    response = visitor.get("/api/a", **ASKED)
    assert (response.status_code, response.text, len(backend.asked)) == (401, "no", 1)
    assert visitor.who() == "Somchai"


def test_refresh_that_is_refused_ends_the_tokens(make_visitor, backend, provider, clock):
    """Where the provider says no, too, the page is told to sign in again."""
    visitor = make_visitor()
    clock.shift(60)
    backend.good = nothing
    provider.dead = True
    assert refusal(visitor.get("/api/a", **ASKED)) == (401, "tokens_ended")


# What is refused


@pytest.mark.parametrize(
    "path",
    [
        *("/api/../admin", "/api/%2e%2e/admin", "/api/a/%2E./b", "/api//evil.example/", "/api/@evil.example/"),
        *("/api/https://evil.example/", "/api/a%0d%0aX-Evil:1", "/api/a%5cb", "/api/a%2fb", "/api/%252e%252e/a"),
        *("/api/a%00", "/api/%ff"),
    ],
)
def test_tricks_of_the_path(visitor, backend, path):
    """Each must be refused with its code before anything is asked."""
    client = visitor.client
    environ = {"RAW_URI": path, "REQUEST_URI": path}
    response = client.get(path, headers=ASKED, base_url=LOCAL, environ_overrides=environ)
    assert refusal(response) == (400, "proxy_path_refused")
    assert backend.asked == []


def test_whole_address_in_the_first_line(visitor, backend):
    """A target that names a host must be refused, also one that names ours."""
    environ = {"RAW_URI": "http://localhost/api/a"}
    response = visitor.client.get("/api/a", headers=ASKED, base_url=LOCAL, environ_overrides=environ)
    assert refusal(response) == (400, "proxy_path_refused")
    assert backend.asked == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PATCH", "BREW"])
def test_method_that_is_not_offered(make_visitor, backend, method):
    """Each must be refused with its code, and with what is offered."""
    visitor = make_visitor(methods=["GET", "PUT"])
    response = visitor.get("/api/a", method=method, **POSTED)
    assert refusal(response) == (405, "proxy_method_refused")
    assert response.headers["Allow"] == "GET, HEAD, PUT"
    assert backend.asked == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upgrade": "websocket", "Connection": "Upgrade"}, 400, "proxy_header_refused"),
        ({"X-HTTP-Method-Override": "DELETE"}, 400, "proxy_header_refused"),
        ({"Accept": "a" * 20_000}, 431, "proxy_headers_too_large"),
    ],
)
def test_tricks_of_the_headers(visitor, backend, headers, status, code):
    """Each must be refused with its code."""
    assert refusal(visitor.get("/api/a", **ASKED, **headers)) == (status, code)
    assert backend.asked == []


def test_size(make_visitor, backend):
    """A body that is larger than the route takes must be refused before it is read."""
    visitor = make_visitor(max_body_bytes=10)
    assert visitor.post("/api/a", b"a" * 10, **POSTED).status_code == 200
    assert refusal(visitor.post("/api/a", b"a" * 11, **POSTED)) == (413, "proxy_body_too_large")
    assert backend.bodies == [b"a" * 10]


def test_address_that_is_too_long(visitor):
    """An address longer than servers take must be refused with its code."""
    assert refusal(visitor.get("/api/" + "a" * 9000, **ASKED)) == (414, "proxy_address_too_long")


# Bodies


def chunked(visitor, stream, **environ):
    """Post a body of unknown length."""
    return visitor.client.post(
        "/api/a",
        headers={**POSTED, "Transfer-Encoding": "chunked"},
        input_stream=stream,
        base_url=LOCAL,
        environ_overrides={"CONTENT_LENGTH": "", **environ},
        buffered=True,
    )


def test_body_without_a_length(visitor, backend):
    """A body whose length nobody knows goes on as it comes, where the server says where it ends."""
    response = chunked(visitor, BytesIO(b"x" * 200_000), **{"wsgi.input_terminated": True})
    assert response.status_code == 200
    assert backend.asked[0].headers["Transfer-Encoding"] == "chunked"


def test_body_that_nobody_knows_the_end_of(visitor, backend):
    """Where the server doesn't say, the body must be refused and not dropped in silence."""
    assert refusal(chunked(visitor, BytesIO(b"x"))) == (411, "proxy_length_missing")
    assert backend.asked == []


@pytest.mark.parametrize("coding", ["gzip, chunked", "chunked, chunked", "identity", "xchunked", ""])
def test_body_in_another_coding(visitor, backend, coding):
    """A body that was coded in more ways than chunks must be refused: the backend would not learn of it."""
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": coding}
    assert refusal(chunked(visitor, BytesIO(b"x"), **environ)) == (400, "proxy_header_refused")
    assert backend.asked == []


@pytest.mark.parametrize("length", ["5, 5", "+5", "-5", "5_0", "0x5", "\u0665", "5.0", "9" * 19])
def test_length_that_is_none(visitor, backend, length):
    """A body must not be dropped in silence because its length can't be read."""
    response = visitor.client.post(
        "/api/a",
        headers=POSTED,
        input_stream=BytesIO(b"hello"),
        base_url=LOCAL,
        environ_overrides={"CONTENT_LENGTH": length},
    )
    assert refusal(response) == (400, "proxy_header_refused")
    assert backend.asked == []


class Broken(BytesIO):
    """A body whose pieces are none, as servers tell it: each by an error of its own."""

    def read(self, _size=-1):
        msg = "Bad chunked transfer size"
        raise ValueError(msg)


def test_body_in_broken_pieces(visitor, backend):
    """A body that the server itself can't read is the browser's fault, whatever error the server has for that."""
    response = chunked(visitor, Broken(), **{"wsgi.input_terminated": True})
    assert refusal(response) == (400, "proxy_body_broken")
    assert backend.bodies == []


@pytest.mark.parametrize("terminated", [False, True])
@pytest.mark.parametrize("size", [10, 100_000])
def test_browser_that_breaks_off(visitor, backend, terminated, size):
    """Half a body must not pass for a whole one, whichever way the server tells."""
    response = visitor.client.post(
        "/api/a",
        headers=POSTED,
        input_stream=BytesIO(b"x" * (size - 1)),
        base_url=LOCAL,
        environ_overrides={"CONTENT_LENGTH": str(size), **({"wsgi.input_terminated": True} if terminated else {})},
    )
    assert refusal(response) == (400, "proxy_body_broken")
    assert [body for body in backend.bodies if len(body) == size] == []


@pytest.mark.parametrize(("size", "taken"), [(500_000, 500_000), (3 * LINGER_BYTES, LINGER_BYTES)])
def test_refused_body_is_taken_in(visitor, size, taken):
    """Some of a refused body is read, so that its sender hears the refusal; not all, whatever its size."""
    stream = BytesIO(b"x" * size)
    headers = {**POSTED, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    response = visitor.client.post("/api/a", headers=headers, input_stream=stream, content_length=size)
    assert refusal(response) == (403, "cross_site")
    assert stream.tell() == taken


# Backends that fail


def test_backend_that_is_away(make_visitor):
    """A backend that isn't there is an error with its code, and when to try again."""
    visitor = make_visitor(to="http://localhost:1")
    response = visitor.get("/api/a", **ASKED)
    assert refusal(response) == (503, "backend_unreachable")
    assert response.headers["Retry-After"] == "10"


def test_backend_that_is_silent(make_visitor, backend):
    """One that says nothing is waited for as long as the route says."""
    go_on = threading.Event()
    backend.answer = Response(b"" for _ in iter(lambda: not go_on.wait(5), False))
    try:
        visitor = make_visitor(idle_seconds=0.2)
        assert refusal(visitor.get("/api/a", **ASKED)) == (503, "backend_timeout")
    finally:
        go_on.set()
