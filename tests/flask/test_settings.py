import pytest
from flask import Flask
from tests.flask.double import HTTPS, KEY

from signon.flask.settings import DEFAULTS, is_local, origin_of, read_settings, read_text, sources

USUAL = {"SIGNON_SESSIONS": "memory:", "SIGNON_KEYS": KEY}


@pytest.fixture
def read(tmp_path):
    """Read settings: (settings, problems)."""

    def read(**config):
        app = Flask("settings", instance_path=str(tmp_path / "instance"))
        app.config.update({**USUAL, **config})
        problems: list[str] = []
        return read_settings(app, sources(app), problems), problems

    return read


GOOD = [
    ("SIGNON_BASE_URL", "https://app.example.org", "base_url", "https://app.example.org"),
    ("SIGNON_BASE_URL", "https://app.example.org/", "base_url", "https://app.example.org"),
    ("SIGNON_BASE_URL", "https://app.example.org:8443/a/b/", "base_url", "https://app.example.org:8443/a/b"),
    ("SIGNON_BASE_URL", "http://localhost:5000", "base_url", "http://localhost:5000"),
    ("SIGNON_BASE_URL", "http://shop.localhost", "base_url", "http://shop.localhost"),
    ("SIGNON_BASE_URL", "http://127.0.0.1:5000", "base_url", "http://127.0.0.1:5000"),
    ("SIGNON_BASE_URL", "http://[::1]:5000", "base_url", "http://[::1]:5000"),
    ("SIGNON_PREFIX", "/", "prefix", ""),
    ("SIGNON_PREFIX", "/sso/", "prefix", "/sso"),
    ("SIGNON_PREFIX", "/sso", "login_path", "/sso/login"),
    ("SIGNON_PREFIX", "/sso", "signup_path", "/sso/signup"),
    ("SIGNON_PREFIX", "/sso", "logout_path", "/sso/logout"),
    ("SIGNON_PREFIX", "/sso", "jwks_path", "/sso/jwks.json"),
    ("SIGNON_PREFIX", "/sso", "signed_out_path", "/sso/signed-out"),
    ("SIGNON_PREFIX", "/sso", "after_logout", "/sso/signed-out"),
    ("SIGNON_PREFIX", "/", "login_path", "/login"),
    ("SIGNON_LOGIN_PATH", "/enter", "login_path", "/enter"),
    ("SIGNON_SIGNUP_PATH", "/join", "signup_path", "/join"),
    ("SIGNON_LOGOUT_PATH", "/leave", "logout_path", "/leave"),
    ("SIGNON_JWKS_PATH", "/keys", "jwks_path", "/keys"),
    ("SIGNON_PREFIX", "/sso", "password_path", "/sso/password"),
    ("SIGNON_PASSWORD_PATH", "/password/change", "password_path", "/password/change"),
    ("SIGNON_SIGNED_OUT_PATH", "/bye", "signed_out_path", "/bye"),
    ("SIGNON_SIGNED_OUT_PATH", "/bye", "after_logout", "/bye"),
    ("SIGNON_AFTER_LOGIN", "/start?hello=1", "after_login", "/start?hello=1"),
    ("SIGNON_PREFIX", "/sso", "session_path", "/sso/session"),
    ("SIGNON_SESSION_PATH", "/state", "session_path", "/state"),
    ("SIGNON_PREFIX", "/sso", "auth_url_path", "/sso/auth-url"),
    ("SIGNON_AUTH_URL_PATH", "/api/auth-url", "auth_url_path", "/api/auth-url"),
    ("SIGNON_SESSION_CLAIMS", "sub myinfo.name", "session_claims", ("sub", "myinfo.name")),
    ("SIGNON_COOKIE_SAMESITE", "Lax", "cookie_same_site", "Lax"),
    ("SIGNON_AFTER_LOGOUT", "/?bye", "after_logout", "/?bye"),
    ("SIGNON_SESSION_SECONDS", "3600", "session_seconds", 3600.0),
    ("SIGNON_SESSION_SECONDS", 3600, "session_seconds", 3600.0),
    ("SIGNON_PERMANENT", "true", "permanent", True),
    ("SIGNON_PERMANENT", "false", "permanent", False),
    ("SIGNON_SESSIONS", "memory:", "sessions", "memory:"),
    ("SIGNON_SESSIONS", "sqlite:////var/lib/x.db", "sessions", "sqlite:////var/lib/x.db"),
    ("SIGNON_SESSIONS", "redis://localhost", "sessions", "redis://localhost"),
    ("SIGNON_SESSIONS", "sqlite:///:memory:", "sessions", "sqlite:///:memory:"),
    ("SIGNON_SESSIONS", "sqlite:///", "sessions", "sqlite:///"),
    ("SIGNON_CORS_ORIGINS", "https://a.example", "cors_origins", {"https://a.example"}),
    (
        "SIGNON_CORS_ORIGINS",
        "https://a.example:8443  http://localhost:3000",
        "cors_origins",
        {"https://a.example:8443", "http://localhost:3000"},
    ),
    (
        "SIGNON_CORS_ORIGINS",
        ["https://a.example", "https://b.example"],
        "cors_origins",
        {"https://a.example", "https://b.example"},
    ),
]


