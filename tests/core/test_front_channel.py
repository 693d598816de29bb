"""Tokens that come by the browser. Each check is taken out in turn, and its forgery then gets in."""

import pytest
from tests.core.forge import (
    ABSENT,
    ACCESS_TOKEN,
    NONCE,
    NOW,
    STATE,
    at_hash,
    callback,
    claims,
    json_answer,
    key_set,
    metadata,
    outcome,
    provider,
    rsa_key,
    signed,
    transaction,
)

from signon.core import callback as callback_module
from signon.core import front_channel, id_token
from signon.core.callback import FrontChannelAnswer, VerifiedCallback, redeemable
from signon.core.errors import MalformedAnswer, ProviderError, SignOnError, SuspectError, TokenRejected
from signon.core.flow import KeysWanted, SignedIn
from signon.core.front_channel import FRONT_CHECKS, HYBRID_CHECKS, complete_front_channel
from signon.core.http import HttpRequest
from signon.core.tokens import read_front_tokens
from signon.core.values import Secret

CODE = "the-code"
ABOUT = {"name": "Mia", "email": "mia@people.example"}


def front_token(**changes: object) -> str:
    return signed(claims(**{**ABOUT, **changes}))


def implicit(**changes: object) -> dict[str, str]:
    """A genuine answer of the implicit flow, with changes."""
    genuine = {
        "state": STATE,
        "id_token": front_token(at_hash=at_hash()),
        "access_token": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": "300",
        "scope": "openid profile email",
    }
    return {name: value for name, value in {**genuine, **changes}.items() if value is not ABSENT}


def hybrid(**changes: object) -> dict[str, str]:
    """A genuine answer of the hybrid flow, with changes."""
    genuine = {"state": STATE, "code": CODE, "id_token": front_token(c_hash=at_hash(CODE))}
    return {name: value for name, value in {**genuine, **changes}.items() if value is not ABSENT}


def read(parameters: dict[str, str], kind: str, **changes: object):
    asked = transaction(response_type=kind, response_mode="fragment", **changes)
    return callback(*parameters.items(), mode="fragment", of_transaction=asked)


def sign_in(parameters, kind, *, second=None, userinfo=None, of_provider=None, **asked) -> SignedIn:
    """A whole sign-in. `second` are the claims of the token endpoint's ID token."""
    steps = complete_front_channel(
        provider=of_provider or provider(), metadata=metadata(), answer=read(parameters, kind, **asked), now=NOW
    )
    back = {
        "access_token": "the-second-token",
        "token_type": "Bearer",
        "id_token": signed(second or claims(**ABOUT)),
    }
    answers = {"token": json_answer(back), "userinfo": json_answer(userinfo)}
    step = next(steps)
    try:
        while True:
            step = steps.send(key_set() if isinstance(step, KeysWanted) else answers[step.document])
    except StopIteration as end:
        return end.value


def documents(parameters, kind, **asked) -> list[str]:
    """What is asked of the provider until an answer is refused."""
    steps = complete_front_channel(
        provider=provider(), metadata=metadata(), answer=read(parameters, kind, **asked), now=NOW
    )
    asked = []

    def run():
        step = next(steps)
        while True:
            asked.extend([step.document] if isinstance(step, HttpRequest) else [])
            step = steps.send(key_set())

    assert isinstance(outcome(run), SignOnError)
    return asked


# Genuine ones


@pytest.mark.parametrize("kind", ["id_token token", "token id_token"])
def test_implicit(kind):
    """An access token and an ID token that holds its hash sign in, without a question to the provider."""
    signed_in = sign_in(implicit(), kind)
    assert (signed_in.login.person.subject, signed_in.login.person.name) == ("person-1", "Mia")
    assert signed_in.tokens.access_token == Secret(ACCESS_TOKEN)
    assert signed_in.tokens.id_token == Secret(implicit()["id_token"])
    assert (signed_in.tokens.expires_at, signed_in.tokens.refresh_token) == (NOW + 300, None)
    assert signed_in.login.scope == ("openid", "profile", "email")


