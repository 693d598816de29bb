"""Whole sign-ins with sgID, with no browser, by the environment's names alone."""

import logging
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.journeys.visitor import Markup
from tests.vendors.vendor_stage import ORIGIN, code_of

from signon_idp import practice_key
from signon_idp.dialects.sgid import SCOPES, SGID, sgid_dialect

EVERYTHING = " ".join(SCOPES)
IDENTITY_NUMBER = "S9012345I"


@pytest.fixture
def stage(at_vendor):
    return at_vendor("sgid")


def person_of(stage, visitor):
    """The vendor's own fields of the person in this visitor's session."""
    provider = stage.app.extensions["signon"].party.providers["sgid"]
    return provider.to_vendor(stage.session(visitor).login.claims)


def test_sign_in(stage):
    """The person is known by the name that was encrypted to us, under a subject of this client's own."""
    first, second = (stage.sign_in().json() for _ in range(2))
    assert first == second
    assert (first["provider"], first["name"], first["email"]) == ("sgid", "TAN MEI LIN", None)
    assert first["sub"].startswith("u=")
    assert stage.sign_in("hafiz").json()["sub"] != first["sub"]


def test_requests(stage):
    """A cold sign-in asks for no document; a warm one takes two requests, the code's and userinfo's."""
    assert stage.requests_of(stage.sign_in) == {"token": 1, "jwks": 1, "userinfo": 1}
    assert stage.requests_of(stage.sign_in) == {"token": 1, "userinfo": 1}


def test_openid_alone(at_vendor):
    """With openid alone no private key is needed, and one request is enough."""
    stage = at_vendor("sgid", without=("PRIVATE_KEY",), scope="openid")
    stage.sign_in()
    assert stage.requests_of(stage.sign_in) == {"token": 1}
    assert stage.sign_in().json()["name"] is None


@pytest.mark.parametrize("form", ["pem", "one line", "file"])
def test_private_key(at_vendor, tmp_path, form):
    """The key may be PEM, on one line, or in a file."""
    file = tmp_path / "key.pem"
    file.write_text(practice_key.private_pem())
    pem = practice_key.private_pem()
    key = {"pem": pem, "one line": pem.replace("\n", "\\n"), "file": str(file)}[form]
    assert at_vendor("sgid", private_key=key).sign_in().json()["name"] == "TAN MEI LIN"


def test_every_field(at_vendor):
    """With every scope the fields are typed: an address's lines, vehicles, partial dates, posts; NA is nothing."""
    stage = at_vendor("sgid", scope=EVERYTHING)
    visitor = stage.visitor()
    assert stage.sign_in("hafiz", visitor=visitor).json()["email"] == "Hafiz.Rahman@people.example"
    person = person_of(stage, visitor)
    assert len(person.employments) == 3
    assert person.employments[2].work_email is None
    assert person.employments[2].agency_name == "Agency Three"
    assert person.registered_address == ("7 SAMPLE AVENUE", "SINGAPORE 654321")
    assert (person.vehicles, person.mobile_number) == ((), None)
    assert person.sponsored_child_records[0]["date_of_birth"] == "2016-04"
    assert person.others == {"myinfo.sex": "MALE", "myinfo.race": "MALAY"}


@pytest.mark.parametrize(("allowed", "signs_in"), [("true", True), ("false", False)])
def test_recipe_b(at_vendor, allowed, signs_in):
    """MockPass's way of encrypting is opened where it is allowed, and else refused."""
    stage = at_vendor("sgid", dialect=sgid_dialect(recipe="B"), allow_rsa_oaep=allowed)
    page = stage.sign_in()
    if signs_in:
        assert page.json()["name"] == "TAN MEI LIN"
    else:
        stage.assert_refused(page, code="userinfo_encryption_alg", status=502)


@pytest.mark.parametrize("name", ["陳美玲", "Zoë Ñandú"])
def test_quirk_4_names_beyond_ascii(at_vendor, name):
    """Quirk 4: whatever letters a name has, it arrives."""
    first = replace(SGID.personas[0], claims={"name": name, "myinfo.name": name})
    stage = at_vendor("sgid", dialect=replace(SGID, personas=(first,)))
    assert stage.sign_in().json()["name"] == name


def test_quirk_5_empty_value(at_vendor):
    """Quirk 5: an empty name is no name, and the sign-in works."""
    first = replace(SGID.personas[0], claims={"name": "-", "myinfo.name": ""})
    stage = at_vendor("sgid", dialect=replace(SGID, personas=(first,)))
    assert stage.sign_in().json()["name"] is None


def test_quirk_1_nonces(stage):
    """Quirk 1: each sign-in of the process has a nonce of its own."""
    nonces = set()
    for _ in range(5):
        sent = stage.visitor().get(f"{ORIGIN}/me", stop_at="/oauth/authorize").headers["Location"]
        nonces.update(parse_qs(urlsplit(sent).query)["nonce"])
    assert len(nonces) == 5


def test_quirk_3_any_payload(at_vendor):
    """Quirk 3: a payload that needs the URL-safe alphabet is read as well."""
    dialect = replace(
        SGID, id_token_draft=lambda token: replace(token, payload=token.payload[:-1] + b',"x":"~~~???>>>"}')
    )
    stage = at_vendor("sgid", dialect=dialect)
    assert stage.sign_in().json()["name"] == "TAN MEI LIN"


def test_other_key(at_vendor):
    """Fields that are encrypted to another key are refused; the page says that the answer can't be trusted."""
    from jwcrypto.jwk import JWK

    other = JWK.generate(kty="RSA", size=2048).export_to_pem(private_key=True, password=None).decode()
    stage = at_vendor("sgid", private_key=other)
    stage.assert_refused(stage.sign_in(), code="userinfo_decryption", status=502)


