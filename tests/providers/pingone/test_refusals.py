import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.core.errors import PersonRefused, ProviderRefused, ProviderUnavailable, SignOnError
from signon.core.http import HttpResponse
from signon.providers.pingone.policy import CODES
from signon.providers.pingone.refusals import PasswordProblem, PasswordRefused, raise_refusal

TYPED = "what-somebody-has-typed-there"


def response(body: object, *, status: int = 400) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status=status, headers={"content-type": "application/json"}, body=raw)


def error(code: str = "INVALID_DATA", *details: dict) -> dict[str, object]:
    return {"id": "b1d6-77", "code": code, "message": f"not {TYPED}", "details": list(details)}


def detail(target: str | None, *, code: str = "INVALID_VALUE", inner: object = None, spelling: str = "innerError"):
    found = {"code": code, "target": target, "message": f"not {TYPED}", spelling: inner}
    return {name: value for name, value in found.items() if value is not None}


def refused(body: object, *, status: int = 400) -> SignOnError:
    with pytest.raises(SignOnError) as caught:
        raise_refusal(response(body, status=status))
    assert TYPED not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
    return caught.value


@pytest.mark.parametrize("requirement", CODES)
def test_each_requirement(requirement):
    """A requirement that isn't met is a problem of the new password, with the code of that rule."""
    inner = {"unsatisfiedRequirements": [requirement]}
    found = refused(error("INVALID_DATA", detail("newPassword", inner=inner)))
    assert isinstance(found, PasswordRefused)
    assert (found.code, found.error, found.status, found.fault) == (
        "password_unsatisfied",
        "INVALID_DATA",
        400,
        "person",
    )
    assert found.problems == (
        PasswordProblem(field="new_password", code=CODES[requirement], requirement=requirement),
    )


@pytest.mark.parametrize("spelling", ["innerError", "innererror"])
def test_both_spellings(spelling):
    """The page about errors and the vendor's own clients spell the member in two ways; both are read."""
    inner = {"unsatisfiedRequirements": ["history", "excludesCommonlyUsed"]}
    found = refused(error("INVALID_DATA", detail("newPassword", inner=inner, spelling=spelling)))
    assert [problem.code for problem in found.problems] == ["password_history", "password_commonly_used"]


def test_new_requirement():
    """A rule that is newer than we are has the code of others, and its name; what is no name isn't kept."""
    inner = {"unsatisfiedRequirements": ["haikuRule", f"<b>{TYPED}</b>", 7]}
    found = refused(error("INVALID_DATA", detail("newPassword", inner=inner)))
    assert [(problem.code, problem.requirement) for problem in found.problems] == [
        ("password_other_rule", "haikuRule"),
        ("password_other_rule", ""),
    ]


@pytest.mark.parametrize("inner", [None, {}, [], "x", {"unsatisfiedRequirements": []}])
def test_no_requirement_named(inner):
    """A new password that is refused without a word is refused by another rule."""
    (problem,) = refused(error("INVALID_DATA", detail("newPassword", inner=inner))).problems
    assert problem == PasswordProblem(field="new_password", code="password_other_rule")


def test_requirements_without_a_target():
    """Requirements say which field is meant, also where the target is missing."""
    inner = {"unsatisfiedRequirements": ["history"]}
    assert refused(error("INVALID_DATA", detail(None, inner=inner))).code == "password_unsatisfied"


@pytest.mark.parametrize(
    ("target", "code", "field"),
    [
        ("currentPassword", "password_current_wrong", "current_password"),
        ("recoveryCode", "password_recovery_code_wrong", "recovery_code"),
    ],
)
def test_wrong_proof(target, code, field):
    """A wrong current password and a wrong recovery code are problems of their own fields."""
    found = refused(error("INVALID_DATA", detail(target)))
    assert (found.code, found.problems) == (code, (PasswordProblem(field=field, code=code),))


@pytest.mark.parametrize(
    ("inner", "seconds"),
    [
        ({"secondsUntilUnlock": 893}, 893.0),
        ({"secondsUntilUnlock": True}, None),
        ({"secondsUntilUnlock": -1}, None),
        ({"secondsUntilUnlock": "893"}, None),
        (None, None),
    ],
)
def test_locked_out(inner, seconds):
    """A lock-out is told with the time left where that is said, and comes before whatever else is wrong."""
    locked = detail("currentPassword", code="PASSWORD_LOCKED_OUT", inner=inner)
    found = refused(error("INVALID_DATA", detail("newPassword"), locked))
    assert (found.code, found.problems[1].seconds_until_unlock) == ("password_locked_out", seconds)
    alone = refused({"code": "PASSWORD_LOCKED_OUT", **({"innerError": inner} if inner else {})})
    assert (alone.code, alone.problems[0].seconds_until_unlock) == ("password_locked_out", seconds)


@pytest.mark.parametrize(
    ("theirs", "kind", "ours"),
    [
        ("ACCESS_FAILED", ProviderRefused, "password_not_allowed"),
        ("REQUEST_FAILED", PersonRefused, "password_elsewhere"),
        ("INVALID_TOKEN", ProviderRefused, "password_token_refused"),
        ("NOT_FOUND", ProviderRefused, "password_user_unknown"),
        ("REQUEST_LIMITED", ProviderUnavailable, "password_limited"),
        ("INVALID_REQUEST", ProviderRefused, "password_refused"),
    ],
)
def test_other_codes(theirs, kind, ours):
    """The API's code decides, whatever the status is within its class; its id is kept for the vendor's support."""
    for status in (400, 403):
        found = refused(error(theirs), status=status)
        assert (type(found), found.code) == (kind, ours)
    if kind is not ProviderUnavailable:
        assert (found.error, found.description) == (theirs, "id b1d6-77")


@pytest.mark.parametrize("identifier", [TYPED + "!", 7, None])
def test_id_that_is_none(identifier):
    """An id that isn't one is left out."""
    assert refused({"id": identifier, "code": "ACCESS_FAILED"}).description == ""


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, error()),
        (302, error()),
        (429, error()),
        (500, error()),
        (400, b"<html>"),
        (400, {"code": 7}),
        (400, {"code": ""}),
        (400, {}),
    ],
)
def test_left_to_the_reader(status, body):
    """What is no error of the API, or no answer to the request, is left to the reader's own checks."""
    assert raise_refusal(response(body, status=status)) is None


DETAILS = st.lists(
    st.dictionaries(
        st.sampled_from(["code", "target", "innerError", "innererror"]),
        st.sampled_from(["newPassword", "PASSWORD_LOCKED_OUT", 1, None, {}, {"unsatisfiedRequirements": 3}]),
    ),
    max_size=40,
)


@given(DETAILS | st.none() | st.integers(-9, 9) | st.text(max_size=9))
def test_anything_can_be_read(details):
    """Whatever the details hold, the refusal is one of ours."""
    with pytest.raises(ProviderRefused, match="password_"):
        raise_refusal(response({"code": "INVALID_DATA", "details": details}))
