from collections.abc import Callable

import pytest
from tests.core.forge import (
    ABSENT,
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    NOW,
    answer,
    at_hash,
    callback,
    claims,
    ec_key,
    encrypted,
    json_answer,
    key_set,
    metadata,
    pem,
    provider,
    public_jwk,
    rsa_key,
    signed,
    transaction,
)

from signon.core.client_auth import Client
from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
    TokenRejected,
    UnknownKey,
)
from signon.core.flow import (
    KeysWanted,
    SignedIn,
    about_the_person,
    complete_login,
    introspect,
    judge_logout,
    push,
)
from signon.core.http import HttpRequest
from signon.core.jose import private_keys
from signon.core.values import Secret


def token_answer(token: str | None = None, **changes: object):
    tokens = {
        "access_token": ACCESS_TOKEN,
        "token_type": "Bearer",
        "id_token": token or signed(claims()),
        **changes,
    }
    return json_answer({name: value for name, value in tokens.items() if value is not None})


def run(
    *answers: object, of_provider=None, of_metadata=None, of_transaction=None
) -> tuple[SignedIn, list[object]]:
    """Drive the flow with answers in their order (an error is thrown in); give its result and what it asked."""
    flow = complete_login(
        provider=of_provider or provider(),
        metadata=of_metadata or metadata(),
        callback=callback(of_transaction=of_transaction, of_provider=of_provider),
        now=NOW,
    )
    asked = [next(flow)]
    waiting = list(answers)
    while True:
        given = waiting.pop(0)
        try:
            asked.append(flow.throw(given) if isinstance(given, SignOnError) else flow.send(given))
        except StopIteration as end:
            assert not waiting, "the flow has not asked for everything"
            return end.value, asked


def failure(*answers: object, **context: object) -> SignOnError:
    with pytest.raises(SignOnError) as error:
        run(*answers, **context)
    return error.value


COMPLETE = {"name": "Mia", "email": "mia@example.org"}


def names(asked: list[object]) -> list[str]:
    return [step.document if isinstance(step, HttpRequest) else "keys" for step in asked]


def test_sign_in_with_all_claims_in_the_token_takes_two_steps():
    """Redeem the code, get the keys, and nothing more where the token has what the scopes promise."""
    done, asked = run(token_answer(signed(claims(**COMPLETE, at_hash=at_hash()))), key_set())
    assert names(asked) == ["token", "keys"]
    assert asked[1] == KeysWanted(unknown_to=None)
    assert (done.login.person.subject, done.login.person.name, done.login.person.issuer) == (
        "person-1",
        "Mia",
        ISSUER,
    )
    assert done.login.person.provider == "op"
    assert done.login.scope == ("openid", "profile", "email")
    assert done.login.signed_in_at == NOW
    assert done.tokens.access_token.reveal() == ACCESS_TOKEN


def test_missing_claims_are_asked_for():
    """Where the token lacks a promised claim, userinfo must be asked, and its claims be merged."""
    done, asked = run(token_answer(), key_set(), json_answer({"sub": "person-1", **COMPLETE}))
    assert names(asked) == ["token", "keys", "userinfo"]
    assert asked[2].headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert (done.login.person.name, done.login.person.email) == ("Mia", "mia@example.org")


def test_signed_claim_is_not_overridden():
    """What the ID token says must stand, whatever userinfo says of it."""
    more = {"sub": "person-1", "name": "Mallory", "email": "m@evil.example", "email_verified": True}
    done, _ = run(token_answer(signed(claims(name="Mia"))), key_set(), json_answer(more))
    assert done.login.person.name == "Mia"
    assert done.login.person.email == "m@evil.example"