@pytest.mark.parametrize("kind", ["code id_token token", "token id_token code"])
def test_hybrid_with_an_access_token_beside_the_code(kind):
    """Both hashes must be there and right, and the token endpoint's access token counts (OIDC Core 3.3.3.8)."""
    both = {"c_hash": at_hash(CODE), "at_hash": at_hash()}
    parameters = implicit(code=CODE, id_token=front_token(**both))
    assert sign_in(parameters, kind).tokens.access_token == Secret("the-second-token")
    for name in both:
        lacking = {**parameters, "id_token": front_token(**{**both, name: ABSENT})}
        assert outcome(lambda lacking=lacking: sign_in(lacking, kind)).code == f"id_token_{name}_missing"
        wrong = {**parameters, "id_token": front_token(**{**both, name: at_hash("another")})}
        assert outcome(lambda wrong=wrong: sign_in(wrong, kind)).code == f"id_token_{name}"
        assert documents(wrong, kind) == []


def test_id_token_alone():
    """An ID token alone signs in, and leaves no tokens to use."""
    parameters = {"state": STATE, "id_token": front_token()}
    signed_in = sign_in(parameters, "id_token")
    assert (signed_in.login.person.email, signed_in.tokens) == ("mia@people.example", None)


def test_hybrid():
    """The code is redeemed, and its tokens are the ones that count."""
    signed_in = sign_in(hybrid(), "code id_token")
    assert signed_in.login.person.name == "Mia"
    assert signed_in.tokens.access_token == Secret("the-second-token")


def test_userinfo_is_asked_with_the_access_token():
    """What the ID token lacks is asked for, and must be about the same person; a signed claim stays."""
    parameters = implicit(id_token=signed(claims(name="Mia", at_hash=at_hash())))
    signed_in = sign_in(
        parameters, "id_token token", userinfo={"sub": "person-1", "name": "X", "email": "m@a.example"}
    )
    assert (signed_in.login.person.name, signed_in.login.person.email) == ("Mia", "m@a.example")
    refused = outcome(lambda: sign_in(parameters, "id_token token", userinfo={"sub": "person-2"}))
    assert refused.code == "userinfo_sub_mismatch"


def test_another_address_lends_none_of_its_verification():
    """Userinfo that has another address verified must not make the ID token's a verified one."""
    parameters = implicit(id_token=signed(claims(email="victim@example.org", at_hash=at_hash())))
    more = {"sub": "person-1", "name": "Mia", "email": "mia@example.org", "email_verified": True}
    person = sign_in(parameters, "id_token token", userinfo=more).login.person
    assert (person.name, person.email, person.email_verified) == ("Mia", "victim@example.org", False)


def test_no_more_scope_than_was_asked_for():
    """The scope isn't signed: what nobody asked for isn't believed."""
    signed_in = sign_in(implicit(scope="openid admin"), "id_token token")
    assert (signed_in.tokens.scope, signed_in.login.scope) == (("openid",), ("openid",))
    assert sign_in(implicit(scope=ABSENT), "id_token token").tokens.scope == ("openid", "profile", "email")


# The parameters

