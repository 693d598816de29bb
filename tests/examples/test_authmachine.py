import shutil
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.examples.stage import EXAMPLES, ORIGIN, OTHER, run

from signon.service import revoked


@pytest.fixture
def stage(stage_of):
    return stage_of("authmachine", origins=(ORIGIN, OTHER))


@pytest.fixture
def visitor(stage):
    """Somebody who has signed in, as mara.k."""
    visitor = stage.visitor()
    assert "Logged in as" in stage.sign_in(visitor).text
    return visitor


@pytest.fixture(autouse=True)
def _always_asked(monkeypatch):
    """A page right after a sign-in doesn't ask whether the tokens were revoked: here each does."""
    monkeypatch.setattr(revoked, "NEW_SECONDS", 0.0)


def query(location: str) -> dict[str, str]:
    return {name: one for name, (one,) in parse_qs(urlsplit(location).query).items()}


def test_home_page_of_nobody(stage):
    """Who has not signed in is offered to log in and to sign up."""
    page = stage.visitor().get(f"{ORIGIN}/")
    assert page.status_code == 200
    assert 'href="/login"' in page.text
    assert 'href="/signup"' in page.text


def test_login_asks_as_the_document_does(stage):
    """`/login` must ask for the document's scope and permissions, and an answer to `/oidc-callback`; its state and
    nonce are new each time, where the document's state is a constant.
    """
    first, second = (
        query(stage.visitor().get(f"{ORIGIN}/login", stop_at=stage.idp.issuer).headers["Location"])
        for _ in range(2)
    )
    assert first["redirect_uri"] == f"{ORIGIN}/oidc-callback"
    assert first["scope"] == "openid profile email"
    assert first["claims"] == '{"authmachine_permissions":["billing"]}'
    assert {first[name] for name in ("state", "nonce")}.isdisjoint({second[name] for name in ("state", "nonce")})


def test_page_shows_who_has_signed_in(visitor):
    """The page must name the person, and what they may do with what the sign-in asked about."""
    page = visitor.get(f"{ORIGIN}/").text
    for text in ("mara.k", "mara.k@people.example", "<code>billing</code>", "view, edit"):
        assert text in page, text
    assert "your account is new" not in page


@pytest.mark.parametrize(("persona", "status"), [("mara.k", 200), ("wichai", 200), ("ola", 403), ("pat", 403)])
def test_page_that_needs_a_permission(stage, persona, status):
    """Only who may edit billing gets that page."""
    visitor = stage.visitor()
    stage.sign_in(visitor, persona)
    assert visitor.get(f"{ORIGIN}/billing").status_code == status


def test_permission_that_was_not_asked_for(stage_of):
    """Without AUTHMACHINE_PERMISSIONS the page goes by the permissions API, which the document's own code never
    asks.
    """
    stage = stage_of("authmachine", AUTHMACHINE_PERMISSIONS="")
    for persona, status in (("mara.k", 200), ("pat", 403)):
        visitor = stage.visitor()
        stage.sign_in(visitor, persona)
        assert visitor.get(f"{ORIGIN}/billing").status_code == status


def test_permissions_of_now(stage, visitor):
    """The permissions page has what the API says of all objects, and of superusers that they are."""
    page = visitor.get(f"{ORIGIN}/permissions").text
    assert "warehouse-7" in page
    assert "superuser" not in page
    visitor = stage.visitor()
    stage.sign_in(visitor, "wichai")
    assert "you are a superuser" in visitor.get(f"{ORIGIN}/permissions").text


def test_permissions_of_one_sign_in(stage, visitor):
    """The page asks about one more object by a sign-in of its own, which the person does not notice; the next one
    asks as usual.
    """
    asked = visitor.get(f"{ORIGIN}/ask", stop_at=stage.idp.issuer)
    assert query(asked.headers["Location"])["claims"] == '{"authmachine_permissions":["billing","warehouse-7"]}'
    page = visitor.get(asked.headers["Location"])
    assert page.url == f"{ORIGIN}/"
    assert "<code>warehouse-7</code></th><td>view</td>" in page.text
    assert "Ask about warehouse-7" not in page.text
    assert "warehouse-7</code>" not in visitor.get(f"{ORIGIN}/login").text


def test_sign_up_welcomes(stage):
    """Who comes back from a sign-up is welcomed, by AuthMachine's echo; who signs in later isn't."""
    visitor = stage.visitor()
    page = stage.sign_in(visitor, "pat", at=f"{ORIGIN}/signup")
    assert "your account is new" in page.text
    visitor = stage.visitor()
    assert "your account is new" not in stage.sign_in(visitor, "pat").text