@pytest.mark.parametrize(("name", "value", "field", "expected"), GOOD)
def test_setting_is_read(read, name, value, field, expected):
    """A right value must be read as what it says."""
    settings, problems = read(**{name: value})
    assert problems == []
    assert getattr(settings, field) == expected


PATHS = (
    "PREFIX",
    "LOGIN_PATH",
    "SIGNUP_PATH",
    "LOGOUT_PATH",
    "JWKS_PATH",
    "SIGNED_OUT_PATH",
    "AFTER_LOGIN",
    "AFTER_LOGOUT",
)
NO_PATHS = ("login", "//evil.example", "https://evil.example", "/a b", "/a\\b", "/<name>", "/a#b", "/a\n", "/\x00")
BAD = [
    *[
        ("SIGNON_BASE_URL", value)
        for value in (
            *(
                "http://app.example.org",
                "app.example.org",
                "ftp://app.example.org",
                "https://",
                "https://a b",
                "//x",
            ),
            *(
                "https://app.example.org?x=1",
                "https://app.example.org#x",
                "https://app.example.org:port",
                "https://[x",
            ),
            *(
                "http://10.0.0.1:5000",
                "http://localhost.evil.example",
                "https://กข.example",
                "https://a\n.example",
            ),
        )
    ],
    *[(f"SIGNON_{name}", value) for name in PATHS for value in NO_PATHS],
    *[(f"SIGNON_{name}", "/a?b") for name in PATHS[:6]],
    *[("SIGNON_SESSION_SECONDS", value) for value in ("0", "-1", "1.5", "8h", "٣", "1e3", 0, -5)],
    *[("SIGNON_PERMANENT", value) for value in ("yes", "1", "True")],
    *[
        ("SIGNON_CORS_ORIGINS", value)
        for value in (
            *("*", "null", "https://a.example/", "https://a.example/path", "http://a.example", "a.example"),
            *(
                "https://A.example",
                "https://a.example:443",
                "https://*.example",
                "https://a.example,https://b.example",
            ),
            *("http://[x", "https://u:p@a.example"),
        )
    ],
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_wrong_value_is_one_problem_that_names_it(read, name, value):
    """A wrong value must be one problem, which begins with the setting's name."""
    settings, problems = read(**{name: value})
    assert len(problems) == 1 or name == "SIGNON_PREFIX"
    assert all(problem.startswith(name) for problem in problems)
    assert settings.base_url is None


NAMES = [name for name in DEFAULTS if name != "SIGNON_PROVIDERS"]


@pytest.mark.parametrize("name", [n for n in NAMES if n[-8:] != "_SECONDS" and n != "SIGNON_PSEUDONYM_KEY"])
@pytest.mark.parametrize("value", [123456, 1.5, True, {"a": "b"}, ["a", 5], object()])
def test_what_is_no_text_is_told_so(read, name, value):
    """`FLASK_...` turns 123456 into a number: a setting that isn't text must say so, and what helps."""
    _, problems = read(**{name: value})
    kind = type(value).__name__
    assert f"{name} is {kind} and not text: put quotes around it where it is set" in problems


SECONDS = [name for name in NAMES if name[-8:] == "_SECONDS"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("10000000000", "1000000000…", id="11 digits"),
        pytest.param("9" * 5000, "9999999999…", id="5,000 digits"),
        pytest.param(10**5000, "1000000000…", id="a number of 5,001 digits"),
        pytest.param(-(10**5000), "-100000000…", id="a negative one"),
    ],
)
@pytest.mark.parametrize("name", SECONDS)
def test_too_many_seconds_are_told_so(read, name, value, shown):
    """A time that no clock reaches is a problem in words, cut short, however many digits it has."""
    _, problems = read(**{name: value})
    why = "is not a whole number of seconds above 0, of 10 digits at most"
    assert problems[0] == f"{name}='{shown}' {why}"