PARAMETERS = {
    "no ID token": (implicit(id_token=ABSENT), "id_token token", ProviderError, "id_token_missing"),
    "empty ID token": (implicit(id_token=""), "id_token token", ProviderError, "id_token_missing"),
    "nothing signed": (implicit(id_token=ABSENT), "token", ProviderError, "id_token_missing"),
    "nothing signed beside a code": (
        implicit(id_token=ABSENT, code=CODE),
        "code token",
        ProviderError,
        "id_token_missing",
    ),
    "no access token": (implicit(access_token=ABSENT), "id_token token", ProviderError, "access_token_missing"),
    "no code": (hybrid(code=ABSENT), "code id_token", ProviderError, "code_missing"),
    "code with a line end": (hybrid(code="a\nb"), "code id_token", ProviderError, "code_invalid"),
    "token not ASCII": (implicit(access_token="é"), "id_token token", ProviderError, "access_token_invalid"),
    "ID token not ASCII": (implicit(id_token="é"), "id_token token", ProviderError, "id_token_invalid"),
    "a code beside": (implicit(code=CODE), "id_token token", SuspectError, "callback_unrequested_code"),
    "a token beside": (
        hybrid(access_token="t"),
        "code id_token",
        SuspectError,
        "callback_unrequested_access_token",
    ),
    "a token beside it": (implicit(), "id_token", SuspectError, "callback_unrequested_access_token"),
    "an empty token": (
        hybrid(access_token=""),
        "code id_token",
        SuspectError,
        "callback_unrequested_access_token",
    ),
    "a JWT response": (
        implicit(response="a.b.c"),
        "id_token token",
        SuspectError,
        "callback_unrequested_response",
    ),
    "code and error": (hybrid(error="access_denied"), "code id_token", ProviderError, "code_and_error"),
    "error": (implicit(error="access_denied"), "id_token token", ProviderError, "access_denied"),
    "another state": (implicit(state="another"), "id_token token", SuspectError, "state_mismatch"),
    "another iss": (implicit(iss="https://evil.example"), "id_token token", SuspectError, "iss_mismatch"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_answer_is_refused(name):
    """An answer must bring what its response type names, each once and readable, and nothing else."""
    parameters, kind, error, code = PARAMETERS[name]
    refused = outcome(lambda: read(parameters, kind))
    assert isinstance(refused, error)
    assert refused.code == code


@pytest.mark.parametrize("name", ["id_token", "access_token", "token_type", "expires_in", "scope"])
def test_repeated_parameter(name):
    """Each parameter may come once (RFC 6749 3.1)."""
    pairs = [*implicit().items(), (name, "another")]
    asked = transaction(response_type="id_token token", response_mode="fragment")
    refused = outcome(lambda: callback(*pairs, mode="fragment", of_transaction=asked))
    assert refused.code == f"{name}_repeated"


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_another_mode_is_refused(mode):
    """Tokens must come in the mode that was asked for."""
    asked = transaction(response_type="id_token token", response_mode="fragment")
    assert (
        outcome(lambda: callback(*implicit().items(), mode=mode, of_transaction=asked)).code
        == "callback_wrong_mode"
    )


def test_without_the_list_of_unrequested_parameters_they_are_ignored(monkeypatch):
    """A token that nobody asked for must be refused only because it is on the list."""
    assert outcome(lambda: read(hybrid(access_token="injected"), "code id_token")).code.startswith(
        "callback_unreq"
    )
    monkeypatch.setattr(callback_module, "_UNREQUESTED", ("id_token",))
    assert read(hybrid(access_token="injected"), "code id_token").access_token is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token_type": ABSENT}, "token_token_type_missing"),
        ({"token_type": "mac"}, "token_type_unknown"),
        ({"expires_in": "soon"}, "token_expires_in_invalid"),
        ({"expires_in": "-1"}, "token_expires_in_invalid"),
        ({"expires_in": "٣"}, "token_expires_in_invalid"),
        ({"expires_in": "9" * 5000}, "token_expires_in_invalid"),
    ],
)
def test_what_is_said_of_the_access_token(changes, code):
    """Type and lifetime are judged as those of any token answer, though they come as text."""
    refused = outcome(lambda: read_front_tokens(read(implicit(**changes), "id_token token"), now=NOW))
    assert isinstance(refused, MalformedAnswer)
    assert refused.code == code


