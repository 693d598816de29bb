"""Access tokens that the vendors hand out, at an API of ours."""

import pytest
from tests.vendors.vendor_stage import ORIGIN

from signon.flask.api import current_token, token_required
from signon_idp.dialects.auth0 import AUTH0, AUTH0_RFC9068
from signon_idp.dialects.pingone import PINGONE, PINGONE_UNTYPED

API = "https://api.acme.example/"
PLATFORM = "https://api.pingone.eu"


@pytest.fixture
def with_api(at_vendor):
    """A stage whose application has an API of this name, and the tokens of somebody who has signed in there."""

    def build(name, *, audience, scopes=(), asked=None, **options):
        stage = at_vendor(name, **options, **({"audience": asked} if asked else {}))

        def view():
            return {"subject": current_token.subject, "client": current_token.client_id}

        stage.app.add_url_rule("/api", "api", token_required(scopes=scopes, audience=audience)(view))
        visitor = stage.visitor()
        stage.sign_in(visitor=visitor)
        return stage, stage.session(visitor)

    return build


def ask(stage, token):
    headers = {"Authorization": f"Bearer {token.reveal()}"}
    return stage.app.test_client().get("/api", base_url=ORIGIN, headers=headers).json


@pytest.mark.parametrize("dialect", [AUTH0, AUTH0_RFC9068], ids=["its own", "RFC 9068"])
def test_auth0(with_api, dialect):
    """A token of either profile opens the API that it was asked for, and the ID token beside it does not."""
    stage, session = with_api("auth0", audience=API, scopes="openid email", dialect=dialect, asked=API)
    assert ask(stage, session.tokens.access_token) == {
        "subject": session.login.person.subject,
        "client": stage.client.client_id,
    }
    assert ask(stage, session.tokens.id_token)["code"].startswith("access_token_")


def test_auth0_in_the_standards_words_alone(with_api):
    """Where the API is set to RFC 9068, tokens of the older profile are refused."""
    stage, session = with_api("auth0", audience=API, asked=API, access_token_profile="rfc9068")
    assert ask(stage, session.tokens.access_token)["code"] == "access_token_typ"


def test_auth0_without_an_audience(with_api):
    """An opaque token is for the userinfo endpoint alone."""
    stage, session = with_api("auth0", audience=API)
    assert ask(stage, session.tokens.access_token)["code"] == "access_token_not_compact"


@pytest.mark.parametrize("dialect", [PINGONE, PINGONE_UNTYPED], ids=["typed", "untyped"])
def test_pingone(with_api, dialect):
    """A token with `typ` or without opens the API that it is for; the ID token beside it does not."""
    stage, session = with_api("pingone", audience=PLATFORM, dialect=dialect)
    assert ask(stage, session.tokens.access_token)["subject"] == session.login.person.subject
    assert ask(stage, session.tokens.id_token)["code"].startswith("access_token_")


def test_thaid(with_api):
    """ThaID says of no token whom it is for, so that it opens nothing unless that is waived; nobody's id shows."""
    stage, session = with_api("thaid", audience=API)
    assert ask(stage, session.tokens.access_token)["code"] == "access_token_aud_missing"
    waived = {"access_token_profile": "introspected-without-audience"}
    stage, session = with_api("thaid", audience=API, **waived)
    assert ask(stage, session.tokens.access_token)["subject"] == session.login.person.public_subject
    assert session.login.person.public_subject != session.login.person.subject
