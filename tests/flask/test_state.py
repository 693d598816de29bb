import pytest
from flask import Flask
from tests.flask.double import HTTPS, LOCAL

from signon.flask.state import application, memo, site, state


def test_state_is_the_applications(make_app, make_provider):
    """The state must be that of the application at hand, its only provider known only where it is one."""
    one = make_app()
    two = make_app({"providers": [make_provider(), make_provider("other", "https://other.example")]})
    with one.app_context():
        assert state().only_provider.name == "oidc"
        assert state().callback_paths == {"oidc": "/auth/callback/oidc"}
        assert state().logout_callback_paths == {"oidc": "/auth/logout/callback/oidc"}
        assert application() is one
    with two.app_context():
        assert state().only_provider is None
        assert list(state().party.providers) == ["oidc", "other"]


def test_application_without_sign_on_is_told():
    """Without a SignOn the error must say how to get one."""
    with Flask("bare").app_context(), pytest.raises(RuntimeError, match=r"SignOn\(app\)"):
        state()


def test_memo_is_one_requests_own(app):
    """What one request has found out must be there for it alone, in one application context or two."""
    with app.app_context():
        with app.test_request_context("/"):
            memo()["provider"] = "oidc"
            assert memo() == {"provider": "oidc"}
        with app.test_request_context("/"):
            assert memo() == {}


def test_address_is_worked_out_once(make_app, monkeypatch):
    """In one request the address is worked out once."""
    with make_app(SIGNON_BASE_URL=HTTPS).test_request_context("/", base_url=LOCAL):
        assert site().base_url == HTTPS
        monkeypatch.setattr("signon.flask.state.find_site", None)
        assert site().base_url == HTTPS
