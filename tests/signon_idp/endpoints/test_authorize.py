from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from signon_idp.dialects.oidc import PASSWORD_ACR, TWO_FACTOR_ACR


def test_answer_holds_code_state_and_issuer(walk, helpers):
    """A sign-in ends with code, the state as it was sent, and iss (RFC 9207)."""
    found = helpers.answer(walk.sign_in(state="a b&c=ü"))
    assert set(found) == {"code", "state", "iss"}
    assert found["state"] == "a b&c=ü"
    assert found["iss"] == walk.idp.issuer


def test_no_state_is_given_back_where_none_came(walk, helpers):
    """An answer to a request without state has none."""
    assert set(helpers.answer(walk.sign_in(state=None))) == {"code", "iss"}


def test_query_of_the_redirect_uri_stays(walk, helpers):
    """Parameters that the redirect URI already has stay before the answer's (RFC 6749 3.1.2)."""
    uri = "http://localhost:5000/cb?tenant=a%2Fb"
    walk.idp.register(replace(helpers.DEMO, redirect_uris=(uri,)))
    location = walk.sign_in(redirect_uri=uri).headers["Location"]
    assert location.startswith(f"{uri}&code=")


def test_post_comes_back_as_get(walk, helpers):
    """A POST request is asked again by GET, which brings the session cookie along, and then answered."""
    walk.sign_in()
    first = walk.http.post(walk.path("authorize"), data=walk.parameters())
    assert first.status_code == 303
    assert first.headers["Location"].startswith(walk.idp.issuer + "/authorize?")
    second = walk.http.get(walk.path("authorize"), query_string=urlsplit(first.headers["Location"]).query)
    assert "code" in helpers.answer(second)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "stranger"}, "unknown_client"),
        ({"client_id": None}, "unknown_client"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "http://localhost:5000/auth/callback/oidc/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://evil.example/"}, "redirect_uri_mismatch"),
    ],
)
def test_unsafe_requests_get_a_page(walk, changes, code):
    """Without a registered client and redirect URI there is an error page and no redirect (RFC 6749 3.1.2.4)."""
    response = walk.authorize(**changes)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert f"<code>{code}</code>" in response.text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_repeated_address_gets_a_page(walk, name):
    """A repeated client_id or redirect_uri can't be trusted to say where to answer."""
    pairs = [*walk.parameters().items(), (name, walk.parameters()[name])]
    response = walk.http.get(walk.path("authorize"), query_string=pairs)
    assert (response.status_code, "Location" in response.headers) == (400, False)


def test_other_errors_go_to_the_application(walk, helpers):
    """Every other error is redirected with error, state and iss (RFC 6749 4.1.2.1)."""
    found = helpers.answer(walk.authorize(response_type="none"))
    assert found["error"] == "unsupported_response_type"
    assert found["state"] == "state-1"
    assert found["iss"] == walk.idp.issuer


def test_errors_use_form_post_where_it_was_asked(walk, helpers):
    """An error of a form_post request goes by form_post too."""
    response = walk.authorize(response_mode="form_post", response_type="none")
    action, fields = helpers.forms_of(response.text)[0]
    assert action == helpers.CALLBACK
    assert fields["error"] == "unsupported_response_type"


def test_form_post_holds_the_answer(walk, helpers):
    """response_mode=form_post gives a form with code, state and iss for the redirect URI."""
    response = walk.sign_in(response_mode="form_post")
    action, fields = helpers.forms_of(response.text)[0]
    assert action == helpers.CALLBACK
    assert set(fields) == {"code", "state", "iss"}
    assert walk.exchange(fields["code"]).status_code == 200


def test_second_sign_in_is_silent(walk, helpers):
    """The provider's own session answers the next request without a page, prompt=none included."""
    walk.sign_in()
    assert "code" in helpers.answer(walk.authorize())
    assert "code" in helpers.answer(walk.authorize(prompt="none"))


