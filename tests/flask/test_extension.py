from types import SimpleNamespace

import pytest
from flask import Blueprint, Flask
from tests.flask.double import CLIENT_ID, CLIENT_SECRET, HTTPS, ISSUER, KEY, LOCAL, Op, Visitor, code_of

from signon.core.errors import ConfigurationError, ProviderUnavailable
from signon.flask import Refused, SignOn, current_user
from signon.flask.state import KEY as EXTENSION

OTHER = "https://other.example"
OIDC = {
    "OIDC_ISSUER": ISSUER,
    "OIDC_CLIENT_ID": CLIENT_ID,
    "OIDC_CLIENT_SECRET": CLIENT_SECRET,
    "OIDC_ID_TOKEN_ALG": "ES256",
}


@pytest.fixture
def bare(tmp_path, ops):
    """An application without a SignOn, with these settings."""

    def make(**settings):
        app = Flask("bare", instance_path=str(tmp_path / "instance"))
        app.config.update({"SIGNON_SESSIONS": "memory:", "SIGNON_KEYS": KEY, **settings})
        app.add_url_rule("/who", "who", lambda: current_user.name or "nobody")
        return app

    return make


def problems_of(call, *args, **kwargs):
    with pytest.raises(ConfigurationError) as caught:
        call(*args, **kwargs)
    return caught.value.problems


# Making one


def test_application_and_extension_at_once(bare, op):
    """`SignOn(app)` with settings alone must sign in."""
    app = bare(SIGNON_PROVIDERS="oidc", **OIDC)
    SignOn(app)
    visitor = Visitor(app, op)
    visitor.sign_in()
    assert visitor.who() == "Somchai"


def test_extension_before_its_application(bare, make_provider, op):
    """`init_app` later, on several applications, must give each its own state."""
    signon = SignOn(providers=[make_provider()])
    first, second = bare(), bare(SIGNON_PREFIX="/sso")
    signon.init_app(first)
    signon.init_app(second)
    assert first.extensions[EXTENSION] is not second.extensions[EXTENSION]
    assert Visitor(first, op).sign_in().status_code == 303
    assert Visitor(second, op).sign_in("/sso/login").status_code == 303


def test_second_init_is_refused(app, make_provider):
    """A second SignOn on one application must be refused, and change nothing."""
    before = app.extensions[EXTENSION]
    with pytest.raises(RuntimeError, match="has a SignOn already"):
        SignOn(app, providers=[make_provider()])
    assert app.extensions[EXTENSION] is before


def test_refused_application_is_left_as_it_was(bare):
    """After a start that stopped, the application has nothing of ours, and can be given to a right one."""
    app = bare(SIGNON_PROVIDERS="oidc")
    with pytest.raises(ConfigurationError):
        SignOn(app)
    assert EXTENSION not in app.extensions
    assert "signon" not in app.blueprints
    app.config.update(OIDC)
    SignOn(app)


def test_later_changes_of_settings_are_not_seen(bare, make_provider, op):
    """Settings are read once: what is changed later has no effect in the middle of a sign-in."""
    app = bare()
    SignOn(app, providers=[make_provider()])
    app.config["SIGNON_BASE_URL"] = HTTPS
    app.config["SIGNON_KEYS"] = "another-key-of-some-length"
    assert Visitor(app, op).sign_in().status_code == 303


def test_application_without_a_secret_key_signs_in(app, visitor):
    """Nothing of ours may need Flask's session."""
    assert app.config["SECRET_KEY"] is None
    visitor.sign_in()
    assert visitor.who() == "Somchai"
    assert set(visitor.cookies()) == {"signon-80"}


def test_session_of_the_application_is_left_alone(app, visitor):
    """An application's own session must neither be read nor written nor cleared."""
    app.secret_key = "a-secret-key-of-the-application"

    @app.get("/cart")
    def cart():
        from flask import session

        session["cart"] = [*session.get("cart", []), "book"]
        return str(len(session["cart"]))

    assert visitor.get("/cart").text == "1"
    before = visitor.cookies()["session"]
    visitor.sign_in()
    visitor.post("/auth/logout", Origin=LOCAL)
    assert visitor.cookies()["session"] == before
    assert visitor.get("/cart").text == "2"


def test_default_store_is_a_file_in_the_instance_folder(bare, make_provider, op, tmp_path):
    """Without `SIGNON_SESSIONS`: SQLite in the instance folder, which outlives the application."""
    for _ in range(2):
        app = bare(SIGNON_SESSIONS=None)
        SignOn(app, providers=[make_provider()])
        visitor = Visitor(app, op)
        if _ == 0:
            visitor.sign_in()
            kept = dict(visitor.client._cookies)
        else:
            visitor.client._cookies.update(kept)
        assert visitor.who() == "Somchai"
    assert (tmp_path / "instance" / "signon.sqlite3").stat().st_mode & 0o777 == 0o600


