import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    ABSENT,
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    NONCE,
    NOW,
    at_hash,
    b64,
    claims,
    compact,
    ec_key,
    ed_key,
    encrypted,
    key_for,
    key_set,
    outcome,
    public_jwk,
    rsa_key,
    signed,
    verify,
)

from signon.core.claims import VerifiedClaims
from signon.core.errors import MalformedAnswer, OperatorError, SignOnError, TokenRejected, UnknownKey
from signon.core.header import ALGS
from signon.core.id_token import CHECKS, left_half_hash
from signon.core.values import Secret

ASYMMETRIC = [alg for alg, rule in ALGS.items() if rule.kty != "oct"]
HMAC = [alg for alg, rule in ALGS.items() if rule.kty == "oct"]


def code_of(error: pytest.ExceptionInfo[SignOnError]) -> str:
    return error.value.code


def test_genuine_token_is_verified():
    """A genuine token must give its claims, issuer, subject and the very characters received."""
    token = signed(claims(name="Mia"))
    verified = verify(token)
    assert isinstance(verified, VerifiedClaims)
    assert (verified.issuer, verified.subject) == (ISSUER, "person-1")
    assert verified.claims["name"] == "Mia"
    assert verified.raw.reveal() == token


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_each_algorithm_verifies_with_its_own_key(alg):
    """Each registered algorithm must verify a token that another engine has signed with it."""
    keys = key_set(public_jwk(key_for(alg)))
    assert verify(signed(claims(), alg=alg), keys=keys, alg=alg).subject == "person-1"


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_each_algorithm_refuses_another_key_of_its_kind(alg):
    """A token signed with another key of the right kind must be refused by its signature."""
    token = signed(claims(), alg=alg, key=key_for(alg, "attacker"))
    with pytest.raises(TokenRejected) as error:
        verify(token, keys=key_set(public_jwk(key_for(alg))), alg=alg)
    assert code_of(error) == "id_token_signature"


@pytest.mark.parametrize("alg", HMAC)
def test_each_hmac_is_keyed_by_the_client_secret(alg):
    """An HMAC token must verify with the client secret's octets, without any published key."""
    token = signed(claims(), alg=alg)
    assert verify(token, client_secret=CLIENT_SECRET, alg=alg).subject == "person-1"
    with pytest.raises(TokenRejected) as error:
        verify(token, client_secret=CLIENT_SECRET + "x", alg=alg)
    assert code_of(error) == "id_token_signature"


@pytest.mark.parametrize("alg", HMAC)
@pytest.mark.parametrize("secret", [None, "", "short"])
def test_hmac_with_a_short_secret_is_the_operators_fault(alg, secret):
    """Without a secret of the hash's length an HMAC token must be refused, also one that the secret signed."""
    token = signed(claims(), alg=alg, key=(secret or "").encode())
    with pytest.raises(OperatorError) as error:
        verify(token, client_secret=secret, alg=alg)
    assert code_of(error) == "client_secret_short"