def test_prompt_none_without_session(walk, helpers):
    """prompt=none shows no page: login_required (OIDC Core 3.1.2.6)."""
    assert helpers.answer(walk.authorize(prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_prompt_asks_again_once(walk, helpers, prompt):
    """prompt=login and select_account show the sign-in page to somebody who is signed in, and then go on."""
    walk.sign_in()
    page = walk.authorize(prompt=prompt)
    assert "<title>Sign in" in page.text
    after = walk.submit(page, form=1, persona="mei")
    if "consent" in prompt:
        after = walk.submit(after, answer="allow")
    assert "code" in helpers.answer(after)


def test_max_age(walk, helpers, clock):
    """max_age asks again only when the sign-in is older than that, on both sides of the boundary."""
    walk.sign_in()
    clock.time += 60
    assert "code" in helpers.answer(walk.authorize(max_age="60"))
    clock.time += 1
    assert walk.authorize(max_age="60").status_code == 200
    assert helpers.answer(walk.authorize(max_age="60", prompt="none"))["error"] == "login_required"
    tokens = walk.tokens(max_age="60")
    assert helpers.claims_of(tokens["id_token"])["auth_time"] == int(clock.time)


def test_acr_values_ask_again_and_come_true(walk, helpers):
    """An unmet acr_values asks for a new sign-in, whose ID token then has that acr and its amr."""
    assert helpers.claims_of(walk.tokens()["id_token"])["acr"] == PASSWORD_ACR
    assert walk.authorize(acr_values=TWO_FACTOR_ACR).status_code == 200
    claims = helpers.claims_of(walk.tokens(acr_values=TWO_FACTOR_ACR)["id_token"])
    assert (claims["acr"], claims["amr"]) == (TWO_FACTOR_ACR, ["pwd", "otp", "mfa"])


def test_unknown_acr_values_are_a_wish(walk, helpers):
    """acr_values that nobody here can meet are ignored: they are voluntary (OIDC Core 3.1.2.1)."""
    walk.sign_in()
    assert "code" in helpers.answer(walk.authorize(acr_values="urn:example:gold"))


def test_id_token_hint(walk, helpers):
    """A hint about somebody else asks again, refuses in silence, and refuses the wrong person after sign-in."""
    hint = walk.tokens("somying")["id_token"]
    assert "code" in helpers.answer(walk.authorize(id_token_hint=hint, prompt="none"))
    walk.sign_in("mei", prompt="login")
    assert helpers.answer(walk.authorize(id_token_hint=hint, prompt="none"))["error"] == "login_required"
    assert helpers.answer(walk.sign_in("mei", id_token_hint=hint))["error"] == "login_required"
    assert "code" in helpers.answer(walk.sign_in("somying", id_token_hint=hint))


def test_consent_is_asked_and_remembered(walk, helpers):
    """A client that requires consent gets it asked once, and again for more scopes or prompt=consent."""
    walk.idp.register(replace(helpers.DEMO, require_consent=True))
    page = walk.sign_in(scope="openid")
    assert "Allow Demo application?" in page.text
    assert "code" in helpers.answer(walk.submit(page, answer="allow"))
    assert "code" in helpers.answer(walk.authorize(scope="openid"))
    assert helpers.answer(walk.authorize(prompt="none"))["error"] == "consent_required"
    assert "Allow Demo application?" in walk.authorize(scope="openid email").text
    assert "Allow Demo application?" in walk.authorize(scope="openid", prompt="consent").text


def test_session_ends_by_itself(walk, clock):
    """The provider's session has an end."""
    walk.sign_in()
    clock.time += walk.idp.dialect.lifetimes.session
    assert walk.authorize().status_code == 200


def test_claims_parameter_is_tolerated(walk, helpers):
    """A claims request parameter changes nothing and breaks nothing."""
    found = helpers.answer(walk.sign_in(claims='{"id_token":{"acr":{"essential":true}}}', ui_locales="fr"))
    assert "code" in found


def test_login_hint_stands_in_the_form(walk):
    """login_hint is typed in for the person, escaped."""
    page = walk.authorize(login_hint='mei"><b>')
    assert 'value="mei&#34;&gt;&lt;b&gt;"' in page.text


def test_dialect_may_leave_iss_out(clock, helpers):
    """A dialect without RFC 9207 neither sends iss nor advertises it."""
    from signon_idp import Idp
    from signon_idp.dialects.oidc import OIDC

    dialect = replace(OIDC, sends_iss=False)
    walk = helpers.Walk(Idp(dialect=dialect, origin="http://127.0.0.1:9000", clients=(helpers.DEMO,), now=clock))
    assert set(helpers.answer(walk.sign_in())) == {"code", "state"}
    document = walk.http.get(walk.path("discovery")).json
    assert "authorization_response_iss_parameter_supported" not in document


def test_repeated_parameters_are_refused_without_state(walk, helpers):
    """A repeated parameter is invalid_request; a repeated state is not chosen from."""
    pairs = [*walk.parameters().items(), ("state", "other")]
    response = walk.http.get(walk.path("authorize"), query_string=pairs)
    found = parse_qsl(urlsplit(response.headers["Location"]).query)
    assert ("error", "invalid_request") in found
    assert "state" not in dict(found)
