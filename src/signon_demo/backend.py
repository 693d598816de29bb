"""A server of its own behind the application, which no browser asks: it says what it hears, and judges tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial

from flask import Flask, Response, jsonify, request

from signon.core.provider import Provider
from signon.flask import SignOn, current_token, token_required
from signon_demo.claims import shortened


def create_backend(providers: Sequence[Provider], *, base_url: str) -> Flask:
    """An API that accepts the providers' access tokens. What it has for the people of one is below its name."""
    app = Flask("signon_demo", static_folder=None)
    app.config.update(
        SIGNON_BASE_URL=base_url,
        SIGNON_SESSIONS="memory:",
        SIGNON_KEYS=secrets.token_urlsafe(32),
        SIGNON_PSEUDONYM_KEY=secrets.token_urlsafe(32),
    )
    SignOn(app, providers=providers)
    for provider in providers:
        app.add_url_rule(f"/{provider.name}/heard", f"{provider.name}_heard", heard)
        app.add_url_rule(f"/{provider.name}/person", f"{provider.name}_person", _guarded(provider))
    return app


def heard() -> Response:
    """What a request brought: of a token only its ends."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return jsonify(
        asked=f"{request.method} {request.path}",
        token=f"{scheme} {shortened(token)}" if token else None,
        cookies=len(request.cookies),
        headers=sorted(name for name, _ in request.headers),
    )


def person(label: str) -> Response:
    """Whom an accepted token acts for."""
    return jsonify(issuer=label, subject=current_token.subject, scopes=sorted(current_token.scopes))


def _guarded(provider: Provider) -> Callable[[], Response]:
    # A token for no API in particular is for its client, or for the provider's own: then it is refused here.
    audience = provider.authorize_parameters.get("audience", provider.client.client_id)
    guard = token_required(provider=provider.name, audience=audience)
    return guard(partial(person, provider.label))
