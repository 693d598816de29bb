"""ID tokens that come back as `id_token_hint` (OIDC Core 3.1.2.1, RP-Initiated Logout 2)."""

import json
from typing import TYPE_CHECKING

from signon_idp.errors import PageError

if TYPE_CHECKING:
    from signon_idp.provider import Idp

_NEEDED = ("iss", "sub", "aud")


def hinted_claims(idp: "Idp", id_token_hint: str, *, expired: bool = True) -> dict[str, str]:
    """The text claims of an ID token that we signed, expired or not; nothing for any other text.

    Without `expired` an expired one is a PageError, for vendors that refuse it.
    """
    by_secret = [
        client.client_secret or ""
        for client in idp.clients.values()
        if client.id_token_signed_response_alg == "HS256"
    ]
    payload = idp.keys.verify(id_token_hint, secrets=by_secret)
    try:
        claims = json.loads(payload or b"{}")
    except ValueError:
        return {}  # a fault of ours may have signed anything
    if not isinstance(claims, dict):
        return {}
    if not expired and idp.now() >= claims.get("exp", float("inf")):
        raise PageError("hint_expired", "id_token_hint is no longer valid")
    texts = {name: value for name, value in claims.items() if isinstance(value, str)}
    ours = texts.get("iss") == idp.issuer and all(name in texts for name in _NEEDED)
    return texts if ours else {}
