"""What somebody finds who steals the store, or a cookie."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.journeys.stage import ORIGIN, code_of
from tests.journeys.visitor import sign_in

from signon_idp import PERSONAS

PEOPLE = ("somying", "omar", "bjork", "pim")


def texts_of(claims: object) -> set[str]:
    """Every text in a persona's claims."""
    if isinstance(claims, dict):
        return set().union(*(texts_of(value) for value in claims.values()))
    if isinstance(claims, list):
        return set().union(*map(texts_of, claims)) if claims else set()
    return {claims} if isinstance(claims, str) else set()


@pytest.fixture
def stolen(stage):
    """Four people have signed in, one out again: (the store's bytes, session ids, answers' addresses, stage)."""
    cookies, answers = [], []
    for persona in PEOPLE:
        visitor = stage.visitor()
        answers.append(stage.begin(visitor, persona=persona))
        page = visitor.get(answers[-1])
        assert page.json()["preferred_username"]
        cookies += [visitor.cookies[name] for name in visitor.sessions()]
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    files = sorted(stage.store.parent.glob(f"{stage.store.name}*"))
    # The write-ahead log holds what has been deleted since, too.
    assert {"sessions.sqlite3", "sessions.sqlite3-wal"} <= {file.name for file in files}
    return b"".join(file.read_bytes() for file in files), cookies, answers, stage


def test_dump(stolen):
    """No token, code, state, claim, subject, address, issuer or session id is in any byte of the store."""
    dump, cookies, answers, stage = stolen
    people = [persona for persona in PERSONAS if persona.id in PEOPLE]
    personal = set().union(*(texts_of(persona.claims) for persona in people)) | {p.sub for p in people}
    personal = {text for text in personal if len(text) >= 5}  # shorter ones stand in random bytes by chance
    states = {parse_qs(urlsplit(answer).query)["state"][0] for answer in answers}
    wanted = stage.idp.secrets | set(cookies) | personal | states | {stage.idp.issuer}
    assert len(wanted) > 60, "it must be looked for a lot"
    found = [text for text in wanted if text.encode() in dump or json.dumps(text)[1:-1].encode() in dump]
    assert not found
    assert stage.rows()["records"] == len(PEOPLE) - 1, "and yet the sessions are there"


def test_dump_opens_no_session(stolen):
    """What the store files a session under is no cookie: in none of its spellings it lets anybody in."""
    _dump, cookies, _answers, stage = stolen
    thief = stage.visitor()
    store = stage.app.extensions["signon"].party.sessions.store
    keys = [row[0] for row in store._pool.execute("SELECT key FROM records").rows]
    for value in [spelling for key in keys for spelling in (key.hex(), key.hex()[:43])]:
        thief.session.cookies.set("signon-5000", value, domain="localhost.local", path="/")
        assert thief.get(f"{ORIGIN}/me", Accept="application/json").status_code == 401
    thief.session.cookies.set("signon-5000", cookies[0], domain="localhost.local", path="/")
    assert thief.get(f"{ORIGIN}/me").status_code == 200, "with the right one it would"


def test_a_cookie_copied_before_the_sign_out(stage):
    """It is dead after it: the session was ended, not only forgotten by one browser."""
    visitor, thief = stage.visitor(), stage.visitor()
    sign_in(visitor, f"{ORIGIN}/me")
    (name,) = visitor.sessions()
    thief.session.cookies.set(name, visitor.cookies[name], domain="localhost.local", path="/")
    assert thief.get(f"{ORIGIN}/me").status_code == 200
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    page = thief.get(f"{ORIGIN}/me", Accept="application/json")
    assert (page.status_code, code_of(page)) == (401, "login_needed")
    assert stage.rows()["records"] == 0


def test_a_transaction_is_no_session(stage):
    """The cookie of a sign-in under way serves as no session, nor the session's as a transaction."""
    visitor, thief = stage.visitor(), stage.visitor()
    answer = stage.begin(visitor)
    (transaction,) = visitor.transactions()
    sealed = visitor.cookies[transaction]
    thief.session.cookies.set("signon-5000", sealed, domain="localhost.local", path="/")
    assert thief.get(f"{ORIGIN}/me", Accept="application/json").status_code == 401
    session_id = "A" * 43
    other = stage.visitor()
    other.session.cookies.set(transaction, session_id, domain="localhost.local", path="/")
    assert code_of(other.get(answer)) == "state_other_browser"
    assert visitor.get(answer).status_code == 200


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "é" * 43, "../../etc/passwd", "A" * 5000])
def test_a_cookie_that_was_never_ours(stage, value):
    """Any other value is nobody's session, and no error."""
    page = stage.visitor().get(
        f"{ORIGIN}/me", Accept="application/json", Cookie=f"signon-5000={value}".encode().decode("latin-1")
    )
    assert (page.status_code, code_of(page)) == (401, "login_needed")
