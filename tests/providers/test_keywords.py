import os

import pytest

from signon.core.header import ALGS
from signon.core.values import Secret
from signon.providers import FACTORIES, auth0, authmachine, oidc, pingone, sgid, thaid
from signon.providers.keywords import COMMON, Common, Keyword, Reader, keywords

PLANT = "hunter2-is-a-planted-password"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("OIDC_", "STAFF_"))]:
        monkeypatch.delenv(name)


def reader(given=None, settings=None, *, known=COMMON, provider="staff"):
    return Reader(
        provider=provider, given=given or {}, settings={} if settings is None else settings, keywords=known
    )


# Where a value comes from


def test_setting_is_named_after_provider_and_keyword():
    """The provider's name, an underscore, the keyword, in capitals."""
    assert reader().setting("client_id") == "STAFF_CLIENT_ID"
    assert reader(provider="my_staff").setting("max_age") == "MY_STAFF_MAX_AGE"


def test_argument_wins_over_setting_wins_over_file_wins_over_default(tmp_path):
    """An explicit argument first, then the setting, then (secrets) its file, then the default."""
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    settings = {"STAFF_CLIENT_SECRET": "from the setting", "STAFF_CLIENT_SECRET_FILE": str(file)}
    assert reader({"client_secret": "given"}, settings).text("client_secret") == "given"
    assert reader({}, settings).text("client_secret") == "from the setting"
    del settings["STAFF_CLIENT_SECRET"]
    assert reader({}, settings).text("client_secret") == "from the file"
    assert reader().text("client_secret") is None
    assert reader().text("scope") == "openid profile email"


@pytest.mark.parametrize("empty", ["", None])
def test_empty_value_counts_as_unset(tmp_path, empty):
    """An empty argument, setting, file name or file is like none."""
    file = tmp_path / "secret"
    file.write_text(" \n")
    settings = {"STAFF_SCOPE": empty, "STAFF_CLIENT_SECRET": empty, "STAFF_CLIENT_SECRET_FILE": str(file)}
    read = reader({"scope": empty, "client_secret": empty}, settings)
    assert (read.text("scope"), read.text("client_secret")) == ("openid profile email", None)
    assert reader({}, {"STAFF_CLIENT_SECRET_FILE": empty}).text("client_secret") is None
    assert read.problems == []


def test_environment_is_read_where_no_settings_are_given(monkeypatch):
    """A factory called by hand reads the environment, as it is then; a mapping takes its place."""
    read = Reader(provider="staff", given={}, settings=None, keywords=COMMON)
    monkeypatch.setenv("STAFF_CLIENT_ID", "from the environment")
    assert read.text("client_id") == "from the environment"
    assert reader().text("client_id") is None


