import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    ABSENT,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    NOW,
    compact,
    encrypted,
    key_set,
    outcome,
    public_jwk,
    rsa_key,
    signed,
    unb64,
    verify,
    with_changes,
)
from tests.core.forge import claims as id_token_claims

from signon.core import logout_token
from signon.core.errors import MalformedAnswer, SignOnError, TokenRejected, UnknownKey
from signon.core.logout_token import (
    EVENT,
    MAX_TOKEN_AGE_SECONDS,
    LogoutExpectations,
    LogoutNotice,
    verify_logout_token,
)
from signon.core.values import Secret

LEEWAY = 60.0
TYP = {"typ": "logout+jwt"}


def claims(**changes: object) -> dict[str, object]:
    """The claims of a genuine logout token, with changes."""
    genuine = {
        "iss": ISSUER,
        "sub": "person-1",
        "sid": "sid-1",
        "aud": CLIENT_ID,
        "iat": NOW,
        "exp": NOW + 120,
        "jti": "jti-1",
        "events": {EVENT: {}},
    }
    return with_changes(genuine, changes)


def forged(**changes: object) -> str:
    return signed(claims(**changes), header=TYP)


def judge(token: str, *, keys=None, client_secret: str | None = None, **expected: object) -> LogoutNotice:
    usual = {"issuer": ISSUER, "client_id": CLIENT_ID, "alg": "RS256", "now": NOW}
    return verify_logout_token(
        Secret(token),
        keys=key_set() if keys is None else keys,
        client_secret=None if client_secret is None else Secret(client_secret),
        expected=LogoutExpectations(**{**usual, **expected}),
    )


def refused(token: str, **expected: object) -> str:
    with pytest.raises(TokenRejected) as error:
        judge(token, **expected)
    return error.value.code


# Genuine ones


def test_genuine_token_says_who_and_until_when():
    """A genuine token must give issuer, subject, session, its id, and how long it could be used."""
    notice = judge(forged())
    assert (notice.issuer, notice.subject, notice.sid, notice.jti) == (ISSUER, "person-1", "sid-1", "jti-1")
    assert notice.expires_at == NOW + 120 + LEEWAY
    assert "person-1" not in repr(notice)
    assert "sid-1" not in repr(notice)


@pytest.mark.parametrize(("without", "left"), [("sub", (None, "sid-1")), ("sid", ("person-1", None))])
def test_either_name_is_enough(without, left):
    """A token with only a subject, or only a session's id, must be taken for what it says (2.4)."""
    notice = judge(forged(**{without: ABSENT}))
    assert (notice.subject, notice.sid) == left


@pytest.mark.parametrize("typ", ["logout+jwt", "LOGOUT+JWT", "application/logout+jwt", "JWT", "jwt", ABSENT])
def test_kinds_of_token_that_are_taken(typ):
    """Its own kind, the general one, and none at all must be taken: providers write each of them (2.4)."""
    assert judge(signed(claims(), header={"typ": typ})).jti == "jti-1"


def test_unknown_claims_change_nothing():
    """Claims that nobody knows must be passed over (2.4), and events may have further members."""
    token = forged(trace_id="7d19a0c3", events={EVENT: {"more": 1}, "https://other.example": {}})
    assert judge(token).sid == "sid-1"


def test_shared_secret_signs_where_it_is_registered():
    """A token under HS256 must verify by the client's secret, and by no other."""
    token = signed(claims(), alg="HS256", header=TYP)
    assert judge(token, alg="HS256", client_secret=CLIENT_SECRET).sid == "sid-1"
    assert refused(token, alg="HS256", client_secret=CLIENT_SECRET + "x") == "logout_token_signature"


@pytest.mark.parametrize("late", [NOW + 120, NOW + 10**9])
def test_jti_is_remembered_for_as_long_as_the_token_could_be_used(late):
    """Up to the time in the notice the token must be taken, from then on refused, whatever its `exp`."""
    token = forged(exp=late)
    until = judge(token).expires_at
    assert until <= NOW + MAX_TOKEN_AGE_SECONDS + LEEWAY
    assert judge(token, now=until - 0.001)
    assert refused(token, now=until) in {"logout_token_expired", "logout_token_iat_old"}


# Forged ones

