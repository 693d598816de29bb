import re

import pytest
from tests.flask.double import HTTPS, ISSUER, LINKED, Visitor

from signon.flask.pages import page

PAGES = {
    "chooser": ("/auth/login", {}),
    "start": ("/auth/login/oidc", LINKED),
    "sign_out": ("/auth/logout", {}),
    "signed_out": ("/auth/signed-out", {}),
    "error": ("/auth/callback/oidc", {}),
    "post_again": ("/auth/callback/oidc", {"Origin": ISSUER}),
}


@pytest.fixture
def ask(make_app, make_provider, op):
    app = make_app({"providers": [make_provider(), make_provider("other", "https://other.example")]})
    visitor = Visitor(app, op)

    def ask(name):
        path, headers = PAGES[name]
        method = "POST" if name == "post_again" else "GET"
        return visitor.get(path, method=method, data={"state": "x"} if method == "POST" else None, **headers)

    return ask


@pytest.mark.parametrize("name", PAGES)
def test_page_is_private_unframed_and_strict(ask, name):
    """Every page of ours: no cache, no frame, no sniffing, a strict policy with a nonce, nothing from outside."""
    response = ask(name)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    policy = response.headers["Content-Security-Policy"]
    (nonce,) = set(re.findall(r"'nonce-([^']+)'", policy))
    assert policy == (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:;"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    assert set(re.findall(r'<(?:style|script) nonce="([^"]+)"', response.text)) == {nonce}
    assert not re.search(r'(?:src|srcset|action)="(?:https?:)?//', response.text)
    assert not re.search(r'<link(?![^>]*href="data:)', response.text)
    assert not re.search(r"\son\w+=|javascript:|style=\"", response.text)


@pytest.mark.parametrize("name", PAGES)
def test_page_with_a_form_keeps_its_origin(ask, name):
    """A page with a form must not be `no-referrer`: browsers would send `Origin: null` on its post."""
    response = ask(name)
    if "<form" in response.text:
        assert response.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_one_document(ask, name):
    """Each page has a language, a title, one heading, and the view of a phone."""
    text = ask(name).text
    assert text.startswith("<!doctype html>")
    assert '<html lang="en">' in text
    assert text.count("<h1>") == 1
    assert re.search(r"<title>[^<]+</title>", text)
    assert 'name="viewport"' in text


def test_nonce_is_fresh(ask):
    """No two answers may share a nonce."""
    policies = {ask("signed_out").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


def test_page_takes_status_and_escapes(app):
    """A page has the status that it is given, and its texts are escaped."""
    with app.test_request_context("/", base_url="http://localhost"):
        response = page("start.html", status=418, provider={"label": "<b>"}, address='/"x', sign_up=False)
    assert response.status_code == 418
    assert "&lt;b&gt;" in response.get_data(as_text=True)
    assert 'href="/&#34;x"' in response.get_data(as_text=True)


def test_application_may_have_pages_of_its_own(make_app, op, tmp_path):
    """A template of the application's under the same name must win."""
    folder = tmp_path / "templates" / "signon"
    folder.mkdir(parents=True)
    (folder / "signed_out.html").write_text("Bye from {{ request.host }}")
    app = make_app(SIGNON_BASE_URL=HTTPS)
    app.jinja_loader.searchpath[:] = [str(tmp_path / "templates")]
    response = Visitor(app, op, at=HTTPS).get("/auth/signed-out")
    assert response.text == "Bye from app.example.org"
    assert "Content-Security-Policy" in response.headers
