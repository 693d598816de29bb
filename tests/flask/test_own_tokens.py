import json
import re
from dataclasses import replace

import pytest
import time_machine
from jwcrypto import jwk, jwt
from tests.flask.double import CLICKED, FETCHED, HTTPS, ISSUER, LINKED, LOCAL, Visitor, break_store, code_of

from signon.core.errors import ConfigurationError
from signon.flask.api import METADATA_PATH, current_token, token_required
from signon.flask.step_up import step_up

NOW = 1_800_000_000
EC, OTHER = (jwk.JWK.generate(kty="EC", crv="P-256", kid=kid) for kid in ("ec", "other"))
KEYS = json.dumps({"keys": [EC.export(as_dict=True), OTHER.export(as_dict=True)]})
PATH = "/auth/token"
HAND_OVER = f"{PATH}/hand-over"
SCRIPT = {**FETCHED, "X-CSRF": "1", "Origin": LOCAL}


@pytest.fixture
def issuing(make_app):
    """Make an application that issues tokens and has APIs of its own."""

    def issuing(**settings):
        app = make_app(SIGNON_TOKEN_KEY=KEYS, **settings)
        add = app.add_url_rule
        add("/api", "api", token_required()(lambda: {"sub": current_token.subject}))
        add("/ours", "ours", token_required(provider="own-tokens", scopes="read")(lambda: "ours"))
        add("/theirs", "theirs", token_required(provider="oidc")(lambda: "theirs"))
        add("/fresh", "fresh", token_required()(step_up(max_age_seconds=60)(lambda: "recent")))
        return app

    return issuing


@pytest.fixture
def app(issuing):
    return issuing(SIGNON_TOKEN_SCOPE="read")


@pytest.fixture
def here(visitor, plant):
    """Somebody who has signed in."""
    visitor.sign_in()
    return visitor


def get_token(visitor, **headers):
    return visitor.post(PATH, **{**SCRIPT, **headers})


def bear(visitor, path: str, token: str):
    return visitor.get(path, Authorization=f"Bearer {token}", Cookie="x=y", **FETCHED)


# who gets one


def test_answer(here, plant):
    """A script of our own page gets a token for who has signed in, in the standard's words; no cache keeps it."""
    response = get_token(here)
    plant(response.json["access_token"])
    assert response.json.keys() == {"access_token", "token_type", "expires_in"}
    assert (response.json["token_type"], response.json["expires_in"]) == ("Bearer", 300)
    assert response.headers["Cache-Control"] == "private, no-store"
    token = jwt.JWT(jwt=response.json["access_token"], key=EC)
    claims = json.loads(token.claims)
    assert (claims["sub"], claims["name"], claims["aud"]) == (f"{ISSUER}|person-1", "Somchai", LOCAL)


def test_nobody(visitor):
    """Who has not signed in gets 401, and is never sent away."""
    response = get_token(visitor)
    assert (response.status_code, code_of(response)) == (401, "login_needed")
    response = visitor.post(PATH, **{**SCRIPT, "Accept": "text/html", "Sec-Fetch-Mode": None})
    assert response.status_code == 401


def test_session_that_is_over(issuing, op):
    """Who comes too late is told by the code which limit it was."""
    with time_machine.travel(NOW, tick=False) as clock:
        visitor = Visitor(issuing(SIGNON_IDLE_SECONDS=600), op)
        visitor.sign_in()
        clock.shift(600)
        assert code_of(get_token(visitor)) == "session_idle"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-CSRF": None}, "csrf_header_missing"),
        ({"X-CSRF": "0"}, "csrf_header_missing"),
        ({**CLICKED, "X-CSRF": None}, "csrf_header_missing"),
        ({**LINKED, "X-CSRF": None, "Origin": "https://evil.example"}, "cross_site"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, "cross_site"),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8000"}, "cross_site"),
        ({"Sec-Fetch-Site": None, "Origin": "https://evil.example"}, "cross_site"),
        ({"Sec-Fetch-Site": None, "Origin": "null"}, "cross_site"),
        ({"Sec-Fetch-Site": None, "Origin": None}, "cross_site"),
    ],
)
def test_other_sites_get_nothing(here, headers, code):
    """Another site's page, and any form, is refused before anything is issued."""
    response = get_token(here, **headers)
    assert (response.status_code, code_of(response)) == (403, code)
    assert "access_token" not in response.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_by_post(here, method):
    """No link and no image gets a token."""
    assert here.get(PATH, method=method, **SCRIPT).status_code == 405


