def test_scheme_is_case_insensitive(walk):
    """The scheme's case doesn't matter, the token's does (RFC 6750 2.1, RFC 9110 11.1)."""
    token = walk.tokens()["access_token"]
    assert walk.http.get("/userinfo", headers={"Authorization": f"BEARER {token}"}).status_code == 200
    assert walk.userinfo(token.swapcase()).status_code == 401


def test_tokens_of_an_ended_grant(walk):
    """A token of an ended grant is invalid_token."""
    tokens = walk.tokens()
    walk.http.post("/revoke", data={"token": tokens["refresh_token"]}, auth=("demo", walk.client.client_secret))
    response = walk.userinfo(tokens["access_token"])
    assert (response.status_code, response.json["error"]) == (401, "invalid_token")