FORGERIES = {
    "check_issuer": ({"iss": "https://evil.example"}, "logout_token_iss"),
    "check_audience": ({"aud": []}, "logout_token_aud"),
    "check_other_audiences": ({"aud": [CLIENT_ID, "client-2"]}, "logout_token_aud_extra"),
    "check_expiry": ({"exp": NOW - 60}, "logout_token_expired"),
    "check_issued_at": ({"iat": NOW + 61}, "logout_token_iat_future"),
    "check_age": ({"iat": NOW - 660, "exp": NOW + 900}, "logout_token_iat_old"),
    "check_jti": ({"jti": ""}, "logout_token_jti_missing"),
    "check_events": ({"events": {}}, "logout_token_events"),
    "check_nonce": ({"nonce": "n"}, "logout_token_nonce"),
    "check_subject": ({"sub": 7}, "logout_token_sub_invalid"),
    "check_sid": ({"sid": ["sid-1"]}, "logout_token_sid_invalid"),
    "check_somebody": ({"sub": ABSENT, "sid": ABSENT}, "logout_token_nobody"),
}


def test_each_check_has_its_forgery():
    """Each member of CHECKS must have a forged token here, in the order in which they run; two look at headers."""
    assert [check.__name__ for check in logout_token.CHECKS] == list(FORGERIES)
    functions = inspect.getmembers(logout_token, inspect.isfunction)
    own = {name for name, function in functions if name.startswith("check_")}
    assert own - set(FORGERIES) == {"check_alg", "check_typ"}


