"""Who may act at once: the rules by what browsers say of where a request comes from, as tables of headers."""

from itertools import product

import pytest
from flask import Request, g
from tests.flask.double import CLICKED, FETCHED, HTTPS, LINKED, LOCAL, TYPED, Visitor, code_of
from werkzeug.test import EnvironBuilder

from signon.core.errors import SuspectError
from signon.flask.crosssite import (
    EXEMPT,
    check_fetch,
    check_unsafe,
    is_fetch,
    is_foreign_post,
    is_own_navigation,
    is_own_post,
    is_speculative,
    judge_login,
    wants_page,
)
from signon.flask.site import site_at
from signon.flask.state import KEY

HOME = site_at(HTTPS)
SPA = "https://spa.example.org"
SITES = (None, "same-origin", "none", "same-site", "cross-site", "something-new")
MODES = (None, "navigate", "cors", "no-cors", "same-origin", "websocket")
DESTS = (None, "document", "iframe", "image", "empty")


def request_with(method="GET", **headers):
    sent = [(name.replace("_", "-"), value) for name, value in headers.items() if value is not None]
    return Request(EnvironBuilder(method=method, base_url=HTTPS, headers=sent).get_environ())


@pytest.fixture
def settings(make_app):
    return (
        make_app(SIGNON_BASE_URL=HTTPS, SIGNON_CORS_ORIGINS=f"{SPA} http://localhost:3000")
        .extensions[KEY]
        .settings
    )


def passes(settings, **headers):
    try:
        check_unsafe(request_with("POST", **headers), HOME, settings)
    except SuspectError:
        return False
    return True


ORIGINS = (
    None,
    "null",
    HTTPS,
    SPA,
    "http://app.example.org",
    f"{HTTPS}:8443",
    f"{HTTPS}.evil.example",
    "https://evil.example",
)


def test_unsafe_method(settings):
    """`Sec-Fetch-Site` decides where present: own pages, else a listed Origin *and* `X-CSRF: 1`. Where it is
    absent the Origin must be the base URL's; a missing one and `null` are not.
    """
    wrong = []
    for where, origin, csrf in product(SITES, ORIGINS, (None, "1", "0", "")):
        own = where in {"same-origin", "none"}
        listed = where is not None and origin == SPA and csrf == "1"
        expected = own or listed or (where is None and origin == HTTPS)
        if passes(settings, Sec_Fetch_Site=where, Origin=origin, X_CSRF=csrf) is not expected:
            wrong.append((where, origin, csrf))
    assert not wrong


def test_origin_is_compared_as_browsers_write_it(make_app):
    """Capital letters and a default port in the base URL must not lock the application's own pages out."""
    app = make_app(SIGNON_BASE_URL="https://App.Example.org:443")
    check_unsafe(
        request_with("POST", Origin=HTTPS), site_at("https://App.Example.org:443"), app.extensions[KEY].settings
    )
    assert Visitor(app, None, at=HTTPS).post("/auth/logout", Origin=HTTPS).status_code == 303


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": LOCAL}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://localhost"}, False),
        ({"Origin": f"{LOCAL}:5000"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": LOCAL}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": LOCAL}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "X-CSRF": "1"}, False),
    ],
)
def test_forced_sign_out_is_refused(visitor, headers, allowed):
    """A sign-out that another site's page posts must change nothing; ours, and a plain client's, must work."""
    visitor.sign_in()
    response = visitor.post("/auth/logout", **headers)
    assert (response.status_code == 303) is allowed
    assert (visitor.who() == "nobody") is allowed
    if not allowed:
        assert (response.status_code, code_of(response)) == (403, "cross_site")


