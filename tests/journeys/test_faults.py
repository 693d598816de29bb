"""Every fault of the practice provider, one at a time, in a whole sign-in: its code, its page, and no session."""

from collections import defaultdict

import pytest
from tests.journeys.stage import ORIGIN, code_of
from tests.journeys.visitor import Markup, sign_in

from signon.runtime import document, transport
from signon_idp.faults import FAULTS, FRONT_CHANNEL_FAULTS, LOGOUT_FAULTS

SIGN_IN_FAULTS = [name for name in FAULTS if name not in LOGOUT_FAULTS | FRONT_CHANNEL_FAULTS]
CODES = {
    "callback_no_state": ("state_missing", 400),
    "callback_empty_state": ("state_missing", 400),
    "callback_wrong_state": ("state_unknown", 400),
    "callback_two_states": ("state_repeated", 400),
    "callback_two_codes": ("code_repeated", 400),
    "callback_two_iss": ("iss_repeated", 400),
    "callback_two_errors": ("error_repeated", 400),
    "callback_wrong_iss": ("iss_mismatch", 400),
    "callback_no_iss": ("iss_missing", 400),
    "callback_no_code": ("code_missing", 502),
    "callback_code_and_error": ("code_and_error", 502),
    "callback_access_denied": ("access_denied", 403),
    "callback_server_error": ("provider_server_error", 503),
    "callback_unrequested_token": ("callback_unrequested_access_token", 400),
    "callback_unrequested_id_token": ("callback_unrequested_id_token", 400),
    "callback_wrong_mode": ("callback_wrong_mode", 400),
    "callback_markup_error": ("access_denied", 403),
    "token_not_json": ("token_not_json", 502),
    "token_empty": ("token_not_json", 502),
    "token_array": ("token_not_object", 502),
    "token_scalar": ("token_not_object", 502),
    "token_duplicate_member": ("token_duplicate_member", 502),
    "token_nan": ("token_bad_number", 502),
    "token_infinite": ("token_bad_number", 502),
    "token_big_number": ("token_bad_number", 502),
    "token_lone_surrogate": ("token_lone_surrogate", 502),
    "token_not_utf8": ("token_not_utf8", 502),
    "token_deep": ("token_too_deep", 502),
    "token_too_large": ("token_too_large", 502),
    "token_html": ("token_content_type", 502),
    "token_no_type": ("token_token_type_missing", 502),
    "token_unknown_type": ("token_type_unknown", 502),
    "token_no_access_token": ("token_access_token_missing", 502),
    "token_access_token_number": ("token_access_token_invalid", 502),
    "token_no_id_token": ("token_id_token_missing", 502),
    "token_expires_in_text": ("token_expires_in_invalid", 502),
    "token_expires_in_negative": ("token_expires_in_invalid", 502),
    "token_expires_in_huge": ("token_expires_in_invalid", 502),
    "token_expires_in_true": ("token_expires_in_invalid", 502),
    "token_redirect": ("token_redirect", 502),
    "token_invalid_grant": ("token_invalid_grant", 502),
    "token_invalid_client": ("token_invalid_client", 502),
    "token_error_500": ("token_server_error", 503),
    "token_drop": ("token_unreachable", 503),
    "token_drip": ("token_timeout", 503),
    "token_gzip": ("token_encoding", 502),
    "id_token_number": ("token_id_token_invalid", 502),
    "id_token_alg_none": ("id_token_alg_none", 502),
    "id_token_alg_none_mixed_case": ("id_token_alg_none", 502),
    "id_token_no_alg": ("id_token_alg_missing", 502),
    "id_token_hs256_public_key": ("id_token_alg_mismatch", 502),
    "id_token_other_alg": ("id_token_alg_mismatch", 502),
    "id_token_unknown_kid": ("id_token_unknown_key", 502),
    "id_token_header_jwk": ("id_token_unknown_key", 502),
    "id_token_header_jku": ("id_token_unknown_key", 502),
    "id_token_header_x5c": ("id_token_unknown_key", 502),
    "id_token_crit": ("id_token_header_crit", 502),
    "id_token_crit_empty": ("id_token_header_crit", 502),
    "id_token_b64": ("id_token_header_b64", 502),
    "id_token_duplicate_header": ("id_token_header_duplicate_member", 502),
    "id_token_duplicate_claim": ("id_token_duplicate_member", 502),
    "id_token_exp_infinite": ("id_token_bad_number", 502),
    "id_token_not_json": ("id_token_not_json", 502),
    "id_token_array": ("id_token_not_object", 502),
    "id_token_wrong_typ": ("id_token_typ", 502),
    "id_token_wrong_kty_kid": ("id_token_key_mismatch", 502),
    "id_token_bad_signature": ("id_token_signature", 502),
    "id_token_empty_signature": ("id_token_signature", 502),
    "id_token_json_serialization": ("id_token_not_compact", 502),
    "id_token_two_parts": ("id_token_not_compact", 502),
    "id_token_encrypted": ("id_token_encrypted", 502),
    "id_token_padded": ("id_token_not_base64url", 502),
    "id_token_whitespace": ("token_id_token_invalid", 502),
    "id_token_trailing_bits": ("id_token_not_base64url", 502),
    "id_token_weak_key": ("id_token_key_weak", 502),
    "id_token_no_iss": ("id_token_iss_missing", 502),
    "id_token_wrong_iss": ("id_token_iss", 502),
    "id_token_iss_slash": ("id_token_iss", 502),
    "id_token_no_aud": ("id_token_aud_missing", 502),
    "id_token_wrong_aud": ("id_token_aud", 502),
    "id_token_aud_prefix": ("id_token_aud", 502),
    "id_token_aud_empty": ("id_token_aud", 502),
    "id_token_aud_number": ("id_token_aud_invalid", 502),
    "id_token_aud_extra": ("id_token_aud_extra", 502),
    "id_token_wrong_azp": ("id_token_azp", 502),
    "id_token_no_exp": ("id_token_exp_missing", 502),
    "id_token_expired": ("id_token_expired", 502),
    "id_token_exp_text": ("id_token_exp_invalid", 502),
    "id_token_exp_true": ("id_token_exp_invalid", 502),
    "id_token_no_iat": ("id_token_iat_missing", 502),
    "id_token_future_iat": ("id_token_iat_future", 502),
    "id_token_old_iat": ("id_token_iat_old", 502),
    "id_token_iat_text": ("id_token_iat_invalid", 502),
    "id_token_future_nbf": ("id_token_nbf", 502),
    "id_token_no_nonce": ("id_token_nonce_missing", 502),
    "id_token_wrong_nonce": ("id_token_nonce_mismatch", 502),
    "id_token_no_sub": ("id_token_sub_missing", 502),
    "id_token_empty_sub": ("id_token_sub_missing", 502),
    "id_token_long_sub": ("id_token_sub_invalid", 502),
    "id_token_sub_number": ("id_token_sub_invalid", 502),
    "id_token_sub_not_ascii": ("id_token_sub_invalid", 502),
    "id_token_wrong_at_hash": ("id_token_at_hash", 502),
    "id_token_at_hash_number": ("id_token_at_hash", 502),
    "id_token_no_auth_time": ("id_token_auth_time_missing", 502),
    "id_token_old_auth_time": ("id_token_auth_time_old", 502),
    "id_token_wrong_acr": ("id_token_acr", 502),
    "userinfo_wrong_sub": ("userinfo_sub_mismatch", 502),
    "userinfo_no_sub": ("userinfo_sub_missing", 502),
    "userinfo_array": ("userinfo_not_object", 502),
    "userinfo_not_json": ("userinfo_not_json", 502),
    "userinfo_html": ("userinfo_content_type", 502),
    "userinfo_duplicate_member": ("userinfo_duplicate_member", 502),
    "userinfo_401": ("userinfo_refused", 502),
    "userinfo_500": ("userinfo_server_error", 503),
    "userinfo_redirect": ("userinfo_redirect", 502),
    "userinfo_too_large": ("userinfo_too_large", 502),
    "userinfo_jwt_bad_signature": ("userinfo_signature", 502),
    "userinfo_jwt_wrong_aud": ("userinfo_aud", 502),
    "userinfo_jwt_wrong_iss": ("userinfo_iss", 502),
    "userinfo_jwt_alg_none": ("userinfo_alg_mismatch", 502),
    "userinfo_plain_where_jwt": ("userinfo_not_signed", 502),
    "metadata_not_json": ("metadata_not_json", 502),
    "metadata_array": ("metadata_not_object", 502),
    "metadata_wrong_issuer": ("metadata_issuer_mismatch", 502),
    "metadata_no_token_endpoint": ("metadata_token_endpoint_missing", 502),
    "metadata_no_jwks_uri": ("metadata_jwks_uri_missing", 502),
    "metadata_http_endpoint": ("metadata_token_endpoint_invalid", 502),
    "metadata_javascript_endpoint": ("metadata_authorization_endpoint_invalid", 502),
    "metadata_endpoint_fragment": ("metadata_authorization_endpoint_invalid", 502),
    "metadata_number_endpoint": ("metadata_token_endpoint_invalid", 502),
    "metadata_500": ("metadata_server_error", 503),
    "metadata_404": ("metadata_status", 502),
    "metadata_redirect": ("metadata_redirect", 502),
    "metadata_too_large": ("metadata_too_large", 502),
    "metadata_html": ("metadata_content_type", 502),
    "metadata_duplicate_member": ("metadata_duplicate_member", 502),
    "metadata_no_s256": ("metadata_s256_unsupported", 502),
    "jwks_not_json": ("jwks_not_json", 502),
    "jwks_array": ("jwks_not_object", 502),
    "jwks_no_keys": ("jwks_keys_missing", 502),
    "jwks_keys_object": ("jwks_keys_missing", 502),
    "jwks_empty": ("jwks_no_usable_key", 502),
    "jwks_private_member": ("jwks_private_key", 502),
    "jwks_500": ("jwks_server_error", 503),
    "jwks_redirect": ("jwks_redirect", 502),
    "jwks_too_large": ("jwks_too_large", 502),
    "jwks_only_unusable": ("jwks_no_usable_key", 502),
    "jwks_duplicate_member": ("jwks_duplicate_member", 502),
}
"""Fault: the code of its error, and the status of its page."""

