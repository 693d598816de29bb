import json
from dataclasses import replace

import pytest
from jwcrypto import jwk, jwt
from tests.flask.double import ISSUER
from tests.service.conftest import NOW
from tests.service.issued import access_token

from signon.core.bearer import BearerRefused
from signon.core.errors import OperatorError
from signon.core.jose import private_keys
from signon.core.person import Login, Person
from signon.core.values import Secret
from signon.service.guard import make_guard
from signon.service.own_tokens import (
    NAME,
    issue_token,
    make_own_tokens,
    own_issuer,
    own_jwks,
    shared_keys,
    token_keys,
)
from signon.sessions.record import Session

BASE = "https://app.example.org"
EC, OTHER = (jwk.JWK.generate(kty="EC", crv="P-256", kid=kid) for kid in ("ec", "other"))
RSA = jwk.JWK.generate(kty="RSA", size=2048, kid="rsa")
PROVIDERS_KEY = jwk.JWK.generate(kty="EC", crv="P-256", kid="theirs")


def pem(key) -> str:
    return key.export_to_pem(private_key=True, password=None).decode()


def jwks(*keys) -> str:
    return json.dumps({"keys": [key.export(as_dict=True) for key in keys]})


def own_of(text=None, **changes):
    keys = token_keys(jwks(EC) if text is None else text)
    return make_own_tokens(**{"issuer": BASE, "keys": keys, "seconds": 300, **changes})


@pytest.fixture
def session() -> Session:
    person = Person(
        provider="oidc",
        issuer=ISSUER,
        subject="3100600123456",
        public_subject="our-own-key",
        name="Mia Kern",
        email="mia@people.example",
    )
    login = Login(
        person=person,
        claims={"pid": "3100600123456"},
        signed_in_at=NOW - 100,
        auth_time=NOW - 500.5,
        acr="mfa",
        amr=("pwd", "otp"),
    )
    return Session(
        login=login,
        user_key=person.key,
        roles=("staff",),
        started_at=NOW - 110,
        created_at=NOW - 100,
        expires_at=NOW + 3600,
    )


def read(issued, key=EC) -> tuple[dict, dict]:
    """Header and claims by a foreign reader, which checks the signature."""
    token = jwt.JWT(jwt=issued.token.reveal(), key=key, check_claims={}, algs=["ES256", "RS256"])
    return json.loads(token.header), json.loads(token.claims)


def issue(own, session, now=NOW):
    return issue_token(own, session, audience=BASE, now=now)


# what a token says


def test_token_is_one_of_rfc_9068(session):
    """A token must say what it is, for which API, whom it acts for, until when, and how they signed in."""
    issued = issue(own_of(scope="read write"), session)
    header, claims = read(issued)
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": "ec"}
    assert len(claims.pop("jti")) == 43
    assert claims == {
        "iss": BASE,
        "sub": f"{ISSUER}|our-own-key",
        "aud": BASE,
        "client_id": BASE,
        "iat": NOW,
        "exp": NOW + 300,
        "auth_time": NOW - 501,
        "acr": "mfa",
        "amr": ["pwd", "otp"],
        "scope": "read write",
        "name": "Mia Kern",
        "email": "mia@people.example",
        "roles": ["staff"],
    }
    assert issued.seconds == 300
    assert issued.token.reveal() not in repr(issued)