@pytest.mark.parametrize("name", SECONDS)
def test_longest_time(read, name):
    """Ten digits of seconds can be had, but where a setting has a limit of its own."""
    assert all(name not in problem or "digits" not in problem for problem in read(**{name: "9" * 10})[1])


@pytest.mark.parametrize("value", [True, 1.5, {}])
@pytest.mark.parametrize("name", SECONDS)
def test_seconds_may_be_whole_numbers_only(read, name, value):
    """A number of seconds may be text or an int; true isn't one."""
    _, problems = read(**{name: value})
    assert problems == [f"{name} is {type(value).__name__} and not text: put quotes around it where it is set"]


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("empty", ["", None])
def test_empty_value_counts_as_unset(read, name, empty, monkeypatch):
    """An empty value must be like none, in the configuration and in the environment."""
    usual, _ = read()
    monkeypatch.setenv(name, "")
    if name not in USUAL:
        assert read(**{name: empty}) == (usual, [])


def test_flask_environment(read, tmp_path, monkeypatch):
    """What `from_prefixed_env` makes of texts and lists must be taken; of numbers only where a number is meant."""
    monkeypatch.setenv("FLASK_SIGNON_SESSION_SECONDS", "60")
    monkeypatch.setenv("FLASK_SIGNON_CORS_ORIGINS", '["https://a.example"]')
    monkeypatch.setenv("FLASK_SIGNON_KEYS", "12345678901234567890")
    app = Flask("settings", instance_path=str(tmp_path))
    app.config.from_prefixed_env()
    problems: list[str] = []
    settings = read_settings(app, sources(app), problems)
    assert (settings.session_seconds, settings.cors_origins) == (60.0, {"https://a.example"})
    assert problems == ["SIGNON_KEYS is int and not text: put quotes around it where it is set"]


def test_configuration_wins_over_the_environment(read, monkeypatch):
    """First the application's configuration, then the environment."""
    monkeypatch.setenv("SIGNON_AFTER_LOGIN", "/from-environment")
    assert read()[0].after_login == "/from-environment"
    assert read(SIGNON_AFTER_LOGIN="/from-config")[0].after_login == "/from-config"
    assert read(SIGNON_AFTER_LOGIN="")[0].after_login == "/from-environment"
    assert read(SIGNON_AFTER_LOGIN=None)[0].after_login == "/from-environment"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("SIGNON_BASEURL", "SIGNON_BASE_URL"),
        ("SIGNON_BASE_URI", "SIGNON_BASE_URL"),
        ("SIGNON_KEY", "SIGNON_KEYS"),
        ("SIGNON_SESSION", "SIGNON_SESSIONS"),
        ("SIGNON_SESION_SECONDS", "SIGNON_SESSION_SECONDS"),
        ("SIGNON_LOGIN_PAHT", "SIGNON_LOGIN_PATH"),
        ("SIGNON_PROVIDER", "SIGNON_PROVIDERS"),
        ("SIGNON_CORS_ORIGIN", "SIGNON_CORS_ORIGINS"),
    ],
)
@pytest.mark.parametrize("where", ["configuration", "environment"])
def test_misspelt_setting_stops_with_the_nearest_name(read, monkeypatch, wrong, right, where):
    """An unknown `SIGNON_...`, wherever it is set, must be a problem that names the nearest right one."""
    if where == "environment":
        monkeypatch.setenv(wrong, "x")
    _, problems = read(**({wrong: "x"} if where == "configuration" else {}))
    assert problems == [f"{wrong} is no setting; did you mean {right}?"]


