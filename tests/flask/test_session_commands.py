from dataclasses import replace

import pytest
import time_machine
from tests.flask.double import ISSUER, Visitor, break_store, fail_after_the_first

from signon.core.errors import ProviderUnavailable
from signon.flask import session_commands
from signon.flask.signals import session_ended

NOW = 1_800_000_000
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
PERSON = ("--issuer", ISSUER, "--subject", "person-1")
IN_SID = ("--issuer", ISSUER, "--sid", "sid-1")


@pytest.fixture
def app(make_app):
    """An application whose sessions a command of another process could reach, too."""
    return make_app(SIGNON_SESSIONS="sqlite:///sessions.db")


@pytest.fixture
def run(app):
    """Run `flask signon sessions ...`."""

    def run(*words, answer=None, on=app):
        return on.test_cli_runner().invoke(args=["signon", "sessions", *words], input=answer)

    return run


@pytest.fixture
def people(app, op):
    """Twice the same person, in two sessions of the provider's, and somebody else in the first of these."""
    found = []
    with time_machine.travel(NOW, tick=False) as clock:
        for sub, sid in (("person-1", "sid-1"), ("person-1", "sid-2"), ("person-2", "sid-1")):
            visitor = Visitor(app, op, headers={"Accept": "text/html", "User-Agent": FIREFOX})
            visitor.sign_in(sub=sub, sid=sid)
            found.append(visitor)
            clock.shift(60)
        yield found


@pytest.fixture
def revoked(monkeypatch):
    """The subjects whose tokens were revoked."""
    seen = []
    monkeypatch.setattr(
        session_commands, "revoke_tokens", lambda _party, session: seen.append(session.login.person.subject)
    )
    return seen


@pytest.fixture
def told(app):
    """The subjects whose end was told, and why."""
    seen = []

    def note(_app, *, login, reason):
        seen.append((login.person.subject, reason))

    with session_ended.connected_to(note, app):
        yield seen


def who(people):
    return [visitor.who() for visitor in people]


def test_list_of_a_person(people, run):
    """Where and when this person is signed in, the newest first, and nothing that says who it is."""
    people[1].get("/me")
    result = run("list", *PERSON)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "2 sessions",
        "OpenID, Firefox on Linux, since 2027-01-15 08:01Z, last seen 2027-01-15 08:03Z",
        "OpenID, Firefox on Linux, since 2027-01-15 08:00Z, last seen 2027-01-15 08:00Z",
    ]


def test_list_of_a_session_of_the_providers(people, run):
    """All that was begun in it, whoever's it is."""
    lines = run("list", *IN_SID).output.splitlines()
    assert lines[0] == "2 sessions"
    assert [line.partition("since ")[2][:17] for line in lines[1:]] == ["2027-01-15 08:02Z", "2027-01-15 08:00Z"]


def test_list_of_nobody(people, run):
    """An unknown person or session is an empty list, and no failure."""
    for words in (("--issuer", ISSUER, "--subject", "person-9"), ("--issuer", ISSUER, "--sid", "person-1")):
        assert (run("list", *words).exit_code, run("list", *words).output) == (0, "0 sessions\n")


@pytest.mark.parametrize("issuer", [f"{ISSUER}/", "https://third.example"])
@pytest.mark.parametrize("command", ["list", "end"])
@pytest.mark.parametrize("whose", ["--subject", "--sid"])
def test_issuer_that_no_provider_has(make_app, make_provider, run, command, issuer, whose):
    """An issuer that is written in another way finds nobody: that must not pass for nobody being signed in."""
    providers = [make_provider(), make_provider("other", "https://other.example")]
    app = make_app({"providers": providers}, SIGNON_SESSIONS="sqlite:///sessions.db")
    result = run(command, "--issuer", issuer, whose, "x", on=app)
    there_are = f"there are {ISSUER}, https://other.example"
    assert (result.exit_code, result.output) == (1, f"Error: no provider has the issuer {issuer}; {there_are}\n")


def test_sessions_of_a_provider_that_was_taken_out(app, people, make_app, make_provider, run):
    """Its people can still be signed out: the issuer is looked at only where nobody is found under it."""
    others = {"providers": [make_provider("other", "https://other.example")]}
    later = make_app(others, SIGNON_SESSIONS="sqlite:///sessions.db")
    assert run("list", *PERSON, on=later).output.startswith("2 sessions\n")
    assert run("end", *PERSON, on=later).output == "2 sessions ended\n"
    assert run("end", *PERSON, on=later).exit_code == 1


@pytest.mark.parametrize("away", [False, True])
def test_issuer_of_two_spellings(make_app, make_provider, ops, op, run, away):
    """Where the metadata may spell it with a slash, so do sessions; while that is away the setting counts."""
    written = f"{ISSUER}/"
    ops[written] = op
    provider = replace(make_provider(), issuer=written, either_slash=True)
    app = make_app({"providers": [provider]}, SIGNON_SESSIONS="sqlite:///sessions.db")
    if away:
        op.failing["metadata"] = ProviderUnavailable("metadata_timeout", "no answer")
    right, wrong = (written, ISSUER) if away else (ISSUER, written)
    assert run("list", "--issuer", right, "--sid", "x", on=app).output == "0 sessions\n"
    assert f"; there are {right}\n" in run("list", "--issuer", wrong, "--sid", "x", on=app).output


