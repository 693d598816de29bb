import re

import pytest
from tests.signon_demo.people import CAN, PERSONAS, signed_in, text_of

from signon.core.errors import OperatorError
from signon.flask import CurrentLogin
from signon.flask.testing import sign_in
from signon.providers import from_names
from signon.service.explain import Verdict
from signon_demo.app import create_app
from signon_demo.practice import PRACTICES
from signon_demo.serve import serving
from signon_demo.token_pages import ACTIONS

ALL = {"introspect", "explain", "refresh", "revoke"}
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"}


def _buttons(page):
    return set(re.findall(r'name="do" value="(\w+)"', page.text))


def _ends(page, name):
    """What the table of what is held says of a token: the last one of the page."""
    return re.findall(rf"<code>{name}</code></th>\s*<td><div><bdi>([^<]+)</bdi>", page.text)[-1]


@pytest.mark.parametrize("name", CAN)
def test_what_a_provider_can_do_has_a_button_and_the_rest_a_sentence(served, name):
    """Each of the four actions is offered where the provider can do it, works, and is said to be missing
    elsewhere; no page has a token whole.
    """
    visitor, page = signed_in(served, name, path="/tokens")
    assert _buttons(page) == set(CAN[name])
    assert page.text.count('<dt class="absent">') == len(ALL) - len(CAN[name])
    for do in CAN[name]:
        page = visitor.submit(page, do=do)
        assert page.status_code == 200, (do, text_of(page))
        assert 'class="outcome good"' in page.text
        words = set(re.findall(r"[\w.~-]{12,}", page.text))
        assert not served.idps[name].secrets & words


def test_the_provider_says_what_the_token_is(served):
    """The provider's answer is a table with the standard's members, each with what it means."""
    visitor, page = signed_in(served, "oidc", path="/tokens")
    page = visitor.submit(page, do="introspect")
    assert "OpenID says that the token is good" in page.text
    for member in ("active", "scope", "client_id", "sub", "exp"):
        assert f'<th scope="row"><code>{member}</code></th>' in page.text
    assert "(RFC 7662 2.2)" in page.text


def test_no_national_id_is_told(served):
    """ThaID says the national id as the subject of a token: the page has our key in its place."""
    visitor, page = signed_in(served, "thaid", path="/tokens")
    page = visitor.submit(page, do="introspect")
    (persona,) = (one for one in served.idps["thaid"].dialect.personas if one.id == PERSONAS["thaid"])
    assert "ThaID says that the token is good" in page.text
    assert persona.claims["pid"] not in page.text


def test_each_check_of_the_id_token_is_shown(served):
    """Every rule stands there with its section and its result, and a heading counts them."""
    visitor, page = signed_in(served, "oidc", path="/tokens")
    page = visitor.submit(page, do="explain")
    passed = page.text.count('<span class="finding good">passed</span>')
    assert passed > 10
    assert f"{passed} checks passed" in page.text
    assert "<code>aud</code> must name us (OIDC Core 3.1.3.7, step 3)" in page.text


@pytest.mark.usefixtures("nobody_answers")
def test_a_check_that_fails_is_told(app, client, monkeypatch):
    """A rule that is broken stands out with its code and why, and the heading counts those that are."""
    verdicts = (
        Verdict(rule="`aud` must name us.", outcome="passed"),
        Verdict(rule="`exp` must not be over.", outcome="failed", code="id_token_expired", why="it is over"),
        Verdict(rule="`at_hash` must fit.", outcome="left out", why="refreshed <since>"),
    )
    monkeypatch.setattr(CurrentLogin, "explain_id_token", lambda _self: verdicts)
    app.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, {"name": "Ada"})
    text = client.post("/tokens", data={"do": "explain"}).text
    assert "1 of 3 checks failed" in text
    assert 'role="alert"' in text
    assert 'bad">failed</span> <span class="small">it is over <code>id_token_expired</code>' in text
    assert 'caution">left out</span> <span class="small">refreshed &lt;since&gt;</span>' in text


