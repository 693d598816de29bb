import logging
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from flask import Flask, Request
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.flask.double import HTTPS, Visitor, code_of, query_of
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule
from werkzeug.test import EnvironBuilder

from signon.core.errors import OperatorError
from signon.flask.site import (
    MAX_NEXT_CHARACTERS,
    find_site,
    host_name,
    other_host_redirect,
    safe_next,
    site_at,
)
from signon.flask.state import KEY


def request_for(host="localhost:5000", path="/", *, root="", method="GET", query="", scheme="http", **headers):
    builder = EnvironBuilder(path=path, base_url=f"{scheme}://h{root}", method=method, query_string=query)
    environ = builder.get_environ()
    environ["HTTP_HOST"] = host
    environ.update({f"HTTP_{name.upper()}": value for name, value in headers.items()})
    return Request(environ)


@pytest.fixture
def settings_of(make_app):
    def find(**settings):
        return make_app(**settings).extensions[KEY].settings

    return find


@pytest.mark.parametrize(
    ("base_url", "origin", "prefix", "session_cookie", "transaction_cookie"),
    [
        ("https://app.example.org", "https://app.example.org", "", "__Host-signon", "__Host-"),
        ("https://app.example.org/a/b", "https://app.example.org", "/a/b", "__Host-signon", "__Host-"),
        ("https://app.example.org:8443", "https://app.example.org:8443", "", "__Host-signon", "__Host-"),
        ("https://App.Example.org:443", "https://app.example.org", "", "__Host-signon", "__Host-"),
        ("HTTPS://app.example.org", "https://app.example.org", "", "__Host-signon", "__Host-"),
        ("http://localhost", "http://localhost", "", "signon-80", "signon-80-"),
        ("http://localhost:80", "http://localhost", "", "signon-80", "signon-80-"),
        ("http://localhost:5000/a", "http://localhost:5000", "/a", "signon-5000", "signon-5000-"),
        ("http://[::1]:5000", "http://[::1]:5000", "", "signon-5000", "signon-5000-"),
    ],
)
def test_everything_follows_from_the_base_url(base_url, origin, prefix, session_cookie, transaction_cookie):
    """Origin (as browsers write it), path prefix, cookie names and flags must follow from the one address."""
    site = site_at(base_url)
    assert (site.origin, site.prefix) == (origin, prefix)
    assert (site.session_cookie, site.transaction_cookie) == (session_cookie, transaction_cookie)
    assert site.secure is base_url.lower().startswith("https")
    assert (site.path("/x"), site.url("/x")) == (f"{prefix}/x", f"{base_url}/x")


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("localhost", "http://localhost"),
        ("localhost:5000", "http://localhost:5000"),
        ("LOCALHOST:5000", "http://localhost:5000"),
        ("shop.localhost:5000", "http://shop.localhost:5000"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("127.9.8.7", "http://127.9.8.7"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("[::1]", "http://[::1]"),
    ],
)
def test_loopback_is_its_own_address(settings_of, host, base_url):
    """Without a base URL a request to this machine must use its own origin, with the path it is mounted at."""
    settings = settings_of()
    found = find_site(settings, request_for(host))
    assert (found.base_url, found.secure) == (base_url, False)
    assert find_site(settings, request_for(host, root="/shop")).base_url == f"{base_url}/shop"
    assert find_site(settings, request_for(host, scheme="https")).secure


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example"),
        *("evil.example:5000", "10.0.0.1", "128.0.0.1", "0.0.0.0", "[::2]", "[::ffff:10.0.0.1]", "notlocalhost"),
        *(
            "",
            "[::1",
            "[zz]",
            "localhost:",
            "localhost:99999",
            "localhost:x",
            "user@localhost",
            "a]b",
            "local host",
        ),
    ],
)
def test_other_hosts_are_refused_without_a_base_url(visitor, caplog, host):
    """Any other host must get 400 `base_url_missing` where the user is read and on our routes; the log names the
    setting; other pages work.
    """
    for path in ("/who", "/me", "/auth/login", "/auth/callback/oidc?state=x", "/auth/logout", "/auth/signed-out"):
        caplog.clear()
        response = visitor.get(path, Host=host or " ")
        assert (response.status_code, code_of(response)) == (400, "base_url_missing"), path
        assert not response.headers.getlist("Set-Cookie")
        (record,) = caplog.records
        assert (record.levelno, "SIGNON_BASE_URL" in record.getMessage()) == (logging.ERROR, True)
    assert visitor.get("/", Host=host or " ").text == "home"


