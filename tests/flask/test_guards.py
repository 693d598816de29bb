import inspect

import pytest
import time_machine
from flask import Blueprint, Flask, url_for
from tests.flask.double import (
    CLICKED,
    FETCHED,
    LINKED,
    LOCAL,
    TYPED,
    Visitor,
    by_hand,
    code_of,
    query_of,
)

from signon.core.claims import LEEWAY_SECONDS
from signon.core.person import Login, Person
from signon.flask import current_user, fresh_login_required, login_required, roles_required
from signon.flask.guards import is_fresh
from signon.flask.testing import sign_in

NOW = 1_800_000_000


# login_required


@pytest.mark.parametrize("headers", [{}, TYPED, CLICKED, LINKED])
@pytest.mark.parametrize("path", ["/me", "/me?x=1&y=2", "/wide/a/b", "/recent", "/staff"])
def test_navigation_is_sent_to_the_provider(visitor, path, headers):
    """A browser that navigates goes straight to the provider, and comes back to the page with its query."""
    response = visitor.get(path, **headers)
    assert response.status_code == 302
    location = response.headers["Location"]
    assert location.startswith("https://op.example/authorize?")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert visitor.answer(location).headers["Location"] == path


@pytest.mark.parametrize(
    "headers",
    [
        FETCHED,
        {**FETCHED, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Accept": "application/json"},
        {"Accept": "*/*"},
        {"Accept": ""},
        {**CLICKED, "Sec-Purpose": "prefetch"},
    ],
)
@pytest.mark.parametrize("path", ["/me", "/recent", "/staff"])
def test_anything_else_gets_problem_json(visitor, path, headers):
    """What isn't a navigation gets 401 with a code and the way to sign in; nothing has started."""
    response = visitor.get(path, **headers)
    assert (response.status_code, code_of(response)) == (401, "login_needed")
    assert not visitor.transactions()
    if response.is_json:
        assert response.json["login"] == "/auth/login"


def test_head_starts_nothing(visitor):
    """A HEAD of a closed page must be refused without a sign-in."""
    response = visitor.head("/me")
    assert response.status_code == 401
    assert not visitor.transactions()


def test_form_that_was_sent_is_not_sent_again(visitor):
    """After a POST the sign-in ends at the start page: a form can't be sent again."""
    response = visitor.post("/me", data={"secret": "a-form-field"})
    assert response.status_code == 302
    assert "a-form-field" not in response.text
    assert visitor.answer(response.headers["Location"]).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("asked", "landing"),
    [
        ("/wide/caf%C3%A9", "/wide/caf%C3%A9"),
        ("/wide/a%3Fb", "/wide/a%3Fb"),
        ("/wide/a%23b", "/wide/a%23b"),
        ("/wide/100%25", "/wide/100%25"),
        ("/wide/a%2541", "/wide/a%2541"),
        ("/me?q=a|b{c}^d", "/me?q=a%7Cb%7Bc%7D%5Ed"),
        ("/me?q=%C3%A9&r=%7C", "/me?q=%C3%A9&r=%7C"),
        ("/me?q=\u00e9", "/me?q=%C3%A9"),
        ("/me?signon_host=1", "/me"),
        ("/me?a=1&signon_host=1&b=2", "/me?a=1&b=2"),
        ("/me?u=https://x.example/?y=1", "/me?u=https://x.example/?y=1"),
        ("/wide/a%5Cb", "/"),
        ("/me?q=%0D%0Ax", "/"),
        ("/wide/" + "x" * 600, "/"),
    ],
)
def test_way_back_is_the_page_as_it_was_asked(visitor, asked, landing):
    """The page is come back to in the spelling that leads to it, whatever was in path or query."""
    path, _, query = asked.partition("?")
    response = visitor.client.get(path, query_string=query, base_url=LOCAL, headers=visitor.headers)
    assert visitor.answer(response.headers["Location"]).headers["Location"] == landing


def test_view_keeps_its_name_and_arguments(app, visitor):
    """A guarded view must stay itself: name, docstring, arguments, answer."""

    def page(name: str, *, size: int = 1) -> str:
        """A page."""
        return f"{name} {size}"

    for guard in (login_required, fresh_login_required(max_age_seconds=60), roles_required()):
        guarded = guard(page)
        assert (guarded.__name__, guarded.__doc__) == ("page", "A page.")
        assert inspect.signature(guarded) == inspect.signature(page)
        with app.test_request_context("/", base_url=LOCAL):
            session = sign_in(visitor.client)
        cookie = {"Cookie": f"signon-80={visitor.cookies()['signon-80']}"}
        with app.test_request_context("/", base_url=LOCAL, headers=cookie):
            assert session.user_key == current_user.key
            assert guarded("a", size=2) == "a 2"


def test_async_views_are_guarded_too(app, visitor, monkeypatch):
    """A guard around a coroutine function must run it, and not hand out the coroutine."""
    monkeypatch.setattr(app, "async_to_sync", by_hand)

    async def page() -> str:
        return f"async {current_user.name}"

    app.add_url_rule("/a", "a", login_required(page))
    app.add_url_rule("/b", "b", fresh_login_required(max_age_seconds=60)(page))
    app.add_url_rule("/c", "c", roles_required()(page))
    assert visitor.get("/a").status_code == 302
    visitor.sign_in()
    for path in ("/a", "/b", "/c"):
        assert visitor.get(path).text == "async Somchai"