@pytest.mark.parametrize("alg", HMAC)
def test_hmac_secret_length_is_judged_in_octets_to_the_octet(alg):
    """A secret of exactly the hash's octets must do, one octet less must not; octets, not characters."""
    octets = ALGS[alg].minimum_bits // 8
    for secret in ("x" * octets, "é" * (octets // 2)):
        assert verify(signed(claims(), alg=alg, key=secret.encode()), client_secret=secret, alg=alg)
    with pytest.raises(OperatorError) as error:
        verify(signed(claims(), alg=alg), client_secret="x" * (octets - 1), alg=alg)
    assert code_of(error) == "client_secret_short"


FOREIGN = {"jwk": public_jwk(rsa_key("attacker"), kid="evil")}
PUBLIC_KEY_AS_SECRET = json.dumps(public_jwk(rsa_key())).encode()

HEADER_FAULTS = {
    "encrypted": (lambda: encrypted(signed(claims())), "id_token_encrypted"),
    "encrypted around an unsigned token": (
        lambda: encrypted(compact({"alg": "none"}, claims(), b"")),
        "id_token_encrypted",
    ),
    "encrypted around bare claims": (lambda: encrypted(json.dumps(claims())), "id_token_encrypted"),
    "alg none, unsigned": (lambda: signed(claims(), alg="none"), "id_token_alg_none"),
    "alg none, signed": (lambda: signed(claims(), header={"alg": "none"}), "id_token_alg_none"),
    "alg None": (lambda: compact({"alg": "None", "kid": "k1"}, claims(), b""), "id_token_alg_none"),
    "alg nOnE": (lambda: compact({"alg": "nOnE", "kid": "k1"}, claims(), b""), "id_token_alg_none"),
    "alg NONE": (lambda: compact({"alg": "NONE", "kid": "k1"}, claims(), b""), "id_token_alg_none"),
    "alg missing": (lambda: signed(claims(), header={"alg": ABSENT}), "id_token_alg_missing"),
    "alg null": (lambda: signed(claims(), header={"alg": None}), "id_token_alg_missing"),
    "alg a number": (lambda: signed(claims(), header={"alg": 256}), "id_token_alg_missing"),
    "alg empty": (lambda: signed(claims(), header={"alg": ""}), "id_token_alg_mismatch"),
    "alg in small letters": (lambda: signed(claims(), header={"alg": "rs256"}), "id_token_alg_mismatch"),
    "alg unknown": (lambda: signed(claims(), header={"alg": "ES256K"}), "id_token_alg_mismatch"),
    "other alg of the same key": (lambda: signed(claims(), alg="PS256"), "id_token_alg_mismatch"),
    "longer hash of the same key": (lambda: signed(claims(), alg="RS512"), "id_token_alg_mismatch"),
    "HMAC with the public key": (
        lambda: signed(claims(), alg="HS256", key=PUBLIC_KEY_AS_SECRET),
        "id_token_alg_mismatch",
    ),
    "HMAC with an empty key": (lambda: signed(claims(), alg="HS256", key=b""), "id_token_alg_mismatch"),
    "signature of another token": (
        lambda: f"{signed(claims(sub='person-2')).rpartition('.')[0]}.{signed(claims()).rpartition('.')[2]}",
        "id_token_signature",
    ),
    "signature cut": (lambda: signed(claims())[:-6], "id_token_signature"),
    "signature empty": (lambda: signed(claims()).rpartition(".")[0] + ".", "id_token_signature"),
    "signed by a key in jwk": (
        lambda: signed(claims(), key=rsa_key("attacker"), header=FOREIGN),
        "id_token_signature",
    ),
    "signed by a key at jku": (
        lambda: signed(claims(), key=rsa_key("attacker"), header={"jku": "https://evil.example/jwks"}),
        "id_token_signature",
    ),
    "signed by a key in x5c": (
        lambda: signed(claims(), key=rsa_key("attacker"), header={"x5c": ["MIIB"]}),
        "id_token_signature",
    ),
    "signed by a key at x5u": (
        lambda: signed(claims(), key=rsa_key("attacker"), header={"x5u": "https://evil.example/cert"}),
        "id_token_signature",
    ),
    "kid unknown": (lambda: signed(claims(), header={"kid": "k2"}), "id_token_unknown_key"),
    "kid empty": (lambda: signed(claims(), header={"kid": ""}), "id_token_unknown_key"),
    "kid that looks like a path": (
        lambda: signed(claims(), header={"kid": "../../../dev/null"}),
        "id_token_unknown_key",
    ),
    "kid null": (lambda: signed(claims(), header={"kid": None}), "id_token_kid_invalid"),
    "typ null": (lambda: signed(claims(), header={"typ": None}), "id_token_typ_invalid"),
    "kid a number": (lambda: signed(claims(), header={"kid": 1}), "id_token_kid_invalid"),
    "crit": (lambda: signed(claims(), header={"crit": ["exp"], "exp": 1}), "id_token_header_crit"),
    "crit empty": (lambda: signed(claims(), header={"crit": []}), "id_token_header_crit"),
    "crit null": (lambda: signed(claims(), header={"crit": None}), "id_token_header_crit"),
    "crit with b64": (lambda: signed(claims(), header={"crit": ["b64"], "b64": False}), "id_token_header_crit"),
    "b64": (lambda: signed(claims(), header={"b64": True}), "id_token_header_b64"),
    "typ of an access token": (lambda: signed(claims(), header={"typ": "at+jwt"}), "id_token_typ"),
    "typ of a logout token": (lambda: signed(claims(), header={"typ": "logout+jwt"}), "id_token_typ"),
    "typ of a proof": (lambda: signed(claims(), header={"typ": "dpop+jwt"}), "id_token_typ"),
    "typ empty": (lambda: signed(claims(), header={"typ": ""}), "id_token_typ"),
    "typ a list": (lambda: signed(claims(), header={"typ": ["JWT"]}), "id_token_typ_invalid"),
}


@pytest.mark.parametrize(("make", "code"), HEADER_FAULTS.values(), ids=HEADER_FAULTS)
def test_each_fault_of_header_and_signature_has_its_code(make, code):
    """A token with one fault in its form, header or signature must be refused with that fault's code."""
    with pytest.raises(TokenRejected) as error:
        verify(make())
    assert code_of(error) == code
    assert isinstance(error.value, UnknownKey) == (code == "id_token_unknown_key")


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "Application/JWT", ABSENT])
def test_typ_of_a_jwt_is_accepted(typ):
    """`typ` must be accepted in each spelling of JWT, and may be absent."""
    assert verify(signed(claims(), header={"typ": typ})).subject == "person-1"


