from dataclasses import replace

import pytest
from tests.service.conftest import NOW

from signon.core.authorize import Wishes
from signon.core.errors import OperatorError
from signon.core.person import Login, Person
from signon.service.step_up import StepUp, is_enough, same_again, to_wishes

PERSON = Person(provider="oidc", issuer="https://op.example", subject="p", public_subject="p")


def login(*, at: float = NOW, auth_time: float | None = None, acr: str | None = None) -> Login:
    return Login(person=PERSON, claims={}, signed_in_at=at, auth_time=auth_time, acr=acr)


@pytest.mark.parametrize(
    ("signed_in", "wanted", "fine"),
    [
        (login(acr="high"), StepUp(acr_values=("high",)), True),
        (login(acr="higher"), StepUp(acr_values=("high", "higher")), True),
        (login(acr="low"), StepUp(acr_values=("high",)), False),
        (login(), StepUp(acr_values=("high",)), False),
        (login(auth_time=NOW - 360), StepUp(max_age_seconds=300), True),
        (login(auth_time=NOW - 360.1), StepUp(max_age_seconds=300), False),
        (login(at=NOW - 360), StepUp(max_age_seconds=300), True),
        (login(at=NOW - 360.1), StepUp(max_age_seconds=300), False),
        (login(at=NOW, auth_time=NOW - 3600), StepUp(max_age_seconds=300), False),
        (login(auth_time=NOW - 60), StepUp(max_age_seconds=0), True),
        (login(acr="high", auth_time=NOW - 3600), StepUp(acr_values=("high",), max_age_seconds=300), False),
        (login(acr="low", auth_time=NOW), StepUp(acr_values=("high",), max_age_seconds=300), False),
        (login(acr="high", auth_time=NOW), StepUp(acr_values=("high",), max_age_seconds=300), True),
    ],
)
def test_sign_in_must_be_strong_and_recent_enough(signed_in, wanted, fine):
    """Both what is asked of the way and what is asked of the time must hold, on either side of the leeway."""
    assert is_enough(signed_in, wanted, now=NOW) is fine


def test_provider_is_asked_for_just_that(make_provider):
    """The wishes of the sign-in are what the page wants, and nothing else."""
    wishes = to_wishes(make_provider(), StepUp(acr_values=("high", "higher"), max_age_seconds=0))
    assert (wishes.acr_values, wishes.max_age_seconds, wishes.prompt) == (("high", "higher"), 0, None)


def test_provider_that_signs_nothing_cant_be_held_to_it(make_provider):
    """Without an ID token nobody says how the person signed in: an error, and not one sign-in after another."""
    unsigned = replace(make_provider(), identity_from_introspection=True)
    assert to_wishes(unsigned, StepUp(max_age_seconds=5)).max_age_seconds == 5
    with pytest.raises(OperatorError) as error:
        to_wishes(replace(unsigned, scopes=("pid",)), StepUp(max_age_seconds=5))
    assert error.value.code == "step_up_unsigned"


@pytest.mark.parametrize(
    ("claims", "parameters"),
    [
        ({"org_id": "o-1", "name": "x"}, {"organization": "o-1"}),
        ({"org_id": ""}, {}),
        ({"org_id": 7}, {}),
        ({}, {}),
    ],
)
def test_once_more_is_for_the_same(make_provider, claims, parameters):
    """What the provider keeps apart (an organization) is asked for again where the claims have it as text."""
    provider = replace(make_provider(), asked_again={"org_id": "organization"})
    known = replace(login(), claims=claims)
    wishes = Wishes(prompt="login")
    assert same_again(provider, known, wishes) == replace(wishes, parameters=parameters)
    assert same_again(make_provider(), known, wishes) is wishes


def test_once_more_for_another(make_provider):
    """What a sign-in itself asks for wins over what the last one was for."""
    provider = replace(make_provider(), asked_again={"org_id": "organization"})
    wishes = Wishes(parameters={"organization": "o-2", "connection": "c"})
    assert same_again(provider, replace(login(), claims={"org_id": "o-1"}), wishes) == wishes