# fresh_login_required


@pytest.mark.parametrize(
    ("auth_time", "fresh"),
    [(0, True), (-300, True), (-300 - LEEWAY_SECONDS, True), (-301 - LEEWAY_SECONDS, False)],
)
def test_freshness_counts_from_the_providers_time(visitor, auth_time, fresh):
    """`auth_time` decides, with the clocks' leeway, on both sides of the bound."""
    with time_machine.travel(NOW, tick=False):
        visitor.sign_in(auth_time=NOW + auth_time)
        assert (visitor.get("/recent").text == "recent") is fresh


def login_at(*, signed_in_at, auth_time):
    person = Person(provider="oidc", issuer="https://op.example", subject="1", public_subject="1")
    return Login(person=person, claims={}, signed_in_at=signed_in_at, auth_time=auth_time)


def test_freshness_without_a_time_counts_from_our_callback():
    """A provider that sends no `auth_time` is taken at the time of our own callback."""
    login = login_at(signed_in_at=NOW, auth_time=None)
    assert is_fresh(login, max_age_seconds=60, now=NOW + 60 + LEEWAY_SECONDS)
    assert not is_fresh(login, max_age_seconds=60, now=NOW + 61 + LEEWAY_SECONDS)
    assert not is_fresh(login_at(signed_in_at=NOW, auth_time=0), max_age_seconds=60, now=NOW)


def test_stale_sign_in_is_done_again_with_the_same_provider(make_app, make_provider, op):
    """The page sends the person to their own provider with `prompt=login`, and opens after that."""
    providers = [make_provider("other", "https://other.example"), make_provider()]
    visitor = Visitor(make_app({"providers": providers}), op)
    with time_machine.travel(NOW, tick=False) as clock:
        visitor.sign_in("/auth/login/oidc")
        clock.shift(1000)
        location = visitor.start("/recent?x=1")
        assert location.startswith("https://op.example/authorize?")
        assert query_of(location)["prompt"] == "login"
        assert "max_age" not in query_of(location)
        response = visitor.answer(location)
        assert response.headers["Location"] == "/recent?x=1"
        assert visitor.get("/recent?x=1").text == "recent"


def test_provider_without_auth_time_is_tried_once(visitor):
    """Where the provider never sends `auth_time`, one more sign-in opens the page: no loop."""
    with time_machine.travel(NOW, tick=False) as clock:
        visitor.sign_in(auth_time=None)
        clock.shift(1000)
        visitor.answer(visitor.start("/recent"), auth_time=None)
        assert visitor.get("/recent").text == "recent"


def test_provider_that_did_not_ask_again_is_refused(visitor):
    """A provider that answers with its old session is refused by name; the page stays closed, without a loop."""
    with time_machine.travel(NOW, tick=False) as clock:
        visitor.sign_in()
        clock.shift(1000)
        response = visitor.answer(visitor.start("/recent"), auth_time=NOW)
        assert (response.status_code, code_of(response)) == (502, "id_token_auth_time_not_fresh")
        assert visitor.who() == "Somchai"


@pytest.mark.parametrize(
    "headers", [FETCHED, {"Accept": "application/json"}, {**CLICKED, "Sec-Purpose": "prefetch"}]
)
def test_stale_fetch_gets_problem_json(visitor, headers):
    """A fetch of such a page gets 401 `fresh_login_needed` and starts nothing."""
    with time_machine.travel(NOW, tick=False) as clock:
        visitor.sign_in()
        clock.shift(1000)
        response = visitor.get("/recent", **headers)
        assert (response.status_code, code_of(response)) == (401, "fresh_login_needed")
        assert not visitor.transactions()
        assert visitor.head("/recent").status_code == 401


# roles_required


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"groups": ["staff", "admin"]}, {"staff", "admin"}),
        ({"groups": "staff admin"}, {"staff", "admin"}),
        ({"groups": ["staff", 5, None, {}]}, {"staff"}),
        ({"groups": []}, set()),
        ({"groups": ""}, set()),
        ({"groups": {"staff": True}}, set()),
        ({"groups": True}, set()),
        ({"groups": 5}, set()),
        ({}, set()),
    ],
)
def test_roles_from_a_claim(make_app, op, claims, roles):
    """A list's texts, or a text's words, are roles; anything else is none."""
    app = make_app({"roles_from": "groups"})
    app.add_url_rule("/roles", "roles", lambda: " ".join(sorted(current_user.roles)))
    visitor = Visitor(app, op)
    visitor.sign_in(**claims)
    assert set(visitor.get("/roles").text.split()) == roles
    assert visitor.get("/staff").status_code == (200 if "staff" in roles else 403)


