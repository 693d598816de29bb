import pytest
from flask import Flask
from tests.flask.double import FETCHED, LOCAL, Visitor

from signon.core.errors import ConfigurationError
from signon.flask.proxy import METHODS, proxy
from signon.service.proxy import IDLE_SECONDS, MAX_BODY_BYTES

TO = "https://backend.example/v1"


@pytest.fixture
def routes(monkeypatch):
    """The routes that are made, and a view that says which one was asked."""
    made = []

    def forwarded(route, _tokens):
        made.append(route)
        return route.prefix

    monkeypatch.setattr("signon.flask.proxy.forwarded", forwarded)
    return made


def problems(app, prefix="/api", **given):
    with pytest.raises(ConfigurationError) as caught:
        proxy(app, prefix, **{"to": TO, **given})
    return caught.value.problems


def test_route_as_it_is_described(app, routes):
    """Each argument must get into the route; GET brings HEAD; an address is one without a slash at its end."""
    app.signon.proxy(
        app, "/api", to=f"{TO}/", methods=["GET", "POST"], headers=["X-Tenant"], max_body_bytes=7, idle_seconds=9
    )
    app.test_client().get("/api/orders")
    (route,) = routes
    assert (route.prefix, route.to, route.max_body_bytes) == ("/api", TO, 7)
    assert route.methods == {"GET", "HEAD", "POST"}
    assert route.headers == {"x-tenant"}
    assert route.upstream._idle.seconds_left() == 9


def test_little_is_offered_unless_it_is_said(app, routes):
    """Without arguments reading is offered, and no more; limits are there."""
    proxy(app, "/api", to=TO)
    proxy(app, "/send", to=TO, methods=["POST"])
    for prefix in ("/api", "/send"):
        app.test_client().get(prefix)
    route, sending = routes
    assert (route.methods, route.headers) == ({"GET", "HEAD"}, frozenset())
    assert route.max_body_bytes == MAX_BODY_BYTES
    assert route.upstream._idle.seconds_left() == IDLE_SECONDS
    assert sending.methods == {"POST"}


@pytest.mark.usefixtures("routes")
@pytest.mark.parametrize("method", [*METHODS, "OPTIONS", "TRACE", "PROPFIND", "BREW"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/a", "/api//evil.example", "/api/../a", "/api/a//b"])
def test_every_method_and_path_below_the_prefix_is_ours_to_judge(app, path, method):
    """Nothing may tidy a path up, or redirect, or answer for us, before we have judged it."""
    proxy(app, "/api", to=TO)
    response = app.test_client().open(path, method=method, base_url=LOCAL)
    assert response.status_code == (204 if method == "OPTIONS" else 200)
    assert response.text == ("" if method in {"HEAD", "OPTIONS"} else "/api")


@pytest.mark.usefixtures("routes")
def test_slashes_before_the_prefix(app):
    """Nor may a path that needs tidying before its prefix be redirected: it is judged, too."""
    proxy(app, "/api", to=TO)
    response = app.test_client().get("/", environ_overrides={"PATH_INFO": "//api/a"})
    assert (response.status_code, response.text) == (200, "/api")


@pytest.mark.usefixtures("routes")
def test_what_is_not_below_the_prefix_is_the_applications(app):
    """Other paths, and the application's own below the prefix, stay what they are."""
    app.add_url_rule("/api/health", "health", lambda: "fine")
    proxy(app, "/api", to=TO)
    client = app.test_client()
    assert client.get("/api/health").text == "fine"
    assert client.get("/apis").status_code == 404
    assert client.get("/api@evil.example/").status_code == 404
    assert client.get("/who").text == "nobody"


@pytest.mark.usefixtures("routes")
def test_several_routes(app):
    """An application may offer several, the longer prefix first."""
    proxy(app, "/api", to=TO)
    proxy(app, "/api/other", to="https://other.example")
    client = app.test_client()
    assert client.get("/api/a").text == "/api"
    assert client.get("/api/other/a").text == "/api/other"


def test_protected_application_protects_its_routes(app, op):
    """Where everything is closed these are, too, also one that sends no token."""
    app.signon.protect(app)
    proxy(app, "/api", to=TO, credential="none")
    response = Visitor(app, op).get("/api/a", **FETCHED, X_CSRF="1")
    assert (response.status_code, response.json["code"]) == (401, "login_needed")


def test_flask_wtf_leaves_them_alone(app, routes):
    """A form's token is asked for by nobody here: the header is, which is stricter."""

    class Protection:
        def __init__(self):
            self.exempted = []

        def exempt(self, routes):
            self.exempted.append(routes.name)

    app.extensions["csrf"] = protection = Protection()
    proxy(app, "/api", to=TO)
    app.test_client().post("/api/a")
    assert protection.exempted == [next(name for name in app.blueprints if name.startswith("signon_proxy"))]
    assert routes


@pytest.mark.parametrize(
    "prefix", ["", "/", "api", "/api/", "//api", "/a//b", "/<x>", "/a?b", "/a b", "/a%2f", "/a\\b"]
)
def test_prefix_must_be_a_path(app, prefix):
    """A prefix that is none is told at the start."""
    assert problems(app, prefix) == (f"proxy({prefix!r}): the prefix must be a path such as /api",)


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("http://backend.example", "is not https, and its host is not this machine"),
        ("https://user@backend.example", "has user information in it (RFC 9110 4.2.4)"),
        ("https://backend.example?a=b", "has a query"),
        ("backend.example", "is not an https address"),
        ("https://backend.example:x", "is not a URL (RFC 3986 3)"),
    ],
)
def test_backend_must_have_a_safe_address(app, to, why):
    """Tokens go only where nobody on the way can read them."""
    assert problems(app, to=to) == (f"proxy('/api'): the address of the backend {why}",)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"methods": ["TRACE"]}, "the method 'TRACE' is none of GET, HEAD, POST, PUT, PATCH, DELETE"),
        ({"methods": ["get"]}, "the method 'get' is none of GET, HEAD, POST, PUT, PATCH, DELETE"),
        ({"headers": ["Cookie"]}, "the header 'Cookie' never goes on from a browser to a backend"),
        ({"headers": ["a b"]}, "the header 'a b' is no name of a header (RFC 9110 5.1)"),
        ({"credential": "theirs"}, "the credential 'theirs' is none of user, own, none"),
        ({"provider": "nobody"}, "provider must name one of oidc"),
    ],
)
def test_arguments_are_checked(app, given, why):
    """What can't be, or must not be, is told at the start."""
    assert problems(app, **given) == (f"proxy('/api'): {why}",)


def test_all_problems_together(app):
    """Everything that is wrong is told at once."""
    assert len(problems(app, "api", to="x", methods=["A", "B"], headers=["host"], credential="")) == 6


def test_with_several_providers_one_must_be_named(make_app, make_provider, routes):
    """A token must not get to an API that knows another provider; without tokens there is nothing to name."""
    app = make_app({"providers": [make_provider(), make_provider("other", "https://other.example")]})
    assert problems(app) == ("proxy('/api'): provider must name one of oidc, other",)
    proxy(app, "/api", to=TO, provider="other")
    proxy(app, "/open", to=TO, credential="none")
    assert app.test_client().get("/open").text == "/open"
    assert routes


def test_application_needs_a_sign_on_first():
    """Without one the error says what to call."""
    with pytest.raises(RuntimeError, match="call its init_app"):
        proxy(Flask("bare"), "/api", to=TO)
