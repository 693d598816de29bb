import re

import pytest

from signon.flask.testing import sign_in
from signon.providers import from_names
from signon_demo.app import create_app
from signon_demo.guarded_api import STRONGER
from signon_demo.script_pages import HEARD

ADDRESS = "http://localhost:5000"
STRANGER = "http://127.0.0.1:5999"
SETTINGS = {
    "OIDC_ISSUER": "https://op.example",
    "OIDC_CLIENT_ID": "demo",
    "STAFF_ISSUER": "https://staff.example",
    "STAFF_CLIENT_ID": "demo",
}
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"}
PAGES = ("/api-token", "/payment", "/payment/confirm", "/stronger")


@pytest.fixture
def app():
    providers = from_names("oidc staff", settings=SETTINGS)
    return create_app(providers, base_url=ADDRESS, backend="http://127.0.0.1:9", stranger=STRANGER)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.mark.parametrize("path", PAGES)
def test_pages_about_a_person_need_a_sign_in(client, path):
    """Without a session a program gets 401 and the code login_needed."""
    response = client.get(path)
    assert (response.status_code, response.json["code"]) == (401, "login_needed")


@pytest.mark.parametrize("path", ["/api-token", "/single-page"])
def test_scripts_come_from_here_alone(client, path):
    """A page lets modules of this origin run, and ask it; it has no code inline, and its module is there."""
    sign_in(client)
    response = client.get(path)
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= {*policy}
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", response.text)
    assert [code for _, code in scripts] == [""]
    (source,) = re.findall(r'src="([^"]+)"', scripts[0][0])
    assert client.get(source, buffered=True).mimetype in {"text/javascript", "application/javascript"}
    assert "<noscript>" in response.text
    assert not re.search(r"\son\w+=", response.text)


def test_other_pages_run_no_script(client):
    """A page without a script may not run one."""
    sign_in(client)
    assert "script-src" not in client.get("/payment").headers["Content-Security-Policy"]


def test_single_page_is_open_to_all(client):
    """The single-page application is there for everybody, and knows which providers have an API."""
    text = client.get("/single-page").text
    assert 'data-backends="oidc staff"' in text
    assert 'data-provider="staff"' in text


def test_without_a_backend_there_is_no_proxy():
    """Where no API is served, the page knows of none and the application forwards nothing."""
    client = create_app(from_names("oidc", settings=SETTINGS), base_url=ADDRESS).test_client()
    assert 'data-backends=""' in client.get("/single-page").text
    assert client.get("/backend/oidc/heard", headers={"X-CSRF": "1"}).status_code == 404


def test_payment_says_what_it_will_take(client):
    """The page names the way of signing in that there is, and the one that a payment wants."""
    sign_in(client, {"acr": "urn:practice:acr:password"})
    text = client.get("/payment").text
    assert "<code>urn:practice:acr:password</code>" in text
    assert f"<code>{STRONGER['oidc']}</code>" in text
    assert 'href="/payment/confirm"' in text


def test_payment_says_when_nothing_more_is_needed(client):
    """Who has signed in strongly already is told that they will not be asked again so soon."""
    sign_in(client, {"acr": STRONGER["oidc"]})
    text = client.get("/payment").text
    assert "is asked again only when" in text
    assert 'href="/payment/confirm"' in text


def test_older_flow_at_the_same_provider_is_as_strong():
    """Who has come by a provider without a button, at the place of one that has a stronger way, has it too."""
    settings = {**SETTINGS, "HYBRID_ISSUER": SETTINGS["OIDC_ISSUER"], "HYBRID_CLIENT_ID": "demo"}
    providers = from_names("oidc hybrid:oidc", settings=settings)
    client = create_app(providers, base_url=ADDRESS, beside=frozenset({"hybrid"})).test_client()
    sign_in(client, provider="hybrid")
    assert f"<code>{STRONGER['oidc']}</code>" in client.get("/payment").text


