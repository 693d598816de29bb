import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.core.errors import MalformedAnswer, OperatorError, ProviderError, ProviderUnavailable
from signon.core.http import HttpResponse
from signon.providers import authmachine
from signon.providers.authmachine.permissions import (
    ANSWER_SECONDS,
    Granted,
    ask_permissions,
    granted_at_sign_in,
    permissions_claim,
    permissions_request,
    permissions_wish,
    read_permissions,
    user_id,
)

API_TOKEN = "a-token-of-the-permissions-api"
SETTINGS = {
    "AUTHMACHINE_URL": "https://sso.example.test/base/",
    "AUTHMACHINE_CLIENT_ID": "client-1",
    "AUTHMACHINE_CLIENT_SECRET": "a-secret-of-the-client-with-32-octets",
    "AUTHMACHINE_API_TOKEN": API_TOKEN,
}
PROVIDER = authmachine(settings=SETTINGS)


def answer(value, *, status=200, content_type="application/json") -> HttpResponse:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HttpResponse(status=status, headers={"content-type": content_type}, body=body)


def read(value, **changes) -> Granted:
    return read_permissions(answer(value, **changes), provider=PROVIDER)


# at a sign-in


def test_claim_is_flat():
    """The claims parameter is flat, with the vendor's one member, and absent where nothing is asked (quirk 1)."""
    assert permissions_claim(("billing", "b 2")) == {"claims": '{"authmachine_permissions":["billing","b 2"]}'}
    assert permissions_claim(()) == {}


def test_wish_of_one_sign_in():
    """One sign-in can ask for other objects than the setting names."""
    assert permissions_wish("garden").parameters == permissions_claim(("garden",))


def test_what_came_with_the_sign_in():
    """The permissions come typed, whatever else stands there; what is no list of texts is left out."""
    odd = {"billing": ["view", "edit", 7], "warehouse-7": [], "odd": "view", "n": None}
    claims = {"sub": "s", "authmachine_permissions": odd}
    assert granted_at_sign_in(claims) == {"billing": ("view", "edit"), "warehouse-7": ()}
    for nothing in (None, [], "x", 7):
        assert granted_at_sign_in({"sub": "s", "authmachine_permissions": nothing}) == {}
    assert granted_at_sign_in({"sub": "s"}) == {}


def test_id_of_the_api():
    """The vendor's `id` is the user id of its API, a number too; without one the subject is (quirk 5)."""
    assert user_id({"sub": "s", "id": "user-1"}) == "user-1"
    assert user_id({"sub": "s"}) == "s"
    assert user_id({"sub": "s", "id": 4711}) == "4711"
    for odd in (True, None, "", 7.5, ["user-1"]):
        assert user_id({"sub": "s", "id": odd}) == "s", odd


# of the API


def test_request():
    """The API is asked under the installation's address, with its own token and word, and `object` repeated."""
    asked = permissions_request(PROVIDER, "user/1", ("billing", "b 2&x"))
    assert asked.method == "GET"
    assert asked.url == (
        "https://sso.example.test/base/api/scim/v1/Users/user%2F1/permissions?object=billing&object=b+2%26x"
    )
    assert asked.headers["Authorization"] == f"Token {API_TOKEN}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.total_seconds == ANSWER_SECONDS
    assert (API_TOKEN in repr(asked), "object" in repr(asked)) == (False, False)


def test_request_for_all_objects():
    """Without objects the address has no query."""
    assert permissions_request(PROVIDER, "u", ()).url.endswith("/Users/u/permissions")


def test_request_without_a_token():
    """Without the API's token it is the operator's turn, and the message names the setting."""
    provider = authmachine(settings={**SETTINGS, "AUTHMACHINE_API_TOKEN": ""})
    with pytest.raises(OperatorError, match="AUTHMACHINE_API_TOKEN") as error:
        permissions_request(provider, "u", ())
    assert error.value.code == "permissions_token_missing"


@pytest.mark.parametrize(
    ("value", "permissions", "is_superuser"),
    [
        ({"is_superuser": True, "permissions": {"a": ["v"], "b": []}}, {"a": ("v",), "b": ()}, True),
        ({"is_superuser": False, "permissions": {}}, {}, False),
        ({"is_superuser": "yes", "permissions": {"a": ["v"]}}, {"a": ("v",)}, False),
        ({"permissions": {"a": ["v"]}}, {"a": ("v",)}, False),
        ({"a": ["v", "e"]}, {"a": ("v", "e")}, False),
        ({"permissions": ["v"]}, {"permissions": ("v",)}, False),
        ({}, {}, False),
    ],
)
def test_both_shapes(value, permissions, is_superuser):
    """The newer answer says who is a superuser, the older one is the map alone, also of an object of that name."""
    assert read(value) == Granted(permissions=permissions, is_superuser=is_superuser)
    assert read(value, content_type="application/scim+json; charset=utf-8").permissions == permissions


def test_whom_the_api_does_not_know():
    """An unknown person has no permissions: that is no error."""
    assert read({"detail": "Not found."}, status=404) == Granted(permissions={})


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_token(status):
    """A token that the API does not accept is the operator's."""
    with pytest.raises(OperatorError, match="AUTHMACHINE_API_TOKEN") as error:
        read({"error": "invalid_token"}, status=status)
    assert error.value.code == "permissions_token_refused"


@pytest.mark.parametrize(
    "value",
    [
        {"a": "v"},
        {"a": [1]},
        {"a": None},
        {"detail": "who are you?"},
        {"is_superuser": True, "permissions": {"a": {"v": True}}},
        {"is_superuser": True},
    ],
)
def test_codes_that_are_no_texts(value):
    """Half an answer grants nothing: whatever isn't a list of texts is an error."""
    with pytest.raises(MalformedAnswer) as error:
        read(value)
    assert error.value.code == "permissions_invalid"


@pytest.mark.parametrize(
    ("response", "kind", "code"),
    [
        (answer({}, status=500), ProviderUnavailable, "permissions_server_error"),
        (answer({}, status=429), ProviderUnavailable, "permissions_server_error"),
        (answer({}, status=302), ProviderError, "permissions_redirect"),
        (answer({}, status=400), ProviderError, "permissions_status"),
        (answer({}, content_type="text/html"), MalformedAnswer, "permissions_content_type"),
        (answer([]), MalformedAnswer, "permissions_not_object"),
        (answer(b'{"a": [], "a": ["edit"]}'), MalformedAnswer, "permissions_duplicate_member"),
    ],
)
def test_other_answers(response, kind, code):
    """Any other answer is an error with a code of its own, and nobody's permissions."""
    with pytest.raises(kind) as error:
        read_permissions(response, provider=PROVIDER)
    assert (type(error.value), error.value.code) == (kind, code)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["permissions", "is_superuser", "a"]), inner),
)


@given(st.binary() | JSON)
def test_any_bytes(body):
    """Whatever comes gives permissions or an error of ours."""
    with suppress(ProviderError):
        found = read(body).permissions
        assert all(isinstance(code, str) for codes in found.values() for code in codes)


def test_flow():
    """The flow is one request and the reading of its answer."""
    flow = ask_permissions(PROVIDER, "u", ("a",))
    assert next(flow).url.endswith("?object=a")
    with pytest.raises(StopIteration) as done:
        flow.send(answer({"a": ["v"]}))
    assert done.value.value == Granted(permissions={"a": ("v",)})