CLAIM_FAULTS = {
    "iss absent": ({"iss": ABSENT}, "id_token_iss_missing"),
    "iss null": ({"iss": None}, "id_token_iss_missing"),
    "iss with a slash": ({"iss": ISSUER + "/"}, "id_token_iss"),
    "iss in capitals": ({"iss": "https://OP.example"}, "id_token_iss"),
    "iss shorter": ({"iss": ISSUER[:-1]}, "id_token_iss"),
    "iss longer": ({"iss": ISSUER + ".evil.example"}, "id_token_iss"),
    "iss another realm": ({"iss": ISSUER + "/realms/2"}, "id_token_iss"),
    "iss in a list": ({"iss": [ISSUER]}, "id_token_iss"),
    "iss a number": ({"iss": 1}, "id_token_iss"),
    "sub absent": ({"sub": ABSENT}, "id_token_sub_missing"),
    "sub null": ({"sub": None}, "id_token_sub_missing"),
    "sub empty": ({"sub": ""}, "id_token_sub_missing"),
    "sub a number": ({"sub": 12345}, "id_token_sub_invalid"),
    "sub a list": ({"sub": ["person-1"]}, "id_token_sub_invalid"),
    "sub of 256": ({"sub": "x" * 256}, "id_token_sub_invalid"),
    "sub not ASCII": ({"sub": "สมหญิง"}, "id_token_sub_invalid"),
    "aud absent": ({"aud": ABSENT}, "id_token_aud_missing"),
    "aud null": ({"aud": None}, "id_token_aud_missing"),
    "aud another client": ({"aud": "client-2"}, "id_token_aud"),
    "aud shorter": ({"aud": CLIENT_ID[:-1]}, "id_token_aud"),
    "aud longer": ({"aud": CLIENT_ID + "0"}, "id_token_aud"),
    "aud in capitals": ({"aud": CLIENT_ID.upper()}, "id_token_aud"),
    "aud empty": ({"aud": ""}, "id_token_aud"),
    "aud an empty list": ({"aud": []}, "id_token_aud"),
    "aud a list of nothing": ({"aud": [""]}, "id_token_aud"),
    "aud a number": ({"aud": 0}, "id_token_aud_invalid"),
    "aud an object": ({"aud": {CLIENT_ID: True}}, "id_token_aud_invalid"),
    "aud a list in a list": ({"aud": [[CLIENT_ID]]}, "id_token_aud_invalid"),
    "aud with a stranger": ({"aud": [CLIENT_ID, "client-2"]}, "id_token_aud_extra"),
    "aud with a stranger, azp us": ({"aud": ["client-2", CLIENT_ID], "azp": CLIENT_ID}, "id_token_aud_extra"),
    "azp another client": ({"azp": "client-2"}, "id_token_azp"),
    "azp null": ({"azp": None}, "id_token_azp"),
    "azp in a list": ({"azp": [CLIENT_ID]}, "id_token_azp"),
    "exp absent": ({"exp": ABSENT}, "id_token_exp_missing"),
    "exp null": ({"exp": None}, "id_token_exp_missing"),
    "exp text": ({"exp": str(NOW + 300)}, "id_token_exp_invalid"),
    "exp true": ({"exp": True}, "id_token_exp_invalid"),
    "exp in a list": ({"exp": [NOW + 300]}, "id_token_exp_invalid"),
    "exp long ago": ({"exp": 0}, "id_token_expired"),
    "iat absent": ({"iat": ABSENT}, "id_token_iat_missing"),
    "iat null": ({"iat": None}, "id_token_iat_missing"),
    "iat text": ({"iat": str(NOW)}, "id_token_iat_invalid"),
    "iat false": ({"iat": False}, "id_token_iat_invalid"),
    "iat in an hour": ({"iat": NOW + 3600, "exp": NOW + 7200}, "id_token_iat_future"),
    "iat an hour ago": ({"iat": NOW - 3600}, "id_token_iat_old"),
    "nbf in an hour": ({"nbf": NOW + 3600}, "id_token_nbf"),
    "nbf text": ({"nbf": "soon"}, "id_token_nbf_invalid"),
    "nbf null": ({"nbf": None}, "id_token_nbf_missing"),
    "nonce absent": ({"nonce": ABSENT}, "id_token_nonce_missing"),
    "nonce null": ({"nonce": None}, "id_token_nonce_missing"),
    "nonce of another sign-in": ({"nonce": "another"}, "id_token_nonce_mismatch"),
    "nonce empty": ({"nonce": ""}, "id_token_nonce_mismatch"),
    "nonce a number": ({"nonce": 1}, "id_token_nonce_mismatch"),
    "at_hash of another token": ({"at_hash": at_hash("another")}, "id_token_at_hash"),
    "at_hash of another hash": ({"at_hash": at_hash(name="sha512")}, "id_token_at_hash"),
    "at_hash whole": ({"at_hash": at_hash() + "AAAA"}, "id_token_at_hash"),
    "at_hash empty": ({"at_hash": ""}, "id_token_at_hash"),
    "at_hash null": ({"at_hash": None}, "id_token_at_hash"),
    "at_hash a number": ({"at_hash": 1}, "id_token_at_hash"),
}


