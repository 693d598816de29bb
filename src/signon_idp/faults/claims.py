"""Faults of the ID token's claims (OIDC Core 2, 3.1.3.7): well signed, and wrong in what they say."""

from signon_idp.faults.callback import STRANGE_ISSUER
from signon_idp.faults.kinds import Fault
from signon_idp.faults.shapes import BendMembers, having, without
from signon_idp.model import JsonObject
from signon_idp.scene import Scene

_HOUR = 3600
_DAY = 86400
_STRANGER = "https://stranger.example.net"


def _later(member: str, seconds: int) -> BendMembers:
    return lambda claims, scene: {**claims, member: int(scene.now) + seconds}


def _iss_slash(claims: JsonObject, scene: Scene) -> JsonObject:
    issuer = scene.issuer
    return {**claims, "iss": issuer[:-1] if issuer.endswith("/") else issuer + "/"}


def _aud_prefix(claims: JsonObject, _scene: Scene) -> JsonObject:
    return {**claims, "aud": f"{claims['aud']}-and-more"}


def _aud_extra(claims: JsonObject, _scene: Scene) -> JsonObject:
    return {**claims, "aud": [claims["aud"], _STRANGER]}


_TABLE: dict[str, tuple[str, BendMembers]] = {
    "id_token_no_iss": ("iss is missing.", without("iss")),
    "id_token_wrong_iss": ("iss names another issuer.", having(iss=STRANGE_ISSUER)),
    "id_token_iss_slash": ("iss has a slash at its end too many, or too few.", _iss_slash),
    "id_token_no_aud": ("aud is missing.", without("aud")),
    "id_token_wrong_aud": ("aud names another client.", having(aud="another-client")),
    "id_token_aud_prefix": ("aud begins with the client's id and goes on.", _aud_prefix),
    "id_token_aud_empty": ("aud is an empty array.", having(aud=[])),
    "id_token_aud_number": ("aud is a number.", having(aud=0)),
    "id_token_aud_extra": ("aud names the client and a stranger.", _aud_extra),
    "id_token_wrong_azp": ("azp names another client.", having(azp="another-client")),
    "id_token_no_exp": ("exp is missing.", without("exp")),
    "id_token_expired": ("exp was an hour ago.", _later("exp", -_HOUR)),
    "id_token_exp_text": ("exp is a text.", having(exp="9999999999")),
    "id_token_exp_true": ("exp is true.", having(exp=True)),
    "id_token_no_iat": ("iat is missing.", without("iat")),
    "id_token_future_iat": ("iat is an hour ahead.", _later("iat", _HOUR)),
    "id_token_old_iat": ("iat is a day ago.", _later("iat", -_DAY)),
    "id_token_iat_text": ("iat is a text.", having(iat="1700000000")),
    "id_token_future_nbf": ("nbf is an hour ahead.", _later("nbf", _HOUR)),
    "id_token_no_nonce": ("nonce is missing.", without("nonce")),
    "id_token_wrong_nonce": ("nonce is another's.", having(nonce="another-nonce")),
    "id_token_no_sub": ("sub is missing.", without("sub")),
    "id_token_empty_sub": ("sub is empty.", having(sub="")),
    "id_token_long_sub": ("sub has 256 characters.", having(sub="s" * 256)),
    "id_token_sub_number": ("sub is a number.", having(sub=12345)),
    "id_token_sub_not_ascii": ("sub is not ASCII.", having(sub="สมหญิง")),
    "id_token_wrong_at_hash": ("at_hash is of another access token.", having(at_hash="A" * 22)),
    "id_token_at_hash_number": ("at_hash is a number.", having(at_hash=12345)),
    "id_token_no_auth_time": ("auth_time is missing.", without("auth_time")),
    "id_token_old_auth_time": ("auth_time is a day ago.", _later("auth_time", -_DAY)),
    "id_token_wrong_acr": ("acr is none that anybody asked for.", having(acr="urn:example:acr:nothing")),
}

CLAIMS_FAULTS = {name: Fault(sentence=says, claims=bend) for name, (says, bend) in _TABLE.items()}
