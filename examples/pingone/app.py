"""The PingOne document's application: its routes, and every setting of its `config.cfg`."""

import os
import secrets
import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Flask, Response, flash, make_response, redirect, render_template, url_for
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException

from signon.flask import SignOn, current_login, current_user, login_required, service_token, signed_in, signed_out
from signon.providers import pingone

POLICY = "default-src 'none'; style-src 'nonce-{}'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
app = Flask(__name__)
app.config.from_pyfile("config.cfg")
paths = {"LOGIN": "/login", "LOGOUT": "/logout", "PASSWORD": "/password/change"}
app.config.update({f"SIGNON_{name}_PATH": path for name, path in paths.items()}, SIGNON_AFTER_LOGOUT="/")
app.config.update(SIGNON_PERMANENT="true", SIGNON_IDLE_SECONDS=900)  # 15 minutes after each page


def setting(name: str, usual: str = "") -> str:
    return str(app.config.get(name) or os.environ.get(name) or usual)


same = ("ENVIRONMENT_ID", "CLIENT_ID", "CLIENT_SECRET", "SCOPE", "MAX_AGE", "PROMPT")
auth, api, grant = setting("AUTH_URL").rstrip("/"), setting("API_URL").rstrip("/"), setting("GRANT_TYPE")
if grant not in {"", "authorization_code", "implicit", "client_credentials"}:
    raise ValueError(f"GRANT_TYPE={grant!r} is none of authorization_code, implicit, client_credentials")
provider = pingone(
    **{name.lower(): setting(name) for name in same},
    issuer=auth and setting("ENVIRONMENT_ID") and f"{auth}/{setting('ENVIRONMENT_ID')}/as",
    api_url=api and f"{api.removesuffix('/v1')}/v1",
    client_auth=setting("TOKEN_AUTH_METHOD"),
    response_type=setting("RESPONSE_TYPE", "token id_token") if grant == "implicit" else "code",
    userinfo="never" if grant == "implicit" and setting("RESPONSE_TYPE") == "id_token" else "always",
    callback_path=setting("OAUTH_REDIRECT_PATH", "/callback" if grant == "implicit" else "/callback1"),
    post_logout_path=urlsplit(setting("LOGOUT_URI")).path or "/",
)
SignOn(app, providers=[provider])
app.secret_key = setting("SECRET_KEY") or secrets.token_bytes()  # of forms and messages only: Signon has its own
CSRFProtect(app)
signed_in.connect(lambda _app, **_who: flash("You are signed in.", "good"), app, weak=False)
signed_out.connect(lambda _app, **_who: flash("You are signed out.", "good"), app, weak=False)


@app.get("/")
def index() -> Response:
    return show("index.html", grant=grant, response_type=provider.response_type)


@app.get("/user/info")
@login_required
def user_info() -> Response:
    return show("user_info.html", claims=current_login.claims, datetime=datetime, UTC=UTC)


@app.post("/token")
def token() -> Response:
    text = service_token()
    flash(f"PingOne gave this application a token of its own: {text[:4]}…{text[-4:]} ({len(text)}).", "good")
    return redirect(url_for("index"), 303)


@app.errorhandler(HTTPException)
def failed(error: HTTPException) -> tuple[Response, int]:
    flash(error.description or error.name, "bad")
    return index(), error.code or 500


def show(template: str, **context: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    page = render_template(template, nonce=nonce, user=current_user, **context)
    return make_response(page, {"Content-Security-Policy": POLICY.format(nonce), "Referrer-Policy": "same-origin"})


if __name__ == "__main__":
    app.run(port=8080, ssl_context="adhoc" if "--https" in sys.argv else None)