# What stops the start


def test_everything_wrong_is_said_at_once(bare):
    """Settings, providers, names, store and keys: one error with all problems, one a line."""
    app = bare(
        SIGNON_BASEURL=HTTPS,
        SIGNON_BASE_URL="http://app.example.org",
        SIGNON_SESSIONS="mysql://user:hunter2@db",
        SIGNON_KEYS=123456,
        SIGNON_PROVIDERS="oidc",
        OIDC_CLIENT_ID=123456,
        OIDC_USERINFO_ALG="XX",
    )
    with pytest.raises(ConfigurationError) as caught:
        SignOn(app)
    beginnings = [problem.split()[0].partition("=")[0] for problem in caught.value.problems]
    assert sorted(beginnings) == [
        *(
            "OIDC_CLIENT_ID",
            "OIDC_ISSUER",
            "OIDC_USERINFO_ALG",
            "SIGNON_BASEURL",
            "SIGNON_BASE_URL",
            "SIGNON_KEYS",
        ),
        "there",
    ]
    text = str(caught.value)
    assert text.startswith("configuration: Signon can't start:\n- ")
    assert text.count("\n- ") == 7
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "no provider: set SIGNON_PROVIDERS"),
        ("", "no provider: set SIGNON_PROVIDERS"),
        (" , ", "SIGNON_PROVIDERS: '' is no name"),
        (5, "SIGNON_PROVIDERS is int and not text"),
        ("Oidc", "SIGNON_PROVIDERS: 'Oidc' is no name"),
        ("oidc,5x", "SIGNON_PROVIDERS: '5x' is no name"),
        ("a:nobody", "SIGNON_PROVIDERS: 'a:nobody' names no vendor"),
    ],
)
def test_names_that_cannot_be(bare, value, problem):
    """A list of providers that names none, or one that can't be, must be one problem that says so."""
    (only,) = problems_of(SignOn, bare(SIGNON_PROVIDERS=value, **OIDC))
    assert only.startswith(problem)


def test_no_providers_given(bare):
    """An empty list of providers must stop the start, whatever the settings name."""
    (problem,) = problems_of(SignOn, bare(SIGNON_PROVIDERS="oidc", **OIDC), providers=[])
    assert problem.startswith("no provider")


def test_given_providers_win_over_the_setting(bare, make_provider):
    """Providers that are given must be the only ones."""
    app = bare(SIGNON_PROVIDERS="oidc", **OIDC)
    SignOn(app, providers=[make_provider("staff")])
    assert list(app.extensions[EXTENSION].party.providers) == ["staff"]


@pytest.mark.parametrize(
    "value", ["staff,partners", "staff partners", ["staff", "partners"], " staff ,\n partners "]
)
def test_several_providers_by_names_of_ones_own(bare, ops, op, plant, value):
    """Generic providers under any names, in text or a list, each with settings of its own."""
    ops[OTHER] = Op(plant, issuer=OTHER)
    settings = {
        name.replace("OIDC", which): text for which in ("STAFF", "PARTNERS") for name, text in OIDC.items()
    }
    app = bare(SIGNON_PROVIDERS=value, **{**settings, "PARTNERS_ISSUER": OTHER})
    SignOn(app)
    visitor = Visitor(app, op)
    visitor.sign_in("/auth/login/staff")
    assert visitor.who() == "Somchai"
    visitor.op = ops[OTHER]
    assert visitor.start("/auth/login/partners").startswith(f"{OTHER}/authorize")


def test_configuration_wins_over_the_environment_for_providers(bare, monkeypatch):
    """Under `SIGNON_PROVIDERS` a factory gets the configuration over the environment."""
    monkeypatch.setenv("OIDC_CLIENT_ID", "from-the-environment")
    monkeypatch.setenv("OIDC_LABEL", "From the environment")
    app = bare(SIGNON_PROVIDERS="oidc", **OIDC)
    SignOn(app)
    provider = app.extensions[EXTENSION].party.providers["oidc"]
    assert (provider.client.client_id, provider.label) == (CLIENT_ID, "From the environment")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("oidc", "oidc"), "two providers are called 'oidc'"),
        (("auth", "auth_two"), "the providers 'auth' and 'auth_two' can't go together"),
        (("Staff",), "'Staff' can't be a provider's name"),
        (("a-b",), "'a-b' can't be a provider's name"),
        (("",), "'' can't be a provider's name"),
    ],
)
def test_names_that_cannot_go_together(bare, make_provider, names, problem):
    """Names twice, names that look like another's settings and names that can't be in a URL stop the start."""
    problems = problems_of(SignOn, bare(), providers=[make_provider(name) for name in names])
    assert any(one.startswith(problem) for one in problems)


