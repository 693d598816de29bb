"""The application with Signon: configured by the environment, sessions in SQLite."""

from __future__ import annotations

from flask import Flask

from signon.flask import SignOn, current_user, login_required


def public_site() -> Flask:
    """The application before Signon is added: one page that asks for nobody."""
    site = Flask(__name__)

    @site.get("/public")
    def public() -> str:
        return "Hello"

    return site


app = public_site()
SignOn(app)


@app.get("/me")
@login_required
def me() -> str:
    return f"Hello {current_user.name}"
