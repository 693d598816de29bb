import shutil
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.examples.stage import EXAMPLES, ORIGIN, SCRIPT

MONTH = 31 * 86400


@pytest.fixture
def stage(stage_of):
    return stage_of("auth0")


@pytest.fixture
def visitor(stage):
    """Somebody who has signed in, as Mia."""
    visitor = stage.visitor()
    assert "Hello, <bdi>Mia Kern</bdi>!" in stage.sign_in(visitor).text
    return visitor


def asked(stage, path: str) -> dict[str, str]:
    """What the browser takes to Auth0 from this path."""
    sent = stage.visitor().get(ORIGIN + path, stop_at=stage.idp.issuer).headers["Location"]
    assert urlsplit(sent).path == "/authorize"
    return {name: one for name, (one,) in parse_qs(urlsplit(sent).query).items()}


def test_home_page_of_nobody(stage):
    """Who has not signed in is welcomed with the document's words and its two links."""
    page = stage.visitor().get(f"{ORIGIN}/").text
    for text in ("Welcome to the Flask App", 'href="/login"', 'href="/signup"'):
        assert text in page, text


def test_login_asks_as_the_document_does(stage):
    """`/login` must ask as the document's: code, scope, audience and prompt; and with state, nonce and challenge,
    which that leaves out.
    """
    sent = asked(stage, "/login")
    assert sent.items() >= {
        ("response_type", "code"),
        ("redirect_uri", f"{ORIGIN}/callback"),
        ("scope", "openid profile email"),
        ("audience", "https://orders.example/"),
        ("prompt", "login"),
    }
    assert sent.keys() >= {"state", "nonce", "code_challenge"}
    assert "screen_hint" not in sent


def test_signup_asks_for_the_sign_up_page(stage):
    """`/signup` must ask for Auth0's sign-up page, and a person without an account there gets in by it."""
    assert asked(stage, "/signup").items() >= {("screen_hint", "signup"), ("prompt", "login")}
    assert "Mia Kern" in stage.sign_in(stage.visitor(), at=f"{ORIGIN}/signup").text


def test_session_is_permanent(stage):
    """The session must outlive the browser, for as long as Flask's permanent one."""
    visitor = stage.visitor()
    stage.sign_in(visitor)
    (name,) = visitor.sessions()
    (cookie,) = [cookie for cookie in visitor.session.cookies if cookie.name == name]
    session = stage.session(visitor)
    assert session.expires_at - session.created_at == MONTH
    assert abs(cookie.expires - session.expires_at) < 60


def test_callback_without_a_code_says_so(stage):
    """An answer without a code, and one with an error, get a page of their own, and nobody in."""
    visitor = stage.visitor()
    assert "state_missing" in visitor.get(f"{ORIGIN}/callback").text
    page = stage.sign_in(visitor, "nadia")
    assert page.url.startswith(f"{ORIGIN}/callback")
    assert visitor.sessions() == []


@pytest.mark.parametrize(
    ("form", "path", "landing"),
    [("", "/oidc/logout", "post_logout_redirect_uri"), ("v2", "/v2/logout", "returnTo")],
)
def test_both_logouts(stage_of, form, path, landing):
    """`/logout` must end the session here and at Auth0, by the sign-out that its metadata names or the document's
    own, and lead home.
    """
    stage = stage_of("auth0", AUTH0_LOGOUT=form)
    visitor = stage.visitor()
    stage.sign_in(visitor)
    at_auth0 = stage.sign_out(visitor, stop_at=stage.idp.issuer)
    assert visitor.sessions() == []
    target = urlsplit(at_auth0.headers["Location"])
    assert target.path == path
    assert parse_qs(target.query)[landing] == [f"{ORIGIN}/"]
    assert parse_qs(target.query)["client_id"] == ["demo"]
    page = visitor.get(at_auth0.headers["Location"])
    assert page.url == f"{ORIGIN}/"
    assert "Welcome to the Flask App" in page.text
    assert 'name="persona"' in visitor.get(f"{ORIGIN}/login").text


def test_organization_by_setting(stage_of):
    """With AUTH0_ORGANIZATION members come in, and others don't."""
    stage = stage_of("auth0", AUTH0_ORGANIZATION="org_8kQ2")
    assert asked(stage, "/login")["organization"] == "org_8kQ2"
    assert "acme" in stage.sign_in(stage.visitor(), "mia").text
    visitor = stage.visitor()
    stage.sign_in(visitor, "tan")
    assert visitor.sessions() == []