@pytest.mark.parametrize(("changes", "code"), CLAIM_FAULTS.values(), ids=CLAIM_FAULTS)
def test_each_fault_of_the_claims_has_its_code(changes, code):
    """A token that differs from a genuine one in one claim must be refused with that claim's code."""
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims(**changes)))
    assert code_of(error) == code


ASKED_FAULTS = {
    "nonce though none was sent": ({}, {"nonce": None}, "id_token_nonce_mismatch"),
    "acr absent": ({}, {"acr_values": ("high",)}, "id_token_acr"),
    "acr another": ({"acr": "low"}, {"acr_values": ("high", "higher")}, "id_token_acr"),
    "acr in a list": ({"acr": ["high"]}, {"acr_values": ("high",)}, "id_token_acr"),
    "auth_time absent": ({}, {"max_age_seconds": 100}, "id_token_auth_time_missing"),
    "auth_time text": ({"auth_time": "now"}, {"max_age_seconds": 100}, "id_token_auth_time_invalid"),
    "auth_time old": ({"auth_time": NOW - 500}, {"max_age_seconds": 100}, "id_token_auth_time_old"),
    "auth_time absent for max_age=0": (
        {},
        {"max_age_seconds": 0, "fresh": True},
        "id_token_auth_time_missing",
    ),
    "auth_time before the request": ({"auth_time": NOW - 500}, {"fresh": True}, "id_token_auth_time_not_fresh"),
    "auth_time true": ({"auth_time": True}, {"fresh": True}, "id_token_auth_time_invalid"),
    "another acr than was essential": (
        {"acr": "low"},
        {"asked": {"claims": '{"id_token":{"acr":{"essential":true,"values":["high"]}}}'}},
        "id_token_acr_asked",
    ),
    "at_hash without an access token": ({"at_hash": at_hash()}, {"access_token": None}, "id_token_at_hash"),
}