def test_plain_http_for_others_stops_the_start(bare, make_provider):
    """A plain http base URL is for this machine only."""
    (problem,) = problems_of(SignOn, bare(SIGNON_BASE_URL="http://app.example.org"), providers=[make_provider()])
    assert problem.startswith("SIGNON_BASE_URL='http://app.example.org' is not https")


def test_national_ids_need_a_key_of_their_own(bare, make_provider):
    """Off this machine a provider of national ids stops the start without `SIGNON_PSEUDONYM_KEY`; others don't."""
    from dataclasses import replace

    provider = replace(make_provider(), subject_is_national_id=True)
    (problem,) = problems_of(SignOn, bare(SIGNON_BASE_URL=HTTPS), providers=[provider])
    assert problem.startswith("SIGNON_PSEUDONYM_KEY is not set")
    SignOn(bare(SIGNON_BASE_URL=HTTPS, SIGNON_PSEUDONYM_KEY="k" * 32), providers=[provider])
    SignOn(bare(SIGNON_BASE_URL=HTTPS), providers=[make_provider()])


@pytest.mark.parametrize(
    ("settings", "keywords", "problem"),
    [
        ({"SIGNON_LOGIN_PATH": "/x", "SIGNON_LOGOUT_PATH": "/x"}, {}, "the path /x is meant for login and logout"),
        (
            {"SIGNON_LOGIN_PATH": "/auth"},
            {"callback_path": "/auth"},
            "the path /auth is meant for callback and login",
        ),
        (
            {},
            {"callback_path": "/b", "logout_callback_path": "/b"},
            "the path /b is meant for callback and logout/callback",
        ),
        (
            {},
            {"callback_path": "/b", "initiate_path": "/b"},
            "the path /b is meant for callback and initiate/oidc",
        ),
    ],
)
def test_one_path_for_two_routes(bare, make_provider, settings, keywords, problem):
    """Two routes of ours at one path stop the start: the second could never be reached."""
    assert problems_of(SignOn, bare(**settings), providers=[make_provider(**keywords)]) == (problem,)


def test_way_back_from_sign_out_may_be_shared(bare, make_provider):
    """Several providers may send people back from their sign-out to one path: its state isn't read."""
    providers = [
        make_provider("a", logout_callback_path="/gone"),
        make_provider("b", OTHER, logout_callback_path="/gone"),
    ]
    app = bare()
    SignOn(app, providers=providers)
    assert app.test_client().get("/gone").headers["Location"] == "/auth/signed-out"


# Shared callback paths


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_shared_callback_path(bare, make_provider, ops, first, second, shared):
    """Two providers may share a callback path only if both say in their answers who they are (RFC 9207)."""
    providers = [make_provider("a", callback_path="/back"), make_provider("b", OTHER, callback_path="/back")]
    for issuer, promises in ((ISSUER, first), (OTHER, second)):
        ops[issuer].metadata["authorization_response_iss_parameter_supported"] = promises
    app = bare()
    if not shared:
        problems = problems_of(SignOn, app, providers=providers)
        silent = [name.upper() for name, promises in (("a", first), ("b", second)) if not promises]
        assert [problem.rpartition(" ")[2] for problem in problems] == [f"{name}_CALLBACK_PATH" for name in silent]
        return
    SignOn(app, providers=providers)
    for name, issuer in (("a", ISSUER), ("b", OTHER)):
        visitor = Visitor(app, ops[issuer])
        location = visitor.start(f"/auth/login/{name}")
        pairs = ops[issuer].authorize(location)
        mixed = {**pairs, "iss": OTHER if issuer == ISSUER else ISSUER}
        assert code_of(visitor.answer(location, pairs=mixed)) == "iss_mismatch"
        location = visitor.start(f"/auth/login/{name}")
        pairs = ops[issuer].authorize(location)
        assert visitor.answer(location, pairs={**pairs, "iss": issuer}).status_code == 303


