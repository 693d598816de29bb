from dataclasses import replace
from functools import partial

import pytest
from jwcrypto import jwk, jwt
from tests.flask.double import _SIGNING_KEY, CLIENT_ID, CLIENT_SECRET, ISSUER, json_response
from tests.service.conftest import NOW

from signon.core.errors import MalformedAnswer, ProviderUnavailable, TokenRejected
from signon.core.id_token import CHECKS, left_half_hash
from signon.core.person import Login, Person
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon.service.explain import explain_id_token
from signon.sessions.record import Session

ACCESS_TOKEN = Secret("an-access-token-that-nobody-may-log")
REFRESHED = Secret("another-access-token-that-nobody-may-log")
OF_THE_HEADER = 2
GENUINE = {
    "sub": "person-1",
    "nonce": "nonce-of-the-sign-in",
    "at_hash": left_half_hash(ACCESS_TOKEN, "ES256"),
}


@pytest.fixture
def make_session(op, plant):
    """Make a session whose ID token has these claims; `id_token` is another text in its place."""
    plant(ACCESS_TOKEN.reveal(), REFRESHED.reveal())

    def make(*, id_token=None, access_token=ACCESS_TOKEN, refreshed_at=None, **changes):
        claims = {**GENUINE, **changes}
        text = id_token or op.id_token(**claims)
        plant(text)
        person = Person(provider="oidc", issuer=ISSUER, subject="person-1", public_subject="person-1")
        tokens = TokenSet(
            access_token=access_token, scope=(), issued_at=refreshed_at or NOW, id_token=Secret(text)
        )
        login = Login(person=person, claims={**GENUINE, "auth_time": int(NOW)}, signed_in_at=NOW)
        return Session(
            login=login,
            user_key="person-1",
            tokens=tokens,
            started_at=NOW - 30,
            created_at=NOW,
            expires_at=NOW + 3600,
        )

    return make


def outcomes(verdicts):
    """The rules that did not pass, by their codes; what was left out by that."""
    return {v.code or v.outcome for v in verdicts if v.outcome != "passed"}


def test_each_check_says_its_rule(party, make_session):
    """A genuine token passes the signature, the header's checks and every check of the claims, each by its
    own sentence.
    """
    verdicts = explain_id_token(party, make_session())
    assert outcomes(verdicts) == set()
    assert len(verdicts) == 1 + OF_THE_HEADER + len(CHECKS)
    rules = [verdict.rule for verdict in verdicts]
    assert len(set(rules)) == len(rules)
    assert "`aud` must name us (OIDC Core 3.1.3.7, step 3)." in rules


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://other.example"}, "id_token_iss"),
        ({"sub": None}, "id_token_sub_missing"),
        ({"nonce": "another"}, "id_token_nonce_mismatch"),
        ({"nonce": None}, "id_token_nonce_missing"),
        ({"iat": int(NOW) - 700}, "id_token_iat_old"),
        ({"iat": int(NOW) + 61}, "id_token_iat_future"),
        ({"at_hash": "wrong"}, "id_token_at_hash"),
    ],
)
def test_one_that_fails_says_why_and_the_others_are_judged(party, make_session, changes, code):
    """A claim that breaks one rule fails by that rule's code, in words, and by no other."""
    verdicts = explain_id_token(party, make_session(**changes))
    assert outcomes(verdicts) == {code}
    (failed,) = [verdict for verdict in verdicts if verdict.outcome == "failed"]
    assert failed.why
    assert len(verdicts) == 1 + OF_THE_HEADER + len(CHECKS)


def test_wrong_audience_breaks_both_rules_about_it(party, make_session):
    """A token for somebody else is neither for us nor for us alone."""
    found = outcomes(explain_id_token(party, make_session(aud="somebody-else")))
    assert found == {"id_token_aud", "id_token_aud_extra"}


def test_time_goes_by(party, make_session, clock):
    """Later the token has expired by the time of now, and nothing else has changed: it was new when it came."""
    session = make_session()
    clock.now += 3000
    assert outcomes(explain_id_token(party, session)) == {"id_token_expired"}


def test_refresh_without_an_id_token(party, make_session, clock):
    """Beside a refreshed access token the first ID token's hash says nothing, and the rest still passes."""
    clock.now += 200
    session = make_session(access_token=REFRESHED, refreshed_at=clock.now, iat=int(NOW), auth_time=int(NOW))
    verdicts = explain_id_token(party, session)
    assert outcomes(verdicts) == {"left out"}
    (left,) = [verdict for verdict in verdicts if verdict.outcome == "left out"]
    assert left.rule.startswith("`at_hash`")
    assert left.why == "the access token has been refreshed since"


