"""Whole sign-ins with PingOne, with no browser, by the environment's names alone."""

import logging
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from jwcrypto.jwk import JWK
from tests.journeys.visitor import Markup
from tests.vendors.vendor_stage import ORIGIN, code_of

from signon_idp.dialects.pingone import (
    PINGONE,
    PINGONE_OF_2023,
    PINGONE_ON_ITS_OWN_DOMAIN,
    PINGONE_UNTYPED,
)
from signon_idp.dialects.pingone_people import ENVIRONMENT_ID, ORGANIZATION_ID

MIA = {
    "provider": "pingone",
    "sub": "7d0f0a6e-4d2f-4f5e-8a37-62f1d3f60a11",
    "name": "Mia Kern",
    "preferred_username": "mia",
    "email": "mia@people.example",
}
KEYS = {
    "RSA": JWK.generate(kty="RSA", size=2048),
    "EC": JWK.generate(kty="EC", crv="P-256"),
}


@pytest.fixture
def stage(at_vendor):
    return at_vendor("pingone")


def session_of(stage, visitor):
    party = stage.app.extensions["signon"].party
    (name,) = visitor.sessions()
    return party.sessions.load(visitor.cookies[name], now=time.time())


def person_of(stage, visitor):
    provider = stage.app.extensions["signon"].party.providers["pingone"]
    return provider.to_vendor(session_of(stage, visitor).login.claims)


def sign_out(visitor):
    return visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))


def test_sign_in(stage):
    """Everybody gets in: with a Thai name and no e-mail address, with three hundred groups."""
    assert stage.sign_in().json() == MIA
    arun = stage.sign_in("arun").json()
    assert (arun["name"], arun["email"]) == ("อรุณ รุ่งเรือง", None)
    visitor = stage.visitor()
    assert stage.sign_in("grace", visitor=visitor).json()["preferred_username"] == "grace"
    assert len(person_of(stage, visitor).groups) == 300
    assert all(len(value) < 200 for name, value in visitor.cookies.items() if "idp" not in name)


def test_warm_sign_in_asks_once(stage):
    """Once metadata and keys are there a sign-in takes one request, the code's."""
    stage.sign_in()
    assert stage.requests_of(stage.sign_in) == {"token": 1}


def test_quirk_1_custom_domain(at_vendor):
    """Quirk 1: a custom domain's issuer, without an environment in it, signs in and out."""
    stage = at_vendor("pingone", dialect=PINGONE_ON_ITS_OWN_DOMAIN)
    assert stage.idp.issuer.endswith("/as")
    assert ENVIRONMENT_ID not in stage.idp.issuer
    visitor = stage.visitor()
    assert stage.sign_in(visitor=visitor).json() == MIA
    assert sign_out(visitor).url == f"{ORIGIN}/auth/signed-out"


def test_quirk_1_by_custom_domain_setting(at_vendor):
    """Quirk 1: the same by the domain's own setting, in place of the issuer."""
    stage = at_vendor("pingone", dialect=PINGONE_ON_ITS_OWN_DOMAIN)
    again = at_vendor(
        "pingone", dialect=PINGONE_ON_ITS_OWN_DOMAIN, without=("ISSUER",), custom_domain=stage.idp.origin
    )
    provider = again.app.extensions["signon"].party.providers["pingone"]
    assert provider.issuer == stage.idp.issuer


@pytest.mark.parametrize("asked", ["Multi_Factor", "Multi_Factor Single_Factor"])
def test_quirk_3_policies(at_vendor, asked):
    """Quirk 3: sign-on policies are asked for by name, and the answer's must be one of them."""
    stage = at_vendor("pingone", acr_values=asked)
    visitor = stage.visitor()
    assert stage.sign_in(visitor=visitor).json() == MIA
    assert session_of(stage, visitor).login.acr == "Multi_Factor"


def test_quirk_3_another_policy(at_vendor):
    """Quirk 3: an answer by another policy than was asked for signs nobody in."""
    usual = PINGONE.id_token_claims
    dialect = replace(PINGONE, id_token_claims=lambda c, scene: {**usual(c, scene), "acr": "Single_Factor"})
    stage = at_vendor("pingone", dialect=dialect, acr_values="Multi_Factor")
    stage.assert_refused(stage.sign_in(), code="id_token_acr", status=502)


def test_quirk_3_unknown_policy(at_vendor, caplog):
    """Quirk 3: a policy that the application doesn't have ends on a page, the vendor's code in the log."""
    stage = at_vendor("pingone", acr_values="Nosuch")
    stage.assert_refused(stage.visitor().get(f"{ORIGIN}/me"), code="provider_refused", status=502)
    assert "provider_error='invalid_request'" in caplog.text