def test_refusal_of_a_host_holds_for_every_answer_of_ours(visitor):
    """An error that comes before the host is looked at must still be a page of ours, and no crash."""
    for path, method in (("/auth/callback/oidc", "HEAD"), ("/auth/callback/oidc", "GET")):
        response = visitor.get(path, method=method, Host="evil.example", Sec_Purpose="prefetch")
        assert response.status_code == 405
    assert 'href="/"' in response.text


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:5000", "localhost"),
        ("[::1]:5000", "::1"),
        ("[::1]", "::1"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("", ""),
    ],
)
def test_host_name_is_read_from_a_header(header, name):
    """Port, brackets and case must not matter."""
    assert host_name(header) == name


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded"])
def test_forwarded_headers_are_ignored(visitor, name):
    """Without ProxyFix nothing of what a proxy, or anybody, says may change the address or a cookie."""
    value = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    location = visitor.start(**{name: value.get(name, "/evil")})
    assert query_of(location)["redirect_uri"] == "http://localhost/auth/callback/oidc"
    assert all(cookie.startswith("signon-80-") for cookie in visitor.transactions())


def test_forwarded_headers_count_through_the_applications_proxy_fix(make_app, op):
    """With ProxyFix the forwarded address must be this application's, its prefix included."""
    app = make_app()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_proto=1, x_prefix=1)
    visitor = Visitor(app, op)
    location = visitor.start(
        X_Forwarded_Host="shop.localhost", X_Forwarded_Proto="https", X_Forwarded_Prefix="/shop"
    )
    assert query_of(location)["redirect_uri"] == "https://shop.localhost/shop/auth/callback/oidc"
    assert all(name.startswith("__Host-") for name in visitor.transactions())


def test_mounted_application_signs_in(app, op):
    """Under a path of a server every address must have that path, and the sign-in must come back."""
    outer = Flask("outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/shop": app.wsgi_app})
    visitor = Visitor(outer, op)
    location = visitor.start("/shop/me")
    assert query_of(location)["redirect_uri"] == "http://localhost/shop/auth/callback/oidc"
    response = visitor.answer(location)
    assert response.headers["Location"] == "/shop/me"
    assert visitor.get("/shop/me").text == "me Somchai"


def test_path_of_the_base_url_is_before_every_address(make_app, op):
    """Where a proxy strips the path, the base URL alone must put it before addresses and links."""
    visitor = Visitor(make_app(SIGNON_BASE_URL=f"{HTTPS}/shop"), op, at=HTTPS)
    location = visitor.start("/me")
    assert query_of(location)["redirect_uri"] == f"{HTTPS}/shop/auth/callback/oidc"
    pairs = op.authorize(location)
    response = visitor.get(f"/auth/callback/oidc?code={pairs['code']}&state={pairs['state']}")
    assert response.headers["Location"] == "/shop/me"
    page = visitor.get("/auth/logout")
    assert 'action="/shop/auth/logout"' in page.text
    assert visitor.post("/auth/logout", Origin=HTTPS).headers["Location"].startswith("https://op.example/logout?")


@pytest.mark.parametrize("path", ["/auth/login?next=/me", "/auth/login/oidc?next=%2Fme", "/me", "/me?a=b&c"])
def test_sign_in_on_another_host_is_sent_home_once(secure, path):
    """A sign-in begun elsewhere must go to the base URL's host once, before any cookie; a mark ends the loop."""
    elsewhere = "http://10.0.0.1"
    response = secure.get(path, at=elsewhere)
    assert response.status_code == 302
    location = response.headers["Location"]
    assert location == f"{HTTPS}{path}{'&' if '?' in path else '?'}signon_host=1"
    assert not secure.cookies()
    again = secure.get(location.removeprefix(HTTPS), at=elsewhere)  # a proxy that rewrites Host
    assert again.headers["Location"].startswith("https://op.example/authorize?")
    assert secure.transactions()


@pytest.mark.parametrize(
    ("host", "path", "more", "target"),
    [
        ("localhost", "/me", {}, None),
        ("LOCALHOST:9999", "/me", {}, None),
        ("127.0.0.1", "/me", {}, "http://localhost:5000/me?signon_host=1"),
        ("127.0.0.1", "/me", {"query": "a=1"}, "http://localhost:5000/me?a=1&signon_host=1"),
        ("127.0.0.1", "/me", {"query": "signon_host=1"}, None),
        ("127.0.0.1", "/me", {"method": "POST"}, None),
        ("127.0.0.1", "/me", {"method": "HEAD"}, None),
        ("127.0.0.1", "/a b/ก", {}, "http://localhost:5000/a%20b/%E0%B8%81?signon_host=1"),
        ("evil.example", "//evil.example", {}, "http://localhost:5000//evil.example?signon_host=1"),
    ],
)
def test_only_another_host_name_redirects(host, path, more, target):
    """The redirect must be for a GET on another host name, once, and lead to the base URL whatever the path."""
    request = request_for(host, "/", **more)
    request.path = path
    assert other_host_redirect(site_at("http://localhost:5000"), request) == target


