"""The ThaID document's application: its routes and settings, and the four actions of its sister samples."""

import hmac
import secrets
from datetime import UTC, datetime

from flask import Flask, Response, jsonify, make_response, render_template, request

from signon.flask import Login, SignOn, TokensEnded, TokenSet, current_login, current_user, login_required
from signon.flask.bff import fetch_required
from signon.flask.signals import tokens_refreshed
from signon.providers.thaid import masked

app = Flask(__name__)
app.logger.setLevel("INFO")
app.config.from_pyfile("config.py")
app.config.update(
    SIGNON_PROVIDERS="thaid",
    SIGNON_LOGIN_PATH="/login",
    SIGNON_LOGOUT_PATH="/logout",
    SIGNON_AFTER_LOGOUT="/",
    THAID_CALLBACK_PATH="/auth",
)
SignOn(app)


@tokens_refreshed.connect_via(app)
def on_token_update(_app: Flask, *, login: Login, tokens: TokenSet) -> None:
    """The document saves new tokens here. Signon has saved them when it sends this: the log is told whose."""
    app.logger.info("new tokens of %s were saved, good until %s", login.person.public_subject, tokens.expires_at)


@app.get("/")
def homepage() -> Response:
    if not current_user:
        return show("home.html")
    try:
        tokens = current_login.token_set()
    except TokensEnded:
        tokens = None
    return show("auth.html", login=current_login, person=current_user.vendor, tokens=tokens)


@app.get("/inspect")
@login_required
def inspect() -> Response:
    """Ask ThaID about this person's own access token; no other one, whoever sends it, is asked about."""
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    own = current_login.token_set().access_token.reveal()
    if kind and (kind.lower() != "bearer" or not hmac.compare_digest(sent.strip().encode(), own.encode())):
        return make_response(jsonify(detail="This is not the token of whoever has signed in here."), 403)
    said = current_login.introspect()
    return jsonify(active=said.active, scope=" ".join(said.scope), sub=masked(said.subject or ""))


@app.post("/validate")
@fetch_required()
@login_required
def validate() -> Response:
    return jsonify(checks=current_login.explain_id_token())


@app.post("/<any(refresh, revoke):action>")
@fetch_required()
@login_required
def change_tokens(action: str) -> Response:
    current_login.refresh() if action == "refresh" else current_login.revoke()
    return jsonify(done=True)


def show(template: str, **context: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    response = make_response(render_template(template, nonce=nonce, datetime=datetime, UTC=UTC, **context))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'self'; connect-src 'self'; img-src data:;"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "same-origin"
    return response
