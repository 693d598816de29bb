import pytest
from tests.core.forge import ISSUER, outcome, provider

from signon.core.errors import SuspectError
from signon.service.initiate import MAX_HINT_CHARACTERS, check_initiator, login_hint, target_path


def check(*issuers, **changes):
    pairs = tuple(("iss", issuer) for issuer in issuers)
    return outcome(lambda: check_initiator(provider(**changes), pairs))


def test_own_issuer():
    """The provider's own issuer passes, exactly as it is configured."""
    assert check(ISSUER) is None


@pytest.mark.parametrize(
    ("issuers", "code"),
    [
        ((), "initiate_iss_missing"),
        (("",), "initiate_iss_missing"),
        (("", ""), "initiate_iss_missing"),
        ((ISSUER, ISSUER), "initiate_iss_repeated"),
        ((ISSUER, "https://evil.example"), "initiate_iss_repeated"),
        (("https://evil.example",), "initiate_iss_mismatch"),
        ((ISSUER + "/",), "initiate_iss_mismatch"),
        ((ISSUER.upper(),), "initiate_iss_mismatch"),
        (("http://[",), "initiate_iss_mismatch"),
        (("\ud800",), "initiate_iss_mismatch"),
    ],
)
def test_anybody_else(issuers, code):
    """No issuer, two, or another must be refused: nobody is asked who is not configured (J1, J5)."""
    refused = check(*issuers)
    assert isinstance(refused, SuspectError)
    assert (refused.code, refused.status) == (code, 400)


def test_slash_of_a_provider_that_is_forgiven_one():
    """Where the issuer may be spelt with or without a slash at its end, it may here."""
    assert check(ISSUER + "/", either_slash=True) is None
    assert check("https://evil.example/", either_slash=True).code == "initiate_iss_mismatch"


@pytest.mark.parametrize(
    ("hints", "found"),
    [
        (("mia@people.example",), "mia@people.example"),
        (("มีอา",), "มีอา"),
        ((), None),
        (("",), None),
        (("a", "b"), None),
        (("a\r\nb",), None),
        (("x" * MAX_HINT_CHARACTERS,), "x" * MAX_HINT_CHARACTERS),
        (("x" * (MAX_HINT_CHARACTERS + 1),), None),
    ],
)
def test_hint(hints, found):
    """One hint that could be a name goes on; anything else is left out."""
    assert login_hint([("login_hint", hint) for hint in hints]) == found


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        (("https://app.example/page?a=b",), "/page?a=b"),
        (("/page",), "/page"),
        (("https://app.example",), None),
        (("https://app.example.org/page",), None),
        (("https://app.example@evil.example/",), None),
        (("https://evil.example/",), None),
        (("javascript:alert(1)",), None),
        (("/a", "/b"), None),
        ((), None),
    ],
)
def test_target(targets, found):
    """Only an address of this very origin is a path of it; two are none."""
    pairs = [("target_link_uri", target) for target in targets]
    assert target_path(pairs, origin="https://app.example") == found
