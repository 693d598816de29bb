import re

import pytest
from tests.flask.double import KEY, Visitor

from signon.sessions.sealer import MIN_KEY_CHARACTERS

OLD = "an-older-key-of-this-application"


@pytest.fixture
def run():
    """Run `flask signon keys ...` on an application."""

    def run(app, *words):
        return app.test_cli_runner().invoke(args=["signon", "keys", *words])

    return run


def test_list_shows_ids_and_never_keys(make_app, run):
    """Each key by its id, the first as the one that seals, and where they come from; nothing of the keys."""
    app = make_app(SIGNON_KEYS=f"{KEY} {OLD}")
    result = run(app, "list")
    first, second = app.extensions["signon"].party.sealer.key_ids
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        ["2 keys from SIGNON_KEYS", f"{first}  seals and opens", f"{second}  opens"],
    )
    assert re.fullmatch(r"[0-9a-f]{8}", first)
    assert not [key for key in (KEY, OLD) if key[:8] in result.output]


def test_ids_are_the_keys_own(make_app, run):
    """A key keeps its id wherever it stands, so that two applications can be compared."""
    before = run(make_app(SIGNON_KEYS=OLD), "list").output.splitlines()[1]
    after = run(make_app(SIGNON_KEYS=f"{KEY} {OLD}"), "list").output.splitlines()[2]
    assert before.split()[0] == after.split()[0]


def test_list_says_where_keys_come_from(make_app, run, tmp_path):
    """From the setting, the file that a setting names, Flask's own key, or the file that was made here."""
    file = tmp_path / "keys"
    file.write_text(KEY)
    for settings, where in (
        ({"SIGNON_KEYS": KEY}, "SIGNON_KEYS"),
        ({"SIGNON_KEYS": None, "SIGNON_KEYS_FILE": str(file)}, "SIGNON_KEYS_FILE"),
        ({"SIGNON_KEYS": None, "SECRET_KEY": KEY}, "SECRET_KEY"),
        ({"SIGNON_KEYS": None}, str(tmp_path / "instance" / "signon.key")),
    ):
        assert run(make_app(**settings), "list").output.splitlines()[0] == f"1 key from {where}"


def test_new_prints_a_key_alone(app, run):
    """The key is the whole of the output, so that it can be piped; each is another, and long enough."""
    found = {run(app, "new").stdout for _ in range(3)}
    assert len(found) == 3
    for text in found:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", text)
        assert len(text) > MIN_KEY_CHARACTERS


@pytest.mark.parametrize(
    ("settings", "step"),
    [
        ({}, "Put it first in SIGNON_KEYS, with a comma behind it and the keys there are;"),
        (
            {"SIGNON_KEYS": None, "SECRET_KEY": KEY},
            "Make it the SECRET_KEY, with the one before it first in SECRET_",
        ),
        ({"SIGNON_KEYS": None}, "Set SIGNON_KEYS to it, a comma, and the key in "),
    ],
)
def test_new_says_how_to_change_keys(make_app, run, settings, step):
    """Beside it stands what to do with it here, and when the older keys may go; no key in use is in it."""
    app = make_app(SIGNON_SESSION_SECONDS=28_800, **settings)
    words = run(app, "new").stderr
    assert words.startswith(step)
    assert "After 8 hours nothing that lives needs the older keys" in words
    assert not [key for key in app.extensions["signon"].settings.keys if key.reveal() in words]


def test_new_key_in_front_signs_nobody_out(make_app, op, run):
    """What the command says works: with its key in front of the old one, who was signed in stays so."""
    store = {"SIGNON_SESSIONS": "sqlite:///rotated.db"}
    before = make_app(**store)
    visitor = Visitor(before, op)
    visitor.sign_in()
    new = run(before, "new").stdout.strip()
    cookie = f"signon-80={visitor.cookies()['signon-80']}"
    after = Visitor(make_app(SIGNON_KEYS=f"{new},{KEY}", **store), op)
    assert after.get("/who", Cookie=cookie).text == "Somchai"
