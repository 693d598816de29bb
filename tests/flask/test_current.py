import pytest
from flask import Flask, current_app, request
from tests.flask.double import LOCAL, Visitor, break_store

from signon.flask import User, current_login, current_user
from signon.flask.current import NOBODY, forget_session, load_session
from signon.flask.state import KEY
from signon.flask.testing import sign_in


@pytest.fixture
def loads(app, monkeypatch):
    """The session ids that the store was asked for."""
    sessions, seen = app.extensions[KEY].party.sessions, []
    load = sessions.load

    def counted(session_id, **options):
        seen.append(session_id)
        return load(session_id, **options)

    monkeypatch.setattr(sessions, "load", counted)
    return seen


def test_nobody_is_false_and_knows_nothing(app):
    """Without a session the user must be false, with every value absent."""
    with app.test_request_context("/", base_url=LOCAL):
        assert not current_user
        assert not current_user.is_authenticated
        assert (current_user.key, current_user.name, current_user.roles, current_user.person) == (
            *(None, None),
            *(frozenset(), None),
        )
        assert not current_login
    assert User() == NOBODY


def test_user_is_the_person_who_signed_in(app, op):
    """All standard claims, the provider and our key for the person must be there, and the sign-in behind them."""
    visitor = Visitor(app, op)
    seen = {}

    @app.get("/all")
    def everything():
        names = [name for name in User.__dataclass_fields__ if name not in {"person", "vendor", "permissions"}]
        seen.update({name: getattr(current_user, name) for name in names})
        seen["authenticated"] = current_user.is_authenticated and bool(current_user)
        seen["claims"] = dict(current_login.claims)
        return ""

    claims = {
        **{name: f"a {name}" for name in ("name", "given_name", "family_name", "preferred_username", "locale")},
        "sub": "person-9",
        "email": "s@example.org",
        "email_verified": True,
        "picture": "https://op.example/9.png",
    }
    visitor.sign_in(**claims)
    visitor.get("/all")
    found = seen.pop("claims")
    assert {name: found[name] for name in claims} == claims
    assert seen == {
        **claims,
        "key": "https://op.example|person-9",
        "provider": "oidc",
        "roles": frozenset(),
        "authenticated": True,
    }


def test_unverified_mail_is_said_to_be_so(app, op):
    """An address is verified only where the provider says the boolean true."""
    visitor = Visitor(app, op)
    app.add_url_rule("/verified", "verified", lambda: str(current_user.email_verified))
    for value in (False, "true", None, 1):
        visitor.sign_in(email_verified=value)
        assert visitor.get("/verified").text == "False"


def test_store_is_read_once_in_a_request(app, visitor, loads):
    """However often the user is looked at, one request reads the store once; a page that doesn't look, never."""
    visitor.sign_in()
    loads.clear()
    visitor.get("/")
    assert not loads
    visitor.get("/me")
    assert len(loads) == 1


def test_store_is_not_asked_without_a_cookie(visitor, loads):
    """An anonymous request must cost the store nothing."""
    assert visitor.who() == "nobody"
    assert not loads


def test_store_that_fails_is_never_nobody(app, visitor, monkeypatch):
    """Where the store can't be read the answer is 503 with Retry-After, on any page that looks; others work."""
    visitor.sign_in()
    with monkeypatch.context() as patch:
        break_store(app, patch)
        for path in ("/who", "/me", "/auth/logout"):
            response = visitor.get(path)
            assert response.status_code == 503
            assert response.headers["Retry-After"] == "5"
            assert response.headers["Cache-Control"] == "private, no-store"
        assert visitor.get("/").text == "home"
    assert visitor.who() == "Somchai"


def test_forgotten_session_is_read_again(app, visitor, loads):
    """After a change of the session the next look must read the store again, also for the user."""

    @app.get("/twice")
    def twice():
        first = current_user.name
        forget_session()
        return f"{first} {current_user.name}"

    visitor.sign_in()
    loads.clear()
    assert visitor.get("/twice").text == "Somchai Somchai"
    assert len(loads) == 2


def test_who_comes_later_is_not_who_came_first(app, op):
    """An application context that somebody pushed by hand outlives a request: nobody may be remembered in it."""
    first, second = Visitor(app, op), Visitor(app, op)
    first.sign_in()
    with app.app_context():
        assert first.who() == "Somchai"
        assert second.who() == "nobody"
        assert second.get("/me").status_code == 302
        assert first.get("/me").text == "me Somchai"
        assert first.post("/auth/logout", Origin=LOCAL).status_code == 303
        assert first.who() == "nobody"


def test_address_of_one_request_is_not_the_next_ones(app, op):
    """In such a context the address, too, must be each request's own."""
    with app.app_context():
        for port in (5000, 5001):
            visitor = Visitor(app, op, at=f"{LOCAL}:{port}")
            visitor.start()
            assert all(name.startswith(f"signon-{port}-") for name in visitor.transactions())


def test_application_inside_another_has_its_own_user(make_app, op):
    """One application that calls another with the same environment must not lend it its user."""
    inner, outer = make_app(SIGNON_KEYS="another-key-of-another-application"), make_app()

    @outer.get("/through")
    def through():
        name = current_user.name
        return f"{name} {inner.wsgi_app and _call(inner)}"

    def _call(app: Flask):
        environ = {**request.environ, "PATH_INFO": "/who"}
        return b"".join(app.wsgi_app(environ, lambda *_args: None)).decode()

    visitor = Visitor(outer, op)
    visitor.sign_in()
    assert visitor.get("/through").text == "Somchai nobody"


def test_session_of_a_request(app, visitor):
    """The session must be the one behind the cookie, and none without it."""
    with app.test_request_context("/", base_url=LOCAL):
        assert load_session() is None
    session = sign_in(visitor.client, {"sub": "person-3"})
    cookie = f"signon-80={visitor.cookies()['signon-80']}"
    with app.test_request_context("/", base_url=LOCAL, headers={"Cookie": cookie}):
        assert load_session().user_key == session.user_key


def test_application_without_sign_on_says_so():
    """Using the user in an application that has no SignOn must say what is missing."""
    app = Flask("bare")
    with app.test_request_context("/"):
        assert current_app.name == "bare"
        with pytest.raises(RuntimeError, match="no SignOn"):
            _ = current_user.name
