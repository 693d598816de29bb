from signon_idp.demo import demo_client


def test_demo_client():
    """The demo client has the addresses of an application on its usual port, for each dialect."""
    client = demo_client("sgid")
    assert client.redirect_uris == ("http://localhost:5000/auth/callback/sgid",)
    assert client.post_logout_redirect_uris == ("http://localhost:5000/auth/logout/callback/sgid",)
    assert len(client.client_secret) >= 32