def test_sign_out(stage):
    """There is nothing to sign out of at sgID: ours ends without a request, and the next asks for the phone."""
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)

    def sign_out():
        page = visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
        assert page.url == f"{ORIGIN}/auth/signed-out"
        stage.wait_for_background()

    assert not stage.requests_of(sign_out)
    assert not visitor.sessions()
    page = visitor.get(f"{ORIGIN}/me")
    assert page.url.startswith(stage.idp.issuer)
    assert "Confirm on the phone" in page.text


@pytest.mark.parametrize("fields", [{"persona": "faridah"}, {"cancel": "1"}])
def test_quirk_6_the_person_says_no(stage, caplog, fields):
    """Quirk 6: an error in the answer's address is a page that offers to start again, and the log has the code."""
    visitor = stage.visitor()
    with caplog.at_level(logging.INFO, logger="signon"):
        page = visitor.submit(visitor.get(f"{ORIGIN}/me"), **fields)
    stage.assert_refused(page, code="access_denied", status=403)
    assert "provider_error='access_denied'" in caplog.text
    again = visitor.get(ORIGIN + Markup(page.text).links[0])
    assert visitor.submit(again, persona="meilin").json()["name"] == "TAN MEI LIN"


def test_quirk_6_an_endpoint_that_fails(stage):
    """Quirk 6: an endpoint that fails is a page that says to try again later, within the deadline."""
    with stage.idp.fault("userinfo_500"):
        page = stage.sign_in()
    stage.assert_refused(page, code="userinfo_server_error", status=503)
    assert page.headers["Retry-After"]


@pytest.mark.parametrize("unapproved", ["refused", "dropped"])
def test_unapproved_scope(at_vendor, unapproved):
    """A scope that was not approved ends on sgID's own page with its code, or is left out, as it is told."""
    client = {"scope": "openid myinfo.name"}
    dialect = sgid_dialect(unapproved=unapproved)
    stage = at_vendor("sgid", dialect=dialect, client=client, scope="openid myinfo.name myinfo.email")
    page = stage.visitor().get(f"{ORIGIN}/me")
    if unapproved == "refused":
        assert page.status_code == 400
        assert page.url.startswith(stage.idp.issuer)
        assert "<code>invalid_scope</code>" in page.text
    else:
        assert stage.sign_in().json()["name"] == "TAN MEI LIN"


def test_wrong_redirect_address(at_vendor):
    """An address that is not registered ends on sgID's own page, and nothing is sent to it."""
    stage = at_vendor("sgid", client={"redirect_uris": ("http://localhost:5000/elsewhere",)})
    page = stage.visitor().get(f"{ORIGIN}/me")
    assert page.status_code == 400
    assert "<code>redirect_uri_mismatch</code>" in page.text


@pytest.mark.parametrize(
    ("errors", "code", "logged"),
    [
        ("standard", "token_invalid_client", "401 invalid_client"),
        ("message", "token_refused", "provider_error='message' 'wrong client secret'"),
    ],
)
def test_wrong_secret(at_vendor, caplog, errors, code, logged):
    """A wrong secret is the operator's where sgID says so, and else quoted; the log has what it said."""
    stage = at_vendor("sgid", dialect=sgid_dialect(errors=errors), client_secret="another-secret")
    stage.assert_refused(stage.sign_in(), code=code, status=502)
    assert logged in caplog.text


CODES = [
    ("standard", "token_invalid_grant", "provider_error='invalid_grant'"),
    ("message", "token_refused", "provider_error='message'"),
]


@pytest.mark.parametrize(("errors", "code", "logged"), CODES)
def test_reused_code(at_vendor, caplog, errors, code, logged):
    """A code that was redeemed before signs nobody in, whichever way sgID tells it."""
    stage = at_vendor("sgid", dialect=sgid_dialect(errors=errors))
    visitor = stage.visitor()
    answer = stage.answer(visitor)
    (used,) = parse_qs(urlsplit(answer).query)["code"]
    stage.idp.state.codes.get(used).used = True
    stage.assert_refused(visitor.get(answer), code=code, status=502)
    assert f"{logged} 'the code was used before" in caplog.text


@pytest.mark.parametrize(("errors", "code", "logged"), CODES)
def test_expired_code(at_vendor, caplog, errors, code, logged):
    """Nor does a code that is too old."""
    stage = at_vendor("sgid", dialect=sgid_dialect(errors=errors))
    visitor = stage.visitor()
    answer = stage.answer(visitor)
    stage.later(301)
    stage.assert_refused(visitor.get(answer), code=code, status=502)
    assert f"{logged} 'the code has expired'" in caplog.text


def test_identity_number_is_nowhere(at_vendor, tmp_path, caplog):
    """An identity number that was asked for is in no page, address, cookie, error or log, nor in the store."""
    caplog.set_level(logging.DEBUG)
    stage = at_vendor("sgid", scope="openid myinfo.name myinfo.nric_number")
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    assert person_of(stage, visitor).nric_number == IDENTITY_NUMBER, "and yet it is there"
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    with stage.idp.fault("userinfo_wrong_sub"):
        assert code_of(stage.sign_in())
    stage.sign_in(visitor=visitor)
    assert IDENTITY_NUMBER not in "\n".join(stage.pages)
    assert IDENTITY_NUMBER not in caplog.text
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if IDENTITY_NUMBER.encode() in file.read_bytes()]
