"""Access tokens presented to the provider's own resource (RFC 6750)."""

from typing import TYPE_CHECKING

from flask import request

from signon_idp.endpoints.wire import form_pairs
from signon_idp.errors import OAuthError
from signon_idp.model import Token
from signon_idp.rules.parameters import read_form

if TYPE_CHECKING:
    from signon_idp.provider import Idp

_REALM = 'Bearer realm="practice provider"'


def bearer_token(idp: "Idp", *, scope: str) -> Token:
    """The live access token of this request, which must allow `scope`; OAuthError with a Bearer challenge."""
    value = _presented()
    if value is None:
        # A request without any credentials gets no error code (RFC 6750 3.1).
        raise OAuthError("invalid_token", "no access token in the request", status=401, challenge=_REALM)
    token = idp.state.tokens.get(value)
    if token is None or token.kind != "access_token" or token.revoked or token.grant.ended:
        raise _refused("invalid_token", "the access token is unknown, expired or revoked", status=401)
    if scope not in token.scopes:
        raise _refused("insufficient_scope", f"the access token does not allow {scope}", status=403)
    return token


def _presented() -> str | None:
    if "access_token" in request.args:
        raise _refused("invalid_request", "access tokens are not accepted in the address", status=400)
    authorization = request.headers.get("Authorization")
    form = read_form(form_pairs())
    if authorization is None:
        return form.get("access_token")
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise _refused("invalid_request", "the Authorization header holds no Bearer token", status=400)
    if "access_token" in form:
        raise _refused("invalid_request", "two access tokens in one request", status=400)
    return value.strip()


def _refused(error: str, description: str, *, status: int) -> OAuthError:
    challenge = f'{_REALM}, error="{error}", error_description="{description}"'
    return OAuthError(error, description, status=status, challenge=challenge)
