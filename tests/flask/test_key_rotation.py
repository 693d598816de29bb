"""Keys that change and records that don't open, seen through the application: people stay in, or are nobody."""

import hashlib
import re
import time
from dataclasses import replace

import pytest
from tests.flask.double import CLICKED, FETCHED, LOCAL, Visitor, code_of

from signon.core.values import Secret
from signon.flask.state import KEY
from signon.sessions.sealer import Sealer

OLD, NEW = "the-key-of-last-year-of-this-one", "the-key-of-this-year-of-this-one"
FAR = 4_000_000_000.0


@pytest.fixture
def begin(make_app, op):
    """A visitor of the application as it is with these keys; all have one store, and may share a browser."""

    def begin(keys, *, browser=None):
        visitor = Visitor(make_app(SIGNON_KEYS=keys, SIGNON_SESSIONS="sqlite:///rotated.db"), op)
        if browser is not None:
            visitor.client._cookies = browser.client._cookies
        return visitor

    return begin


def party_of(visitor):
    return visitor.client.application.extensions[KEY].party


def write(visitor):
    """Write the session back, as a refresh of its tokens does."""
    sessions, now = party_of(visitor).sessions, party_of(visitor).clock()
    session_id = visitor.cookies()["signon-80"]
    session = sessions.load(session_id, now=now)
    assert sessions.replace(session_id, replace(session, roles=("written",)), now=now)


def raw(visitor):
    """The record as the store has it: (store, key, bytes, version)."""
    store = party_of(visitor).sessions.store
    key = hashlib.sha256(visitor.cookies()["signon-80"].encode()).digest()
    stored = store.load(key, now=0)
    return store, key, stored.value, stored.version


def test_keys_change_without_signing_anybody_out(begin):
    """What the old key sealed opens with the new one in front, and once it is written needs the new one only."""
    before = begin(OLD)
    before.sign_in()
    both = begin(f"{NEW} {OLD}", browser=before)
    assert both.who() == "Somchai"
    new_id, old_id = (bytes.fromhex(key_id) for key_id in party_of(both).sealer.key_ids)
    assert raw(both)[2][1:5] == old_id
    write(both)
    assert raw(both)[2][1:5] == new_id
    after = begin(NEW, browser=before)
    assert after.who() == "Somchai"
    assert before.who() == "nobody"


def test_page_is_no_write(begin):
    """A page, and the note of its use, leave the record under the key that sealed it."""
    before = begin(OLD)
    before.sign_in()
    both = begin(f"{NEW} {OLD}", browser=before)
    value = raw(both)[2]
    assert both.get("/me").status_code == 200
    assert raw(both)[2] == value


def test_key_that_is_gone_makes_nobody(begin):
    """Who was signed in under a key that is gone is anonymous everywhere, and can sign in again."""
    before = begin(OLD)
    before.sign_in()
    after = begin(NEW, browser=before)
    assert_nobody(after)
    after.sign_in()
    assert after.who() == "Somchai"


def test_old_key_behind_the_new_one_reaches_all_sessions(begin):
    """While keys change, sessions of before and after are one person's list, and end together."""
    before, other = begin(OLD), begin(f"{NEW} {OLD}")
    before.sign_in()
    other.sign_in()
    both = begin(f"{NEW} {OLD}", browser=before)
    assert len(both.get("/auth/sessions", **FETCHED).json["sessions"]) == 2
    response = both.post("/auth/sessions", {"end": "others"}, **CLICKED)
    assert response.headers["Location"] == "/auth/sessions?ended=1"
    assert (both.who(), other.who()) == ("Somchai", "nobody")
    assert both.post("/auth/sessions", {"end": "everywhere"}, **CLICKED).status_code == 303
    assert both.who() == "nobody"


def test_session_that_outlives_its_first_key_can_be_ended(begin):
    """What was sealed anew is found when the old key is gone: by its person's list, and by its end."""
    before = begin(OLD)
    before.sign_in()
    both = begin(f"{NEW} {OLD}", browser=before)
    write(both)
    after, other = begin(NEW, browser=before), begin(NEW)
    other.sign_in()
    assert len(other.get("/auth/sessions", **FETCHED).json["sessions"]) == 2
    assert other.post("/auth/sessions", {"end": "others"}, **CLICKED).headers["Location"].endswith("ended=1")
    assert after.who() == "nobody"