def test_quirk_4_user_id(stage):
    """Quirk 4: the verified ID token has the user's id, also where a mapping has changed the subject."""
    visitor = stage.visitor()
    stage.sign_in("sam", visitor=visitor)
    person = person_of(stage, visitor)
    assert (person.user_id, person.environment_id, person.organization_id) == (
        "c9e1d7a5-2f3b-4c6d-8e9f-0a1b2c3d4e5f",
        ENVIRONMENT_ID,
        ORGANIZATION_ID,
    )


@pytest.mark.parametrize("dialect", [PINGONE, PINGONE_UNTYPED], ids=["at+jwt", "JWT"])
def test_quirk_6_access_tokens(at_vendor, dialect):
    """Quirk 6: whatever the access token's header says, it is kept as it came."""
    assert at_vendor("pingone", dialect=dialect).sign_in().json() == MIA


def test_quirk_6_rotated_keys(stage):
    """Quirk 6: keys change without notice: the set is fetched once more and the sign-in goes on."""
    stage.sign_in()
    stage.idp.rotate_keys()
    assert stage.requests_of(stage.sign_in) == {"token": 1, "jwks": 1}


def test_quirk_6_id_token_is_no_access_token(at_vendor):
    """Quirk 6: an access token in the ID token's place, which says that it is one, signs nobody in."""
    usual = PINGONE.token_members
    dialect = replace(PINGONE, token_members=lambda m, scene: {**usual(m, scene), "id_token": m["access_token"]})
    stage = at_vendor("pingone", dialect=dialect)
    stage.assert_refused(stage.sign_in(), code="id_token_typ", status=502)


METHODS = {
    "basic": ({"token_endpoint_auth_method": "client_secret_basic"}, {}),
    "basic, unset": ({"token_endpoint_auth_method": "client_secret_basic"}, {"client_auth": ""}),
    "post": ({"token_endpoint_auth_method": "client_secret_post"}, {}),
    "secret": ({"token_endpoint_auth_method": "client_secret_jwt"}, {}),
    "none": ({"token_endpoint_auth_method": "none", "client_secret": None}, {}),
}


@pytest.mark.parametrize("par", ["true", "false"])
@pytest.mark.parametrize("name", METHODS)
def test_client_authentication(at_vendor, name, par):
    """Each registered way signs in, and it alone, at the token endpoint and for pushed requests."""
    client, keywords = METHODS[name]
    assert at_vendor("pingone", client=client, par=par, **keywords).sign_in().json() == MIA


@pytest.mark.parametrize("par", ["true", "false"])
@pytest.mark.parametrize("kind", KEYS)
def test_private_key_jwt(at_vendor, kind, par):
    """A key of either kind signs in; our own JWKS shows its public half alone."""
    jwk = KEYS[kind]
    pem = jwk.export_to_pem(private_key=True, password=None).decode()
    client = {
        "token_endpoint_auth_method": "private_key_jwt",
        "client_secret": None,
        "jwks": {"keys": [{**jwk.export_public(as_dict=True), "kid": jwk.thumbprint()}]},
    }
    stage = at_vendor("pingone", client=client, par=par, private_key=pem.replace("\n", "\\n"))
    assert stage.sign_in().json() == MIA
    (shown,) = stage.visitor().get(f"{ORIGIN}/auth/jwks.json").json()["keys"]
    assert shown["kid"] == jwk.thumbprint()
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(shown)


@pytest.mark.parametrize("hint", ["true", "false"])
@pytest.mark.parametrize("client_id", ["true", "false"])
def test_sign_out(at_vendor, hint, client_id):
    """By signoff the vendor's session ends, with hint and client_id or without; the next sign-in asks again."""
    stage = at_vendor("pingone", logout_sends_hint=hint, logout_sends_client_id=client_id)
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    stage.pages.clear()
    assert sign_out(visitor).url == f"{ORIGIN}/auth/signed-out"
    (address,) = [page.split("\n")[0] for page in stage.pages if "/as/signoff" in page.split("\n")[0]]
    query = parse_qs(urlsplit(address).query)
    assert ("id_token_hint" in query, "client_id" in query) == (hint == "true", client_id == "true")
    assert not visitor.sessions()
    assert 'name="persona"' in visitor.get(f"{ORIGIN}/me").text


def test_sign_out_at_the_provider_behind(at_vendor):
    """With idp_signoff people leave by that, and come back; where the application may not, the vendor says so."""
    for client in ({}, {"idp_signoff": False}):
        stage = at_vendor("pingone", idp_signoff="true", client=client)
        visitor = stage.visitor()
        stage.sign_in(visitor=visitor)
        page = sign_out(visitor)
        assert stage.idp.calls["idp_signoff"] == 1
        assert not visitor.sessions()
        if client:
            assert (page.status_code, "REQUEST_FAILED" in page.text) == (400, True)
        else:
            assert page.url.startswith(f"{ORIGIN}/auth/signed-out")
            assert 'name="persona"' in visitor.get(f"{ORIGIN}/me").text


