from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import answer, json_answer, outcome

from signon.core.errors import MalformedAnswer, ProviderError, ProviderUnavailable, SignOnError
from signon.core.http import (
    HttpRequest,
    HttpResponse,
    add_query,
    form_request,
    read_json_answer,
    read_success,
    without_query,
)

JSON_ONLY = frozenset({"application/json"})


def test_request_and_answer_hide_what_may_be_secret():
    """The repr of a request or an answer must show no query, header or body."""
    request = HttpRequest(
        method="POST",
        url="https://op.example/token?key=hidden#hidden",
        document="token",
        headers={"Authorization": "Basic hidden"},
        body=b"code=hidden",
    )
    assert repr(request) == "<HttpRequest POST https://op.example/token for token>"
    response = HttpResponse(status=200, headers={"set-cookie": "hidden"}, body=b"hidden")
    assert repr(response) == "<HttpResponse 200, 6 bytes>"


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=UTF-8", "application/json"),
        (" application/jwt ;x=y", "application/jwt"),
        ("", ""),
    ],
)
def test_media_type_has_no_parameters(content_type, media_type):
    """The media type must come without parameters, in small letters."""
    assert answer(b"", content_type=content_type).media_type == media_type
    assert HttpResponse(status=200, headers={}, body=b"").media_type == ""


def test_form_request_is_a_form_that_expects_json():
    """A form must be a form-encoded POST that accepts JSON, with more headers on top."""
    request = form_request(
        "https://op.example/token",
        {"a": "1 2", "b": "é&="},
        document="token",
        headers={"Authorization": "Basic x"},
    )
    assert (request.method, request.url, request.document) == ("POST", "https://op.example/token", "token")
    assert request.body == b"a=1+2&b=%C3%A9%26%3D"
    assert request.headers == {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "Basic x",
    }


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("https://op.example/a", "https://op.example/a?b=c+d"),
        ("https://op.example/a?x=y", "https://op.example/a?x=y&b=c+d"),
        ("https://op.example/a?x=%20&x", "https://op.example/a?x=%20&x&b=c+d"),
    ],
)
def test_query_is_added_to_what_is_there(url, whole):
    """Parameters must be added to an address without touching the query it has (RFC 6749 3.1)."""
    assert add_query(url, {"b": "c d"}) == whole
    assert add_query(url, {}) == url


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_added_parameters_come_back(parameters):
    """Whatever text is added as a parameter must be read back as it was, and nothing else with it."""
    url = add_query("https://op.example/a", parameters)
    assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) == parameters
    assert without_query(url) == "https://op.example/a"


@pytest.mark.parametrize(
    ("status", "error_class", "kind"),
    [
        (301, ProviderError, "redirect"),
        (302, ProviderError, "redirect"),
        (307, ProviderError, "redirect"),
        (399, ProviderError, "redirect"),
        (429, ProviderUnavailable, "server_error"),
        (500, ProviderUnavailable, "server_error"),
        (503, ProviderUnavailable, "server_error"),
        (100, ProviderError, "status"),
        (201, ProviderError, "status"),
        (204, ProviderError, "status"),
        (400, ProviderError, "status"),
        (404, ProviderError, "status"),
    ],
)
def test_other_statuses_are_refused(status, error_class, kind):
    """Only 200 is success; a redirect is never followed, and a server's trouble is told from its refusal."""
    with pytest.raises(error_class) as error:
        read_success(json_answer({}, status=status), document="doc", media_types=JSON_ONLY)
    assert type(error.value) is error_class
    assert error.value.code == f"doc_{kind}"


@pytest.mark.parametrize("content_type", ["text/html", "", "application/jsonp", "text/json", "application/jwt"])
def test_other_content_types_are_refused(content_type):
    """An answer of another type must be refused before it is read."""
    with pytest.raises(MalformedAnswer) as error:
        read_json_answer(json_answer({}, content_type=content_type), document="doc")
    assert error.value.code == "doc_content_type"


def test_json_answer_is_read():
    """The object of a successful JSON answer must come back."""
    assert read_json_answer(json_answer({"a": [1]}), document="doc") == {"a": [1]}


@given(
    st.integers(100, 599),
    st.sampled_from(["application/json", "application/json;charset=utf-8", "text/html", ""]) | st.text(),
    st.binary(),
)
def test_any_answer_gives_an_object_or_our_error(status, content_type, body):
    """Whatever answer comes, the reader must give an object or an error of ours."""
    response = answer(body, status=status, content_type=content_type)
    value = outcome(lambda: read_json_answer(response, document="doc"))
    assert isinstance(value, dict | SignOnError)