def test_file_may_be_a_path(tmp_path):
    """A configuration written in Python may name the file as a path."""
    file = tmp_path / "secret"
    file.write_text("  a secret  \n")
    assert reader({}, {"STAFF_CLIENT_SECRET_FILE": file}).text("client_secret") == "a secret"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_file_that_cannot_be_read_is_a_problem(tmp_path, content):
    """A file that isn't there, or is no text, must not pass for a public client."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    read = reader({}, {"STAFF_CLIENT_SECRET_FILE": str(file)})
    assert read.text("client_secret") is None
    kind = "FileNotFoundError" if content is None else "UnicodeDecodeError"
    assert read.problems == [f"STAFF_CLIENT_SECRET_FILE can't be read: {kind}"]


def test_only_secrets_stand_in_files(tmp_path):
    """Another keyword's `..._FILE` is somebody else's name."""
    file = tmp_path / "label"
    file.write_text("from the file")
    assert reader({}, {"STAFF_LABEL_FILE": str(file)}).text("label") is None


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("client_secert", "; did you mean 'client_secret'?"), ("scopes", "; did you mean 'scope'?"), ("zzzz", "")],
)
def test_misspelt_argument_is_an_error_at_once(wrong, hint):
    """An unknown keyword argument is a mistake in the program, and names its neighbour."""
    with pytest.raises(TypeError) as caught:
        reader({wrong: PLANT})
    assert str(caught.value) == f"the provider staff has no keyword {wrong!r}{hint}"


# What a value may be

GOOD = [
    ("issuer", "https://op.example/path/"),
    ("issuer", "http://127.0.0.1:9000"),
    ("scope", "openid"),
    *[
        ("client_auth", value)
        for value in ("client_secret_basic", "client_secret_post", "none", "private_key_jwt", "client_secret_jwt")
    ],
    *[("id_token_alg", alg) for alg in ALGS],
    *[("userinfo_alg", alg) for alg in ALGS],
    *[("introspection_alg", alg) for alg in ALGS],
    ("response_mode", "form_post"),
    *[("userinfo", value) for value in ("never", "missing", "always")],
    ("acr_values", "aal1 aal2"),
    ("max_age", "0"),
    ("max_age", "86400"),
    ("prompt", "login consent"),
    *[(name, "/back") for name in ("callback_path", "logout_callback_path", "post_logout_path")],
    *[(name, "/told") for name in ("backchannel_logout_path", "frontchannel_logout_path")],
    *[("sign_out", value) for value in ("everywhere", "here")],
    ("label", "Stadtwerke <München>"),
    ("proxy", "http://proxy.example:3128"),
    ("proxy", f"http://user:{PLANT}@proxy.example:3128"),
    ("par", "true"),
    ("client_assertion_typ", "JWT"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_right_value_is_taken(name, value):
    """A right value must be taken as it is, from an argument and from a setting."""
    for read in (reader({name: value}), reader({}, {f"STAFF_{name.upper()}": value})):
        assert read.text(name) == value
        assert read.problems == []


BAD = [
    *[
        ("issuer", value, "")
        for value in (
            "http://op.example",
            "op.example",
            "https://",
            "ftp://x",
            "https://op.example?x",
            "https://op.example#x",
        )
    ],
    ("client_auth", "basic", "is none of client_secret_basic"),
    ("id_token_alg", "none", "is none of"),
    ("id_token_alg", "rs256", "is none of"),
    ("userinfo_alg", "XX", "is none of"),
    ("introspection_alg", "none", "is none of"),
    ("response_mode", "jwt", "is none of query, form_post, fragment"),
    ("userinfo", "yes", "is none of never, missing, always"),
    *[("max_age", value, "is not a whole number of seconds") for value in ("-1", "1h", "1.5", "٣", "9" * 5000)],
    *[
        ("callback_path", value, "is not a path that begins with /")
        for value in ("x", "//x", "/a b", "/<x>", "/a?b", "/a#b", "/a\\b", "/\n", "https://x/")
    ],
    ("logout_callback_path", "x", "is not a path"),
    ("post_logout_path", "//evil.example", "is not a path"),
    ("backchannel_logout_path", "told", "is not a path"),
    ("frontchannel_logout_path", "/told?x", "is not a path"),
    ("sign_out", "nowhere", "is none of everywhere, here"),
    ("ca_file", "/nowhere/at/all.pem", "names no file"),
    ("proxy", "socks5://proxy.example", "is not the address of an http proxy"),
    ("par", "yes", "is none of true, false"),
    ("initiate_path", "start", "is not a path"),
    ("response_type", "id_token code token", "is none of code, code id_token"),
    ("client_assertion_typ", "jwt", "is none of"),
    ("id_token_encryption", "RSA1_5", "is none of"),
    ("userinfo_encryption", "dir", "is none of"),
]


@pytest.mark.parametrize(("name", "value", "problem"), BAD)
def test_wrong_value_is_one_problem(name, value, problem):
    """A wrong value is one problem, however often it is read: it names setting and value; the default holds."""
    read = reader({}, {f"STAFF_{name.upper()}": value})
    default = next(keyword.default for keyword in COMMON if keyword.name == name)
    assert read.text(name) == read.text(name) == default
    (only,) = read.problems
    assert only.startswith(f"STAFF_{name.upper()}={value!r} {problem}")


def test_file_that_is_there_is_taken(tmp_path):
    """A CA file that exists must be taken."""
    file = tmp_path / "ca.pem"
    file.write_text("")
    read = reader({"ca_file": str(file)})
    assert (read.text("ca_file"), read.problems) == (str(file), [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("proxy", f"socks5://user:{PLANT}@proxy.example"),
        ("issuer", f"https://user:{PLANT}@op.example"),
        ("secret_switch", PLANT),
    ],
)
def test_problem_shows_no_password(name, value):
    """A wrong value that may hold a secret must be refused without being repeated."""
    known = (*COMMON, Keyword(name="secret_switch", says="", secret=True, choices=("a",)))
    read = reader({name: value}, known=known)
    read.text(name)
    (problem,) = read.problems
    assert problem.startswith(f"STAFF_{name.upper()} ")
    assert PLANT not in problem


@pytest.mark.parametrize("value", [123456, 1.5, True, {"a": 1}, ["a", 1], b"bytes"])
@pytest.mark.parametrize("where", ["argument", "setting"])
def test_what_is_no_text_is_told_so(value, where):
    """`FLASK_...` turns 123456 into a number: a value that isn't text says so, and what helps."""
    read = reader({"client_id": value}) if where == "argument" else reader({}, {"STAFF_CLIENT_ID": value})
    assert read.text("client_id") is None
    kind = type(value).__name__
    assert read.problems == [f"STAFF_CLIENT_ID is {kind} and not text: put quotes around it where it is set"]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("max_age", 3600, "3600"),
        ("max_age", 0, "0"),
        ("par", True, "true"),
        ("par", False, "false"),
        ("scope", ["openid", "email"], "openid email"),
        ("acr_values", ("a", "b"), "a b"),
    ],
)
def test_plain_values_of_python_are_taken(name, value, text):
    """Numbers of seconds, switches and lists may be Python's own, as an argument and as a setting."""
    for read in (reader({name: value}), reader({}, {f"STAFF_{name.upper()}": value})):
        assert (read.text(name), read.problems) == (text, [])


