import pytest
from tests.core.forge import NONCE, claims, expectations

from signon.core.claims import LEEWAY_SECONDS, UnsignedClaims, VerifiedClaims, sealed
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