def test_sign_out_with_a_long_token(stage):
    """An ID token that is too long for an address is left out, and the sign-out works all the same."""
    visitor = stage.visitor()
    stage.sign_in("grace", visitor=visitor)
    assert sign_out(visitor).url == f"{ORIGIN}/auth/signed-out"
    assert 'name="persona"' in visitor.get(f"{ORIGIN}/me").text


@pytest.mark.parametrize(
    ("dialect", "hint"), [(PINGONE, "true"), (PINGONE_OF_2023, "true"), (PINGONE_OF_2023, "false")]
)
def test_sign_out_with_an_expired_hint(at_vendor, dialect, hint):
    """With an expired hint our session ends whatever the vendor does; a switch leaves the hint out."""
    stage = at_vendor("pingone", dialect=dialect, logout_sends_hint=hint)
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    stage.later(3601)
    page = sign_out(visitor)
    assert not visitor.sessions()
    if dialect is PINGONE_OF_2023 and hint == "true":
        assert (page.status_code, "INVALID_DATA" in page.text) == (400, True)
    else:
        assert page.url == f"{ORIGIN}/auth/signed-out"


@pytest.mark.parametrize("fields", [{"persona": "nadia"}, {"cancel": "1"}])
def test_the_person_says_no(stage, caplog, fields):
    """Who refuses, or is refused by a policy, gets a page to start again from; the log has the vendor's code."""
    visitor = stage.visitor()
    with caplog.at_level(logging.INFO, logger="signon"):
        page = visitor.submit(visitor.get(f"{ORIGIN}/me"), **fields)
    stage.assert_refused(page, code="access_denied", status=403)
    assert "provider_error='access_denied'" in caplog.text
    again = visitor.get(ORIGIN + Markup(page.text).links[0])
    assert visitor.submit(again, persona="mia").json() == MIA


def test_unknown_scope(at_vendor):
    """A scope that is granted to nobody is left out, and people get in with the rest."""
    stage = at_vendor("pingone", scope="openid profile email p1:read:userPassword nosuch")
    visitor = stage.visitor()
    assert stage.sign_in(visitor=visitor).json() == MIA
    assert session_of(stage, visitor).tokens.scope == ("openid", "profile", "email", "p1:read:userPassword")


def test_wrong_redirect_address(at_vendor):
    """An address that is not registered ends on the vendor's own page, with the platform's code."""
    stage = at_vendor("pingone", client={"redirect_uris": ("http://localhost:8080/callback1",)})
    page = stage.visitor().get(f"{ORIGIN}/me")
    assert (page.status_code, "INVALID_DATA" in page.text) == (400, True)


@pytest.mark.parametrize("par", ["true", "false"])
def test_wrong_secret(at_vendor, caplog, par):
    """A wrong secret is the operator's, at either endpoint; a refused pushed request is not sent plainly."""
    stage = at_vendor("pingone", client_secret="another-secret-than-is-registered", par=par)
    visitor = stage.visitor()
    page = visitor.get(f"{ORIGIN}/me") if par == "true" else stage.sign_in(visitor=visitor)
    document = "par" if par == "true" else "token"
    stage.assert_refused(page, code=f"{document}_invalid_client", status=502)
    assert "401 invalid_client" in caplog.text
    assert (stage.idp.calls["authorize"] == 0) is (par == "true")


def test_another_method_than_registered(at_vendor, caplog):
    """A secret sent in another way than is registered is refused, and never sent a second time."""
    stage = at_vendor("pingone", client_auth="client_secret_post")
    stage.assert_refused(stage.sign_in(), code="token_invalid_client", status=502)
    assert stage.idp.calls["token"] == 1
    assert "client_secret_post is what was registered" in caplog.text


@pytest.mark.parametrize("kind", ["used", "expired"])
def test_code_that_is_good_no_more(stage, caplog, kind):
    """A code that was used or is too old ends on a page that says to start again."""
    visitor = stage.visitor()
    answer = stage.answer(visitor)
    (code,) = parse_qs(urlsplit(answer).query)["code"]
    if kind == "used":
        stage.idp.state.codes.get(code).used = True
    else:
        stage.later(61)
    page = visitor.get(answer)
    stage.assert_refused(page, code="token_invalid_grant", status=502)
    assert "provider_error='invalid_grant'" in caplog.text
    assert code_of(page) == "token_invalid_grant"
