"""sgID, Singapore's sign-in (https://docs.id.gov.sg, version 2): userinfo encrypted end to end.

What the documentation and the vendor's own clients show is built in; what was only deduced is an argument of
`sgid_dialect`, the likelier as its default.
"""

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from jwcrypto.common import base64url_encode
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from signon_idp import practice_key
from signon_idp.dialect import Dialect, Lifetimes, Paths, Tint
from signon_idp.dialects.sgid_people import PEOPLE
from signon_idp.errors import CallbackError, OAuthError
from signon_idp.jws import Draft
from signon_idp.model import Client, Grant, JsonObject, Persona
from signon_idp.replies import dump
from signon_idp.rules.authorization import anything_goes
from signon_idp.scene import Scene

SCOPES = (
    "openid",
    *("myinfo.name", "myinfo.nric_number", "myinfo.date_of_birth", "myinfo.sex", "myinfo.race"),
    *("myinfo.nationality", "myinfo.residentialstatus", "myinfo.residential", "myinfo.birth_country"),
    *("myinfo.passport_number", "myinfo.passport_expiry_date", "myinfo.email", "myinfo.mobile_number"),
    *("myinfo.mobile_number_with_country_code", "myinfo.registered_address", "myinfo.housingtype"),
    *("myinfo.hdbtype", "myinfo.vehicles", "myinfo.name_of_employer", "myinfo.workpass_status"),
    *("myinfo.workpass_expiry_date", "myinfo.marital_status", "myinfo.dialect", "myinfo.occupation"),
    *("myinfo.country_of_marriage", "myinfo.marriage_certificate_number", "myinfo.marriage_date"),
    *("myinfo.divorce_date", "myinfo.sponsored_child_records", "pocdex.public_officer_details"),
)
PATHS = Paths(
    jwks="/.well-known/jwks.json",
    authorize="/oauth/authorize",
    token="/oauth/token",
    userinfo="/oauth/userinfo",
    introspection=None,
    revocation=None,
    end_session=None,
)
NOT_AVAILABLE = "NA"
"""The value of a field that there is no data for; never empty."""
_OF_THE_DOCUMENT = (
    *("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"),
    *("response_types_supported", "grant_types_supported", "id_token_signing_alg_values_supported"),
    *("token_endpoint_auth_methods_supported", "code_challenge_methods_supported"),
)
_OF_THE_ID_TOKEN = ("iss", "aud", "iat", "exp", "nonce")
Recipe = Callable[[JWK, Mapping[str, str]], tuple[str, JsonObject]]
_ALPHANUMERIC = string.ascii_letters + string.digits
_TOKEN_CHARACTERS = 30
_ESCAPED = "~?>%\x7f"
"""The vendor's client reads a payload as plain base64 and then percent-decodes it: these would break it."""


def usual_client(client: Client) -> Client:
    """A client as sgID registers it: it posts its secret, and has an RSA key pair to decrypt with."""
    return replace(client, token_endpoint_auth_method="client_secret_post", jwks=practice_key.public_keys())


def settings(issuer: str, client: Client) -> dict[str, str]:
    """What the vendor's own example has in its environment; the private key only where it is the practice one."""
    known = {"ISSUER": issuer, "CLIENT_ID": client.client_id, "CLIENT_SECRET": client.client_secret or ""}
    if client.jwks == practice_key.public_keys():
        known["PRIVATE_KEY"] = practice_key.private_pem().replace("\n", "\\n")
    return known


def discovery_document(document: JsonObject, _scene: Scene) -> JsonObject:
    """What MockPass serves; the vendor's own clients never ask."""
    return {
        **{name: document[name] for name in _OF_THE_DOCUMENT},
        "subject_types_supported": ["pairwise"],
        "scopes_supported": list(SCOPES),
    }


def jwks_members(members: JsonObject, _scene: Scene) -> JsonObject:
    """The RS256 keys alone."""
    return {"keys": [key for key in members["keys"] if key["alg"] == "RS256"]}


def judge_request(found: Mapping[str, str], client: Client) -> None:
    """A scope that does not exist, or was not approved for this client, ends the request."""
    approved = SCOPES if client.scope is None else client.scope.split()
    if not set(found.get("scope", "").split()) <= set(approved):
        raise CallbackError("invalid_scope", "scope names one that is not approved for this client")


def make_access_token(_grant: Grant, _scene: Scene) -> str:
    """An opaque token as in the documentation's sample."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(_TOKEN_CHARACTERS))


def id_token_claims(claims: JsonObject, scene: Scene) -> JsonObject:
    """Never a claim of the profile; `aud` as one text, times as integers."""
    return {"sub": _subject(scene), **{name: claims[name] for name in _OF_THE_ID_TOKEN if name in claims}}


def userinfo_members(_members: JsonObject, scene: Scene, *, recipe: Recipe) -> JsonObject:
    """The subject, and with more scopes than openid the fields, encrypted to the client."""
    values = _values(scene)
    if not values:
        return {"sub": _subject(scene)}
    key, data = recipe(_public_key(scene), values)
    return {"sub": _subject(scene), "key": key, "data": data}


def error_members(members: JsonObject, _scene: Scene, *, standard: bool) -> JsonObject:
    """A message alone, unless it is told otherwise; what goes back by the address is always the standard's."""
    if standard or members["error"] == "access_denied":
        return members
    return {"message": members["error_description"]}


