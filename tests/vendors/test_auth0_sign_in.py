"""Whole sign-ins with Auth0, with no browser, by the environment's names alone."""

import logging
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from jwcrypto.jwk import JWK
from tests.journeys.visitor import Markup, Visitor
from tests.vendors.vendor_stage import ORIGIN, code_of

from signon.flask import (
    current_login,
    current_user,
    fresh_login_required,
    login_required,
    send_password_mail,
    step_up,
)
from signon.service.saving import TokensEnded
from signon_idp.dialects.auth0 import AUTH0, AUTH0_OF_OLD, AUTH0_RFC9068, MULTI_FACTOR
from signon_idp.dialects.auth0_organizations import INVITATION

MIA = {
    "provider": "auth0",
    "sub": "auth0|66b1f0c2a7",
    "name": "Mia Kern",
    "preferred_username": None,
    "email": "mia@people.example",
}
API = "https://api.acme.example/"


@pytest.fixture
def stage(at_vendor):
    return at_vendor("auth0")


def session_of(stage, visitor):
    party = stage.app.extensions["signon"].party
    (name,) = visitor.sessions()
    return party.sessions.load(visitor.cookies[name], now=time.time())


def sign_out(visitor):
    return visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))


def asked_for(stage, path: str = "/me") -> dict[str, str]:
    """The parameters that a visitor carries to the vendor."""
    address = stage.visitor().get(f"{ORIGIN}{path}", stop_at="/authorize").headers["Location"]
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def test_sign_in(stage):
    """Everybody gets in: a subject with a bar, a Thai name by a social connection, nobody's e-mail address."""
    assert stage.sign_in().json() == MIA
    assert stage.sign_in("tan").json()["name"] == "ธันวา แสงดี"
    assert stage.sign_in("kit").json()["sub"] == "waad|Zx-9_kit|0001"
    assert stage.sign_in("lee").json()["email"] is None


def test_quirk_1_domain(at_vendor, load_minimal):
    """Quirk 1: the domain may have a slash or none; the issuer has one, and tokens are of exactly that."""
    stage = at_vendor("auth0")
    told = stage.idp.dialect.settings(stage.idp.issuer, stage.client)
    for domain in (stage.idp.origin, f"{stage.idp.origin}/"):
        settings = {f"AUTH0_{key}": value for key, value in {**told, "DOMAIN": domain}.items()}
        stage.app = load_minimal(SIGNON_PROVIDERS="auth0", **settings)
        assert stage.sign_in().json() == MIA
    assert stage.idp.issuer.endswith("/")


def test_warm_sign_in_asks_once(stage):
    """Once metadata and keys are there a sign-in takes one request, the code's."""
    stage.sign_in()
    assert stage.requests_of(stage.sign_in) == {"token": 1}


@pytest.mark.parametrize("dialect", [AUTH0, AUTH0_RFC9068], ids=["auth0 profile", "RFC 9068 profile"])
@pytest.mark.parametrize("audience", [None, API])
def test_quirk_2_access_tokens(at_vendor, dialect, audience):
    """Quirk 2: opaque or a JWT, in either profile, the access token is kept as it came and never looked into."""
    keywords = {} if audience is None else {"audience": audience}
    stage = at_vendor("auth0", dialect=dialect, **keywords)
    visitor = stage.visitor()
    assert stage.sign_in(visitor=visitor).json() == MIA
    token = session_of(stage, visitor).tokens.access_token.reveal()
    assert token.count(".") == (0 if audience is None else 2)


@pytest.mark.parametrize(
    ("dialect", "logout", "path"),
    [
        (AUTH0, "auto", "/oidc/logout"),
        (AUTH0, "oidc", "/oidc/logout"),
        (AUTH0, "v2", "/v2/logout"),
        (AUTH0_OF_OLD, "auto", "/v2/logout"),
        (AUTH0_OF_OLD, "v2", "/v2/logout"),
    ],
)
def test_quirks_3_and_4_sign_out(at_vendor, dialect, logout, path):
    """Quirks 3 and 4: by either sign-out the vendor's session ends, and the next sign-in asks again."""
    stage = at_vendor("auth0", dialect=dialect, logout=logout)
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    stage.pages.clear()
    gone = sign_out(visitor)
    assert gone.url.split("?")[0] == f"{ORIGIN}/auth/signed-out"
    assert any(urlsplit(page.split("\n")[0]).path == path for page in stage.pages)
    assert not visitor.sessions()
    assert 'name="persona"' in visitor.get(f"{ORIGIN}/me").text


