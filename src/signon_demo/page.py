"""How the pages of the demo are rendered: under a policy as strict as that of Signon's own."""

from __future__ import annotations

import secrets

from flask import Response, current_app, make_response, render_template
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]  # published without types

from signon.core.provider import Provider
from signon.flask import current_user
from signon_demo.tour import tour

csrf = CSRFProtect()
"""Guards the demo's own forms. Signon's routes are exempt: they have a stricter rule."""


def show(template: str, *, script: bool = False, status: int = 200, **context: object) -> Response:
    """A page of the demo: nothing from outside or inline; `script` lets modules of this origin run and ask."""
    nonce = secrets.token_urlsafe(16)
    person = current_user.name or current_user.preferred_username or current_user.email or current_user.sub
    real = [p.label for p in providers() if p.name in current_app.config["DEMO_REAL"]]
    known = {"nonce": nonce, "user": current_user, "person": person, "real": real, "tour": tour()}
    response = make_response(render_template(f"demo/{template}", **known, **context), status)
    may_run = " script-src 'self'; connect-src 'self';" if script else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}';{may_run} img-src data:; base-uri 'none';"
        " frame-ancestors 'none'"
    )
    # Not no-referrer: browsers would then send `Origin: null` with the sign-out form.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def providers() -> tuple[Provider, ...]:
    """Every provider of the demo, those beside the buttons included."""
    found: tuple[Provider, ...] = current_app.config["DEMO_PROVIDERS"]
    return found


def offered() -> tuple[Provider, ...]:
    """The providers that have a button on the first page, in its order."""
    return tuple(provider for provider in providers() if provider.name not in current_app.config["DEMO_BESIDE"])


def own_provider() -> Provider:
    """The one that this person has signed in with."""
    return next(provider for provider in providers() if provider.name == current_user.provider)