def test_another_address_lends_none_of_its_verification():
    """Userinfo that has another address verified must not make the ID token's a verified one."""
    more = {"sub": "person-1", "name": "Mia", "email": "mia@example.org", "email_verified": True}
    done, _ = run(token_answer(signed(claims(email="victim@example.org"))), key_set(), json_answer(more))
    assert (done.login.person.email, done.login.person.email_verified) == ("victim@example.org", False)


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_claim_of_the_token_is_absent(empty):
    """A null or empty claim of the token must not hide what userinfo says (OIDC Core 5.3.2)."""
    done, asked = run(
        token_answer(signed(claims(name=empty, locale=empty))),
        key_set(),
        json_answer({"sub": "person-1", **COMPLETE, "picture": empty}),
    )
    assert names(asked) == ["token", "keys", "userinfo"]
    assert done.login.person.name == "Mia"
    assert not {"locale", "picture"} & done.login.claims.keys()


OF_THE_TOKEN = (
    *("iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash"),
    *("auth_time", "acr", "amr", "sid"),
)


@pytest.mark.parametrize("name", OF_THE_TOKEN)
def test_claim_about_a_token_is_not_about_the_person(name):
    """What says something of a token or a sign-in must not be taken over as if it were about the person."""
    assert about_the_person({name: "x", "sub": "person-1", "locale": None}) == {"sub": "person-1"}


def test_userinfo_has_no_say_in_how_the_person_signed_in():
    """Claims about the sign-in must come from the signed token alone, never from userinfo."""
    unsigned = {
        "auth_time": NOW,
        "acr": "highest",
        "amr": ["mfa"],
        "sid": "s2",
        "iss": "x",
        "exp": 0,
        "nonce": "n",
    }
    done, _ = run(token_answer(), key_set(), json_answer({"sub": "person-1", **COMPLETE, **unsigned}))
    assert (done.login.auth_time, done.login.acr, done.login.amr, done.login.sid) == (None, None, (), None)
    assert done.login.claims["iss"] == ISSUER


def test_unknown_key_fetches_once():
    """A key that the set lacks must be asked for once more, naming the set that lacks it."""
    old, new = key_set(public_jwk(rsa_key(), kid="old")), key_set()
    done, asked = run(token_answer(signed(claims(**COMPLETE))), old, new)
    assert names(asked) == ["token", "keys", "keys"]
    assert asked[2] == KeysWanted(unknown_to=old)
    assert done.login.person.subject == "person-1"


def test_key_that_stays_unknown_fails():
    """A key that the newer set lacks too must fail the sign-in, without a third try."""
    old = key_set(public_jwk(rsa_key(), kid="old"))
    error = failure(token_answer(), old, old)
    assert isinstance(error, UnknownKey)
    assert error.code == "id_token_unknown_key"


def test_forged_signature_fetches_nothing():
    """A bad signature of a known key must fail at once: newer keys would not help."""
    error = failure(token_answer(signed(claims(), key=rsa_key("attacker"))), key_set())
    assert (type(error), error.code) == (TokenRejected, "id_token_signature")


def test_hmac_token_needs_no_keys():
    """A token signed with the client secret must be verified without asking for published keys."""
    hmac = provider(id_token_algs=frozenset({"HS256"}))
    done, asked = run(token_answer(signed(claims(**COMPLETE), alg="HS256")), of_provider=hmac)
    assert names(asked) == ["token"]
    assert done.login.person.subject == "person-1"


def test_hmac_token_is_refused_where_another_algorithm_is_registered():
    """The token's own choice of HMAC must not lead to the client secret as a key."""
    error = failure(token_answer(signed(claims(), alg="HS256")), key_set())
    assert error.code == "id_token_alg_mismatch"


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_each_of_several_registered_algorithms_is_accepted(alg):
    """With two algorithms registered a token of either must be accepted, and none of a third."""
    both = provider(id_token_algs=frozenset({"RS256", "ES256"}))
    keys = key_set(public_jwk(rsa_key()), public_jwk(ec_key()))
    done, _ = run(token_answer(signed(claims(**COMPLETE), alg=alg)), keys, of_provider=both)
    assert done.login.person.subject == "person-1"
    assert (
        failure(token_answer(signed(claims(), alg="PS256")), keys, of_provider=both).code
        == "id_token_alg_mismatch"
    )