def test_store_that_fails_midway(app, people, run, monkeypatch, revoked, told):
    """Whose end was reached is told of, with the tokens revoked, since a second try ends only the rest."""
    with monkeypatch.context() as patch:
        fail_after_the_first(patch, app, "delete")
        result = run("end", *PERSON)
    assert (result.exit_code, result.output) == (1, "Error: store_unavailable: the store is away\n")
    assert (told, revoked) == ([("person-1", "operator")], ["person-1"])
    assert run("end", *PERSON).output == "1 session ended\n"
    assert (told, revoked) == ([("person-1", "operator")] * 2, ["person-1"] * 2)


def test_list_calls_an_unknown_browser_so(app, op, run):
    """A session of a browser that nobody knows is listed in words."""
    Visitor(app, op).sign_in()
    assert ", unknown browser, since " in run("list", *PERSON).output


def test_end_of_a_person(people, run, revoked, told):
    """All of this person's sessions end, told and with their tokens revoked; nobody else's do."""
    result = run("end", *PERSON)
    assert (result.exit_code, result.output) == (0, "2 sessions ended\n")
    assert who(people) == ["nobody", "nobody", "Somchai"]
    assert revoked == ["person-1", "person-1"]
    assert told == [("person-1", "operator")] * 2
    assert run("end", *PERSON).output == "0 sessions ended\n"


def test_end_of_a_session_of_the_providers(people, run, revoked, told):
    """What was begun in it ends, whoever's it is; what was begun in another lives."""
    assert run("end", *IN_SID).output == "2 sessions ended\n"
    assert who(people) == ["nobody", "Somchai", "nobody"]
    assert sorted(revoked) == ["person-1", "person-2"]
    assert sorted(told) == [("person-1", "operator"), ("person-2", "operator")]


def test_end_of_one_session_is_counted_as_one(people, run, revoked):
    """One is one session."""
    assert run("end", "--issuer", ISSUER, "--sid", "sid-2").output == "1 session ended\n"


@pytest.mark.parametrize(("words", "answer"), [(("--yes",), None), ((), "y\n")])
def test_end_of_everybodys(people, run, revoked, told, words, answer):
    """After a yes every session ends; no session was opened for it, so none is told of."""
    result = run("end", "--all", *words, answer=answer)
    assert result.exit_code == 0
    assert result.output.endswith("all sessions ended: every worker knows within a second\n")
    assert who(people) == ["nobody"] * 3
    assert (revoked, told) == ([], [])


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_end_of_everybodys_is_asked_about(people, run, answer):
    """Without a yes nothing happens."""
    assert run("end", "--all", answer=answer).exit_code == 1
    assert who(people) == ["Somchai"] * 3


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--issuer", ISSUER),
        ("--subject", "person-1"),
        ("--sid", "sid-1"),
        ("--subject", "person-1", "--sid", "sid-1"),
        (*PERSON, "--sid", "sid-1"),
    ],
)
@pytest.mark.parametrize("command", ["list", "end"])
def test_who_is_meant_must_be_clear(people, run, command, words):
    """An issuer with either a person or a session of the provider's: all else is refused, and ends nothing."""
    result = run(command, *words)
    assert result.exit_code == 2
    assert "whose sessions: --issuer, and either --subject or --sid" in result.output
    assert who(people) == ["Somchai"] * 3


@pytest.mark.parametrize("words", [("--issuer", ISSUER), ("--subject", "person-1"), ("--sid", "sid-1"), PERSON])
def test_everybody_is_nobody_in_particular(people, run, words):
    """`--all` beside a name is refused: one of the two is a mistake."""
    result = run("end", "--all", "--yes", *words)
    assert result.exit_code == 2
    assert who(people) == ["Somchai"] * 3


@pytest.mark.parametrize(
    "words", [("list", *PERSON), ("end", *PERSON), ("end", *IN_SID), ("end", "--all", "--yes")]
)
def test_store_that_is_away_is_a_line(app, people, run, monkeypatch, told, words):
    """A store that fails is said in words and by the exit code, and nothing is said to have ended."""
    with monkeypatch.context() as patch:
        break_store(app, patch)
        result = run(*words)
    assert result.exit_code == 1
    assert result.output == "Error: store_unavailable: the store is away\n"
    assert told == []


@pytest.mark.parametrize("words", [("list", *PERSON), ("end", *PERSON), ("end", "--all", "--yes")])
def test_memory_is_out_of_reach(make_app, run, words):
    """Sessions in the memory of workers can't be reached by a command, which must not say that there are none."""
    result = run(*words, on=make_app(SIGNON_SESSIONS="memory:"))
    assert result.exit_code == 1
    assert "each worker has its sessions in its own memory" in result.output