@pytest.mark.parametrize(("changes", "expected", "code"), ASKED_FAULTS.values(), ids=ASKED_FAULTS)
def test_each_fault_against_what_was_asked_has_its_code(changes, expected, code):
    """A token that does not answer what this sign-in asked for must be refused with the code of that."""
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims(**changes)), **expected)
    assert code_of(error) == code


ACCEPTED = {
    "aud a list of us": ({"aud": [CLIENT_ID]}, {}),
    "azp us": ({"azp": CLIENT_ID}, {}),
    "fractions of seconds": ({"exp": NOW + 0.5, "iat": NOW - 0.25, "nbf": NOW - 0.125}, {}),
    "no nonce where none was sent": ({"nonce": ABSENT}, {"nonce": None}),
    "acr one of those asked": ({"acr": "higher"}, {"acr_values": ("high", "higher")}),
    "acr where none was asked": ({"acr": "low"}, {}),
    "auth_time where none was asked": ({"auth_time": 1}, {}),
    "auth_time that says nothing where none was asked": ({"auth_time": None}, {}),
    "a new sign-in without auth_time": ({}, {"fresh": True}),
    "at_hash": ({"at_hash": at_hash()}, {}),
    "sub of 255": ({"sub": "x" * 255}, {}),
    "unknown claims": ({"https://op.example/roles": ["a"], "name#th": "สมหญิง"}, {}),
}


@pytest.mark.parametrize(("changes", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_right_is_accepted(changes, expected):
    """What the standard allows, and what was not asked about, must be no fault."""
    assert isinstance(verify(signed(claims(**changes)), **expected), VerifiedClaims)


def test_deviation_takes_a_missing_nonce_and_no_other():
    """By its deviation a nonce may be missing; one that comes must still be the one sent."""
    lenient = {"nonce_may_be_missing": True}
    for nonce in (ABSENT, None, NONCE):
        assert verify(signed(claims(nonce=nonce)), **lenient).subject == "person-1"
    for changed in ("another", "", 1):
        with pytest.raises(TokenRejected) as error:
            verify(signed(claims(nonce=changed)), **lenient)
        assert code_of(error) == "id_token_nonce_mismatch"


BOUNDARIES = {
    # name: (claim at a time, what was asked, first value accepted, first value refused, code)
    "exp": ("exp", {}, NOW - 59.999, NOW - 60, "id_token_expired"),
    "iat in the future": ("iat", {}, NOW + 60, NOW + 60.001, "id_token_iat_future"),
    "iat too old": ("iat", {}, NOW - 660, NOW - 660.001, "id_token_iat_old"),
    "nbf": ("nbf", {}, NOW + 60, NOW + 60.001, "id_token_nbf"),
    "auth_time in the future": ("auth_time", {}, NOW + 60, NOW + 60.001, "id_token_auth_time_future"),
    "max_age": ("auth_time", {"max_age_seconds": 100}, NOW - 160, NOW - 160.001, "id_token_auth_time_old"),
    "max_age=0": ("auth_time", {"max_age_seconds": 0}, NOW - 60, NOW - 60.001, "id_token_auth_time_old"),
    "fresh": ("auth_time", {"fresh": True}, NOW - 90, NOW - 90.001, "id_token_auth_time_not_fresh"),
}


@pytest.mark.parametrize(("name", "asked", "good", "bad", "code"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_times_are_judged_to_the_millisecond(name, asked, good, bad, code):
    """On one side of each boundary a token must be accepted, a millisecond beyond it refused."""
    assert verify(signed(claims(**{name: good})), **asked).subject == "person-1"
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims(**{name: bad})), **asked)
    assert code_of(error) == code


@pytest.mark.parametrize("leeway", [0.0, 5.0])
def test_leeway_is_what_was_expected(leeway):
    """The leeway must be the one of the expectations and nothing more."""
    assert verify(signed(claims(exp=NOW - leeway + 0.001)), leeway_seconds=leeway)
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims(exp=NOW - leeway)), leeway_seconds=leeway)
    assert code_of(error) == "id_token_expired"


