import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import ISSUER, STATE, callback, metadata, outcome, provider, transaction

from signon.core.callback import KNOWN, VerifiedCallback, read_state
from signon.core.errors import (
    PersonRefused,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    SignOnError,
    SuspectError,
)
from signon.core.values import Secret

STATED = ("state", STATE)
GOOD = (STATED, ("code", "the-code"))


def test_genuine_response_gives_its_code():
    """A genuine response must give its code and transaction; unknown parameters are ignored."""
    verified = callback(*GOOD, ("session_state", "x"), ("session_state", "y"), ("scope", "openid"))
    assert verified.code.reveal() == "the-code"
    assert verified.transaction == transaction()
    assert "the-code" not in repr(verified)
    assert STATE not in repr(verified)


def test_issuer_may_come_and_must_where_it_was_promised():
    """The issuer must be accepted where it is right, promised or not (RFC 9207 2.4)."""
    promised = metadata(authorization_response_iss_parameter_supported=True)
    assert callback(*GOOD, ("iss", ISSUER)).code
    assert callback(*GOOD, ("iss", ISSUER), of_metadata=promised).code


PROMISED = {"of_metadata": metadata(authorization_response_iss_parameter_supported=True)}
FAULTS = {
    "no state": ((("code", "c"),), {}, SuspectError, "state_mismatch"),
    "empty state": ((("state", ""), ("code", "c")), {}, SuspectError, "state_mismatch"),
    "another state": ((("state", STATE + "x"), ("code", "c")), {}, SuspectError, "state_mismatch"),
    "half a character": ((("state", "\ud800"), ("code", "c")), {}, SuspectError, "state_mismatch"),
    "not ASCII": ((("state", "é"), ("code", "c")), {}, SuspectError, "state_mismatch"),
    "empty state for an empty one": (
        (("state", ""), ("code", "c")),
        {"of_transaction": transaction(state="")},
        SuspectError,
        "state_mismatch",
    ),
    "no state for an empty one": (
        (("code", "c"),),
        {"of_transaction": transaction(state="")},
        SuspectError,
        "state_mismatch",
    ),
    "another provider": (GOOD, {"of_provider": provider(name="other")}, SuspectError, "state_other_provider"),
    "another issuer": (
        GOOD,
        {"of_metadata": metadata(issuer="https://other.example")},
        SuspectError,
        "state_other_provider",
    ),
    "another mode": (GOOD, {"mode": "form_post"}, SuspectError, "callback_wrong_mode"),
    "query where a form was asked for": (
        GOOD,
        {"of_transaction": transaction(response_mode="form_post")},
        SuspectError,
        "callback_wrong_mode",
    ),
    "another iss": ((*GOOD, ("iss", "https://evil.example")), {}, SuspectError, "iss_mismatch"),
    "iss with a slash": ((*GOOD, ("iss", ISSUER + "/")), {}, SuspectError, "iss_mismatch"),
    "empty iss": ((*GOOD, ("iss", "")), {}, SuspectError, "iss_mismatch"),
    "no iss though promised": (GOOD, PROMISED, SuspectError, "iss_missing"),
    "another iss with an error": (
        (STATED, ("error", "access_denied"), ("iss", "https://evil.example")),
        {},
        SuspectError,
        "iss_mismatch",
    ),
    "no iss though promised, with an error": (
        (STATED, ("error", "access_denied")),
        PROMISED,
        SuspectError,
        "iss_missing",
    ),
    "error with another state": ((("state", "x"), ("error", "access_denied")), {}, SuspectError, "state_mismatch"),
    "code and error": ((*GOOD, ("error", "access_denied")), {}, ProviderError, "code_and_error"),
    "empty code and error": (
        (STATED, ("code", ""), ("error", "access_denied")),
        {},
        ProviderError,
        "code_and_error",
    ),
    "no code": ((STATED,), {}, ProviderError, "code_missing"),
    "empty code": ((STATED, ("code", "")), {}, ProviderError, "code_missing"),
    "code not ASCII": ((STATED, ("code", "é")), {}, ProviderError, "code_invalid"),
    "code with a line end": ((STATED, ("code", "a\r\nb")), {}, ProviderError, "code_invalid"),
    "code with half a character": ((STATED, ("code", "\udfff")), {}, ProviderError, "code_invalid"),
    "ID token": ((*GOOD, ("id_token", "a.b.c")), {}, SuspectError, "callback_unrequested_id_token"),
    "access token": ((*GOOD, ("access_token", "")), {}, SuspectError, "callback_unrequested_access_token"),
    "JWT response": ((*GOOD, ("response", "a.b.c")), {}, SuspectError, "callback_unrequested_response"),
    "a token and no code": (
        (STATED, ("access_token", "t")),
        {},
        SuspectError,
        "callback_unrequested_access_token",
    ),
    "error unknown": ((STATED, ("error", "new_error")), {}, ProviderRefused, "provider_refused"),
    "error empty": ((STATED, ("error", "")), {}, ProviderRefused, "provider_refused"),
    "error invalid_request": ((STATED, ("error", "invalid_request")), {}, ProviderRefused, "provider_refused"),
    "error in capitals": ((STATED, ("error", "ACCESS_DENIED")), {}, ProviderRefused, "provider_refused"),
    "error server_error": ((STATED, ("error", "server_error")), {}, ProviderUnavailable, "provider_server_error"),
    "error temporarily_unavailable": (
        (STATED, ("error", "temporarily_unavailable")),
        {},
        ProviderUnavailable,
        "provider_temporarily_unavailable",
    ),
}


