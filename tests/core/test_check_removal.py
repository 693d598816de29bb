"""Every lock has a key that proves it is a lock: without its check, a forged token or answer gets in.

The tables are compared with the code, so that a check that nobody wrote a forgery for fails here.
"""

import inspect
import json

import pytest
from tests.core.forge import (
    CLIENT_ID,
    ISSUER,
    NOW,
    STATE,
    answer,
    at_hash,
    callback,
    claims,
    compact,
    discovery_document,
    expectations,
    json_answer,
    key_set,
    metadata,
    provider,
    rsa_key,
    signed,
    transaction,
    unb64,
    verify,
)

from signon.core import callback as callback_module
from signon.core import flow, header, id_token, userinfo
from signon.core import metadata as metadata_module
from signon.core.callback import VerifiedCallback
from signon.core.claims import VerifiedClaims
from signon.core.errors import SignOnError
from signon.core.http import HttpResponse
from signon.core.metadata import Metadata, read_discovery
from signon.core.userinfo import read_userinfo

CLAIM_FORGERIES = {
    "check_kind": ({"events": {}}, {}, "id_token_events"),
    "check_issuer": ({"iss": "https://evil.example"}, {}, "id_token_iss"),
    "check_subject": ({"sub": ""}, {}, "id_token_sub_missing"),
    "check_audience": ({"aud": []}, {}, "id_token_aud"),
    "check_other_audiences": ({"aud": [CLIENT_ID, "client-2"]}, {}, "id_token_aud_extra"),
    "check_authorized_party": ({"azp": "client-2"}, {}, "id_token_azp"),
    "check_expiry": ({"exp": NOW - 61}, {}, "id_token_expired"),
    "check_issued_at": ({"iat": NOW + 61}, {}, "id_token_iat_future"),
    "check_age": ({"iat": NOW - 661}, {}, "id_token_iat_old"),
    "check_not_before": ({"nbf": NOW + 61}, {}, "id_token_nbf"),
    "check_nonce": ({"nonce": "of another sign-in"}, {}, "id_token_nonce_mismatch"),
    "check_acr": ({"acr": "low"}, {"acr_values": ("high",)}, "id_token_acr"),
    "check_auth_time": ({"auth_time": NOW - 500}, {"max_age_seconds": 100}, "id_token_auth_time_old"),
    "check_fresh": ({"auth_time": NOW - 500}, {"fresh": True}, "id_token_auth_time_not_fresh"),
    "check_auth_time_is_past": ({"auth_time": NOW + 61}, {}, "id_token_auth_time_future"),
    "check_demands": (
        {"sub": "person-2"},
        {"asked": {"claims": '{"id_token":{"sub":{"value":"person-1"}}}'}},
        "id_token_sub_asked",
    ),
    "check_at_hash": ({"at_hash": at_hash("another")}, {}, "id_token_at_hash"),
}


def test_each_check_of_the_claims_has_its_forgery():
    """Each member of CHECKS must have a forged token here, in the order in which they run."""
    assert [check.__name__ for check in id_token.CHECKS] == list(CLAIM_FORGERIES)