SAFE = {
    "/": "/",
    "/me": "/me",
    "/me?x=1&y=2": "/me?x=1&y=2",
    "/me?next=//evil.example": "/me?next=//evil.example",
    "/me?u=https://evil.example/": "/me?u=https://evil.example/",
    "/a/b/c": "/a/b/c",
    "/tree/": "/tree/",
    "/@somebody": "/@somebody",
    "/a:b": "/a:b",
    "/a;b=c": "/a;b=c",
    "/a%20b": "/a%20b",
    "/ค้นหา?q=ก": "/%E0%B8%84%E0%B9%89%E0%B8%99%E0%B8%AB%E0%B8%B2?q=%E0%B8%81",
    "/...": "/...",
    "/.well-known/x": "/.well-known/x",
    "/authors": "/authors",
    "/auth": "/auth",
    "/auth/loginx": "/auth/loginx",
}
HOSTILE = [
    *("", " ", "me", "me/..", "?x", "#x", ".", "..", "./me", "../me"),
    *("//evil.example", "///evil.example", "////evil.example/", "//evil.example/%2f..", "/ /evil.example"),
    *("/\\evil.example", "\\/evil.example", "\\\\evil.example", "/\\/evil.example", "/%5cevil.example"),
    *("/%5C/evil.example", "/me\\..\\x", "/me?x=\\\\evil", "/me?x=%5c%5cevil"),
    *(
        "https://evil.example",
        "http:evil.example",
        "https:/evil.example",
        "HTTPS://evil.example",
        "//evil%E3%80%82example",
    ),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "java\nscript:alert(1)"),
    *(
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "\t//evil.example",
        "/\x00/evil.example",
        "/\x7f",
    ),
    *("/%09/evil.example", "/%0a/evil.example", "/%0d%0aSet-Cookie:x=y", "/%00", "/%7f", "/me?x=%0d%0aX:y"),
    *("/me\r\nSet-Cookie: x=y", "/me\n", "/me ", "/me x"),
    *("http://app.example.org@evil.example", "//app.example.org@evil.example", "//user:pw@evil.example/"),
    *("//[::1]", "//[::1]/me", "http://[::1]:80/", "//127.0.0.1", "//2130706433", "//0x7f.1"),
    *("http://app.example.org.evil.example", "https://app.example.org", "//app.example.org/me"),
    *("/..//evil.example", "/./me", "/../me", "/me/..", "/me/.", "/me/../..//evil.example"),
    *("/%2e%2e/me", "/%2E/me", "/.%2e/me", "/me/%2e%2e", "/%2e%2e//evil.example"),
    *("/me//evil.example", "/me//", "//", "/me?x=\x01", "/me#x", "/me#//evil.example", "/<script>", '/"x', "/`x`"),
    *("/{x}", "/x|y", "/x^y", "/me?x=<script>", "\uff0f\uff0fevil.example", "\u2028/me"),
    *("/" + "x" * 8192, "/me?x=" + "y" * 600, "/" + "ก" * 100),
    *(
        "/auth/login",
        "/%2F",
        "/%2fevil.example",
        "/me/%2f",
        "/%2e%2fme",
        "/auth/login/oidc",
        "/auth/login?next=/auth/login",
        "/auth/login/anybody",
    ),
    *("/auth/signup", "/auth/logout", "/auth/logout?x=1", "/auth/callback/oidc", "/auth/callback/oidc?code=x"),
    *("/auth/logout/callback/oidc", "/auth/signed-out", "/auth/jwks.json", "/%61uth/login", "/auth/%6Cogin"),
    *("/auth%2flogin", "/auth/logi%6E", "/auth/login/%E0%B8%81"),
]


@pytest.mark.parametrize("text", SAFE)
def test_plain_path_is_a_return_path(app, text):
    """A path of the application must come back as it is, what isn't ASCII encoded."""
    assert safe_next(app, site_at("http://localhost:5000"), text) == SAFE[text]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("base_url", ["https://app.example.org", "https://app.example.org/shop"])
