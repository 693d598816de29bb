"""Whole sign-ins with ThaID, with no browser, by the environment's names alone."""

import logging
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.journeys.visitor import Markup
from tests.vendors.vendor_stage import ORIGIN, code_of

from signon_idp.dialects.thaid import THAID, thaid_dialect

NUMBER = "9103700001234"
NAME = "นายสมชาย ตัวอย่าง"
FLAT = "pid title given_name family_name"


@pytest.fixture(autouse=True)
def _numbers(plant):
    """No national id may stand in any record of the run."""
    plant(*(person.sub for person in THAID.personas))


@pytest.fixture
def stage(at_vendor):
    return at_vendor("thaid")


def test_sign_in(stage):
    """Quirks 7 and 10: the person is known by name, under a key that is not the number, the same each time."""
    first, second = (stage.sign_in().json() for _ in range(2))
    assert first == second
    assert (first["provider"], first["name"], first["email"], first["preferred_username"]) == (
        "thaid",
        NAME,
        None,
        None,
    )
    assert len(first["sub"]) == 43
    assert NUMBER not in first["sub"]
    assert stage.sign_in("malee").json()["sub"] != first["sub"]


def test_told_by_issuer(at_vendor):
    """The issuer's own name leads to a ThaID that is played elsewhere, as the metadata's address does."""
    stage = at_vendor("thaid", without=("WELL_KNOWN_URL",), issuer="{issuer}")
    assert stage.sign_in().json()["name"] == NAME


def test_warm_sign_in_asks_once(stage):
    """Once metadata and keys are there a sign-in takes one request, the code's."""
    stage.sign_in()
    assert stage.requests_of(stage.sign_in) == {"token": 1}


def test_quirk_1_and_8_addresses(at_vendor):
    """Quirks 1 and 8: introspection is found without the document, at an address that ends in a slash."""
    stage = at_vendor("thaid", scope=FLAT)
    stage.sign_in()
    assert stage.requests_of(stage.sign_in) == {"token": 1, "introspection": 1}


@pytest.mark.parametrize("prefix", ["true", "false"])
def test_quirk_4_without_openid(at_vendor, prefix):
    """Quirk 4: without openid the person comes of introspection and flat claims, under the same key as with it."""
    signed = at_vendor("thaid")
    flat = at_vendor("thaid", at=signed, scope=FLAT, bearer_prefix=prefix)
    me = flat.sign_in().json()
    assert me["name"] == "สมชาย ตัวอย่าง"
    assert me["sub"] == signed.sign_in().json()["sub"]


@pytest.mark.parametrize("life", ["expires_in", "expire_in", "duration"])
def test_quirk_3_expiry(at_vendor, life):
    """Quirk 3: however the end is told, the tokens end in a quarter of an hour."""
    stage = at_vendor("thaid", dialect=thaid_dialect(life=life))
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    assert 880 < stage.session(visitor).tokens.expires_at - time.time() <= 900


def test_flat_beside_the_id_token(at_vendor):
    """Quirk 4: flat claims beside an ID token change nothing of what it says."""
    stage = at_vendor("thaid", dialect=thaid_dialect(flat_beside_id_token=True))
    assert stage.sign_in().json()["name"] == NAME


@pytest.mark.parametrize(("nonce", "signs_in"), [("required", False), ("tolerated", True)])
def test_quirk_11_nonce_that_is_not_echoed(at_vendor, nonce, signs_in):
    """Quirk 11: an ID token without nonce is refused, or tolerated by the switch."""
    stage = at_vendor("thaid", dialect=thaid_dialect(echoes_nonce=False), nonce=nonce)
    page = stage.sign_in()
    if signs_in:
        assert page.json()["name"] == NAME
    else:
        stage.assert_refused(page, code="id_token_nonce_missing", status=502)


