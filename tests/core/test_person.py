import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import ISSUER, NOW, claims

from signon.core.person import number_claim, text_claim, to_login, to_person


def person(**changes: object):
    return to_person(claims(**changes), provider="op", issuer=ISSUER)


def test_standard_claims_are_mapped():
    """Each standard claim must come to its place (OIDC Core 5.1)."""
    standard = {
        "name": "สมหญิง ใจดี",
        "given_name": "สมหญิง",
        "family_name": "ใจดี",
        "preferred_username": "somying",
        "email": "somying@example.org",
        "picture": "https://op.example/p.png",
        "locale": "th-TH",
    }
    mia = person(**standard, email_verified=True)
    assert {name: getattr(mia, name) for name in standard} == standard
    assert mia.email_verified is True
    assert (mia.provider, mia.issuer, mia.subject, mia.public_subject) == ("op", ISSUER, "person-1", "person-1")


@pytest.mark.parametrize("value", [None, "", 1, True, [], ["a"], {}])
def test_empty_and_odd_claims_are_absent(value):
    """Null, empty and claims of a wrong type must count as absent (OIDC Core 5.3.2)."""
    assert person(name=value).name is None
    assert text_claim({"name": value}, "name") is None


@pytest.mark.parametrize("value", ["true", "True", 1, "1", None, False, [True]])
def test_email_is_verified_by_the_boolean_alone(value):
    """Only the boolean true may say that an e-mail address is verified (OIDC Core 5.1)."""
    assert person(email="a@b.example", email_verified=value).email_verified is False
    assert person(email="a@b.example").email_verified is False


def test_identity_is_issuer_and_subject():
    """Two people must be two by issuer or subject, case counts, and an e-mail address says nothing."""
    keys = {
        person(sub=sub, email="same@example.org").key
        for sub in ("Alice", "alice", "ALICE", "https://op.example|alice")
    }
    assert len(keys) == 4
    assert person(sub="auth0|66b1").key == f"{ISSUER}|auth0|66b1"
    assert person(email="a@example.org").key == person(email="b@example.org").key


def test_language_tagged_claims_are_kept_apart():
    """A claim with a language tag must not stand in for the plain one (OIDC Core 5.2)."""
    assert person(**{"name#ja": "花子"}).name is None


def test_repr_does_not_show_the_subject():
    """The repr must not show a subject, which may be a national id."""
    assert "1103700000001" not in repr(
        to_person(claims(sub="1103700000001"), provider="op", issuer=ISSUER)
    ).replace("public_subject='1103700000001'", "")


def login(**changes: object):
    read = claims(**changes)
    return to_login(to_person(read, provider="op", issuer=ISSUER), read, now=NOW, scope=("openid",))


def test_sign_in_says_how_it_was_done():
    """What the provider says of the sign-in must come to its place."""
    done = login(auth_time=NOW - 5, acr="high", amr=["pwd", "otp", 1, None], sid="s1")
    assert (done.auth_time, done.acr, done.amr, done.sid) == (NOW - 5, "high", ("pwd", "otp"), "s1")
    assert (done.signed_in_at, done.scope) == (NOW, ("openid",))
    assert done.claims["sub"] == "person-1"
    assert "person-1" not in repr(done).replace("public_subject='person-1'", "")


def test_what_is_not_said_is_absent():
    """What the provider does not say, or says in another type, must be absent."""
    done = login(auth_time="now", acr=1, amr="pwd", sid=None)
    assert (done.auth_time, done.acr, done.amr, done.sid) == (None, None, (), None)


@pytest.mark.parametrize(
    ("value", "read"), [(1, 1.0), (1.5, 1.5), (True, None), ("1", None), (None, None), ([], None)]
)
def test_number_claim_is_a_number_or_absent(value, read):
    """Only a JSON number may be read as one (RFC 7519 2)."""
    assert number_claim({"auth_time": value}, "auth_time") == read


@given(
    st.dictionaries(
        st.sampled_from(["name", "email", "email_verified", "amr", "acr", "auth_time", "sid"]),
        st.none() | st.booleans() | st.integers(-9, 9) | st.text() | st.lists(st.text()),
    )
)
def test_any_claims_give_a_person(changes):
    """Whatever verified claims say, they must give a person with texts or nothing in each place."""
    done = login(**changes)
    assert all(
        isinstance(value, str | None) for value in (done.person.name, done.person.email, done.acr, done.sid)
    )
    assert isinstance(done.person.email_verified, bool)
    assert all(isinstance(word, str) for word in done.amr)
