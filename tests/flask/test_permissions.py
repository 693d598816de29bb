from dataclasses import replace

import pytest
from tests.flask.double import CLICKED, FETCHED, ISSUER, code_of, json_response

from signon.flask import current_user, permission_required
from signon.flask.permissions import permissions_now
from signon.flask.testing import sign_in
from signon.providers import authmachine

API_TOKEN = "a-token-of-the-permissions-api"
SETTINGS = {
    "AUTHMACHINE_URL": ISSUER,
    "AUTHMACHINE_CLIENT_ID": "client-1",
    "AUTHMACHINE_CLIENT_SECRET": "a-secret-of-the-client-with-32-octets",
    "AUTHMACHINE_API_TOKEN": API_TOKEN,
    "AUTHMACHINE_REVOKED_CHECK": "off",
}


@pytest.fixture
def app(make_app, op, plant):
    """An application with pages for those who have a permission."""
    plant(API_TOKEN)
    op._permissions = lambda _request: json_response({"permissions": {"garden": ["dig"]}})
    app = make_app({"providers": [authmachine(settings=SETTINGS)]})
    add = app.add_url_rule
    add("/bills", "bills", permission_required("billing", "edit")(lambda: f"bills {current_user.name}"))
    add("/both", "both", permission_required("billing", "edit", "view")(lambda: "both"))
    add("/garden", "garden", permission_required("garden", "dig")(lambda: "garden"))
    add("/waiting", "waiting", permission_required("garden", "dig")(_waiting))
    add("/permissions", "permissions", lambda: {name: list(c) for name, c in current_user.permissions.items()})
    add("/now", "now", lambda: {name: list(codes) for name, codes in permissions_now("x").permissions.items()})
    return app


async def _waiting():
    return "waiting"


def result_of(coroutine):
    """What a coroutine that waits for nothing returns; no event loop, since a browser's may be running."""
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)
    return done.value.value


@pytest.fixture
def client(app):
    """The test client of somebody with these permissions on billing."""

    def client(*permissions, **claims):
        found = app.test_client()
        sign_in(found, {"name": "Mara", "authmachine_permissions": {"billing": [*permissions]}, **claims})
        return found

    return client


def test_who_has_it_gets_in(client):
    """Who has the permission sees the page."""
    assert client("view", "edit").get("/bills").text == "bills Mara"


@pytest.mark.parametrize("permissions", [(), ("view",), ("editor",), ("EDIT",)])
def test_who_lacks_it_does_not(client, permissions):
    """Who lacks it, or has another that looks like it, gets 403: a page for people, problem+json for scripts."""
    seen = client(*permissions)
    page = seen.get("/bills", headers=CLICKED)
    assert (page.status_code, code_of(page)) == (403, "permission_needed")
    assert "does not have the permission" in page.text
    assert 'class="button" href="/"' in page.text
    answer = seen.get("/bills", headers=FETCHED)
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert answer.json["code"] == "permission_needed"


def test_all_of_several_are_needed(client):
    """With several permissions one of them is not enough."""
    assert client("edit").get("/both").status_code == 403
    assert client("edit", "view").get("/both").text == "both"


def test_nobody_is_sent_to_sign_in(app):
    """Without a session a navigation goes to sign in, and a fetch gets 401."""
    page = app.test_client().get("/bills", headers=CLICKED)
    assert (page.status_code, page.headers["Location"].split("?")[0]) == (302, f"{ISSUER}/authorize")
    answer = app.test_client().get("/bills", headers=FETCHED)
    assert (answer.status_code, code_of(answer)) == (401, "login_needed")


def test_session_whose_tokens_have_ended(client, app):
    """Whom the provider has given up must sign in again before a permission counts, as on any guarded page."""
    seen = client("edit")
    party, (cookie,) = app.extensions["signon"].party, seen._cookies.values()
    now = party.clock()
    session = replace(party.sessions.load(cookie.value, now=now), tokens_ended="invalid_grant")
    assert party.sessions.replace(cookie.value, session, now=now)
    answer = seen.get("/bills", headers=FETCHED)
    assert (answer.status_code, code_of(answer)) == (401, "tokens_ended")


def test_object_that_the_sign_in_did_not_ask_about(client):
    """Then the API decides."""
    assert client().get("/garden").text == "garden"


def test_async_views(client, app):
    """A view that is a coroutine is guarded, too, and runs."""
    app.async_to_sync = lambda view: lambda: result_of(view())
    assert client().get("/waiting").text == "waiting"
    assert client(authmachine_permissions={"garden": []}).get("/waiting").status_code == 403


def test_current_user_has_them(client, app):
    """The permissions of the sign-in are the user's, and nobody has none."""
    assert client("view").get("/permissions").json == {"billing": ["view"]}
    assert app.test_client().get("/permissions").json == {}


def test_user_of_another_provider_has_none(make_app):
    """Where the provider knows no permissions nobody has any, whatever its claims are called."""
    app = make_app()
    app.add_url_rule("/bills", "bills", permission_required("billing", "edit")(lambda: "bills"))
    client = app.test_client()
    sign_in(client, {"authmachine_permissions": {"billing": ["edit"]}})
    assert client.get("/bills").status_code == 403


def test_permissions_now(client, app):
    """A view can ask the API itself, for whoever has signed in."""
    assert client().get("/now").json == {"garden": ["dig"]}
    answer = app.test_client().get("/now", headers=FETCHED)
    assert (answer.status_code, code_of(answer)) == (401, "login_needed")


@pytest.mark.parametrize("path", ["/now?x=1", "/garden"])
def test_provider_that_does_not_answer(client, op, path):
    """Whose permissions can't be asked for is told which provider is away, stays signed in, and can try again."""
    op._permissions = lambda _request: json_response({}, status=500)
    page = client().get(path, headers=CLICKED)
    assert (page.status_code, code_of(page)) == (503, "permissions_server_error")
    assert "<h1>AuthMachine can't be reached</h1>" in page.text.replace("&#39;", "'")
    assert "You have not been signed out" in page.text
    assert f'href="{path}"' in page.text


def test_a_guard_names_a_permission():
    """An object alone is no permission: that is a mistake where the guard is written."""
    with pytest.raises(TypeError):
        permission_required("billing")
