import re
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest


def end(walk, **parameters):
    return walk.http.get("/end-session", query_string=parameters)


def test_hint_signs_out_at_once(walk, helpers):
    """A valid hint signs out and sends back with the state; the next sign-in asks again."""
    token = walk.tokens()["id_token"]
    response = end(walk, id_token_hint=token, post_logout_redirect_uri=helpers.AFTER_LOGOUT, state="a b")
    assert response.status_code == 303
    assert response.headers["Location"] == f"{helpers.AFTER_LOGOUT}?state=a+b"
    assert walk.authorize().status_code == 200


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
def test_expired_hint_is_good(idp, clock, helpers, alg):
    """An expired ID token is a good hint (RP-Initiated Logout 4), whatever signed it."""
    walk = helpers.Walk(idp, idp.register(replace(helpers.DEMO, id_token_signed_response_alg=alg)))
    token = walk.tokens()["id_token"]
    clock.time += 7200
    response = end(walk, id_token_hint=token, post_logout_redirect_uri=helpers.AFTER_LOGOUT)
    assert response.headers["Location"] == helpers.AFTER_LOGOUT


def test_hint_of_a_rotated_key_is_good(walk, helpers):
    """A hint signed before the keys rotated still counts."""
    token = walk.tokens()["id_token"]
    walk.idp.rotate_keys()
    assert end(walk, id_token_hint=token).status_code == 200
    assert walk.authorize().status_code == 200


def test_hint_without_address_ends_on_a_page(walk):
    """Without an address to go to there is a page."""
    response = end(walk, id_token_hint=walk.tokens()["id_token"])
    assert (response.status_code, "You are signed out" in response.text) == (200, True)


def test_posted_hint_works_without_the_cookie(walk, helpers):
    """A cross-site POST brings no Lax cookie; the hint's sid ends the browser's session all the same."""
    token = walk.tokens()["id_token"]
    stranger = walk.idp.app.test_client()
    fields = {"id_token_hint": token, "post_logout_redirect_uri": helpers.AFTER_LOGOUT}
    response = stranger.post("/end-session", data=fields)
    assert response.headers["Location"] == helpers.AFTER_LOGOUT
    assert "Set-Cookie" not in response.headers
    assert walk.authorize().status_code == 200


def test_post_without_hint_comes_back_as_get(walk):
    """A POST without a good hint is asked again by GET, which brings the cookie."""
    walk.sign_in()
    response = walk.http.post("/end-session", data={"client_id": "demo", "id_token_hint": "nonsense"})
    assert response.status_code == 303
    assert response.headers["Location"] == f"{walk.idp.issuer}/end-session?client_id=demo"