def test_invitation_goes_on(stage):
    """An invitation's link to `/login` must reach Auth0 whole."""
    sent = asked(stage, "/login?organization=org_3bVx&invitation=ticket&organization_name=siam-books")
    assert sent.items() >= {("organization", "org_3bVx"), ("invitation", "ticket")}


def test_own_token_opens_the_api(stage, visitor, plant):
    """A signed-in page gets a token of the application's own, with which the API says who they are."""
    answer = visitor.post(f"{ORIGIN}/auth/token", {}, **SCRIPT).json()
    token = answer["access_token"]
    plant(token)
    me = visitor.get(f"{ORIGIN}/api/me", Authorization=f"Bearer {token}")
    assert (me.status_code, me.json()["name"]) == (200, "Mia Kern")
    assert me.json()["subject"].endswith("auth0|66b1f0c2a7")
    assert stage.visitor().get(f"{ORIGIN}/api/me", Authorization=f"Bearer {token}").status_code == 200


def test_api_wants_a_token_of_the_applications(stage, visitor):
    """No token, a wrong one and Auth0's own are 401: a session alone opens no API."""
    theirs = stage.session(visitor).tokens.access_token.reveal()
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": f"Bearer {theirs}"}):
        assert visitor.get(f"{ORIGIN}/api/me", **headers).status_code == 401


def test_own_token_is_for_ones_own_pages(stage, visitor):
    """Who posts a plain form, from elsewhere, or without having signed in gets no token."""
    address = f"{ORIGIN}/auth/token"
    for headers in ({"Origin": ORIGIN}, {**SCRIPT, "Origin": "https://evil.example"}):
        answer = visitor.post(address, {}, **headers)
        assert answer.status_code == 403
        assert "access_token" not in answer.text
    assert stage.visitor().post(address, {}, **SCRIPT).status_code == 401


def test_no_token_is_offered_without_a_key(stage_of):
    """Without SIGNON_TOKEN_KEY the page has no button for what would not work."""
    stage = stage_of("auth0", SIGNON_TOKEN_KEY="")
    page = stage.sign_in(stage.visitor()).text
    assert "Mia Kern" in page
    assert 'id="ask"' not in page


def test_password_mail_tells_nothing(stage):
    """Whoever asks for a mail gets the same answer, whether the address is known or not; a known one has mail."""
    visitor = stage.visitor()
    answers = [
        visitor.post(f"{ORIGIN}/password-mail", {"email": email}, **SCRIPT).text
        for email in ("mia@people.example", "nobody@people.example")
    ]
    assert answers[0] == answers[1] == '{"done":true}\n'
    assert list(stage.idp.state.mails) == ["mia@people.example"]
    wrong = visitor.post(f"{ORIGIN}/password-mail", {"email": "nonsense"}, **SCRIPT)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "email_invalid")
    assert visitor.post(f"{ORIGIN}/password-mail", {"email": "a@b"}, Origin=ORIGIN).status_code == 403


def test_settings_from_config_py(stage_of, tmp_path):
    """The document's `config.py`, with its five names, is enough; REDIRECT_URI gives address and callback path."""
    folder = shutil.copytree(EXAMPLES / "auth0", tmp_path / "auth0", ignore=shutil.ignore_patterns("instance"))
    stage = stage_of("auth0", folder=folder)
    text = (folder / "config.py").read_text()
    for name in ("AUTH0_DOMAIN", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI", "AUDIENCE"):
        assert f"{name} = " in text, name
    assert "Mia Kern" in stage.sign_in(stage.visitor()).text


def test_config_py_that_lacks_a_name(stage_of, tmp_path):
    """A `config.py` without the names that it has no value for is as good as one that leaves them empty."""
    folder = shutil.copytree(EXAMPLES / "auth0", tmp_path / "auth0", ignore=shutil.ignore_patterns("instance"))
    (folder / "config.py").write_text("")
    stage = stage_of("auth0", folder=folder)
    assert "Mia Kern" in stage.sign_in(stage.visitor()).text


@pytest.mark.parametrize(
    "address", ["localhost:5000/callback", "http://localhost:5000", "http://localhost:5000/", "/callback"]
)
def test_redirect_uri_that_is_none(stage_of, address):
    """An address without its scheme, its host or its path stops the start by the document's own name."""
    with pytest.raises(ValueError, match=rf"^REDIRECT_URI='{address}' is no address with a path"):
        stage_of("auth0", REDIRECT_URI=address)
