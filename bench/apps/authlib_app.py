"""The peer: Flask with Authlib, written the way its documentation shows, with PKCE."""

from __future__ import annotations

import os
import secrets

from authlib.integrations.flask_client import OAuth
from flask import Flask, abort, redirect, session, url_for
from werkzeug.wrappers import Response

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
oauth = OAuth(app)
oauth.register(
    "provider",
    client_id=os.environ["OIDC_CLIENT_ID"],
    client_secret=os.environ["OIDC_CLIENT_SECRET"],
    server_metadata_url=os.environ["OIDC_ISSUER"] + "/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


@app.get("/login")
def login() -> Response:
    response: Response = oauth.provider.authorize_redirect(url_for("callback", _external=True))
    return response


@app.get("/callback")
def callback() -> Response:
    token = oauth.provider.authorize_access_token()
    session["user"] = token["userinfo"]
    return redirect("/me")


@app.get("/me")
def me() -> str:
    user = session.get("user")
    if user is None:
        abort(401)
    return f"Hello {user['name']}"


@app.get("/public")
def public() -> str:
    return "Hello"