def test_only_a_click_of_our_own_signs_out_by_get():
    """A GET sign-out acts at once for a same-origin navigation of a document that isn't looked at ahead."""
    names = ("Sec_Fetch_Site", "Sec_Fetch_Mode", "Sec_Fetch_Dest", "Sec_Purpose")
    acting = [
        (method, *values)
        for method in ("GET", "HEAD")
        for values in product(SITES, MODES, DESTS, (None, "prefetch", "prefetch;prerender", ""))
        if is_own_navigation(request_with(method, **dict(zip(names, values, strict=True))))
    ]
    assert acting == [("GET", "same-origin", "navigate", "document", None)]


@pytest.mark.parametrize(
    ("headers", "at_once"),
    [
        (CLICKED, True),
        ({}, False),
        (TYPED, False),
        (LINKED, False),
        (FETCHED, False),
        ({**CLICKED, "Sec-Fetch-Site": "same-site"}, False),
        ({**CLICKED, "Sec-Fetch-Dest": "iframe"}, False),
        ({**CLICKED, "Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, False),
        ({**CLICKED, "Sec-Purpose": "prefetch"}, False),
    ],
)
def test_get_sign_out_acts_or_asks(visitor, headers, at_once):
    """Whatever isn't a click of our own gets a page whose form posts to the same path; nothing has ended."""
    visitor.sign_in()
    response = visitor.get("/auth/logout", **headers)
    assert response.status_code == (303 if at_once else 200)
    assert (visitor.who() == "nobody") is at_once
    if not at_once:
        assert '<form method="post" action="/auth/logout">' in response.text
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert visitor.post("/auth/logout", Origin=LOCAL).status_code == 303
        assert visitor.who() == "nobody"


def test_head_of_the_sign_out_changes_nothing(visitor):
    """A link checker's HEAD must leave the session alone."""
    visitor.sign_in()
    assert visitor.head("/auth/logout", **CLICKED).status_code == 200
    assert visitor.who() == "Somchai"


@pytest.mark.parametrize("where", SITES)
@pytest.mark.parametrize("dest", DESTS)
def test_login_route(where, dest):
    """A GET starts for our pages, typed addresses and plain clients; other sites' links get a button; anything
    but a document is refused.
    """
    request = request_with(Sec_Fetch_Site=where, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest=dest)
    if dest not in {None, "document"}:
        with pytest.raises(SuspectError) as caught:
            judge_login(request)
        assert (caught.value.code, caught.value.status) == ("cross_site", 403)
    else:
        assert judge_login(request) == ("start" if where in {None, "same-origin", "none"} else "ask")


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender", "preview", ""])
@pytest.mark.parametrize("headers", [{}, TYPED, CLICKED, LINKED])
def test_login_is_not_looked_at_ahead(visitor, headers, purpose):
    """Any `Sec-Purpose`, and a HEAD, must get 403 and no cookie."""
    sent = dict(headers)
    visitor.headers = {**visitor.headers, **sent}
    response = visitor.client.get("/auth/login", headers={**visitor.headers, "Sec-Purpose": purpose})
    assert (response.status_code, code_of(response)) == (403, "cross_site")
    assert not visitor.transactions()
    assert visitor.head("/auth/login").status_code == 403
    assert not visitor.transactions()


@pytest.mark.parametrize("path", ["/auth/login", "/auth/login/oidc"])
@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_link_on_another_site_gets_a_button(visitor, path, site):
    """A link elsewhere must start nothing by itself: one button, which keeps the return path and then starts."""
    response = visitor.get(f"{path}?next=/me", **{**LINKED, "Sec-Fetch-Site": site})
    assert response.status_code == 200
    assert not visitor.transactions()
    assert response.text.count('href="/auth/login/oidc?next=%2Fme"') == 1
    location = visitor.start("/auth/login/oidc?next=%2Fme", **CLICKED)
    assert visitor.answer(location).headers["Location"] == "/me"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_login_is_started_by_get_only(visitor, method):
    """Other methods must start nothing."""
    assert visitor.get("/auth/login", method=method, Origin=LOCAL).status_code == 405


@pytest.mark.parametrize(
    ("where", "origin", "foreign"),
    [
        (None, None, False),
        (None, HTTPS, False),
        (None, "null", True),
        (None, "https://op.example", True),
        ("same-origin", HTTPS, False),
        ("same-origin", "null", False),
        ("none", None, False),
        ("same-site", HTTPS, True),
        ("cross-site", "https://op.example", True),
        ("cross-site", None, True),
    ],
)
def test_post_of_another_site(where, origin, foreign):
    """A POST that comes without our Lax cookies must be told from one of our own page."""
    assert is_foreign_post(request_with("POST", Sec_Fetch_Site=where, Origin=origin), HOME) is foreign


@pytest.mark.parametrize(
    ("where", "origin", "own"),
    [
        (None, None, False),
        (None, HTTPS, True),
        (None, "null", False),
        ("same-origin", HTTPS, True),
        ("none", None, True),
        ("same-site", HTTPS, False),
        ("cross-site", HTTPS, False),
    ],
)
def test_post_of_our_own(where, origin, own):
    """Only a POST that is ours for certain may start something."""
    assert is_own_post(request_with("POST", Sec_Fetch_Site=where, Origin=origin), HOME) is own


@pytest.mark.parametrize(
    ("method", "purpose", "speculative"),
    [
        ("GET", None, False),
        ("POST", None, False),
        ("HEAD", None, True),
        ("GET", "prefetch", True),
        ("GET", "", True),
    ],
)
def test_looking_ahead(method, purpose, speculative):
    """HEAD and any `Sec-Purpose` only look ahead."""
    assert is_speculative(request_with(method, Sec_Purpose=purpose)) is speculative


@pytest.mark.parametrize(
    ("mode", "accept", "page"),
    [
        ("navigate", None, True),
        ("navigate", "application/json", True),
        ("cors", "text/html", False),
        ("no-cors", "text/html", False),
        (None, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", True),
        (None, "application/json", False),
        (None, "*/*", False),
        (None, None, False),
    ],
)
def test_who_gets_a_page(mode, accept, page):
    """A navigation gets pages; without Fetch Metadata, whoever asks for HTML by name; all others get JSON."""
    assert wants_page(request_with(Sec_Fetch_Mode=mode, Accept=accept)) is page


@pytest.mark.parametrize("dest", [*DESTS, "object", "embed"])
@pytest.mark.parametrize("where", SITES)
def test_frames_of_other_sites_get_no_page(where, dest):
    """A frame in another site's page is no person who goes there: no sign-in may start in it."""
    asked = request_with(Sec_Fetch_Mode="navigate", Sec_Fetch_Site=where, Sec_Fetch_Dest=dest)
    assert wants_page(asked) is (dest in {None, "document"} or where in {"same-origin", "none"})


def test_protected_page_in_a_frame(visitor):
    """A page that needs a sign-in starts none in another site's frame; in one of our own it does."""
    framed = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    for where, status in (("same-site", 401), ("cross-site", 401), ("same-origin", 302)):
        response = visitor.get("/me", **framed, Sec_Fetch_Site=where)
        assert (response.status_code, bool(visitor.transactions())) == (status, status == 302)


OURS = ("/auth/login", "/auth/logout", "/auth/signed-out", "/auth/session", "/auth/sessions", "/auth/signon.mjs")


@pytest.mark.parametrize("path", OURS)
@pytest.mark.parametrize("where", ["same-site", "cross-site", "something-new"])
@pytest.mark.parametrize(
    ("mode", "dest"),
    [
        *(("no-cors", dest) for dest in ("image", "script", "style", "empty")),
        *(("navigate", dest) for dest in ("iframe", "object", "embed", "frame")),
        *(("cors", dest) for dest in ("empty", "script", "image")),
        ("same-origin", "worker"),
        ("websocket", "websocket"),
    ],
)
def test_pieces_of_other_sites_pages(visitor, path, where, mode, dest):
    """What another site's page loads into itself is refused alike, whoever is signed in."""
    sent = {
        "Sec-Fetch-Site": where,
        "Sec-Fetch-Mode": mode,
        "Sec-Fetch-Dest": dest,
        "Origin": "https://evil.example",
    }
    response = visitor.get(path, **sent)
    assert (response.status_code, response.json["code"]) == (403, "cross_site")
    assert "Origin" in response.vary


def test_refusal_comes_after_the_applications_hooks(app, visitor):
    """What an application prepares before each request must be there when it looks at each answer."""
    app.before_request(lambda: setattr(g, "prepared", "so"))

    @app.after_request
    def note(response):
        response.headers["X-Prepared"] = g.prepared
        return response

    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    response = visitor.get("/auth/sessions", **framed)
    assert (response.status_code, response.headers["X-Prepared"]) == (403, "so")


def test_pages_that_lead_here(visitor):
    """Links, plain clients and a provider's frame are not pieces of another site's page."""
    for sent in (LINKED, TYPED, {}, {"Sec-Fetch-Site": "cross-site"}):
        assert visitor.get("/auth/logout", **sent).status_code == 200
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert code_of(visitor.get("/auth/frontchannel-logout/oidc", **framed)) != "cross_site"


def test_exempt_routes_are_the_providers_own(app):
    """Each name on the list of exempt routes must be one of a route that providers send people to."""
    endpoints = {rule.endpoint.removeprefix("signon.") for rule in app.url_map.iter_rules()}
    assert all(any(endpoint.startswith(name) for endpoint in endpoints) for name in EXEMPT)


def fetch_code(settings, *, origin_will_do=False, **headers):
    try:
        check_fetch(request_with(**headers), HOME, settings, origin_will_do=origin_will_do)
    except SuspectError as error:
        return error.code
    return None


@pytest.mark.parametrize("origin_will_do", [False, True])
def test_scripts_that_may_ask(settings, origin_will_do):
    """Scripts of this origin and of listed ones may ask, with the header; where the origin will do, listed ones
    without it, too. Pages of all others are told apart from those that only lack the header.
    """
    wrong = []
    for where, origin, csrf in product(SITES, ORIGINS, (None, "1", "0", "")):
        listed = origin == SPA
        own = where in {"same-origin", "none"} or (where is None and origin in {None, HTTPS})
        expected = None
        if not own and not listed:
            expected = "cross_site"
        elif csrf != "1" and not (listed and origin_will_do):
            expected = "csrf_header_missing"
        headers = {"Sec_Fetch_Site": where, "Origin": origin, "X_CSRF": csrf}
        if fetch_code(settings, origin_will_do=origin_will_do, **headers) != expected:
            wrong.append(headers)
    assert not wrong


def test_own_scripts_that_know_no_header(settings):
    """Where the origin will do, a script of this origin needs no header, by the browser's word alone: behind one
    host a frontend's GET has no Origin. Links, pictures and whatever only looks ahead in our pages do need it.
    """
    wrong = []
    for where, mode, dest in product(
        SITES, (None, "cors", "same-origin", "no-cors", "navigate"), (None, "empty", "image", "script", "document")
    ):
        own = where == "same-origin" and mode in {"cors", "same-origin"} and dest == "empty"
        headers = {"Sec_Fetch_Site": where, "Sec_Fetch_Mode": mode, "Sec_Fetch_Dest": dest}
        if (fetch_code(settings, origin_will_do=True, **headers) is None) != own:
            wrong.append(headers)
        if fetch_code(settings, **headers) is None:
            wrong.append(headers)
    assert not wrong


def test_scripts_never_get_a_page():
    """Who sends the header is a script, whatever else it sends: it gets JSON, and is sent nowhere."""
    for headers in (TYPED, CLICKED, {"Accept": "text/html"}):
        sent = {name.replace("-", "_"): value for name, value in headers.items()}
        assert wants_page(request_with(**sent))
        assert is_fetch(request_with(**sent, X_CSRF="1"))
        assert not wants_page(request_with(**sent, X_CSRF="1"))
