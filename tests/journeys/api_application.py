"""An application with an API behind it, for servers; the environment says where, and how long it is waited for."""

import os

from flask import Flask

from signon.flask import SignOn, current_user, login_required


def create_app() -> Flask:
    """The application."""
    app = Flask(__name__)
    signon = SignOn(app)
    signon.proxy(
        app,
        "/api",
        to=os.environ["BACKEND"],
        methods=["GET", "POST"],
        max_body_bytes=1 << 28,
        idle_seconds=float(os.environ.get("IDLE_SECONDS", "60")),
    )
    app.add_url_rule("/me", "me", login_required(lambda: current_user.name or ""))
    app.add_url_rule("/worker", "worker", lambda: str(os.getpid()))
    return app
