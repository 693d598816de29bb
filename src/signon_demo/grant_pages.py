"""Other grants: a token that is the application's own, and the flows whose tokens come by the browser."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from signon.core.errors import SignOnError
from signon.core.provider import Provider
from signon.flask.messages import message_for
from signon.flask.state import state
from signon.service.service_tokens import service_token
from signon_demo.claims import Row, local_time, shortened
from signon_demo.page import offered, providers, show

FOR_SERVICES = ("pingone", "oidc")
"""The demo's providers that give an application a token of its own without further settings."""
FLOWS: Mapping[str, str] = {
    "token id_token": "Both tokens come in the address, by way of the browser; there is no code, and no refresh."
    " Other scripts, extensions and the history may see them.",
    "code id_token": "An ID token comes by the browser, and the code with it; the access token does not."
    " Signon compares the two ID tokens.",
}
"""What is to be said of each response type that the demo has beside the usual one."""


def add_grant_pages(pages: Blueprint) -> None:
    """Add the page to the demo's."""
    pages.add_url_rule("/grants", "grants", grants, methods=["GET", "POST"])


def grants() -> Response:
    """Offer both (GET), or get the application's own token (POST). Nobody has to have signed in for that."""
    able = {provider.name: provider for provider in offered() if provider.name in FOR_SERVICES}
    rows: tuple[Row, ...] = ()
    asked, trouble, status = None, None, 200
    if request.method == "POST":
        asked = able.get(request.form.get("provider", ""))
        if asked is None:
            raise BadRequest
        try:
            rows = _own_token(asked)
        except SignOnError as error:
            trouble, status = message_for(error, provider=asked.label, limit=""), error.status
    flows = [
        (provider, FLOWS[provider.response_type]) for provider in providers() if provider.response_type in FLOWS
    ]
    return show(
        "grants.html",
        status=status,
        able=tuple(able.values()),
        flows=flows,
        asked=asked,
        rows=rows,
        trouble=trouble,
    )


def _own_token(provider: Provider) -> tuple[Row, ...]:
    """The token by its ends. An application's own code calls `signon.flask.service_token` and gets it whole."""
    party = state().party
    began = party.clock()
    tokens = service_token(party, provider)
    kept = tokens.issued_at is None or tokens.issued_at < began
    ends = None if tokens.expires_at is None else local_time(tokens.expires_at)
    return (
        Row(
            name="access_token",
            lines=(shortened(tokens.access_token.reveal()),),
            meaning="Opens APIs in the name of the application; it is about no person",
            section="RFC 6749 4.4",
        ),
        Row(
            name="expires_at",
            lines=(ends or "not said",),
            raw=None if tokens.expires_at is None else str(int(tokens.expires_at)),
            meaning="When it ends; a new one is fetched before",
        ),
        Row(name="scope", lines=(" ".join(tokens.scope) or "not said",), meaning="What it is good for"),
        Row(
            name="from",
            lines=("kept from before" if kept else f"{provider.label}, just now",),
            meaning="All who ask within its time share one token: the provider is asked once",
        ),
    )