def plain_payload(token: Draft) -> Draft:
    """The payload in ASCII, without the characters that the vendor's own client stumbles over."""
    text = token.payload.decode("utf-8")
    units = "".join(c if c.isascii() and c not in _ESCAPED else _escaped(c) for c in text)
    return replace(token, payload=units.encode("ascii"))


def _escaped(character: str) -> str:
    octets = character.encode("utf-16-be")
    return "".join(f"\\u{octets[at]:02x}{octets[at + 1]:02x}" for at in range(0, len(octets), 2))


def _subject(scene: Scene) -> str:
    """Pairwise: another one at each client, the same each time."""
    grant, persona = _parties(scene)
    return f"u={uuid5(NAMESPACE_URL, f'{scene.issuer} {grant.client_id} {persona.sub}')}"


def _values(scene: Scene) -> dict[str, str]:
    grant, persona = _parties(scene)
    return {scope: persona.claims.get(scope, NOT_AVAILABLE) for scope in grant.scopes if scope != "openid"}


def _parties(scene: Scene) -> tuple[Grant, Persona]:
    if scene.grant is None or scene.grant.persona is None:
        raise AssertionError("sgID hands out tokens for people only")
    return scene.grant, scene.grant.persona


def _public_key(scene: Scene) -> JWK:
    keys = (scene.client.jwks or {}).get("keys", ()) if scene.client is not None else ()
    for key in keys:
        if key.get("kty") == "RSA":
            return JWK(**key)
    raise OAuthError("invalid_client", "this client has no public RSA key here to encrypt to")


def _recipe_a(client_key: JWK, values: Mapping[str, str]) -> tuple[str, JsonObject]:
    """As the fixtures of the vendor's own clients: a fresh 128-bit block key that wraps a key for each field."""
    octets = secrets.token_bytes(16)
    block = {"kty": "oct", "alg": "A128GCM", "k": base64url_encode(octets)}
    key = _encrypted(dump(block), client_key, alg="RSA-OAEP-256", enc="A256GCM")
    block_key = JWK(kty="oct", k=block["k"])
    return key, {
        scope: _encrypted(value.encode(), block_key, alg="A128GCMKW", enc="A128GCM")
        for scope, value in values.items()
    }


def _recipe_b(client_key: JWK, values: Mapping[str, str]) -> tuple[str, JsonObject]:
    """As MockPass: SHA-1 OAEP, and a 256-bit block key that encrypts the fields itself."""
    kid = secrets.token_urlsafe(8)
    block = {"kty": "oct", "kid": kid, "alg": "A256GCM", "k": base64url_encode(secrets.token_bytes(32))}
    key = _encrypted(dump(block), client_key, alg="RSA-OAEP", enc="A128CBC-HS256", kid=client_key["kid"])
    block_key = JWK(kty="oct", k=block["k"])
    return key, {
        scope: _encrypted(value.encode(), block_key, alg="dir", enc="A256GCM", kid=kid)
        for scope, value in values.items()
    }


def _encrypted(plaintext: bytes, key: JWK, **header: str) -> str:
    token = JWE(plaintext, protected=dump(header).decode())
    token.add_recipient(key)
    compact: str = token.serialize(compact=True)
    return compact


_RECIPES: Mapping[str, Recipe] = {"A": _recipe_a, "B": _recipe_b}
_PROMISED = Dialect(
    name="sgid",
    label="sgID",
    tint=Tint(light="#4b3fa3", dark="#b3a9f2"),
    port=9005,
    usual_client=usual_client,
    settings=settings,
    issuer_suffix="/v2",
    paths=PATHS,
    lifetimes=Lifetimes(code=300, id_token=600),
    scope_claims={scope: (scope,) for scope in SCOPES if scope != "openid"},
    acrs={"phone": ()},
    auth_methods=("client_secret_post",),
    signing_algs=("RS256",),
    grant_types=("authorization_code",),
    openid_required=True,
    sends_iss=False,
    keeps_session=False,
    refuses_in_place=True,
    personas=PEOPLE,
    page_kind="qr",
    discovery_document=discovery_document,
    token_members=lambda members, _scene: {name: members[name] for name in ("access_token", "id_token")},
    id_token_claims=id_token_claims,
    jwks_members=jwks_members,
    id_token_draft=plain_payload,
    make_access_token=make_access_token,
)


def sgid_dialect(
    *,
    recipe: Literal["A", "B"] = "A",
    errors: Literal["message", "standard"] = "message",
    unapproved: Literal["refused", "dropped"] = "refused",
) -> Dialect:
    """The vendor, with what nobody has promised as it is told here.

    `recipe` is how fields are encrypted: as the vendor's clients' own fixtures, or as MockPass does it.
    """
    return replace(
        _PROMISED,
        userinfo_members=partial(userinfo_members, recipe=_RECIPES[recipe]),
        error_members=partial(error_members, standard=errors == "standard"),
        judge_request=judge_request if unapproved == "refused" else anything_goes,
    )


SGID = sgid_dialect()
