from dataclasses import fields, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signon.core.person import Login, Person
from signon.sessions.record import Session, read_session, write_session

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=50)


def test_a_session_comes_back(session):
    """A session with everything in it is read as it was written."""
    assert read_session(write_session(session)) == session


def test_a_bare_session_comes_back(session):
    """A session without tokens, roles or optional claims is read as it was written."""
    person = Person(provider="p", issuer="i", subject="s", public_subject="s")
    bare = replace(session, login=Login(person=person, claims={}, signed_in_at=1.0), tokens=None, roles=())
    assert read_session(write_session(bare)) == bare


def test_secrets_come_back(session):
    """Tokens are read with their text, though they compare and print as secrets."""
    tokens = read_session(write_session(session)).tokens
    assert tokens.access_token.reveal() == "planted-access-token"
    assert tokens.refresh_token.reveal() == "planted-refresh-token"
    assert tokens.id_token.reveal() == "planted.id.token"


def test_every_field_of_a_person_is_kept(session):
    """Each text field that a person has, today or later, survives."""
    texts = {f.name: f"value of {f.name}" for f in fields(Person) if f.name != "email_verified"}
    person = Person(**texts, email_verified=True)
    kept = replace(session, login=replace(session.login, person=person))
    assert read_session(write_session(kept)).login.person == person


def test_odd_claims_come_back(session):
    """Claims as deep as we read them, half characters and long numbers don't make a session unreadable."""
    deep = {"a": 1}
    for _ in range(40):
        deep = {"a": [deep]}
    odd = replace(session, login=replace(session.login, claims={"deep": deep, "half": "\ud800", "n": 10**17}))
    assert read_session(write_session(odd)) == odd


@given(kept=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=5))
def test_what_was_kept_comes_back(kept):
    """The application's own texts are read as they were written, whatever is in them."""
    person = Person(provider="p", issuer="i", subject="s", public_subject="s")
    login = Login(person=person, claims={}, signed_in_at=1.0, kept=kept)
    held = Session(login=login, user_key="k", started_at=1.0, created_at=1.0, expires_at=2.0)
    assert read_session(write_session(held)).login.kept == kept


def test_a_session_from_before_anything_was_kept(session):
    """A record without the member is read, and nothing is kept in it; nor is the member written for nothing."""
    assert b"kept" not in write_session(session)
    assert read_session(write_session(session)).login.kept == {}


def test_the_version_is_the_stores(session):
    """The version is not written; who loads says it, and it makes no difference to what is equal."""
    written = write_session(replace(session, version=9))
    assert written == write_session(session)
    assert read_session(written).version == 0
    assert read_session(written, version=4).version == 4


def test_nothing_secret_prints(session):
    """A session that ends up in a log shows neither tokens nor claims nor the national id."""
    shown = repr(session)
    assert "planted-access-token" not in shown
    assert "ถนนราชดำเนิน" not in shown
    assert "Vanilla" not in repr(replace(session, login=replace(session.login, kept={"Vanilla": "Vanilla"})))
    assert session.login.person.subject not in shown


@given(st.binary())
@example(b"{}")
@example(b"[]")
@example(b"null")
@example(b"[" * 100_000)
@example(b'{"login":{"person":1}}')
def test_other_bytes_are_none(body):
    """Bytes that no session wrote are read as None, and nothing is raised."""
    assert read_session(body) is None


@pytest.mark.parametrize("name", ["started_at", "created_at", "expires_at"])
@pytest.mark.parametrize("time", [b"NaN", b"1e999", b"null", b'"1"', b"true"])
def test_a_session_without_a_real_time_is_none(session, name, time):
    """A time that is no number would never be over: such a record is no session."""
    body = write_session(session)
    written = f'"{name}":{getattr(session, name)}'.encode()
    assert written in body
    assert read_session(body.replace(written, b'"%s":%s' % (name.encode(), time))) is None


@given(st.data())
def test_a_cut_or_changed_record_raises_nothing(data):
    """Any change of a few bytes gives a session or None."""
    body = bytearray(_BODY)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    assert isinstance(read_session(cut), Session | None)


_PERSON = Person(provider="p", issuer="i", subject="s", public_subject="s", name="ก")
_BODY = write_session(
    Session(
        login=Login(person=_PERSON, claims={"a": [1]}, signed_in_at=1.0),
        user_key="u",
        started_at=1.0,
        created_at=2.0,
        expires_at=3.0,
    )
)
