"""Several sign-ins of one browser at once, and many that nobody finishes."""

import sqlite3
from itertools import permutations
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.journeys.stage import CALLBACK, ORIGIN, code_of
from tests.journeys.visitor import sign_in

TABS = ("/me?tab=1", "/me?tab=2", "/me?tab=3", "/me?tab=4")


@pytest.mark.parametrize("order", list(permutations(range(len(TABS)))), ids=str)
def test_four_tabs(stage, order):
    """Four tabs start four sign-ins, and each finishes at its own page, in whatever order the answers come."""
    visitor = stage.visitor()
    answers = [stage.begin(visitor, page=tab) for tab in TABS]
    assert len(visitor.transactions()) == len(TABS)
    for index in order:
        page = visitor.get(answers[index])
        assert page.url == ORIGIN + TABS[index]
        assert page.json()["preferred_username"] == "somying"
    assert not visitor.transactions()
    assert stage.rows()["records"] == 1


def test_tabs_with_different_people(stage):
    """Who finishes last is who has signed in; the session before is over."""
    visitor = stage.visitor()
    first = stage.begin(visitor)
    second_start = visitor.get(f"{ORIGIN}/me?tab=2", stop_at="/authorize?").headers["Location"]
    second_page = visitor.get(f"{second_start}&prompt=login")
    second = visitor.submit(second_page, persona="omar", stop_at=CALLBACK).headers["Location"]
    assert visitor.get(first).json()["preferred_username"] == "somying"
    earlier = visitor.cookies[visitor.sessions()[0]]
    assert visitor.get(second).json()["preferred_username"] == "omar"
    thief = stage.visitor()
    thief.session.cookies.set(visitor.sessions()[0], earlier, domain="localhost.local", path="/")
    assert thief.get(f"{ORIGIN}/me", Accept="application/json").status_code == 401


def test_a_sixth_sign_in_forgets_the_first(stage):
    """Five sign-ins can be under way; the oldest of six says that this browser does not know it."""
    visitor = stage.visitor()
    answers = [stage.begin(visitor, page=f"/me?tab={number}") for number in range(6)]
    assert len(visitor.transactions()) == 5
    forgotten = [code_of(visitor.get(answer)) for answer in answers]
    assert sorted(code or "" for code in forgotten) == ["", "", "", "", "", "state_other_browser"]


def test_two_hundred_abandoned_sign_ins(stage):
    """They leave five cookies, an empty store, and a page that works, to which a sign-in still comes back."""
    visitor = stage.visitor()
    states = set()
    for number in range(200):
        started = visitor.get(f"{ORIGIN}/me?n={number}", stop_at="/authorize?")
        states |= set(parse_qs(urlsplit(started.headers["Location"]).query)["state"])
    assert len(states) == 200
    assert len(visitor.transactions()) == 5
    size = sum(len(name) + len(value) + 3 for name, value in visitor.cookies.items())
    assert size < 4096, "headers of 8 KB are refused by common servers"
    assert not {table: count for table, count in stage.rows().items() if count and table != "epochs"}
    assert visitor.get(f"{ORIGIN}/").status_code == 200
    assert sign_in(visitor, f"{ORIGIN}/me").json()["preferred_username"] == "somying"


def test_a_crowd_that_never_comes_back_costs_no_storage(stage):
    """A flood of new browsers at the login route writes nothing to the store."""
    for _ in range(50):
        stage.visitor().get(f"{ORIGIN}/auth/login", stop_at="/authorize?")
    try:
        written = stage.rows()
    except sqlite3.OperationalError:
        written = {}
    assert not {table: count for table, count in written.items() if count and table != "epochs"}


def test_a_sign_in_on_top_of_a_session(stage):
    """Signing in while signed in makes a new session id, and the old one is dead."""
    visitor = stage.visitor()
    sign_in(visitor, f"{ORIGIN}/me")
    (name,) = visitor.sessions()
    before = visitor.cookies[name]
    sign_in(visitor, f"{ORIGIN}/auth/login?next=/me")
    assert visitor.cookies[name] != before
    thief = stage.visitor()
    thief.session.cookies.set(name, before, domain="localhost.local", path="/")
    page = thief.get(f"{ORIGIN}/me", Accept="application/json")
    assert (page.status_code, code_of(page)) == (401, "login_needed")
    assert stage.rows()["records"] == 1
