"""Whole sign-ins with AuthMachine, with no browser, by the environment's names alone."""

import json
import logging
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from tests.journeys.visitor import Markup
from tests.vendors.vendor_stage import ORIGIN, code_of

from signon.flask import permission_required, permissions_now, start_sign_in
from signon.providers.authmachine import permissions_wish
from signon_idp.dialects.authmachine import API_TOKEN, AUTHMACHINE, authmachine_dialect
from signon_idp.errors import CallbackError

MARA = {
    "provider": "authmachine",
    "sub": "6f0c2f1e-1d1b-4a53-9a31-0d6b6a3c9b10",
    "name": "Mara Kind",
    "preferred_username": "mara.k",
    "email": "mara.k@people.example",
}


@pytest.fixture
def stage(at_vendor):
    return at_vendor("authmachine")


def login_of(stage, visitor):
    party = stage.app.extensions["signon"].party
    (name,) = visitor.sessions()
    return party.sessions.load(visitor.cookies[name], now=time.time()).login


def revoked(stage, token: str) -> bool:
    """What the vendor's own check of a token says."""
    answer = stage.idp.app.test_client().post(
        "/oidc/token",
        data={
            "grant_type": "check_token_revoked",
            "client_id": stage.client.client_id,
            "client_secret": stage.client.client_secret,
            "access_token": token,
        },
    )
    return answer.json["revoked"]


def test_sign_in(stage):
    """Everybody gets in and is shown by name, with an e-mail address or without."""
    assert stage.sign_in().json() == MARA
    assert stage.sign_in("wichai").json()["name"] == "วิชัย มั่นคง"
    assert stage.sign_in("pat").json()["email"] is None


def test_quirk_10_warm_sign_in_asks_twice(stage):
    """Quirk 10: metadata and keys are fetched once; a warm sign-in asks for the tokens and for userinfo."""
    cold = stage.requests_of(stage.sign_in)
    assert cold == {"discovery": 1, "jwks": 1, "token": 1, "userinfo": 1}
    assert stage.requests_of(stage.sign_in) == {"token": 1, "userinfo": 1}


@pytest.mark.parametrize("suffix", ["", "/"])
def test_quirk_7_slash(at_vendor, load_minimal, suffix):
    """Quirk 7: with or without a slash, in the setting and in the installation, people get in and out."""
    stage = at_vendor("authmachine", dialect=replace(AUTHMACHINE, issuer_suffix=suffix))
    told = stage.idp.dialect.settings(stage.idp.issuer, stage.client)
    for ours in ("", "/"):
        settings = {
            f"AUTHMACHINE_{key}": value for key, value in {**told, "URL": f"{stage.idp.base}{ours}"}.items()
        }
        stage.app = load_minimal(SIGNON_PROVIDERS="authmachine", **settings)
        visitor = stage.visitor()
        assert stage.sign_in(visitor=visitor).json() == MARA
        assert sign_out(visitor).url == f"{ORIGIN}/auth/signed-out"


@pytest.mark.parametrize("alg", ["RS256", "HS256"])
@pytest.mark.parametrize("told", [None, "other"])
def test_quirk_8_algorithm(at_vendor, alg, told):
    """Quirk 8: the signature that the client is registered with signs in, and the other one doesn't."""
    other = "RS256" if alg == "HS256" else "HS256"
    keywords = {} if told is None else {"id_token_alg": other}
    stage = at_vendor("authmachine", client={"id_token_signed_response_alg": alg}, **keywords)
    if told is None:
        assert stage.sign_in().json() == MARA
    else:
        stage.assert_refused(stage.sign_in(), code="id_token_alg_mismatch", status=502)


@pytest.mark.parametrize("way", ["form", "header"])
def test_quirk_5_userinfo(at_vendor, way):
    """Quirk 5: userinfo answers to the token in a form as well as in the header."""
    stage = at_vendor("authmachine", userinfo_by=way)
    visitor = stage.visitor()
    assert stage.sign_in("ola", visitor=visitor).json()["preferred_username"] == "ola"
    login = login_of(stage, visitor)
    assert login.claims["id"] == "user-4711"


def test_quirk_1_permissions(at_vendor):
    """Quirk 1: permissions that are asked for by the flat claims parameter come with the sign-in, typed."""
    stage = at_vendor("authmachine", permissions="billing garden")
    visitor = stage.visitor()
    sent = visitor.get(f"{ORIGIN}/me", stop_at="/oidc/authorize").headers["Location"]
    (claims,) = parse_qs(urlsplit(sent).query)["claims"]
    assert json.loads(claims) == {"authmachine_permissions": ["billing", "garden"]}
    stage.sign_in(visitor=visitor)
    provider = stage.app.extensions["signon"].party.providers["authmachine"]
    person = provider.to_vendor(login_of(stage, visitor).claims)
    assert person.permissions == {"billing": ("view", "edit"), "garden": ()}