def test_what_is_not_known_is_not_said(session):
    """Nothing may be said that is empty; without the provider's time ours counts."""
    bare = Person(provider="oidc", issuer=ISSUER, subject="s", public_subject="s")
    login = Login(person=bare, claims={}, signed_in_at=NOW - 100)
    _, claims = read(issue(own_of(), replace(session, login=login, roles=(), user_key="user-7")))
    assert claims.keys() == {"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "auth_time"}
    assert (claims["sub"], claims["auth_time"]) == ("user-7", NOW - 100)


def test_other_blocks_beside_a_key(session):
    """What tools write before and behind a key, `openssl ecparam -genkey` for example, must not keep it out."""
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    assert [key.alg for key in token_keys(parameters + pem(EC) + parameters + pem(RSA))] == ["ES256", "RS256"]


def test_key_that_says_that_it_signs(session):
    """A key whose JWK says what its private half is for signs, and is published for what its public half does."""
    own = own_of(jwks(jwk.JWK(**EC.export(as_dict=True), key_ops=["sign"], use="sig", alg="ES256")))
    assert read(issue(own, session))[0]["kid"] == "ec"
    (published,) = own_jwks(own)
    assert published == {**EC.export_public(as_dict=True), "use": "sig", "alg": "ES256"}


def test_address_is_verified_only_by_the_provider(session):
    """An API must be told that an address was verified where the provider said so, and never elsewhere."""
    person = replace(session.login.person, email_verified=True)
    _, claims = read(issue(own_of(), replace(session, login=replace(session.login, person=person))))
    assert (claims["email"], claims["email_verified"]) == ("mia@people.example", True)
    nowhere = replace(person, email=None)
    _, claims = read(issue(own_of(), replace(session, login=replace(session.login, person=nowhere))))
    assert not claims.keys() & {"email", "email_verified"}


def test_no_national_id(session):
    """A subject that must not be shown, and claims beside it, must not get into a token."""
    _, claims = read(issue(own_of(), session))
    assert "3100600123456" not in json.dumps(claims)


def test_audience_of_the_settings_wins(session):
    """A token is for the API that the settings name, else for the application itself."""
    assert read(issue(own_of(audience="https://api.example.org"), session))[1]["aud"] == "https://api.example.org"


def test_no_token_outlives_its_session(session):
    """Near the session's end a token is good for what is left of it."""
    issued = issue(own_of(), replace(session, expires_at=NOW + 20.9))
    assert (issued.seconds, read(issued)[1]["exp"]) == (20, NOW + 20)
    assert issue(own_of(), replace(session, expires_at=NOW - 1)).seconds == 0


def test_no_two_tokens_are_the_same(session):
    """Each token has an id of its own."""
    assert read(issue(own_of(), session))[1]["jti"] != read(issue(own_of(), session))[1]["jti"]


# keys


@pytest.mark.parametrize(
    ("text", "algs"),
    [
        (pem(EC), ["ES256"]),
        (pem(RSA), ["RS256"]),
        (pem(EC).replace("\n", "\\n"), ["ES256"]),
        (pem(RSA) + pem(EC), ["RS256", "ES256"]),
        (f"# the new one\n{pem(EC)}\n# the old one\n{pem(OTHER)}", ["ES256", "ES256"]),
        (json.dumps(EC.export(as_dict=True)), ["ES256"]),
        (jwks(RSA, EC), ["RS256", "ES256"]),
    ],
)
def test_keys_that_can_be_used(text, algs):
    """One key or several, in their order, as PEM blocks, JWK or JWK Set; an id is made where there is none."""
    keys = token_keys(text)
    assert [key.alg for key in keys] == algs
    assert all(key.kid for key in keys)


def test_first_key_signs(session):
    """The first of several keys signs, whatever kind it is, and its id says so."""
    header, _ = read(issue(own_of(jwks(RSA, EC)), session), key=RSA)
    assert (header["alg"], header["kid"]) == ("RS256", "rsa")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no key", "private_key_unreadable"),
        ("", "private_key_unreadable"),
        (EC.export_public(), "private_key_unreadable"),
        (pem(jwk.JWK.generate(kty="RSA", size=1024)), "private_key_unreadable"),
        ("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----", "private_key_unreadable"),
        (pem(jwk.JWK.generate(kty="EC", crv="P-384")), "token_key_alg"),
        (jwks(jwk.JWK.generate(kty="OKP", crv="Ed25519", kid="ed")), "token_key_alg"),
        (jwks(jwk.JWK(**RSA.export(as_dict=True), alg="PS256")), "token_key_alg"),
        (jwks(jwk.JWK(**EC.export(as_dict=True), use="enc")), "token_key_alg"),
        (pem(EC) + pem(EC), "token_key_twice"),
        (jwks(EC, jwk.JWK.generate(kty="RSA", size=2048, kid="ec")), "token_key_twice"),
    ],
)
def test_keys_that_can_not(text, code):
    """Anything else is refused at the start, by a code that has nothing of the key in it."""
    with pytest.raises(OperatorError) as error:
        token_keys(text)
    assert error.value.code == code
    assert not text or text[:40] not in str(error.value)


def test_published_keys(session):
    """What is published is public, says what it is for, and verifies with a foreign library."""
    published = own_jwks(own_of(jwks(EC, RSA)))
    assert [(key["kid"], key["use"], key["alg"]) for key in published] == [
        ("ec", "sig", "ES256"),
        ("rsa", "sig", "RS256"),
    ]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & {name for key in published for name in key}
    read(issue(own_of(), session), key=jwk.JWK(**published[0]))