def test_answers_show_no_token_and_are_made_in_one_place():
    """The unverified answer prints nothing of its tokens, and nobody else can make one, or a code of it."""
    answer = read(implicit(), "id_token token")
    assert ACCESS_TOKEN not in repr(answer)
    assert STATE not in repr(answer)
    with pytest.raises(TypeError, match="read_callback only"):
        FrontChannelAnswer(
            id_token=Secret("a"),
            code=None,
            access_token=None,
            token_type=None,
            expires_in=None,
            scope=None,
            transaction=transaction(),
            seal=object(),
        )
    verified = id_token.verify_id_token  # only what this returns is a VerifiedClaims
    assert verified.__annotations__["return"] == "VerifiedClaims"
    assert isinstance(redeemable(answer, Secret(CODE), None), VerifiedCallback)


# The checks of the ID token

FRONT_FORGERIES = {
    "check_nonce_is_there": (
        implicit(id_token=front_token(nonce=ABSENT, at_hash=at_hash())),
        "id_token token",
        {"of_provider": provider(nonce_may_be_missing=True)},
        "id_token_nonce_missing",
    ),
    "check_at_hash_is_there": (implicit(id_token=front_token()), "id_token token", {}, "id_token_at_hash_missing"),
    "check_c_hash_is_there": (hybrid(id_token=front_token()), "code id_token", {}, "id_token_c_hash_missing"),
    "check_c_hash": (hybrid(code="a-stolen-code"), "code id_token", {}, "id_token_c_hash"),
    "check_s_hash": (
        implicit(id_token=front_token(at_hash=at_hash(), s_hash=at_hash("another state"))),
        "id_token token",
        {},
        "id_token_s_hash",
    ),
}
HYBRID_FORGERIES = {
    "check_same_person": (claims(**ABOUT, sub="person-2"), "id_token_sub_changed"),
    "check_same_claims": (claims(**{**ABOUT, "email": "other@people.example"}), "id_token_claims_changed"),
}


def test_each_check_has_its_forgery():
    """Each member of the two tuples must have a forged answer here."""
    assert [check.__name__ for check in FRONT_CHECKS] == list(FRONT_FORGERIES)
    assert [check.__name__ for check in HYBRID_CHECKS] == list(HYBRID_FORGERIES)