def expected_of(make: Callable[[], object], **asked: object) -> str:
    return failure(token_answer(make()), key_set(), of_transaction=transaction(**asked)).code


def test_transaction_is_what_the_token_is_judged_by():
    """Nonce, age, acr, freshness and what else was asked must be the transaction's own."""
    demand = {"claims": '{"id_token":{"auth_time":{"essential":true}}}'}
    assert expected_of(lambda: signed(claims()), asked=demand) == "id_token_auth_time_asked"
    assert expected_of(lambda: signed(claims()), nonce="another") == "id_token_nonce_mismatch"
    assert expected_of(lambda: signed(claims()), max_age_seconds=10) == "id_token_auth_time_missing"
    assert expected_of(lambda: signed(claims()), acr_values=("high",)) == "id_token_acr"
    assert expected_of(lambda: signed(claims(auth_time=1)), fresh=True) == "id_token_auth_time_not_fresh"
    assert expected_of(lambda: signed(claims(at_hash=at_hash("another")))) == "id_token_at_hash"


def test_missing_nonce_is_the_providers_deviation():
    """A token without nonce must be accepted from a provider with that deviation, and from no other."""
    token = signed(claims(**COMPLETE, nonce=ABSENT))
    assert failure(token_answer(token), key_set()).code == "id_token_nonce_missing"
    done, _ = run(token_answer(token), key_set(), of_provider=provider(nonce_may_be_missing=True))
    assert done.login.person.subject == "person-1"


def test_providers_own_checks_count():
    """A provider's extra check must be able to refuse a token that is right otherwise."""

    def refuse(_claims, _expected):
        raise TokenRejected("id_token_env", "wrong environment")

    assert failure(token_answer(), key_set(), of_provider=provider(extra_checks=(refuse,))).code == "id_token_env"


def test_sign_in_without_an_id_token_has_nobody_to_vouch():
    """Without `openid` and without an ID token there must be no sign-in."""
    bare = provider(scopes=("profile",))
    error = failure(token_answer(id_token=None), of_provider=bare, of_transaction=transaction(scopes=("profile",)))
    assert (type(error), error.code) == (TokenRejected, "id_token_missing")
    assert failure(token_answer(id_token=None)).code == "token_id_token_missing"


USERINFO_FAILURES = {
    "another subject": (json_answer({"sub": "person-2", **COMPLETE}), TokenRejected, "userinfo_sub_mismatch"),
    "401": (answer(b"", status=401), ProviderRefused, "userinfo_refused"),
    "not JSON": (answer(b"x"), MalformedAnswer, "userinfo_not_json"),
    "no answer": (ProviderUnavailable("userinfo_timeout", "too slow"), ProviderUnavailable, "userinfo_timeout"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), USERINFO_FAILURES.values(), ids=USERINFO_FAILURES)
def test_failed_userinfo_fails_the_sign_in(response, error_class, code):
    """Nobody must be signed in with half of what was asked for (OIDC Core 5.3.3)."""
    error = failure(token_answer(), key_set(), response)
    assert type(error) is error_class
    assert error.code == code


def test_signed_userinfo_gets_its_keys():
    """Signed userinfo must be verified by the provider's keys, newer ones where it names one we lack."""
    genuine = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "person-1", **COMPLETE}
    response = answer(signed(genuine, header={"kid": "k2"}).encode(), content_type="application/jwt")
    newer = key_set(public_jwk(rsa_key()), public_jwk(rsa_key(), kid="k2"))
    for given, steps in (([newer], ["keys"]), ([key_set(), newer], ["keys", "keys"])):
        done, asked = run(token_answer(), key_set(), response, *given)
        assert names(asked) == ["token", "keys", "userinfo", *steps]
        assert done.login.person.name == "Mia"
    assert failure(token_answer(), key_set(), response, key_set(), key_set()).code == "userinfo_unknown_key"