@pytest.mark.parametrize("hint", [None, "nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_no_good_hint_asks(walk, helpers, hint):
    """Without a good hint nobody is signed out before they confirm; then they go where the client registered."""
    walk.sign_in()
    page = end(
        walk,
        **({"id_token_hint": hint} if hint else {}),
        client_id="demo",
        post_logout_redirect_uri=helpers.AFTER_LOGOUT,
        state="s",
    )
    assert "Sign out here?" in page.text
    assert walk.authorize().status_code == 303
    assert walk.submit(page).headers["Location"] == f"{helpers.AFTER_LOGOUT}?state=s"
    assert walk.authorize().status_code == 200


def test_hint_about_somebody_else_asks(walk):
    """A hint about another person than the one signed in asks first."""
    token = walk.tokens("mei")["id_token"]
    walk.sign_in("omar", prompt="login")
    assert "Omar Haddad" in end(walk, id_token_hint=token).text
    assert walk.authorize().status_code == 303


@pytest.mark.parametrize(
    "fault",
    ["id_token_array", "id_token_not_json", "id_token_wrong_iss", "id_token_no_sub", "id_token_aud_number"],
)
def test_spoilt_tokens_are_no_hint(walk, fault):
    """A token that a fault spoilt, signed though it is, is no hint."""
    with walk.idp.fault(fault):
        token = walk.tokens()["id_token"]
    assert "Sign out here?" in end(walk, id_token_hint=token).text


def test_unregistered_address_gets_a_page(walk, helpers):
    """An address that is not registered is never redirected to, and nobody is signed out for it."""
    token = walk.tokens()["id_token"]
    response = end(walk, id_token_hint=token, post_logout_redirect_uri=helpers.AFTER_LOGOUT + "/")
    assert (response.status_code, "redirect_uri_mismatch" in response.text) == (400, True)
    assert walk.authorize().status_code == 303


def test_address_without_a_client_is_left_out(walk, helpers):
    """Without a client to check it against, the address is not used."""
    page = end(walk, post_logout_redirect_uri="http://evil.example/")
    assert "You are signed out" in walk.submit(page).text


def test_contradictions(walk):
    """A client_id that isn't the hint's audience, and repeated parameters, get an error page."""
    token = walk.tokens()["id_token"]
    assert "client_mismatch" in end(walk, id_token_hint=token, client_id="other").text
    response = walk.http.get("/end-session?state=a&state=b")
    assert (response.status_code, "invalid_request" in response.text) == (400, True)


def test_confirmation_belongs_to_the_browser(walk, helpers):
    """The confirmation can't be sent from another browser, nor without its token."""
    walk.sign_in()
    page = end(walk)
    assert "form_of_other_browser" in helpers.Walk(walk.idp).submit(page).text
    assert "form_of_other_browser" in walk.submit(page, form_token="").text
    assert walk.authorize().status_code == 303


def test_nobody_signed_in(walk):
    """The page says so when nobody is signed in, and goes on to the end."""
    page = end(walk)
    assert "Nobody is signed in" in page.text
    assert "You are signed out" in walk.submit(page).text


def test_clients_are_told_in_the_background(walk, helpers, httpserver):
    """A sign-out sends each client of the session its logout token, also when the client says no."""
    httpserver.expect_request("/out", method="POST").respond_with_json({"error": "invalid_request"}, status=400)
    walk.idp.register(replace(helpers.DEMO, backchannel_logout_uri=httpserver.url_for("/out")))
    token = walk.tokens()["id_token"]
    response = end(walk, id_token_hint=token, post_logout_redirect_uri=helpers.AFTER_LOGOUT)
    assert response.headers["Location"] == helpers.AFTER_LOGOUT
    (done,) = walk.idp.wait_for_logouts()
    assert (done.client_id, done.status, done.error) == ("demo", 400, "invalid_request")
    walk.idp.stop()


FRAME = "http://localhost:5000/auth/frontchannel-logout/oidc"


@pytest.fixture
def framed(walk, helpers):
    """A browser signed in at a client with a front-channel address, and that client's ID token."""

    def framed(**changes) -> str:
        walk.client = walk.idp.register(replace(helpers.DEMO, frontchannel_logout_uri=FRAME, **changes))
        return walk.tokens()["id_token"]

    return framed


def frames_in(text: str) -> list[str]:
    return [unescape(source) for source in re.findall(r'<iframe hidden src="([^"]*)"', text)]


def policy_of(response) -> dict[str, str]:
    parts = response.headers["Content-Security-Policy"].split(";")
    return dict(part.strip().split(" ", 1) for part in parts)


def test_frames_before_going_on(walk, helpers, framed):
    """The signed-out page frames the client's address and no other, then leads to the address asked for."""
    token = framed()
    page = end(walk, id_token_hint=token, post_logout_redirect_uri=helpers.AFTER_LOGOUT, state="a b")
    assert page.status_code == 200
    assert frames_in(page.text) == [FRAME]
    assert policy_of(page)["frame-src"] == FRAME
    assert policy_of(page)["frame-ancestors"] == "'none'"
    assert f'href="{helpers.AFTER_LOGOUT}?state=a+b"' in page.text
    (nonce,) = re.findall(r'<script nonce="([^"]+)">', page.text)
    assert f"'nonce-{nonce}'" in policy_of(page)["script-src"]
    assert "setTimeout(goOn, 2000)" in page.text
    assert walk.authorize().status_code == 200, "the session has ended"


def test_frames_name_the_session_where_required(walk, helpers, framed):
    """A client that requires it gets issuer and session, both (section 2); the policy has no query in it."""
    token = framed(frontchannel_logout_session_required=True)
    sid = helpers.claims_of(token)["sid"]
    page = end(walk, id_token_hint=token, post_logout_redirect_uri=helpers.AFTER_LOGOUT)
    (frame,) = frames_in(page.text)
    assert parse_qsl(urlsplit(frame).query) == [("iss", walk.idp.issuer), ("sid", sid)]
    assert policy_of(page)["frame-src"] == FRAME


def test_frames_without_an_address(walk, framed):
    """Without an address to go to the page stays, frames the client, and has no script."""
    page = end(walk, id_token_hint=framed())
    assert frames_in(page.text) == [FRAME]
    assert "<script" not in page.text
    assert 'id="go-on"' not in page.text


def test_frames_after_the_question(walk, helpers, framed):
    """Whoever was asked first sees the same frames after the answer."""
    framed()
    question = end(walk, client_id="demo", post_logout_redirect_uri=helpers.AFTER_LOGOUT, ui_locales="th")
    assert not frames_in(question.text)
    assert "frame-src" not in policy_of(question)
    page = walk.submit(question)
    assert frames_in(page.text) == [FRAME]
    assert '<html lang="th">' in page.text


def test_frames_are_for_clients_of_the_session(walk, helpers, framed):
    """Without a session that ended, or with clients of another, nobody is framed and the redirect is plain."""
    token = framed()
    end(walk, id_token_hint=token)
    again = end(walk, id_token_hint=token, post_logout_redirect_uri=helpers.AFTER_LOGOUT)
    assert again.headers["Location"] == helpers.AFTER_LOGOUT


def test_odd_addresses_cannot_change_the_policy(walk, helpers):
    """Commas and semicolons of a registered address don't end the policy's directive."""
    odd = "http://localhost:5000/a;script-src *,b?c=1"
    walk.client = walk.idp.register(replace(helpers.DEMO, frontchannel_logout_uri=odd))
    page = end(walk, id_token_hint=walk.tokens()["id_token"])
    assert policy_of(page)["frame-src"] == "http://localhost:5000/a%3Bscript-src%20*%2Cb"
    assert policy_of(page)["script-src"].startswith("'nonce-")