@pytest.mark.parametrize(("logout", "path"), [("oidc", "/oidc/logout"), ("v2", "/v2/logout")])
def test_sign_out_upstream(at_vendor, logout, path):
    """With `federated` either sign-out is told so, and the browser comes back all the same."""
    stage = at_vendor("auth0", logout=logout, federated="true")
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    stage.pages.clear()
    assert sign_out(visitor).url.split("?")[0] == f"{ORIGIN}/auth/signed-out"
    (asked,) = [page.split("\n")[0] for page in stage.pages if urlsplit(page.split("\n")[0]).path == path]
    assert parse_qs(urlsplit(asked).query)["federated"] == ["true"]


@pytest.mark.parametrize("names", ["sid", "sub", "both"])
def test_logout_token(stage, names):
    """The vendor's own logout token, a JWT by `typ` with claims of its own, ends the session; once."""
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    (session,) = [session for _, session in stage.idp.state.sessions.entries()]
    about = {"sid": session.sid, "sub": session.persona.sub}
    given = about if names == "both" else {names: about[names]}
    token = stage.idp.backchannel_logout_token(stage.client.client_id, **given)
    vendor = Visitor((ORIGIN, stage.app))
    told = f"{ORIGIN}/auth/backchannel-logout/auth0"
    assert vendor.post(told, {"logout_token": token}).status_code == 200
    assert visitor.get(f"{ORIGIN}/me", Accept="application/json").status_code == 401
    replay = vendor.post(told, {"logout_token": token})
    assert (replay.status_code, code_of(replay)) == (400, "logout_replayed")


def test_sign_out_without_a_place(at_vendor):
    """With the standard's sign-out alone, at a tenant that lists none, only ours ends: silent sign-in goes on."""
    stage = at_vendor("auth0", dialect=AUTH0_OF_OLD, logout="oidc")
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    sign_out(visitor)
    assert visitor.get(f"{ORIGIN}/me").json() == MIA


def test_quirk_5_other_issuer(at_vendor, load_minimal):
    """Quirk 5: tokens of the tenant's other domain are of another issuer, and sign nobody in."""
    stage = at_vendor("auth0", dialect=replace(AUTH0, id_token_claims=_canonical))
    stage.assert_refused(stage.sign_in(), code="id_token_iss", status=502)


def _canonical(claims, scene):
    return {**AUTH0.id_token_claims(claims, scene), "iss": "https://acme-demo.us.auth0.com/"}


def test_quirk_6_callback_without_a_sign_in(stage):
    """Quirk 6: who arrives at the callback by a bookmark or a mail gets a page that starts a sign-in."""
    page = stage.visitor().get(f"{ORIGIN}/auth/callback/auth0")
    assert (page.status_code, code_of(page)) == (400, "state_missing")
    assert Markup(page.text).links
    page = stage.visitor().get(f"{ORIGIN}/auth/callback/auth0?code=abc&state=made-up")
    assert (page.status_code, code_of(page)) == (400, "state_unknown")


def test_quirk_7_sign_out_without_a_session(at_vendor):
    """Quirk 7: after a denial the vendor's session can be ended with no session of ours."""
    stage = at_vendor("auth0", organization="org_8kQ2", logout="v2")
    visitor = stage.visitor()
    denied = stage.sign_in("lee", visitor=visitor)
    stage.assert_refused(denied, code="access_denied", status=403)
    again = visitor.get(ORIGIN + Markup(denied.text).links[0])
    assert code_of(again) == "access_denied", "the vendor still knows the person and asks nobody"
    page = visitor.get(ORIGIN + Markup(again.text).links[1])
    assert "you may still be at Auth0" in page.text
    visitor.submit(page)
    assert 'name="persona"' in visitor.get(f"{ORIGIN}/me").text, "now it does"


def test_quirk_8_invitation(stage):
    """Quirk 8: an invitation's link leads through the login route to the organization that invites."""
    address = (
        f"{ORIGIN}/auth/login/auth0?next=/me&invitation={INVITATION}&organization=org_8kQ2&organization_name=acme"
    )
    visitor = stage.visitor()
    page = visitor.get(address)
    assert visitor.submit(page, persona="lee").json()["sub"] == "sms|77aa01"
    assert session_of(stage, visitor).login.claims["org_id"] == "org_8kQ2"
    sent = stage.visitor().get(f"{address}&connection=x&audience=y&next=/", stop_at="/authorize")
    query = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert not {"connection", "audience", "next"} & set(query), "nothing else of a link goes on"


def test_invitation_that_is_taken_up_later(stage):
    """Who breaks off after an invitation's link, or is denied, starts again with the invitation."""
    visitor = stage.visitor()
    page = visitor.get(f"{ORIGIN}/auth/login/auth0?next=/me&invitation={INVITATION}&organization=org_8kQ2&x=y")
    denied = visitor.submit(page, cancel="1")
    stage.assert_refused(denied, code="access_denied", status=403)
    page = visitor.get(ORIGIN + Markup(denied.text).links[0])
    assert visitor.submit(page, persona="lee").json()["sub"] == "sms|77aa01"
    assert session_of(stage, visitor).login.claims["org_id"] == "org_8kQ2"