PAYLOADS = {
    "not UTF-8": (b"\xff{}", "id_token_not_utf8"),
    "not JSON": (b"{", "id_token_not_json"),
    "empty": (b"", "id_token_not_json"),
    "a list": (b"[]", "id_token_not_object"),
    "text": (b'"claims"', "id_token_not_object"),
    "a claim twice": (b'{"sub":"a","sub":"b"}', "id_token_duplicate_member"),
    "NaN": (b'{"exp":NaN}', "id_token_bad_number"),
    "Infinity": (b'{"exp":Infinity}', "id_token_bad_number"),
    "1e400": (b'{"exp":1e400}', "id_token_bad_number"),
    "5,000 digits": (b'{"exp":' + b"9" * 5000 + b"}", "id_token_bad_number"),
    "too deep": (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "id_token_too_deep"),
    "far too deep": (b'{"a":' + b"[" * 40000 + b"]" * 40000 + b"}", "id_token_too_deep"),
    "half a character": (b'{"sub":"\\ud800"}', "id_token_lone_surrogate"),
}


@pytest.mark.parametrize(("payload", "code"), PAYLOADS.values(), ids=PAYLOADS)
def test_signed_payload_that_cannot_be_read_has_its_code(payload, code):
    """A payload that is signed and can't be read must be a malformed answer with the fault's code."""
    with pytest.raises(MalformedAnswer) as error:
        verify(signed(payload))
    assert code_of(error) == code


def test_signature_is_judged_before_the_claims():
    """An expired token with a bad signature must fail by its signature: nothing of it is read before."""
    with pytest.raises(TokenRejected) as error:
        verify(signed(b"not even JSON", key=rsa_key("attacker")))
    assert code_of(error) == "id_token_signature"


def test_key_of_another_kind_under_the_same_kid_is_skipped():
    """Keys of several kinds under one kid must be told apart by kty (OIDC Core 10.1)."""
    keys = key_set(public_jwk(ec_key()), public_jwk(ed_key()), public_jwk(rsa_key()))
    assert verify(signed(claims()), keys=keys).subject == "person-1"


def test_named_key_of_another_kind_is_a_mismatch():
    """A kid that names a key of another kind must be refused, and not sent for newer keys."""
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims()), keys=key_set(public_jwk(ec_key())))
    assert code_of(error) == "id_token_key_mismatch"
    assert not isinstance(error.value, UnknownKey)


def test_token_without_kid_that_no_key_fits_may_be_newer_than_the_set():
    """A token without kid that no held key has signed must ask for newer keys, one with a kid must not."""
    old = key_set(public_jwk(rsa_key("attacker"), kid="old"))
    with pytest.raises(UnknownKey) as error:
        verify(signed(claims(), header={"kid": ABSENT}), keys=old)
    assert error.value.code == "id_token_signature"
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims(), header={"kid": "old"}), keys=old)
    assert (type(error.value), error.value.code) == (TokenRejected, "id_token_signature")


def test_token_without_kid_under_a_shared_secret_asks_for_no_keys():
    """What the client secret has not signed must be refused for good: no published key could help."""
    with pytest.raises(TokenRejected) as error:
        verify(
            signed(claims(), alg="HS256", header={"kid": ABSENT}), alg="HS256", client_secret=CLIENT_SECRET[::-1]
        )
    assert (type(error.value), error.value.code) == (TokenRejected, "id_token_signature")