def test_frontend_on_the_list(issuing, op):
    """A script of a listed origin gets one and may read it; a preflight of another origin is refused."""
    app = issuing(SIGNON_BASE_URL=HTTPS, SIGNON_CORS_ORIGINS="https://spa.example")
    visitor = Visitor(app, op, at=HTTPS)
    visitor.sign_in()
    asked = {**SCRIPT, "Sec-Fetch-Site": "cross-site", "Origin": "https://spa.example"}
    response = visitor.post(PATH, **asked)
    assert response.json["expires_in"] == 300
    assert response.headers["Access-Control-Allow-Origin"] == "https://spa.example"
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-csrf"}
    assert visitor.get(PATH, method="OPTIONS", **{**asked, **preflight, "X-CSRF": None}).status_code == 204
    evil = {**asked, **preflight, "Origin": "https://evil.example", "X-CSRF": None}
    assert visitor.get(PATH, method="OPTIONS", **evil).status_code == 403


def test_session_whose_tokens_have_ended(here, app, op):
    """Where the provider has given the person up there is no token of ours either."""
    party = app.extensions["signon"].party
    (name,) = here.sessions()
    session_id = here.cookies()[name]
    now = party.clock()
    session = replace(party.sessions.load(session_id, now=now), tokens_ended="invalid_grant")
    assert party.sessions.replace(session_id, session, now=now)
    response = get_token(here)
    assert (response.status_code, code_of(response)) == (401, "tokens_ended")


def test_store_that_fails_is_503(app, here, monkeypatch):
    """While the store is away nobody gets a token."""
    break_store(app, monkeypatch)
    response = get_token(here)
    assert (response.status_code, code_of(response)) == (503, "store_unavailable")


# what it opens


def test_token_opens_our_apis(here, app, plant):
    """The token opens the application's APIs without a cookie; a provider's guard does not take it."""
    token = get_token(here).json["access_token"]
    plant(token)
    assert bear(here, "/api", token).json == {"sub": f"{ISSUER}|person-1"}
    assert bear(here, "/ours", token).text == "ours"
    assert bear(here, "/theirs", token).status_code == 401
    assert bear(here, "/fresh", token).text == "recent"
    assert here.get("/api", **FETCHED).status_code == 401, "a cookie opens no API"


def test_on_each_name_of_this_machine(issuing, op):
    """Without a base URL a token is for the host name that it was asked under, whichever was first."""
    app = issuing()
    tokens = {}
    for at in (LOCAL, "http://127.0.0.1"):
        visitor = Visitor(app, op, at=at)
        visitor.sign_in()
        tokens[at] = (visitor, visitor.post(PATH, **{**SCRIPT, "Origin": at}).json["access_token"])
    for at, (visitor, token) in tokens.items():
        assert bear(visitor, "/api", token).status_code == 200
        others = next(other for name, (_, other) in tokens.items() if name != at)
        assert code_of(bear(visitor, "/api", others)) == "access_token_aud"


def test_old_sign_in_is_not_recent(here, app):
    """A step-up that a token can't show gets the challenge of an API."""
    with time_machine.travel(NOW, tick=False) as clock:
        visitor = Visitor(app, here.op)
        visitor.sign_in()
        clock.shift(200)
        response = bear(visitor, "/fresh", get_token(visitor).json["access_token"])
    assert response.status_code == 401
    assert 'error="insufficient_user_authentication"' in response.headers["WWW-Authenticate"]


# keys


def test_published(here):
    """Both keys are published beside the providers', public halves only."""
    found = here.get("/auth/jwks.json").json["keys"]
    assert [(key["kid"], key["use"], key["alg"]) for key in found] == [
        ("ec", "sig", "ES256"),
        ("other", "sig", "ES256"),
    ]
    assert not any("d" in key for key in found)


