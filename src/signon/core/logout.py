"""Signing out at the provider: OpenID Connect RP-Initiated Logout 1.0."""

from __future__ import annotations

from signon.core.http import add_query
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.values import Secret

MAX_HINT_CHARACTERS = 4096
"""A longer ID token makes addresses that servers and browsers refuse; `client_id` then says who asks."""


def end_session_url(
    provider: Provider,
    metadata: Metadata,
    *,
    id_token: Secret | None,
    post_logout_redirect_uri: str,
    state: str | None,
    logout_hint: str | None = None,
) -> str | None:
    """Where to send the browser, or None for a provider that has no such endpoint (RP-Initiated Logout 2).

    `id_token` is the token as received (the hint); `state` is None where the landing page won't read it.
    """
    form = next((form for form in provider.sign_out if form.endpoint or metadata.end_session_endpoint), None)
    if form is None:
        return None
    hint = id_token.reveal() if id_token is not None and "id_token_hint" in form.sends else ""
    fits = len(hint) <= MAX_HINT_CHARACTERS
    offered = {
        "id_token_hint": hint if fits else "",
        "client_id": provider.client.client_id,
        "state": state or "",
    }
    parameters = {
        **form.parameters,
        form.redirect_parameter: post_logout_redirect_uri,
        **{name: value for name, value in offered.items() if name in form.sends},
        "logout_hint": "" if fits else logout_hint or "",
    }
    endpoint = form.endpoint or metadata.end_session_endpoint or ""
    return add_query(endpoint, {name: value for name, value in parameters.items() if value})