def test_transport_failure_leaves_by_the_flow():
    """A failure to get an answer, thrown in at any step, must leave as it is and repeat nothing."""
    lost = ProviderUnavailable("token_timeout", "too slow")
    assert failure(lost) is lost
    assert failure(token_answer(), lost) is lost
    assert failure(token_answer(), key_set(public_jwk(rsa_key(), kid="old")), lost) is lost


def test_token_endpoints_refusal_leaves_by_the_flow():
    """A refused code must end the sign-in with the provider's error."""
    error = failure(json_answer({"error": "invalid_grant"}, status=400))
    assert (type(error), error.code) == (ProviderRefused, "token_invalid_grant")


@pytest.mark.parametrize("wrong", [(key_set(),), (token_answer(), token_answer())])
def test_driver_that_answers_wrongly_is_a_bug(wrong):
    """A key set where an answer was asked for, or the reverse, must be an assertion and no refusal."""
    with pytest.raises(AssertionError):
        run(*wrong)


def test_providers_person_is_used():
    """A provider's own mapping must make the person, from the merged claims."""
    from signon.core.person import to_person

    seen = []

    def mapping(read, *, provider, issuer):
        seen.append(read)
        return to_person({**read, "name": "mapped"}, provider=provider, issuer=issuer)

    done, _ = run(token_answer(signed(claims(**COMPLETE))), key_set(), of_provider=provider(to_person=mapping))
    assert done.login.person.name == "mapped"
    assert seen[0]["name"] == "Mia"


def test_public_client_signs_in_without_a_secret():
    """A client without a secret must redeem its code by its id alone."""
    public = provider(client=Client(client_id=CLIENT_ID))
    _, asked = run(token_answer(signed(claims(**COMPLETE))), key_set(), of_provider=public)
    assert b"client_id=client-1" in asked[0].body
    assert "Authorization" not in asked[0].headers
    secret = provider(client=Client(client_id=CLIENT_ID, secret=Secret(CLIENT_SECRET), auth="client_secret_post"))
    _, asked = run(token_answer(signed(claims(**COMPLETE))), key_set(), of_provider=secret)
    assert b"client_secret=a+client+secret" in asked[0].body


def test_encrypted_token_is_opened_and_kept_open():
    """An encrypted ID token must be opened, verified as any other, and the signed one inside be kept."""
    ours = provider(private_keys=private_keys(pem(rsa_key("ours"))), id_token_encryption="RSA-OAEP-256")
    inside = signed(claims(**COMPLETE))
    done, _ = run(token_answer(encrypted(inside)), key_set(), of_provider=ours)
    assert done.login.person.name == "Mia"
    assert done.tokens.id_token.reveal() == inside


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (signed(claims()), "id_token_not_encrypted"),
        (encrypted(signed(claims(), alg="none")), "id_token_alg_none"),
        (encrypted(signed(claims(), key=rsa_key("attacker"))), "id_token_signature"),
        (encrypted('{"sub":"person-1"}'), "id_token_not_compact"),
        (encrypted(signed(claims()), header={"alg": "RSA-OAEP"}), "id_token_encryption_alg"),
    ],
    ids=["plain", "unsigned inside", "foreign inside", "claims inside", "another encryption"],
)
def test_encryption_vouches_for_nothing(token, code):
    """Where encryption is registered a plain token must be refused, and what is inside must be signed."""
    ours = provider(private_keys=private_keys(pem(rsa_key("ours"))), id_token_encryption="RSA-OAEP-256")
    assert failure(token_answer(token), key_set(), of_provider=ours).code == code


