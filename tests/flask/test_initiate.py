"""Sign-ins that another site wants to start: never by themselves, only here, only to pages of ours."""

import html
import re

import pytest
from tests.flask.double import FETCHED, HTTPS, ISSUER, LINKED, LOCAL, TYPED, Visitor, code_of, query_of

PATH = "/auth/initiate/oidc"
PRESSED = {**TYPED, "Sec-Fetch-Site": "same-origin", "Origin": LOCAL}


def fields_of(response):
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', response.text)
    return {name: html.unescape(value) for name, value in found}


def ask(visitor, method="GET", headers=LINKED, at=None, **parameters):
    wanted = {"iss": ISSUER, **parameters}
    if method == "POST":
        return visitor.post(PATH, data=wanted, **headers)
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    return visitor.get(f"{PATH}?{query}", at=at, **headers)


def press(visitor, page):
    return visitor.post(PATH, data=fields_of(page), **PRESSED)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("headers", [LINKED, {}, FETCHED, TYPED], ids=["linked", "old", "fetched", "typed"])
def test_nothing_starts_by_itself(visitor, op, method, headers):
    """Whoever sends it, by GET or POST: a page with one button, no cookie, nothing asked of the provider."""
    if method == "POST" and headers in (FETCHED, TYPED):
        headers = {**headers, "Sec-Fetch-Site": "same-site"}
    response = ask(visitor, method, headers)
    assert (response.status_code, len(re.findall("<button", response.text))) == (200, 1)
    assert "Location" not in response.headers
    assert not visitor.cookies()
    assert not op.asked
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


def test_button_starts(visitor, op):
    """The button's own form starts: with the hint, and back to the page that was asked for."""
    page = ask(visitor, login_hint="mia%40people.example", target_link_uri="http%3A//localhost/me%3Fa%3Db")
    assert fields_of(page) == {"iss": ISSUER, "login_hint": "mia@people.example", "target_link_uri": "/me?a=b"}
    response = press(visitor, page)
    assert response.status_code == 303
    location = response.headers["Location"]
    assert query_of(location)["login_hint"] == "mia@people.example"
    assert visitor.answer(location).headers["Location"] == "/me?a=b"
    assert visitor.who() == "Somchai"


def test_button_without_script_or_fetch_metadata(visitor):
    """Without Fetch Metadata the Origin must prove that the form is ours; without that there is only the page."""
    fields = fields_of(ask(visitor))
    assert visitor.post(PATH, data=fields, Origin=LOCAL).status_code == 303
    for headers in ({}, {"Origin": "null"}, {"Origin": "https://op.example"}):
        assert visitor.post(PATH, data=fields, **headers).status_code == 200


def test_nothing_else_goes_on(visitor):
    """Other parameters of the request are ignored: no scope, no prompt, no redirect_uri from strangers (J3)."""
    more = {"scope": "admin", "prompt": "none", "redirect_uri": "https://evil.example", "max_age": "0"}
    page = ask(visitor, **more)
    assert fields_of(page).keys() == {"iss"}
    sent = query_of(visitor.post(PATH, data={**fields_of(page), **more}, **PRESSED).headers["Location"])
    assert sent["scope"] == "openid profile email"
    assert not {"prompt", "max_age"} & sent.keys()
    assert sent["redirect_uri"] == f"{LOCAL}/auth/callback/oidc"


@pytest.mark.parametrize(
    "target",
    [
        *(
            "https://evil.example/",
            "//evil.example",
            "/%5Cevil.example",
            "https://localhost/me",
            "javascript:alert(1)",
        ),
        *("http://localhost@evil.example/", "http://localhost.evil.example/", "http:/evil.example", "/a/../b"),
        *(
            "http://localhost//evil.example",
            "/%09/evil.example",
            "/auth/logout",
            "http://localhost/auth/login",
            "x",
        ),
        "/me%0d%0aSet-Cookie:x",
    ],
)
def test_target_is_a_page_of_ours_or_none(visitor, target):
    """Anything but a page of this application is dropped, on the page and in what its button starts (J2)."""
    page = ask(visitor, target_link_uri=target)
    assert page.status_code == 200
    assert "target_link_uri" not in fields_of(page)
    response = visitor.post(PATH, data={"iss": ISSUER, "target_link_uri": target}, **PRESSED)
    assert visitor.answer(response.headers["Location"]).headers["Location"] == "/"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("issuer", "code"),
    [
        ("", "initiate_iss_missing"),
        ("https://evil.example", "initiate_iss_mismatch"),
        ("http://[", "initiate_iss_mismatch"),
    ],
)
def test_other_issuers(visitor, op, method, issuer, code):
    """No issuer, or one that isn't this provider's, is refused, and nobody is asked about it."""
    response = ask(visitor, method, iss=issuer)
    assert (response.status_code, code_of(response)) == (400, code)
    assert "The site that sent you here" in response.text
    assert not op.asked


def test_markup_stays_text(visitor):
    """What a stranger writes into the address is text on the page."""
    page = ask(visitor, login_hint="%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page.text
    assert fields_of(page)["login_hint"] == '"><script>alert(1)</script>'


def test_path_is_a_keyword(make_app, make_provider, op):
    """The route can be where the provider was told it is."""
    visitor = Visitor(make_app({"providers": [make_provider(initiate_path="/start-here")]}), op)
    assert visitor.get(f"/start-here?iss={ISSUER}", **LINKED).status_code == 200
    assert visitor.get(f"{PATH}?iss={ISSUER}", **LINKED).status_code == 404


def test_form_goes_to_the_base_urls_host(secure):
    """On another host name than the base URL's the form still leads to the right one, where its cookie will be."""
    page = ask(secure, at="https://other.example.org", target_link_uri=f"{HTTPS}/me")
    assert f'action="{HTTPS}{PATH}"' in page.text
    assert fields_of(page)["target_link_uri"] == "/me"