def test_refresh_with_an_id_token(party, make_session, clock):
    """A token of a refresh is judged for the time of that, and needs no nonce (OIDC Core 12.2)."""
    clock.now += 1000
    fresh = {"at_hash": left_half_hash(REFRESHED, "ES256"), "nonce": None, "auth_time": int(NOW)}
    session = make_session(access_token=REFRESHED, refreshed_at=clock.now, **fresh)
    assert outcomes(explain_id_token(party, session)) == set()


def test_signature_that_fails_is_all_that_is_said(party, make_session):
    """Of a token that somebody else has signed no claim is worth a word."""
    key = jwk.JWK.generate(kty="EC", crv="P-256")
    forged = jwt.JWT(header={"alg": "ES256", "kid": "k1"}, claims={"sub": "person-1"})
    forged.make_signed_token(key)
    (verdict,) = explain_id_token(party, make_session(id_token=forged.serialize()))
    assert (verdict.outcome, verdict.code) == ("failed", "id_token_signature")


def test_key_that_is_newer_than_the_set(party, op, make_session):
    """A token that names a key which the held set lacks has the set fetched once more."""
    old = jwk.JWK.generate(kty="EC", crv="P-256", kid="k0", use="sig", alg="ES256")
    op.failing["jwks"] = json_response({"keys": [old.export_public(as_dict=True)]})
    party.runtime.cache(party.providers["oidc"]).keys()
    op.failing.clear()
    assert outcomes(explain_id_token(party, make_session())) == set()
    assert op.documents().count("jwks") == 2


def test_token_that_a_secret_signs(make_party, make_provider, make_session):
    """Where the registered signature is by the client's secret, that and no key of the provider's verifies it."""
    party = make_party(make_provider(id_token_alg="HS256"))
    claims = {"iss": ISSUER, "aud": CLIENT_ID, "iat": int(NOW), "exp": int(NOW) + 300, "auth_time": int(NOW)}
    token = jwt.JWT(header={"alg": "HS256"}, claims={**claims, **GENUINE})
    token.make_signed_token(jwk.JWK.from_password(CLIENT_SECRET))
    assert outcomes(explain_id_token(party, make_session(id_token=token.serialize()))) == set()


def test_other_algorithm_than_the_registered(party, make_session):
    """A token that is signed with another algorithm than the registered one fails."""
    token = jwt.JWT(header={"alg": "HS256", "kid": "k1"}, claims=GENUINE)
    token.make_signed_token(jwk.JWK.from_password(CLIENT_SECRET))
    (verdict,) = explain_id_token(party, make_session(id_token=token.serialize()))
    assert verdict.outcome == "failed"


def test_profiles_own_checks_are_said(make_party, make_provider, make_session):
    """What a profile checks beside the standard stands at the end, also where it binds something first."""

    def check_colour(wanted, claims, _expected):
        """`colour` must be the one that was asked for."""
        if claims.get("colour") != wanted:
            raise TokenRejected("id_token_colour", "the colour is another")

    provider = replace(make_provider(), extra_checks=(partial(check_colour, "red"),))
    *_, last = explain_id_token(make_party(provider), make_session(colour="blue"))
    assert (last.rule, last.code) == ("`colour` must be the one that was asked for.", "id_token_colour")


def test_session_without_an_id_token(party, make_session):
    """Without an ID token, or without tokens, there is nothing to judge."""
    session = make_session()
    assert explain_id_token(party, replace(session, tokens=replace(session.tokens, id_token=None))) == ()
    assert explain_id_token(party, replace(session, tokens=None)) == ()


def test_what_cannot_be_read(party, make_session):
    """A text that is no token is refused as such; so is a payload that is no JSON object."""
    with pytest.raises((MalformedAnswer, TokenRejected)):
        explain_id_token(party, make_session(id_token="this.is-no-token"))
    token = jwt.JWT(header={"alg": "ES256", "kid": "k1"}, claims="[]")
    token.make_signed_token(_SIGNING_KEY)
    with pytest.raises(MalformedAnswer):
        explain_id_token(party, make_session(id_token=token.serialize()))


def test_keys_that_cannot_be_had(party, op, make_session):
    """Without the provider's keys nothing is said: that is its fault, not the token's."""
    op.failing["jwks"] = ProviderUnavailable("jwks_timeout", "too slow")
    with pytest.raises(ProviderUnavailable):
        explain_id_token(party, make_session())
