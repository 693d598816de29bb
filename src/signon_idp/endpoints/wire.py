"""What several endpoints read from Flask's request and write to its response."""

from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.errors import OAuthError
from signon_idp.model import Client
from signon_idp.rules.assertion import Judge
from signon_idp.rules.authorization import AuthorizationRequest, ReturnAddress, read_authorization
from signon_idp.rules.client_auth import authenticate
from signon_idp.rules.parameters import Pairs, Parameters, read_form

if TYPE_CHECKING:
    from signon_idp.provider import Idp

_FORM = "application/x-www-form-urlencoded"


def query_pairs() -> Pairs:
    """The query's parameters in order, repeats included."""
    return tuple(request.args.items(multi=True))


def form_pairs() -> Pairs:
    """The form's parameters, repeats included."""
    return tuple(request.form.items(multi=True))


def authenticated(idp: "Idp", *, pushed: bool = False) -> tuple[Client, Parameters]:
    """The client that a back-channel request proves to be, and the request's parameters.

    In a `pushed` authorization request `client_id` is one of the request's own parameters (RFC 9126 2.1).
    """
    if request.mimetype != _FORM:
        raise OAuthError("invalid_request", f"the request's content type must be {_FORM}")
    form = read_form(form_pairs())
    judge = Judge(issuer=idp.issuer, now=idp.now(), first_use=idp.state.first_use)
    authorization = request.headers.get("Authorization")
    if idp.dialect.basic_alone and authorization is not None and "client_id" in form and not pushed:
        raise OAuthError("invalid_request", "client_id must not be in the body beside Basic authentication")
    return authenticate(authorization, form, idp.clients, judge, raw_basic=idp.dialect.raw_basic), form


def judged(idp: "Idp", pairs: Pairs, back: ReturnAddress) -> AuthorizationRequest:
    """An authorization request by the rules of this provider; CallbackError where they forbid it."""
    return read_authorization(
        pairs,
        back,
        judge=idp.dialect.judge_request,
        openid_required=idp.dialect.openid_required,
        response_types=idp.dialect.response_types,
    )


def redirect(location: str) -> Response:
    """A 303, after which every browser uses GET and no form is sent twice (RFC 9700 4.12)."""
    return Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})