def test_anything_else_is_no_return_path(app, text, base_url):
    """Other origins in every spelling, hidden characters, dot segments, long ones and our routes are refused."""
    site = site_at(base_url)
    assert safe_next(app, site, text) is None
    if text.startswith("/auth"):
        assert safe_next(app, site, f"{site.prefix}{text}") is None


def test_no_text_is_no_return_path(app):
    """No `next` at all must be none."""
    assert safe_next(app, site_at("http://localhost:5000"), None) is None


def test_length_of_a_return_path_is_bounded(app):
    """The longest return path must pass, and one character more must not."""
    site = site_at("http://localhost:5000")
    longest = "/" + "x" * (MAX_NEXT_CHARACTERS - 1)
    assert safe_next(app, site, longest) == longest
    assert safe_next(app, site, f"{longest}x") is None


def test_tidier_spelling_of_a_page_is_its_own(app):
    """A page whose address gets a slash must be a return path; a route of ours that does must not."""
    site = site_at("http://localhost:5000")
    assert safe_next(app, site, "/tree") == "/tree"


def test_route_of_ours_with_a_slash_is_refused(make_app):
    """A route of ours must be refused also in the spelling that only redirects to it."""
    app = make_app(SIGNON_LOGIN_PATH="/enter/")
    app.url_map.add(Rule("/there", redirect_to="/back"))
    app.url_map.add(Rule("/back", redirect_to="/there"))
    for path in ("/enter", "/there"):
        assert safe_next(app, site_at("http://localhost:5000"), path) is None


def test_a_sign_in_may_lead_back_to_the_list_of_sessions(app):
    """The list of one's sessions starts and ends no sign-in: whoever signs in for it comes back to it."""
    assert safe_next(app, site_at("http://localhost:5000"), "/auth/sessions") == "/auth/sessions"


def is_ours(app, path):
    try:
        endpoint, _ = app.url_map.bind("localhost").match(path, method="GET")
    except HTTPException:
        return False
    return endpoint.startswith("signon.") and endpoint != "signon.sessions"


PIECES = st.sampled_from(
    [
        *(
            "/",
            "//",
            "\\",
            ".",
            "..",
            "%2e",
            "%2f",
            "%5c",
            "%0d%0a",
            "%09",
            "\t",
            "\n",
            "\x00",
            "?",
            "#",
            "@",
            ":",
        ),
        *("evil.example", "localhost", "auth", "login", "logout", "callback", "oidc", "me", "http:", "https://"),
        *("javascript:", "[::1]", "ก", "\u2028", "\ud800", "%", "%zz", ";", "&", "=", " ", "next=", "\uff0f"),
    ]
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example(text="/\\evil.example")
@example(text="/auth/login")
@given(
    text=st.one_of(
        st.text(), st.lists(PIECES, max_size=8).map("".join), st.lists(PIECES).map("".join).map("/".__add__)
    )
)
@pytest.mark.parametrize("base_url", ["https://app.example.org", "https://app.example.org/shop"])
def test_return_path_stays_at_home(app, base_url, text):
    """Whatever is given, what comes back stays on the origin, on one line, and is no route of ours."""
    site = site_at(base_url)
    path = safe_next(app, site, text)
    if path is None:
        return
    assert path.isascii()
    assert path.isprintable()
    target = urlsplit(urljoin(f"{site.base_url}/auth/callback/oidc", path))
    assert f"{target.scheme}://{target.netloc}" == site.origin
    plain = unquote(target.path)
    assert not plain.startswith("//")
    assert "\\" not in plain
    assert not is_ours(app, plain)
    assert not is_ours(app, plain.removeprefix(site.prefix))
    assert safe_next(app, site, path) == path, "a return path is judged twice, to the same end"


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\n" not in text and "\r" not in text][:60])
def test_hostile_next_leads_home(visitor, text):
    """A whole sign-in with a hostile `next` must end on the application's own start page."""
    location = visitor.start(f"/auth/login?next={quote(text, errors='replace')}")
    assert "evil" not in location
    assert visitor.answer(location).headers["Location"] == "/"


def test_missing_base_url_is_the_operators_error(settings_of):
    """The error must be an operator's, with what the host was, cut and printable."""
    with pytest.raises(OperatorError) as caught:
        find_site(settings_of(), request_for("x" * 500 + ".example"))
    assert (caught.value.code, caught.value.status) == ("base_url_missing", 400)
    assert len(str(caught.value)) < 400
