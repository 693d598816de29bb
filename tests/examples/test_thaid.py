import re
import shutil
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from tests.examples.stage import EXAMPLES, ORIGIN, SCRIPT

from signon.flask import tokens_refreshed

PID = "9103700001234"
FETCHED = {"Accept": "application/json"}


@pytest.fixture
def stage(stage_of):
    return stage_of("thaid")


@pytest.fixture
def visitor(stage):
    """Somebody who has signed in, by somchai's card."""
    visitor = stage.visitor()
    assert stage.sign_in(visitor).url == f"{ORIGIN}/"
    return visitor


def test_home_page_of_nobody(stage):
    """Who has not signed in is offered that, in Thai, and sees no claim."""
    page = stage.visitor().get(f"{ORIGIN}/")
    assert page.status_code == 200
    assert "เข้าสู่ระบบด้วย ThaID" in page.text
    assert 'href="/login"' in page.text
    assert "at_hash" not in page.text


def test_login_asks_as_the_document_does(stage):
    """`/login` must ask for the document's scopes and an answer to `/auth`, with state, nonce and challenge."""
    asked = stage.visitor().get(f"{ORIGIN}/login", stop_at=stage.idp.issuer)
    query = {name: one for name, (one,) in parse_qs(urlsplit(asked.headers["Location"]).query).items()}
    assert query["redirect_uri"] == f"{ORIGIN}/auth"
    assert {"openid", "pid", "name_en", "smartcard_code"} <= set(query["scope"].split())
    assert query.keys() >= {"state", "nonce", "code_challenge"}


def test_claims_page(stage, visitor):
    """The page must show each row of the document's two cards; no token whole, no national id unmasked."""
    page = visitor.get(f"{ORIGIN}/").text
    for name in ("access_token", "refresh_token", "token_type", "expires_at", "scope", "id_token"):
        assert f"<code>{name}</code>" in page, name
    for name in ("at_hash", "aud", "version", "auth_time", "iss", "iat", "exp", "sub", "pid", "name", "name_en"):
        assert f"<code>{name}</code>" in page, name
    for text in ("นายสมชาย ตัวอย่าง", "Mr. Somchai Tuayang", "•••••••••1234", stage.idp.issuer, "Bearer"):
        assert text in page, text
    assert PID not in page
    assert [secret for secret in stage.idp.secrets if secret in page] == []


def test_inspect_asks_about_ones_own_token(stage, visitor):
    """`/inspect` must say what ThaID says of the person's own token, whether they send it or not."""
    own = stage.session(visitor).tokens.access_token.reveal()
    for headers in ({"Authorization": f"Bearer {own}"}, {}):
        answer = visitor.get(f"{ORIGIN}/inspect", **FETCHED, **headers)
        assert answer.status_code == 200
        assert answer.json()["active"] is True
        assert "pid" in answer.json()["scope"].split()
        assert answer.json()["sub"] == "•••••••••1234"
        assert PID not in answer.text
    assert stage.idp.calls["introspection"] == 1


def test_inspect_asks_about_nobody_elses_token(stage, visitor):
    """Another person's token, a wrong one and another kind of credentials are 403, and ThaID is not asked."""
    other = stage.visitor()
    stage.sign_in(other, "malee")
    theirs = stage.session(other).tokens.access_token.reveal()
    for sent in (f"Bearer {theirs}", "Bearer nonsense", "Bearer", "Basic Zm9vOmJhcg==", "Bearer ไทย".encode()):
        answer = visitor.get(f"{ORIGIN}/inspect", **FETCHED, Authorization=sent)
        assert (answer.status_code, list(answer.json())) == (403, ["detail"]), sent
    assert stage.idp.calls["introspection"] == 0


def test_inspect_is_for_people_who_have_signed_in(stage, visitor):
    """A good token alone opens nothing: without a session it is 401."""
    own = stage.session(visitor).tokens.access_token.reveal()
    answer = stage.visitor().get(f"{ORIGIN}/inspect", **FETCHED, Authorization=f"Bearer {own}")
    assert (answer.status_code, answer.json()["code"]) == (401, "login_needed")


