"""The token request (RFC 6749 4.1.3, 4.4, 6; RFC 7636 4.6)."""

import base64
import hashlib
import hmac
import re

from signon_idp.errors import OAuthError
from signon_idp.model import Client, Code, Token
from signon_idp.rules.parameters import Parameters

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def required(form: Parameters, name: str) -> str:
    """The parameter, or `invalid_request`."""
    value = form.get(name)
    if value is None:
        raise OAuthError("invalid_request", f"{name} is missing")
    return value


def check_grant_type(form: Parameters, client: Client, supported: tuple[str, ...]) -> str:
    """The grant type, if we speak it and the client is registered for it."""
    grant_type = required(form, "grant_type")
    if grant_type not in supported:
        raise OAuthError("unsupported_grant_type", f"grant_type is one of {', '.join(supported)}")
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", f"this client is not registered for {grant_type}")
    return grant_type


def check_code(code: Code | None, form: Parameters, client: Client, *, now: float) -> Code:
    """The code, if it is this client's, fresh, for this redirect URI and this verifier; else `invalid_grant`.

    Whether it was used before is not judged here: that is asked and marked in one step, under the lock.
    """
    redirect_uri = required(form, "redirect_uri")
    if code is None:
        raise OAuthError("invalid_grant", "no such code")
    if code.grant.client_id != client.client_id:
        raise OAuthError("invalid_grant", "the code was issued to another client")
    if not code.used and now >= code.expires_at:
        raise OAuthError("invalid_grant", "the code has expired")
    if code.redirect_uri != redirect_uri:
        raise OAuthError("invalid_grant", "redirect_uri differs from the authorization request's")
    _check_verifier(form.get("code_verifier"), code.code_challenge)
    return code


def _check_verifier(verifier: str | None, challenge: str | None) -> None:
    if challenge is None:
        if verifier is not None:
            # Otherwise an attacker who strips the challenge goes unnoticed (RFC 9700 2.1.1).
            raise OAuthError("invalid_grant", "code_verifier without a code_challenge before it")
        return
    if verifier is None:
        raise OAuthError("invalid_grant", "code_verifier is missing")
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_grant", "code_verifier is not 43 to 128 unreserved characters")
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(digest, challenge):
        raise OAuthError("invalid_grant", "code_verifier does not fit code_challenge")


def check_refresh_token(token: Token | None, client: Client, *, now: float) -> Token:
    """The refresh token, if it is this client's and alive; its use is judged under the lock."""
    if token is None or token.kind != "refresh_token":
        raise OAuthError("invalid_grant", "no such refresh token")
    if token.grant.client_id != client.client_id:
        raise OAuthError("invalid_grant", "the refresh token was issued to another client")
    if now >= token.expires_at:
        raise OAuthError("invalid_grant", "the refresh token has expired")
    if token.revoked or token.grant.ended:
        raise OAuthError("invalid_grant", "the refresh token was revoked")
    return token


def narrowed(form: Parameters, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes asked for, which must be among `allowed`; all of those when none is asked (RFC 6749 6)."""
    asked = tuple(dict.fromkeys(form.get("scope", "").split()))
    if not set(asked) <= set(allowed):
        raise OAuthError("invalid_scope", "scope asks for more than was granted")
    return asked or allowed
