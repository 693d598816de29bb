import re

import pytest


@pytest.fixture
def pages(walk, helpers):
    """One of each page, by name."""
    sign_in = walk.authorize()
    form_post = walk.sign_in(response_mode="form_post")
    return {
        "sign_in": sign_in,
        "failed": walk.submit(walk.authorize(prompt="login"), form=0, username="x", password="y"),
        "consent": walk.authorize(prompt="consent"),
        "form_post": form_post,
        "sign_out": walk.http.get("/end-session"),
        "signed_out": walk.submit(walk.http.get("/end-session")),
        "problem": walk.authorize(client_id="nobody"),
    }


def test_headers(pages):
    """Every page has a strict policy, is never stored or framed, and keeps referrers to its own origin."""
    for name, page in pages.items():
        policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'", name
        assert policy["frame-ancestors"] == "'none'", name
        assert policy["base-uri"] == "'none'", name
        assert policy["style-src"] == "'self'", name
        assert page.headers["Cache-Control"] == "no-store", name
        assert page.headers["Referrer-Policy"] == "same-origin", name
        assert page.headers["X-Content-Type-Options"] == "nosniff", name


def test_band(pages):
    """Every page says at the top that it is a practice provider, and whom it plays."""
    for name, page in pages.items():
        assert (
            "<strong>Practice provider</strong>: plays a standard OpenID provider on this computer" in page.text
        ), name
        assert "<h1" in page.text, name


def test_no_outside_assets_and_no_inline_style(pages):
    """Pages load nothing from elsewhere, have no inline style, and one script at most, with the policy's nonce."""
    for name, page in pages.items():
        loaded = re.findall(r'(?:src|href)="([^"]*)"', page.text)
        assert set(loaded) == {"http://127.0.0.1:9000/style.css", "data:,"}, name
        assert "style=" not in page.text, name
        nonces = re.findall(r'<script nonce="([^"]+)">', page.text)
        assert len(nonces) == page.text.count("<script") == (name == "form_post"), name
        assert all(f"'nonce-{nonce}'" in page.headers["Content-Security-Policy"] for nonce in nonces)


def test_nonces_are_fresh(walk):
    """No two pages share a nonce."""
    policies = {walk.authorize().headers["Content-Security-Policy"] for _ in range(5)}
    assert len(policies) == 5


def test_form_action_lets_the_answer_through(walk, helpers):
    """The sign-in form may end at any web origin, since browsers judge redirects too, or at a native scheme."""
    from dataclasses import replace

    policy = walk.authorize().headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' http: https:")
    native = "com.example.app:/callback"
    walk.idp.register(replace(helpers.DEMO, redirect_uris=(native,)))
    policy = walk.authorize(redirect_uri=native).headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' http: https: com.example.app:")


def test_personas_are_offered(pages, walk):
    """Each persona is a button with its name and its one line."""
    for persona in walk.idp.dialect.personas:
        assert f'name="persona" value="{persona.id}"' in pages["sign_in"].text
        assert persona.note in pages["sign_in"].text


def test_consent_names_what_is_asked(pages):
    """The consent page names the application, the person and each scope."""
    text = pages["consent"].text
    assert "Allow Demo application?" in text
    assert "สมหญิง ใจดี" in text
    assert re.findall(r"<code>(\w+)</code></span></li>", text) == ["openid", "profile", "email", "offline_access"]


def test_form_post_works_without_script(pages, helpers):
    """The form_post page has a button, and its script names the form only."""
    assert '<button class="primary" type="submit">Go on</button>' in pages["form_post"].text
    assert 'document.getElementById("answer").submit()' in pages["form_post"].text


def test_markup_is_escaped(walk):
    """Whatever comes with a request stands escaped in pages, the answer's own markup in form_post too."""
    assert "<b>x" not in walk.authorize(login_hint="<b>x").text
    walk.sign_in()
    with walk.idp.fault("callback_markup_error"):
        text = walk.authorize(response_mode="form_post").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
