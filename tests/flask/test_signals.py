import pytest
from tests.flask.double import LOCAL, code_of

from signon.core.errors import PersonError
from signon.flask import signed_in, signed_out


@pytest.fixture
def heard():
    """What the two signals have sent: (which, sender, values)."""
    seen = []

    def on_in(sender, **values):
        seen.append(("in", sender, values))

    def on_out(sender, **values):
        seen.append(("out", sender, values))

    with signed_in.connected_to(on_in), signed_out.connected_to(on_out):
        yield seen


def test_signed_in_says_who_and_how(app, visitor, heard):
    """One signal for each sign-in, from the application, with the user and the login."""
    visitor.sign_in()
    ((which, sender, values),) = heard
    assert (which, sender) == ("in", app)
    assert set(values) == {"user", "login"}
    assert (values["user"].name, values["user"].provider) == ("Somchai", "oidc")
    assert values["login"].claims["email"] == "s@example.org"


def test_signed_out_says_who_it_was(app, visitor, heard):
    """One signal for each session that its owner ended; none where nobody was signed in."""
    visitor.post("/auth/logout", Origin=LOCAL)
    assert not heard
    visitor.sign_in()
    visitor.post("/auth/logout", Origin=LOCAL)
    visitor.post("/auth/logout", Origin=LOCAL)
    ((_, _, _), (which, sender, values)) = heard
    assert (which, sender) == ("out", app)
    assert (set(values), values["user"].name) == ({"user"}, "Somchai")


def test_failed_sign_in_is_silent(visitor, heard):
    """Nothing is sent for a sign-in that failed."""
    visitor.answer(visitor.start(), pairs={"state": "x"})
    visitor.answer(visitor.start(), aud="another")
    assert not heard


def test_receiver_can_keep_somebody_out(visitor):
    """A receiver that raises an error of ours ends the sign-in: no cookie, its own page."""

    def refuse(_sender, **_values):
        raise PersonError("full", "no room")

    with signed_in.connected_to(refuse):
        response = visitor.sign_in()
    assert (response.status_code, code_of(response)) == (403, "full")
    assert visitor.who() == "nobody"
