"""Whole sign-ins whose tokens come by the browser, and each way in which the practice provider can be wrong."""

import logging
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.journeys.stage import ORIGIN, code_of
from tests.journeys.visitor import Markup, sign_in

from signon.flask.fragment import MARK
from signon_idp.faults import FRONT_CHANNEL_FAULTS

KINDS = ("id_token", "id_token token", "token id_token", "code id_token")
CLIENT = {
    "response_types": ("code", "code id_token", "id_token", "id_token token"),
    "grant_types": ("authorization_code", "implicit", "refresh_token", "client_credentials"),
}


@pytest.fixture
def front_stage(new_stage):
    """A stage whose provider is asked for tokens by the browser."""

    def build(kind="token id_token", mode="form_post", **keywords):
        client = {**CLIENT, **keywords.pop("client", {})}
        return new_stage(client=client, response_type=kind, response_mode=mode, **keywords)

    return build


def by_fragment(stage, visitor, **more):
    """Sign in by fragment, the part of the script played: what it reads is posted to where it is."""
    location = stage.begin(visitor)
    target = urlsplit(location)
    page = visitor.get(target._replace(fragment="").geturl())
    assert 'id="answer"' in page.text
    (known,) = re.findall(r"new Set\((\[.*?\])\)", page.text)
    carried = {name: value for name, value in parse_qsl(target.fragment) if f'"{name}"' in known}
    (form,) = Markup(page.text).forms
    return visitor.post(ORIGIN + form.action, {**form.hidden, **carried, **more}, Origin=ORIGIN)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["form_post", "fragment"])
def test_sign_in(front_stage, kind, mode):
    """Each response type signs in by form and by fragment; a code is redeemed, and nothing else is asked."""
    stage = front_stage(kind, mode)
    visitor = stage.visitor()
    page = sign_in(visitor, f"{ORIGIN}/me") if mode == "form_post" else by_fragment(stage, visitor)
    assert page.json()["preferred_username"] == "somying"
    assert visitor.sessions() == ["signon-5000"]
    assert (stage.idp.calls["token"], stage.idp.calls["userinfo"]) == (int("code" in kind), 0)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_userinfo(front_stage, kind):
    """What the ID token doesn't say is asked for with the access token there is."""
    stage = front_stage(kind, client={"claims_in_id_token": False})
    assert sign_in(stage.visitor(), f"{ORIGIN}/me").json()["name"] == "สมหญิง ใจดี"
    assert stage.idp.calls["userinfo"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_sign_out(front_stage, kind):
    """The sign-out ends the session here and leads to the provider's, also where no token is held."""
    stage = front_stage(kind)
    visitor = stage.visitor()
    sign_in(visitor, f"{ORIGIN}/me")
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert not visitor.sessions()
    assert stage.idp.calls["end_session"] == 1


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "HS256"])
def test_hashes_by_every_signature(front_stage, alg):
    """The hashes follow the ID token's signature."""
    for kind in ("id_token token", "code id_token"):
        stage = front_stage(kind, client={"id_token_signed_response_alg": alg}, id_token_alg=alg)
        assert sign_in(stage.visitor(), f"{ORIGIN}/me").json()["preferred_username"] == "somying"


CODES = {
    "front_no_id_token": ("id_token token", "id_token_missing", 502),
    "front_no_access_token": ("id_token token", "access_token_missing", 502),
    "front_no_code": ("code id_token", "code_missing", 502),
    "front_other_access_token": ("id_token token", "id_token_at_hash", 502),
    "front_other_code": ("code id_token", "id_token_c_hash", 502),
    "front_no_token_type": ("id_token token", "token_token_type_missing", 502),
    "front_expires_in_text": ("id_token token", "token_expires_in_invalid", 502),
    "front_in_the_query": ("id_token token", "callback_wrong_mode", 400),
    "front_no_at_hash": ("id_token token", "id_token_at_hash_missing", 502),
    "front_no_c_hash": ("code id_token", "id_token_c_hash_missing", 502),
    "front_wrong_c_hash": ("code id_token", "id_token_c_hash", 502),
    "front_wrong_s_hash": ("code id_token", "id_token_s_hash", 502),
    "front_other_sub": ("code id_token", "id_token_sub_changed", 502),
    "front_other_name": ("code id_token", "id_token_claims_changed", 502),
}
"""Fault: the response type in which it shows, its code, its page's status."""
OF_ANY_ID_TOKEN = {
    "id_token_alg_none": "id_token_alg_none",
    "id_token_bad_signature": "id_token_signature",
    "id_token_header_jwk": "id_token_unknown_key",
    "id_token_hs256_public_key": "id_token_alg_mismatch",
    "id_token_no_nonce": "id_token_nonce_missing",
    "id_token_wrong_nonce": "id_token_nonce_mismatch",
    "id_token_wrong_aud": "id_token_aud",
    "id_token_wrong_iss": "id_token_iss",
    "id_token_expired": "id_token_expired",
    "id_token_wrong_at_hash": "id_token_at_hash",
    "callback_wrong_state": "state_unknown",
    "callback_wrong_iss": "iss_mismatch",
    "callback_no_iss": "iss_missing",
}
"""Faults of every sign-in, which show by the browser, too: the fault and its code."""


