import re
import shutil
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.examples.stage import EXAMPLES, ORIGIN, Stage, run
from tests.journeys.visitor import Markup

from signon.core.errors import ConfigurationError

OLD, NEW = "practice", "violet-Teapot-93"


@pytest.fixture
def stage(stage_of):
    return stage_of("pingone")


@pytest.fixture
def visitor(stage):
    """Somebody who has signed in, as mia."""
    visitor = stage.visitor()
    assert "Hello, <bdi>Mia Kern</bdi>" in stage.sign_in(visitor).text
    return visitor


def query(location: str) -> dict[str, str]:
    return {name: one for name, (one,) in parse_qs(urlsplit(location).query).items()}


def asked(stage: Stage) -> dict[str, str]:
    """What `/login` asks PingOne for."""
    return query(stage.visitor().get(f"{ORIGIN}/login", stop_at=stage.idp.issuer).headers["Location"])


def test_home_page_of_nobody(stage):
    """Who has not signed in is offered to log in."""
    page = stage.visitor().get(f"{ORIGIN}/")
    assert page.status_code == 200
    assert 'href="/login"' in page.text


def test_login_asks_as_the_document_does(stage):
    """`/login` must ask for what config.cfg says, with the answer to `/callback1`, and with PKCE, which is new."""
    sent = asked(stage)
    assert sent["redirect_uri"] == f"{ORIGIN}/callback1"
    assert sent["response_type"] == "code"
    assert sent["scope"] == "phone profile address email openid p1:read:userPassword p1:reset:userPassword"
    assert (sent["max_age"], sent["prompt"], sent["code_challenge_method"]) == ("3600", "login", "S256")


def test_callback_path_of_the_settings(stage_of):
    """OAUTH_REDIRECT_PATH moves the callback, without a change of the code."""
    stage = stage_of("pingone", OAUTH_REDIRECT_PATH="/callback")
    assert asked(stage)["redirect_uri"] == f"{ORIGIN}/callback"
    assert "Mia Kern" in stage.sign_in(stage.visitor()).text


def test_user_information(visitor):
    """The page must list what PingOne says of the person, and nothing of the protocol's own."""
    page = visitor.get(f"{ORIGIN}/user/info")
    assert page.status_code == 200
    for text in ("mia@people.example", "1 Elm St, Graz", "staff, editors"):
        assert text in page.text, text
    assert "<code>nonce</code>" not in page.text


@pytest.mark.parametrize("path", ["/user/info", "/password/change"])
def test_page_that_needs_a_sign_in(stage, path):
    """Where the document says 403, people are sent to sign in, and come back to the page."""
    visitor = stage.visitor()
    page = visitor.submit(visitor.get(f"{ORIGIN}{path}"), persona="mia")
    assert (page.url, page.status_code) == (f"{ORIGIN}{path}", 200)


def test_password_change(stage, visitor):
    """The form at the document's path refuses what the policy refuses, by name, and then changes the password."""
    page = visitor.get(f"{ORIGIN}/password/change")
    typed = {"current_password": OLD, "new_password": "x" * 9, "confirm_password": "x" * 9}
    page = visitor.submit(page, **typed)
    assert "This password breaks a rule." in page.text
    page = visitor.submit(page, **{**typed, "new_password": NEW, "confirm_password": NEW})
    assert "Password changed" in page.text


def test_logout_as_the_document_does(stage, visitor):
    """The session ends here, then at PingOne, with the ID token and the path of LOGOUT_URI."""
    sent = stage.sign_out(visitor, stop_at="/signoff")
    assert not visitor.sessions()
    found = query(sent.headers["Location"])
    assert found["post_logout_redirect_uri"] == f"{ORIGIN}/"
    assert found["id_token_hint"].count(".") == 2
    page = visitor.get(sent.headers["Location"])
    assert page.url.partition("?")[0] == f"{ORIGIN}/"
    assert "You are signed out." in page.text


def test_messages_are_shown_once(stage):
    """A message stands on the next page, and not on the one after it."""
    visitor = stage.visitor()
    assert "You are signed in." in stage.sign_in(visitor).text
    assert "You are signed in." not in visitor.get(f"{ORIGIN}/").text


def test_page_that_is_not_there(stage):
    """What is not there is said on the home page, with the right status."""
    page = stage.visitor().get(f"{ORIGIN}/nowhere")
    assert page.status_code == 404
    assert 'role="alert"' in page.text


def test_view_that_fails(stage):
    """So is a failure of the application's own, and no word of what it was."""
    stage.app.config.update(PROPAGATE_EXCEPTIONS=False)
    del stage.app.view_functions["user_info"]
    page = stage.visitor().get(f"{ORIGIN}/user/info")
    assert page.status_code == 500
    assert "user_info" not in page.text


def test_session_lasts_as_the_documents(stage, visitor):
    """The cookie outlives the browser's window; a quarter of an hour after the last page the session is over."""
    (name,) = visitor.sessions()
    (cookie,) = [cookie for cookie in visitor.session.cookies if cookie.name == name]
    assert cookie.expires is not None
    sessions = stage.app.extensions["signon"].party.sessions
    seen_at = stage.session(visitor).touched_at
    assert sessions.look(visitor.cookies[name], now=seen_at + 899) is not None
    assert sessions.look(visitor.cookies[name], now=seen_at + 901) is None


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_client_authentication(stage_of, monkeypatch, method):
    """TOKEN_AUTH_METHOD says how the application shows who it is, and PingOne takes it in that way alone."""
    monkeypatch.setenv("TOKEN_AUTH_METHOD", method)
    stage = stage_of("pingone")
    (client,) = stage.idp.clients.values()
    assert (client.token_endpoint_auth_method, client.client_secret is None) == (method, method == "none")
    assert "Mia Kern" in stage.sign_in(stage.visitor()).text