def test_encrypted_userinfo_is_opened():
    """Encrypted userinfo must be opened and its signature verified; plain userinfo must then be refused."""
    ours = provider(private_keys=private_keys(pem(rsa_key("ours"))), userinfo_encryption="RSA-OAEP-256")
    genuine = signed({"iss": ISSUER, "aud": CLIENT_ID, "sub": "person-1", **COMPLETE})
    opened = answer(encrypted(genuine).encode(), content_type="application/jwt")
    done, _ = run(token_answer(), key_set(), opened, key_set(), of_provider=ours)
    assert done.login.person.name == "Mia"
    plain = answer(genuine.encode(), content_type="application/jwt")
    assert failure(token_answer(), key_set(), plain, key_set(), of_provider=ours).code == "userinfo_not_encrypted"
    unsigned = json_answer({"sub": "person-1"})
    assert failure(token_answer(), key_set(), unsigned, of_provider=ours).code == "userinfo_not_signed"


def test_claims_beside_the_tokens_give_way_to_signed_ones():
    """What comes beside the tokens, unsigned, must fill gaps about the person and say nothing of the sign-in."""
    beside = {"name": "Mallory", "email": "mia@example.org", "sub": "person-2", "acr": "high", "auth_time": NOW}
    done, asked = run(token_answer(signed(claims(name="Mia")), claims=beside), key_set())
    assert names(asked) == ["token", "keys"]
    assert (done.login.person.name, done.login.person.email) == ("Mia", "mia@example.org")
    assert (done.login.person.subject, done.login.acr, done.login.auth_time) == ("person-1", None, None)
    assert done.tokens.claims == {}


UNSIGNED = provider(identity_from_introspection=True, scopes=("pid", "name"), userinfo="never")
INTROSPECTED = {
    "of_provider": UNSIGNED,
    "of_metadata": metadata(introspection_endpoint=f"{ISSUER}/introspect"),
    "of_transaction": transaction(scopes=("pid", "name")),
}


def test_without_openid_the_introspected_subject_is_the_person():
    """By its deviation a provider without `openid` must name the person by introspection, with what it sent."""
    tokens = without_id_token(name="Mia", pid="1103700000001", sub="x", acr="high")
    done, asked = run(tokens, json_answer({"active": True, "sub": "person-1"}), **INTROSPECTED)
    assert names(asked) == ["token", "introspection"]
    assert (done.login.person.subject, done.login.person.name, done.login.acr) == ("person-1", "Mia", None)
    assert done.login.claims["iss"] == ISSUER


def without_id_token(**beside: object):
    return json_answer({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "claims": beside})


def test_without_openid_the_number_stands_in_for_the_subject():
    """Where introspection names no subject, the number that came with the tokens must."""
    done, _ = run(without_id_token(pid="1103700000001"), json_answer({"active": True}), **INTROSPECTED)
    assert done.login.person.subject == "1103700000001"


@pytest.mark.parametrize("beside", [{}, {"pid": ""}, {"pid": 1103700000001}])
def test_without_any_subject_nobody_signs_in(beside):
    """Where nobody says who it is, the sign-in must fail as set up wrongly."""
    error = failure(without_id_token(**beside), json_answer({"active": True}), **INTROSPECTED)
    assert (type(error), error.code) == (OperatorError, "identity_missing")


def test_inactive_token_signs_nobody_in():
    """A token that the provider calls inactive must end the sign-in, whatever came with it."""
    answers = (without_id_token(pid="1103700000001"), json_answer({"active": False, "sub": "person-1"}))
    error = failure(*answers, **INTROSPECTED)
    assert (type(error), error.code) == (TokenRejected, "introspection_inactive")


def test_deviation_counts_without_openid_only():
    """A provider with that deviation must still be held to its ID token where `openid` was asked for."""
    asked = {**INTROSPECTED, "of_transaction": transaction(scopes=("openid", "pid"))}
    assert failure(without_id_token(pid="1"), **asked).code == "token_id_token_missing"
    done, steps = run(token_answer(), key_set(), **asked)
    assert names(steps) == ["token", "keys"]
    assert done.login.person.subject == "person-1"