def test_every_fault_has_a_row():
    """The practice provider has no fault of this kind whose outcome is not written here."""
    assert CODES.keys() == FRONT_CHANNEL_FAULTS.keys()


@pytest.mark.parametrize("name", CODES)
def test_fault(front_stage, caplog, name):
    """A fault ends in its own code, no session, and a code that nothing vouches for is never redeemed."""
    kind, code, status = CODES[name]
    assert_refused(front_stage(kind), caplog, name, code=code, status=status)


@pytest.mark.parametrize("name", OF_ANY_ID_TOKEN)
@pytest.mark.parametrize("kind", ["id_token token", "code id_token"])
def test_fault_of_any_id_token(front_stage, caplog, kind, name):
    """The ID token of the browser is held to every rule, before anything beside it is used."""
    if name == "id_token_wrong_at_hash" and kind == "code id_token":
        kind = "token id_token"  # without an access token there is nothing to hash
    assert_refused(front_stage(kind), caplog, name, code=OF_ANY_ID_TOKEN[name])


def assert_refused(stage, caplog, name, *, code, status=None):
    visitor = stage.visitor()
    with stage.idp.fault(name), caplog.at_level(logging.DEBUG):
        page = sign_in(visitor, f"{ORIGIN}/me")
    assert code_of(page) == code
    assert status in {None, page.status_code}
    assert not visitor.sessions()
    assert stage.rows().get("records", 0) == 0
    assert stage.idp.calls["token"] == int(name in {"front_other_sub", "front_other_name"})
    assert not [secret for secret in stage.idp.secrets if secret in page.text]


def test_provider_gives_no_tokens_to_a_client_of_the_code_flow(new_stage):
    """A client that isn't registered for it gets an error, which comes by the way that was asked for."""
    stage = new_stage(response_type="id_token", response_mode="form_post")
    page = sign_in(stage.visitor(), f"{ORIGIN}/me")
    assert code_of(page) == "provider_refused"


def test_refusal_by_fragment(front_stage):
    """An error comes by fragment, too, and ends on its own page."""
    stage = front_stage("id_token", "fragment")
    with stage.idp.fault("callback_access_denied"):
        page = by_fragment(stage, stage.visitor())
    assert (code_of(page), page.status_code) == ("access_denied", 403)


def test_token_of_another_browser(front_stage):
    """An answer that somebody else got signs nobody in here: its sign-in was begun in another browser."""
    stage = front_stage("token id_token", "fragment")
    stolen = stage.begin(stage.visitor())
    victim = stage.visitor()
    victim.get(f"{ORIGIN}/me")
    target = urlsplit(stolen)
    page = victim.post(
        target._replace(fragment="").geturl(), {MARK: "1", **dict(parse_qsl(target.fragment))}, Origin=ORIGIN
    )
    assert code_of(page) == "state_other_browser"
    assert not victim.sessions()


def test_token_of_another_sign_in(front_stage):
    """Nor does an answer's token pass in another sign-in of the same browser: the nonce is not its."""
    stage = front_stage("token id_token", "fragment")
    visitor = stage.visitor()
    first = dict(parse_qsl(urlsplit(stage.begin(visitor)).fragment))
    swapped = {name: first[name] for name in ("id_token", "access_token")}
    assert code_of(by_fragment(stage, visitor, **swapped)) == "id_token_nonce_mismatch"


def test_pushed_request(front_stage):
    """Requests for tokens can be pushed, too."""
    stage = front_stage("code id_token", par="true")
    assert sign_in(stage.visitor(), f"{ORIGIN}/me").json()["preferred_username"] == "somying"
    assert stage.idp.calls["pushed"] == 1


def test_encrypted(front_stage):
    """Encrypted ID tokens are opened before their hashes are judged."""
    from jwcrypto.jwk import JWK

    key = JWK.generate(kty="EC", crv="P-256", kid="ours", use="enc")
    stage = front_stage(
        "code id_token",
        client={
            "jwks": {"keys": [key.export_public(as_dict=True)]},
            "id_token_encrypted_response_alg": "ECDH-ES",
            "id_token_encrypted_response_enc": "A256GCM",
        },
        private_key=key.export_private(),
        id_token_encryption="ECDH-ES",
    )
    assert sign_in(stage.visitor(), f"{ORIGIN}/me").json()["preferred_username"] == "somying"