@pytest.mark.parametrize(
    ("given", "sent"),
    [("", "token id_token"), ("id_token", "id_token"), ("code id_token", "code id_token")],
)
def test_implicit_and_hybrid_ask(stage_of, given, sent):
    """GRANT_TYPE implicit asks for RESPONSE_TYPE, at `/callback`, where the answer's fragment is carried over."""
    stage = stage_of("pingone", GRANT_TYPE="implicit", RESPONSE_TYPE=given)
    found = asked(stage)
    assert (found["response_type"], found["redirect_uri"]) == (sent, f"{ORIGIN}/callback")
    page = stage.visitor().get(f"{ORIGIN}/callback")
    assert page.status_code == 200
    assert Markup(page.text).forms[0].action == "/callback"


def test_client_credentials(stage_of):
    """With client credentials nobody signs in: a form of the application's own asks for its token, by Flask-WTF's
    rule, and PingOne is asked once while that is good.
    """
    stage = stage_of("pingone", GRANT_TYPE="client_credentials")
    visitor = stage.visitor()
    page = visitor.get(f"{ORIGIN}/")
    assert 'href="/login"' not in page.text
    for _ in range(2):
        shown = visitor.submit(page, csrf_token=Markup(page.text).forms[0].hidden["csrf_token"])
        assert re.search("a token of its own: eyJ[a-zA-Z]….{4} \\([0-9]+\\)", shown.text)
    assert stage.idp.calls["token"] == 1
    assert not visitor.sessions()


@pytest.mark.parametrize("token", [None, "forged"])
def test_form_of_another_site(stage_of, token):
    """The application's own form is refused without its token, and nothing is asked for."""
    stage = stage_of("pingone", GRANT_TYPE="client_credentials")
    page = stage.visitor().post(f"{ORIGIN}/token", {} if token is None else {"csrf_token": token})
    assert page.status_code == 400
    assert "CSRF" in page.text
    assert stage.idp.calls["token"] == 0


@pytest.mark.parametrize("path", ["/logout", "/password/change", "/callback1"])
def test_signons_own_forms_keep_their_rule(visitor, path):
    """Beside Flask-WTF a POST from elsewhere is refused on each route of Signon's."""
    page = visitor.post(f"{ORIGIN}{path}", {}, Origin="http://evil.example")
    assert page.status_code in {200, 403}  # the callback answers with a page that posts again from here
    assert "Hello" in visitor.get(f"{ORIGIN}/").text


def test_misspelt_grant(stage_of):
    """A grant that the document doesn't know stops the start and names those it does: it is no other grant."""
    with pytest.raises(ValueError, match=r"^GRANT_TYPE='implcit' is none of authorization_code, implicit, client"):
        stage_of("pingone", GRANT_TYPE="implcit")


def test_missing_environment(stage_of):
    """AUTH_URL alone names nobody's environment: the start stops and says what is missing."""
    with pytest.raises(ConfigurationError, match="PINGONE_ENVIRONMENT_ID is not set"):
        stage_of("pingone", ENVIRONMENT_ID="", PINGONE_ISSUER="")


def test_no_password_change_without_a_token(stage_of):
    """Where the sign-in brings an ID token alone the page offers no change of a password, which needs more."""
    stage = stage_of("pingone", GRANT_TYPE="implicit", RESPONSE_TYPE="id_token", PINGONE_RESPONSE_MODE="form_post")
    visitor = stage.visitor()
    page = stage.sign_in(visitor)
    while 'id="answer"' in page.text:
        page = visitor.submit(page)
    assert "Mia Kern" in page.text
    assert 'href="/user/info"' in page.text
    assert "/password/change" not in page.text


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("tail", ["", "/v1"])
def test_settings_from_config_cfg(stage_of, monkeypatch, tmp_path, tail, slash):
    """The document's file is enough, with or without the version in API_URL and a slash behind the addresses."""
    settings = run.settings

    def spelt(*rest, **more):
        found = settings(*rest, **more)
        api = found["API_URL"].removesuffix("/v1") + tail + slash
        return {**found, "API_URL": api, "AUTH_URL": found["AUTH_URL"] + slash}

    monkeypatch.setattr(run, "settings", spelt)
    folder = shutil.copytree(EXAMPLES / "pingone", tmp_path / "p1", ignore=shutil.ignore_patterns("instance"))
    stage = stage_of("pingone", folder=folder)
    text = (folder / "config.cfg").read_text()
    assert f"API_URL = '{stage.idp.issuer}{tail}{slash}'" in text
    visitor = stage.visitor()
    stage.sign_in(visitor)
    assert "Current password" in visitor.get(f"{ORIGIN}/password/change").text


def test_config_has_the_documents_names():
    """Every name of the document's file is in ours."""
    text = (EXAMPLES / "pingone" / "config.cfg").read_text()
    names = set(re.findall("^([A-Z_]+) = ", text, re.MULTILINE))
    assert names >= {
        *("AUTH_URL", "API_URL", "ENVIRONMENT_ID", "CLIENT_ID", "CLIENT_SECRET", "OAUTH_REDIRECT_PATH", "SCOPE"),
        *(
            "MAX_AGE",
            "PROMPT",
            "GRANT_TYPE",
            "RESPONSE_TYPE",
            "TOKEN_AUTH_METHOD",
            "LOGOUT_URI",
            "WTF_CSRF_ENABLED",
        ),
    }
