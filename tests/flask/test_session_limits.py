"""What time does to a session, seen through the application: time is moved, nobody waits for it."""

from contextlib import closing, contextmanager

import pytest
import time_machine
from tests.flask.double import CLICKED, FETCHED, ISSUER, LINKED, TYPED, Visitor, code_of, query_of, set_cookies
from tests.servers.mariadb import mariadb_server
from tests.servers.postgresql import postgresql_server
from tests.servers.redis import redis_server

from signon.flask.state import KEY

NOW = 1_800_000_000
WRITES = {
    "create",
    "create_indexed",
    "update",
    "touch",
    "delete",
    "claim",
    "index_add",
    "index_remove",
    "mark_ended",
}


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def app(make_app):
    return make_app(SIGNON_IDLE_SECONDS=600, SIGNON_SESSION_SECONDS=3600)


@pytest.fixture
def visitor(clock, app, op):
    visitor = Visitor(app, op)
    visitor.sign_in()
    return visitor


@pytest.fixture
def writes(app, monkeypatch):
    """The operations of the store that change it, as they come."""
    store, seen = app.extensions[KEY].party.sessions.store, []

    def watched(name):
        operation = getattr(store, name)

        def run(*args, **options):
            seen.append(name)
            return operation(*args, **options)

        return run

    for name in WRITES:
        if hasattr(store, name):
            monkeypatch.setattr(store, name, watched(name))
    return seen