@pytest.mark.parametrize("check", id_token.CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_the_forged_token_gets_in(monkeypatch, check):
    """A token with one forged claim must be refused by that claim's check, and by nothing else."""
    changes, expected, code = CLAIM_FORGERIES[check.__name__]
    token = signed(claims(**changes))
    with pytest.raises(SignOnError) as error:
        verify(token, **expected)
    assert error.value.code == code
    monkeypatch.setattr(id_token, "CHECKS", tuple(other for other in id_token.CHECKS if other is not check))
    assert isinstance(verify(token, **expected), VerifiedClaims)


REFRESH_FORGERIES = {
    "check_same_subject": ({"sub": "person-2"}, "id_token_sub_changed"),
    "check_same_auth_time": ({"auth_time": NOW - 1}, "id_token_auth_time_changed"),
    "check_issued_later": ({"iat": NOW - 161}, "id_token_iat_before_sign_in"),
}


@pytest.mark.parametrize("check", id_token.REFRESH_CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_the_token_of_another_sign_in_gets_in(check):
    """A token of a refresh with one claim changed must be refused by that claim's check, and by nothing else."""
    original = claims(auth_time=NOW - 200, iat=NOW - 100)
    changes, code = REFRESH_FORGERIES[check.__name__]
    token = signed(claims(**{"auth_time": NOW - 200, **changes}))
    with pytest.raises(SignOnError) as error:
        verify(token, original=original, extra_checks=id_token.REFRESH_CHECKS)
    assert error.value.code == code
    others = tuple(other for other in id_token.REFRESH_CHECKS if other is not check)
    assert isinstance(verify(token, original=original, extra_checks=others), VerifiedClaims)


@pytest.mark.parametrize("check", id_token.REFRESH_CHECKS, ids=lambda check: check.__name__)
def test_without_a_sign_in_to_compare_nobody_is_the_same(check):
    """Judged without the sign-in's claims no subject may pass for the same; times have nothing to differ from."""
    try:
        check(claims(auth_time=NOW), expectations())
        refused = False
    except SignOnError:
        refused = True
    assert refused is (check is id_token.check_same_subject)


def nothing(*_args, **_kwargs):
    """A check that has been taken out."""


def unverified(token, **_expected):
    return unb64(token.reveal().split(".")[1])


@pytest.mark.parametrize(
    ("alg", "code"),
    [("PS256", "id_token_alg_mismatch"), ("none", "id_token_alg_none"), ("HS256", "id_token_alg_mismatch")],
)
def test_without_the_check_of_alg_a_token_that_lies_about_it_gets_in(monkeypatch, alg, code):
    """A token whose header names another algorithm than its signature's must be refused for that alone."""
    token = signed(claims(), header={"alg": alg}, key=rsa_key())
    with pytest.raises(SignOnError) as error:
        verify(token)
    assert error.value.code == code
    monkeypatch.setattr(id_token, "check_alg", nothing)
    assert isinstance(verify(token), VerifiedClaims)


@pytest.mark.parametrize("alg", ["PS256", "RS512", "none"])
def test_the_token_never_chooses_its_algorithm(monkeypatch, alg):
    """Without the check of `alg` a token of another algorithm must still fail: ours is what judges it."""
    monkeypatch.setattr(id_token, "check_alg", nothing)
    with pytest.raises(SignOnError) as error:
        verify(signed(claims(), alg=alg))
    assert error.value.code == "id_token_signature"


def test_without_the_check_of_typ_another_kind_of_token_gets_in(monkeypatch):
    """A logout token of the same issuer must be refused as an ID token by its `typ` and nothing else."""
    token = signed(claims(), header={"typ": "logout+jwt"})
    with pytest.raises(SignOnError) as error:
        verify(token)
    assert error.value.code == "id_token_typ"
    monkeypatch.setattr(id_token, "check_typ", nothing)
    assert isinstance(verify(token), VerifiedClaims)


@pytest.mark.parametrize("name", ["crit", "b64"])
def test_without_our_reading_of_the_header_its_faults_reach_the_engine(monkeypatch, name):
    """`b64` and `crit` must be refused by our own reading of the header: the engine lets these in."""
    members = {"b64": True} if name == "b64" else {"crit": ["b64"], "b64": True}
    token = signed(claims(), header=members)
    with pytest.raises(SignOnError) as error:
        verify(token)
    assert error.value.code == f"id_token_header_{name}"
    plain = header.Header(alg="RS256", kid="k1", typ=None)
    monkeypatch.setattr(id_token, "read_header", lambda _token, **_document: plain)
    assert isinstance(verify(token), VerifiedClaims)


@pytest.mark.parametrize(
    "token",
    [signed(claims(), key=rsa_key("attacker")), compact({"alg": "RS256", "kid": "k1"}, claims(), b"")],
    ids=["foreign key", "empty"],
)
def test_without_the_signature_step_the_forged_token_gets_in(monkeypatch, token):
    """A token that anybody could have written must be refused by its signature and nothing else."""
    with pytest.raises(SignOnError) as error:
        verify(token)
    assert error.value.code == "id_token_signature"
    monkeypatch.setattr(id_token, "verify_signature", unverified)
    assert isinstance(verify(token), VerifiedClaims)


GOOD = (("state", STATE), ("code", "the-code"))
ISS_PROMISED = {"of_metadata": metadata(authorization_response_iss_parameter_supported=True)}
CALLBACK_FORGERIES = [
    ("_check_state", (("state", "another"), ("code", "the-code")), {}, "state_mismatch"),
    ("_check_state", (("code", "the-code"),), {}, "state_mismatch"),
    ("_check_state", GOOD, {"of_transaction": transaction(provider="other")}, "state_other_provider"),
    ("_check_state", GOOD, {"of_transaction": transaction(client_id="client-2")}, "state_other_provider"),
    (
        "_check_state",
        GOOD,
        {"of_transaction": transaction(issuer="https://other.example")},
        "state_other_provider",
    ),
    ("_check_mode", GOOD, {"mode": "form_post"}, "callback_wrong_mode"),
    ("_check_issuer", (*GOOD, ("iss", "https://evil.example")), {}, "iss_mismatch"),
    ("_check_issuer", GOOD, ISS_PROMISED, "iss_missing"),
]


def checks_of(module) -> set[str]:
    """The names of a module's own check functions."""
    return {
        name
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith(("_check_", "check_")) and function.__module__ == module.__name__
    }


def test_each_check_of_the_other_readers_has_its_forgery():
    """Each check function of callback, userinfo and metadata must have a forged answer here."""
    assert checks_of(callback_module) == {name for name, *_ in CALLBACK_FORGERIES}
    assert checks_of(userinfo) == {name for name, *_ in USERINFO_FORGERIES}
    assert checks_of(metadata_module) == {"_check_issuer"}
    in_the_tuple = {check.__name__ for check in (*id_token.CHECKS, *id_token.REFRESH_CHECKS)}
    assert checks_of(id_token) - in_the_tuple == {"check_alg", "check_typ"}


@pytest.mark.parametrize(("check", "pairs", "context", "code"), CALLBACK_FORGERIES)
def test_without_its_check_the_forged_response_gets_in(monkeypatch, check, pairs, context, code):
    """A response with one fault must be refused by that fault's check, and by nothing else."""
    with pytest.raises(SignOnError) as error:
        callback(*pairs, **context)
    assert error.value.code == code
    monkeypatch.setattr(callback_module, check, nothing)
    assert isinstance(callback(*pairs, **context), VerifiedCallback)


@pytest.mark.parametrize("name", callback_module._UNREQUESTED)
def test_without_the_list_of_unrequested_parameters_they_get_in(monkeypatch, name):
    """A token in the front channel must be refused only because it is on the list."""
    with pytest.raises(SignOnError) as error:
        callback(*GOOD, (name, "injected"))
    assert error.value.code == f"callback_unrequested_{name}"
    monkeypatch.setattr(callback_module, "_UNREQUESTED", ())
    assert isinstance(callback(*GOOD, (name, "injected")), VerifiedCallback)


@pytest.mark.parametrize("pair", [("state", STATE), ("code", "another"), ("state", "another")])
def test_without_the_check_for_repeats_the_first_value_counts(monkeypatch, pair):
    """A repeated parameter must be refused only because it is repeated."""
    with pytest.raises(SignOnError) as error:
        callback(*GOOD, pair)
    assert error.value.code == f"{pair[0]}_repeated"
    monkeypatch.setattr(
        callback_module,
        "_known_values",
        lambda pairs: dict.fromkeys(callback_module.KNOWN) | dict(reversed(pairs)),
    )
    assert isinstance(callback(*GOOD, pair), VerifiedCallback)


def userinfo_jwt(**changes: object) -> HttpResponse:
    genuine = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "person-1", **changes}
    return answer(signed(genuine).encode(), content_type="application/jwt")


USERINFO_FORGERIES = [
    ("_check_subject", json_answer({"sub": "person-2"}), "userinfo_sub_mismatch"),
    ("_check_subject", json_answer({"name": "Mia"}), "userinfo_sub_missing"),
    ("_check_signed_claims", userinfo_jwt(iss="https://evil.example"), "userinfo_iss"),
    ("_check_signed_claims", userinfo_jwt(aud="client-2"), "userinfo_aud"),
]


def read(response: HttpResponse):
    return read_userinfo(response, provider=provider(), issuer=ISSUER, subject="person-1", keys=key_set(), now=NOW)


@pytest.mark.parametrize(("check", "response", "code"), USERINFO_FORGERIES)
def test_without_its_check_the_forged_userinfo_gets_in(monkeypatch, check, response, code):
    """Userinfo with one fault must be refused by that fault's check, and by nothing else."""
    with pytest.raises(SignOnError) as error:
        read(response)
    assert error.value.code == code
    monkeypatch.setattr(userinfo, check, nothing)
    assert isinstance(read(response), dict)


def test_without_the_signature_step_forged_userinfo_gets_in(monkeypatch):
    """Userinfo signed by anybody must be refused by its signature and nothing else."""
    genuine = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "person-1"}
    response = answer(signed(genuine, key=rsa_key("attacker")).encode(), content_type="application/jwt")
    with pytest.raises(SignOnError) as error:
        read(response)
    assert error.value.code == "userinfo_signature"
    monkeypatch.setattr(userinfo, "verify_signature", unverified)
    assert json.loads(json.dumps(read(response))) == genuine