def drive(flow, *answers: object) -> tuple[object, list[object]]:
    """Drive a short flow; give its result and what it asked."""
    asked, waiting = [next(flow)], list(answers)
    while True:
        try:
            step = flow.send(waiting.pop(0))
        except StopIteration as end:
            return end.value, asked
        asked.append(step)


def test_pushing_takes_one_step():
    """A push must send one request and leave its two parameters."""
    known = metadata(pushed_authorization_request_endpoint=f"{ISSUER}/par")
    flow = push(provider=provider(), metadata=known, parameters={"state": "s"}, now=NOW)
    left, asked = drive(flow, json_answer({"request_uri": "urn:x", "expires_in": 60}, status=201))
    assert names(asked) == ["par"]
    assert left == {"client_id": CLIENT_ID, "request_uri": "urn:x"}


def test_introspecting_takes_one_step():
    """An introspection must send one request and give what the provider says."""
    known = metadata(introspection_endpoint=f"{ISSUER}/introspect")
    flow = introspect(provider=provider(), metadata=known, token=Secret(ACCESS_TOKEN), now=NOW)
    said, asked = drive(flow, json_answer({"active": False}))
    assert names(asked) == ["introspection"]
    assert said.active is False


# A logout token

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}
LOGOUT = {"aud": CLIENT_ID, "iss": ISSUER, "sub": "person-1", "iat": NOW, "exp": NOW + 120, "jti": "j"}


def logout_token(**header: object) -> str:
    return signed({**LOGOUT, "events": EVENTS}, header={"typ": "logout+jwt", **header})


def judged(token: str, *answers: object, of_provider=None):
    """Drive the judging of a logout token with these answers; give its result and what it asked."""
    flow = judge_logout(provider=of_provider or provider(), metadata=metadata(), token=Secret(token), now=NOW)
    asked: list[object] = []
    waiting = [None, *answers]
    try:
        while True:
            asked.append(flow.send(waiting.pop(0)))
    except StopIteration as end:
        assert not waiting
        return end.value, asked


def test_logout_token_takes_the_keys_alone():
    """A logout token must be judged by the keys that are held."""
    notice, asked = judged(logout_token(), key_set())
    assert (notice.subject, names(asked)) == ("person-1", ["keys"])


def test_logout_token_under_an_unknown_key_is_judged_again_by_newer_ones():
    """A key that is not held must be asked for once, and what then is still unknown be refused."""
    old, new = key_set(), key_set(public_jwk(rsa_key(), kid="k2"))
    notice, asked = judged(logout_token(kid="k2"), old, new)
    assert (notice.subject, asked) == ("person-1", [KeysWanted(), KeysWanted(unknown_to=old)])
    with pytest.raises(UnknownKey) as error:
        judged(logout_token(kid="k3"), old, new)
    assert error.value.code == "logout_token_unknown_key"


def test_logout_token_under_a_shared_secret_takes_no_keys():
    """Where ID tokens are signed with the client's secret, so must logout tokens be."""
    token = signed({**LOGOUT, "events": EVENTS}, alg="HS256")
    _, asked = judged(token, of_provider=provider(id_token_algs=frozenset({"HS256"})))
    assert asked == []


def test_logout_token_is_encrypted_as_id_tokens_are():
    """With encryption registered it must come encrypted, without keys of ours it must not (2.6, step 1)."""
    ours = private_keys(pem(rsa_key("ours")))
    registered = provider(private_keys=ours, id_token_encryption="RSA-OAEP-256")
    assert judged(encrypted(logout_token()), key_set(), of_provider=registered)[0].jti == "j"
    assert judged(encrypted(logout_token()), key_set(), of_provider=provider(private_keys=ours))[0].jti == "j"
    with pytest.raises(TokenRejected) as error:
        judged(logout_token(), key_set(), of_provider=registered)
    assert error.value.code == "logout_token_not_encrypted"
    with pytest.raises(TokenRejected) as error:
        judged(encrypted(logout_token()), key_set())
    assert error.value.code == "logout_token_encrypted"
