"""The sgID document's backend for its single-page application: its four routes, and the choice of an employer."""

import os
import secrets
from dataclasses import asdict
from hmac import compare_digest
from pathlib import Path
from urllib.parse import quote

from dotenv import load_dotenv
from flask import Flask, Response, abort, jsonify, redirect, request, session, url_for
from flask_cors import CORS

from signon.flask import SignOn, current_login, current_user, signed_in, signed_out
from signon.flask.bff import fetch_required, sign_in_address
from signon.flask.views import leave

load_dotenv(Path(__file__).parent / ".env")
FRONTEND = os.environ.get("SGID_FRONTEND_HOST") or "http://localhost:5173"
LONGEST = 200  # characters of the choice as an address has it: it must fit into a sign-in's cookie

app = Flask(__name__)
app.config.update(SIGNON_PROVIDERS="sgid", SGID_CALLBACK_PATH="/api/redirect", SIGNON_CORS_ORIGINS=FRONTEND)
app.config.update(SESSION_COOKIE_NAME="exampleAppSession", SESSION_COOKIE_SAMESITE="Lax")
SignOn(app)
app.secret_key = os.environ.get("SECRET_KEY") or secrets.token_bytes()  # of choices only; Signon has keys of its own
CORS(app, resources=r"/api/.*", origins=[FRONTEND], supports_credentials=True)


@app.get("/api/auth-url")
@fetch_required(origin_will_do=True)
def get_auth_url() -> Response:
    """The choice travels sealed with the sign-in, as a part of where that ends; `browser` says whose it is."""
    flavour = request.args.get("icecream", "")
    if len(quote(flavour)) > LONGEST:
        abort(400, f"icecream is longer than {LONGEST} characters")
    browser = session.setdefault("browser", secrets.token_urlsafe(16))
    return sign_in_address(next_path=url_for("index", icecream=flavour, browser=browser))


@app.get("/")
def index() -> Response:
    """Where a sign-in ends, and whoever comes here by hand."""
    if compare_digest(request.args.get("browser", "").encode(), session.get("browser", "").encode() or b"-"):
        session["iceCream"] = request.args.get("icecream")
    return redirect(f"{FRONTEND}/logged-in" if current_user else FRONTEND)


@app.get("/api/userinfo")
@fetch_required(origin_will_do=True)
def userinfo() -> Response:
    if not current_user:
        return jsonify(None), 401
    data = {name: value for name, value in current_login.claims.items() if "." in name}
    answer = {"sub": current_user.sub, "data": {**data, "iceCream": session.get("iceCream")}}
    posts = [asdict(post) for post in current_user.vendor.employments]
    chosen = session.get("post", 0 if len(posts) == 1 else None)
    return jsonify({**answer, "employments": posts, "employment": chosen} if posts else answer)


@app.post("/api/employment/<int:number>")
@fetch_required()
def choose_employment(number: int) -> Response:
    """Who has several posts says for which one they are here."""
    if not current_user or number >= len(current_user.vendor.employments):
        abort(404)
    session["post"] = number
    return jsonify(employment=number)


@app.get("/api/logout")
@fetch_required(origin_will_do=True)
def logout() -> Response:
    return leave(as_json=True)


@signed_in.connect_via(app)
@signed_out.connect_via(app)
def forget_choices(_app: Flask, **_who: object) -> None:
    session.pop("iceCream", None)
    session.pop("post", None)


@app.after_request
def for_the_frontend(response: Response) -> Response:
    """It has a page for what fails at sgID, and takes any object for a person. What can be loaded again stays."""
    if request.endpoint == "signon.callback_sgid" and response.status_code in range(400, 500):
        why = "?reason=cancelled" if request.args.get("error") == "access_denied" else ""
        response.status_code, response.location, response.data = 302, f"{FRONTEND}/error{why}", b""
    elif request.endpoint == "userinfo" and response.status_code >= 400:
        response.data, response.mimetype = b"null", "application/json"
    return response