def test_key_of_another_use():
    """A key that a provider knows for client assertions must be found, under its id or another one."""
    own = own_of(jwks(EC, RSA))
    (renamed,) = private_keys(json.dumps({**EC.export(as_dict=True), "kid": "else"}))
    (namesake,) = private_keys(json.dumps({**OTHER.export(as_dict=True), "kid": "rsa"}))
    assert shared_keys(own, private_keys(jwks(OTHER))) == []
    assert shared_keys(own, [renamed]) == ["ec"]
    assert shared_keys(own, [namesake]) == ["rsa"]
    assert shared_keys(own, own.keys) == ["ec", "rsa"]


# at the guard


@pytest.fixture
def guard(make_party, make_provider):
    """The guard of an application that issues tokens so."""
    party = make_party(make_provider(access_token_alg="ES256"))
    return lambda own: make_guard(party, own=own_issuer(own))


def accept(guard, issued, **options):
    token = issued if isinstance(issued, Secret) else issued.token
    return guard.accept(token, **{"audience": BASE, **options})


def refusal(guard, issued, **options) -> str:
    with pytest.raises(BearerRefused) as refused:
        accept(guard, issued, **options)
    return refused.value.code


def test_guard_accepts_our_own(guard, session, op):
    """An own token opens an API of ours, named or not, and no provider is asked about it."""
    own = own_of(scope="read write")
    issued = issue(own, session)
    token = accept(guard(own), issued)
    assert (token.subject, token.scopes, token.client_id) == (session.user_key, {"read", "write"}, BASE)
    assert token.claims["roles"] == ["staff"]
    assert accept(guard(own), issued, issuer=NAME).subject == session.user_key
    assert op.asked == []


def test_guard_still_accepts_the_providers(guard, session):
    """A provider's token is judged by the provider's keys, and never taken for ours."""
    own = own_of()
    theirs = Secret(access_token(now=NOW, aud=BASE))
    assert accept(guard(own), theirs).issuer == ISSUER
    assert refusal(guard(own), theirs, issuer=NAME) == "access_token_unknown_key"
    assert refusal(guard(own), issue(own, session), issuer="oidc") == "access_token_unknown_key"


def test_guard_accepts_the_older_key(guard, session):
    """While two keys overlap tokens of both are good; when the old one is gone, so are its tokens."""
    older = issue(own_of(jwks(OTHER)), session)
    assert accept(guard(own_of(jwks(EC, OTHER))), older).subject == session.user_key
    assert refusal(guard(own_of(jwks(EC))), older) == "access_token_unknown_key"


def test_guard_accepts_both_kinds_while_they_change(guard, session):
    """A change from RSA to P-256 is a rotation like any other."""
    older = issue(own_of(jwks(RSA)), session)
    assert accept(guard(own_of(jwks(EC, RSA))), older).subject == session.user_key


def test_guard_refuses_what_is_over(guard, session, clock):
    """A token that has ended opens nothing."""
    own = own_of()
    judge, issued = guard(own), issue(own, session)
    accept(judge, issued)
    clock.now += 300 + 120
    assert refusal(judge, issued) == "access_token_expired"


def test_guard_refuses_other_audiences(guard, session):
    """A token for another API opens none of ours."""
    own = own_of(audience="https://api.example.org")
    assert refusal(guard(own), issue(own, session)) == "access_token_aud"


@pytest.mark.parametrize("typ", ["JWT", None, "client-authentication+jwt", "logout+jwt"])
def test_guard_refuses_other_kinds_under_our_key(guard, session, typ):
    """Whatever else is signed by the same key is no access token."""
    own = own_of()
    _, claims = read(issue(own, session))
    header = {"alg": "ES256", "kid": "ec", **({"typ": typ} if typ else {})}
    forged = jwt.JWT(header=header, claims=claims)
    forged.make_signed_token(EC)
    assert refusal(guard(own), Secret(forged.serialize())) == "access_token_typ"


@pytest.mark.parametrize("key", [PROVIDERS_KEY, OTHER])
def test_guard_refuses_other_keys(guard, session, key):
    """A token in our name under somebody else's key is a forgery, whatever key id it names."""
    own = own_of()
    header, claims = read(issue(own, session))
    for kid in ("ec", key["kid"]):
        forged = jwt.JWT(header={**header, "kid": kid}, claims=claims)
        forged.make_signed_token(key)
        assert refusal(guard(own), Secret(forged.serialize())) in {
            "access_token_signature",
            "access_token_unknown_key",
        }


def test_nobody_is_asked_about_our_own():
    """Our own tokens say everything themselves: to introspect one is a mistake of the program."""
    with pytest.raises(AssertionError):
        own_issuer(own_of()).introspect(Secret("x"))
