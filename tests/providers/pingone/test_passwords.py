import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.core.errors import OperatorError, SignOnError
from signon.core.http import HttpResponse
from signon.core.provider import PasswordApi
from signon.core.values import Secret
from signon.providers.pingone.passwords import (
    PasswordState,
    change_request,
    look_up,
    operate,
    own_password,
    password_url,
    read_done,
    read_state,
    recover_request,
    recovery_code_request,
    reset_request,
    state_request,
)
from signon.providers.pingone.policy import Rule

API = PasswordApi(environments_url="https://api.op.example/v1/environments", environment_id="e1", scopes=())
URL = "https://api.op.example/v1/environments/e1/users/u1/password"
TOKEN, CURRENT, NEW = Secret("the-token-of-somebody"), Secret("the-päss-of-now"), Secret('the-"next"-one')
STATE = {
    "status": "OK",
    "lastChangedAt": "2027-01-15T08:00:00.000Z",
    "_embedded": {"passwordPolicy": {"minUniqueCharacters": 5}},
}


def response(body: object, *, status: int = 200, media_type: str = "application/json") -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status=status, headers={"content-type": media_type}, body=raw)


OPERATIONS = {
    "reset": (
        "PUT",
        change_request(URL, TOKEN, current=CURRENT, new=NEW),
        {"currentPassword": CURRENT.reveal(), "newPassword": NEW.reveal()},
    ),
    "reset by an administrator": ("PUT", reset_request(URL, TOKEN, new=NEW), {"newPassword": NEW.reveal()}),
    "sendRecoveryCode": ("POST", recovery_code_request(URL, TOKEN), {}),
    "recover": (
        "POST",
        recover_request(URL, TOKEN, code=Secret("c0de"), new=NEW),
        {"recoveryCode": "c0de", "newPassword": NEW.reveal()},
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name):
    """Method, address, media type and body are those of the API; the type alone says what is to be done."""
    method, request, body = OPERATIONS[name]
    assert (request.method, request.url, json.loads(request.body)) == (method, URL, body)
    assert request.headers == {
        "Accept": "application/json",
        "Authorization": "Bearer the-token-of-somebody",
        "Content-Type": f"application/vnd.pingidentity.password.{name.split()[0]}+json",
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_shows(name):
    """Neither a password nor a token is in a request's repr."""
    shown = repr(OPERATIONS[name][1])
    assert shown == f"<HttpRequest {OPERATIONS[name][0]} {URL} for password>"


def test_state_request():
    """The state is asked for with the policy in it, and without a body."""
    request = state_request(URL, TOKEN)
    assert (request.method, request.url, request.body) == ("GET", f"{URL}?expand=passwordPolicy", None)
    assert "Content-Type" not in request.headers


@pytest.mark.parametrize("media_type", ["application/json", "application/hal+json;charset=UTF-8"])
def test_state(media_type):
    """Status, rules and times are read, under either name that JSON has there."""
    assert read_state(response({**STATE, "secondsUntilUnlock": 12}, media_type=media_type)) == PasswordState(
        status="OK",
        rules=(Rule(requirement="minUniqueCharacters", least=5),),
        changed_at=1_800_000_000.0,
        seconds_until_unlock=12.0,
    )


@pytest.mark.parametrize(
    "members",
    [{}, {"_embedded": None}, {"_embedded": {"passwordPolicy": []}}, {"status": 7, "lastChangedAt": 7}],
)
def test_state_that_says_little(members):
    """What isn't said, or can't be read, is unknown."""
    assert read_state(response(members)) == PasswordState(status="")


@pytest.mark.parametrize(
    "text", ["yesterday", "2027-01-15T08:00:00", "2027-13-15T08:00:00Z", "1900-01-01T00:00:00Z"]
)
def test_times_that_are_none(text):
    """A time that can't be read, has no zone, or is before all passwords is unknown."""
    assert read_state(response({**STATE, "lastChangedAt": text})).changed_at is None


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (response({"code": "ACCESS_FAILED"}, status=403), "password_not_allowed"),
        (response({}, status=418), "password_status"),
        (response({}, status=307), "password_redirect"),
        (response({}, status=429), "password_server_error"),
        (response({}, status=500), "password_server_error"),
        (response({}, media_type="text/html"), "password_content_type"),
    ],
)
def test_other_answers(answer, code):
    """What is neither success nor an error of the API has the codes of every answer."""
    for read in (read_state, read_done):
        with pytest.raises(SignOnError, match=rf"^{code}:"):
            read(answer)


def test_state_that_is_no_json():
    """A state must be a JSON object."""
    with pytest.raises(SignOnError, match=r"^password_not_json:"):
        read_state(response(b"<html>"))


@pytest.mark.parametrize("answer", [response(STATE), response(b"", status=204, media_type="")])
def test_done(answer):
    """The new state with 200, or nothing with 204: both say that it is done."""
    assert read_done(answer) is None


@given(st.binary(max_size=60), st.sampled_from([200, 204, 400, 401, 404, 500]))
def test_any_bytes(body, status):
    """Whatever bytes come, readers give their value or raise our errors."""
    codes = []
    for read in (read_state, read_done):
        try:
            read(response(body, status=status))
        except SignOnError as error:
            codes.append(error.code)
    assert all(code.startswith("password_") for code in codes)


def test_whose_password():
    """The user id is `p1.userId` where a mapping has changed the subject; a set environment counts."""
    assert own_password(API, {"sub": "u1", "env": "other"}) == URL
    assert own_password(API, {"sub": "employee 1", "p1.userId": "u1"}) == URL


def test_environment_of_the_person():
    """Without a configured environment the person's own counts; without both the setting's name is told."""
    unknown = PasswordApi(environments_url=API.environments_url, environment_id=None, scopes=())
    assert own_password(unknown, {"sub": "u1", "env": "e1"}) == URL
    assert password_url(unknown, "u1", environment_id="e1") == URL
    for environment in (None, "../e1", ""):
        with pytest.raises(OperatorError, match=r"^password_environment_missing: .*environment_id"):
            password_url(unknown, "u1", environment_id=environment)


@pytest.mark.parametrize("user_id", ["", "..", "a/b", "a?b", "auth0|7", "u1\n", "é"])
def test_ids_that_are_none(user_id):
    """An id that would lead elsewhere, or is none of the platform's, goes into no address."""
    with pytest.raises(OperatorError, match=r"^password_user_id: .*p1\.userId"):
        password_url(API, user_id)


def test_flows():
    """Each flow is one request and the reading of its answer."""
    flow = look_up(URL, TOKEN)
    assert next(flow) == state_request(URL, TOKEN)
    with pytest.raises(StopIteration) as finished:
        flow.send(response(STATE))
    assert finished.value.value == read_state(response(STATE))
    flow = operate(recovery_code_request(URL, TOKEN))
    next(flow)
    with pytest.raises(SignOnError, match=r"^password_not_allowed:"):
        flow.send(response({"code": "ACCESS_FAILED"}, status=403))
