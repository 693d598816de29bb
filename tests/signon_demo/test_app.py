import re
import time
from pathlib import Path

import pytest
import time_machine

from signon.flask.testing import sign_in
from signon.providers import from_names
from signon_demo.app import RECENT_SECONDS, create_app
from signon_demo.claims import local_time

SETTINGS = {"OIDC_ISSUER": "https://op.example", "OIDC_CLIENT_ID": "demo"}

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}


def test_home_offers_each_provider_in_order_and_comes_back_to_the_profile(client):
    """Without a session home has one sign-in link for each provider, in their order, and no sign-out."""
    text = client.get("/").text
    assert re.findall(r'class="button quiet provider" href="([^"]+)"', text) == [
        "/auth/login/oidc?next=/profile",
        "/auth/login/staff?next=/profile",
    ]
    assert 'action="/auth/logout"' not in text


def test_home_greets_who_is_signed_in(client):
    """With a session home shows the name, escaped, and a form that signs out."""
    sign_in(client, {"name": "Ada <Lovelace>"})
    text = client.get("/").text
    assert "Welcome, <bdi>Ada &lt;Lovelace&gt;</bdi>" in text
    assert '<form method="post" action="/auth/logout">' in text
    assert "/auth/login/" not in text


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"name": "Ada"}, "Ada"),
        ({"preferred_username": "ada", "email": "ada@people.example"}, "ada"),
        ({"email": "ada@people.example"}, "ada@people.example"),
        ({}, "test-subject"),
    ],
)
def test_a_person_without_a_name_is_called_by_the_next_best(client, claims, shown):
    """The heading of the profile is the name, else user name, e-mail address or subject."""
    sign_in(client, claims)
    assert f'<h1 id="who"><bdi>{shown}</bdi></h1>' in client.get("/profile").text


def test_profile_shows_provider_address_and_times(client):
    """The profile names the provider, an unverified address as such, and times with their number."""
    sign_in(client, {"email": "ada@people.example", "auth_time": 1767225600}, provider="staff")
    text = client.get("/profile").text
    assert "<bdi>ada@people.example</bdi>, not verified · signed in with Staff" in text
    assert f'{local_time(1767225600)} <code class="raw">1767225600</code>' in text


def test_profile_folds_a_long_list(client):
    """Of 300 groups twelve are shown and the rest is folded away, none is lost."""
    sign_in(client, {"groups": [f"group-{number}" for number in range(300)]})
    text = client.get("/profile").text
    assert "<summary>and 288 more</summary>" in text
    assert "<bdi>group-299</bdi>" in text


def test_profile_needs_a_sign_in(client):
    """Without a session the profile is refused to a program with 401 and the code login_needed."""
    response = client.get("/profile")
    assert (response.status_code, response.json["code"]) == (401, "login_needed")


@pytest.mark.parametrize(
    ("path", "marker"), [("/", "Ada"), ("/profile", "Ada"), ("/recent", "just signed in"), ("/nowhere", "no such")]
)
def test_no_secret_is_on_any_page(client, path, marker):
    """No page holds a token, the client secret, the session id, or a nonce or hash in full."""
    hidden = {"nonce": "n" * 20 + "-whole-nonce", "at_hash": "h" * 20 + "-whole-hash", "sid": "s" * 30}
    sign_in(client, {"name": "Ada", **hidden})
    session_id = client.get_cookie("signon-5000").value
    text = client.get(path).text
    assert marker in text
    for secret in ("test-access-token", "a-secret-that-must-not-show", session_id, *hidden.values()):
        assert secret not in text


@pytest.mark.parametrize("path", ["/", "/profile", "/recent", "/nowhere"])
def test_pages_are_private_and_their_policy_is_strict(client, path):
    """Every page forbids caching, framing, script and outside assets, and has one heading and a language."""
    sign_in(client, {"name": "Ada"})
    response = client.get(path)
    policy = response.headers["Content-Security-Policy"]
    nonce = re.search(r"style-src 'nonce-([\w-]{20,})'", policy).group(1)
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy
    assert re.findall(r"<style[^>]*>", response.text) == [f'<style nonce="{nonce}">']
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.text.count("<h1") == 1
    assert '<html lang="en">' in response.text
    assert " style=" not in response.text


