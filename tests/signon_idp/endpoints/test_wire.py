def test_empty_parameters_and_form_type(walk):
    """A form may name its charset; parameters without a value are absent (RFC 6749 3.2)."""
    response = walk.http.post(
        "/token",
        data="grant_type=client_credentials&scope=",
        content_type="application/x-www-form-urlencoded; charset=UTF-8",
        auth=("demo", walk.client.client_secret),
    )
    assert response.json["scope"] == "orders.read orders.write"


def test_redirects_are_303_and_uncached(walk):
    """Redirects are 303, so that no browser repeats a form at the application (RFC 9700 4.12)."""
    response = walk.sign_in()
    assert (response.status_code, response.headers["Cache-Control"]) == (303, "no-store")
