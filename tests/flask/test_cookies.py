import re
import secrets
from urllib.parse import urlencode

import pytest
import time_machine
from tests.flask.double import HTTPS, LOCAL, Visitor, set_cookies

from signon.flask import current_user
from signon.flask.cookies import MAX_TRANSACTIONS
from signon.sessions.transactions import MAX_CHARACTERS

NEW = {"Path=/", "HttpOnly", "SameSite=Lax"}


def test_session_cookie_of_https_is_bound_to_its_host(secure):
    """Over https: `__Host-signon`, 256 random bits, Secure, HttpOnly, Lax, Path=/, no Domain, no lifetime."""
    response = secure.sign_in()
    value, attributes = set_cookies(response)["__Host-signon"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", value)
    assert attributes == NEW | {"Secure"}


def test_session_cookie_of_loopback_has_the_port(app, op):
    """Over http on this machine: the port in the name, no prefix and no Secure, else the same."""
    visitor = Visitor(app, op, at="http://localhost:5000")
    value, attributes = set_cookies(visitor.sign_in())["signon-5000"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", value)
    assert attributes == NEW


def test_permanent_session_cookie_lives_as_long_as_the_session(make_app, op):
    """Where sessions are to outlive the browser, its cookie stays for the session's longest life and no longer."""
    visitor = Visitor(make_app(SIGNON_PERMANENT="true", SIGNON_SESSION_SECONDS=2_678_400), op)
    _, attributes = set_cookies(visitor.sign_in())["signon-80"]
    assert attributes == NEW | {"Max-Age=2678400"}


@pytest.mark.parametrize(("fixture", "prefix"), [("secure", "__Host-"), ("visitor", "signon-80-")])
def test_transaction_cookie_says_when_and_for_which_state(request, fixture, prefix):
    """One cookie for each sign-in: its name tells time and state, it is sealed, and lives 15 minutes."""
    visitor = request.getfixturevalue(fixture)
    response = visitor.get("/auth/login")
    ((name, (value, attributes)),) = set_cookies(response).items()
    assert re.fullmatch(rf"{prefix}signon-tx-[0-9a-z]{{6,8}}-[0-9a-f]{{16}}", name)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", value)
    assert len(value) <= MAX_CHARACTERS
    assert attributes == NEW | {"Max-Age=900"} | ({"Secure"} if fixture == "secure" else set())


def test_sixth_sign_in_forgets_the_oldest(visitor):
    """At most five sign-ins are under way in one browser; the sixth deletes the oldest, and only that."""
    names = []
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        for _ in range(MAX_TRANSACTIONS):
            visitor.start()
            (new,) = set(visitor.transactions()) - set(names)
            names.append(new)
            clock.shift(1)
        response = visitor.get("/auth/login")
    cookies = set_cookies(response)
    assert cookies.pop(names[0]) == ("", NEW | {"Max-Age=0"})
    assert len(cookies) == 1
    assert set(visitor.transactions()) == {*names[1:], *cookies}


def test_two_hundred_abandoned_sign_ins_leave_five_cookies(app, visitor):
    """However many sign-ins are abandoned: five cookies, nothing in the store, and the page still works."""
    for _ in range(200):
        visitor.start()
    assert len(visitor.transactions()) == MAX_TRANSACTIONS
    store = app.extensions["signon"].party.sessions.store
    assert store.sweep(now=float("inf")) == 0
    assert visitor.who() == "nobody"
    assert visitor.sign_in().status_code == 303


def test_too_many_cookies_are_cut_back_at_once(visitor):
    """A browser with more than five, of whatever age, must be back at five after one more sign-in."""
    for number in range(9):
        visitor.client.set_cookie(f"signon-80-signon-tx-{number}-{number:016x}", "x")
    visitor.client.set_cookie("signon-80-signon-tx-junk", "x")
    visitor.start()
    assert len(visitor.transactions()) == MAX_TRANSACTIONS
    assert "signon-80-signon-tx-junk" not in visitor.cookies()


def test_long_next_is_dropped_and_never_cut(make_app, make_provider, op):
    """A `next` that would make the cookie too long is dropped: the sign-in ends at the start page."""
    scope = f"openid {secrets.token_urlsafe(150)}"
    visitor = Visitor(make_app({"providers": [make_provider(scope=scope)]}), op)
    for characters, kept in ((100, True), (500, False)):
        wanted = "/me?" + secrets.token_urlsafe(400)[:characters]
        response = visitor.get(f"/auth/login?next={wanted}")
        ((value, _),) = set_cookies(response).values()
        assert len(value) <= MAX_CHARACTERS
        landing = visitor.answer(response.headers["Location"]).headers["Location"]
        assert landing == (wanted if kept else "/")


def test_finished_sign_in_takes_its_cookie_away(visitor):
    """The callback must delete the transaction's cookie, and no other sign-in's."""
    first, second = visitor.start(), visitor.start()
    assert len(visitor.transactions()) == 2
    visitor.answer(first)
    assert len(visitor.transactions()) == 1
    assert visitor.answer(second).status_code == 303
    assert not visitor.transactions()


def test_sign_out_takes_the_session_cookie_away(secure):
    """After a sign-out the browser must have no session cookie."""
    secure.sign_in()
    response = secure.post("/auth/logout", Origin=secure.at)
    assert set_cookies(response)["__Host-signon"] == ("", NEW | {"Secure", "Max-Age=0"})
    assert not secure.sessions()


def test_two_applications_of_one_host_keep_apart(make_app, op):
    """On two ports of localhost each application must see its own sign-ins and sessions only."""
    first, second = (Visitor(make_app(), op, at=f"{LOCAL}:{port}") for port in (5000, 5001))
    second.client._cookies = first.client._cookies
    locations = [first.start("/auth/login?next=/me"), second.start("/auth/login?next=/who")]
    assert len(first.transactions()) == 2
    assert first.answer(locations[0]).headers["Location"] == "/me"
    assert first.who() == "Somchai"
    assert second.who() == "nobody"
    assert second.answer(locations[1]).headers["Location"] == "/who"
    assert sorted(first.sessions()) == ["signon-5000", "signon-5001"]
    first.post("/auth/logout", Origin=first.at)
    assert (first.who(), second.who()) == ("nobody", "Somchai")


@pytest.mark.parametrize(
    "path", ["/who", "/me", "/auth/login", "/auth/logout", "/auth/callback/oidc", "/auth/signed-out"]
)
def test_answers_that_depend_on_the_person_are_kept_by_nobody(visitor, path):
    """Wherever the user was read or a cookie set: `private, no-store`, and `Vary: Cookie`."""
    response = visitor.get(path)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in response.headers["Vary"]


def test_page_that_asks_for_no_user_pays_nothing(visitor):
    """A page that doesn't read the user must keep its own caching, and get no header of ours."""
    response = visitor.get("/")
    assert "Cache-Control" not in response.headers
    assert "Vary" not in response.headers


def test_application_cannot_make_a_personal_page_public(app, visitor):
    """A page that reads the user must be private even where the application said otherwise."""

    @app.get("/public")
    def public():
        return current_user.name or "nobody", {"Cache-Control": "public, max-age=3600", "Vary": "Accept"}

    response = visitor.get("/public")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert set(response.headers["Vary"].split(", ")) == {"Accept", "Cookie"}


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "A" * 42, "A" * 43, "A" * 44, "A" * 100_000, "%00", "\u0e01", '"', "{}", "a b", "=" * 43),
        *("../../etc/passwd", "A" * 42 + "=", "A" * 42 + "+"),
    ],
)
def test_broken_session_cookie_is_nobody(visitor, value):
    """A corrupt, cut or huge session cookie must give an anonymous visitor, never an error."""
    cookie = f"signon-80={value}".encode().decode("latin-1")
    assert visitor.get("/who", Cookie=cookie).text == "nobody"
    assert visitor.get("/auth/logout", Cookie=cookie).status_code == 200
    assert visitor.post("/auth/logout", Cookie=cookie, Origin=LOCAL).status_code == 303


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signon-80-signon-tx-\u0e01-0123456789abcdef", "x"),
        ("signon-80-signon-tx-\u0e01signon-tx-1-0123456789abcdef", "x"),
        ("signon-80-signon-tx-zzzzzzzzzzzz-0", "x"),
        ("signon-80-signon-tx-", "\u0e01"),
        ("signon-80-signon-tx-1-0123456789abcdef", "A" * 100_000),
    ],
)
def test_broken_transaction_cookies_stop_no_sign_in(visitor, name, value):
    """Cookies that somebody made up must neither break a header nor keep a sign-in from finishing."""
    pairs = [f"{name}{number or ''}={value}" for number in range(7)]
    response = visitor.get("/auth/login", Cookie="; ".join(pairs).encode().decode("latin-1"))
    assert response.status_code == 302
    for line in response.headers.getlist("Set-Cookie"):
        assert line.isascii()
    kept = {key: one for key, (one, _) in set_cookies(response).items() if one}
    cookie = "; ".join([*pairs, *(f"{key}={one}" for key, one in kept.items())]).encode().decode("latin-1")
    answer = urlencode(visitor.op.authorize(response.headers["Location"]))
    assert visitor.get(f"/auth/callback/oidc?{answer}", Cookie=cookie).status_code == 303


def test_transaction_cookie_is_no_session(visitor):
    """The sealed value of a sign-in under way must be worth nothing as a session."""
    visitor.start()
    value = visitor.cookies()[visitor.transactions()[0]]
    for text in (value, value[:43], value[-43:]):
        visitor.client.set_cookie("signon-80", text)
        assert visitor.who() == "nobody"


def test_cookies_for_another_site(make_app, op, caplog):
    """Every cookie of ours must say SameSite=None then, taken-back ones too, and the start must warn of it."""
    app = make_app(
        SIGNON_BASE_URL=HTTPS, SIGNON_COOKIE_SAMESITE="None", SIGNON_CORS_ORIGINS="https://spa.example.org"
    )
    assert [record.levelname for record in caplog.records if "SIGNON_COOKIE_SAMESITE" in record.message] == [
        "WARNING"
    ]
    visitor = Visitor(app, op, at=HTTPS)
    location = visitor.start()
    for response in (visitor.answer(location), visitor.post("/auth/logout", Origin=HTTPS)):
        cookies = set_cookies(response)
        assert cookies
        assert all({"SameSite=None", "Secure", "HttpOnly"} <= attributes for _, attributes in cookies.values())