def test_quirk_4_sign_up(stage):
    """Quirk 4: the sign-up page is the registration endpoint; its answer, with register=1, signs the person in."""
    visitor = stage.visitor()
    page = visitor.get(f"{ORIGIN}/auth/signup/authmachine?next=/me")
    assert urlsplit(page.url).path == "/oidc/register"
    assert "Create an account" in page.text
    back = visitor.submit(page, persona="wichai", stop_at="/auth/callback/").headers["Location"]
    assert parse_qs(urlsplit(back).query)["register"] == ["1"]
    assert visitor.get(back).json()["preferred_username"] == "wichai"
    assert stage.session(visitor).login.signed_up is True
    known = stage.visitor()
    stage.sign_in("wichai", visitor=known)
    assert stage.session(known).login.signed_up is False


def test_quirk_1_permissions_of_one_sign_in(at_vendor):
    """One sign-in can ask for other objects than the setting names."""
    stage = at_vendor("authmachine", permissions="billing")
    stage.app.add_url_rule(
        "/more", "more", lambda: start_sign_in(next_path="/me", wishes=permissions_wish("warehouse-7"))
    )
    visitor = stage.visitor()
    visitor.submit(visitor.get(f"{ORIGIN}/more"), persona="mara.k")
    assert stage.session(visitor).login.claims["authmachine_permissions"] == {"warehouse-7": ["view"]}


@pytest.mark.parametrize("older", [False, True], ids=["newer", "older"])
def test_quirk_6_permissions_api(at_vendor, older, plant):
    """Quirk 6: either answer of the API opens a page, by the API's own id of a person and its own token."""
    plant(API_TOKEN)
    stage = at_vendor("authmachine", dialect=authmachine_dialect(older_permissions=older))
    add = stage.app.add_url_rule
    add("/manage", "manage", permission_required("billing", "product_manager")(lambda: "managing"))
    add(
        "/now",
        "now",
        lambda: {name: [*codes] for name, codes in permissions_now("billing", "x").permissions.items()},
    )
    ola, pat = stage.visitor(), stage.visitor()
    stage.sign_in("ola", visitor=ola)
    stage.sign_in("pat", visitor=pat)
    assert ola.get(f"{ORIGIN}/manage").text == "managing"
    assert ola.get(f"{ORIGIN}/now").json() == {"billing": ["product_manager"], "x": []}
    refused = pat.get(f"{ORIGIN}/manage")
    assert (refused.status_code, code_of(refused)) == (403, "permission_needed")
    ola.get(f"{ORIGIN}/manage")
    assert stage.idp.calls["permissions"] == 3, "one question for each person and objects"


def test_quirk_6_wrong_api_token(at_vendor):
    """A token that the API does not accept is the operator's, and opens nothing."""
    stage = at_vendor("authmachine", api_token="another-token-than-the-right-one")
    stage.app.add_url_rule("/manage", "manage", permission_required("billing", "view")(lambda: "managing"))
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    page = visitor.get(f"{ORIGIN}/manage")
    assert (page.status_code, code_of(page)) == (502, "permissions_token_refused")


def sign_out(visitor):
    return visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))


@pytest.mark.parametrize("revoke", ["true", "false"])
def test_quirks_2_and_3_sign_out(at_vendor, revoke):
    """Quirks 2 and 3: the sign-out ends the vendor's session without a hint, and all its tokens when set so."""
    stage = at_vendor("authmachine", revoke_tokens=revoke)
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    party = stage.app.extensions["signon"].party
    (name,) = visitor.sessions()
    token = party.sessions.load(visitor.cookies[name], now=time.time()).tokens.access_token.reveal()
    assert revoked(stage, token) is False
    stage.pages.clear()
    gone = sign_out(visitor)
    assert gone.url == f"{ORIGIN}/auth/signed-out"
    assert "id_token_hint" not in "".join(stage.pages)
    assert revoked(stage, token) is (revoke == "true")
    assert not visitor.sessions()
    assert "persona" in Markup(visitor.get(f"{ORIGIN}/me").text).forms[1].names, "the next sign-in asks again"


@pytest.mark.parametrize(("forgotten", "goes_on"), [("revoked", False), ("not_revoked", True), ("unsaid", True)])
def test_quirk_2_token_that_is_over(at_vendor, forgotten, goes_on):
    """Quirk 2: a session ends with its token only where the vendor counts one that is over as revoked."""
    stage = at_vendor("authmachine", dialect=authmachine_dialect(forgotten=forgotten))
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    with time_machine.travel(time.time() + 3599, tick=False) as clock:
        assert visitor.get(f"{ORIGIN}/me", Accept="application/json").status_code == 200
        clock.shift(1)
        answer = visitor.get(f"{ORIGIN}/me", Accept="application/json")
        assert answer.status_code == (200 if goes_on else 401)


def test_sign_out_with_a_hint(at_vendor):
    """The standard's hint, switched on, is taken as well."""
    stage = at_vendor("authmachine", logout_sends_hint="true")
    visitor = stage.visitor()
    stage.sign_in(visitor=visitor)
    assert sign_out(visitor).url == f"{ORIGIN}/auth/signed-out"
    assert "id_token_hint=" in "".join(stage.pages)