@pytest.mark.parametrize("channel", ["backchannel", "frontchannel"])
def test_no_two_providers_tell_of_sign_outs_at_one_path(bare, make_provider, channel):
    """The path says by whose keys it is judged what comes there: shared by two it stops the start."""
    keyword = {f"{channel}_logout_path": "/told"}
    (problem,) = problems_of(
        SignOn, bare(), providers=[make_provider("a", **keyword), make_provider("b", OTHER, **keyword)]
    )
    assert problem == f"the path /told is meant for {channel}-logout/a and {channel}-logout/b"


def test_shared_callback_path_needs_the_metadata(bare, make_provider, ops):
    """Where the metadata can't be had nobody knows, so the start stops."""
    providers = [make_provider("a", callback_path="/back"), make_provider("b", OTHER, callback_path="/back")]
    for issuer in (ISSUER, OTHER):
        ops[issuer].metadata["authorization_response_iss_parameter_supported"] = True
    ops[OTHER].failing["metadata"] = ProviderUnavailable("metadata_timeout", "no answer")
    (problem,) = problems_of(SignOn, bare(), providers=providers)
    assert problem.startswith("b shares the callback path /back, and its metadata can't be read: metadata_timeout")


def test_start_asks_no_provider(bare, make_provider, op):
    """Without a shared path the start must not ask anybody: it works while the provider is down."""
    SignOn(bare(), providers=[make_provider()])
    assert op.asked == []


# Routes


def test_routes_can_be_had_elsewhere(bare, make_provider, op):
    """Each path of ours can be set, each provider's own by its keyword."""
    app = bare(
        SIGNON_LOGIN_PATH="/enter",
        SIGNON_SIGNUP_PATH="/join",
        SIGNON_LOGOUT_PATH="/leave",
        SIGNON_SIGNED_OUT_PATH="/bye",
        SIGNON_JWKS_PATH="/keys",
        SIGNON_SESSIONS_PATH="/places",
        SIGNON_SESSION_PATH="/state",
        SIGNON_AUTH_URL_PATH="/where",
    )
    own = {
        "callback_path": "/back",
        "logout_callback_path": "/gone",
        "backchannel_logout_path": "/told",
        "frontchannel_logout_path": "/framed",
        "initiate_path": "/start-here",
    }
    SignOn(app, providers=[make_provider(**own)])
    ours = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("signon.")}
    assert ours == {
        "/enter",
        "/enter/<provider>",
        "/join",
        "/join/<provider>",
        "/leave",
        "/bye",
        "/keys",
        "/places",
        "/state",
        "/where",
        "/where/<provider>",
        "/auth/signon.mjs",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/<path:path>",
        "/back",
        "/gone",
        "/told",
        "/framed",
        "/start-here",
    }
    visitor = Visitor(app, op)
    assert visitor.sign_in("/enter").status_code == 303
    assert visitor.get("/gone").headers["Location"] == "/bye"


def test_default_routes(app):
    """The routes under the prefix, and their methods."""
    ours = {
        rule.rule: sorted(rule.methods - {"HEAD", "OPTIONS"})
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("signon.")
    }
    assert ours == {
        "/auth/login": ["GET"],
        "/auth/login/<provider>": ["GET"],
        "/auth/signup": ["GET"],
        "/auth/signup/<provider>": ["GET"],
        "/auth/callback/oidc": ["GET", "POST"],
        "/auth/logout": ["GET", "POST"],
        "/auth/logout/callback/oidc": ["GET"],
        "/auth/backchannel-logout/oidc": ["DELETE", "GET", "PATCH", "POST", "PUT"],  # refused but for POST
        "/auth/frontchannel-logout/oidc": ["GET"],
        "/auth/initiate/oidc": ["GET", "POST"],
        "/auth/signed-out": ["GET"],
        "/auth/jwks.json": ["GET"],
        "/auth/sessions": ["GET", "POST"],
        "/auth/session": ["GET"],
        "/auth/auth-url": ["GET"],
        "/auth/auth-url/<provider>": ["GET"],
        "/auth/signon.mjs": ["GET"],
        "/.well-known/oauth-protected-resource": ["GET"],
        "/.well-known/oauth-protected-resource/<path:path>": ["GET"],
    }


# Beside other extensions


class Csrf:
    """What Flask-WTF's CSRFProtect does: every POST needs a token, but for exempt blueprints."""

    def __init__(self, app: Flask) -> None:
        self.exempted: set[str] = set()
        app.extensions["csrf"] = self

        @app.before_request
        def protect():
            from flask import abort, request

            if request.method == "POST" and request.blueprint not in self.exempted:
                abort(400, "The CSRF token is missing.")

    def exempt(self, blueprint: Blueprint) -> Blueprint:
        self.exempted.add(blueprint.name)
        return blueprint


