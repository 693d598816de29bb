import pytest
from tests.core.forge import outcome
from tests.flask.double import json_response

from signon.core.errors import OperatorError
from signon.flask import service_token


@pytest.fixture(autouse=True)
def _tokens(ops, plant):
    plant("service-token-of-the-application")
    answer = {"access_token": "service-token-of-the-application", "token_type": "Bearer", "expires_in": 300}
    for op in ops.values():
        op.failing["token"] = json_response(answer)


def test_token_without_a_request(app, op):
    """An application context is enough, and the only provider needs no name; nobody is signed in by it."""
    with app.app_context():
        assert service_token() == service_token("oidc") == "service-token-of-the-application"
    assert op.documents().count("token") == 1


def test_scope_as_text_or_texts(app, op):
    """A scope is text with blanks between, or several texts; the audience goes along."""
    with app.app_context():
        service_token(scope="a b", audience="https://api.example")
        service_token(scope=["b", "a"], audience="https://api.example")
    (form,) = [request.body for request in op.asked if request.document == "token"]
    assert form == b"grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi.example"


def test_page_that_uses_it_signs_nobody_in(app, visitor):
    """A page that asks for a service's token leaves its visitor as anonymous as before."""
    app.add_url_rule("/report", "report", lambda: service_token() and "made")
    assert visitor.get("/report").text == "made"
    assert not visitor.cookies()
    assert visitor.who() == "nobody"


def test_provider_must_be_known(make_app, make_provider):
    """With several providers one must be named, and by its right name."""
    app = make_app({"providers": [make_provider("one"), make_provider("two", issuer="https://two.example")]})
    with app.app_context():
        for name in (None, "three"):
            refused = outcome(lambda name=name: service_token(name))
            assert isinstance(refused, OperatorError)
            assert refused.code == "service_token_provider"
            assert "one, two" in str(refused)
