"""The Auth0 document's application: its routes and settings, and an API for its own tokens."""

import os
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, make_response, render_template, request

from signon.flask import SignOn, current_login, current_token, current_user, send_password_mail, token_required
from signon.flask.bff import fetch_required
from signon.providers import auth0

app = Flask(__name__)
app.config.from_pyfile("config.py")
domain, client_id, client_secret, redirect_uri, audience = (
    app.config.get(name) or os.environ.get(name, "")
    for name in ("AUTH0_DOMAIN", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI", "AUDIENCE")
)
address = urlsplit(redirect_uri or "http://localhost:5000/callback")
if not address.netloc or address.path in {"", "/"}:
    raise ValueError(
        f"REDIRECT_URI={redirect_uri!r} is no address with a path, such as http://localhost:5000/callback"
    )
app.config.update(
    SIGNON_BASE_URL=f"{address.scheme}://{address.netloc}",
    SIGNON_LOGIN_PATH="/login",
    SIGNON_SIGNUP_PATH="/signup",
    SIGNON_LOGOUT_PATH="/logout",
    SIGNON_AFTER_LOGOUT="/",
    SIGNON_PERMANENT="true",  # the document's permanent session, which lasts 31 days in Flask
    SIGNON_SESSION_SECONDS=31 * 86400,
    SIGNON_IDLE_SECONDS=31 * 86400,
)
provider = auth0(
    domain=domain,
    client_id=client_id,
    client_secret=client_secret,
    client_auth="client_secret_post",
    audience=audience,
    prompt="login",
    callback_path=address.path,
    post_logout_path="/",
)
SignOn(app, providers=[provider])


@app.get("/")
def index() -> Response:
    nonce = secrets.token_urlsafe(16)
    issues = "signon.token" in app.view_functions
    page = render_template("index.html", nonce=nonce, user=current_user, login=current_login, issues=issues)
    response = make_response(page)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'self'; connect-src 'self'; img-src data:;"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@app.get("/api/me")
@token_required(provider="own-tokens")
def me() -> Response:
    """What an API of the application's own says to whoever bears a token that the application has issued."""
    return jsonify(subject=current_token.subject, name=current_token.claims.get("name"))


@app.post("/password-mail")
@fetch_required()
def password_mail() -> Response:
    """Have Auth0 mail a link to a new password, to people who have one there; the answer never says whether."""
    send_password_mail(request.form.get("email", ""))
    return jsonify(done=True)