def test_logout_as_the_document_does(stage, visitor):
    """The session ends here first; then AuthMachine is asked to revoke the tokens, and sends people back to
    `/oidc-logout-callback`, which leads home.
    """
    (name,) = visitor.sessions()
    cookie = visitor.cookies[name]
    asked = stage.sign_out(visitor, stop_at="/oidc/end-session")
    assert not visitor.sessions()
    party = stage.app.extensions["signon"].party
    assert party.sessions.load(cookie, now=time.time()) is None
    sent = query(asked.headers["Location"])
    assert sent["revoke_tokens"] == "1"
    assert sent["scope"] == "openid profile email"
    assert sent["post_logout_redirect_uri"] == f"{ORIGIN}/oidc-logout-callback"
    page = visitor.get(f"{ORIGIN}/oidc-logout-callback?state=some-state")
    assert (page.url, page.status_code) == (f"{ORIGIN}/", 200)


def test_two_applications(stage, visitor):
    """Who is signed in at one application gets into the other without being asked again; who signs out of one is
    out of the other at its next page.
    """
    page = visitor.get(f"{OTHER}/login")
    assert page.url == f"{OTHER}/"
    assert "Logged in as" in page.text
    page = stage.sign_out(visitor)
    if "signed_out" not in page.url and page.url != f"{ORIGIN}/":  # AuthMachine asks whether that is meant
        visitor.submit(page)
    assert "Log In" in visitor.get(f"{ORIGIN}/").text
    assert "Log In" in visitor.get(f"{OTHER}/").text


def test_revoked_tokens_are_seen_on_the_next_page(stage, visitor):
    """Each page asks whether the tokens were revoked: where they were, nobody is signed in on it any more."""
    own = stage.session(visitor).tokens.access_token.reveal()
    before = stage.idp.calls["token"]
    assert "Logged in as" in visitor.get(f"{ORIGIN}/").text
    assert stage.idp.calls["token"] == before + 1
    stage.idp.state.tokens.get(own).revoked = True
    assert "Log In" in visitor.get(f"{ORIGIN}/").text


@pytest.mark.parametrize("slash", ["", "/"])
def test_settings_from_dot_env(stage_of, tmp_path, slash):
    """The document's `.env` is enough, with or without a slash after the address."""
    folder = shutil.copytree(EXAMPLES / "authmachine", tmp_path / "am", ignore=shutil.ignore_patterns("instance"))
    stage = stage_of("authmachine", folder=folder)
    text = (folder / ".env").read_text()
    (folder / ".env").write_text(text.replace(f"={stage.idp.issuer}\n", f"={stage.idp.issuer}{slash}\n"))
    assert f"AUTHMACHINE_URL={stage.idp.issuer}{slash}\n" in (folder / ".env").read_text()
    assert "Logged in as" in stage.sign_in(stage.visitor()).text


def test_dot_env_example(stage_of, tmp_path):
    """`.env.example` has every name that its documents' files have, and one for what stands in their code; copied
    as it is, it leaves the example at its practice provider.
    """
    lines = (EXAMPLES / "authmachine" / ".env.example").read_text().splitlines()
    found = dict(line.split("=") for line in lines if not line.startswith("#"))
    names = ("URL", "CLIENT_ID", "CLIENT_SECRET", "API_TOKEN", "SCOPE", "PERMISSIONS")
    assert set(found) == {f"AUTHMACHINE_{name}" for name in names}
    assert found["AUTHMACHINE_CLIENT_ID"] == ""
    folder = shutil.copytree(EXAMPLES / "authmachine", tmp_path / "am", ignore=shutil.ignore_patterns("instance"))
    shutil.copy(folder / ".env.example", folder / ".env")
    settings = run.settings("authmachine", stage_of("authmachine").idp, origin=ORIGIN)
    assert run.load("authmachine", settings, folder=folder).extensions["signon"].party.providers["authmachine"]


@pytest.mark.parametrize("token", ["", "a-token-of-the-api"])
def test_without_an_api_token_no_page_needs_one(stage_of, token):
    """The page that asks the permissions API is offered only where there is a token for that."""
    stage = stage_of("authmachine", AUTHMACHINE_API_TOKEN=token)
    assert ('href="/permissions"' in stage.sign_in(stage.visitor()).text) == bool(token)
