"""Auth0's organizations: which one a sign-in is for, asked or chosen on a page, and who belongs to it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.endpoints.authorize import continue_request, refuse
from signon_idp.endpoints.browser import browser_id
from signon_idp.endpoints.interaction import carried_request
from signon_idp.errors import CallbackError
from signon_idp.model import BrowserSession, Client, Persona
from signon_idp.pages.render import page
from signon_idp.pages.seal import seal_form
from signon_idp.rules.authorization import AuthorizationRequest
from signon_idp.rules.parameters import Parameters

if TYPE_CHECKING:
    from signon_idp.provider import Idp

PATH = "/u/organization"
INVITATION = "practice-invitation-ticket"
"""The one ticket that lets a person in who does not belong to the organization yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One organization of the tenant; `members` are personas' ids."""

    id: str
    name: str
    label: str
    members: frozenset[str]


ORGANIZATIONS = (
    Organization(id="org_8kQ2", name="acme", label="Acme", members=frozenset({"mia", "kit"})),
    Organization(id="org_3bVx", name="siam-books", label="Siam Books", members=frozenset({"kit", "tan"})),
)


def organization_of(asked: Parameters, client: Client) -> Organization | None:
    """The organization that a request names by id or name, or None; CallbackError where it can't be."""
    wanted = asked.get("organization")
    if "invitation" in asked and (wanted is None or asked["invitation"] != INVITATION):
        raise CallbackError("invalid_request", "the invitation is unknown, or comes without its organization")
    if wanted is None:
        return None
    if client.organization_usage == "deny":
        raise CallbackError("invalid_request", "parameter organization is not allowed for this client")
    # Names are compared without case, ids exactly.
    for organization in ORGANIZATIONS:
        if wanted == organization.id or wanted.lower() == organization.name:
            return organization
    raise CallbackError("invalid_request", f"the organization {wanted} does not exist")


def choose(idp: "Idp", wanted: AuthorizationRequest, session: BrowserSession, browser: str) -> Response | None:
    """Ask for the organization where the client requires one and the request names none; None to go on."""
    client = wanted.back.client
    organization = organization_of(wanted.asked, client)
    if organization is not None:
        if session.persona.id not in organization.members and "invitation" not in wanted.asked:
            raise CallbackError("access_denied", f"the user is not part of the {organization.id} organization")
        return None
    if client.organization_usage != "require":
        return None
    if "none" in wanted.prompt:
        raise CallbackError("interaction_required", "the person has to choose an organization")
    return _page(idp, wanted, session.persona, browser)


def _page(idp: "Idp", wanted: AuthorizationRequest, persona: Persona, browser: str) -> Response:
    client = wanted.back.client
    return page(
        idp,
        "organization.html",
        leads_to=wanted.back.redirect_uri,
        ui_locales=wanted.ui_locales,
        action=idp.base + PATH,
        form_token=seal_form(idp, browser, purpose="organization", text=wanted.text),
        carried=wanted.text,
        client_name=client.client_name or client.client_id,
        persona=persona,
        organizations=[one for one in ORGANIZATIONS if persona.id in one.members],
    )


def chosen(idp: "Idp") -> Response:
    """The person chose: go on as if the request had named that organization."""
    browser = browser_id(idp)
    wanted, pairs = carried_request(idp, browser, purpose="organization")
    organization = request.form.get("organization", "")
    if request.form.get("cancel") or not organization:
        return refuse(idp, wanted.back, CallbackError("access_denied", "the person chose no organization"))
    pairs = (*(pair for pair in pairs if pair[0] != "organization"), ("organization", organization))
    return continue_request(idp, pairs, browser, asked=frozenset({"login", "consent"}))