@pytest.mark.parametrize("check", logout_token.CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_the_forged_token_gets_in(monkeypatch, check):
    """A token with one forged claim must be refused by that claim's check, and by nothing else."""
    changes, code = FORGERIES[check.__name__]
    assert refused(forged(**changes)) == code
    monkeypatch.setattr(logout_token, "CHECKS", tuple(c for c in logout_token.CHECKS if c is not check))
    assert isinstance(judge(forged(**changes)), LogoutNotice)


MORE_FORGERIES = [
    ({"iss": ABSENT}, "iss_missing"),
    ({"iss": None}, "iss_missing"),
    ({"iss": f"{ISSUER}/"}, "iss"),
    ({"iss": [ISSUER]}, "iss"),
    ({"aud": ABSENT}, "aud_missing"),
    ({"aud": "client-2"}, "aud"),
    ({"aud": {CLIENT_ID: 1}}, "aud"),
    ({"aud": [CLIENT_ID, None]}, "aud_extra"),
    ({"exp": ABSENT}, "exp_missing"),
    ({"exp": str(NOW + 120)}, "exp_invalid"),
    ({"exp": True}, "exp_invalid"),
    ({"iat": ABSENT}, "iat_missing"),
    ({"iat": "now"}, "iat_invalid"),
    ({"jti": ABSENT}, "jti_missing"),
    ({"jti": 7}, "jti_missing"),
    ({"events": ABSENT}, "events"),
    ({"events": EVENT}, "events"),
    ({"events": [EVENT]}, "events"),
    ({"events": {EVENT: None}}, "events"),
    ({"events": {EVENT: "x"}}, "events"),
    ({"events": {"https://schemas.openid.net/event/backchannel-logout": {}}}, "events"),
    ({"nonce": None}, "nonce"),
    ({"nonce": ""}, "nonce"),
    ({"sub": None}, "sub_invalid"),
    ({"sub": ""}, "sub_invalid"),
    ({"sid": None}, "sid_invalid"),
    ({"sid": 0, "sub": ABSENT}, "sid_invalid"),
]


@pytest.mark.parametrize(("changes", "kind"), MORE_FORGERIES)
def test_claim_that_is_absent_or_of_a_wrong_type(changes, kind):
    """Each claim must be there and of its type: anything else is refused by its own code."""
    assert refused(forged(**changes)) == f"logout_token_{kind}"


@pytest.mark.parametrize(
    ("changes", "last", "kind"),
    [
        ({"exp": NOW}, NOW + LEEWAY, "expired"),
        ({"exp": NOW + 10**6}, NOW + MAX_TOKEN_AGE_SECONDS + LEEWAY, "iat_old"),
    ],
)
def test_last_moment(changes, last, kind):
    """On the one side of its last moment a token must be taken, at it and later refused."""
    assert judge(forged(**changes), now=last - 0.001)
    assert refused(forged(**changes), now=last) == f"logout_token_{kind}"


def test_first_moment():
    """A clock of the provider's that is a minute ahead must do, a second more must not."""
    assert judge(forged(iat=NOW + LEEWAY, exp=NOW + 500))
    assert refused(forged(iat=NOW + LEEWAY + 1, exp=NOW + 500)) == "logout_token_iat_future"


# Header and signature

PUBLIC_KEY_AS_SECRET = str(public_jwk(rsa_key())).encode()


def test_header_faults():
    """What the header says must be what was agreed, before anything else is looked at."""
    faults = {
        "alg_none": signed(claims(), alg="none", header=TYP),
        "alg_mismatch": signed(claims(), alg="PS256", header=TYP),
        "not_compact": "not-a-token",
        "encrypted": encrypted(forged()),
        "header_crit": signed(claims(), header={**TYP, "crit": ["exp"]}),
    }
    assert {kind: refused(token) for kind, token in faults.items()} == {
        kind: f"logout_token_{kind}" for kind in faults
    }
    assert refused(compact({"alg": "nOnE", "kid": "k1"}, claims(), b"")) == "logout_token_alg_none"


@pytest.mark.parametrize("typ", ["at+jwt", "secevent+jwt", "id_token", "", "application/at+jwt"])
def test_other_kinds_of_token_are_refused(monkeypatch, typ):
    """A token of another kind must be refused by its `typ` and nothing else (2.4; RFC 8725 3.11)."""
    token = signed(claims(), header={"typ": typ})
    assert refused(token) == "logout_token_typ"
    monkeypatch.setattr(logout_token, "check_typ", lambda _header: None)
    assert judge(token)


def test_signature():
    """A token that anybody could have written must be refused by its signature."""
    assert refused(signed(claims(), key=rsa_key("attacker"), header=TYP)) == "logout_token_signature"
    hmac_by_public_key = signed(claims(), alg="HS256", key=PUBLIC_KEY_AS_SECRET, header=TYP)
    assert refused(hmac_by_public_key) == "logout_token_alg_mismatch"
    head, body, signature = forged().split(".")
    altered = compact(unb64(head), unb64(body).replace(b"person-1", b"person-2"), unb64(signature))
    assert refused(altered) == "logout_token_signature"


def test_unknown_key_says_that_newer_ones_may_help():
    """A key that is not held must be told apart, so that newer keys are asked for."""
    with pytest.raises(UnknownKey) as error:
        judge(signed(claims(), header={**TYP, "kid": "k2"}))
    assert error.value.code == "logout_token_unknown_key"


def test_signed_payload_that_is_no_object():
    """A signed payload that can't be read must have a code of its own."""
    with pytest.raises(MalformedAnswer) as error:
        judge(signed(b"[]", header=TYP))
    assert error.value.code == "logout_token_not_object"


# Neither kind stands in for the other


def test_id_token_is_no_logout_token():
    """An ID token of this sign-in must not sign anybody out, also one that has all that both kinds share."""
    for typ in ({}, {"typ": "JWT"}):
        assert refused(signed(id_token_claims(), header=typ)) == "logout_token_jti_missing"
        assert refused(signed(id_token_claims(jti="j", sid="s"), header=typ)) == "logout_token_events"
        assert refused(signed(id_token_claims(jti="j", nonce=ABSENT), header=typ)) == "logout_token_events"


@pytest.mark.parametrize(("header", "code"), [(TYP, "id_token_typ"), ({"typ": "JWT"}, "id_token_events")])
def test_logout_token_is_no_id_token(header, code):
    """A logout token must not sign anybody in, whatever kind it says it is."""
    token = signed(claims(), header=header)
    assert judge(token)
    with pytest.raises(TokenRejected) as error:
        verify(token)
    assert error.value.code == code


@given(body=st.binary(max_size=200))
def test_any_bytes_are_judged(body):
    """Whatever somebody posts must end in a notice or one of our errors."""
    text = body.decode("latin-1")
    assert isinstance(outcome(lambda: judge(text)), SignOnError)
    assert isinstance(outcome(lambda: judge(signed(body, header=TYP))), SignOnError)