def test_each_page_has_a_nonce_of_its_own(client):
    """Two answers never share a nonce."""
    policies = {client.get("/").headers["Content-Security-Policy"] for _ in range(2)}
    assert len(policies) == 2


def test_recent_lets_a_fresh_sign_in_in(client):
    """Somebody who has proven who they are seconds ago sees the page, and how long ago that was."""
    sign_in(client, {"auth_time": time.time() - 7})
    assert re.search(r"You proved who you are [78] seconds ago", client.get("/recent").text)


def test_recent_counts_from_the_sign_in_where_the_provider_gives_no_time(client):
    """Without auth_time the age is that of the sign-in here."""
    with time_machine.travel(1_800_000_000, tick=False):
        sign_in(client, {"auth_time": None})
    with time_machine.travel(1_800_000_001, tick=False):
        assert "You proved who you are 1 second ago" in client.get("/recent").text


def test_recent_asks_again_after_a_while(client):
    """A sign-in older than the limit and the clocks' leeway is refused with the code fresh_login_needed."""
    sign_in(client, {"auth_time": time.time() - RECENT_SECONDS - 61})
    response = client.get("/recent")
    assert (response.status_code, response.json["code"]) == (401, "fresh_login_needed")


def test_an_unknown_page_is_a_friendly_404(client):
    """A mistyped address gets 404, a sentence and a way back."""
    response = client.get("/nowhere", headers=NAVIGATION)
    assert response.status_code == 404
    assert "There is no such page" in response.text
    assert '<a class="button" href="/">' in response.text


def test_a_wrong_method_is_answered_with_its_name(client):
    """Any other error of HTTP keeps its status, and its name is the heading."""
    response = client.post("/profile", headers=NAVIGATION)
    assert response.status_code == 405
    assert "<h1>Method Not Allowed</h1>" in response.text


def test_a_failure_of_the_demo_shows_nothing_of_itself(app, client):
    """An unexpected error is a page with status 500 that does not repeat it."""

    def fail():
        raise RuntimeError("inner workings")

    app.view_functions["demo.home"] = fail
    response = client.get("/")
    assert response.status_code == 500
    assert "The demo could not answer this request." in response.text
    assert "inner workings" not in response.text


def test_a_form_that_is_too_old_is_told(client):
    """A form of the demo's without its proof is a page with status 400 that says what to do."""
    response = client.post("/password", data={"email": "ada@people.example"}, headers=NAVIGATION)
    assert response.status_code == 400
    assert "<h1>This form is too old</h1>" in response.text
    assert "Nothing was done" in response.text


