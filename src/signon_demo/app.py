"""The demo application: what a Flask application does with `signon.flask`, on a few pages."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, Flask, Response, current_app, make_response, render_template
from werkzeug.exceptions import HTTPException

from signon.core.provider import Provider
from signon.flask import SignOn, current_login, current_user, fresh_login_required, login_required
from signon_demo.claims import claim_groups, local_time
from signon_demo.vendor_sheet import vendor_sheet

RECENT_SECONDS = 60
_LOST = "The address may be mistyped, or the page has moved. Nothing is wrong with your sign-in."
_BROKEN = "The demo could not answer this request."

pages = Blueprint("demo", __name__)


def create_app(providers: Sequence[Provider], *, base_url: str, real: frozenset[str] = frozenset()) -> Flask:
    """The application, for visitors who reach it at `base_url`; `real` names the providers that aren't practice.

    Its sessions end with the process, as do those of the practice providers.
    """
    app = Flask("signon_demo", static_folder=None)
    app.config.update(
        SIGNON_BASE_URL=base_url,
        SIGNON_PREFIX="/auth",
        SIGNON_AFTER_LOGIN="/profile",
        SIGNON_SESSIONS="memory:",
        SIGNON_KEYS=secrets.token_urlsafe(32),
        SIGNON_PSEUDONYM_KEY=secrets.token_urlsafe(32),
        DEMO_PROVIDERS=tuple(providers),
        DEMO_REAL=real,
    )
    SignOn(app, providers=providers)
    app.register_blueprint(pages)
    app.register_error_handler(HTTPException, problem)
    app.add_template_filter(local_time)
    return app


@pages.get("/")
def home() -> Response:
    """What this is, and where to sign in; open to all."""
    return show("home.html", providers=current_app.config["DEMO_PROVIDERS"])


@pages.get("/profile")
@login_required
def profile() -> Response:
    """Who has signed in, how, and every claim that came with it."""
    return show(
        "profile.html",
        login=current_login,
        label=_label(),
        sheet=vendor_sheet(current_user.vendor),
        groups=claim_groups(current_login),
    )


@pages.get("/recent")
@fresh_login_required(max_age_seconds=RECENT_SECONDS)
def recent() -> Response:
    """A page that is worth a second look at who is there."""
    proven_at = current_login.signed_in_at if current_login.auth_time is None else current_login.auth_time
    return show("recent.html", proven_at=proven_at, ago=max(0, round(time.time() - proven_at)))


def problem(error: HTTPException) -> Response:
    """Every error of the web itself: what happened, and the way back."""
    status = HTTPStatus(error.code or 500)
    title = "There is no such page" if status == HTTPStatus.NOT_FOUND else status.phrase
    text = _LOST if status == HTTPStatus.NOT_FOUND else _BROKEN
    response = show("problem.html", heading=title, text=text, code=status.value)
    response.status_code = status
    return response


def show(template: str, **context: object) -> Response:
    """A page of the demo under the same strict policy as Signon's own: nothing from outside, no inline code."""
    nonce = secrets.token_urlsafe(16)
    person = current_user.name or current_user.preferred_username or current_user.email or current_user.sub
    real = [p.label for p in current_app.config["DEMO_PROVIDERS"] if p.name in current_app.config["DEMO_REAL"]]
    text = render_template(f"demo/{template}", nonce=nonce, user=current_user, person=person, real=real, **context)
    response = make_response(text)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    )
    # Not no-referrer: browsers would then send `Origin: null` with the sign-out form.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _label() -> str:
    """The name of the provider that this person has signed in with."""
    providers: tuple[Provider, ...] = current_app.config["DEMO_PROVIDERS"]
    return next(provider.label for provider in providers if provider.name == current_user.provider)