def test_without_opening_a_plain_token_gets_in(monkeypatch):
    """Where encryption is registered a plain token must be refused only because it was not encrypted."""
    ours = provider(id_token_encryption="RSA-OAEP-256")
    plain = {
        "access_token": "t",
        "token_type": "Bearer",
        "id_token": signed(claims(name="Mia", email="a@b.example")),
    }

    def sign_in():
        steps = flow.complete_login(provider=ours, metadata=metadata(), callback=callback(), now=NOW)
        next(steps)
        steps.send(json_answer(plain))
        steps.send(key_set())

    with pytest.raises(SignOnError) as error:
        sign_in()
    assert error.value.code == "id_token_not_encrypted"
    monkeypatch.setattr(flow, "open_token", lambda token, **_registered: token)
    with pytest.raises(StopIteration) as end:
        sign_in()
    assert isinstance(end.value.value, flow.SignedIn)


def test_without_its_check_another_issuers_document_gets_in(monkeypatch):
    """A document of another issuer must be refused by the comparison of issuers and nothing else."""
    response = json_answer(discovery_document(issuer="https://evil.example"))
    with pytest.raises(SignOnError) as error:
        read_discovery(response, issuer=ISSUER)
    assert error.value.code == "metadata_issuer_mismatch"
    monkeypatch.setattr(metadata_module, "_check_issuer", lambda theirs, _issuer, **_spelling: theirs)
    assert isinstance(read_discovery(response, issuer=ISSUER), Metadata)