ONE_CAUSE = {
    "state_missing": "no state and an empty one (RFC 6749 4.1.2 knows no difference)",
    "access_denied": "a person's no, whatever the text beside it",
    "token_not_json": "an empty body is no JSON, either",
    "token_not_object": "an array, or a text, in the object's place",
    "token_bad_number": "numbers that JSON can't have, or that no reader can hold",
    "token_expires_in_invalid": "no number of seconds, whichever way",
    "token_id_token_invalid": "no text of the characters that a token has",
    "id_token_alg_none": "none in any spelling",
    "id_token_alg_mismatch": "an algorithm that was not registered, however the key came about",
    "id_token_unknown_key": "a key that the issuer has not published",
    "id_token_header_crit": "crit at all",
    "id_token_signature": "a signature that does not verify",
    "id_token_not_compact": "another serialization than three parts",
    "id_token_not_base64url": "another spelling than the one of RFC 7515 2",
    "id_token_iss": "an issuer that is not exactly ours",
    "id_token_aud": "an audience that we are not in",
    "id_token_exp_invalid": "exp that is no number",
    "id_token_sub_missing": "no subject, or an empty one, to file anybody under",
    "id_token_sub_invalid": "a subject that breaks the rule of OIDC Core 2",
    "id_token_at_hash": "a hash that is not the access token's",
    "metadata_token_endpoint_invalid": "an address that can't be used, for its host or its type",
    "metadata_authorization_endpoint_invalid": "an address that can't be used, for its scheme or its fragment",
    "jwks_keys_missing": "no list of keys",
    "jwks_no_usable_key": "no key that we can use, of none or of some",
}
"""The codes that several faults share, and why they are one cause, or one kind of malformation of one document."""