def test_sign_in_goes_on_across_a_change_of_keys(begin):
    """A sign-in that was started under the old key finishes with the new one in front; once."""
    before = begin(OLD)
    location = before.start("/auth/login?next=/me")
    both = begin(f"{NEW} {OLD}", browser=before)
    pairs = both.op.authorize(location)
    assert both.answer(location, pairs).headers["Location"] == "/me"
    assert both.who() == "Somchai"
    assert code_of(both.answer(location, pairs)) == "state_used"


def test_sign_in_under_a_key_that_is_gone_is_started_again(begin):
    """With the old key gone, what was started under it is none of ours: a page with a way on, and no error."""
    before = begin(OLD)
    location = before.start()
    after = begin(NEW, browser=before)
    response = after.answer(location)
    assert (response.status_code, code_of(response)) == (400, "state_unknown")
    assert after.sign_in().status_code == 303


def strange_values(visitor):
    """What a record may be found to be, by name."""
    _, key, value, _ = raw(visitor)
    body = party_of(visitor).sealer.open(value, purpose="session", record_id=key)
    sealer = party_of(visitor).sealer
    return {
        "empty": b"",
        "one byte": b"\x01",
        "cut": value[:-1],
        "cut in the head": value[:10],
        "longer": value + b"\x00",
        "a bit": value[:40] + bytes([value[40] ^ 1]) + value[41:],
        "another form": b"\x02" + value[1:],
        "huge": value * 500,
        "plain": body,
        "another's key": Sealer([Secret("a-key-of-somebody-else")]).seal(body, purpose="session", record_id=key),
        "another record": sealer.seal(body, purpose="session", record_id=b"k" * 32),
        "another purpose": sealer.seal(body, purpose="transaction", record_id=key),
        "no session": sealer.seal(b'{"login": 5}', purpose="session", record_id=key),
        "no JSON": sealer.seal(b"\xff\x00", purpose="session", record_id=key),
    }


def test_record_that_is_not_as_we_wrote_it_is_nobody(begin):
    """Whatever bytes stand in the store: anonymous on every page, never a 500."""
    visitor = begin(OLD)
    visitor.sign_in()
    for name, value in strange_values(visitor).items():
        store, key, was, version = raw(visitor)
        assert store.update(key, value, version=version, now=time.time(), expires_at=FAR)
        assert_nobody(visitor, name)
        assert store.update(key, was, version=version + 1, now=time.time(), expires_at=FAR)
        assert visitor.who() == "Somchai", name


def test_sign_in_over_a_broken_record_works(begin):
    """A record that doesn't open is in nobody's way: a sign-in and a sign-out go on as ever."""
    visitor = begin(OLD)
    visitor.sign_in()
    store, key, value, version = raw(visitor)
    assert store.update(key, value[:-1], version=version, now=time.time(), expires_at=FAR)
    assert visitor.sign_in().status_code == 303
    assert store.load(key, now=0) is None
    assert visitor.post("/auth/logout", Origin=LOCAL).status_code == 303
    assert visitor.who() == "nobody"


@pytest.mark.parametrize(
    "value", ["", "x", "A" * 42, "A" * 43, "A" * 44, "A" * 100_000, "%00", "\u0e01", '"', "../"]
)
def test_list_with_a_broken_cookie_is_for_nobody(begin, value):
    """A corrupt, cut, huge or foreign cookie has no sessions to list or end, and is never an error."""
    visitor = begin(OLD)
    cookie = f"signon-80={value}".encode().decode("latin-1")
    assert visitor.get("/auth/sessions", Cookie=cookie).status_code == 302
    assert visitor.get("/auth/sessions", Cookie=cookie, **FETCHED).status_code == 401
    assert visitor.post("/auth/sessions", {"end": "everywhere"}, Cookie=cookie, **FETCHED).status_code == 401


def assert_nobody(visitor, name=""):
    """Everywhere: a public page, a closed one by navigation and by fetch, the list, the end of sessions."""
    assert visitor.who() == "nobody", name
    assert visitor.get("/me").status_code == 302, name
    response = visitor.get("/me", **FETCHED)
    assert (response.status_code, code_of(response)) == (401, "login_needed"), name
    assert visitor.get("/auth/sessions", **FETCHED).status_code == 401, name
    assert visitor.post("/auth/sessions", {"end": "everywhere"}, **FETCHED).status_code == 401, name
    page = visitor.get("/auth/logout")
    assert page.status_code == 200, name
    assert re.search("You are not signed in here", page.text), name