def add_pages(app):
    """Pages that want more than a sign-in, and say the organization."""

    def who():
        return current_user.vendor.organization_name or "none"

    def ended():
        if current_login.signed_in_at < time.time() - 60:
            raise TokensEnded("tokens_ended", "said by the test")
        return who()

    app.add_url_rule("/recent", "recent", fresh_login_required(max_age_seconds=300)(who))
    app.add_url_rule("/strong", "strong", step_up(acr=MULTI_FACTOR)(who))
    app.add_url_rule("/ended", "ended", login_required(ended))


def accept_invitation(visitor):
    """Sign in by the link of an invitation, as somebody who is in that organization."""
    page = visitor.get(f"{ORIGIN}/auth/login/auth0?next=/me&invitation={INVITATION}&organization=org_8kQ2")
    assert visitor.submit(page, persona="mia").json() == MIA


@pytest.mark.parametrize("again", ["/recent", "/strong", "/ended"])
def test_organization_of_who_signs_in_once_more(stage, again):
    """Who has come by an invitation and must sign in once more is asked for that organization, and stays in it."""
    add_pages(stage.app)
    visitor = stage.visitor()
    accept_invitation(visitor)
    with time_machine.travel(time.time() + 600):
        sent = visitor.get(f"{ORIGIN}{again}", stop_at="/authorize").headers["Location"]
        query = parse_qs(urlsplit(sent).query)
        assert query["organization"] == ["org_8kQ2"]
        assert "invitation" not in query
        page = visitor.get(sent)
        assert (visitor.submit(page, persona="mia") if 'name="persona"' in page.text else page).text == "acme"


def test_organization_that_another_sign_in_is_not_for(at_vendor):
    """Where the second sign-in of somebody in an organization comes back without it, the page stays shut."""
    usual = AUTH0.id_token_claims
    seen = []

    def lose_it(claims, scene):
        seen.append(usual(claims, scene))
        return {name: value for name, value in seen[-1].items() if len(seen) == 1 or name != "org_id"}

    stage = at_vendor("auth0", dialect=replace(AUTH0, id_token_claims=lose_it))
    add_pages(stage.app)
    visitor = stage.visitor()
    accept_invitation(visitor)
    with time_machine.travel(time.time() + 600):
        page = visitor.submit(visitor.get(f"{ORIGIN}/recent"), persona="mia")
    assert (page.status_code, code_of(page)) == (502, "id_token_organization")


@pytest.mark.parametrize("organization", ["org_8kQ2", "acme", "Acme"])
def test_organization(at_vendor, organization):
    """An organization that is set, by id or by name, is asked for and checked."""
    stage = at_vendor("auth0", organization=organization)
    visitor = stage.visitor()
    assert stage.sign_in(visitor=visitor).json() == MIA
    provider = stage.app.extensions["signon"].party.providers["auth0"]
    person = provider.to_vendor(session_of(stage, visitor).login.claims)
    assert (person.organization_id, person.organization_name) == ("org_8kQ2", "acme")
    assert (person.connection, person.updated_at) == ("auth0", 1777709469.0)


def test_organization_that_is_chosen(at_vendor):
    """Where the application requires one the vendor asks; only trusted ones get in."""
    client = {"organization_usage": "require"}
    stage = at_vendor("auth0", client=client, trusted_organizations="org_8kQ2")
    visitor = stage.visitor()
    page = stage.sign_in("kit", visitor=visitor)
    assert "Choose an organization" in page.text
    stage.assert_refused(visitor.submit(page, organization="org_3bVx"), code="id_token_organization", status=502)
    page = visitor.get(f"{ORIGIN}/me")
    assert visitor.submit(page, organization="org_8kQ2").json()["sub"] == "waad|Zx-9_kit|0001"


def test_token_of_another_organization(at_vendor):
    """A token that is for another organization than was asked for signs nobody in."""
    usual = AUTH0.id_token_claims
    dialect = replace(AUTH0, id_token_claims=lambda c, scene: {**usual(c, scene), "org_id": "org_3bVx"})
    stage = at_vendor("auth0", dialect=dialect, organization="org_8kQ2")
    stage.assert_refused(stage.sign_in(), code="id_token_organization", status=502)


def test_parameters(at_vendor):
    """Audience, connection, languages and custom parameters are sent, and the vendor takes them."""
    stage = at_vendor("auth0", connection="google-oauth2", ui_locales="th", ext="ext-theme=dark")
    sent = asked_for(stage)
    assert (sent["connection"], sent["ui_locales"], sent["ext-theme"]) == ("google-oauth2", "th", "dark")
    visitor = stage.visitor()
    page = visitor.get(f"{ORIGIN}/me")
    assert '<html lang="th">' in page.text
    assert visitor.submit(page, persona="mia").json() == MIA