def test_a_refresh_shows_old_and_new(served):
    """After a refresh both ends of each changed token are told, and the table has the new ones and the time."""
    visitor, before = signed_in(served, "oidc", path="/tokens")
    old = {name: _ends(before, name) for name in ("access_token", "refresh_token")}
    assert "not since the sign-in" in before.text
    after = visitor.submit(before, do="refresh")
    for name, ends in old.items():
        new = _ends(after, name)
        assert new != ends
        assert f"before: {ends}" in after.text
        assert f"now: {new}" in after.text
    assert _ends(visitor.get(served.address + "/tokens"), "access_token") == _ends(after, "access_token")


def test_after_a_revocation_the_page_says_that_they_are_over(served):
    """Revoked tokens are gone from the page, the person stays signed in, and a stale button does nothing."""
    visitor, stale = signed_in(served, "oidc", path="/tokens")
    page = visitor.submit(stale, do="revoke")
    assert "The tokens are over" in page.text
    assert "There are none any more" in page.text
    assert (_buttons(page), 'href="/auth/login/oidc?next=/tokens"' in page.text) == (set(), True)
    again = visitor.submit(stale, do="refresh")
    assert "There is nothing left to do that with" in again.text
    assert visitor.get(served.address + "/profile").status_code == 200


def test_a_provider_that_is_away_is_told():
    """A button whose provider does not answer shows why, with the code and the status, and changes nothing."""
    with serving(PRACTICES[-1:], port=0, idp_port=0, environment={}) as served:
        visitor, page = signed_in(served, "oidc", path="/tokens")
        served.idps["oidc"].stop()
        failed = visitor.submit(page, do="revoke")
        assert failed.status_code == 503
        assert 'class="outcome bad"' in failed.text
        assert "OpenID can" in failed.text
        assert _buttons(failed) == ALL


def test_a_refresh_that_is_refused_leads_to_a_new_sign_in():
    """Where the provider has ended the grant the tokens are over: somebody who has just signed in is told so."""
    with serving(PRACTICES[-1:], port=0, idp_port=0, environment={}) as served:
        visitor, page = signed_in(served, "oidc", path="/tokens")
        for _, token in served.idps["oidc"].state.tokens.entries():
            token.grant.ended = True
        ended = visitor.submit(page, do="refresh")
    assert ended.status_code == 401
    assert "<code>tokens_ended</code>" in ended.text


def test_a_sign_in_that_brings_no_tokens_is_told(monkeypatch):
    """Where the response type asks for an ID token alone, nothing is said to be over, and there is no button."""

    def none(_self):
        raise OperatorError("tokens_missing", "there are none")

    monkeypatch.setattr(CurrentLogin, "token_set", none)
    settings = {"OIDC_ISSUER": "https://op.example", "OIDC_CLIENT_ID": "demo", "OIDC_RESPONSE_TYPE": "id_token"}
    app = create_app(from_names("oidc", settings=settings), base_url="http://localhost:5000")
    client = app.test_client()
    sign_in(client, {"name": "Ada"})
    page = client.get("/tokens").text
    assert "There are none: the response type <code>id_token</code>" in page
    assert ("revoked" in page, 'name="do"' in page) == (False, False)


@pytest.mark.usefixtures("nobody_answers")
def test_without_metadata_every_button_is_there(client):
    """Where the provider can't be asked what it can do, each button is offered: a press says why it fails."""
    sign_in(client, {"name": "Ada"})
    assert _buttons(client.get("/tokens")) == ALL


@pytest.mark.parametrize("do", ["", "everything"])
def test_a_button_that_there_is_not(served, do):
    """Anything but one of the four is a bad request."""
    visitor, page = signed_in(served, "oidc", path="/tokens")
    assert visitor.submit(page, do=do).status_code == 400


@pytest.mark.usefixtures("nobody_answers")
@pytest.mark.parametrize("do", ACTIONS)
def test_a_form_from_elsewhere_does_nothing(client, do):
    """Without the form's own proof nothing is done, and the page says that the form is too old."""
    sign_in(client, {"name": "Ada"})
    response = client.post("/tokens", data={"do": do}, headers=NAVIGATION)
    assert response.status_code == 400
    assert "This form is too old" in response.text
    assert "test…" in client.get("/tokens").text


def test_tokens_need_a_sign_in(client):
    """Nobody's tokens are refused to a program with 401 and the code login_needed."""
    response = client.get("/tokens")
    assert (response.status_code, response.json["code"]) == (401, "login_needed")