@pytest.mark.parametrize("check", FRONT_CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_the_forged_answer_gets_in(monkeypatch, check):
    """An answer with one fault must be refused by its check and nothing else, before a code is redeemed."""
    parameters, kind, context, code = FRONT_FORGERIES[check.__name__]
    refused = outcome(lambda: sign_in(parameters, kind, **context))
    assert isinstance(refused, TokenRejected)
    assert refused.code == code
    if not context:
        assert documents(parameters, kind) == []
    monkeypatch.setattr(front_channel, "FRONT_CHECKS", tuple(c for c in FRONT_CHECKS if c is not check))
    assert isinstance(sign_in(parameters, kind, **context), SignedIn)


@pytest.mark.parametrize("check", HYBRID_CHECKS, ids=lambda check: check.__name__)
def test_without_its_check_the_other_token_gets_in(monkeypatch, check):
    """Two ID tokens that differ must be refused by that check and nothing else."""
    second, code = HYBRID_FORGERIES[check.__name__]
    refused = outcome(lambda: sign_in(hybrid(), "code id_token", second=second))
    assert isinstance(refused, TokenRejected)
    assert refused.code == code
    monkeypatch.setattr(front_channel, "HYBRID_CHECKS", tuple(c for c in HYBRID_CHECKS if c is not check))
    assert isinstance(sign_in(hybrid(), "code id_token", second=second), SignedIn)


def test_without_the_check_of_at_hash_another_access_token_gets_in(monkeypatch):
    """An access token that was put in place of the right one must be refused by its hash alone."""
    forged = implicit(access_token="a-token-of-another-client")
    assert outcome(lambda: sign_in(forged, "id_token token")).code == "id_token_at_hash"
    left = tuple(check for check in id_token.CHECKS if check is not id_token.check_at_hash)
    monkeypatch.setattr(id_token, "CHECKS", left)
    assert isinstance(sign_in(forged, "id_token token"), SignedIn)


@pytest.mark.parametrize("value", [12345, None, "", at_hash(CODE)[:-1], ["x"]])
def test_c_hash_of_another_shape(value):
    """Whatever else stands in c_hash is no hash of the code."""
    parameters = hybrid(id_token=front_token(c_hash=value))
    assert outcome(lambda: sign_in(parameters, "code id_token")).code == "id_token_c_hash"


def test_right_s_hash_is_accepted():
    """The state's own hash is fine."""
    token = front_token(at_hash=at_hash(), s_hash=at_hash(STATE))
    assert isinstance(sign_in(implicit(id_token=token), "id_token token"), SignedIn)


def test_claims_of_the_token_may_differ():
    """What is about a token, and what only one of the two has, need not be the same (OIDC Core 3.3.3.6)."""
    second = claims(**ABOUT, jti="2", iat=NOW + 1, exp=NOW + 400, uti="x", gender="female")
    assert sign_in(hybrid(), "code id_token", second=second).login.claims["gender"] == "female"


SAME = (
    *("auth_time", "acr", "amr", "sid", "name", "given_name", "family_name", "middle_name", "nickname"),
    *("preferred_username", "profile", "picture", "website", "email", "email_verified", "gender", "birthdate"),
    *("zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at"),
)


@pytest.mark.parametrize("name", SAME)
def test_claim_that_both_have_must_be_the_same(name):
    """Each standard claim about the sign-in or the person must not change on its way (OIDC Core 3.3.3.6)."""
    parameters = hybrid(id_token=front_token(c_hash=at_hash(CODE), **{name: ["one"]}))
    same, other = (claims(**{**ABOUT, name: value}) for value in (["one"], ["two"]))
    assert isinstance(sign_in(parameters, "code id_token", second=same), SignedIn)
    refused = outcome(lambda: sign_in(parameters, "code id_token", second=other))
    assert refused.code == "id_token_claims_changed"


@pytest.mark.parametrize("nothing", [None, ""])
def test_claim_that_says_nothing_is_no_other(nothing):
    """A null or empty claim is absent, in either of the two tokens (OIDC Core 5.3.2)."""
    empty = hybrid(id_token=front_token(c_hash=at_hash(CODE), email=nothing))
    assert sign_in(empty, "code id_token").login.person.email == "mia@people.example"
    signed_in = sign_in(
        hybrid(), "code id_token", second=claims(**{**ABOUT, "email": nothing}), userinfo={"sub": "person-1"}
    )
    assert signed_in.login.person.email is None


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (signed(claims(at_hash=at_hash()), key=rsa_key("attacker")), "id_token_signature"),
        (signed(claims(at_hash=at_hash()), alg="none"), "id_token_alg_none"),
        (front_token(at_hash=at_hash(), nonce="of another sign-in"), "id_token_nonce_mismatch"),
        (front_token(at_hash=at_hash(), aud="client-2"), "id_token_aud"),
        (front_token(at_hash=at_hash(), iss="https://evil.example"), "id_token_iss"),
        (front_token(at_hash=at_hash(), exp=NOW - 61), "id_token_expired"),
    ],
)
def test_all_checks_of_the_code_flow_hold_here_too(token, code):
    """Signature, issuer, audience, times and nonce are judged as those of any ID token (OIDC Core 3.2.2.11)."""
    assert outcome(lambda: sign_in(implicit(id_token=token), "id_token token")).code == code
    assert documents(implicit(id_token=token), "id_token token") == []


def test_second_token_is_judged_by_the_nonce_too():
    """The token endpoint's ID token must have this sign-in's nonce as well."""
    assert claims()["nonce"] == NONCE
    refused = outcome(lambda: sign_in(hybrid(), "code id_token", second=claims(nonce="another")))
    assert refused.code == "id_token_nonce_mismatch"
