import threading
from dataclasses import replace

import pytest
from tests.flask.double import LOCAL, Visitor, code_of

from signon.core.errors import PersonError
from signon.core.http import HttpResponse
from signon.flask import ended, signed_in
from signon.flask.signals import session_ended
from signon.runtime import background


@pytest.fixture
def heard():
    """What `session_ended` has said: (reason, subject)."""
    seen = []

    def on(_sender, *, login, reason):
        seen.append((reason, login.person.subject))

    with session_ended.connected_to(on):
        yield seen


@pytest.fixture
def revoked(monkeypatch):
    """The subjects whose tokens were handed over to be revoked, in their order."""
    seen = []

    def submit(job):
        seen.append(job.args[1].login.person.subject)
        return True

    monkeypatch.setattr(ended.background, "submit", submit)
    return seen


def leave(visitor):
    response = visitor.post("/auth/logout", Origin=LOCAL)
    before = response.status_code
    response.close()
    return before


def test_sign_out_is_told_and_its_tokens_go(visitor, heard, revoked):
    """One signal and one revocation for the session that its owner ended; none where there was none."""
    visitor.sign_in()
    assert leave(visitor) == 303
    assert (heard, revoked) == ([("signed_out", "person-1")], ["person-1"])
    leave(visitor)
    assert (len(heard), len(revoked)) == (1, 1)


def test_answer_comes_first(visitor, revoked):
    """Nothing is handed over before the server is done with the answer."""
    visitor.sign_in()
    response = visitor.post("/auth/logout", Origin=LOCAL)
    assert (response.status_code, revoked) == (303, [])
    response.close()
    assert revoked == ["person-1"]


def test_replaced_session_is_told_and_its_tokens_go(visitor, heard, revoked):
    """Signing in while signed in ends the old session as its owner would: whoever signs in now."""
    visitor.sign_in().close()
    assert (heard, revoked) == ([], [])
    visitor.sign_in(sub="person-2").close()
    assert (heard, revoked) == ([("replaced", "person-1")], ["person-1"])
    assert visitor.who() == "Somchai"


def test_replaced_session_is_gone_where_the_new_one_is_refused(visitor, heard, revoked):
    """A receiver that keeps the new session out changes nothing about the end of the old one."""
    visitor.sign_in().close()

    def refuse(_sender, **_values):
        raise PersonError("full", "no room")

    with signed_in.connected_to(refuse):
        response = visitor.sign_in(sub="person-2")
    response.close()
    assert code_of(response) == "full"
    assert (heard, revoked) == ([("replaced", "person-1")], ["person-1"])


def test_session_without_tokens_has_none_to_revoke(app, visitor, heard, revoked):
    """A session that holds no tokens is told of, and nobody is asked to revoke anything."""
    visitor.sign_in()
    party = app.extensions["signon"].party
    session_id = visitor.cookies()["signon-80"]
    session = party.sessions.load(session_id, now=party.clock())
    assert party.sessions.replace(session_id, replace(session, tokens=None), now=party.clock())
    leave(visitor)
    assert (heard, revoked) == ([("signed_out", "person-1")], [])


def test_tokens_are_revoked_at_the_provider(app, op, monkeypatch):
    """The whole way: after a sign-out the provider is asked to revoke, by the thread in the background."""
    monkeypatch.setattr(background, "_queues", {})
    op.metadata["revocation_endpoint"] = f"{op.issuer}/revocation"
    op.failing["revocation"] = None
    asked = []
    op._revocation = lambda request: asked.append(request.url) or _empty()
    visitor = Visitor(app, op)
    visitor.sign_in()
    leave(visitor)
    _wait_for_all()
    assert asked == [f"{op.issuer}/revocation"]


def _empty():
    return HttpResponse(status=200, headers={}, body=b"")


def _wait_for_all() -> None:
    done = threading.Event()
    assert background.submit(done.set)
    assert done.wait(5)
