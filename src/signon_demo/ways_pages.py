"""Other ways to begin a sign-in: accounts that are new, organizations, portals, and wishes of one sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, current_app, request, url_for
from werkzeug.exceptions import BadRequest

from signon.core.http import add_query
from signon.core.provider import Provider
from signon.flask import Wishes, start_sign_in
from signon_demo.page import offered, show
from signon_idp.dialects.auth0_organizations import INVITATION
from signon_idp.dialects.oidc import TWO_FACTOR_ACR


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A link that begins a sign-in at a practice provider in a way of its own."""

    provider: str
    title: str
    line: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A button that begins a sign-in with a wish."""

    title: str
    line: str
    wishes: Wishes
    practice_only: bool = False
    """It names something that only the practice provider is sure to have."""


ORGANIZATIONS = (
    Way(
        provider="auth0",
        title="For the organization Acme",
        line="Mia and Kit belong to it. Whoever doesn't is sent back with a refusal.",
        parameters={"organization": "acme"},
    ),
    Way(
        provider="auth0",
        title="By an invitation to Siam Books",
        line="What the link in an invitation's mail does: it lets people in who don't belong there yet.",
        parameters={"organization": "siam-books", "invitation": INVITATION},
    ),
)
FOR_FLAVOURS = "sgid"
"""The provider whose document keeps a choice of ice cream through the sign-in."""
FLAVOURS = ("Vanilla", "Chocolate", "Strawberry")
KEPT_AS = "Favourite ice cream flavour"
"""What the profile calls the choice."""
FOR_WISHES = "oidc"
"""The provider that the wishes go to: the standard one has them all."""
WISHES: Mapping[str, Wish] = {
    "again": Wish(
        title="Ask me again",
        line="Even if you are signed in there. (prompt=login)",
        wishes=Wishes(prompt="login"),
    ),
    "silent": Wish(
        title="Don't ask me anything",
        line="You come back signed in if the provider knows you; else it says that it would have to ask."
        " (prompt=none)",
        wishes=Wishes(prompt="none"),
    ),
    "stronger": Wish(
        title="Ask for two factors",
        line="The answer must say that there were two, or nobody is signed in. (acr_values)",
        wishes=Wishes(acr_values=(TWO_FACTOR_ACR,)),
        practice_only=True,
    ),
    "named": Wish(
        title="I am Somying, and I read Thai",
        line="The name is filled in, and the provider's pages are in Thai. (login_hint, ui_locales)",
        wishes=Wishes(login_hint="somying", ui_locales="th", prompt="login"),
    ),
}


def add_ways_pages(pages: Blueprint) -> None:
    """Add the page to the demo's."""
    pages.add_url_rule("/ways", "ways", ways, methods=["GET", "POST"])


def ways() -> Response:
    """Offer the ways (GET), or begin a sign-in with a wish or a choice (POST); open to all."""
    real: frozenset[str] = current_app.config["DEMO_REAL"]
    known = {provider.name: provider for provider in offered()}
    wishing = known.get(FOR_WISHES)
    wishes = {
        name: wish
        for name, wish in WISHES.items()
        if wishing is not None and not (wish.practice_only and FOR_WISHES in real)
    }
    if request.method == "POST":
        flavour = request.form.get("flavour")
        if flavour in FLAVOURS and FOR_FLAVOURS in known:
            kept = Wishes(keep={KEPT_AS: flavour})
            return start_sign_in(FOR_FLAVOURS, next_path=url_for("demo.profile"), wishes=kept)
        wish = wishes.get(request.form.get("wish", ""))
        if wish is None:
            raise BadRequest
        return start_sign_in(FOR_WISHES, next_path=url_for("demo.profile"), wishes=wish.wishes)
    return show(
        "ways.html",
        sign_ups=[provider for provider in known.values() if provider.sign_up is not None],
        organizations=[
            (way, _address(way)) for way in ORGANIZATIONS if way.provider in known and way.provider not in real
        ],
        portals=[(provider, _from_portal(provider)) for provider in known.values()],
        keeping=known.get(FOR_FLAVOURS),
        flavours=FLAVOURS,
        wishing=wishing,
        wishes=wishes,
    )


def _address(way: Way) -> str:
    address = url_for("signon.login", provider=way.provider, next=url_for("demo.profile"))
    return add_query(address, dict(way.parameters))


def _from_portal(provider: Provider) -> str:
    """The link that a provider's page of applications has (OIDC Core 4)."""
    target = url_for("demo.profile")
    return url_for(f"signon.initiate_{provider.name}", iss=provider.issuer, target_link_uri=target)
