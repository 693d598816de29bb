"""What makes sessions cheap: each shortcut does what the long way does, and is really taken."""

from dataclasses import replace

import pytest

from signon.core.errors import StoreUnavailable
from signon.core.values import Secret
from signon.sessions import records
from signon.sessions.sealer import Sealer
from signon.sessions.sessions import Sessions
from signon.sessions.sqlite import SqliteStore

LIFE = 28800.0
KEY, FIRST, SECOND = b"k" * 32, b"f" * 32, b"s" * 32


@pytest.fixture
def sqlite(tmp_path):
    store = SqliteStore(str(tmp_path / "sessions.db"))
    yield store
    store.close()


def counted(monkeypatch, owner, name):
    """Count the calls of a method, by its first argument."""
    calls, method = [], getattr(owner, name)

    def call(*arguments, **keywords):
        calls.append(arguments[0])
        return method(*arguments, **keywords)

    monkeypatch.setattr(owner, name, call)
    return calls


def test_a_start_in_sqlite_is_one_write(sqlite, sealer, session, now, monkeypatch):
    """A new session is indexed and created by one statement, and by no transaction of several."""
    sessions = Sessions(sqlite, sealer, session_seconds=LIFE)
    sessions.start(session, now=now)
    statements = counted(monkeypatch, sqlite._pool, "execute")
    transactions = counted(monkeypatch, sqlite._pool, "transaction")
    session_id = sessions.start(session, now=now)
    assert len([text for text in statements if text.startswith("INSERT")]) == 1
    assert transactions == []
    assert sessions.load(session_id, now=now) is not None
    ended = sessions.end_subject(session.login.person.issuer, session.login.person.subject, now=now)
    assert len(ended.sessions) == 2


@pytest.mark.parametrize("indexes", [(FIRST,), (FIRST, SECOND)])
def test_creating_with_indexes_is_all_or_nothing(sqlite, indexes):
    """One statement adds to each index and creates; where the key is there, none of it happens."""
    assert sqlite.create_indexed(KEY, b"value", indexes=indexes, since=0.0, now=1.0, expires_at=9.0)
    assert sqlite.load(KEY, now=1.0).value == b"value"
    assert [sqlite.index_list(index, now=1.0) for index in indexes] == [(KEY,)] * len(indexes)
    with pytest.raises(StoreUnavailable):
        sqlite.create_indexed(KEY, b"other", indexes=(b"n" * 32,), since=0.0, now=1.0, expires_at=9.0)
    assert sqlite.load(KEY, now=1.0).value == b"value"
    assert sqlite.index_list(b"n" * 32, now=1.0) == ()


@pytest.mark.parametrize("marked", [FIRST, SECOND])
def test_creating_with_indexes_looks_at_the_marks(sqlite, marked):
    """A mark of either index later than `since` refuses it, and nothing is kept; an earlier one doesn't."""
    sqlite.mark_ended(marked, now=1.0, expires_at=9.0)
    kept = {"indexes": (FIRST, SECOND), "now": 2.0, "expires_at": 9.0}
    assert not sqlite.create_indexed(KEY, b"value", since=0.9, **kept)
    assert sqlite.load(KEY, now=2.0) is None
    assert sqlite.index_list(FIRST, now=2.0) == sqlite.index_list(SECOND, now=2.0) == ()
    assert sqlite.create_indexed(KEY, b"value", since=1.0, **kept)


def test_a_record_is_opened_once_while_it_stays_the_same(sqlite, sealer, session, now, monkeypatch):
    """Who began a session never opens it, others once; a changed record is opened anew, an ended one nobody's."""
    here, elsewhere = (Sessions(sqlite, sealer, session_seconds=LIFE) for _ in range(2))
    session_id = here.start(session, now=now)
    opened = counted(monkeypatch, sealer, "open")
    assert here.load(session_id, now=now) == session
    assert opened == []
    loaded = [elsewhere.load(session_id, now=now) for _ in range(3)]
    assert len(opened) == 1
    assert elsewhere.replace(session_id, replace(loaded[-1], user_key="another"), now=now)
    assert [one.load(session_id, now=now).user_key for one in (here, elsewhere)] == ["another"] * 2
    assert len(opened) == 3
    elsewhere.end(session_id, now=now)
    assert here.load(session_id, now=now) is None


def test_opened_records_are_bounded(sqlite, sealer, session, now, monkeypatch):
    """However many people look at a page, only so many records are kept open."""
    monkeypatch.setattr(records, "OPENED_SESSIONS", 3)
    sessions = Sessions(sqlite, sealer, session_seconds=LIFE)
    for session_id in [sessions.start(session, now=now) for _ in range(5)]:
        assert sessions.load(session_id, now=now) is not None
    assert len(sessions._records._opened) == 3


def test_the_key_of_a_purpose_is_worked_out_once():
    """Index keys of one purpose share its derived key, and differ by purpose and by part."""
    sealer = Sealer([Secret("k" * 32)])
    assert sealer.index_keys("state", "a") == sealer.index_keys("state", "a")
    assert sealer._keys_for("state") is sealer._keys_for("state")
    assert len({sealer.index_keys(*parts) for parts in (("state", "a"), ("state", "b"), ("sid", "a"))}) == 3
