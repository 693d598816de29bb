import pytest

from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.auth0 import AUTH0
from signon_idp.endpoints.password_mail import CONNECTION

ADDRESS = "mia@people.example"


@pytest.fixture
def idp(clock):
    return Idp(dialect=AUTH0, origin="http://127.0.0.1:9003", clients=(demo_client("auth0"),), now=clock)


@pytest.fixture
def ask(idp):
    def ask(**changes):
        members = {"client_id": "demo", "email": ADDRESS, "connection": CONNECTION, **changes}
        body = {name: value for name, value in members.items() if value is not None}
        return idp.app.test_client().post("/dbconnections/change_password", json=body)

    return ask


@pytest.mark.parametrize(
    ("changes", "mails"),
    [
        ({}, [ADDRESS]),
        ({"client_id": None}, [ADDRESS]),
        ({"email": "MIA@people.example"}, ["MIA@people.example"]),
        ({"email": "nobody@people.example"}, []),
        ({"email": "tan@people.example"}, []),
        ({"connection": "staff"}, []),
    ],
)
def test_who_gets_a_mail(idp, ask, changes, mails):
    """Only who has a password here gets one, and the answer is the same plain sentence for all."""
    answer = ask(**changes)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert answer.text == "We've just sent you an email to reset your password."
    assert list(idp.state.mails) == mails


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"email": None}, "email is required"),
        ({"email": ""}, "email is required"),
        ({"email": ["a"]}, "email is required"),
        ({"connection": None}, "connection is required"),
        ({"client_id": "nobody"}, "the client does not exist"),
    ],
)
def test_refused(idp, ask, changes, error):
    """What is missing or unknown is refused with 400."""
    answer = ask(**changes)
    assert (answer.status_code, answer.json) == (400, {"error": error})
    assert not idp.state.mails


@pytest.mark.parametrize(
    "options",
    [
        {"data": {"email": ADDRESS, "connection": CONNECTION}},
        {"data": "{", "content_type": "application/json"},
        {"data": "[1]", "content_type": "application/json"},
    ],
)
def test_only_json(idp, options):
    """A form, half an object and a list are no request."""
    answer = idp.app.test_client().post("/dbconnections/change_password", **options)
    assert answer.status_code == 400
    assert not idp.state.mails