def test_unknown_setting_without_a_neighbour(read):
    """A name that is like no other must be a problem without a guess; its value isn't shown."""
    _, problems = read(SIGNON_ZZZZZZZZZZZZZZZZZZ="a-secret-value")
    assert problems == ["SIGNON_ZZZZZZZZZZZZZZZZZZ is no setting"]


@pytest.mark.parametrize("name", ["AUTH0_FOO", "SIGN_ON", "signon_base_url", "MY_SIGNON_X"])
def test_names_of_others_are_left_alone(read, name):
    """Settings that other software may have must not stop the start."""
    assert read(**{name: "x"})[1] == []


def test_all_problems_are_reported_together(read):
    """Everything that is wrong must be said at once."""
    _, problems = read(
        SIGNON_BASEURL="x",
        SIGNON_BASE_URL="http://app.example.org",
        SIGNON_LOGIN_PATH="x",
        SIGNON_AFTER_LOGOUT="x",
        SIGNON_SESSION_SECONDS="x",
        SIGNON_CORS_ORIGINS="* null",
    )
    assert len(problems) == 7


def test_password_in_an_address_is_not_shown(read):
    """An address with a user's name must be refused without being repeated."""
    _, problems = read(SIGNON_BASE_URL="https://user:hunter2-password@app.example.org")
    (problem,) = problems
    assert problem.startswith("SIGNON_BASE_URL has user information")
    assert "hunter2" not in problem


# From files


@pytest.mark.parametrize("as_path", [str, lambda path: path])
def test_secret_may_stand_in_a_file(read, tmp_path, as_path):
    """`SIGNON_KEYS_FILE` names a file with the keys, one a line; white space around them is no matter."""
    file = tmp_path / "keys"
    file.write_text(f"\n{KEY}\nan-older-key-of-this-application\n")
    settings, problems = read(SIGNON_KEYS=None, SIGNON_KEYS_FILE=as_path(file))
    assert problems == []
    assert [key.reveal() for key in settings.keys] == [KEY, "an-older-key-of-this-application"]


def test_setting_wins_over_its_file(read, tmp_path):
    """A value that is set must win over a file."""
    file = tmp_path / "keys"
    file.write_text("a-key-in-a-file-of-some-length")
    assert read(SIGNON_KEYS_FILE=str(file))[0].keys[0].reveal() == KEY


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_file_that_cannot_be_read_is_a_problem(read, tmp_path, content):
    """A file that isn't there, or is no text, must be a problem: nothing takes its place in silence."""
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    _, problems = read(SIGNON_KEYS=None, SIGNON_KEYS_FILE=str(file), SIGNON_BASE_URL=HTTPS)
    assert problems[0].startswith("SIGNON_KEYS_FILE can't be read: ")


def test_other_settings_have_no_files(read, tmp_path):
    """Only secrets may stand in files: another `..._FILE` is no setting."""
    _, problems = read(SIGNON_BASE_URL_FILE=str(tmp_path))
    assert problems[0].startswith("SIGNON_BASE_URL_FILE is no setting")


# What follows


def test_relative_database_is_in_the_instance_folder(read, tmp_path):
    """A relative SQLite path, and the default, are in the instance folder, which is made."""
    folder = tmp_path / "instance"
    assert not folder.exists()
    assert read(SIGNON_SESSIONS=None)[0].sessions == f"sqlite:///{folder}/signon.sqlite3"
    assert folder.is_dir()
    assert read(SIGNON_SESSIONS="sqlite:///a/b.db")[0].sessions == f"sqlite:///{folder}/a/b.db"


