import sys

import pytest

from signon.core.errors import ConfigurationError
from signon.sessions.circuit import Circuit
from signon.sessions.memory import MemoryStore
from signon.sessions.open import open_store
from signon.sessions.sqlite import SqliteStore


def test_memory():
    """`memory:` is a store in memory."""
    assert isinstance(open_store("memory:"), MemoryStore)


def test_a_relative_path(tmp_path, monkeypatch):
    """Three slashes lead to a file in the working folder."""
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///sessions.db")
    store.epoch()
    store.close()
    assert isinstance(store, SqliteStore)
    assert (tmp_path / "sessions.db").exists()


def test_the_working_folder_may_change(tmp_path, monkeypatch):
    """A relative path keeps its meaning when the process goes elsewhere, as servers do."""
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///sessions.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.epoch()
    store.close()
    assert (tmp_path / "sessions.db").exists()


def test_an_absolute_path(tmp_path):
    """Four slashes lead to a file from the root."""
    store = open_store(f"sqlite:///{tmp_path}/sessions.db")
    store.epoch()
    store.close()
    assert (tmp_path / "sessions.db").exists()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://app:planted-password@db/app", "'postgresql'"),
        ("memory", "'memory'"),
        ("memory://", "'memory'"),
        ("sqlite://", "'sqlite'"),
        ("sqlite:///", "'sqlite'"),
        ("sqlite:///:memory:", "'sqlite'"),
        ("sqlite://relative", "'sqlite'"),
        ("SQLITE:///sessions.db", "'SQLITE'"),
        ("sessions.db", "'sessions.db'"),
        ("", "''"),
        ("re\ndis://", "'re?dis'"),
    ],
)
def test_anything_else_is_refused(url, named):
    """Another address stops the start with what can be had, and shows nothing of it but the scheme."""
    with pytest.raises(ConfigurationError) as caught:
        open_store(url)
    (problem,) = caught.value.problems
    assert named in problem
    assert "memory:" in problem
    assert "sqlite:////file" in problem
    assert "planted" not in problem


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/0",
        "rediss+sentinel://127.0.0.1:1/main",
        "valkey+cluster://127.0.0.1:1",
        "postgresql+psycopg://app:pw@127.0.0.1:1/app",
        "mysql+pymysql://app:pw@127.0.0.1:1/app",
    ],
)
def test_a_server_is_behind_a_circuit(url):
    """A store on a server is not asked at the start, and one that is down holds up one caller at a time only."""
    assert isinstance(open_store(url), Circuit)


@pytest.mark.parametrize(
    ("url", "library", "extra"),
    [("redis://127.0.0.1", "redis", "redis"), ("postgresql+psycopg://127.0.0.1/app", "sqlalchemy", "sql")],
)
def test_a_library_that_is_not_installed(monkeypatch, url, library, extra):
    """Without the store's library the start says which extra brings it."""
    for name in (f"signon.sessions.{extra}", *(name for name in sys.modules if name.startswith(library))):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"signon.sessions.{extra}")
    with pytest.raises(ConfigurationError, match=rf"pip install 'signon\[{extra}\]'"):
        open_store(url)
