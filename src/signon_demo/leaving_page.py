"""The page on signing out: how far each way goes, and what happens when the provider begins."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from signon.core.errors import SignOnError
from signon.core.http import add_query
from signon.core.provider import Provider
from signon.flask import login_required
from signon.flask.messages import duration
from signon.flask.state import state
from signon.service.sign_out import can_leave
from signon_demo.page import own_provider, show


def add_leaving_page(pages: Blueprint) -> None:
    """Add the page to the demo's."""
    pages.add_url_rule("/leaving", "leaving", leaving)


@login_required
def leaving() -> Response:
    """Offer each way to sign out."""
    provider = own_provider()
    return show(
        "leaving.html",
        provider=provider,
        leaves=can_leave(state().party, provider),
        practised=provider.name not in current_app.config["DEMO_REAL"],
        over_https=current_app.config["SIGNON_BASE_URL"].startswith("https:"),
        idle=duration(state().settings.idle_seconds),
        whole=duration(state().settings.session_seconds),
        theirs=_own_sign_out(provider),
    )


def _own_sign_out(provider: Provider) -> str | None:
    """The provider's own sign-out, as it is found from elsewhere: nothing in the address names this session."""
    try:
        endpoint = state().party.runtime.metadata(provider).end_session_endpoint
    except SignOnError:
        return None
    form = next(iter(provider.sign_out), None)
    return None if endpoint is None or form is None else add_query(endpoint, dict(form.parameters))