def test_token_without_kid_tries_each_fitting_key():
    """Without a kid each key that fits must be tried, the right one last as well as first."""
    others = [public_jwk(rsa_key(name), kid=name) for name in ("attacker", "ours")]
    ours = public_jwk(rsa_key(), kid="k1")
    for keys in (key_set(*others, ours), key_set(ours, *others)):
        assert verify(signed(claims(), header={"kid": ABSENT}), keys=keys).subject == "person-1"
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims(), header={"kid": ABSENT}), keys=key_set(*others))
    assert code_of(error) == "id_token_signature"


def test_weak_key_is_no_key():
    """A token signed by a published RSA key of 1,024 bits must be refused, with the reason."""
    keys = key_set(public_jwk(rsa_key()), public_jwk(rsa_key("weak", 1024), kid="weak"))
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims(), key=rsa_key("weak", 1024), header={"kid": "weak"}), keys=keys)
    assert (type(error.value), code_of(error)) == (TokenRejected, "id_token_key_weak")


@pytest.mark.parametrize("octets", [bytes(64), b"\xff" * 64, bytes(63) + b"\x01", bytes(32), bytes(65), b""])
def test_degenerate_ecdsa_signature_is_refused(octets):
    """An r and s of zero, beyond the order, or of a wrong length must never verify (RFC 7518 3.4)."""
    keys = key_set(public_jwk(ec_key()))
    header = {"alg": "ES256", "kid": "k1"}
    with pytest.raises(TokenRejected) as error:
        verify(compact(header, claims(), octets), keys=keys, alg="ES256")
    assert code_of(error) == "id_token_signature"


def test_ecdsa_signature_in_der_is_refused():
    """A signature in DER must be refused: JWS has one form (RFC 7518 3.4)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    data = compact({"alg": "ES256", "kid": "k1"}, claims(), b"").rpartition(".")[0]
    der = ec_key().sign(data.encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(TokenRejected) as error:
        verify(f"{data}.{b64(der)}", keys=key_set(public_jwk(ec_key())), alg="ES256")
    assert code_of(error) == "id_token_signature"


def test_extra_checks_come_on_top():
    """A provider's own check must run after all of ours, on the verified claims, and its refusal must count."""
    seen = []

    def refuse(read, expected):
        seen.append((read["sub"], expected.client_id))
        raise TokenRejected("id_token_env", "wrong environment")

    with pytest.raises(TokenRejected) as error:
        verify(signed(claims()), extra_checks=(refuse,))
    assert code_of(error) == "id_token_env"
    assert seen == [("person-1", CLIENT_ID)]
    with pytest.raises(TokenRejected) as error:
        verify(signed(claims(exp=0)), extra_checks=(refuse,))
    assert code_of(error) == "id_token_expired"


@pytest.mark.parametrize(("alg", "octets"), [(alg, int(rule.hash[3:]) // 16) for alg, rule in ALGS.items()])
def test_left_half_hash_follows_the_algorithm(alg, octets):
    """The hash must be the algorithm's, its left half, for every algorithm of the table (OIDC Core 3.1.3.6)."""
    assert left_half_hash(Secret(ACCESS_TOKEN), alg) == at_hash(name=ALGS[alg].hash)
    assert len(at_hash(name=ALGS[alg].hash)) == -(-octets * 8 // 6)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
CLAIMS = ["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "acr", "auth_time", "at_hash"]


@given(
    st.binary()
    | st.dictionaries(st.sampled_from(CLAIMS), VALUES | st.just({})).map(lambda changes: claims(**changes))
)
def test_any_signed_payload_gives_verified_claims_or_our_error(payload):
    """Whatever an issuer signs, it must be verified claims of ours or an error of ours."""
    token = signed(payload, alg="HS256")
    asked = {"max_age_seconds": 100, "fresh": True, "acr_values": ("high",)}
    result = outcome(lambda: verify(token, client_secret=CLIENT_SECRET, alg="HS256", **asked))
    assert isinstance(result, VerifiedClaims | MalformedAnswer | TokenRejected)


def test_each_check_says_its_sentence_and_section():
    """Each check must state its rule in one sentence with a section of the standard."""
    for check in CHECKS:
        assert check.__doc__
        assert "(OIDC Core" in check.__doc__ or "(RFC" in check.__doc__, check.__name__
