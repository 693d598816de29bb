import pytest


@pytest.mark.parametrize("value", ["short", "x" * 44, "é" * 43, "a b" * 20])
def test_cookie_of_another_shape_is_replaced(walk, value):
    """A cookie that is none of ours is not taken over: the browser gets a fresh one."""
    walk.http.set_cookie("signon-idp-oidc-9000", value)
    walk.authorize()
    assert len(walk.http.get_cookie("signon-idp-oidc-9000").value) == 43


def test_cookie_is_set_once(walk):
    """A browser that sends its cookie isn't sent it again."""
    assert "Set-Cookie" in walk.authorize().headers
    assert "Set-Cookie" not in walk.authorize().headers


def test_nothing_is_kept_before_sign_in(walk):
    """A flood of requests before sign-in costs no memory."""
    for _ in range(50):
        walk.idp.app.test_client().get("/authorize", query_string=walk.parameters())
    assert len(walk.idp.state.sessions) == 0


def test_other_browsers_stay_signed_in(walk, helpers):
    """Ending one browser's session leaves the same person's other browser alone."""
    other = helpers.Walk(walk.idp)
    other.sign_in()
    token = walk.tokens()["id_token"]
    walk.http.get("/end-session", query_string={"id_token_hint": token})
    assert walk.authorize().status_code == 200
    assert other.authorize().status_code == 303