def test_words_switches_and_secrets():
    """A value of words, a switch and a secret come as what they are."""
    read = reader({"scope": " openid  email ", "par": "true", "client_secret": PLANT})
    assert read.words("scope") == ("openid", "email")
    assert read.words("acr_values") == ()
    assert read.switch("par") is True
    assert reader().switch("par") is False
    assert read.secret("client_secret") == Secret(PLANT)
    assert reader().secret("client_secret") is None


def test_required_value_that_is_missing_is_one_problem():
    """What must be set and isn't is a problem that says what it is; a wrong value is that problem alone."""
    read = reader()
    assert read.required("client_id") == read.required("client_id") == ""
    assert read.problems == ["STAFF_CLIENT_ID is not set: what the provider calls this application"]
    wrong = reader({"issuer": "http://op.example"})
    assert wrong.required("issuer") == ""
    assert len(wrong.problems) == 1
    assert wrong.problems[0].startswith("STAFF_ISSUER='http://op.example' ")
    assert reader({"client_id": "c"}).required("client_id") == "c"


# The tables


def test_common_table_and_type_name_the_same_keywords():
    """What editors know and what is read must be the same keywords."""
    assert {keyword.name for keyword in COMMON} == set(Common.__annotations__)


@pytest.mark.parametrize("factory", [auth0, authmachine, oidc, pingone, sgid, thaid], ids=FACTORIES.get)
def test_vendors_table_has_every_common_keyword(factory):
    """Every vendor takes every common keyword, has each keyword once, and says what it is."""
    module = __import__(factory.__module__, fromlist=["KEYWORDS"])
    names = [keyword.name for keyword in module.KEYWORDS]
    assert len(names) == len(set(names))
    assert {keyword.name for keyword in COMMON} <= set(names)
    for keyword in module.KEYWORDS:
        assert keyword.says
        assert keyword.default is None or not keyword.choices or keyword.default in keyword.choices
        assert keyword.default is None or keyword.check is None or keyword.check(keyword.default) is None


def test_vendor_changes_defaults_and_adds_keywords():
    """A vendor's table is the common one with defaults of its own and more keywords; the common one stays."""
    before = {keyword.name: keyword.default for keyword in COMMON}
    table = {k.name: k for k in keywords(Keyword(name="domain", says="x"), scope="openid", userinfo="never")}
    assert (table["scope"].default, table["userinfo"].default) == ("openid", "never")
    assert table["domain"].says == "x"
    assert table["label"] in COMMON
    assert {keyword.name: keyword.default for keyword in COMMON} == before