def test_sign_up(stage):
    """The sign-up shows the vendor's page for it, also to somebody it knows, and signs in."""
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    page = visitor.get(f"{ORIGIN}/auth/signup/auth0?next=/me")
    assert "Create an account" in page.text
    assert visitor.submit(page, persona="tan").json()["sub"].startswith("google-oauth2|")


def test_password_mail(stage):
    """The vendor sends its mail to who has a password there, and says the same to everybody."""

    def ask(email):
        with stage.app.app_context():
            return send_password_mail(email)

    assert [ask(email) for email in ("mia@people.example", "tan@people.example", "nobody@people.example")] == [
        None
    ] * 3
    assert list(stage.idp.state.mails) == ["mia@people.example"]


@pytest.mark.parametrize("alg", ["RS256", "PS256", "HS256"])
def test_algorithms(at_vendor, alg):
    """Each signature that an application can have signs in."""
    stage = at_vendor("auth0", client={"id_token_signed_response_alg": alg})
    assert stage.sign_in().json() == MIA


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_client_authentication(at_vendor, method):
    """Either way of sending the secret signs in where it is the registered one."""
    assert at_vendor("auth0", client={"token_endpoint_auth_method": method}).sign_in().json() == MIA


def test_public_client(at_vendor):
    """An application without a secret signs in by PKCE alone."""
    public = {"token_endpoint_auth_method": "none", "client_secret": None, "require_pkce": True}
    assert at_vendor("auth0", client=public).sign_in().json() == MIA


def test_private_key_jwt(at_vendor):
    """An application with a key signs in by assertions whose audience is the issuer with its slash."""
    key = JWK.generate(kty="RSA", size=2048)
    client = {
        "token_endpoint_auth_method": "private_key_jwt",
        "client_secret": None,
        "jwks": {"keys": [{**key.export_public(as_dict=True), "kid": key.thumbprint()}]},
    }
    stage = at_vendor(
        "auth0", client=client, private_key=key.export_to_pem(private_key=True, password=None).decode()
    )
    assert stage.sign_in().json() == MIA


def test_par(at_vendor):
    """Pushed requests keep everything out of the address."""
    stage = at_vendor("auth0", par="true", audience=API)
    assert set(asked_for(stage)) == {"client_id", "request_uri"}
    assert stage.sign_in().json() == MIA


def test_max_age_and_step_up(at_vendor):
    """max_age brings auth_time, which is checked; a way of signing in that is demanded is checked, too."""
    stage = at_vendor("auth0", max_age="600", acr_values=MULTI_FACTOR)
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    login = session_of(stage, visitor).login
    assert (login.acr, login.amr) == (MULTI_FACTOR, ("mfa",))
    assert login.auth_time is not None


@pytest.mark.parametrize("fields", [{"persona": "nadia"}, {"cancel": "1"}])
def test_the_person_says_no(stage, caplog, fields):
    """Who refuses, or is denied by an Action, gets a page to start again from; the log has the vendor's code."""
    visitor = stage.visitor()
    with caplog.at_level(logging.INFO, logger="signon"):
        page = visitor.submit(visitor.get(f"{ORIGIN}/me"), **fields)
    stage.assert_refused(page, code="access_denied", status=403)
    assert "provider_error='access_denied'" in caplog.text


def test_unknown_scope(at_vendor):
    """A scope that doesn't exist is left out, and people get in with the rest."""
    assert at_vendor("auth0", scope="openid profile email read:nothing").sign_in().json() == MIA


def test_refused_request(at_vendor, caplog):
    """An organization that the tenant doesn't have ends on a page of ours, with the vendor's code in the log."""
    stage = at_vendor("auth0", organization="org_unknown")
    stage.assert_refused(stage.visitor().get(f"{ORIGIN}/me"), code="provider_refused", status=502)
    assert "provider_error='invalid_request'" in caplog.text


def test_wrong_redirect_address(at_vendor):
    """An address that is not registered ends on the vendor's own page."""
    stage = at_vendor("auth0", client={"redirect_uris": ("http://localhost:5000/callback",)})
    page = stage.visitor().get(f"{ORIGIN}/me")
    assert (page.status_code, "redirect_uri_mismatch" in page.text) == (400, True)


def test_wrong_secret(at_vendor, caplog):
    """A wrong secret, which the vendor calls access_denied, is the operator's and nobody's refusal."""
    stage = at_vendor("auth0", client_secret="another-secret-than-is-registered")
    stage.assert_refused(stage.sign_in(), code="token_invalid_client", status=502)
    assert "401 access_denied" in caplog.text


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
    stage.assert_refused(visitor.get(answer), code="token_invalid_grant", status=502)
    assert "'Invalid authorization code'" in caplog.text