def test_roles_from_a_function(make_app, op):
    """A function of the login may find them, in any iterable."""
    app = make_app({"roles_from": lambda login: (role for role in ["staff"] if login.person.name == "Somchai")})
    visitor = Visitor(app, op)
    visitor.sign_in()
    assert visitor.get("/staff").text == "staff"
    visitor.sign_in(name="Malee")
    assert visitor.get("/staff").status_code == 403


@pytest.mark.parametrize("roles", ["staff", None, 5, ["staff", 5], [None]])
def test_roles_that_are_no_texts_are_the_operators_error(make_app, op, roles):
    """A function that returns something else must be told so, not become letters or an unreadable session."""
    visitor = Visitor(make_app({"roles_from": lambda _login: roles}), op)
    response = visitor.sign_in()
    assert (response.status_code, code_of(response)) == (502, "roles_not_texts")
    assert visitor.who() == "nobody"


def test_missing_role_is_403_with_a_page(visitor):
    """Somebody without the role gets 403, a way back, and no new sign-in."""
    visitor.sign_in()
    response = visitor.get("/staff")
    assert (response.status_code, code_of(response)) == (403, "role_needed")
    assert 'href="/"' in response.text
    assert visitor.get("/staff", **FETCHED).json["code"] == "role_needed"


def test_all_roles_are_needed(make_app, op):
    """Of several roles each one is needed."""
    app = make_app({"roles_from": "groups"})
    app.add_url_rule("/both", "both", roles_required("staff", "admin")(lambda: "both"))
    visitor = Visitor(app, op)
    visitor.sign_in(groups=["staff"])
    assert visitor.get("/both").status_code == 403
    visitor.sign_in(groups=["staff", "admin", "more"])
    assert visitor.get("/both").text == "both"


# protect


@pytest.fixture
def closed(make_app, op):
    """A visitor of an application that is closed but for two pages."""
    app = make_app()
    app.signon.protect(app, except_={"home", "static"})
    return Visitor(app, op)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/who",
            "/tree/",
            "/wide/x",
            "/me",
            "/wide//x",
            "/wide/%2e%2e/static",
            "/tree/?x=/static/",
            "/who#/static",
        ),
        "/who;x=1",
    ],
)
def test_protected_application_is_closed(closed, path):
    """Every page but those named must need a sign-in, whatever tricks are in the path."""
    response = closed.get(path)
    assert response.status_code in {302, 308, 404}
    assert "nobody" not in response.text
    if response.status_code == 302:
        assert response.headers["Location"].startswith("https://op.example/authorize?")


def test_protected_application_keeps_its_doors(closed):
    """The named pages, our own routes and what isn't there must stay open."""
    assert closed.get("/").text == "home"
    assert closed.get("/nowhere").status_code == 404
    assert closed.get("/static/nothing.css").status_code == 404
    for path in ("/auth/logout", "/auth/signed-out", "/auth/jwks.json"):
        assert closed.get(path).status_code == 200
    assert closed.sign_in().status_code == 303
    assert closed.who() == "Somchai"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_protected_application_is_closed_for_every_method(closed, method):
    """No method may reach a closed page."""
    response = closed.get("/me", method=method, **FETCHED)
    assert response.status_code in {401, 405}


def test_protected_blueprint_is_closed_alone(make_app, op):
    """A protected blueprint, with those inside it, must be closed, but for its exception; the rest stays open."""
    app = make_app()
    office, inner = Blueprint("office", "office"), Blueprint("inner", "inner")
    office.add_url_rule("/door", "door", lambda: "door")
    office.add_url_rule("/desk", "desk", lambda: "desk")
    inner.add_url_rule("/safe", "safe", lambda: "safe")
    office.register_blueprint(inner)
    app.signon.protect(office, except_=["office.door"])
    app.register_blueprint(office, url_prefix="/office")
    visitor = Visitor(app, op)
    assert visitor.get("/office/door").text == "door"
    for path in ("/office/desk", "/office/safe"):
        assert visitor.get(path).status_code == 302
        assert visitor.get(path, **FETCHED).status_code == 401
    assert visitor.get("/who").text == "nobody"
    visitor.sign_in()
    assert visitor.get("/office/safe").text == "safe"


def test_identity_headers_are_nobody(visitor):
    """Headers with which gateways name a user must never make somebody."""
    names = (
        "Remote-User",
        "X-Remote-User",
        "X-Forwarded-User",
        "X_Forwarded_User",
        "OIDC_CLAIM_sub",
        "X-Forwarded-Email",
    )
    for name in names:
        assert visitor.client.get("/who", headers={name: "admin"}).text == "nobody"
    assert visitor.client.get("/who", environ_overrides={"REMOTE_USER": "admin"}).text == "nobody"
    assert visitor.client.get("/who", headers={"Authorization": "Bearer x"}).text == "nobody"


def test_guards_need_a_sign_on():
    """In an application without SignOn a guard must fail, and not open."""
    app = Flask("bare")
    app.testing = True
    app.add_url_rule("/", "home", login_required(lambda: "open"))
    with pytest.raises(RuntimeError, match="no SignOn"):
        app.test_client().get("/")
    with app.test_request_context():
        assert url_for("home") == "/"
