from urllib.parse import parse_qsl, urlsplit

import pytest

from signon_idp.faults.callback import CALLBACK_FAULTS, MARKUP, STRANGE_ISSUER
from signon_idp.faults.kinds import Callback

HEALTHY = Callback(
    redirect_uri="http://localhost/cb",
    mode="query",
    pairs=(("code", "c"), ("state", "s"), ("iss", "i")),
)
OTHER = "another-value-of-the-same-name"


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("callback_no_state", [("code", "c"), ("iss", "i")]),
        ("callback_empty_state", [("code", "c"), ("iss", "i"), ("state", "")]),
        ("callback_wrong_state", [("code", "c"), ("iss", "i"), ("state", OTHER)]),
        ("callback_two_states", [*HEALTHY.pairs, ("state", OTHER)]),
        ("callback_two_codes", [*HEALTHY.pairs, ("code", OTHER)]),
        ("callback_two_iss", [*HEALTHY.pairs, ("iss", STRANGE_ISSUER)]),
        ("callback_wrong_iss", [("code", "c"), ("state", "s"), ("iss", STRANGE_ISSUER)]),
        ("callback_no_iss", [("code", "c"), ("state", "s")]),
        ("callback_no_code", [("state", "s"), ("iss", "i")]),
        ("callback_code_and_error", [*HEALTHY.pairs, ("error", "access_denied")]),
        ("callback_unrequested_token", [*HEALTHY.pairs, ("access_token", "token-in-the-front-channel")]),
    ],
)
def test_parameters(name, pairs):
    """Each fault gives exactly these parameters, in this order."""
    bent = CALLBACK_FAULTS[name].callback(HEALTHY, None)
    assert list(bent.pairs) == pairs
    assert (bent.mode, bent.redirect_uri) == ("query", HEALTHY.redirect_uri)


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("callback_access_denied", ["access_denied"]),
        ("callback_server_error", ["server_error"]),
        ("callback_two_errors", ["access_denied", "server_error"]),
        ("callback_markup_error", ["access_denied"]),
    ],
)
def test_errors(name, errors):
    """An error fault takes the code away and leaves state and iss."""
    pairs = CALLBACK_FAULTS[name].callback(HEALTHY, None).pairs
    assert [value for key, value in pairs if key == "error"] == errors
    assert {key for key, _ in pairs} == {"error", "error_description", "state", "iss"}


def test_mode_turns_round():
    """The mode fault turns query into form_post and the reverse, parameters untouched."""
    fault = CALLBACK_FAULTS["callback_wrong_mode"].callback
    assert fault(HEALTHY, None).mode == "form_post"
    assert fault(fault(HEALTHY, None), None) == HEALTHY


def test_markup_travels_encoded(walk):
    """The markup reaches the application as it is, and doesn't break the provider's own header."""
    walk.sign_in()
    with walk.idp.fault("callback_markup_error"):
        response = walk.authorize()
    assert "planted" not in response.headers.get("Set-Cookie", "")
    found = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
    assert found["error_description"] == MARKUP
    assert "\r\n" in MARKUP


def test_unrequested_id_token_is_one():
    """The unrequested ID token has three parts and no signature."""
    pairs = dict(CALLBACK_FAULTS["callback_unrequested_id_token"].callback(HEALTHY, None).pairs)
    assert pairs["id_token"].count(".") == 2
    assert pairs["code"] == "c"
