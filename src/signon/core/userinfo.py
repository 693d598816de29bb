"""The userinfo endpoint (OIDC Core 5.3): JSON or a signed JWT, and always the same subject."""

from __future__ import annotations

import hmac
from urllib.parse import urlencode

from signon.core.encrypted import open_token
from signon.core.errors import MalformedAnswer, ProviderRefused, TokenRejected
from signon.core.header import read_header
from signon.core.http import FORM, HttpRequest, HttpResponse, read_success
from signon.core.id_token import verify_signature
from signon.core.keys import KeySet
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.tokens import TokenSet
from signon.core.values import JsonObject, Secret, read_json_object

_JWT = "application/jwt"
_MEDIA_TYPES = frozenset({"application/json", _JWT})
_PROMISED = {"profile": "name", "email": "email"}
"""The claim by which we know whether an ID token already has what a scope asks for (OIDC Core 5.4)."""


def wants_userinfo(provider: Provider, metadata: Metadata, claims: JsonObject, scope: tuple[str, ...]) -> bool:
    """Whether this sign-in needs a second request, by the provider's policy.

    Raises `MalformedAnswer` (`metadata_userinfo_endpoint_missing`) where it always does, and there is no place.
    """
    if provider.userinfo == "always" and metadata.userinfo_endpoint is None:
        raise MalformedAnswer(
            "metadata_userinfo_endpoint_missing",
            f"userinfo is to be asked always, and {provider.name} names no address for it",
            section="OIDC Discovery 3",
        )
    if provider.userinfo == "never" or metadata.userinfo_endpoint is None:
        return False
    missing = any(word in scope and not claims.get(name) for word, name in _PROMISED.items())
    return provider.userinfo == "always" or missing


def userinfo_request(provider: Provider, metadata: Metadata, tokens: TokenSet) -> HttpRequest:
    """Ask for claims, with the token in the header, or in a form where the provider wants that (RFC 6750 2)."""
    url = metadata.userinfo_endpoint or ""
    headers = {**provider.headers, "Accept": "application/json, application/jwt"}
    token = tokens.access_token.reveal()
    if provider.userinfo_form:
        body = urlencode({"access_token": token}).encode("ascii")
        headers["Content-Type"] = FORM
        return HttpRequest(method="POST", url=url, document="userinfo", headers=headers, body=body)
    headers["Authorization"] = f"Bearer {token}"
    return HttpRequest(method="GET", url=url, document="userinfo", headers=headers)


def is_signed(response: HttpResponse) -> bool:
    """Whether the answer is a JWT, for which keys are needed."""
    return response.media_type == _JWT


def read_userinfo(
    response: HttpResponse, *, provider: Provider, issuer: str, subject: str, keys: KeySet, now: float
) -> JsonObject:
    """Read the claims; nothing of them is used unless `sub` is exactly the ID token's (OIDC Core 5.3.2).

    Codes: `userinfo_refused` (401, 403), `userinfo_not_signed`, `userinfo_sub_missing`,
    `userinfo_sub_mismatch`, those of a signature (`userinfo_alg_…`, `userinfo_signature`, `userinfo_iss`,
    `userinfo_aud`, …) and those of every answer.
    """
    if response.status in {401, 403}:
        raise ProviderRefused(
            "userinfo_refused",
            f"the userinfo endpoint refused the access token ({response.status})",
            error=str(response.status),
            section="OIDC Core 5.3.3",
        )
    read_success(response, document="userinfo", media_types=_MEDIA_TYPES)
    if is_signed(response):
        payload = _verified(response, provider, keys)
    elif provider.userinfo_alg is not None or provider.userinfo_encryption is not None:
        raise TokenRejected(
            "userinfo_not_signed", "userinfo is registered to come signed, and did not", section="OIDC Core 5.3.2"
        )
    else:
        payload = response.body
    claims = read_json_object(payload, document="userinfo")
    if is_signed(response):
        _check_signed_claims(claims, provider, issuer)
    claims = provider.read_userinfo(claims, now)
    _check_subject(claims, subject)
    return claims


def _verified(response: HttpResponse, provider: Provider, keys: KeySet) -> bytes:
    token = open_token(
        Secret(response.body.decode("ascii", "replace").strip()),
        provider=provider,
        registered=provider.userinfo_encryption,
        document="userinfo",
    )
    header = read_header(token.reveal(), document="userinfo")
    allowed = provider.id_token_algs if provider.userinfo_alg is None else {provider.userinfo_alg}
    if header.alg not in allowed:
        raise TokenRejected(
            "userinfo_alg_mismatch", "userinfo is signed with another algorithm", section="OIDC Core 5.3.2"
        )
    return verify_signature(
        token, header=header, keys=keys, client_secret=provider.client.secret, alg=header.alg, document="userinfo"
    )


def _check_signed_claims(claims: JsonObject, provider: Provider, issuer: str) -> None:
    audience = claims.get("aud")
    if claims.get("iss") != issuer:
        raise TokenRejected("userinfo_iss", "signed userinfo is from another issuer", section="OIDC Core 5.3.2")
    if provider.client.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise TokenRejected("userinfo_aud", "signed userinfo is for another client", section="OIDC Core 5.3.2")


def _check_subject(claims: JsonObject, subject: str) -> None:
    theirs = claims.get("sub")
    if not isinstance(theirs, str) or not theirs:
        raise MalformedAnswer("userinfo_sub_missing", "userinfo has no sub", section="OIDC Core 5.3.2")
    if not hmac.compare_digest(theirs.encode(), subject.encode()):
        raise TokenRejected(
            "userinfo_sub_mismatch",
            "userinfo is about another person than the id_token",
            section="OIDC Core 5.3.2",
        )