def test_quirk_9_address(at_vendor):
    """Quirk 9: the redirect address follows from the base URL that is set, whatever Host a request names."""
    stage = at_vendor("authmachine")
    client = stage.app.test_client()
    sent = client.get("/auth/login", headers={"Host": "localhost:5000", "X-Forwarded-Host": "evil.example"})
    assert parse_qs(urlsplit(sent.headers["Location"]).query)["redirect_uri"] == [
        "http://localhost:5000/auth/callback/authmachine"
    ]
    assert client.get("/auth/login", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(("nonce", "signs_in"), [("required", False), ("tolerated", True)])
def test_nonce_that_is_not_echoed(at_vendor, nonce, signs_in):
    """Where an installation echoes no nonce the switch lets people in, and without it nobody."""
    stage = at_vendor("authmachine", dialect=authmachine_dialect(echoes_nonce=False), nonce=nonce)
    page = stage.sign_in()
    if signs_in:
        assert page.json() == MARA
    else:
        stage.assert_refused(page, code="id_token_nonce_missing", status=502)


@pytest.mark.parametrize("pkce", ["true", "false"])
def test_pkce(at_vendor, pkce):
    """People get in with a code challenge and without one."""
    stage = at_vendor("authmachine", pkce=pkce)
    sent = stage.visitor().get(f"{ORIGIN}/me", stop_at="/oidc/authorize").headers["Location"]
    assert ("code_challenge=" in sent) is (pkce == "true")
    assert stage.sign_in().json() == MARA


def test_basic(at_vendor):
    """A client that is registered for Basic signs in so."""
    stage = at_vendor("authmachine", client={"token_endpoint_auth_method": "client_secret_basic"})
    assert stage.sign_in().json() == MARA


@pytest.mark.parametrize("fields", [{"persona": "nadia"}, {"cancel": "1"}])
def test_the_person_says_no(stage, caplog, fields):
    """Who refuses gets a page that offers to start again; the log has the vendor's code."""
    visitor = stage.visitor()
    with caplog.at_level(logging.INFO, logger="signon"):
        page = visitor.submit(visitor.get(f"{ORIGIN}/me"), **fields)
    stage.assert_refused(page, code="access_denied", status=403)
    assert "provider_error='access_denied'" in caplog.text
    again = visitor.get(ORIGIN + Markup(page.text).links[0])
    assert visitor.submit(again, persona="mara.k").json() == MARA


def test_unknown_scope(at_vendor):
    """A scope that the installation doesn't know is left out by it, and people get in with the rest."""
    assert at_vendor("authmachine", scope="openid profile email nosuch").sign_in().json() == MARA


def test_refused_claims(at_vendor, caplog):
    """A request that the vendor refuses ends on a page with one next step, and its code in the log."""
    stage = at_vendor("authmachine", dialect=replace(AUTHMACHINE, judge_request=_refuse), permissions="billing")
    page = stage.visitor().get(f"{ORIGIN}/me")
    stage.assert_refused(page, code="provider_refused", status=502)
    assert "provider_error='invalid_request'" in caplog.text


def _refuse(_asked, _client):
    raise CallbackError("invalid_request", "no such object")


def test_wrong_redirect_address(at_vendor):
    """An address that is not registered ends on the vendor's own page, with its code."""
    stage = at_vendor("authmachine", client={"redirect_uris": ("http://localhost:5000/oidc-callback",)})
    page = stage.visitor().get(f"{ORIGIN}/me")
    assert (page.status_code, "redirect_uri_mismatch" in page.text) == (400, True)


def test_wrong_secret(at_vendor, caplog):
    """A wrong secret is the operator's: the page says so, the log has the vendor's code."""
    stage = at_vendor("authmachine", client_secret="another-secret-than-is-registered")
    stage.assert_refused(stage.sign_in(), code="token_invalid_client", status=502)
    assert "401 invalid_client" in caplog.text


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
    assert "400 invalid_grant" in caplog.text or "provider_error='invalid_grant'" in caplog.text


def test_answer_used_twice(stage):
    """The same answer a second time is told to be used, and the person stays signed in."""
    visitor = stage.visitor()
    answer = stage.answer(visitor)
    assert visitor.get(answer).json() == MARA
    assert code_of(visitor.get(answer)) == "state_used"
    assert visitor.get(f"{ORIGIN}/me").json() == MARA


def test_quirk_11_other_paths(at_vendor):
    """Quirk 11: the names are used for other products, too: every address is the metadata's, none is assumed."""
    paths = replace(
        AUTHMACHINE.paths,
        authorize="/protocol/openid-connect/auth",
        token="/protocol/openid-connect/token",
        userinfo="/protocol/openid-connect/userinfo",
        jwks="/protocol/openid-connect/certs",
        end_session="/protocol/openid-connect/logout",
    )
    stage = at_vendor("authmachine", dialect=replace(AUTHMACHINE, paths=paths))
    visitor = stage.visitor()
    assert stage.sign_in(visitor=visitor).json() == MARA
    assert sign_out(visitor).url == f"{ORIGIN}/auth/signed-out"