@pytest.mark.parametrize("action", ["validate", "refresh", "revoke"])
def test_action_is_for_ones_own_pages(stage, visitor, action):
    """Each action must refuse a plain form, another site's script, and nobody."""
    address = f"{ORIGIN}/{action}"
    form = visitor.post(address, {}, Origin=ORIGIN, Accept="application/json")
    assert (form.status_code, form.json()["code"]) == (403, "csrf_header_missing")
    foreign = visitor.post(address, {}, **{**SCRIPT, "Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "cross_site")
    assert stage.visitor().post(address, {}, **SCRIPT).status_code == 401
    assert stage.session(visitor).tokens_ended is None
    assert sum(stage.idp.refreshes.values()) == 0


def test_validate_says_each_check(stage, visitor):
    """Each check of the ID token stands there with its rule and its result."""
    checks = visitor.post(f"{ORIGIN}/validate", {}, **SCRIPT).json()["checks"]
    assert {check["outcome"] for check in checks} == {"passed"}
    rules = " ".join(check["rule"] for check in checks)
    for part in ("signature", "`iss`", "`aud`", "`nonce`", "`at_hash`", "`pid`"):
        assert part in rules


def test_refresh_saves_and_tells(stage, visitor, caplog):
    """New tokens must be saved, by one request; the document's event comes after that, with no number in it."""
    before = stage.session(visitor).tokens.access_token
    heard = []

    def on_token_update(_app, *, login, tokens):
        heard.append((login.person.subject, tokens, stage.session(visitor).tokens))

    with tokens_refreshed.connected_to(on_token_update, stage.app):
        assert visitor.post(f"{ORIGIN}/refresh", {}, **SCRIPT).json() == {"done": True}
    ((subject, given, saved),) = heard
    assert (subject, given) == (PID, saved)
    assert stage.session(visitor).tokens == saved
    assert saved.access_token != before
    assert sum(stage.idp.refreshes.values()) == 1
    (told,) = [one.getMessage() for one in caplog.records if one.name == stage.app.logger.name]
    assert "were saved, good until" in told
    assert PID not in told


def test_revoke_gives_the_tokens_up(stage, visitor):
    """Revoked tokens are dead at ThaID and gone here, with the buttons that change them; the person stays in and
    is told, and the ID token can still be judged.
    """
    own = stage.session(visitor).tokens.access_token.reveal()
    assert visitor.post(f"{ORIGIN}/revoke", {}, **SCRIPT).status_code == 200
    assert stage.idp.state.tokens.get(own).revoked
    page = visitor.get(f"{ORIGIN}/").text
    assert "were revoked. You stay signed in here" in page
    assert re.findall('data-action="([^"]+)"', page) == ["/inspect", "/validate"]
    assert "Mr. Somchai Tuayang" in page
    answer = visitor.get(f"{ORIGIN}/inspect", **FETCHED)
    assert (answer.status_code, answer.json()["code"]) == (401, "tokens_ended")


def test_tokens_that_are_over(stage, visitor):
    """`/inspect` says that a token is over and changes nothing; once it can't be refreshed either, the page asks
    for a new sign-in.
    """
    with time_machine.travel(time.time() + 901, tick=True):
        answer = visitor.get(f"{ORIGIN}/inspect", **FETCHED)
        assert (answer.status_code, answer.json()["active"]) == (200, False)
        assert sum(stage.idp.refreshes.values()) == 0
        answer = visitor.post(f"{ORIGIN}/refresh", {}, **SCRIPT)
        assert (answer.status_code, answer.json()["code"]) == (401, "tokens_ended")
        page = visitor.get(f"{ORIGIN}/")
        assert page.status_code == 200
        assert "The tokens are over" in page.text
        assert 'href="/login">sign in again' in page.text


@pytest.mark.parametrize(("scope", "known"), [("name_en", False), ("pid name name_en", True)])
def test_without_openid_nothing_is_signed(stage_of, scope, known):
    """A registration without `openid` gets in; the page says that nothing is signed, and no check is claimed."""
    stage = stage_of("thaid", THAID_SCOPE=scope)
    visitor = stage.visitor()
    page = stage.sign_in(visitor).text
    assert "nothing of it is signed" in page
    assert "Mr. Somchai Tuayang" in page
    assert ("นายสมชาย ตัวอย่าง" in page) is known
    assert PID not in page
    assert visitor.post(f"{ORIGIN}/validate", {}, **SCRIPT).json() == {"checks": []}
    assert visitor.get(f"{ORIGIN}/inspect", **FETCHED).json()["active"] is True


def test_registration_without_refresh_tokens(stage):
    """Where ThaID gives no refresh token none is shown, and the page does not offer to use one."""
    (client,) = stage.idp.clients.values()
    stage.idp.register(replace(client, grant_types=("authorization_code",)))
    visitor = stage.visitor()
    page = stage.sign_in(visitor).text
    assert "Refresh the token" not in page
    assert "Revoke the token" in page


def test_logout_ends_session_and_tokens(stage, visitor):
    """`/logout` must end the session, whose cookie opens nothing any more, revoke the tokens, and lead home."""
    own = stage.session(visitor).tokens.access_token.reveal()
    (name,) = visitor.sessions()
    cookie = visitor.cookies[name]
    page = stage.sign_out(visitor)
    assert page.url == f"{ORIGIN}/"
    assert "เข้าสู่ระบบด้วย ThaID" in page.text
    visitor.session.cookies.set(name, cookie, domain="localhost.local")
    assert "at_hash" not in visitor.get(f"{ORIGIN}/").text
    stage.wait_for_background()
    assert stage.idp.state.tokens.get(own).revoked


def test_who_refuses_on_the_phone_is_told(stage):
    """ThaID's own refusal becomes a page that says so, and nobody is signed in."""
    visitor = stage.visitor()
    page = stage.sign_in(visitor, "nattha")
    assert "access_denied" in page.text or "cancelled" in page.text.lower()
    assert visitor.sessions() == []


def test_settings_from_config_py(stage_of, tmp_path):
    """The document's `config.py` is enough: no environment."""
    folder = shutil.copytree(EXAMPLES / "thaid", tmp_path / "thaid", ignore=shutil.ignore_patterns("instance"))
    stage = stage_of("thaid", folder=folder)
    assert "THAID_CLIENT_ID" in (folder / "config.py").read_text()
    assert "Mr. Somchai Tuayang" in stage.sign_in(stage.visitor()).text
