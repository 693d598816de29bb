"""The demo application: what a Flask application does with `signon.flask`, on a few pages."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]  # published without types
from werkzeug.exceptions import HTTPException

from signon.core.provider import Provider
from signon.flask import SignOn, current_login, current_user, fresh_login_required, login_required
from signon_demo.claims import claim_groups, local_time
from signon_demo.grant_pages import add_grant_pages
from signon_demo.guarded_api import SCOPE, make_token_key
from signon_demo.leaving_page import add_leaving_page
from signon_demo.page import csrf, offered, own_provider, show
from signon_demo.password_page import add_password_page
from signon_demo.permission_pages import add_permission_pages
from signon_demo.post_choice import add_post_choice, chosen, posts
from signon_demo.script_pages import add_script_pages, install_script_pages
from signon_demo.token_pages import add_token_pages
from signon_demo.vendor_sheet import vendor_sheet
from signon_demo.ways_pages import add_ways_pages

RECENT_SECONDS = 60
_LOST = "The address may be mistyped, or the page has moved. Nothing is wrong with your sign-in."
_BROKEN = "The demo could not answer this request."
_STALE = (
    "It was open for too long, or comes from elsewhere. Nothing was done: open the page again, and press again."
)

pages = Blueprint("demo", __name__, static_folder="static", static_url_path="/static")
for add in (
    add_token_pages,
    add_permission_pages,
    add_post_choice,
    add_password_page,
    add_grant_pages,
    add_ways_pages,
    add_leaving_page,
    add_script_pages,
):
    add(pages)


def create_app(
    providers: Sequence[Provider],
    *,
    base_url: str,
    real: frozenset[str] = frozenset(),
    beside: frozenset[str] = frozenset(),
    backend: str | None = None,
    stranger: str | None = None,
) -> Flask:
    """The application, for visitors who reach it at `base_url`; `real` names the providers that aren't practice,
    `beside` those that have no button of their own. `backend` is the address of the API behind its proxy,
    `stranger` that of the stranger's page; None where there is none.

    Its sessions end with the process, as do those of the practice providers.
    """
    app = Flask("signon_demo", static_folder=None)
    app.config.update(
        _settings(base_url),
        DEMO_PROVIDERS=tuple(providers),
        DEMO_REAL=real,
        DEMO_BESIDE=beside,
        DEMO_STRANGER=stranger,
    )
    csrf.init_app(app)
    with _unwarned(beside):
        signon = SignOn(app, providers=providers, roles_from="groups")
    install_script_pages(app, signon, backend=backend)
    app.register_blueprint(pages)
    app.register_error_handler(HTTPException, problem)
    app.add_template_filter(local_time)
    return app


def _settings(base_url: str) -> dict[str, object]:
    """Signon's, with keys that are made for this process, and Flask's for the demo's own forms."""
    return {
        "SIGNON_BASE_URL": base_url,
        "SIGNON_PREFIX": "/auth",
        "SIGNON_AFTER_LOGIN": "/profile",
        "SIGNON_SESSIONS": "memory:",
        "SIGNON_KEYS": secrets.token_urlsafe(32),
        "SIGNON_PSEUDONYM_KEY": secrets.token_urlsafe(32),
        "SIGNON_TOKEN_KEY": make_token_key(),
        "SIGNON_TOKEN_SCOPE": SCOPE,
        "SECRET_KEY": secrets.token_urlsafe(32),
        # A browser's cookies know no ports: two demos must not share one.
        "SESSION_COOKIE_NAME": f"demo-forms-{urlsplit(base_url).port or ''}",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": base_url.startswith("https:"),
    }


@contextmanager
def _unwarned(beside: frozenset[str]) -> Iterator[None]:
    """Nobody has set up the providers beside the buttons: the page that offers them says what a warning would."""

    def is_news(record: logging.LogRecord) -> bool:
        return not (isinstance(record.args, tuple) and any(name in record.args for name in beside))

    log = logging.getLogger("signon")
    log.addFilter(is_news)
    try:
        yield
    finally:
        log.removeFilter(is_news)


@pages.get("/")
def home() -> Response:
    """What this is, where to sign in, and what there is to see; open to all."""
    return show("home.html", providers=offered())


@pages.get("/profile")
@login_required
def profile() -> Response:
    """Who has signed in, how, and every claim that came with it."""
    return show(
        "profile.html",
        login=current_login,
        label=own_provider().label,
        sheet=vendor_sheet(current_user.vendor),
        posts=posts(),
        chosen=chosen(),
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
    title, text = status.phrase, _BROKEN
    if isinstance(error, CSRFError):
        title, text = "This form is too old", _STALE
    elif status == HTTPStatus.NOT_FOUND:
        title, text = "There is no such page", _LOST
    return show("problem.html", heading=title, text=text, code=status.value, status=status.value)
