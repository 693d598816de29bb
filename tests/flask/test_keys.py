import os
import threading

import pytest
from tests.flask.double import HTTPS, KEY

from signon.core.errors import ConfigurationError
from signon.core.values import Secret
from signon.flask.keys import KeyFiles, keys_from, pseudonym_key, sealing_keys
from signon.flask.testing import sign_in

OLD = "an-older-key-of-this-application"


@pytest.fixture
def files(tmp_path):
    def make(*, allowed=True):
        return KeyFiles(folder=tmp_path / "instance", allowed=allowed, problems=[])

    return make


def revealed(keys):
    return [key.reveal() for key in keys]


@pytest.mark.parametrize("text", [f"{KEY} {OLD}", f"{KEY},{OLD}", f" {KEY} , {OLD} ", f"{KEY}\n{OLD}"])
def test_own_keys_in_their_order(files, text):
    """`SIGNON_KEYS`: the first seals, all open; blanks, commas and lines part them."""
    assert revealed(sealing_keys(files(), {"SECRET_KEY": OLD}, text)) == [KEY, OLD]


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ({"SECRET_KEY": KEY}, [KEY]),
        ({"SECRET_KEY": KEY.encode()}, [KEY]),
        ({"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": [OLD]}, [KEY, OLD]),
        ({"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": (OLD.encode(), None, "")}, [KEY, OLD]),
        ({"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": OLD}, [KEY]),
        ({"SECRET_KEY": b"\xff" * 32}, ["\xff" * 32]),
    ],
)
@pytest.mark.parametrize("own", [None, "", " , "])
def test_flasks_key_and_its_fallbacks(files, source, keys, own):
    """Without keys of our own: Flask's, and its fallbacks for what was sealed before."""
    found = files(allowed=False)
    assert revealed(sealing_keys(found, source, own)) == keys
    assert found.problems == []


def test_local_key_is_made_once(files, tmp_path):
    """Without any key, on this machine: one in the instance folder, for its owner only, the same the next time."""
    (key,) = sealing_keys(files(), {}, None)
    path = tmp_path / "instance" / "signon.key"
    assert path.read_text() == key.reveal()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(key.reveal()) >= 43
    assert revealed(sealing_keys(files(), {}, None)) == [key.reveal()]
    assert [entry.name for entry in path.parent.iterdir()] == ["signon.key"]


def test_workers_that_start_together_agree(files):
    """Workers that make the key at the same moment must all have the same, whole one."""
    barrier, found = threading.Barrier(8), []

    def start():
        barrier.wait()
        found.extend(revealed(sealing_keys(files(), {}, None)))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_worker_that_comes_second_takes_the_first_ones(files, tmp_path, monkeypatch):
    """A key that another worker put there between look and link must win."""
    folder = tmp_path / "instance"
    folder.mkdir()
    link = os.link

    def slow_link(source, target):
        target.write_text(OLD)
        link(source, target)

    monkeypatch.setattr(os, "link", slow_link)
    assert revealed(sealing_keys(files(), {}, None)) == [OLD]
    assert [entry.name for entry in folder.iterdir()] == ["signon.key"]


@pytest.mark.parametrize("how", ["a file in the way", "no text"])
def test_key_that_cannot_be_kept_is_a_problem(files, tmp_path, how):
    """Where no key can be kept, the start stops with the place and the setting."""
    if how == "no text":
        (tmp_path / "instance").mkdir()
        (tmp_path / "instance" / "signon.key").write_bytes(b"\xff\xff")
    else:
        (tmp_path / "instance").write_text("in the way")
    found = files()
    assert sealing_keys(found, {}, None) == ()
    (problem,) = found.problems
    assert problem.startswith("SIGNON_KEYS is not set, and no key can be kept in ")
    assert problem.endswith("set SIGNON_KEYS")


def test_no_key_stops_an_application_that_others_visit(files):
    """Off this machine no key is ever made."""
    found = files(allowed=False)
    assert sealing_keys(found, {}, None) == ()
    assert found.problems == ["no key to seal sessions with: set SIGNON_KEYS to 32 random characters or more"]
    assert not found.folder.exists()


