"""An application, a provider without a socket, and visitors. Every secret of every sign-in is planted."""

import os
import re

import pytest
from flask import Flask
from tests.flask.double import CLIENT_ID, CLIENT_SECRET, HTTPS, ISSUER, KEY, LOCAL, Op, Ops, Visitor

from signon.flask import SignOn, current_user, fresh_login_required, login_required, roles_required
from signon.providers import oidc

_SETTING = re.compile(r"(SIGNON|OIDC|STAFF|PARTNERS)_|SECRET_KEY")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in [name for name in os.environ if _SETTING.match(name)]:
        monkeypatch.delenv(name)


@pytest.fixture
def ops(monkeypatch, plant):
    """Every provider there is, by issuer."""
    plant(CLIENT_SECRET, KEY)
    found = Ops({ISSUER: Op(plant)})
    monkeypatch.setattr("signon.runtime.cache.transport_for", found.transport_for)
    return found


@pytest.fixture
def op(ops):
    """The usual provider."""
    return ops[ISSUER]


@pytest.fixture
def make_provider(ops, plant):
    """Describe a provider; one of another issuer is there, too."""

    def make(name="oidc", issuer=ISSUER, **given):
        ops.setdefault(issuer, Op(plant, issuer=issuer))
        usual = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "id_token_alg": "ES256"}
        return oidc(name=name, settings={}, issuer=issuer, **{**usual, **given})

    return make


@pytest.fixture
def make_app(make_provider, tmp_path):
    """Make an application with a few pages. `extension` are the arguments of SignOn, `settings` its settings."""

    def make(extension=None, **settings):
        app = Flask("tests_flask_application", instance_path=str(tmp_path / "instance"))
        app.config.update(SIGNON_SESSIONS="memory:", SIGNON_KEYS=KEY)
        app.config.update(settings)
        app.testing = True
        app.signon = SignOn(app, **{"providers": [make_provider()], **(extension or {})})
        _add_pages(app)
        return app

    return make


def _add_pages(app):
    app.add_url_rule("/", "home", lambda: "home")
    app.add_url_rule("/who", "who", lambda: current_user.name or "nobody")
    app.add_url_rule("/me", "me", login_required(lambda: f"me {current_user.name}"), methods=["GET", "POST"])
    app.add_url_rule("/recent", "recent", fresh_login_required(max_age_seconds=300)(lambda: "recent"))
    app.add_url_rule("/staff", "staff", roles_required("staff")(lambda: "staff"))
    app.add_url_rule("/tree/", "tree", lambda: "tree")
    app.add_url_rule("/wide/<path:rest>", "wide", login_required(lambda rest: rest))


@pytest.fixture
def app(make_app):
    """The usual application: on this machine, with one provider."""
    return make_app()


@pytest.fixture
def visitor(app, op):
    """Somebody with an empty browser."""
    return Visitor(app, op, at=LOCAL)


@pytest.fixture
def secure(make_app, op):
    """A visitor of the application behind an https base URL."""
    return Visitor(make_app(SIGNON_BASE_URL=HTTPS), op, at=HTTPS)