@pytest.mark.parametrize("pkce", ["true", "false"])
def test_quirk_11_pkce(at_vendor, pkce):
    """Quirk 11: with a code challenge or without, the sign-in works."""
    stage = at_vendor("thaid", pkce=pkce)
    visitor = stage.visitor()
    sent = visitor.get(f"{ORIGIN}/me", stop_at="/api/v2/oauth2/auth/").headers["Location"]
    asked = parse_qs(urlsplit(sent).query)
    assert ("code_challenge" in asked) is (pkce == "true")
    assert stage.sign_in().json()["name"] == NAME


@pytest.mark.parametrize("raw", [True, False])
def test_basic(at_vendor, raw):
    """Id and secret with odd characters are accepted as they are, or encoded by the switch."""
    odd = {"client_id": "an+rp/=", "client_secret": "a%20secret+that/is=odd"}
    stage = at_vendor("thaid", dialect=thaid_dialect(raw_basic=raw), client=odd, raw_basic=str(raw).lower())
    assert stage.sign_in().json()["name"] == NAME


def test_posted_secret(at_vendor):
    """A client that is registered for it posts its secret."""
    stage = at_vendor("thaid", client={"token_endpoint_auth_method": "client_secret_post"})
    assert stage.sign_in().json()["name"] == NAME


def test_quirk_12_api_key(at_vendor, plant):
    """Quirk 12: a sign-in with an API key works, and the key is in no log."""
    plant("an-api-key-of-the-registration")
    assert at_vendor("thaid", api_key="an-api-key-of-the-registration").sign_in().json()["name"] == NAME


def test_quirk_6_rotated_keys(stage):
    """Quirk 6: a token that names a new key makes the set be fetched once more."""
    stage.sign_in()
    stage.idp.rotate_keys()
    assert stage.requests_of(stage.sign_in) == {"token": 1, "jwks": 1}


def test_quirk_13_cookies_stay_small(stage):
    """Quirk 13: with every claim the browser gets an id of the session, and no token."""
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    cookies = {name: value for name, value in visitor.cookies.items() if "idp" not in name}
    assert all(len(value) <= 64 for value in cookies.values())
    assert not any(secret in value for secret in stage.idp.secrets for value in cookies.values())


def test_quirk_15_label(at_vendor):
    """Quirk 15: pages call it ThaID."""
    stage = at_vendor("thaid")
    visitor = stage.visitor()
    page = visitor.submit(visitor.get(f"{ORIGIN}/me"), persona="nattha")
    assert "You, or ThaID, chose not to go on" in page.text


def test_sign_out(stage):
    """ThaID has no place to sign out at: ours ends, both tokens are revoked once the answer is there, and the next
    sign-in asks for the phone.
    """
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)

    def sign_out():
        page = visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
        assert page.url == f"{ORIGIN}/auth/signed-out"
        stage.wait_for_background()

    assert stage.requests_of(sign_out) == {"revocation": 2}
    assert not visitor.sessions()
    page = visitor.get(f"{ORIGIN}/me")
    assert page.url.startswith(stage.idp.issuer)
    assert "Confirm on the phone" in page.text


@pytest.mark.parametrize("denial", ["user_denied", "access_denied"])
@pytest.mark.parametrize("fields", [{"persona": "nattha"}, {"cancel": "1"}])
def test_the_person_says_no(at_vendor, caplog, denial, fields):
    """Quirk 9: who refuses gets a page that offers to start again; the log has ThaID's own code."""
    stage = at_vendor("thaid", dialect=thaid_dialect(denial=denial))
    visitor = stage.visitor()
    with caplog.at_level(logging.INFO, logger="signon"):
        page = visitor.submit(visitor.get(f"{ORIGIN}/me"), **fields)
    stage.assert_refused(page, code="access_denied", status=403)
    assert f"provider_error='{denial}'" in caplog.text
    again = visitor.get(ORIGIN + Markup(page.text).links[0])
    assert visitor.submit(again, persona="somchai").json()["name"] == NAME


