import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import ACCESS_TOKEN, ISSUER, NOW, answer, json_answer, metadata, outcome, provider

from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
)
from signon.core.introspection import Introspection, introspection_request, read_introspection
from signon.core.values import Secret

KNOWN = metadata(introspection_endpoint=f"{ISSUER}/introspect")


def read(response) -> Introspection:
    return read_introspection(response, provider=provider(), now=NOW)


def test_request_is_an_authenticated_form():
    """The token must go in a form with our authentication, and show nowhere (RFC 7662 2.1)."""
    request = introspection_request(provider(headers={"X-Region": "th"}), KNOWN, Secret(ACCESS_TOKEN), now=NOW)
    assert (request.method, request.url, request.document) == ("POST", f"{ISSUER}/introspect", "introspection")
    assert dict(parse_qsl(request.body.decode())) == {"token": ACCESS_TOKEN, "token_type_hint": "access_token"}
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-Region"] == "th"
    assert ACCESS_TOKEN not in repr(request)


def test_token_has_the_providers_prefix():
    """A provider that wants something before the token must get it."""
    request = introspection_request(provider(introspection_prefix="Bearer "), KNOWN, Secret(ACCESS_TOKEN), now=NOW)
    assert dict(parse_qsl(request.body.decode()))["token"] == f"Bearer {ACCESS_TOKEN}"


def test_asking_needs_its_endpoint():
    """A provider without the endpoint can't be asked."""
    with pytest.raises(OperatorError) as error:
        introspection_request(provider(), metadata(), Secret(ACCESS_TOKEN), now=NOW)
    assert error.value.code == "introspection_unsupported"


def test_active_token_is_described():
    """What the provider says of an active token must come back; what it leaves out is absent."""
    said = {"active": True, "sub": "person-1", "client_id": "c", "scope": "openid pid", "exp": NOW + 60}
    assert read(json_answer(said)) == Introspection(
        active=True, subject="person-1", client_id="c", scope=("openid", "pid"), expires_at=NOW + 60
    )
    assert read(json_answer(said)).claims == said
    assert read(json_answer({"active": True, "exp": "soon"})) == Introspection(active=True)
    assert read(json_answer({"active": True, "exp": True, "sub": ""})) == Introspection(active=True)


def test_inactive_token_has_nothing_to_say():
    """Nothing that comes beside `active: false` may be used (RFC 7662 2.2)."""
    assert read(json_answer({"active": False, "sub": "person-1", "scope": ["x"]})) == Introspection(active=False)


FAULTS = {
    "active absent": (json_answer({"sub": "person-1"}), MalformedAnswer, "introspection_active_invalid"),
    "active text": (json_answer({"active": "true"}), MalformedAnswer, "introspection_active_invalid"),
    "active one": (json_answer({"active": 1}), MalformedAnswer, "introspection_active_invalid"),
    "sub a number": (json_answer({"active": True, "sub": 1}), MalformedAnswer, "introspection_sub_invalid"),
    "scope a list": (
        json_answer({"active": True, "scope": ["a"]}),
        MalformedAnswer,
        "introspection_scope_invalid",
    ),
    "client_id a list": (
        json_answer({"active": True, "client_id": []}),
        MalformedAnswer,
        "introspection_client_id_invalid",
    ),
    "not JSON": (answer(b"x"), MalformedAnswer, "introspection_not_json"),
    "a list": (answer(b"[]"), MalformedAnswer, "introspection_not_object"),
    "HTML": (answer(b"{}", content_type="text/html"), MalformedAnswer, "introspection_content_type"),
    "refused": (json_answer({"error": "invalid_request"}, status=400), ProviderRefused, "introspection_refused"),
    "client refused": (
        json_answer({"error": "invalid_client"}, status=401),
        OperatorError,
        "introspection_invalid_client",
    ),
    "404": (answer(b"", status=404), ProviderError, "introspection_status"),
    "500": (answer(b"", status=500), ProviderUnavailable, "introspection_server_error"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), FAULTS.values(), ids=FAULTS)
def test_each_fault_of_the_answer_has_its_code(response, error_class, code):
    """An answer with one fault must be refused with that fault's class and code."""
    with pytest.raises(error_class) as error:
        read(response)
    assert type(error.value) is error_class
    assert error.value.code == code


VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.text() | st.lists(st.text(), max_size=2)


@given(
    st.binary()
    | st.dictionaries(st.sampled_from(["active", "sub", "client_id", "scope", "exp"]), VALUES).map(
        lambda said: json.dumps({"active": True} | said).encode()
    )
)
def test_any_bytes_give_an_answer_or_our_error(body):
    """Whatever comes, the reader must give an answer or an error of ours."""
    assert isinstance(outcome(lambda: read(answer(body))), Introspection | SignOnError)
