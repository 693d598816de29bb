import time
from dataclasses import replace

import pytest

from signon.core.errors import StoreUnavailable
from signon.sessions.memory import MemoryStore
from signon.sessions.records import Records
from signon.sessions.sealer import Sealer
from signon.sessions.sqlite import SqliteStore

KEY = b"k" * 32


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    store = MemoryStore() if request.param == "memory" else SqliteStore(str(tmp_path / "sessions.db"))
    yield store
    store.close()


@pytest.fixture
def records(store, sealer):
    return Records(store, sealer)


@pytest.fixture
def create(records, session, now):
    def create(one=session, key=KEY):
        return records.create(key, one, now=now, expires_at=now + 100)

    return create


def members(records, session, now):
    return [records._store.index_list(key, now=now) for index in records.indexes(session) for key in index]


def test_a_created_record_is_indexed_and_opens(create, records, session, now):
    """A new record loads as it was, with version and time of the store, and stands in each of its indexes."""
    assert create()
    loaded = records.load(KEY, now=now)
    assert (loaded, loaded.version, loaded.touched_at) == (session, 1, now)
    assert members(records, session, now) == [(KEY,), (KEY,)]


def test_a_session_without_a_sid_has_one_index(create, records, session, now):
    """Only a session of the provider's that has a name is indexed under it."""
    nameless = replace(session, login=replace(session.login, sid=None))
    assert create(nameless)
    assert members(records, nameless, now) == [(KEY,)]
    assert members(records, session, now) == [(KEY,), ()]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("key", [0, 1])
def test_a_mark_under_any_key_refuses_a_record(store, rotated, session, now, which, key):
    """A mark of person or provider's session, made under the newer or the older key, leaves nothing behind."""
    records = Records(store, rotated)
    mark = records.indexes(session)[which][key]
    store.mark_ended(mark, now=now, expires_at=now + 100)
    assert not records.create(KEY, session, now=now + 1, expires_at=now + 100)
    assert store.load(KEY, now=now + 1) is None
    assert members(records, session, now + 1) == [()] * 4
    assert records.load(KEY, now=now + 1) is None
    begun_later = replace(session, started_at=now)
    assert records.create(KEY, begun_later, now=now + 1, expires_at=now + 100)


class Ahead(MemoryStore):
    """A store whose clock is a thousand seconds ahead of ours, and notes what times it is given."""

    def __init__(self, now):
        super().__init__()
        self.given = []
        self._ahead = now + 1000 - time.monotonic()

    def clock(self):
        return time.monotonic() + self._ahead

    def mark_ended(self, key, *, now, expires_at):
        self.given.append((now, expires_at))
        super().mark_ended(key, now=now, expires_at=expires_at)

    def ended_since(self, key, *, since, now):
        self.given.append((since, now))
        return super().ended_since(key, since=since, now=now)


def test_ends_go_by_the_stores_clock(sealer, session, now):
    """An end is noted at the store's time and for as long by it, and looked for at the store's time."""
    store = Ahead(now)
    records = Records(store, sealer)
    index = records.indexes(session)[0][0]
    records.mark_ended(index, now=now, seconds=100)
    (ended_at, expires_at), *_ = store.given
    assert ended_at == pytest.approx(now + 1000, abs=10)
    assert expires_at == ended_at + 100
    before = replace(session, started_at=ended_at - 1)
    assert not records.create(KEY, before, now=now, expires_at=now + 100)
    since, looked_at = store.given[-1]
    assert (since, looked_at) == (ended_at - 1, pytest.approx(now + 1000, abs=10))
    assert records.create(KEY, replace(session, started_at=ended_at), now=now, expires_at=now + 100)


def test_a_deleted_record_leaves_nothing(create, records, session, now):
    """Record and index entries go together; a second time there is nothing to delete."""
    create()
    assert records.delete(KEY, session)
    assert records.load(KEY, now=now) is None
    assert members(records, session, now) == [(), ()]
    assert not records.delete(KEY, session)
    assert not records.delete(KEY, None)


def test_what_finds_a_deleted_record_may_stay(create, records, store, session, now, monkeypatch):
    """A record is gone once it is deleted: a store that fails at its index entries then changes nothing."""
    create()
    asked = []

    def fail(*_args):
        asked.append(1)
        raise StoreUnavailable("store_unavailable", "away")

    monkeypatch.setattr(store, "index_remove", fail)
    assert records.delete(KEY, session)
    assert len(asked) == 1
    assert records.load(KEY, now=now) is None


def test_a_write_needs_the_version_that_it_loaded(create, records, session, now):
    """A session is written back over the record it was loaded from, and over no later one."""
    create()
    loaded = records.load(KEY, now=now)
    assert records.update(KEY, replace(loaded, roles=("first",)), now=now + 5, expires_at=now + 100)
    assert not records.update(KEY, replace(loaded, roles=("second",)), now=now + 6, expires_at=now + 100)
    again = records.load(KEY, now=now + 6)
    assert (again.roles, again.version, again.touched_at) == (("first",), 2, now + 5)


def test_a_write_without_a_change_of_keys_touches_no_index(create, records, session, now, monkeypatch):
    """Only while keys change does a write cost more than itself."""
    create()
    monkeypatch.setattr(records._store, "index_add", pytest.fail)
    assert records.update(KEY, records.load(KEY, now=now), now=now, expires_at=now + 100)


def test_a_write_while_keys_change_adds_the_newer_indexes(create, store, sealer, rotated, session, now):
    """What is sealed anew stands in the indexes of both keys, and leaves both when it ends."""
    create()
    records = Records(store, rotated)
    assert members(records, session, now) == [(), (KEY,)] * 2
    assert records.update(KEY, records.load(KEY, now=now), now=now, expires_at=now + 100)
    assert members(records, session, now) == [(KEY,)] * 4
    assert Records(store, sealer).load(KEY, now=now) is None
    records.delete(KEY, session)
    assert members(records, session, now) == [()] * 4


def test_a_touch_is_seen_without_opening_anew_what_is_the_same(create, records, session, now):
    """The store's time of the last use is the session's, also where its bytes are the same as before."""
    create()
    records._store.touch(KEY, now=now + 30, expires_at=now + 100)
    assert records.load(KEY, now=now + 31).touched_at == now + 30


def test_bytes_that_do_not_open_are_no_session(create, records, store, new_key, session, now):
    """A record of another key is None, each time, and again a session where its key is there."""
    create()
    stranger = Records(store, Sealer([new_key]))
    assert [stranger.load(KEY, now=now) for _ in range(2)] == [None, None]
    assert records.load(KEY, now=now) == session


def test_a_key_that_is_taken_is_the_stores_fault(create, session):
    """A record under a fresh random key can't be there: the store is out of order."""
    create()
    with pytest.raises(StoreUnavailable) as caught:
        create()
    assert caught.value.code == "store_unavailable"
