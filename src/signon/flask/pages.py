"""Render our pages: one style, a strict policy, no outside asset."""

from __future__ import annotations

import secrets

from flask import Response, make_response, render_template

from signon.flask.cookies import make_private


def page(
    template: str,
    *,
    status: int = 200,
    **context: object,
) -> Response:
    """A page of ours, never cached and never framed.

    Pages with forms keep `Referrer-Policy: same-origin`: under `no-referrer` browsers send `Origin: null` on
    our own posts. `form-action` is left out of the policy because browsers apply it to every redirect that
    follows a form, and ours lead to providers.
    """
    nonce = secrets.token_urlsafe(16)
    response = make_response(render_template(f"signon/{template}", nonce=nonce, **context), status)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:;"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    return make_private(response)
