import re
from dataclasses import replace
from importlib.resources import files

import pytest
import time_machine
from flask import url_for
from jwcrypto import jwk
from tests.flask.double import FETCHED, HTTPS, LOCAL, Visitor, break_store, query_of, set_cookies

from signon.core.errors import ProviderUnavailable
from signon.flask import Wishes
from signon.flask.bff import MARKED_SECONDS, MODULE_SECONDS, fetch_required, sign_in_address
from signon.flask.state import KEY

NOW = 1_800_000_000
ASKED = {**FETCHED, "X-CSRF": "1"}
SPA = "https://spa.example.org"
FOREIGN = {"Origin": SPA, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def ask(visitor, path="/auth/session", **headers):
    return visitor.get(path, **{**ASKED, **headers})


def refusal(response):
    assert response.content_type == "application/problem+json"
    assert "Location" not in response.headers
    return response.status_code, response.json["code"]


# Who is signed in


def test_nobody_is_signed_in(visitor):
    """Without a session the answer says where to sign in, for a person and for a script; it is no error."""
    response = ask(visitor)
    assert (response.status_code, response.json) == (
        200,
        {
            "signed_in": False,
            "reason": None,
            "login": f"{LOCAL}/auth/login",
            "auth_url": f"{LOCAL}/auth/auth-url",
        },
    )


def test_somebody_is_signed_in(visitor, clock):
    """With one it says who, for how long, and where to sign out; and no cache may keep that."""
    visitor.sign_in(sub="person-7", name="Somchai", locale="th", birthdate="1990-02-28")
    clock.shift(100)
    response = ask(visitor)
    assert response.json == {
        "signed_in": True,
        "provider": "oidc",
        "claims": {
            "sub": "person-7",
            "name": "Somchai",
            "email": "s@example.org",
            "email_verified": False,
            "locale": "th",
        },
        "expires_in": 28_700,
        "idle_expires_in": 3600,
        "token_expires_in": 200,
        "logout": f"{LOCAL}/auth/logout",
    }
    assert response.headers["Cache-Control"] == "private, no-store"
    assert {"Cookie", "Origin"} <= set(response.vary)


def test_no_token_is_told(visitor):
    """No token, nor the session's id, may be in what scripts get."""
    visitor.sign_in()
    text = ask(visitor).text
    session = visitor.client.application.extensions[KEY].party.sessions.load(
        next(visitor.cookies()[name] for name in visitor.sessions()), now=0.0
    )
    held = (session.tokens.access_token, session.tokens.id_token)
    assert not [secret for secret in held if secret.reveal() in text]
    assert not [value for value in visitor.cookies().values() if value and value in text]


def test_claims_are_those_that_are_listed(make_app, op):
    """The setting says which claims scripts are told, of any type, and no other; absent ones are left out."""
    visitor = Visitor(make_app(SIGNON_SESSION_CLAIMS="name groups nothing"), op)
    visitor.sign_in(groups=["a", "b"], nothing=None, name="Mei")
    assert ask(visitor).json["claims"] == {"name": "Mei", "groups": ["a", "b"]}


def test_subject_is_the_one_that_may_be_shown(make_app, make_provider, op):
    """Where a subject is a national id scripts get our key in its place, also where `sub` is listed."""
    provider = replace(make_provider(), subject_is_national_id=True)
    app = make_app({"providers": [provider]}, SIGNON_PSEUDONYM_KEY="a-key-for-pseudonyms-in-this-test")
    visitor = Visitor(app, op)
    visitor.sign_in(sub="1101700203451")
    told = ask(visitor)
    assert told.json["claims"]["sub"]
    assert "1101700203451" not in told.text


def test_tokens_that_have_ended_have_no_time_left(visitor, clock):
    """A token that is over has no seconds left, and never less; one that was given up is not there."""
    visitor.sign_in()
    clock.shift(1000)
    assert ask(visitor).json["token_expires_in"] == 0


def test_address_of_our_own_tokens(make_app, op):
    """Where the application issues tokens scripts are told where."""
    key = jwk.JWK.generate(kty="EC", crv="P-256").export_to_pem(private_key=True, password=None).decode()
    visitor = Visitor(make_app(SIGNON_TOKEN_KEY=key, SIGNON_TOKEN_PATH="/my-token"), op)
    assert "token" not in ask(visitor).json
    visitor.sign_in()
    assert ask(visitor).json["token"] == f"{LOCAL}/my-token"


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("seconds", [None, 60])
def test_token_whose_life_nobody_knows(visitor, op, seconds):
    """What the provider doesn't say is null."""
    op.token = {"expires_in": seconds}
    visitor.sign_in()
    assert ask(visitor).json["token_expires_in"] == seconds


def test_asking_prolongs_and_looking_does_not(visitor, clock):
    """To ask is a use of the session; with `slide=false` it is not, and the time goes on."""
    visitor.sign_in()
    clock.shift(3000)
    assert ask(visitor, "/auth/session?slide=false").json["idle_expires_in"] == 600
    assert ask(visitor).json["idle_expires_in"] == 3600
    for _ in range(4):
        clock.shift(899)
        assert ask(visitor, "/auth/session?slide=false").json["signed_in"]
    clock.shift(4)
    ended = ask(visitor, "/auth/session?slide=false").json
    assert (ended["signed_in"], ended["reason"]) == (False, "session_idle")


def test_limit_that_ended_a_session_is_told(visitor, clock):
    """Whoever was signed out by a limit can be told which."""
    visitor.sign_in()
    for _ in range(8):
        clock.shift(3599)
        assert ask(visitor).json["signed_in"]
    clock.shift(100)
    assert ask(visitor).json["reason"] == "session_expired"


@pytest.mark.parametrize("path", ["/auth/session", "/auth/auth-url"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-CSRF": ""}, "csrf_header_missing"),
        ({"X-CSRF": "true"}, "csrf_header_missing"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, "cross_site"),
        ({"Sec-Fetch-Site": "same-site"}, "cross_site"),
        ({"X-CSRF": "", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, None),
    ],
)
def test_only_scripts_may_ask(visitor, path, headers, code):
    """Without the header, or from another site, there is a refusal, in JSON; a person gets a page of it."""
    visitor.sign_in()
    response = visitor.get(path, **{**ASKED, **headers})
    assert response.status_code == 403
    assert not set_cookies(response)
    if code:
        assert refusal(response) == (403, code)


def test_header_is_needed_from_listed_origins_too(make_app, op):
    """Being on the list spares nobody the header (it is what makes browsers ask first)."""
    visitor = Visitor(make_app(SIGNON_BASE_URL=HTTPS, SIGNON_CORS_ORIGINS=SPA), op, at=HTTPS)
    assert refusal(visitor.get("/auth/session", **FOREIGN)) == (403, "csrf_header_missing")
    assert visitor.get("/auth/session", **FOREIGN, X_CSRF="1").status_code == 200


def test_store_that_is_away_is_not_nobody(visitor, monkeypatch):
    """Where the store can't be asked nobody knows, and that is said."""
    visitor.sign_in()
    break_store(visitor.client.application, monkeypatch)
    assert refusal(ask(visitor)) == (503, "store_unavailable")


def test_addresses_are_those_of_the_base_url(make_app, op):
    """Behind a path of a reverse proxy addresses begin with it, and paths can be had elsewhere."""
    app = make_app(SIGNON_BASE_URL=f"{HTTPS}/shop", SIGNON_LOGIN_PATH="/in", SIGNON_SESSION_PATH="/state")
    visitor = Visitor(app, op, at=f"{HTTPS}/shop")
    told = ask(visitor, "/state").json
    assert (told["login"], told["auth_url"]) == (f"{HTTPS}/shop/in", f"{HTTPS}/shop/auth/auth-url")


# Where to sign in


def test_address_to_sign_in(visitor):
    """A script gets the provider's address, with the cookie of a sign-in that works and ends where it asked."""
    response = ask(visitor, "/auth/auth-url?next=/me")
    assert response.status_code == 200
    assert len(visitor.transactions()) == 1
    assert response.headers["Cache-Control"] == "private, no-store"
    done = visitor.answer(response.json["url"])
    assert (done.status_code, done.headers["Location"]) == (303, "/me")
    assert visitor.who() == "Somchai"


def test_address_of_one_of_several(make_app, make_provider, op):
    """With several providers the one that is named; without a name our own chooser."""
    others = [make_provider(), make_provider("other", "https://other.example")]
    visitor = Visitor(make_app({"providers": others}), op)
    assert ask(visitor, "/auth/auth-url/other").json["url"].startswith("https://other.example/authorize?")
    assert ask(visitor, "/auth/auth-url?next=/me").json == {"url": f"{LOCAL}/auth/login?next=%2Fme"}
    assert refusal(ask(visitor, "/auth/auth-url/nobody")) == (404, "provider_unknown")


def test_return_path_stays_in_the_application(visitor):
    """A page of elsewhere is no place to come back to, whoever asks."""
    done = visitor.answer(ask(visitor, "/auth/auth-url?next=https://evil.example/").json["url"])
    assert done.headers["Location"] == "/"


def test_on_another_host_the_cookie_would_be_lost(make_app, op):
    """Where the script asks on another host name than the base URL's, it is sent to that one's login page."""
    visitor = Visitor(make_app(SIGNON_BASE_URL=HTTPS), op, at="https://www.example.org")
    response = ask(visitor, "/auth/auth-url/oidc?next=/me")
    assert response.json == {"url": f"{HTTPS}/auth/login/oidc?next=%2Fme"}
    assert not visitor.transactions()


def test_provider_that_is_away(visitor, op):
    """A provider that can't be reached is an error in JSON, with when to try again."""
    op.failing["metadata"] = ProviderUnavailable("metadata_unreachable", "away")
    response = ask(visitor, "/auth/auth-url")
    assert refusal(response) == (503, "metadata_unreachable")
    assert response.headers["Retry-After"] == "10"


# Sign-out


def test_script_that_signs_out(visitor, op):
    """A script that posts gets the address of the provider's own sign-out, and the session has ended."""
    visitor.sign_in()
    response = visitor.post("/auth/logout", **ASKED, Origin=LOCAL)
    assert response.json["url"].startswith("https://op.example/logout?")
    assert "id_token_hint" in query_of(response.json["url"])
    assert visitor.who() == "nobody"
    assert not any(visitor.cookies().get(name) for name in visitor.sessions())


def test_script_that_signs_out_here(visitor):
    """Where there is nothing to do at the provider the address is null."""
    visitor.sign_in()
    response = visitor.post("/auth/logout", {"scope": "here"}, **ASKED, Origin=LOCAL)
    assert (response.status_code, response.json) == (200, {"url": None})
    assert visitor.who() == "nobody"


def test_script_that_only_gets_signs_nobody_out(visitor):
    """A GET by script asks, as ever."""
    visitor.sign_in()
    assert visitor.get("/auth/logout", **ASKED).status_code == 200
    assert visitor.who() == "Somchai"


def test_script_of_another_site_signs_nobody_out(visitor):
    """The header alone is not enough: it must come from our pages, or a listed origin's."""
    visitor.sign_in()
    headers = {**ASKED, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert refusal(visitor.post("/auth/logout", **headers)) == (403, "cross_site")
    assert visitor.who() == "Somchai"


# The application's own endpoints


@pytest.fixture
def own(make_app, op):
    """An application with endpoints of its own for a frontend elsewhere."""
    app = make_app(SIGNON_BASE_URL=HTTPS, SIGNON_CORS_ORIGINS=SPA)

    @app.get("/api/auth-url")
    @fetch_required(origin_will_do=True)
    def auth_url():
        return sign_in_address(wishes=Wishes(parameters={"login_hint": "mei"}), next_path="/me")

    @app.get("/api/data")
    @fetch_required()
    def data():
        return {"data": 1}

    return Visitor(app, op, at=HTTPS)


def test_own_endpoint_of_a_listed_frontend(own):
    """A frontend that doesn't know the header may ask an endpoint that lets its origin do, and sign in."""
    response = own.get("/api/auth-url", **FOREIGN)
    assert query_of(response.json["url"])["login_hint"] == "mei"
    assert own.answer(response.json["url"]).headers["Location"] == "/me"
    assert own.who() == "Somchai"


def test_own_endpoint_of_a_frontend_beside_it(own):
    """Under one host with the backend such a frontend's GET names no origin, and may ask as well."""
    response = own.get("/api/auth-url", **FETCHED)
    assert own.answer(response.json["url"]).headers["Location"] == "/me"
    assert own.who() == "Somchai"


def test_own_endpoint_on_another_host(own, op):
    """Where the script asks on another host name, the page is sent to our login page on the base URL's."""
    elsewhere = Visitor(own.client.application, op, at="https://www.example.org")
    response = elsewhere.get("/api/auth-url", **FOREIGN)
    assert response.json == {"url": f"{HTTPS}/auth/login?next=%2Fme"}
    assert not elsewhere.transactions()


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/api/auth-url", {**FOREIGN, "Origin": "https://evil.example"}, "cross_site"),
        ("/api/auth-url", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, "cross_site"),
        (
            "/api/auth-url",
            {**FETCHED, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
            "csrf_header_missing",
        ),
        ("/api/data", FETCHED, "csrf_header_missing"),
        ("/api/data", FOREIGN, "csrf_header_missing"),
    ],
)
def test_own_endpoint_refuses_all_others(own, path, headers, code):
    """What changes state by GET must not be asked by a page that is not listed, nor by a picture or a link."""
    assert refusal(own.get(path, **headers)) == (403, code)
    assert not own.transactions()


def test_own_endpoint_with_the_header(own):
    """With the header any of our scripts may ask."""
    assert own.get("/api/data", **ASKED).json == {"data": 1}


# The script


def test_script_is_kept_for_ever_under_its_own_address(app, visitor):
    """Under the address that `url_for` gives the script is kept for ever: another one has another address."""
    with app.test_request_context():
        address = url_for("signon.module")
        assert url_for("signon.session") == "/auth/session"
    assert re.fullmatch(r"/auth/signon\.mjs\?v=[0-9a-f]{16}", address)
    response = visitor.get(address)
    assert response.mimetype == "text/javascript"
    assert "export async function session" in response.text
    assert response.headers["Cache-Control"] == f"public, max-age={MARKED_SECONDS}, immutable"
    assert not set_cookies(response)


@pytest.mark.parametrize("address", ["/auth/signon.mjs", "/auth/signon.mjs?v=of-old"])
def test_script_without_a_mark_is_asked_about_again(visitor, address):
    """Under any other address it is kept for an hour, and asking again costs no second copy."""
    response = visitor.get(address)
    assert response.headers["Cache-Control"] == f"public, max-age={MODULE_SECONDS}"
    again = visitor.get(address, If_None_Match=response.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")


def test_types_are_beside_the_script():
    """Each name that the script exports must have its type, and no other."""
    folder = files("signon.flask").joinpath("static")
    script, types = (folder.joinpath(name).read_text("utf-8") for name in ("signon.mjs", "signon.d.mts"))
    exported = set(re.findall(r"^export (?:async )?(?:function|class) (\w+)", script, re.MULTILINE))
    typed = set(re.findall(r"^export (?:function|class) (\w+)", types, re.MULTILINE))
    assert (
        exported
        == typed
        == {"SignOnError", "configure", "login", "logout", "request", "session", "token", "watch"}
    )
