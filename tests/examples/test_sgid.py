import json
import re
import secrets
import shutil
import time
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import time_machine
from tests.examples.stage import EXAMPLES, Stage, run
from tests.journeys.visitor import Visitor

from signon.core.errors import ProviderUnavailable, StoreUnavailable
from signon_idp.dialects.sgid import SCOPES

BACKEND, FRONTEND = "http://localhost:5001", "http://localhost:5173"
OFFICER = "openid myinfo.name pocdex.public_officer_details"
AT_THE_SERVER = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}
BY_THE_FRONTEND = {**AT_THE_SERVER, "Origin": FRONTEND, "Sec-Fetch-Site": "same-site"}
"""What a browser sends with the public frontend's calls: `fetch` with credentials, and no header of its own."""


class Frontend:
    """The public frontend in a browser: it asks as that asks, and reads answers without a look at their status."""

    def __init__(self, stage: Stage) -> None:
        pages = run.pages(EXAMPLES / "sgid" / "frontend", backend=BACKEND)
        self.stage = stage
        self.browser = Visitor(*stage.apps.items(), (stage.idp.base, stage.idp.app), (FRONTEND, pages))

    def ask(self, path: str, *, method: str = "GET", **headers: str):
        """The answer, which a page of the frontend's origin must be allowed to read, cookies and all."""
        sent = {**BY_THE_FRONTEND, **headers}
        response = self.browser.session.request(method, BACKEND + path, headers=sent, allow_redirects=False)
        assert response.headers["Access-Control-Allow-Origin"] == FRONTEND
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        return response

    def user(self):
        """What its hook takes for the user: whatever JSON there is, and null for anything else."""
        try:
            return self.ask("/api/userinfo").json()
        except json.JSONDecodeError:
            return None

    def address(self, flavour: str = "Vanilla") -> str:
        return self.ask(f"/api/auth-url?icecream={quote(flavour)}").json()["url"]

    def sign_in(self, flavour: str = "Vanilla", *, persona: str = "meilin"):
        page = self.browser.get(self.address(flavour))
        return self.browser.submit(page, persona=persona)

    def answer(self, address: str, *, persona: str = "meilin") -> str:
        """The address that sgID sends the browser back to."""
        sent = self.browser.submit(self.browser.get(address), persona=persona, stop_at="/api/redirect")
        return sent.headers["Location"]


DAY = 86_400


@pytest.fixture
def stage(stage_of):
    return stage_of("sgid", origins=(BACKEND,), SGID_FRONTEND_HOST=FRONTEND, SGID_SCOPE="openid myinfo.name")


@pytest.fixture
def frontend(stage):
    return Frontend(stage)


def test_public_frontends_calls_in_their_order(frontend):
    """Nobody, then the button, sgID, the table, and out: each call of the public frontend gets what it expects."""
    assert frontend.user() is None
    address = frontend.address("Chocolate")
    assert address.startswith(f"{frontend.stage.idp.issuer}/oauth/authorize?")
    page = frontend.browser.submit(frontend.browser.get(address), persona="meilin")
    assert (page.url, page.status_code) == (f"{FRONTEND}/logged-in", 200)
    user = frontend.user()
    assert user == {"sub": user["sub"], "data": {"myinfo.name": "TAN MEI LIN", "iceCream": "Chocolate"}}
    assert re.fullmatch("u=[0-9a-f-]{36}", user["sub"])
    assert frontend.user() == user
    assert frontend.ask("/api/logout").status_code == 200
    assert frontend.user() is None


def test_calls_behind_one_host(stage_of):
    """Behind a reverse proxy, as the document advises, a GET of the frontend's names no origin, since it has the
    backend's: it must be answered all the same.
    """
    stage = stage_of("sgid", origins=(BACKEND,), SGID_FRONTEND_HOST=BACKEND, SGID_SCOPE="openid myinfo.name")
    browser = Visitor(*stage.apps.items(), (stage.idp.base, stage.idp.app))

    def ask(path: str):
        sent = {**AT_THE_SERVER, "Sec-Fetch-Site": "same-origin"}
        return browser.session.get(BACKEND + path, headers=sent, allow_redirects=False)

    assert (ask("/api/userinfo").status_code, ask("/api/userinfo").json()) == (401, None)
    page = browser.get(ask("/api/auth-url?icecream=Vanilla").json()["url"])
    sent = browser.submit(page, persona="meilin", stop_at="/api/redirect")
    assert browser.session.get(sent.headers["Location"], allow_redirects=False).status_code == 303
    assert ask("/api/userinfo").json()["data"] == {"myinfo.name": "TAN MEI LIN", "iceCream": "Vanilla"}
    assert ask("/api/logout").status_code == 200
    assert ask("/api/userinfo").status_code == 401


