import logging
import re

import pytest
import time_machine
from tests.flask.double import CLICKED, FETCHED, ISSUER, LINKED, LOCAL, Visitor, code_of, query_of
from tests.service.password_op import CURRENT, NEW, SCOPES, PasswordOp, password_error, pingone_at

from signon.core.claims import LEEWAY_SECONDS
from signon.core.errors import ProviderUnavailable
from signon.flask.passwords import FRESH_SECONDS, MAX_BODY_BYTES, TYPING_SECONDS

PATH = "/auth/password"
SUBMITTED = {**CLICKED, "Origin": LOCAL}
NOW = 1_800_000_000
FORM = {"current_password": CURRENT, "new_password": NEW, "confirm_password": NEW}


@pytest.fixture
def op(ops, plant):
    plant(CURRENT, NEW)
    ops[ISSUER] = PasswordOp(plant)
    return ops[ISSUER]


@pytest.fixture
def app(make_app, op):
    return make_app({"providers": [pingone_at()]})


@pytest.fixture
def here(app, op):
    """Somebody who has just signed in."""
    visitor = Visitor(app, op)
    visitor.sign_in()
    return visitor


def send(visitor, headers=SUBMITTED, **fields):
    """Send the form with these fields changed."""
    sent = {f"{name}_password": value for name, value in fields.items()}
    return visitor.post(PATH, data={**FORM, **sent}, **headers)


def alert(response) -> str:
    (text,) = re.findall(r'role="alert">([^<]*)<', response.text)
    return text.strip()


def errors(response) -> dict[str, str]:
    return {
        field: text for field, text in re.findall(r'id="(\w+)-error"[^>]*>([^<]*)<', response.text) if text.strip()
    }


def broken(response) -> list[str]:
    return re.findall(r'<li class="broken"[^>]*><span>([^<]*)<', response.text)


def test_form(here, op):
    """The form says whose password it is, what the policy demands, and what each field is for."""
    response = here.get(PATH)
    text = response.text
    assert response.status_code == 200
    assert re.findall(r"<li[^>]*><span>([^<]*)<", text) == ["8 to 255 characters", "None of your last 6 passwords"]
    assert re.findall(r'type="password" autocomplete="([^"]+)"', text) == [
        *("current-password", "new-password", "new-password"),
    ]
    assert "at PingOne" in text
    assert "2026-04-01 10:00Z" in text
    assert 'autocomplete="username"' in text
    assert 'aria-invalid="' not in text
    assert op.documents().count("password") == 1


def test_form_is_guarded(here):
    """The page runs no script but its own, is kept by no cache, and is framed by nobody."""
    response = here.get(PATH)
    policy = response.headers["Content-Security-Policy"]
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', response.text))
    assert f"script-src 'nonce-{nonce}'" in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["Cache-Control"] == "private, no-store"
    assert not re.findall(r"<\w+[^>]*\s(?:on\w+|style)=", response.text)


def test_policy_without_rules(here, op):
    """Where nothing is demanded, or nothing known, the form has no list of rules."""
    op.policy = {}
    op.state = {"status": "OK"}
    text = here.get(PATH).text
    assert "What a new password must be" not in text
    assert "last changed" not in text
    assert 'name="new_password"' in text


def test_last_change(here, op):
    """When the password was changed last is said in words, with the exact time for machines."""
    op.state = {"status": "OK", "lastChangedAt": "2026-11-03T14:05:00Z"}
    text = here.get(PATH).text
    assert 'You last changed it on <time datetime="2026-11-03 14:05Z">3 November 2026</time>.' in text


@pytest.mark.parametrize("status", ["PASSWORD_EXPIRED", "MUST_CHANGE_PASSWORD"])
def test_change_that_is_due(here, op, status):
    """A password that must be changed is said to be due."""
    op.state = {"status": status}
    assert "due for a change" in here.get(PATH).text


def test_change(here, op):
    """The form changes the password, and a reload of the page that says so changes nothing."""
    response = send(here)
    assert (response.status_code, response.headers["Location"]) == (303, f"{PATH}?changed=1")
    assert op.sent() == {"currentPassword": CURRENT, "newPassword": NEW}
    page = here.get(f"{PATH}?changed=1", **CLICKED)
    assert "<h1>Password changed</h1>" in page.text
    assert 'href="/auth/sessions"' in page.text
    assert len(op.changes) == 1


