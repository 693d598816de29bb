"""The sgID document's backend for its single-page application: its four routes, and the choice of an employer."""

import os
import secrets
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from dotenv import load_dotenv
from flask import Flask, Response, abort, jsonify, redirect, request, session
from flask_cors import CORS

from signon.flask import SignOn, Wishes, current_login, current_user, login_required, signed_in
from signon.flask.bff import fetch_required, sign_in_address
from signon.flask.views import leave

load_dotenv(Path(__file__).parent / ".env")
FRONTEND = (os.environ.get("SGID_FRONTEND_HOST") or "http://localhost:5173").rstrip("/")
app = Flask(__name__)
app.config.update(SIGNON_PROVIDERS="sgid", SGID_CALLBACK_PATH="/api/redirect", SIGNON_CORS_ORIGINS=FRONTEND)
app.config.update(SESSION_COOKIE_NAME="exampleAppSession", SESSION_COOKIE_SAMESITE="Lax")
SignOn(app)
app.secret_key = os.environ.get("SECRET_KEY") or secrets.token_bytes()  # of one choice: Signon has its own
CORS(app, resources="/api/.*", origins=[FRONTEND], supports_credentials=True)
signed_in.connect(lambda _app, **_who: session.pop("employment", None), app, weak=False)


@app.get("/api/auth-url")
@fetch_required(origin_will_do=True)
def get_auth_url() -> Response:
    """The choice is kept with this sign-in, sealed: sgID and other browsers never see it."""
    return sign_in_address(wishes=Wishes(keep={"iceCream": request.args.get("icecream", "")}))


@app.get("/")
def index() -> Response:
    """Where a sign-in ends."""
    return redirect(f"{FRONTEND}/logged-in" if current_user else FRONTEND)


@app.get("/api/userinfo")
@fetch_required(origin_will_do=True)
@login_required
def userinfo() -> Response:
    data = {name: value for name, value in current_login.claims.items() if "." in name}
    posts = [asdict(post) for post in current_user.vendor.employments]
    more = {"employments": posts, "employment": session.get("employment")} if posts else {}
    return jsonify(sub=current_user.sub, data={**data, "iceCream": current_login.kept.get("iceCream")}, **more)


@app.post("/api/employment/<int:number>")
@fetch_required()
def choose_employment(number: int) -> Response:
    if not current_user or number >= len(current_user.vendor.employments):
        abort(404)
    session["employment"] = number
    return jsonify(employment=number)


@app.get("/api/logout")
@fetch_required(origin_will_do=True)
def logout() -> Response:
    return leave(as_json=True)


@app.after_request
def for_the_frontend(response: Response) -> Response:
    """It has a page of its own for a sign-in that fails, and takes any object, even a problem, for its answer."""
    failed = response.status_code >= HTTPStatus.BAD_REQUEST
    if request.endpoint in {"get_auth_url", "userinfo"} and failed:
        response.data = b"null"
    if request.endpoint == "signon.callback_sgid" and failed and "Retry-After" not in response.headers:
        why = quote(request.args.get("error", ""))
        response.status_code, response.location, response.data = 302, f"{FRONTEND}/error?reason={why}", b""
    return response
