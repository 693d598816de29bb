"""Faults of the logout token (OIDC Back-Channel Logout 1.0, 2.4 and 2.6)."""

import json
from dataclasses import replace

from jwcrypto.common import base64url_decode, base64url_encode

from signon_idp.faults.callback import STRANGE_ISSUER
from signon_idp.faults.jose import BendDraft, foreign_alg, hs256_public_key, other_alg, unsecured, with_header
from signon_idp.faults.kinds import Bend, Fault
from signon_idp.faults.shapes import BendMembers, having, without
from signon_idp.jws import Draft
from signon_idp.keys import foreign_key
from signon_idp.model import JsonObject
from signon_idp.replies import dump
from signon_idp.scene import Scene

EVENT = "http://schemas.openid.net/event/backchannel-logout"
_HOUR = 3600

BendPosts = Bend[tuple[str, ...]]


def _later(member: str, seconds: int) -> BendMembers:
    return lambda claims, scene: {**claims, member: int(scene.now) + seconds}


def _nobody(claims: JsonObject, _scene: Scene) -> JsonObject:
    return {name: value for name, value in claims.items() if name not in {"sub", "sid"}}


def _unknown_key(draft: Draft, _scene: Scene) -> Draft:
    alg = foreign_alg(draft)
    key = foreign_key(alg)
    return replace(draft, header={**draft.header, "alg": alg, "kid": key["kid"]}, alg=alg, key=key)


def _id_token(draft: Draft, scene: Scene) -> Draft:
    claims = json.loads(draft.payload)
    claims.pop("events", None)
    claims |= {"auth_time": int(scene.now), "nonce": "a-nonce-of-some-sign-in"}
    return replace(draft, header={**draft.header, "typ": "JWT"}, payload=dump(claims))


def _altered(posts: tuple[str, ...], _scene: Scene) -> tuple[str, ...]:
    header, payload, signature = posts[0].split(".")
    claims = {**json.loads(base64url_decode(payload)), "sub": "somebody-else"}
    return (f"{header}.{base64url_encode(dump(claims))}.{signature}",)


def _replayed(posts: tuple[str, ...], _scene: Scene) -> tuple[str, ...]:
    return (*posts, *posts)


_CLAIMS: dict[str, tuple[str, BendMembers]] = {
    "logout_no_iss": ("iss is missing.", without("iss")),
    "logout_wrong_iss": ("iss names another issuer.", having(iss=STRANGE_ISSUER)),
    "logout_no_aud": ("aud is missing.", without("aud")),
    "logout_wrong_aud": ("aud names another client.", having(aud="another-client")),
    "logout_no_iat": ("iat is missing.", without("iat")),
    "logout_future_iat": ("iat is an hour ahead.", _later("iat", _HOUR)),
    "logout_no_exp": ("exp is missing.", without("exp")),
    "logout_expired": ("exp was an hour ago.", _later("exp", -_HOUR)),
    "logout_no_jti": ("jti is missing.", without("jti")),
    "logout_jti_number": ("jti is a number.", having(jti=12345)),
    "logout_nonce": ("There is a nonce, as ID tokens have it.", having(nonce="a-nonce-of-some-sign-in")),
    "logout_no_events": ("events is missing.", without("events")),
    "logout_events_array": ("events is an array that holds the event's name.", having(events=[EVENT])),
    "logout_other_event": ("events holds another event alone.", having(events={"urn:example:event": {}})),
    "logout_event_text": ("The event's value is a text.", having(events={EVENT: "ended"})),
    "logout_no_sub_no_sid": ("sub and sid are missing.", _nobody),
    "logout_sub_number": ("sub is a number.", having(sub=12345)),
    "logout_sid_number": ("sid is a number.", having(sid=12345)),
}
_DRAFTS: dict[str, tuple[str, BendDraft]] = {
    "logout_alg_none": ("alg is none, and nothing is signed.", unsecured("none")),
    "logout_hs256_public_key": ("Signed by HS256 with the RS256 key's public PEM as secret.", hs256_public_key),
    "logout_other_alg": ("Signed well, by an algorithm that is not registered: PS256, or RS256.", other_alg),
    "logout_unknown_key": ("Signed by a key that is not published.", _unknown_key),
    "logout_wrong_typ": ("typ is at+jwt.", with_header(typ="at+jwt")),
    "logout_id_token": ("An ID token is sent in the logout token's place.", _id_token),
}
_POSTS: dict[str, tuple[str, BendPosts]] = {
    "logout_altered": ("sub was changed after the token was signed.", _altered),
    "logout_replayed": ("The same token is sent twice.", _replayed),
}

LOGOUT_FAULTS = {
    **{name: Fault(sentence=says, logout_claims=bend) for name, (says, bend) in _CLAIMS.items()},
    **{name: Fault(sentence=says, logout_draft=bend) for name, (says, bend) in _DRAFTS.items()},
    **{name: Fault(sentence=says, logout_posts=bend) for name, (says, bend) in _POSTS.items()},
}
