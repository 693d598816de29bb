"""Make tokens and remember them: for the token endpoint, and for answers that bring them by the browser."""

from typing import TYPE_CHECKING

from signon_idp.id_token import id_token_claims, write_id_token
from signon_idp.jwe import id_token_for
from signon_idp.model import Client, Grant, JsonObject, Token

if TYPE_CHECKING:
    from signon_idp.provider import Idp


def give_access_token(idp: "Idp", client: Client, grant: Grant, scopes: tuple[str, ...]) -> JsonObject:
    """A new access token, with what an answer says of it (RFC 6749 4.2.2, 5.1)."""
    make = idp.dialect.make_access_token
    made = make(grant, idp.scene(client, grant)) if make else None
    value = idp.state.mint() if made is None else idp.state.remember(made)
    lifetime = idp.access_token_seconds
    _keep(idp, value, kind="access_token", grant=grant, scopes=scopes, lifetime_seconds=lifetime)
    return {
        "access_token": value,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": " ".join(scopes),
    }


def give_refresh_token(idp: "Idp", grant: Grant) -> str:
    """A new refresh token."""
    value = idp.state.mint()
    lifetime = idp.dialect.lifetimes.refresh_token
    _keep(idp, value, kind="refresh_token", grant=grant, scopes=grant.scopes, lifetime_seconds=lifetime)
    return value


def _keep(
    idp: "Idp", value: str, *, kind: str, grant: Grant, scopes: tuple[str, ...], lifetime_seconds: int
) -> None:
    now = idp.now()
    kept = Token(kind=kind, grant=grant, scopes=scopes, issued_at=now, expires_at=now + lifetime_seconds)
    idp.state.tokens.put(value, kept, until=kept.expires_at)


def give_id_token(
    idp: "Idp", client: Client, grant: Grant, *, access_token: str | None = None, code: str | None = None
) -> str:
    """An ID token with the hashes of what comes beside it, signed, and encrypted where that is registered."""
    scene = idp.scene(client, grant)
    claims = id_token_claims(idp.dialect, scene, access_token=access_token, code=code)
    signed = idp.state.remember(write_id_token(claims, scene, idp.fault_now, shape=idp.dialect.id_token_draft))
    return idp.state.remember(id_token_for(client, signed))
