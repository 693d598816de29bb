"""The AuthMachine document's application: its five routes and its settings, from the environment or `.env`."""

import os
import secrets
from pathlib import Path

from dotenv import load_dotenv
from flask import Flask, Response, make_response, render_template

from signon.flask import (
    SignOn,
    current_login,
    current_user,
    login_required,
    permission_required,
    permissions_now,
    start_sign_in,
)
from signon.providers.authmachine import permissions_wish

load_dotenv(Path(__file__).parent / ".env")
app = Flask(__name__)
app.config.update(
    SIGNON_PROVIDERS="authmachine",
    SIGNON_LOGIN_PATH="/login",
    SIGNON_SIGNUP_PATH="/signup",
    SIGNON_LOGOUT_PATH="/logout",
    SIGNON_AFTER_LOGOUT="/",
    AUTHMACHINE_CALLBACK_PATH="/oidc-callback",
    AUTHMACHINE_LOGOUT_CALLBACK_PATH="/oidc-logout-callback",
)
SignOn(app)
app.jinja_env.globals["has_api"] = bool(os.environ.get("AUTHMACHINE_API_TOKEN"))


@app.get("/")
def index() -> Response:
    """Who looks at this page while AuthMachine says that their tokens were revoked is signed out by then."""
    return show("index.html", user=current_user, login=current_login)


@app.get("/billing")
@permission_required("billing", "edit")
def billing() -> Response:
    return show("billing.html", user=current_user)


@app.get("/permissions")
@login_required
def permissions() -> Response:
    """What the permissions API says of this person now, of all objects: needs AUTHMACHINE_API_TOKEN."""
    return show("permissions.html", user=current_user, granted=permissions_now())


@app.get("/ask")
@login_required
def ask() -> Response:
    """One sign-in that asks about a further object: who is signed in at AuthMachine does not notice it."""
    return start_sign_in(next_path="/", wishes=permissions_wish("billing", "warehouse-7"))


def show(template: str, **context: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    response = make_response(render_template(template, nonce=nonce, **context))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "same-origin"
    return response
