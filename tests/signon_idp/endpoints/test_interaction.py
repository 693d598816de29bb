from dataclasses import replace

import pytest

from signon_idp.model import Password


def test_password_signs_in(walk, helpers):
    """User name and password sign in; the name may be the slug, the e-mail or the preferred user name."""
    for name in ("omar", "omar@people.example", "bjørk"):
        page = walk.authorize(prompt="login")
        assert "code" in helpers.answer(walk.submit(page, username=name, password="practice"))


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "omar", "password": "wrong"},
        {"username": "nobody", "password": "practice"},
        {"username": "omar"},
        {"persona": "nobody"},
        {"username": "", "password": "practice"},
    ],
)
def test_wrong_credentials_show_the_form_again(walk, fields):
    """A failed sign-in says so, keeps the name, forgets the password, and signs nobody in."""
    page = walk.submit(walk.authorize(), **fields)
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert f'value="{fields.get("username", "")}"' in page.text
    assert 'wrong"' not in page.text
    assert walk.authorize(prompt="none").headers["Location"].count("login_required")


def test_changed_password(walk, helpers):
    """Whose password was changed signs in by the new one alone; everybody else by the usual one."""
    walk.idp.state.passwords["omar"] = Password(value="another-one", changed_at=0.0)
    for name, password, status in (
        ("omar", "practice", 400),
        ("omar", "another-one", 303),
        ("mei", "practice", 303),
    ):
        page = walk.authorize(prompt="login")
        assert walk.submit(page, username=name, password=password).status_code == status


def test_form_made_for_another_browser(walk, helpers):
    """A sign-in form sent from another browser is refused: nobody signs a visitor in from elsewhere."""
    page = walk.authorize()
    victim = helpers.Walk(walk.idp)
    response = victim.submit(page, persona="somying")
    assert response.status_code == 400
    assert "form_of_other_browser" in response.text


@pytest.mark.parametrize("token", ["", "x", "0.", "1800000000.00", "-1.00"])
def test_form_without_its_token(walk, token):
    """A form without the right token is refused."""
    response = walk.submit(walk.authorize(), persona="somying", form_token=token)
    assert "form_of_other_browser" in response.text


def test_form_about_another_request(walk, helpers):
    """The token is bound to the request in the form: another one can't be put under it."""
    response = walk.submit(walk.authorize(), persona="somying", request="client_id=demo")
    assert "form_of_other_browser" in response.text


def test_form_that_was_open_too_long(walk, clock):
    """A form works for half an hour and no longer."""
    page = walk.authorize()
    clock.time += 1800
    assert walk.submit(page, persona="somying").status_code == 303
    page = walk.authorize(prompt="login")
    clock.time += 1801
    response = walk.submit(page, persona="somying")
    assert (response.status_code, "form_too_old" in response.text) == (400, True)


def test_sign_in_changes_the_cookie(walk):
    """The browser's id before sign-in is worth nothing after it: none can be planted."""
    walk.authorize()
    before = walk.http.get_cookie("signon-idp-oidc-9000").value
    walk.sign_in()
    after = walk.http.get_cookie("signon-idp-oidc-9000").value
    assert before != after
    assert walk.idp.state.sessions.get(before) is None


def test_sign_in_pages_of_several_tabs_all_work(walk, helpers):
    """Pages that were open before the first of them was used still sign in; after a sign-out they don't."""
    tabs = [walk.authorize(prompt="login") for _ in range(4)]
    for tab in reversed(tabs):
        assert "code" in helpers.answer(walk.submit(tab, persona="mei"))
    late = walk.authorize(prompt="login")
    walk.idp.state.sessions.drop(walk.http.get_cookie("signon-idp-oidc-9000").value)
    assert "form_of_other_browser" in walk.submit(tabs[0], persona="mei").text
    assert "code" in helpers.answer(walk.submit(late, persona="mei"))


def test_signing_in_again_ends_the_session_before(walk):
    """After another sign-in in the same browser the former cookie opens nothing."""
    walk.sign_in("mei")
    before = walk.http.get_cookie("signon-idp-oidc-9000").value
    assert walk.idp.state.sessions.get(before) is not None
    walk.sign_in("omar", prompt="login")
    assert walk.idp.state.sessions.get(before) is None
    assert len(walk.idp.state.sessions) == 1


def test_cookie_carries_dialect_port_and_flags(walk):
    """The cookie is named after dialect and port, HttpOnly and SameSite=Lax."""
    cookie = walk.authorize().headers["Set-Cookie"]
    assert cookie.startswith("signon-idp-oidc-9000=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_cookie_of_https_is_secure(clock, helpers):
    """Over https the cookie is Secure."""
    from signon_idp import Idp
    from signon_idp.dialects.oidc import OIDC

    idp = Idp(dialect=OIDC, origin="https://127.0.0.1:9443", clients=(helpers.DEMO,), now=clock)
    assert "; Secure" in helpers.Walk(idp).authorize().headers["Set-Cookie"]


def test_same_person_keeps_the_sid(walk, helpers):
    """Signing in once more as the same person goes on in the same session; as another it doesn't."""
    sids = [
        helpers.claims_of(walk.tokens(persona, prompt="login")["id_token"])["sid"]
        for persona in ("mei", "mei", "omar")
    ]
    assert sids[0] == sids[1] != sids[2]


def test_persona_who_refuses(walk, helpers):
    """The persona who refuses gives access_denied and leaves no session behind."""
    assert helpers.answer(walk.sign_in("nadia"))["error"] == "access_denied"
    assert walk.authorize().status_code == 200


def test_cancel(walk, helpers):
    """Leaving the sign-in page gives access_denied, with state and iss."""
    found = helpers.answer(walk.submit(walk.authorize(), form=1, cancel="1"))
    assert (found["error"], found["state"], found["iss"]) == ("access_denied", "state-1", walk.idp.issuer)


def test_refused_consent(walk, helpers):
    """Refusing, or any answer but "allow", gives access_denied, and is asked again next time."""
    walk.idp.register(replace(helpers.DEMO, require_consent=True))
    page = walk.sign_in()
    assert helpers.answer(walk.submit(page, answer="refuse"))["error"] == "access_denied"
    assert helpers.answer(walk.submit(page, answer=""))["error"] == "access_denied"
    assert "Allow Demo application?" in walk.authorize().text


def test_consent_of_somebody_signed_out(walk, helpers):
    """A consent form sent after sign-out is refused with a page."""
    walk.idp.register(replace(helpers.DEMO, require_consent=True))
    page = walk.sign_in()
    for key, _ in walk.idp.state.sessions.entries():
        walk.idp.state.sessions.drop(key)
    response = walk.submit(page, answer="allow")
    assert (response.status_code, "session_ended" in response.text) == (400, True)


def test_sign_in_token_is_no_consent(walk, helpers):
    """A form token is bound to its purpose: the sign-in form's doesn't allow anything."""
    walk.idp.register(replace(helpers.DEMO, require_consent=True))
    walk.sign_in()
    hidden = helpers.forms_of(walk.authorize(prompt="login").text)[0][1]
    response = walk.http.post("/consent", data={**hidden, "answer": "allow"})
    assert "form_of_other_browser" in response.text


def test_client_registered_anew_meanwhile(walk, helpers):
    """A form whose request is no longer allowed gets a page."""
    page = walk.authorize()
    walk.idp.register(replace(helpers.DEMO, grant_types=("client_credentials",)))
    response = walk.submit(page, persona="mei")
    assert (response.status_code, "unauthorized_client" in response.text) == (400, True)