def test_instance_folder_that_cannot_be_made_is_the_stores_matter(tmp_path):
    """Reading settings must not fail where the folder can't be made: the store says so when it is used."""
    (tmp_path / "file").write_text("")
    app = Flask("settings", instance_path=str(tmp_path / "file" / "instance"))
    app.config.update(SIGNON_KEYS=KEY)
    problems: list[str] = []
    assert read_settings(app, sources(app), problems).sessions.endswith("instance/signon.sqlite3")
    assert problems == []


@pytest.mark.parametrize(
    ("base_url", "local"),
    [
        (None, True),
        ("http://localhost:5000", True),
        ("https://localhost", True),
        ("http://[::1]", True),
        (HTTPS, False),
    ],
)
def test_local_is_what_serves_this_machine_alone(base_url, local):
    """Without a base URL, or with one of this machine, an application is local."""
    assert is_local(base_url) is local


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example.org", "https://app.example.org"),
        ("https://App.Example.ORG/Path", "https://app.example.org"),
        ("HTTPS://app.example.org:443", "https://app.example.org"),
        ("https://app.example.org:80", "https://app.example.org:80"),
        ("http://localhost:80/x", "http://localhost"),
        ("http://[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_origin_is_as_browsers_write_it(url, origin):
    """Lower case, without a default port, without a path."""
    assert origin_of(url) == origin


def test_text_of_a_setting_has_its_default():
    """What isn't set has its default; a list is its words."""
    problems: list[str] = []
    assert read_text({}, problems, "SIGNON_PREFIX") == "/auth"
    assert read_text({}, problems, "SIGNON_KEYS") is None
    assert read_text({"SIGNON_PROVIDERS": ("a", "b")}, problems, "SIGNON_PROVIDERS") == "a b"
    assert problems == []


def test_settings_show_no_secret(read):
    """Neither keys nor their parts may be in the settings' repr."""
    settings, _ = read()
    assert KEY not in repr(settings)


def test_settings_are_frozen(read):
    """Later changes of a setting must be impossible, and so not in silence without effect."""
    settings, _ = read()
    with pytest.raises(AttributeError):
        settings.base_url = "x"


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"SIGNON_COOKIE_SAMESITE": "Strict"}, "SIGNON_COOKIE_SAMESITE='Strict' is neither Lax nor None"),
        (
            {"SIGNON_COOKIE_SAMESITE": "None", "SIGNON_CORS_ORIGINS": "https://a.example"},
            "SIGNON_COOKIE_SAMESITE=None needs https: set SIGNON_BASE_URL to an https address",
        ),
        (
            {
                "SIGNON_COOKIE_SAMESITE": "None",
                "SIGNON_CORS_ORIGINS": "https://a.example",
                "SIGNON_BASE_URL": "http://localhost:5000",
            },
            "SIGNON_COOKIE_SAMESITE=None needs https: set SIGNON_BASE_URL to an https address",
        ),
        (
            {"SIGNON_COOKIE_SAMESITE": "None", "SIGNON_BASE_URL": HTTPS},
            "SIGNON_COOKIE_SAMESITE=None is for a frontend on another site: list it in SIGNON_CORS_ORIGINS",
        ),
    ],
)
def test_cookies_for_another_site_need_https_and_its_name(read, config, problem):
    """What browsers would not take, or nobody would use, must stop the start, with what to do."""
    assert read(**config)[1] == [problem]


def test_cookies_for_another_site(read):
    """With https, and the frontend's origin on the list, cookies may go along with requests of another site."""
    settings, problems = read(
        SIGNON_COOKIE_SAMESITE="None", SIGNON_CORS_ORIGINS="https://a.example", SIGNON_BASE_URL=HTTPS
    )
    assert (settings.cookie_same_site, problems) == ("None", [])