def test_done_is_said_to_nobody_else(here):
    """Another site's link can't make the page say that something was changed."""
    assert "Password changed" not in here.get(f"{PATH}?changed=1", **LINKED).text
    assert "Password changed" in here.get(f"{PATH}?changed=1").text  # a browser that doesn't say where from


def test_nothing_is_kept_or_shown(here, op, caplog):
    """No answer, cookie, record or log line has a password in it, whether it was refused or not."""
    op.refusal = password_error("newPassword", unsatisfiedRequirements=["history"])
    with caplog.at_level(logging.DEBUG):
        refused = send(here)
        op.refusal = {"code": "ACCESS_FAILED", "message": f"no {NEW}", "id": "7"}
        failed = send(here)
        op.refusal = None
        changed = send(here)
    store = here.client.application.extensions["signon"].party.sessions.store
    everything = "".join(f"{response.text}{response.headers}" for response in (refused, failed, changed)) + repr(
        (here.cookies(), vars(store), caplog.text)
    )
    assert len(op.changes) == 3
    assert CURRENT not in everything
    assert NEW not in everything


REFUSALS = [
    (
        password_error("newPassword", unsatisfiedRequirements=["history", "excludesProfileData"]),
        {"new": "This password breaks a rule. Choose another."},
        ["None of your last 6 passwords", "Nothing of your name or your e-mail address"],
    ),
    (password_error("currentPassword"), {"current": "This is not your current password."}, []),
    (
        password_error("newPassword"),
        {"new": "This password breaks a rule. Choose another."},
        ["Another rule of the provider"],
    ),
]


@pytest.mark.parametrize(("refusal", "at", "marked"), REFUSALS)
def test_refused(here, op, refusal, at, marked):
    """What the provider refuses is said at its field, and at each rule by name; no script is needed for that."""
    op.refusal = refusal
    response = send(here)
    assert response.status_code == 400
    assert (errors(response), broken(response)) == (at, marked)
    assert alert(response) == " ".join(["Your password was not changed.", *at.values()])
    assert response.text.count('aria-invalid="') == 1


def test_locked_out(here, op):
    """A lock-out takes the form away and says how long it lasts, if that is known."""
    op.refusal = password_error("currentPassword", code="PASSWORD_LOCKED_OUT", secondsUntilUnlock=840)
    response = send(here)
    assert (response.status_code, "<form" in response.text) == (400, False)
    assert alert(response).endswith("after too many wrong tries. Try again in 14 minutes.")
    op.state = {"status": "PASSWORD_LOCKED_OUT", "secondsUntilUnlock": 61}
    assert alert(here.get(PATH)).endswith("Try again in 1 minute 1 second.")
    op.state = {"status": "PASSWORD_LOCKED_OUT"}
    assert alert(here.get(PATH)).endswith("Ask PingOne how to unlock it.")


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"current": ""}, {"current": "Type the password that you have now."}),
        ({"new": "", "confirm": ""}, {"new": "Type a new password."}),
        ({"confirm": NEW.upper()}, {"again": "The two are not the same."}),
        (
            {"current": "x" * MAX_BODY_BYTES},
            {"current": "Type the password that you have now.", "new": "Type a new password."},
        ),
    ],
)
def test_form_that_is_not_filled_in(here, op, fields, at):
    """What is missing, or doesn't match, is said at its field, and the provider isn't asked to change anything."""
    response = send(here, **fields)
    assert (response.status_code, errors(response), op.changes) == (400, at, [])


def test_program(here, op):
    """Whatever is no navigation gets problem+json with the code of the cause."""
    headers = {**FETCHED, "Accept": "application/json"}
    assert code_of(send(here, headers, confirm="other")) == "password_mismatch"
    op.refusal = password_error("newPassword", unsatisfiedRequirements=["history"])
    response = send(here, headers)
    assert (response.status_code, code_of(response)) == (400, "password_unsatisfied")
    assert response.json["title"] == "Your password was not changed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_other_sites_change_nothing(here, op, headers):
    """A form from anywhere but our own page is refused before anything is read of it."""
    response = send(here, headers)
    assert (response.status_code, code_of(response), op.changes) == (403, "cross_site", [])


