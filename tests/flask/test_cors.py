import pytest
from tests.flask.double import HTTPS, Visitor, break_store

SPA = "https://spa.example.org"
EVIL = "https://evil.example"
ROUTES = {
    "/auth/session": "GET",
    "/auth/auth-url": "GET",
    "/auth/auth-url/oidc": "GET",
    "/auth/signon.mjs": "GET",
    "/auth/logout": "GET, POST",
    "/auth/sessions": "GET, POST",
}
ASKS = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Access-Control-Request-Method": "POST"}


@pytest.fixture
def visitor(make_app, op):
    app = make_app(SIGNON_BASE_URL=HTTPS, SIGNON_CORS_ORIGINS=f"{SPA} http://localhost:5173")
    return Visitor(app, op, at=HTTPS, headers={})


def cors_of(response):
    return {name: value for name, value in response.headers if name.startswith("Access-Control-")}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("origin", [SPA, "http://localhost:5173"])
def test_preflight_of_a_listed_origin(visitor, path, origin):
    """A listed origin is told what it may do here: that origin alone, with cookies, with our header."""
    response = visitor.get(path, method="OPTIONS", Origin=origin, **ASKS, Access_Control_Request_Headers="x-csrf")
    assert (response.status_code, response.data) == (204, b"")
    assert cors_of(response) == {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": ROUTES[path],
        "Access-Control-Allow-Headers": "X-CSRF, Content-Type",
        "Access-Control-Max-Age": "600",
    }
    assert "Origin" in response.vary


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "origin",
    [EVIL, "null", HTTPS, f"{SPA}.evil.example", f"{SPA}:8443", "http://spa.example.org", SPA.upper(), ""],
)
def test_preflight_of_any_other(visitor, path, origin):
    """Whoever is not on the list, exactly, is told nothing but no."""
    response = visitor.get(path, method="OPTIONS", Origin=origin, **ASKS)
    assert (response.status_code, response.json["code"]) == (403, "cross_site")
    assert cors_of(response) == {}
    assert "Origin" in response.vary


@pytest.mark.parametrize("origin", [EVIL, "null", HTTPS])
def test_preflight_of_an_old_browser(visitor, origin):
    """A preflight that doesn't say where it comes from is judged by its origin alone."""
    response = visitor.get("/auth/session", method="OPTIONS", Origin=origin, Access_Control_Request_Method="GET")
    assert (response.status_code, response.json["code"], cors_of(response)) == (403, "cross_site", {})


@pytest.mark.parametrize("path", ROUTES)
def test_options_that_are_no_preflight(visitor, path):
    """A plain OPTIONS says what methods there are."""
    response = visitor.get(path, method="OPTIONS")
    assert (response.status_code, cors_of(response)) == (204, {})
    assert set(response.headers["Allow"].split(", ")) == {*ROUTES[path].split(", "), "OPTIONS"}


@pytest.mark.parametrize("path", ["/auth/login", "/auth/callback/oidc", "/auth/signed-out", "/me", "/"])
def test_all_other_routes_are_nobody_elses(visitor, path):
    """Neither the routes of a sign-in nor the application's own are opened by the list."""
    for method in ("OPTIONS", "GET"):
        assert cors_of(visitor.get(path, method=method, Origin=SPA, **ASKS)) == {}


@pytest.mark.parametrize(
    ("path", "method", "csrf", "status"),
    [
        ("/auth/session", "GET", "1", 200),
        ("/auth/session", "GET", "", 403),
        ("/auth/auth-url/oidc", "GET", "1", 200),
        ("/auth/auth-url/nobody", "GET", "1", 404),
        ("/auth/logout", "POST", "1", 200),
        ("/auth/logout", "POST", "", 403),
        ("/auth/sessions", "GET", "1", 401),
        ("/auth/signon.mjs", "GET", "", 200),
    ],
)
def test_answers_and_refusals_can_be_read_by_listed_origins_only(visitor, path, method, csrf, status):
    """A listed frontend must be able to read a refusal, too; no other page reads either."""
    came = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "X-CSRF": csrf}
    response = visitor.get(path, method=method, Origin=SPA, **came)
    assert response.status_code == status
    assert cors_of(response) == {
        "Access-Control-Allow-Origin": SPA,
        "Access-Control-Allow-Credentials": "true",
    }
    assert "Origin" in response.vary
    other = visitor.get(path, method=method, Origin=EVIL, **came)
    assert cors_of(other) == {}
    assert "Origin" in other.vary


def test_failures_of_the_store_can_be_read(visitor, monkeypatch):
    """A frontend must see that the store is away, and not think that it was refused by its browser."""
    visitor.sign_in()
    break_store(visitor.client.application, monkeypatch)
    response = visitor.get("/auth/session", Origin=SPA, X_CSRF="1", Sec_Fetch_Site="cross-site")
    assert (response.status_code, response.json["code"]) == (503, "store_unavailable")
    assert response.headers["Access-Control-Allow-Origin"] == SPA


def test_without_a_list_there_is_nothing(make_app, op):
    """As long as nobody is listed, no answer can be read from elsewhere."""
    visitor = Visitor(make_app(SIGNON_BASE_URL=HTTPS), op, at=HTTPS, headers={})
    response = visitor.get("/auth/session", Origin=SPA, X_CSRF="1", Sec_Fetch_Site="cross-site")
    assert (response.status_code, response.json["code"], cors_of(response)) == (403, "cross_site", {})
