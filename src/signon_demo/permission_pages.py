"""Permissions and roles: what somebody may do, and two pages that open to some people only."""

from __future__ import annotations

from flask import Blueprint, Response

from signon.core.errors import SignOnError
from signon.flask import current_login, login_required, permission_required, permissions_now, roles_required
from signon.flask.messages import message_for
from signon.providers.authmachine.permissions import Granted
from signon_demo.page import offered, own_provider, show


def add_permission_pages(pages: Blueprint) -> None:
    """Add the pages to the demo's."""
    pages.add_url_rule("/permissions", "permissions", permissions)
    pages.add_url_rule("/billing", "billing", billing)
    pages.add_url_rule("/editors", "editors", editors)


@login_required
def permissions() -> Response:
    """The permissions of the sign-in, those of this moment, and the roles."""
    provider = own_provider()
    knows = provider.to_permissions is not None
    granted, trouble = _granted_now(provider.label) if knows else (None, None)
    return show(
        "permissions.html",
        label=provider.label,
        knows=knows,
        granted=granted,
        trouble=trouble,
        knowing=[other for other in offered() if other.to_permissions is not None],
        signed_up=current_login.signed_up,
    )


def _granted_now(label: str) -> tuple[Granted | None, str | None]:
    """What the provider's API says, or why it doesn't."""
    try:
        return permissions_now(), None
    except SignOnError as error:
        return None, f"{message_for(error, provider=label, limit='').text} ({error.code})"


@permission_required("billing", "edit")
def billing() -> Response:
    """For people who may edit billing, by their provider's word."""
    return show("let_in.html", heading="Billing", what="may edit billing, by the word of your provider")


@roles_required("editors")
def editors() -> Response:
    """For people whose groups have `editors` among them."""
    return show("let_in.html", heading="For editors", what="have the role “editors”, which is one of your groups")
