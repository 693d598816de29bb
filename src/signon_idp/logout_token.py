"""The logout token's claims (OIDC Back-Channel Logout 1.0, 2.4) and its signing."""

import secrets

from signon_idp.dialect import BackchannelRules
from signon_idp.faults.kinds import Fault, bend
from signon_idp.faults.logout import EVENT
from signon_idp.id_token import signing_key
from signon_idp.jwe import id_token_for
from signon_idp.jws import draft, write
from signon_idp.model import Client, JsonObject
from signon_idp.scene import Scene

LIFE_SECONDS = 120


def logout_token_claims(scene: Scene, rules: BackchannelRules, *, sub: str | None, sid: str | None) -> JsonObject:
    """The healthy claims for the scene's client, with what is given of `sub` and `sid`; times in POSIX seconds."""
    about = {name: value for name, value in (("sub", sub), ("sid", sid)) if value is not None}
    claims: JsonObject = {
        "iss": scene.issuer,
        "aud": _client(scene).client_id,
        "iat": int(scene.now),
        "exp": int(scene.now) + LIFE_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "events": {EVENT: {}},
        **about,
    }
    return rules.claims(claims, scene)


def write_logout_tokens(
    claims: JsonObject, scene: Scene, fault: Fault, *, rules: BackchannelRules
) -> tuple[str, ...]:
    """The posts to make, one in health: signed as the client's ID tokens are, and encrypted where those are."""
    client = _client(scene)
    alg = client.id_token_signed_response_alg
    bent = bend(fault.logout_claims, claims, scene)
    token = draft(bent, key=signing_key(scene.keys, client, alg), alg=alg, typ=rules.typ)
    posts: tuple[str, ...] = (write(bend(fault.logout_draft, token, scene)),)
    return tuple(id_token_for(client, signed) for signed in bend(fault.logout_posts, posts, scene))


def _client(scene: Scene) -> Client:
    if scene.client is None:
        raise AssertionError("a logout token needs a client")
    return scene.client
