"""Signing out at the provider: OpenID Connect RP-Initiated Logout 1.0."""

from __future__ import annotations

from signon.core.http import add_query
from signon.core.metadata import Metadata
from signon.core.provider import Provider, SignOutForm
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
    token = "" if id_token is None else id_token.reveal()
    hint = token if len(token) <= MAX_HINT_CHARACTERS else ""
    form = _form(provider, metadata, has_hint=bool(hint))
    if form is None:
        return None
    in_its_place = {"logout_hint"} if "id_token_hint" in form.sends and token != hint else set()
    offered = {
        "id_token_hint": hint,
        "logout_hint": logout_hint or "",
        "client_id": provider.client.client_id,
        "state": state or "",
    }
    parameters = {
        **form.parameters,
        form.redirect_parameter: post_logout_redirect_uri,
        **{name: value for name, value in offered.items() if name in form.sends | in_its_place},
    }
    endpoint = form.endpoint or metadata.end_session_endpoint or ""
    return add_query(endpoint, {name: value for name, value in parameters.items() if value})


def has_sign_out(provider: Provider, metadata: Metadata) -> bool:
    """Whether the provider has a session of its own that people can be sent to end."""
    return _form(provider, metadata, has_hint=False) is not None


def _form(provider: Provider, metadata: Metadata, *, has_hint: bool) -> SignOutForm | None:
    """The first form that has an endpoint, and what it needs."""
    usable = (form for form in provider.sign_out if has_hint or not form.needs_hint)
    return next((form for form in usable if form.endpoint or metadata.end_session_endpoint), None)