def test_asks_as_the_document_does(frontend):
    """The address must have the document's scope and callback, PKCE, and a state that is new and says nothing."""
    first, second = (parse_qs(urlsplit(frontend.address("Strawberry")).query) for _ in range(2))
    assert first["scope"] == ["openid myinfo.name"]
    assert first["redirect_uri"] == [f"{BACKEND}/api/redirect"]
    assert first["code_challenge_method"] == ["S256"]
    assert "Strawberry" not in str(first)
    assert first["state"] != second["state"]
    assert first["nonce"] != second["nonce"]


def test_nobody_is_no_object(frontend):
    """To nobody userinfo answers 401 with the JSON null, since the frontend takes any object for a person."""
    response = frontend.ask("/api/userinfo")
    assert (response.status_code, response.json()) == (401, None)
    assert response.headers["Cache-Control"] == "private, no-store"


def test_store_that_fails_is_no_object(frontend, monkeypatch):
    """Neither is a store that does not answer; the person is still there when it does."""
    frontend.sign_in()
    sessions = frontend.stage.apps[BACKEND].extensions["signon"].party.sessions

    def down(*_rest, **_more):
        raise StoreUnavailable("store_unavailable", "the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(sessions), "load", down)
        response = frontend.ask("/api/userinfo")
    assert (response.status_code, response.json()) == (503, None)
    assert frontend.user()["data"]["myinfo.name"] == "TAN MEI LIN"


def test_logout_of_nobody(frontend):
    """A sign-out without a session is answered like any other, where the document's code fails."""
    assert frontend.ask("/api/logout").status_code == 200


def test_session_that_is_over(frontend):
    """When a session's time is up nobody is signed in, and the next sign-in works."""
    frontend.sign_in()
    with time_machine.travel(time.time() + 2 * DAY, tick=False):
        response = frontend.ask("/api/userinfo")
        assert (response.status_code, response.json()) == (401, None)
    frontend.sign_in("Chocolate")
    assert frontend.user()["data"]["iceCream"] == "Chocolate"


def test_cookie_from_before_logout_is_dead(frontend):
    """Whoever has copied the session's cookie has nothing after the sign-out."""
    frontend.sign_in()
    copy = frontend.browser.cookies
    frontend.ask("/api/logout")
    frontend.browser.session.cookies.update(copy)
    assert frontend.user() is None


@pytest.mark.parametrize("flavour", ["Vanilla", "รสวานิลลา" * 40, "a&b=c #?", ""])
def test_choice_survives_the_sign_in(frontend, flavour):
    """Whatever was chosen comes back with whoever signs in, as it was."""
    frontend.sign_in(flavour)
    assert frontend.user()["data"]["iceCream"] == flavour


@pytest.mark.parametrize(("scope", "length"), [("openid myinfo.name", 400), (" ".join(SCOPES), 150)])
def test_longest_choice(stage_of, caplog, scope, length):
    """A choice of hundreds of characters comes back, and of 150 with every scope there is; what the cookie of the
    sign-in has no room for is refused before anything starts.
    """
    stage = stage_of("sgid", origins=(BACKEND,), SGID_FRONTEND_HOST=FRONTEND, SGID_SCOPE=scope)
    frontend, flavour = Frontend(stage), secrets.token_urlsafe(length)[:length]
    frontend.sign_in(flavour)
    assert frontend.user()["data"]["iceCream"] == flavour
    refused = frontend.ask(f"/api/auth-url?icecream={secrets.token_urlsafe(1000)}")
    assert (refused.status_code, refused.json()) == (400, None)
    assert not frontend.browser.transactions()
    assert "kept_too_large" in caplog.text


def test_start_that_fails_is_no_object(frontend, monkeypatch):
    """Where a sign-in can't start the frontend must get no object: it would go to the address `undefined`."""

    def away(*_rest, **_more):
        raise ProviderUnavailable("metadata_timeout", "sgID does not answer")

    monkeypatch.setattr("signon.flask.begin.start_login", away)
    response = frontend.ask("/api/auth-url?icecream=Vanilla")
    assert (response.status_code, response.json()) == (503, None)


def test_each_sign_in_has_its_own_choice(frontend):
    """Of two sign-ins under way in one browser each comes back with its own choice."""
    first, second = frontend.address("Chocolate"), frontend.address("Strawberry")
    for address, flavour in ((first, "Chocolate"), (second, "Strawberry")):
        frontend.browser.submit(frontend.browser.get(address), persona="meilin")
        assert frontend.user()["data"]["iceCream"] == flavour


def test_choice_is_the_browsers_own(frontend):
    """No link or sign-in's address with a choice gives anybody one; the next person does not inherit one."""
    for path in (
        "/auth/login/sgid?keep=iceCream&icecream=Chocolate",
        "/auth/login/sgid?next=/%3Ficecream=Chocolate",
    ):
        page = frontend.browser.get(BACKEND + path)
        frontend.browser.submit(page, persona="lakshmi")
        assert frontend.user()["data"] == {"myinfo.name": "LAKSHMI D/O KUMAR", "iceCream": None}
    frontend.sign_in("Chocolate")
    frontend.browser.get(f"{BACKEND}/?icecream=Strawberry")
    assert frontend.user()["data"]["iceCream"] == "Chocolate"
    frontend.ask("/api/logout")
    page = frontend.browser.get(f"{BACKEND}/auth/login/sgid")
    frontend.browser.submit(page, persona="lakshmi")
    assert frontend.user()["data"]["iceCream"] is None


def test_answer_in_another_browser(frontend):
    """An answer that another browser has begun leads to the error page, and signs nobody in."""
    answer = frontend.answer(frontend.address())
    victim = Frontend(frontend.stage)
    assert victim.browser.get(answer).url.startswith(f"{FRONTEND}/error")
    assert victim.user() is None


def test_answer_used_twice(frontend):
    """A second use of an answer leads to the error page; whoever is signed in stays so."""
    answer = frontend.answer(frontend.address())
    assert frontend.browser.get(answer).url == f"{FRONTEND}/logged-in"
    assert frontend.browser.get(answer).url.startswith(f"{FRONTEND}/error")
    assert frontend.user()["data"]["myinfo.name"] == "TAN MEI LIN"


def test_cancelled_at_sgid(frontend):
    """Who cancels gets to the error page, which is told that; only a word of the standard's, and never HTML."""
    state = parse_qs(urlsplit(frontend.address()).query)["state"][0]
    page = frontend.browser.get(f"{BACKEND}/api/redirect?error=access_denied&state={state}")
    assert page.url == f"{FRONTEND}/error?reason=access_denied"
    assert not frontend.browser.transactions()
    page = frontend.browser.get(f"{BACKEND}/api/redirect?error=%0D%0Ax%26reason=y%23", stop_at=FRONTEND)
    assert page.headers["Location"] == f"{FRONTEND}/error?reason=%0D%0Ax%26reason%3Dy%23"


def test_provider_that_refuses(frontend):
    """A code that sgID refuses leads to the error page as well, where the document's code answers 500."""
    answer = frontend.answer(frontend.address())
    shown = frontend.browser.get(answer.replace("code=", "code=x"))
    assert shown.url.startswith(f"{FRONTEND}/error")
    assert frontend.user() is None


def test_answer_while_the_store_is_away(frontend, monkeypatch):
    """An answer that can't be used just now is told to wait, not sent to the error page: a reload signs in."""
    answer = frontend.answer(frontend.address("Chocolate"))
    sessions = frontend.stage.apps[BACKEND].extensions["signon"].party.sessions

    def down(*_rest, **_more):
        raise StoreUnavailable("store_unavailable", "the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(sessions), "claim_state", down)
        page = frontend.browser.get(answer)
    assert (page.status_code, page.url) == (503, answer)
    assert frontend.browser.get(answer).url == f"{FRONTEND}/logged-in"
    assert frontend.user()["data"]["iceCream"] == "Chocolate"


def test_frontends_address_with_a_slash(stage_of):
    """`SGID_FRONTEND_HOST` may end with a slash, which no origin has."""
    stage = stage_of("sgid", origins=(BACKEND,), SGID_FRONTEND_HOST=f"{FRONTEND}/")
    frontend = Frontend(stage)
    assert frontend.sign_in().url == f"{FRONTEND}/logged-in"
    assert frontend.user()["data"]["iceCream"] == "Vanilla"


def test_choice_of_an_employer(stage_of):
    """Who has several posts chooses one of theirs, by a script that may; who has none is not asked."""
    stage = stage_of("sgid", origins=(BACKEND,), SGID_FRONTEND_HOST=FRONTEND, SGID_SCOPE=OFFICER)
    frontend = Frontend(stage)
    assert frontend.ask("/api/employment/0", method="POST", **{"X-CSRF": "1"}).status_code == 404
    frontend.sign_in("Chocolate", persona="hafiz")
    user = frontend.user()
    assert [post["agency_name"] for post in user["employments"]] == ["Agency One", "Agency Two", "Agency Three"]
    assert user["employment"] is None
    assert frontend.ask("/api/employment/1", method="POST").status_code == 403
    assert frontend.ask("/api/employment/3", method="POST", **{"X-CSRF": "1"}).status_code == 404
    assert frontend.ask("/api/employment/1", method="POST", **{"X-CSRF": "1"}).json() == {"employment": 1}
    assert frontend.user()["employment"] == 1
    assert frontend.user()["data"]["iceCream"] == "Chocolate"
    frontend.sign_in(persona="lakshmi")
    assert "employments" not in frontend.user()


@pytest.mark.parametrize(
    "origin", ["http://localhost:5174", "https://localhost:5173", "http://evil.example", "null"]
)
@pytest.mark.parametrize("path", ["/api/auth-url?icecream=x", "/api/userinfo", "/api/logout", "/api/employment/0"])
def test_origin_that_is_not_listed(frontend, origin, path):
    """A page of any other origin can read nothing, start nothing and end nothing."""
    frontend.sign_in()
    before = frontend.browser.cookies
    method = "POST" if "employment" in path else "GET"
    headers = {**AT_THE_SERVER, "Origin": origin, "Sec-Fetch-Site": "same-site"}
    response = frontend.browser.session.request(method, BACKEND + path, headers=headers)
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers
    assert frontend.browser.cookies == before
    assert frontend.user() is not None


@pytest.mark.parametrize("path", ["/api/auth-url", "/api/userinfo", "/api/logout"])
def test_navigation_and_image_do_nothing(frontend, path):
    """A link or an image of another page, which says no origin, signs nobody in or out."""
    frontend.sign_in()
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert frontend.browser.session.get(BACKEND + path, headers=headers).status_code == 403
    assert frontend.user() is not None


def test_settings_from_dot_env(stage_of, tmp_path):
    """The document's `.env` is enough, with the private key on one line."""
    folder = shutil.copytree(EXAMPLES / "sgid", tmp_path / "sgid", ignore=shutil.ignore_patterns("instance"))
    stage = stage_of("sgid", origins=(BACKEND,), folder=folder)
    assert "SGID_PRIVATE_KEY=-----BEGIN" in (folder / ".env").read_text()
    frontend = Frontend(stage)
    frontend.sign_in()
    assert frontend.user()["data"]["myinfo.name"] == "TAN MEI LIN"


def test_dot_env_example_has_the_documents_names():
    """Whoever copies `.env.example` has every name of the document's file in it."""
    lines = (EXAMPLES / "sgid" / ".env.example").read_text().splitlines()
    assert [line.partition("=")[0] for line in lines] == [
        f"SGID_{name}" for name in ("CLIENT_ID", "CLIENT_SECRET", "PRIVATE_KEY")
    ]