def stay(visitor, clock, seconds):
    """Use the application each five minutes for so long."""
    for _ in range(seconds // 300):
        clock.shift(300)
        assert visitor.who() == "Somchai"


def test_idle_limit_is_told_with_the_way_back(visitor, clock):
    """Who was away too long gets a page that says so, and how long is too long; their cookie goes."""
    clock.shift(600)
    response = visitor.get("/me?x=1")
    assert (response.status_code, code_of(response)) == (401, "session_idle")
    assert "when nothing is done for 10 minutes" in response.text
    assert visitor.sessions() == []


def test_button_of_a_limit_leads_back_to_the_page(visitor, clock):
    """Its button signs the person in, and then shows the page that was wanted."""
    clock.shift(600)
    page = visitor.get("/wide/a/b?x=1")
    address = page.text.partition('class="button" href="')[2].partition('"')[0]
    assert visitor.answer(visitor.start(address, **CLICKED)).headers["Location"] == "/wide/a/b?x=1"
    assert visitor.get("/wide/a/b?x=1").text == "a/b"


def test_longest_life_is_told(visitor, clock):
    """Who stayed the whole time is told that it is the longest, and how long that is."""
    stay(visitor, clock, 3300)
    clock.shift(299)
    assert visitor.who() == "Somchai"
    clock.shift(1)
    response = visitor.get("/me")
    assert (response.status_code, code_of(response)) == (401, "session_expired")
    assert "You have been signed in for 1 hour," in response.text


def test_limit_is_told_once(visitor, clock):
    """The page takes the cookie away: the next one is an ordinary sign-in."""
    clock.shift(600)
    assert code_of(visitor.get("/me")) == "session_idle"
    assert visitor.get("/me").status_code == 302


@pytest.mark.parametrize("path", ["/me", "/recent", "/staff"])
@pytest.mark.parametrize(
    "headers", [FETCHED, {"Accept": "application/json"}, {**CLICKED, "Sec-Purpose": "prefetch"}]
)
@pytest.mark.parametrize(("away", "code"), [(600, "session_idle"), (3600, "session_expired")])
def test_fetch_is_told_by_its_code(visitor, clock, path, headers, away, code):
    """A fetch gets 401 with the limit's code and the way to sign in, as often as it asks."""
    clock.shift(away)
    for _ in range(2):
        response = visitor.get(path, **headers)
        assert (response.status_code, code_of(response)) == (401, code)
        if response.is_json:
            assert response.json["login"] == "/auth/login"


@pytest.mark.parametrize("headers", [{}, TYPED, CLICKED, LINKED])
def test_public_page_says_nothing(visitor, clock, headers):
    """A page for everybody shows nobody, and no limit stands in its way."""
    clock.shift(600)
    response = visitor.get("/who", **headers)
    assert (response.status_code, response.text) == (200, "nobody")


def test_form_that_came_too_late_is_told(visitor, clock):
    """A form sent too late is refused with the limit; it can't be sent again, so the button leads to the start."""
    clock.shift(600)
    response = visitor.post("/me", data={"text": "a-long-letter"}, **CLICKED)
    assert code_of(response) == "session_idle"
    assert 'href="/auth/login"' in response.text
    assert "a-long-letter" not in response.text


def test_limit_of_long_ago_is_forgotten(visitor, clock):
    """An hour after the longest life nobody knows why any more: an ordinary sign-in."""
    clock.shift(3600 + 3599)
    assert visitor.get("/me", **FETCHED).json["code"] == "session_expired"
    clock.shift(1)
    assert visitor.get("/me", **FETCHED).json["code"] == "login_needed"


def test_pages_write_once_a_minute(visitor, clock, writes):
    """However many pages: one cheap write a minute, and not a single other."""
    writes.clear()
    for _ in range(60):
        clock.shift(5)
        assert visitor.get("/me").status_code == 200
    assert writes == ["touch"] * 5


def test_how_often_a_use_is_noted_is_a_setting(make_app, op, clock):
    """`SIGNON_TOUCH_SECONDS` says how exactly the idle time is kept."""
    app = make_app(SIGNON_IDLE_SECONDS=600, SIGNON_TOUCH_SECONDS=200)
    visitor = Visitor(app, op)
    visitor.sign_in()
    clock.shift(199)
    visitor.get("/me")
    clock.shift(401)
    assert visitor.get("/me", **FETCHED).json["code"] == "session_idle"


def test_refusals_prolong_nothing(visitor, clock, writes):
    """Whoever is told that a session is over, writes nothing and revives nothing."""
    clock.shift(600)
    writes.clear()
    for headers in (FETCHED, {}, FETCHED):
        visitor.get("/me", **headers)
    assert writes == []


def test_copied_cookie_of_an_idle_session_is_dead(visitor, clock):
    """A cookie that was kept past the limit is worth nothing, then and later."""
    cookie = f"signon-80={visitor.cookies()['signon-80']}"
    clock.shift(600)
    assert visitor.get("/who", Cookie=cookie).text == "nobody"
    clock.shift(-1)
    assert visitor.get("/who", Cookie=cookie).text == "Somchai"
    clock.shift(601)
    assert visitor.get("/who", Cookie=cookie).text == "nobody"


@pytest.mark.parametrize(
    "again",
    [
        lambda visitor: visitor.sign_in(),
        lambda visitor: visitor.answer(visitor.start("/recent")),
        lambda visitor: visitor.sign_in(sub="person-2", name="Malee"),
    ],
    ids=["sign-in", "step-up", "as someone else"],
)
def test_each_sign_in_gives_a_new_id(visitor, clock, again):
    """Sign-in, step-up and sign-in as someone else each give a new id, and the old cookie is dead at once."""
    old = visitor.cookies()["signon-80"]
    clock.shift(500)
    response = again(visitor)
    new, _ = set_cookies(response)["signon-80"]
    assert new not in {old, ""}
    assert visitor.get("/who", Cookie=f"signon-80={old}").text == "nobody"
    assert visitor.who() in {"Somchai", "Malee"}


def test_step_up_starts_the_longest_life_anew(visitor, clock):
    """A new sign-in is a new session with all its time."""
    stay(visitor, clock, 3000)
    visitor.answer(visitor.start("/recent"))
    stay(visitor, clock, 1800)


def test_planted_cookie_is_not_taken_over(app, op, clock):
    """An id that somebody planted in a browser is not the session's id after the sign-in."""
    planted = "P" * 43
    visitor = Visitor(app, op)
    visitor.client.set_cookie("signon-80", planted)
    visitor.sign_in()
    assert visitor.cookies()["signon-80"] != planted
    assert visitor.get("/who", Cookie=f"signon-80={planted}").text == "nobody"


@contextmanager
def address(store):
    """The address of a store, which runs for as long as the test."""
    if callable(store):
        with store() as server:
            yield server.url
    else:
        yield store


@pytest.mark.parametrize(
    "store",
    [
        "memory:",
        "sqlite:///big.db",
        pytest.param(redis_server, marks=pytest.mark.redis),
        pytest.param(postgresql_server, marks=pytest.mark.postgresql),
        pytest.param(mariadb_server, marks=pytest.mark.mariadb),
    ],
)
def test_person_with_much_to_say_has_a_small_cookie(make_app, op, store):
    """300 groups and 30 KB of claims make no difference to the cookie: under 200 bytes, name and all."""
    with address(store) as url:
        app = make_app({"roles_from": "groups"}, SIGNON_SESSIONS=url)
        with closing(app.extensions[KEY].party.sessions.store):
            _sign_in_with_much_to_say(app, op)


def _sign_in_with_much_to_say(app, op):
    groups = [f"group-{number:03}-of-a-large-organisation" for number in range(300)]
    visitor = Visitor(app, op)
    response = visitor.sign_in(groups=groups, biography="\u0e01" * 10_000)
    (line,) = [line for line in response.headers.getlist("Set-Cookie") if line.startswith("signon-80=")]
    assert len(line) < 200
    assert sum(map(len, visitor.cookies().values())) < 200
    assert visitor.who() == "Somchai"
    assert visitor.get("/me").text == "me Somchai"


def test_sign_in_after_a_limit_is_at_once(visitor, clock):
    """Nothing of the session that came to its limit is in the way of the next one."""
    clock.shift(600)
    location = visitor.start()
    assert location.startswith(f"{ISSUER}/authorize")
    assert "prompt" not in query_of(location)
    visitor.answer(location)
    assert visitor.who() == "Somchai"
