import pytest
from tests.flask.double import ISSUER

from signon.core.errors import OperatorError, PersonError, SuspectError
from signon.core.values import Secret
from signon.service.party import Refused

KEY = Secret("a-key-for-pseudonyms")


def test_provider_by_name(party):
    """A provider is found by its name; a name that nobody has is `provider_unknown`, 404."""
    assert party.provider("oidc").issuer == ISSUER
    with pytest.raises(SuspectError) as caught:
        party.provider("nobody\n")
    assert (caught.value.code, caught.value.status) == ("provider_unknown", 404)
    assert "nobody" not in str(caught.value)


def test_refused_is_the_persons(party):
    """`Refused` keeps its reason for the page, and out of the log's line."""
    error = Refused("a reason for the page")
    assert isinstance(error, PersonError)
    assert (error.code, error.status, error.reason) == ("refused", 403, "a reason for the page")
    assert "a reason" not in str(error)


def test_pseudonym_is_the_same_for_ever(make_party):
    """One key, issuer and subject give one value, for good: a change of it would lose people their accounts."""
    party = make_party(pseudonym_key=KEY)
    assert (
        party.pseudonym("https://issuer.example", "1100700999998") == "ySqVLI1i0BdeuXbZUGYuANHecdlEas3VES0N_ZzKbvc"
    )


def test_pseudonym_has_no_way_back(make_party):
    """Another key, issuer or subject gives another value, wherever one ends and the next begins."""
    first, second = make_party(pseudonym_key=KEY), make_party(pseudonym_key=Secret("another-key-for-them"))
    found = {
        first.pseudonym("a", "bc"),
        first.pseudonym("ab", "c"),
        first.pseudonym("", "abc"),
        first.pseudonym("a", "bd"),
        second.pseudonym("a", "bc"),
    }
    assert len(found) == 5
    assert all(len(value) == 43 for value in found)


def test_pseudonym_without_a_key(party):
    """Without its key nobody may be filed: the operator's error, never a made-up key."""
    with pytest.raises(OperatorError) as caught:
        party.pseudonym("a", "b")
    assert caught.value.code == "pseudonym_key_missing"
