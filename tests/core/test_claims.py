import pytest
from tests.core.forge import NONCE, claims, expectations

from signon.core.claims import LEEWAY_SECONDS, UnsignedClaims, VerifiedClaims, merged, sealed
from signon.core.values import Secret


def test_verified_claims_come_from_the_verifier_only():
    """Nobody else may make verified claims, whatever is passed for the seal."""
    for seal in (None, object(), True):
        with pytest.raises(TypeError, match="from the verifier only"):
            VerifiedClaims(issuer="i", subject="s", claims={}, raw=Secret("t"), seal=seal)


def test_sealed_claims_show_neither_claims_nor_token_nor_subject():
    """The repr must hold nothing about the person: a subject may be a national id."""
    verified = sealed(claims=claims(sub="1103700000001", name="Mia"), raw=Secret("the-token"))
    assert (verified.issuer, verified.subject) == ("https://op.example", "1103700000001")
    for hidden in ("1103700000001", "Mia", "the-token", NONCE):
        assert hidden not in repr(verified)


def test_first_word_stands_and_the_other_fills_gaps():
    """Of two sources the first must count where both say something, null included."""
    assert merged({"name": "Mia", "x": None}, {"name": "Mallory", "x": 1, "y": 2}) == {
        "name": "Mia",
        "x": None,
        "y": 2,
    }


@pytest.mark.parametrize(
    ("address", "verified"), [("email", "email_verified"), ("phone_number", "phone_number_verified")]
)
@pytest.mark.parametrize(
    ("first", "more", "says"),
    [
        ({"a": "mine"}, {"a": "other", "v": True}, None),
        ({"a": "mine"}, {"v": True}, None),
        ({"a": "mine"}, {"a": "mine", "v": True}, True),
        ({"a": "mine", "v": False}, {"a": "mine", "v": True}, False),
        ({"a": "mine", "v": True}, {"a": "other", "v": False}, True),
        ({"v": True}, {"a": "other"}, None),
        ({"v": True}, {"a": "other", "v": False}, False),
        ({"v": True}, {}, True),
        ({}, {"a": "other", "v": True}, True),
        ({}, {"v": True}, True),
        ({}, {}, None),
    ],
)
def test_address_is_verified_by_who_has_it_alone(address, verified, first, more, says):
    """That an address is verified must be said of this very address: another's must not lend it that."""
    names = {"a": address, "v": verified}
    first, more = ({names[name]: value for name, value in source.items()} for source in (first, more))
    assert merged(first, more).get(verified) is says
    assert (verified in merged(first, more)) is (says is not None)


def test_expectations_hide_the_nonce():
    """The repr of expectations must not show what proves the answer is ours."""
    expected = expectations()
    assert expected.leeway_seconds == LEEWAY_SECONDS == 60.0
    assert NONCE not in repr(expected)
    assert "the-access-token" not in repr(expected)


def test_unsigned_claims_are_another_type():
    """Claims that nobody signed must never pass for verified ones, and show nothing of the person either."""
    unsigned = UnsignedClaims(issuer="i", subject="1103700000001", claims={"name": "Mia"})
    assert not isinstance(unsigned, VerifiedClaims)
    assert "1103700000001" not in repr(unsigned)
    assert "Mia" not in repr(unsigned)
