from urllib.parse import parse_qsl

import pytest
from tests.core.forge import CLIENT_ID, NOW, json_answer, metadata, outcome, provider

from signon.core.client_auth import Client
from signon.core.client_credentials import (
    client_credentials_request,
    get_service_token,
    read_client_credentials,
)
from signon.core.errors import MalformedAnswer, OperatorError, ProviderRefused
from signon.core.values import Secret

ANSWER = {"access_token": "the-token-of-the-application", "token_type": "Bearer", "expires_in": 60}


def request(*, scope=(), audience=None, **changes):
    return client_credentials_request(provider(**changes), metadata(), scope=scope, audience=audience, now=NOW)


def form(**changes):
    return dict(parse_qsl(request(**changes).body.decode()))


def read(value=ANSWER, *, scope=(), status=200):
    return read_client_credentials(json_answer(value, status=status), provider=provider(), scope=scope, now=NOW)


def test_request():
    """The grant type goes with our authentication, and what isn't wanted isn't sent."""
    assert form() == {"grant_type": "client_credentials"}
    assert request().headers["Authorization"].startswith("Basic ")
    wanted = {"grant_type": "client_credentials", "scope": "a b", "audience": "https://api.example"}
    assert form(scope=("a", "b"), audience="https://api.example") == wanted


def test_usual_parameters_of_a_provider():
    """What a provider's settings name is sent, unless the caller says otherwise."""
    usual = {"audience": "https://usual.example"}
    assert form(service_parameters=usual)["audience"] == "https://usual.example"
    assert form(service_parameters=usual, audience="https://api.example")["audience"] == "https://api.example"


def test_public_client_has_no_tokens_of_its_own():
    """A client that can't prove who it is must not ask (RFC 6749 4.4)."""
    refused = outcome(lambda: request(client=Client(client_id=CLIENT_ID)))
    assert isinstance(refused, OperatorError)
    assert refused.code == "client_credentials_public"


def test_answer():
    """The token, its end and its scope; the scope is what was asked for where the answer doesn't say."""
    tokens = read(scope=("a",))
    assert (tokens.access_token, tokens.expires_at, tokens.scope) == (
        Secret("the-token-of-the-application"),
        NOW + 60,
        ("a",),
    )
    assert read({**ANSWER, "scope": "b c"}).scope == ("b", "c")
    assert read({**ANSWER, "scope": ""}).scope == ()


def test_answer_is_about_nobody():
    """An ID token, a refresh token and claims in the answer are left there: nobody has signed in."""
    tokens = read({**ANSWER, "id_token": "a.b.c", "refresh_token": "r", "claims": {"sub": "x"}})
    assert (tokens.id_token, tokens.refresh_token, tokens.claims) == (None, None, {})


@pytest.mark.parametrize(
    ("value", "status", "error", "code"),
    [
        ({"error": "invalid_client"}, 401, OperatorError, "token_invalid_client"),
        ({"error": "unauthorized_client"}, 400, OperatorError, "token_invalid_client"),
        ({"error": "invalid_scope"}, 400, ProviderRefused, "token_refused"),
        ({"token_type": "Bearer"}, 200, MalformedAnswer, "token_access_token_missing"),
        ({**ANSWER, "token_type": "mac"}, 200, MalformedAnswer, "token_type_unknown"),
        ([], 200, MalformedAnswer, "token_not_object"),
    ],
)
def test_refusals(value, status, error, code):
    """Each way to say no, or nothing readable, has its own code."""
    refused = outcome(lambda: read(value, status=status))
    assert isinstance(refused, error)
    assert refused.code == code


def test_order():
    """One request, one answer."""
    steps = get_service_token(provider=provider(), metadata=metadata(), scope=("a",), audience=None, now=NOW)
    assert next(steps).url == metadata().token_endpoint
    with pytest.raises(StopIteration) as end:
        steps.send(json_answer(ANSWER))
    assert end.value.value.scope == ("a",)
