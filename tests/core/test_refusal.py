import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import CLIENT_ID, NOW, answer, json_answer, outcome, provider

from signon.core.client_auth import Client
from signon.core.errors import OperatorError, ProviderRefused, SignOnError
from signon.core.refusal import raise_refusal


def read(response, of_provider=None) -> None:
    return raise_refusal(response, of_provider or provider(), document="doc", now=NOW)


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    ("name", "error_class", "code"),
    [
        ("invalid_grant", ProviderRefused, "doc_invalid_grant"),
        ("invalid_request", ProviderRefused, "doc_refused"),
        ("INVALID_CLIENT", ProviderRefused, "doc_refused"),
        ("", ProviderRefused, "doc_refused"),
        ("invalid_client", OperatorError, "doc_invalid_client"),
        ("unauthorized_client", OperatorError, "doc_invalid_client"),
    ],
)
def test_oauth_errors_are_told_apart(status, name, error_class, code):
    """An OAuth error must be the provider's refusal or the operator's mistake, with its name and status."""
    with pytest.raises(error_class) as error:
        read(json_answer({"error": name}, status=status))
    assert type(error.value) is error_class
    assert error.value.code == code
    assert f"{status} {name}" in str(error.value)


@pytest.mark.parametrize(
    "response",
    [
        json_answer({"error": "invalid_grant"}),
        json_answer({"error": "invalid_grant"}, status=404),
        json_answer({"error": "invalid_grant"}, status=500),
        json_answer({"error": "invalid_grant"}, status=302),
        json_answer({}, status=400),
        json_answer({"error": 1}, status=400),
        json_answer({"error": None}, status=400),
        answer(b"", status=400),
        answer(b"<html>", status=401),
        answer(b"[]", status=403),
    ],
)
def test_any_other_answer_is_left_to_the_reader(response):
    """What is no OAuth error must raise nothing here: the reader of the document says what it is."""
    assert read(response) is None


def test_providers_own_word_is_kept():
    """What a profile makes of an error must decide its kind, and the provider's own word must be what is told."""
    known = provider(read_error=lambda answer, _now: {**answer, "error": "invalid_grant"})
    with pytest.raises(ProviderRefused) as error:
        read(json_answer({"error": "code_too_old", "error_description": "told so"}, status=400), known)
    assert (error.value.code, error.value.error) == ("doc_invalid_grant", "code_too_old")
    assert error.value.description == "told so"
    assert "400 code_too_old" in str(error.value)
    known = provider(read_error=lambda _answer, _now: {"error": "invalid_client"})
    with pytest.raises(OperatorError) as operator:
        read(json_answer({"message": "go away"}, status=401), known)
    assert "401 invalid_client" in str(operator.value)


def test_refusal_says_how_we_authenticated():
    """The operator must be told which way of authentication was tried, where one is registered."""
    for auth, shown in ((None, "this way of sending them"), ("client_secret_post", "client_secret_post")):
        client = Client(client_id=CLIENT_ID, auth=auth)
        with pytest.raises(OperatorError) as error:
            read(json_answer({"error": "invalid_client"}, status=401), provider(client=client))
        assert f"whether {shown} is what was registered" in str(error.value)


@given(
    st.integers(100, 599),
    st.binary()
    | st.dictionaries(
        st.sampled_from(["error", "error_description", "error_uri"]), st.none() | st.text() | st.integers(0, 9)
    ).map(lambda body: json.dumps(body).encode()),
)
def test_any_answer_gives_nothing_or_our_error(status, body):
    """Whatever answer comes, it must raise an error of ours or nothing, bounded and printable."""
    result = outcome(lambda: read(answer(body, status=status)))
    assert isinstance(result, SignOnError | None)
    if isinstance(result, SignOnError):
        assert str(result).isprintable()
        assert len(str(result)) < 400