SIGNED = {"userinfo_signed_response_alg": "RS256"}


def settings_of(name: str) -> dict[str, object]:
    """What must be asked for, or registered, for a fault to show at all."""
    settings: dict[str, object] = {}
    if name.startswith("userinfo"):
        settings["userinfo"] = "always"
    if "_jwt" in name:
        settings |= {"client": SIGNED, "userinfo_alg": "RS256"}
    if name.endswith("auth_time"):
        settings["max_age"] = "3600"
    if name.endswith("acr"):
        settings["acr_values"] = "urn:practice:acr:password"
    return settings


@pytest.fixture
def forgetful(monkeypatch):
    """What failed is asked for anew at once."""
    monkeypatch.setattr(document, "FAILURE_SECONDS", 0.0)


@pytest.fixture
def impatient(monkeypatch):
    """A provider that drips is not waited for long."""
    quick = transport.Transport(total_seconds=2.0)
    monkeypatch.setattr(transport, "_TRANSPORTS", {(None, None): quick})


def test_every_fault_has_a_row():
    """The practice provider has no fault whose outcome is not written here, and none is written that it lacks."""
    assert CODES.keys() == set(SIGN_IN_FAULTS)


def test_each_cause_has_its_own_code():
    """Two faults share a code only where they are one cause."""
    faults = defaultdict(list)
    for name, (code, _) in CODES.items():
        faults[code].append(name)
    assert {code for code, names in faults.items() if len(names) > 1} == ONE_CAUSE.keys()