def test_quirk_5_unregistered_scope(at_vendor):
    """Quirk 5: a scope without the right to it ends on ThaID's own page, with its code; fewer scopes go on."""
    client = {"scope": "openid name"}
    stage = at_vendor("thaid", client=client)
    page = stage.visitor().get(f"{ORIGIN}/me")
    assert page.status_code == 400
    assert page.url.startswith(stage.idp.issuer)
    assert "<code>invalid_scope</code>" in page.text
    assert at_vendor("thaid", client=client, scope="openid name").sign_in().json()["name"] == NAME


def test_wrong_redirect_address(at_vendor):
    """An address that is not registered letter by letter ends on ThaID's own page, and nothing is sent to it."""
    stage = at_vendor("thaid", client={"redirect_uris": ("http://localhost:5000/auth/callback/thaid/",)})
    page = stage.visitor().get(f"{ORIGIN}/me")
    assert page.status_code == 400
    assert "<code>invalid_request</code>" in page.text
    assert "redirect or callback url mismatch" in page.text


def test_wrong_secret(at_vendor, caplog):
    """A wrong secret is the operator's: the page says so, the log has ThaID's code and what to check."""
    stage = at_vendor("thaid", client_secret="another-secret-than-is-registered")
    stage.assert_refused(stage.sign_in(), code="token_invalid_client", status=502)
    assert "401 invalid_client" in caplog.text
    assert "check its client id, its secret" in caplog.text


def test_reused_code(stage, caplog):
    """Quirk 9: a code that was redeemed before is a duplicate request; the page says to start again."""
    visitor = stage.visitor()
    answer = stage.answer(visitor)
    (code,) = parse_qs(urlsplit(answer).query)["code"]
    stage.idp.state.codes.get(code).used = True
    stage.assert_refused(visitor.get(answer), code="token_invalid_grant", status=502)
    assert "400 duplicate_request" in caplog.text or "provider_error='duplicate_request'" in caplog.text


def test_expired_code(stage, caplog):
    """Quirk 9: ThaID calls an expired code an invalid request; the page says that it took too long."""
    visitor = stage.visitor()
    answer = stage.answer(visitor)
    stage.later(61)
    page = visitor.get(answer)
    stage.assert_refused(page, code="token_invalid_grant", status=502)
    assert "That took too long" in page.text
    assert "'Invalid Authorization Code'" in caplog.text


def test_wrong_check_digit(at_vendor):
    """A number with a wrong check digit signs nobody in, signed or flat."""
    wrong = replace(THAID.personas[0], claims={**THAID.personas[0].claims, "pid": "9103700001235"})
    dialect = replace(THAID, personas=(wrong,))
    stage = at_vendor("thaid", dialect=dialect)
    stage.assert_refused(stage.sign_in(), code="id_token_pid", status=502)
    stage = at_vendor("thaid", dialect=dialect, scope=FLAT)
    stage.assert_refused(stage.sign_in(), code="token_pid_invalid", status=502)


def test_no_identity(at_vendor, caplog):
    """Where neither introspection nor a pid says who it is, that is the operator's to mend."""
    dialect = replace(THAID, introspection_members=lambda _members, _scene: {"active": True})
    stage = at_vendor("thaid", dialect=dialect, scope="name")
    stage.assert_refused(stage.sign_in(), code="identity_missing", status=502)
    assert "ask for openid, or for pid" in caplog.text


def test_number_is_nowhere(at_vendor, tmp_path, caplog):
    """Quirk 7: the number is in no page, address, header, cookie or error, in no log and not in the store."""
    caplog.set_level(logging.DEBUG)
    stages = [at_vendor("thaid"), at_vendor("thaid", scope=FLAT)]
    for stage, fault in zip(stages, ("id_token_wrong_aud", "token_no_type"), strict=True):
        visitor = stage.visitor()
        stage.sign_in(visitor=visitor)
        visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
        stage.sign_in(visitor=visitor)
        with stage.idp.fault(fault):
            assert code_of(stage.sign_in())
    seen = "\n".join(page for stage in stages for page in stage.pages)
    assert len(seen) > 10_000, "it must be looked for in something"
    assert NUMBER not in seen
    assert NUMBER not in caplog.text
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if NUMBER.encode() in file.read_bytes()]
