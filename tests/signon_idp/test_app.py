def test_unknown_address(walk):
    """An unknown address, the issuer's own too, is a page for a browser, which says where a sign-in begins, and
    JSON for a program.
    """
    for path in ("/nowhere", "/"):
        page = walk.http.get(path, headers={"Accept": "text/html"})
        assert (page.status_code, page.mimetype) == (404, "text/html")
        assert "a sign-in begins at an application" in page.text
    data = walk.http.get("/nowhere", headers={"Accept": "application/json"})
    assert (data.status_code, data.json["error"]) == (404, "invalid_request")


def test_large_forms_are_refused(walk):
    """A form over the limit is 413, unread."""
    response = walk.http.post("/token", data={"code": "x" * 200_000})
    assert response.status_code == 413


def test_dropped_answer_in_process(walk):
    """A dropped answer is a ConnectionResetError for whoever calls the application in-process."""
    import pytest

    code = walk.code()
    with walk.idp.fault("token_drop"), pytest.raises(ConnectionResetError, match="dropped on purpose"):
        walk.exchange(code)


def test_oauth_errors_are_json(walk):
    """A refused token request has error, description, no-store and, after Basic, a challenge (RFC 6749 5.2)."""
    response = walk.http.post("/token", data={"grant_type": "client_credentials"}, auth=("demo", "wrong"))
    assert (response.status_code, response.json["error"]) == (401, "invalid_client")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