@pytest.mark.parametrize("name", SIGN_IN_FAULTS)
def test_fault(new_stage, forgetful, request, caplog, name):
    """A fault of the provider ends in its own code, a page that leads on, and no session."""
    if name == "token_drip":
        request.getfixturevalue("impatient")
    stage = new_stage(**settings_of(name))
    visitor = stage.visitor()
    with stage.idp.fault(name):
        page = sign_in(visitor, f"{ORIGIN}/me")
    assert (code_of(page), page.status_code) == CODES[name]
    assert not visitor.sessions()
    assert stage.rows().get("records", 0) == 0
    assert "no-store" in page.headers["Cache-Control"]
    assert ("Retry-After" in page.headers) == (page.status_code == 503)
    logged = [record for record in caplog.records if getattr(record, "signon_code", None)]
    assert [record.signon_code for record in logged] == [CODES[name][0]]
    assert not [secret for secret in stage.idp.secrets if secret in page.text]
    next_step = Markup(page.text).links[0]
    after = sign_in(visitor, ORIGIN + next_step)
    assert (after.status_code, code_of(after)) == (200, None)


def test_no_fault_no_error(stage, caplog):
    """The same journey at a healthy provider ends at the page that was asked for, with nothing to log."""
    visitor = stage.visitor()
    page = sign_in(visitor, f"{ORIGIN}/me")
    assert page.json()["sub"] == "5c1f0b7e-somying"
    assert visitor.sessions() == ["signon-5000"]
    assert not [record for record in caplog.records if record.name.startswith("signon.")]


def test_markup_of_a_provider_is_text(new_stage, caplog):
    """What a provider says in an error is quoted as text, on one line, in page and log."""
    stage = new_stage()
    with stage.idp.fault("callback_markup_error"):
        page = sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text
    assert "planted" not in page.headers.get("Set-Cookie", "")
    (record,) = [record for record in caplog.records if getattr(record, "signon_code", None)]
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize(
    "name", ["token_redirect", "userinfo_redirect", "metadata_redirect", "jwks_redirect", "id_token_header_jku"]
)
def test_nobody_is_asked_that_only_an_answer_names(new_stage, name):
    """No redirect of a back-channel endpoint is followed, and no key is fetched from where a token says."""
    stage = new_stage(**settings_of(name))
    with stage.idp.fault(name):
        sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert not {"moved", "foreign_jwks"} & stage.idp.calls.keys()


def test_a_code_is_redeemed_once(new_stage):
    """A token request whose answer never came is not sent a second time: its code may be used already."""
    stage = new_stage()
    with stage.idp.fault("token_drop"):
        sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert stage.idp.calls["token"] == 1
