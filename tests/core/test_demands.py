import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import expectations, outcome

from signon.core.demands import check_demands
from signon.core.errors import TokenRejected


def judge(parameter: str, claims: dict[str, object]):
    """What the check says of an ID token's claims: None, or its refusal."""
    return outcome(lambda: check_demands(claims, expectations(asked={"claims": parameter})))


ESSENTIAL = {"essential": True}
DEMANDS = {
    "sub": ({"sub": {"value": "p-1"}}, {"sub": "p-1"}, {"sub": "p-2"}, "id_token_sub_asked"),
    "sub of two": ({"sub": {"values": ["p-1", "p-2"]}}, {"sub": "p-2"}, {"sub": "p-3"}, "id_token_sub_asked"),
    "acr": (
        {"acr": {**ESSENTIAL, "values": ["high", "higher"]}},
        {"acr": "higher"},
        {"acr": "low"},
        "id_token_acr_asked",
    ),
    "acr that is missing": ({"acr": {**ESSENTIAL, "value": "high"}}, {"acr": "high"}, {}, "id_token_acr_asked"),
    "acr of another type": (
        {"acr": {**ESSENTIAL, "value": "high"}},
        {"acr": "high"},
        {"acr": ["high"]},
        "id_token_acr_asked",
    ),
    "auth_time": ({"auth_time": ESSENTIAL}, {"auth_time": 1.5}, {}, "id_token_auth_time_asked"),
    "auth_time as text": (
        {"auth_time": ESSENTIAL},
        {"auth_time": 0},
        {"auth_time": "1"},
        "id_token_auth_time_asked",
    ),
    "auth_time beside others": (
        {"name": ESSENTIAL, "acr": None, "auth_time": ESSENTIAL},
        {"auth_time": 1},
        {},
        "id_token_auth_time_asked",
    ),
}


@pytest.mark.parametrize(("demands", "met", "unmet", "code"), DEMANDS.values(), ids=DEMANDS)
def test_demand_must_be_met(demands, met, unmet, code):
    """A certain subject, an essential acr of certain values and an essential auth_time must be given."""
    parameter = json.dumps({"userinfo": {"email": None}, "id_token": demands})
    assert judge(parameter, met) is None
    refused = judge(parameter, unmet)
    assert isinstance(refused, TokenRejected)
    assert refused.code == code


@pytest.mark.parametrize(
    "parameter",
    [
        '{"id_token":{"acr":{"values":["high"]},"auth_time":null,"sub":null,"email":{"essential":true}}}',
        '{"id_token":{"acr":{"essential":true},"auth_time":{"essential":false}}}',
        '{"id_token":{"acr":{"essential":"true","value":"high"},"sub":{"essential":true}}}',
        '{"id_token":{"sub":{"values":"p-2"}}}',
        '{"id_token":null}',
        '{"id_token":["sub"]}',
        '{"userinfo":{"sub":{"value":"p-2"}}}',
        '{"permissions":["billing"]}',
        "{",
        "[]",
        "",
    ],
)
def test_wish_demands_nothing(parameter):
    """What the standard calls no demand must be none, also a parameter of a vendor's own (OIDC Core 5.5.1)."""
    assert judge(parameter, {"sub": "p-1"}) is None


@given(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda i: st.lists(i) | st.dictionaries(st.sampled_from(["essential", "value", "values"]), i),
    ),
)
def test_any_parameter_is_met_or_not(text, demand):
    """Whatever the parameter is, reading it must raise nothing."""
    for parameter in (text, json.dumps({"id_token": dict.fromkeys(["sub", "acr", "auth_time"], demand)})):
        assert judge(parameter, {}) is None or isinstance(judge(parameter, {}), TokenRejected)


def test_nothing_is_demanded_where_nothing_was_asked():
    """A request without the parameter must demand nothing by it."""
    assert outcome(lambda: check_demands({}, expectations(asked={"organization": "o"}))) is None