def test_the_forms_cookie_is_this_demos_own(vendors):
    """The cookie that the forms' proof goes by bears the port, is hidden from scripts and other sites' requests,
    and holds nothing of the sign-in.
    """
    sign_in(vendors, {"name": "Ada"}, provider="auth0")
    (cookie,) = vendors.get("/password").headers.getlist("Set-Cookie")
    assert cookie.startswith("demo-forms-5000=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    with vendors.session_transaction() as kept:
        assert set(kept) == {"csrf_token"}


def test_providers_beside_the_buttons_start_without_a_warning(caplog):
    """A flow that nobody asked for is not warned of, one that somebody has set up is."""
    settings = {
        **SETTINGS,
        "OIDC_RESPONSE_TYPE": "id_token",
        "ASIDE_ISSUER": "https://op.example",
        "ASIDE_CLIENT_ID": "demo",
        "ASIDE_RESPONSE_TYPE": "id_token",
    }
    providers = from_names("oidc aside", settings=settings)
    app = create_app(providers, base_url="http://localhost:5000", beside=frozenset({"aside"}))
    told = [record.getMessage() for record in caplog.records if record.name == "signon"]
    assert [message.partition(" ")[0] for message in told] == ["oidc"]
    page = app.test_client().get("/").text
    assert ("/auth/login/oidc" in page, "/auth/login/aside" in page) == (True, False)


def test_an_error_of_signon_keeps_its_own_page(client):
    """A provider that does not exist gets Signon's page with its code, not the demo's 404."""
    response = client.get("/auth/login/nobody", headers=NAVIGATION)
    assert response.status_code == 404
    assert "<code>provider_unknown</code>" in response.text


def test_chooser_has_the_same_buttons_as_home(client):
    """The chooser's buttons look like home's and stand in the same order."""
    buttons = r'<span class="glyph" aria-hidden="true">(.)</span><span>Sign in with (\w+)</span>'
    home, chooser = client.get("/").text, client.get("/auth/login", headers=NAVIGATION).text
    assert re.findall(buttons, home) == re.findall(buttons, chooser) == [("O", "OpenID"), ("S", "Staff")]


def test_nothing_is_written(app, client):
    """The demo keeps sessions and keys in memory: it makes no instance folder, so it needs no writable one."""
    sign_in(client, {"name": "Ada"})
    assert client.get("/profile").status_code == 200
    assert not Path(app.instance_path).exists()


def test_the_environment_changes_no_provider(monkeypatch):
    """Settings of a developer's own provider in the environment do not reach the demo's."""
    monkeypatch.setenv("OIDC_LABEL", "Somebody else")
    app = create_app(from_names("oidc", settings=SETTINGS), base_url="http://localhost:5000")
    assert "Sign in with OpenID" in app.test_client().get("/").text


VENDOR_SETTINGS = {
    "THAID_CLIENT_ID": "demo",
    "THAID_CLIENT_SECRET": "s" * 32,
    "AUTH0_DOMAIN": "tenant.example",
    "AUTH0_CLIENT_ID": "demo",
    "AUTHMACHINE_URL": "https://am.example",
    "AUTHMACHINE_CLIENT_ID": "demo",
    "AUTHMACHINE_CLIENT_SECRET": "s" * 32,
}


@pytest.fixture
def vendors():
    """A test client of an application with vendors, of which Auth0 is the real one."""
    providers = from_names("thaid authmachine auth0", settings=VENDOR_SETTINGS)
    return create_app(providers, base_url="http://localhost:5000", real=frozenset({"auth0"})).test_client()


def test_home_links_to_the_sign_ups_there_are(vendors, client):
    """Home has a link to the sign-up of each vendor that has one, and none where no vendor has."""
    assert re.findall(r'href="(/auth/signup/[^"]+)">(\w+)</a>', vendors.get("/").text) == [
        ("/auth/signup/authmachine", "AuthMachine"),
        ("/auth/signup/auth0", "Auth0"),
    ]
    assert "signup" not in client.get("/").text


def test_pages_say_who_is_real(vendors, client):
    """Where a vendor is the real one the foot of the page names it, else it says that all is made up."""
    assert "Whoever comes by Auth0 is real" in vendors.get("/").text
    assert "Everyone here is made up." in client.get("/").text


def test_profile_shows_the_vendors_fields_and_no_national_id(vendors):
    """The vendor's own fields stand in a part of their own, and the national id nowhere on any page."""
    number = "9103700001234"
    claims = {"sub": number, "pid": number, "name": "สมชาย", "name_en": "Somchai", "birthdate": "1989-12-28"}
    sign_in(vendors, claims, provider="thaid")
    pages = {path: vendors.get(path).text for path in ("/", "/profile", "/recent", "/nowhere")}
    assert "What ThaID knows" in pages["/profile"]
    assert "28 December 1989 (พ.ศ.\N{NO-BREAK SPACE}2532)" in pages["/profile"]
    assert pages["/profile"].count("•••••••••1234") == 2
    assert [path for path, text in pages.items() if number in text] == []


def test_a_provider_without_fields_of_its_own_has_no_such_part(client):
    """The standard's provider shows claims alone."""
    sign_in(client, {"name": "Ada"})
    assert 'id="vendor"' not in client.get("/profile").text


def test_profile_folds_many_scopes(vendors):
    """Of a long list of scopes six are shown and the rest is folded away."""
    sign_in(vendors, {"sub": "9103700001234"}, provider="thaid")
    assert re.search(r"<summary>and \d+ more</summary><code>", vendors.get("/profile").text)