def test_key_of_a_provider(make_app, make_provider):
    """A key that signs client assertions signs no tokens: the start stops."""
    provider = make_provider(private_key=EC.export_to_pem(private_key=True, password=None).decode())
    with pytest.raises(ConfigurationError) as error:
        make_app({"providers": [provider]}, SIGNON_TOKEN_KEY=KEYS)
    assert error.value.problems == (
        "SIGNON_TOKEN_KEY: 'ec' is a provider's PRIVATE_KEY, too: make one of its own",
    )


def test_nobody_finds_us_as_an_authorization_server(here):
    """The document about our APIs names providers: our own tokens are not to be had by OAuth."""
    assert here.get(METADATA_PATH).json["authorization_servers"] == [ISSUER]


def test_path_can_be_had_elsewhere(issuing, op):
    """Both routes follow the setting, and collide with no other."""
    app = issuing(SIGNON_TOKEN_PATH="/my-token", SIGNON_TOKEN_STORAGE="jwt")
    visitor = Visitor(app, op)
    visitor.sign_in()
    assert visitor.post("/my-token", **SCRIPT).json["expires_in"] == 300
    assert '"/my-token"' in visitor.get("/my-token/hand-over").text
    with pytest.raises(ConfigurationError, match="is meant for logout and token"):
        issuing(SIGNON_TOKEN_PATH="/auth/logout")


# the page that puts it into local storage


@pytest.fixture
def storing(issuing, op):
    """Somebody who has signed in to an application that has the page."""
    visitor = Visitor(issuing(SIGNON_TOKEN_STORAGE="jwt</script>"), op)
    visitor.sign_in()
    return visitor


def test_no_page_unless_asked_for(here, caplog):
    """Without the setting there is no such page."""
    assert here.get(HAND_OVER).status_code == 404


def test_start_says_what_is_at_risk(issuing, caplog):
    """The setting is named at the start, with what may come of it."""
    issuing()
    assert "SIGNON_TOKEN_STORAGE" not in caplog.text
    issuing(SIGNON_TOKEN_STORAGE="jwt")
    (record,) = [record for record in caplog.records if "SIGNON_TOKEN_STORAGE" in record.getMessage()]
    assert record.levelname == "WARNING"
    assert "every script of this origin can read them" in record.getMessage()


def test_page(storing):
    """The page has no token in it: its script asks for one; it may talk to us alone, and nobody frames it."""
    response = storing.get(HAND_OVER)
    assert not re.search(r"eyJ|person-1", response.text)
    assert 'fetch("/auth/token", {method: "POST", headers: {"X-CSRF": "1"}})' in response.text
    assert r'localStorage.setItem("jwt\u003c/script\u003e"' in response.text
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("; connect-src 'self'")
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("asked", "goes_to"),
    [
        ("", "/"),
        ("?next=/me?a=1", "/me?a=1"),
        ("?next=https://evil.example", "/"),
        ("?next=//evil.example", "/"),
        ("?next=/auth/logout", "/"),
    ],
)
def test_where_it_goes_on(storing, asked, goes_to):
    """The page goes on to a path of the application, and nowhere else."""
    assert f"location.replace({json.dumps(goes_to)})" in storing.get(HAND_OVER + asked).text


def test_nobody_is_sent_to_sign_in_and_back(storing, op):
    """Without a session the page comes after a sign-in."""
    visitor = Visitor(storing.client.application, op)
    back = visitor.answer(visitor.start(f"{HAND_OVER}?next=/me"))
    assert back.headers["Location"] == f"{HAND_OVER}?next=/me"


def test_every_sign_in_can_end_there(issuing, op):
    """The document's way: each sign-in that wants no other page ends on it."""
    visitor = Visitor(issuing(SIGNON_TOKEN_STORAGE="jwt", SIGNON_AFTER_LOGIN=HAND_OVER), op)
    assert visitor.sign_in().headers["Location"] == HAND_OVER