@pytest.mark.parametrize("first", ["Flask-WTF", "Signon"])
def test_flask_wtf_lets_our_routes_pass(bare, make_provider, op, first):
    """Whichever came first, our own rules hold on our routes; the application's forms keep theirs."""
    app = bare()
    app.add_url_rule("/form", "form", lambda: "sent", methods=["POST"])
    steps = [lambda: Csrf(app), lambda: SignOn(app, providers=[make_provider(response_mode="form_post")])]
    for step in steps if first == "Flask-WTF" else reversed(steps):
        step()
    visitor = Visitor(app, op)
    pairs = op.authorize(visitor.start())
    assert visitor.post("/auth/callback/oidc", data=pairs).status_code == 303
    assert visitor.who() == "Somchai"
    assert visitor.post("/auth/logout", data={}).status_code == 403
    assert visitor.post("/auth/logout", data={}, Origin=LOCAL).status_code == 303
    told = visitor.post("/auth/backchannel-logout/oidc", data={"logout_token": op.logout_token()})
    assert told.status_code == 200
    assert visitor.post("/form", data={}).status_code == 400


def test_listed_origin_signs_out_with_its_header(make_app, op):
    """A frontend of the exact list, with `X-CSRF: 1`, may sign out from its own site."""
    spa = "https://spa.example.org"
    visitor = Visitor(make_app(SIGNON_BASE_URL=HTTPS, SIGNON_CORS_ORIGINS=spa), op, at=HTTPS)
    visitor.sign_in()
    headers = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": spa}
    assert visitor.post("/auth/logout", **headers).status_code == 403
    assert visitor.who() == "Somchai"
    assert visitor.post("/auth/logout", **headers, X_CSRF="1").status_code == 200
    assert visitor.who() == "nobody"


# The application decides


@pytest.mark.parametrize(
    ("answer", "key"), [("user-7", "user-7"), (None, f"{ISSUER}|person-1"), ("", f"{ISSUER}|person-1")]
)
def test_key_of_the_application(make_app, op, answer, key):
    """The application's key files the person; without one ours does: issuer and subject, never a mail address."""
    app = make_app({"on_login": lambda _login: answer})
    app.add_url_rule("/key", "key", lambda: current_user.key)
    visitor = Visitor(app, op)
    visitor.sign_in()
    assert visitor.get("/key").text == key


def test_application_sees_the_whole_login_before_there_is_a_session(make_app, op):
    """`on_login` runs once, with all claims, while nobody is signed in."""
    seen = []

    def on_login(login):
        seen.append((login.person.subject, login.claims["email"], bool(current_user)))

    visitor = Visitor(make_app({"on_login": on_login}), op)
    visitor.sign_in()
    assert seen == [("person-1", "s@example.org", False)]


@pytest.mark.parametrize("key", [5, b"user-7", ["user-7"]])
def test_key_that_is_no_text(make_app, op, key):
    """A key that is no text could not be read again: the operator is told, and nobody is signed in."""
    visitor = Visitor(make_app({"on_login": lambda _login: key}), op)
    response = visitor.sign_in()
    assert (response.status_code, code_of(response)) == (502, "user_key_not_text")
    assert visitor.who() == "nobody"


def test_mistake_in_the_application_is_its_own(make_app, op):
    """An error of the application's in `on_login` must come out as its own, and sign nobody in."""

    def on_login(_login):
        raise ZeroDivisionError

    app = make_app({"on_login": on_login})
    visitor = Visitor(app, op)
    with pytest.raises(ZeroDivisionError):
        visitor.sign_in()
    assert visitor.who() == "nobody"


def test_same_mail_address_is_not_the_same_person(make_app, make_provider, ops, op):
    """Two issuers, and two subjects of one, with one mail address, must be different people."""
    app = make_app({"providers": [make_provider(), make_provider("other", OTHER)]})
    app.add_url_rule("/key", "key", lambda: current_user.key)
    keys = set()
    for path, issuer, sub in (
        ("oidc", ISSUER, "Alice"),
        ("oidc", ISSUER, "alice"),
        ("other", OTHER, "alice"),
    ):
        visitor = Visitor(app, ops[issuer])
        visitor.sign_in(f"/auth/login/{path}", sub=sub, email="alice@example.org")
        keys.add(visitor.get("/key").text)
    assert len(keys) == 3


def test_refused_is_an_error_of_ours(make_app):
    """`Refused` must have its code and reason."""
    error = Refused("because")
    assert (error.code, error.reason, error.status) == ("refused", "because", 403)
    assert SimpleNamespace(app=make_app()).app.name == "tests_flask_application"