@pytest.mark.parametrize(("pairs", "context", "error_class", "code"), FAULTS.values(), ids=FAULTS)
def test_each_fault_of_the_response_has_its_code(pairs, context, error_class, code):
    """A response with one fault must be refused with that fault's class and code."""
    with pytest.raises(error_class) as error:
        callback(*pairs, **context)
    assert type(error.value) is error_class
    assert error.value.code == code


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("again", ["same", "another"])
def test_repeated_parameter_refuses_the_response(name, again):
    """Each parameter that we know must come once, in whatever order and with whatever value (RFC 6749 3.1)."""
    value = dict(GOOD).get(name, "x")
    with pytest.raises(SuspectError) as error:
        callback(*GOOD, (name, value), (name, value if again == "same" else "y"))
    assert error.value.code == f"{name}_repeated"


@pytest.mark.parametrize(
    "error",
    ["access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required"],
)
def test_what_the_person_did_has_a_class_of_its_own(error):
    """A refusal by the person, or one that asks them for something, must be theirs (OIDC Core 3.1.2.6)."""
    pairs = (STATED, ("error", error), ("error_description", "No\n<b>"), ("error_uri", "https://op.example/e"))
    with pytest.raises(PersonRefused) as refused:
        callback(*pairs)
    assert refused.value.code == refused.value.error == error
    assert refused.value.description == "No?<b>"
    assert refused.value.error_uri == "https://op.example/e"
    assert refused.value.fault == "person"


def test_providers_own_errors_are_quoted_and_bounded():
    """What a provider says of its error must come along, printable and cut, and not in the message."""
    pairs = (STATED, ("error", "x\r\n" + "y" * 999), ("error_description", "z" * 999), ("error_uri", "u" * 999))
    with pytest.raises(ProviderRefused) as refused:
        callback(*pairs)
    assert len(refused.value.description) == len(refused.value.error_uri) == 201
    assert "z" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_providers_dialect_of_errors_is_translated():
    """A provider's hook must be able to turn its own error into a standard one, and the text stays theirs."""
    dialect = provider(
        read_error=lambda answer, _now: {"error": "access_denied"} if answer["error"] == "E1" else {}
    )
    with pytest.raises(PersonRefused) as refused:
        callback(STATED, ("error", "E1"), of_provider=dialect)
    assert (refused.value.code, refused.value.error) == ("access_denied", "E1")
    with pytest.raises(ProviderRefused) as refused:
        callback(STATED, ("error", "E2"), of_provider=dialect)
    assert (refused.value.code, refused.value.error) == ("provider_refused", "E2")


def test_state_is_found_before_all_else():
    """The state must be read alone, so that its transaction can be found."""
    assert read_state(GOOD) == STATE
    for pairs, code in (
        ((), "state_missing"),
        ((("state", ""),), "state_missing"),
        ((STATED, STATED), "state_repeated"),
    ):
        with pytest.raises(SuspectError) as error:
            read_state(pairs)
        assert error.value.code == code


def test_verified_callback_comes_from_the_reader_only():
    """Nobody else may make a callback whose code is redeemed."""
    for seal in (None, object(), True):
        with pytest.raises(TypeError, match="from read_callback only"):
            VerifiedCallback(code=Secret("c"), transaction=transaction(), seal=seal)


PAIRS = st.lists(
    st.tuples(st.sampled_from([*KNOWN, "other"]) | st.text(), st.just(STATE) | st.text() | st.characters())
)


@given(PAIRS | PAIRS.map(lambda pairs: [STATED, *pairs]), st.sampled_from(["query", "form_post"]))
def test_any_pairs_give_a_code_or_our_error(pairs, mode):
    """Whatever parameters come, the reader must give a callback that can be redeemed or an error of ours."""
    result = outcome(lambda: callback(*pairs, ("other", ""), mode=mode))
    assert isinstance(result, VerifiedCallback | SignOnError)
    if isinstance(result, VerifiedCallback):
        assert result.code.reveal().isascii()
    assert isinstance(outcome(lambda: read_state(pairs)), str | SignOnError)
