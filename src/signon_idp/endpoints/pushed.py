"""Pushed authorization requests (RFC 9126)."""

from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.endpoints.wire import authenticated, form_pairs, judged
from signon_idp.errors import CallbackError, OAuthError, PageError
from signon_idp.model import Pushed
from signon_idp.replies import json_reply, to_response
from signon_idp.rules.authorization import read_return_address
from signon_idp.rules.parameters import given

if TYPE_CHECKING:
    from signon_idp.provider import Idp
    from signon_idp.rules.parameters import Pairs

URN = "urn:ietf:params:oauth:request_uri:"
_CREATED = 201
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def push(idp: "Idp") -> Response:
    """Take a request over the back channel, judged as at the authorization endpoint (section 2.1)."""
    client, form = authenticated(idp, pushed=True)
    if "request_uri" in form:
        raise OAuthError("invalid_request", "request_uri must not be pushed (RFC 9126 2.1)")
    pairs = tuple(pair for pair in form_pairs() if pair[0] not in _CREDENTIALS)
    _judge(idp, (*pairs, *(() if "client_id" in form else (("client_id", client.client_id),))))
    value = idp.state.mint()
    lifetime = idp.dialect.lifetimes.pushed
    kept = Pushed(client_id=client.client_id, pairs=pairs)
    idp.state.pushed.put(value, kept, until=idp.now() + lifetime)
    members = {"request_uri": URN + value, "expires_in": lifetime}
    return to_response(json_reply(members, status=_CREATED), request.environ)


def _judge(idp: "Idp", pairs: "Pairs") -> None:
    try:
        back = read_return_address(pairs, idp.clients)
        judged(idp, pairs, back)
    except PageError as error:
        raise OAuthError("invalid_request", error.description) from None
    except CallbackError as error:
        raise OAuthError(error.error, error.description) from None


def unfold(idp: "Idp", pairs: "Pairs") -> "Pairs":
    """The pushed request that `request_uri` names, once, in place of the query that names it (section 4).

    A plain query comes back as it is, unless its client must push: then CallbackError.
    """
    found = given(pairs)
    reference = found.get("request_uri", "")
    if idp.dialect.paths.pushed is None or not reference.startswith(URN):
        client = idp.clients.get(found.get("client_id", ""))
        if client is not None and client.require_pushed_authorization_requests:
            raise CallbackError("invalid_request", "this client must push its requests (RFC 9126 5)")
        return pairs
    with idp.state.lock:
        kept = idp.state.pushed.get(reference.removeprefix(URN))
        if kept is None or kept.client_id != found.get("client_id"):
            raise PageError("invalid_request_uri", "request_uri is unknown, expired, used or another client's")
        idp.state.pushed.drop(reference.removeprefix(URN))
    return (*((name, value) for name, value in kept.pairs if name != "client_id"), ("client_id", kept.client_id))
