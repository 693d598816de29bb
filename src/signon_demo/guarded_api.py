"""The demo's own API, for tokens that the application itself has issued: each route has its reason to refuse."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Blueprint, Response, jsonify

from signon.flask import current_token, step_up, token_required
from signon.service.own_tokens import NAME

SCOPE = "read:orders"
"""What each token of the application's own is good for."""
OTHER_AUDIENCE = "https://warehouse.example"
STRONGER = {
    "auth0": "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
    "pingone": "Multi_Factor",
    "oidc": "urn:practice:acr:two-factor",
}
"""What those providers that have more than one way of signing in call a stronger one (OIDC Core 2, acr)."""
STRONGER_SECONDS = 300
"""How long ago that may have been."""


def make_token_key() -> str:
    """A new key for the application's tokens, which end with the process."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _orders() -> Response:
    return jsonify(orders_of=current_token.claims.get("name") or current_token.subject, orders=["Tea", "Rice"])


orders = token_required(provider=NAME, scopes=SCOPE)(_orders)
"""Good with every token of the application."""
new_order = token_required(provider=NAME, scopes="write:orders")(_orders)
"""Wants a scope that no token of the application has."""
warehouse = token_required(provider=NAME, audience=OTHER_AUDIENCE)(_orders)
"""Wants tokens that are for somebody else."""


@token_required(provider=NAME, scopes=SCOPE)
@step_up(acr=tuple(STRONGER.values()), max_age_seconds=STRONGER_SECONDS)
def payments() -> Response:
    """Wants a token of somebody who has signed in with more than a password, not long ago (RFC 9470)."""
    return jsonify(payments=["Electricity, 1,250.00 baht"], signed_in_by=current_token.claims["acr"])


def add_api(pages: Blueprint) -> None:
    """The routes of the API."""
    pages.add_url_rule("/api/orders", "orders", orders)
    pages.add_url_rule("/api/orders/new", "new_order", new_order)
    pages.add_url_rule("/api/warehouse", "warehouse", warehouse)
    pages.add_url_rule("/api/payments", "payments", payments)