def test_nobody(app, op):
    """Who has not signed in goes to do so, and comes back to the form."""
    visitor = Visitor(app, op)
    location = visitor.start(PATH)
    assert visitor.answer(location).headers["Location"] == PATH
    assert visitor.get(PATH).status_code == 200
    assert code_of(Visitor(app, op).get(PATH, **FETCHED)) == "login_needed"


def test_sign_in_must_be_recent(app, op):
    """The form opens within minutes of a sign-in, to the second; later the person proves again who they are."""
    op.token = {"expires_in": 3600}
    with time_machine.travel(NOW, tick=False) as clock:
        visitor = Visitor(app, op)
        visitor.sign_in()
        clock.shift(FRESH_SECONDS + LEEWAY_SECONDS)
        assert visitor.get(PATH).status_code == 200
        clock.shift(1)
        response = visitor.get(PATH)
        assert query_of(response.headers["Location"])["prompt"] == "login"
        assert visitor.answer(response.headers["Location"], auth_time=NOW + 400).headers["Location"] == PATH
        assert visitor.get(PATH).status_code == 200


def test_form_may_take_longer(app, op):
    """A form that was open for a while can still be sent; after a long while it leads to the page again."""
    op.token = {"expires_in": 3600}
    with time_machine.travel(NOW, tick=False) as clock:
        visitor = Visitor(app, op)
        visitor.sign_in()
        clock.shift(TYPING_SECONDS + LEEWAY_SECONDS)
        assert send(visitor, confirm="other").status_code == 400
        clock.shift(1)
        response = send(visitor)
        assert (response.status_code, response.headers["Location"], op.changes) == (303, PATH, [])
        fetched = send(visitor, {**FETCHED, "Accept": "application/json"})
        assert (fetched.status_code, code_of(fetched)) == (401, "fresh_login_needed")


def test_scope_that_was_not_granted(app, op):
    """The granted scope decides before the form is shown: without it there is a page that says what to do."""
    op.token = {"scope": "openid profile email"}
    visitor = Visitor(app, op)
    visitor.sign_in()
    response = visitor.get(PATH)
    assert (response.status_code, code_of(response)) == (403, "password_scope_missing")
    assert 'href="/">Back to the application' in response.text
    assert "password" not in op.documents()


def test_api_that_does_not_answer(here, op):
    """Where the API can't be had the page says so, and its button tries the form again: nobody is signed out."""
    op.failing["password"] = ProviderUnavailable("password_timeout", "too slow")
    response = here.get(PATH)
    assert (response.status_code, code_of(response)) == (503, "password_timeout")
    assert "PingOne can&#39;t be reached" in response.text
    assert f'href="{PATH}">Try again' in response.text


def test_person_of_a_provider_without_it(make_app, make_provider, ops, op, plant):
    """Who signs in by a provider without the API has no password to change here."""
    other = make_provider("other", "https://other.example")
    app = make_app({"providers": [pingone_at(), other]})
    visitor = Visitor(app, ops["https://other.example"])
    visitor.sign_in("/auth/login/other")
    response = visitor.get(PATH)
    assert (response.status_code, code_of(response)) == (404, "password_unsupported")


def test_page_exists_where_somebody_has_it(make_app, op):
    """Without a provider that has the API, or without its scopes, there is no such page."""
    assert Visitor(make_app(), op).get(PATH).status_code == 404
    assert Visitor(make_app({"providers": [pingone_at(scope="openid profile")]}), op).get(PATH).status_code == 404


def test_path_of_its_own(make_app, op):
    """The page can be had at another path, and its own form goes there."""
    app = make_app({"providers": [pingone_at()]}, SIGNON_PASSWORD_PATH="/password/change")
    visitor = Visitor(app, op)
    visitor.sign_in()
    assert visitor.get(PATH).status_code == 404
    assert 'action="/password/change"' in visitor.get("/password/change").text


def test_scopes_are_the_vendors(app):
    """The scopes that are asked for are those that the page needs."""
    assert set(SCOPES.split()) <= set(app.extensions["signon"].party.providers["pingone"].scopes)
