import pytest
from tests.journeys.visitor import Visitor
from tests.signon_demo.people import signed_in, text_of

from signon.flask.testing import sign_in
from signon.providers import from_names
from signon_demo.app import create_app
from signon_demo.practice import PRACTICES
from signon_demo.serve import serving

AUTH0 = tuple(practice for practice in PRACTICES if practice.name == "auth0")


def test_pingone_people_are_led_to_the_form(served):
    """Who has signed in with PingOne gets the link to Signon's own page, which opens."""
    visitor, page = signed_in(served, "pingone", path="/password")
    assert 'href="/auth/password">Change your password</a>' in page.text
    assert "Change your password" in text_of(visitor.get(served.address + "/auth/password"))


@pytest.mark.parametrize(("name", "label"), [("thaid", "ThaID"), ("sgid", "sgID"), ("oidc", "OpenID")])
def test_others_are_told_that_they_cannot(served, name, label):
    """With a provider that has no such API the page says so, and offers a sign-in with PingOne."""
    _, page = signed_in(served, name, path="/password")
    assert f"{label} has no way for an application to change yours." in text_of(page)
    assert 'href="/auth/login/pingone?next=/password"' in page.text


def test_another_flow_at_pingone_leads_to_the_usual_one():
    """Who has come by another flow of PingOne's is offered the usual one, and not told that PingOne can't."""
    settings = {
        f"{name}_{keyword}": value
        for name in ("PINGONE", "HYBRID")
        for keyword, value in {"ENVIRONMENT_ID": "1-2", "CLIENT_ID": "demo"}.items()
    }
    settings["PINGONE_SCOPE"] = "openid p1:read:userPassword p1:reset:userPassword"
    providers = from_names("pingone hybrid:pingone", settings=settings)
    app = create_app(providers, base_url="http://localhost:5000", beside=frozenset({"hybrid"}))
    client = app.test_client()
    sign_in(client, {"name": "Ada"}, provider="hybrid")
    page = client.get("/password").text
    assert "has no way" not in page
    assert 'href="/auth/login/pingone?next=/password"' in page


def test_a_mail_is_asked_for(served):
    """Auth0 is asked to mail a link to the address, whoever asks, and the page says what is told of it."""
    visitor = Visitor()
    page = visitor.get(served.address + "/password")
    done = visitor.submit(page, email=" mia@people.example ")
    assert "Auth0 has been asked." in text_of(done)
    assert 'value=""' in done.text
    assert served.idps["auth0"].state.mails[-1] == "mia@people.example"


def test_nonsense_is_not_sent_and_stays_in_the_form(served):
    """What is no address is told beside the field, which keeps what was typed, and Auth0 is not asked."""
    visitor = Visitor()
    before = len(served.idps["auth0"].state.mails)
    page = visitor.submit(visitor.get(served.address + "/password"), email='no "address"')
    assert page.status_code == 400
    assert 'value="no &#34;address&#34;" aria-invalid="true"' in page.text
    assert 'id="email-wrong" role="alert"' in page.text
    assert len(served.idps["auth0"].state.mails) == before


def test_a_provider_that_is_away_is_told():
    """Where Auth0 does not answer the page says so with the code, and the form keeps the address."""
    with serving(AUTH0, port=0, idp_port=0, environment={}) as running:
        visitor = Visitor()
        page = visitor.get(running.address + "/password")
        running.idps["auth0"].stop()
        failed = visitor.submit(page, email="mia@people.example")
    assert failed.status_code == 503
    assert "(password_mail_" in failed.text
    assert 'value="mia@people.example"' in failed.text


def test_without_such_providers_the_page_says_only_whose_passwords_are(client):
    """Where no provider changes or mails passwords there is neither a form nor a link, and a post does nothing."""
    page = client.get("/password").text
    assert "an application that signs people in by one never sees any." in page
    assert "/auth/password" not in page
    assert 'name="email"' not in page


def test_a_form_from_elsewhere_sends_nothing(served):
    """Without the form's own proof no mail is asked for."""
    visitor = Visitor()
    before = len(served.idps["auth0"].state.mails)
    response = visitor.post(served.address + "/password", {"email": "mia@people.example"}, Origin=served.address)
    assert response.status_code == 400
    assert "This form is too old" in response.text
    assert len(served.idps["auth0"].state.mails) == before