@pytest.mark.parametrize("path", ["/payment/confirm", "/stronger"])
def test_provider_without_a_stronger_way_is_never_asked_for_one(client, path):
    """Who has come by a provider with one way of signing in is told so, and offered those with more."""
    sign_in(client, provider="staff")
    response = client.get(path, headers=NAVIGATION)
    assert (response.status_code, response.location) == (302, "/payment")
    text = client.get("/payment").text
    assert "Staff knows one way of signing in" in text
    assert 'href="/auth/login/oidc?next=/payment"' in text
    assert 'href="/payment/confirm"' not in text


@pytest.mark.parametrize("method", ["get", "post"])
def test_payment_needs_the_stronger_sign_in(client, method):
    """With a password alone neither the last page nor the payment itself is to be had: step_up_needed, 401."""
    sign_in(client, {"acr": "urn:practice:acr:password"})
    client.application.config["WTF_CSRF_ENABLED"] = False
    response = getattr(client, method)("/payment/confirm")
    assert (response.status_code, response.json["code"]) == (401, "step_up_needed")


def test_payment_after_the_stronger_sign_in(client):
    """With the second factor the payment is shown and made, by the form's own post."""
    sign_in(client, {"acr": STRONGER["oidc"]})
    text = client.get("/payment/confirm").text
    assert "Confirm the payment" in text
    (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', text)
    assert "The payment is made" in client.post("/payment/confirm", data={"csrf_token": token}).text


def test_payment_takes_no_forged_form(client):
    """A form that has not come from the demo's own page pays nothing: 400."""
    sign_in(client, {"acr": STRONGER["oidc"]})
    response = client.post("/payment/confirm")
    assert response.status_code == 400
    assert "The payment is made" not in response.text


def test_stronger_leads_back_to_the_tokens(client):
    """Who has signed in strongly enough is sent on to the page with tokens."""
    sign_in(client, {"acr": STRONGER["oidc"]})
    assert client.get("/stronger", headers=NAVIGATION).location == "/api-token"


def test_token_page_offers_the_stronger_way_only_where_there_is_one(client):
    """The page knows where a stronger sign-in begins; for a provider that has none it knows nowhere."""
    sign_in(client)
    assert 'data-stronger="/stronger"' in client.get("/api-token").text
    sign_in(client, provider="staff")
    assert 'data-stronger=""' in client.get("/api-token").text


@pytest.mark.parametrize(
    ("headers", "cookie"),
    [
        ({"Origin": STRANGER, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Referer": f"{STRANGER}/", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://localhost:5999", "Sec-Fetch-Site": "same-site"}, True),
    ],
)
def test_what_a_stranger_is_answered_is_remembered(client, headers, cookie):
    """A request from the stranger's page, at either host, is kept with status, code, and whether cookies came."""
    if cookie:
        sign_in(client)
    client.post("/auth/logout", headers={**headers, "X-CSRF": "1"})
    (answered,) = client.application.extensions[HEARD].since(0)
    assert (answered.request, answered.cookie) == ("POST /auth/logout", cookie)
    assert (answered.status, answered.code) == (403, "cross_site")


def test_a_page_as_an_answer_has_no_code(client):
    """Of an answer that is no JSON only the status is kept."""
    client.get("/nowhere", headers={"Origin": STRANGER})
    (answered,) = client.application.extensions[HEARD].since(0)
    assert (answered.status, answered.code) == (404, "")


@pytest.mark.parametrize("origin", [ADDRESS, "http://127.0.0.1:9000", "null", "http://[", ""])
def test_others_are_not_remembered(client, origin):
    """What the demo's own pages, the providers' and others ask is nobody's business."""
    client.post("/auth/logout", headers={"Origin": origin})
    assert client.application.extensions[HEARD].since(0) == []


def test_without_a_stranger_nothing_is_remembered(client):
    """Where no stranger's page is served, nobody is one."""
    client.application.config["DEMO_STRANGER"] = None
    client.post("/auth/logout", headers={"Origin": STRANGER})
    assert client.application.extensions[HEARD].since(0) == []
