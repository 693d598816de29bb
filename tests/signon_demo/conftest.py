"""The demo application with a provider that nobody asks: sessions are given by `sign_in`."""

import pytest

from signon.providers import from_names
from signon_demo.app import create_app

ADDRESS = "http://localhost:5000"
SETTINGS = {
    "OIDC_ISSUER": "https://op.example",
    "OIDC_CLIENT_ID": "demo",
    "OIDC_CLIENT_SECRET": "a-secret-that-must-not-show",
    "STAFF_ISSUER": "https://staff.example",
    "STAFF_CLIENT_ID": "demo",
}


@pytest.fixture
def app():
    return create_app(from_names("oidc staff", settings=SETTINGS), base_url=ADDRESS)


@pytest.fixture
def client(app):
    return app.test_client()