@pytest.mark.parametrize(
    ("source", "own", "name"),
    [
        ({}, "short", "SIGNON_KEYS"),
        ({}, f"{KEY} short", "SIGNON_KEYS"),
        ({"SECRET_KEY": "dev"}, None, "SECRET_KEY"),
    ],
)
def test_short_key(files, source, own, name):
    """A key that can be guessed stops an application that others visit; on this machine it is taken."""
    found = files(allowed=False)
    sealing_keys(found, source, own)
    assert found.problems == [f"{name} has a key of less than 16 characters: it can be guessed"]
    found = files()
    keys = sealing_keys(found, source, own)
    assert found.problems == []
    assert all(len(key.reveal()) >= 16 for key in keys)


def test_short_key_changes_no_other(files):
    """A short key beside a good one must not change what the good one opens."""
    assert revealed(sealing_keys(files(), {}, f"short {KEY}"))[1] == KEY


@pytest.mark.parametrize("count", [15, 16])
def test_shortest_key(files, count):
    """16 characters are enough, 15 are not."""
    found = files(allowed=False)
    sealing_keys(found, {}, "k" * count)
    assert bool(found.problems) is (count < 16)


def test_pseudonym_key_is_set_or_made(files, tmp_path):
    """Set, it is taken as it is; on this machine one is made in a file of its own."""
    assert pseudonym_key(files(allowed=False), KEY) == Secret(KEY)
    made = pseudonym_key(files(), None)
    assert (tmp_path / "instance" / "signon-pseudonym.key").read_text() == made.reveal()
    assert pseudonym_key(files(), None) == made


@pytest.mark.parametrize(
    ("own", "problem"),
    [(None, "SIGNON_PSEUDONYM_KEY is not set"), ("short", "SIGNON_PSEUDONYM_KEY has less than 16")],
)
def test_pseudonym_key_is_never_made_up_for_others(files, own, problem):
    """Off this machine a missing or short pseudonym key stops the start."""
    found = files(allowed=False)
    pseudonym_key(found, own)
    (only,) = found.problems
    assert only.startswith(problem)


@pytest.mark.parametrize(
    ("source", "own", "where"),
    [
        ({"SIGNON_KEYS": KEY, "SECRET_KEY": OLD}, KEY, "SIGNON_KEYS"),
        ({"SIGNON_KEYS_FILE": "/run/keys", "SECRET_KEY": OLD}, KEY, "SIGNON_KEYS_FILE"),
        ({"SIGNON_KEYS": " , ", "SECRET_KEY": OLD}, " , ", "SECRET_KEY"),
        ({"SECRET_KEY": OLD}, None, "SECRET_KEY"),
        ({"SECRET_KEY_FILE": OLD}, None, "instance/signon.key"),
    ],
)
def test_where_keys_come_from(files, tmp_path, source, own, where):
    """Said is where the keys in use were found, in the order of looking for them; no file is made by it."""
    assert keys_from(files(), source, own).removeprefix(f"{tmp_path}/") == where
    assert not files().folder.exists()


def test_keys_of_an_application(make_app):
    """With a key in front of the old one, sessions from before it live on; with the old one gone they end."""
    old, new = "the-key-of-last-year-of-this-one", "the-key-of-this-year-of-this-one"
    store = {"SIGNON_SESSIONS": "sqlite:///rotated.db"}
    client = make_app(SIGNON_KEYS=old, **store).test_client()
    sign_in(client, {"name": "Malee"})
    cookie = {"Cookie": f"signon-80={client.get_cookie('signon-80').value}"}
    for keys, who in ((old, "Malee"), (f"{new} {old}", "Malee"), (new, "nobody")):
        client = make_app(SIGNON_KEYS=keys, **store).test_client(use_cookies=False)
        assert client.get("/who", headers=cookie).text == who


@pytest.mark.parametrize("name", ["SIGNON_KEYS", "SECRET_KEY"])
def test_application_without_a_key_does_not_start(make_app, name):
    """With an https base URL and no key, or a short one, the start stops and names it."""
    with pytest.raises(ConfigurationError) as caught:
        make_app(SIGNON_BASE_URL=HTTPS, SIGNON_KEYS=None)
    assert "set SIGNON_KEYS" in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        make_app(SIGNON_BASE_URL=HTTPS, **{"SIGNON_KEYS": None, name: "dev"})
    assert f"{name} has a key" in str(caught.value)
