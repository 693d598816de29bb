from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import ABSENT, CLIENT_ID, ISSUER, NOW, outcome, with_changes

from signon.core import introspected
from signon.core.access_token import TokenExpectations, VerifiedAccessToken
from signon.core.errors import TokenRejected
from signon.core.introspected import judge_introspected
from signon.core.provider import AccessTokenProfile

AUDIENCE = "https://api.example/"
STRICT = AccessTokenProfile(introspected=True)
WAIVED = replace(STRICT, audience_may_be_missing=True)


def said(**changes: object) -> dict[str, object]:
    """What an issuer says of a genuine token (RFC 7662 2.2), with changes."""
    genuine = {
        "active": True,
        "iss": ISSUER,
        "aud": [AUDIENCE],
        "sub": "person-1",
        "client_id": CLIENT_ID,
        "scope": "pid name",
        "exp": NOW + 300,
    }
    return with_changes(genuine, changes)


def judge(profile: AccessTokenProfile = STRICT, **changes: object) -> VerifiedAccessToken:
    expected = TokenExpectations(issuer=ISSUER, audience=AUDIENCE, profile=profile, now=NOW)
    return judge_introspected(said(**changes), expected=expected)


def test_answer_becomes_a_token():
    """What the issuer says of a token must come back as one."""
    token = judge()
    assert (token.issuer, token.subject, token.client_id) == (ISSUER, "person-1", CLIENT_ID)
    assert token.scopes == {"pid", "name"}
    assert token.claims == said()


def test_little_is_needed():
    """An issuer that says no more than whom a token is for must be enough: all else is optional (RFC 7662 2.2)."""
    token = judge(iss=ABSENT, sub=ABSENT, client_id=ABSENT, scope=ABSENT, exp=ABSENT)
    assert (token.issuer, token.subject, token.client_id, token.scopes) == (ISSUER, None, None, frozenset())


def test_audience_may_be_missing_by_the_waiver_alone():
    """A token of which nobody says whom it is for must be refused, but for the waiver; another's always is."""
    assert judge(WAIVED, aud=ABSENT).subject == "person-1"
    with pytest.raises(TokenRejected) as error:
        judge(aud=ABSENT)
    assert error.value.code == "access_token_aud_missing"
    with pytest.raises(TokenRejected) as error:
        judge(WAIVED, aud="https://other.example/")
    assert error.value.code == "access_token_aud"


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", None])
def test_bearer_token_is_written_in_any_case(kind):
    """The type has no case, and need not be said (RFC 6749 7.1)."""
    assert judge(token_type=kind).subject == "person-1"


@pytest.mark.parametrize("kind", ["N_A", "mac", "", "Bearer ", ["Bearer"], 1])
def test_another_type_of_token_is_refused(kind):
    """A token that is not for whoever bears it, such as a refresh token, must be refused."""
    with pytest.raises(TokenRejected) as error:
        judge(token_type=kind)
    assert error.value.code == "access_token_type"


FORGERIES = {
    "check_issuer_if_said": ({"iss": "https://evil.example"}, "iss"),
    "check_audience_unless_waived": ({"aud": "https://other.example/"}, "aud"),
    "check_expiry_if_said": ({"exp": NOW - 60}, "expired"),
    "check_not_before": ({"nbf": NOW + 61}, "nbf"),
    "check_scope": ({"scope": ["pid"]}, "scope_invalid"),
    "check_token_type": ({"token_type": "DPoP"}, "type"),
    "check_unbound": ({"cnf": {"jkt": "x"}}, "bound"),
}


def test_each_check_has_its_forgery():
    """Each check must have a forged answer here, in the order in which they run."""
    assert [check.__name__ for check in introspected.INTROSPECTED_CHECKS] == list(FORGERIES)


@pytest.mark.parametrize("check", introspected.INTROSPECTED_CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_the_forged_answer_gets_in(monkeypatch, check):
    """An answer with one forged member must be refused by that member's check, and by nothing else."""
    changes, kind = FORGERIES[check.__name__]
    with pytest.raises(TokenRejected) as error:
        judge(**changes)
    assert error.value.code == f"access_token_{kind}"
    rest = tuple(other for other in introspected.INTROSPECTED_CHECKS if other is not check)
    monkeypatch.setattr(introspected, "INTROSPECTED_CHECKS", rest)
    assert isinstance(judge(**changes), VerifiedAccessToken)


VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.text() | st.lists(st.text(), max_size=2)


@given(st.dictionaries(st.sampled_from(list(said(nbf=0, cnf=0, token_type=0))), VALUES))
def test_any_answer_gives_a_token_or_our_error(changes):
    """Whatever an issuer says, it must give a token or an error of ours."""
    assert isinstance(outcome(lambda: judge(**changes)), VerifiedAccessToken | TokenRejected)
