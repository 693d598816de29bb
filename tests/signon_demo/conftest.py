"""The demo application with a provider that nobody asks: sessions are given by `sign_in`."""

import pytest

from signon.core.errors import ProviderUnavailable
from signon.providers import from_names
from signon.runtime.cache import Runtime
from signon_demo.app import create_app
from signon_demo.practice import PRACTICES
from signon_demo.serve import serving

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


@pytest.fixture(scope="session")
def served():
    """The demo with all its practice providers, served once for all tests that only visit it."""
    with serving(PRACTICES, port=0, idp_port=0, environment={}) as running:
        yield running


@pytest.fixture
def nobody_answers(monkeypatch):
    """No provider can be asked for its metadata."""

    def away(*_arguments):
        raise ProviderUnavailable("metadata_unreachable", "nobody is there")

    monkeypatch.setattr(Runtime, "metadata", away)
