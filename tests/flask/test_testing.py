import pytest
from flask import Flask
from tests.flask.double import CLIENT_ID, HTTPS, LOCAL, Visitor

from signon.core.errors import OperatorError, SuspectError
from signon.flask import Refused, SignOn, current_login, current_user
from signon.flask.testing import sign_in
from signon.providers import oidc, thaid


def test_test_client_is_signed_in(app, visitor):
    """A test must need one call and no provider to be somebody, with just the claims that it is about."""
    session = sign_in(visitor.client, {"name": "Malee"})
    assert visitor.get("/me").text == "me Malee"
    assert visitor.get("/recent").text == "recent"
    assert session.login.person.subject == "test-subject"
    assert session.login.scope == ("openid", "profile", "email")
    assert visitor.op.asked == []


def test_claims_are_whole(app, visitor):
    """The claims must be those given, over issuer, subject and time."""
    app.add_url_rule("/sub", "sub", lambda: f"{current_user.sub} {current_login.auth_time} {current_login.acr}")
    sign_in(visitor.client, {"sub": "person-7", "auth_time": 5, "acr": "aal2"})
    assert visitor.get("/sub").text == "person-7 5.0 aal2"


def test_session_can_be_ended(visitor):
    """It must be a real session: a sign-out ends it."""
    sign_in(visitor.client)
    assert visitor.post("/auth/logout", Origin=LOCAL).headers["Location"].startswith("https://op.example/logout?")
    assert visitor.who() == "nobody"


def test_provider_can_be_chosen(make_app, make_provider, op):
    """With several providers the first is taken, or the one named; an unknown one is an error."""
    providers = [make_provider(), make_provider("other", "https://other.example")]
    visitor = Visitor(make_app({"providers": providers}), op)
    assert sign_in(visitor.client).login.person.provider == "oidc"
    assert sign_in(visitor.client, provider="other").user_key == "https://other.example|test-subject"
    with pytest.raises(SuspectError) as caught:
        sign_in(visitor.client, provider="nobody")
    assert caught.value.code == "provider_unknown"


def test_application_is_asked(make_app, op):
    """`on_login` and `roles_from` must be asked as in a real sign-in."""

    def judge(login):
        if login.person.name == "Mallory":
            raise Refused("no")
        return f"key-of-{login.person.name}"

    visitor = Visitor(make_app({"on_login": judge, "roles_from": "groups"}), op)
    session = sign_in(visitor.client, {"name": "Malee", "groups": ["staff"]})
    assert (session.user_key, session.roles) == ("key-of-Malee", ("staff",))
    assert visitor.get("/staff").text == "staff"
    with pytest.raises(Refused):
        sign_in(visitor.client, {"name": "Mallory"})


@pytest.mark.parametrize("key", [5, b"key", ["key"], object()])
def test_key_that_is_no_text_is_refused(make_app, key):
    """An application that returns something else than text must be told, here as in a real sign-in."""
    app = make_app({"on_login": lambda _login: key})
    with pytest.raises(OperatorError) as caught:
        sign_in(app.test_client())
    assert caught.value.code == "user_key_not_text"


@pytest.mark.parametrize(
    "base_url", [HTTPS, f"{HTTPS}/shop", f"{HTTPS}:8443", "http://localhost:5000", "http://[::1]:5000"]
)
def test_base_url_is_no_matter(make_app, base_url):
    """With any base URL the client must be somebody, on that host and where a test names none."""
    client = make_app(SIGNON_BASE_URL=base_url).test_client()
    sign_in(client, {"name": "Malee"})
    assert client.get("/who").text == "Malee"
    assert client.get("/who", base_url=base_url).text == "Malee"


def test_national_id_is_filed_under_our_key(make_app, op):
    """A person whose subject is a national id must be filed under our key here, too."""
    provider = thaid(client_id=CLIENT_ID, client_secret="x" * 40, settings={})
    app = make_app({"providers": [provider]})
    session = sign_in(app.test_client(), {"sub": "1100700999998"})
    assert "1100700999998" not in session.user_key
    assert session.user_key == session.login.person.key


def test_factory_and_client_of_a_readme(tmp_path):
    """The two lines that a reader copies must work with an application made by hand."""
    app = Flask("readme", instance_path=str(tmp_path))
    SignOn(app, providers=[oidc(issuer="https://op.example", client_id="c", settings={})])
    app.add_url_rule("/", "home", lambda: f"Hello {current_user.name}")
    with app.test_client() as client:
        sign_in(client, {"name": "Somchai"})
        assert client.get("/").text == "Hello Somchai"


def test_it_begins_by_the_clock_of_the_store(app, monkeypatch):
    """A store on another machine judges by its own clock whether the session began before an end."""
    monkeypatch.setattr(app.extensions["signon"].party.sessions, "clock_offset", lambda _now: 60.0)
    session = sign_in(app.test_client())
    assert session.started_at == session.created_at + 60.0
