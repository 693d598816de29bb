"""Secrets are planted wherever one can stand, every reader is made to fail, and no error may hold one.

Looked at: the text, repr, arguments and attributes of each error, and of every error that hangs on it by
cause or context, suppressed or not, since log services print those too.
"""

import json
from collections.abc import Callable

import pytest
from tests.core.forge import (
    CLIENT_ID,
    ISSUER,
    NOW,
    answer,
    b64,
    callback,
    chain,
    claims,
    compact,
    encrypted,
    json_answer,
    key_set,
    metadata,
    pem,
    provider,
    public_jwk,
    rsa_key,
    signed,
    transaction,
    verify,
)

from signon.core.authorize import pushed_request, read_pushed
from signon.core.client_auth import Client, authenticate
from signon.core.errors import OperatorError, SignOnError
from signon.core.flow import complete_login
from signon.core.introspection import introspection_request, read_introspection
from signon.core.jose import decrypt_jwe, private_keys
from signon.core.keys import read_jwks
from signon.core.metadata import read_discovery
from signon.core.revocation import read_revocation, read_revoked
from signon.core.tokens import TokenSet, read_refreshed, read_tokens
from signon.core.userinfo import read_userinfo
from signon.core.values import Secret, read_json_object

PLANT = "PLANTED-SECRET-0123456789"
CLIENT = Client(client_id=CLIENT_ID, secret=Secret(PLANT))
STATED = ("state", PLANT)
PLANTED = transaction(state=PLANT, nonce=PLANT, verifier=PLANT)
KEY = public_jwk(rsa_key())


def everything(error: BaseException) -> str:
    """All the text that an error, and what hangs on it, can be made to show."""
    pieces = []
    for one in chain(error):
        fields = [getattr(one, name, None) for name in ("code", "section", "error", "description", "error_uri")]
        fields += [getattr(one, name, None) for name in ("doc", "object", "problems", "__notes__")]
        pieces += [str(one), repr(one), repr(one.args), repr(vars(one)), repr(fields)]
    return "\n".join(pieces)


def holds_a_plant(text: str) -> bool:
    """Whether the plant, or enough of it to be of use, is in the text in any spelling that it may have."""
    spellings = (PLANT, repr(PLANT)[1:-1], b64(PLANT.encode()), PLANT.encode().hex())
    return any(piece in text for spelling in spellings for piece in (spelling, spelling[:12], spelling[-12:]))


def read_code(*pairs: tuple[str, str], mode: str = "query", **context: object) -> object:
    return callback(*pairs, mode=mode, of_transaction=PLANTED, of_provider=provider(client=CLIENT), **context)


def tokens(body: bytes, status: int = 200) -> object:
    response = answer(body, status=status)
    return read_tokens(response, provider=provider(client=CLIENT), scopes=("openid",), now=NOW)


def tokens_of(**members: object) -> object:
    usual = {"access_token": PLANT, "refresh_token": PLANT, "id_token": PLANT, "token_type": "Bearer"}
    return tokens(json.dumps(usual | members).encode())


def renewed(body: bytes, status: int = 200) -> object:
    old = TokenSet(access_token=Secret(PLANT), scope=(), refresh_token=Secret(PLANT))
    return read_refreshed(answer(body, status=status), provider=provider(client=CLIENT), old=old, now=NOW)


def userinfo(body: bytes, content_type: str = "application/json") -> object:
    return read_userinfo(
        answer(body, content_type=content_type),
        provider=provider(client=CLIENT),
        issuer=ISSUER,
        subject=PLANT,
        keys=key_set(),
        now=NOW,
    )


def id_token(token: str, **expected: object) -> object:
    usual = {"nonce": PLANT, "access_token": Secret(PLANT)}
    return verify(token, client_secret=PLANT, **(usual | expected))


def login(*answers: object) -> object:
    code = callback(STATED, ("code", PLANT), of_transaction=PLANTED, of_provider=provider(client=CLIENT))
    flow = complete_login(provider=provider(client=CLIENT), metadata=metadata(), callback=code, now=NOW)
    next(flow)
    for given in answers:
        flow.send(given)
    return flow


def decrypt(token: str) -> object:
    return decrypt_jwe(token, keys=private_keys(pem(rsa_key("ours"))), algs=("RSA-OAEP-256",), document="doc")


TOKEN = signed(claims(nonce=PLANT))
HEAD, BODY, SIGNATURE = TOKEN.split(".")
PLANTED_HEADER = {"kid": PLANT, "jwk": {"k": PLANT}, "jku": f"https://{PLANT}.example"}

FAILURES: dict[str, Callable[[], object]] = {
    "JSON cut": lambda: read_json_object(f'{{"a":"{PLANT}"'.encode(), document="doc"),
    "JSON not UTF-8": lambda: read_json_object(PLANT.encode() + b"\xff", document="doc"),
    "JSON twice": lambda: read_json_object(f'{{"{PLANT}":1,"{PLANT}":2}}'.encode(), document="doc"),
    "JSON number": lambda: read_json_object(f'{{"{PLANT}":1e999}}'.encode(), document="doc"),
    "JSON too deep": lambda: read_json_object(f'{{"{PLANT}":'.encode() + b"[" * 50_000, document="doc"),
    "JSON half a character": lambda: read_json_object(f'{{"{PLANT}":"\\ud800"}}'.encode(), document="doc"),
    "state of another": lambda: read_code(("state", PLANT + "x"), ("code", PLANT)),
    "state twice": lambda: read_code(STATED, STATED, ("code", PLANT)),
    "code twice": lambda: read_code(STATED, ("code", PLANT), ("code", PLANT)),
    "code and error": lambda: read_code(STATED, ("code", PLANT), ("error", "access_denied")),
    "code not ASCII": lambda: read_code(STATED, ("code", PLANT + "\ud800")),
    "another mode": lambda: read_code(STATED, ("code", PLANT), mode="form_post"),
    "another issuer": lambda: read_code(STATED, ("code", PLANT), ("iss", "https://evil.example")),
    "token in front": lambda: read_code(STATED, ("code", PLANT), ("access_token", PLANT)),
    "ID token in front": lambda: read_code(STATED, ("code", PLANT), ("id_token", PLANT)),
    "refused": lambda: read_code(STATED, ("error", "invalid_scope"), ("error_description", "no")),
    "tokens cut": lambda: tokens(f'{{"access_token":"{PLANT}'.encode()),
    "tokens not UTF-8": lambda: tokens(f'{{"access_token":"{PLANT}"}}'.encode() + b"\xff"),
    "tokens twice": lambda: tokens(f'{{"access_token":"{PLANT}","access_token":"{PLANT}"}}'.encode()),
    "tokens in a 400": lambda: tokens(f'{{"access_token":"{PLANT}"}}'.encode(), status=400),
    "tokens in a broken 400": lambda: tokens(f'{{"access_token":"{PLANT}'.encode(), status=400),
    "tokens in a 500": lambda: tokens(f'{{"access_token":"{PLANT}"}}'.encode(), status=500),
    "access token with a line end": lambda: tokens_of(access_token=PLANT + "\r\n"),
    "refresh token not ASCII": lambda: tokens_of(refresh_token=PLANT + "é"),
    "token type absent": lambda: tokens_of(token_type=None),
    "token type unknown": lambda: tokens_of(token_type="mac"),
    "expiry as text": lambda: tokens_of(expires_in=PLANT),
    "client refused": lambda: tokens(b'{"error":"invalid_client"}', status=401),
    "grant refused": lambda: tokens(b'{"error":"invalid_grant"}', status=400),
    "ID token too long": lambda: id_token(PLANT * 10_000),
    "ID token of one part": lambda: id_token(PLANT),
    "ID token encrypted": lambda: id_token(encrypted(PLANT)),
    "ID token with stray bits": lambda: id_token(f"{HEAD}.{BODY}.{PLANT}=="),
    "ID token's header cut": lambda: id_token(compact(f'{{"alg":"{PLANT}'.encode(), PLANT.encode(), b"")),
    "ID token's header twice": lambda: id_token(compact(f'{{"{PLANT}":1,"{PLANT}":2}}'.encode(), b"", b"")),
    "ID token's alg": lambda: id_token(signed(claims(), header={"alg": PLANT})),
    "ID token's typ": lambda: id_token(signed(claims(nonce=PLANT), header={"typ": PLANT})),
    "ID token's key": lambda: id_token(signed(claims(nonce=PLANT), header=PLANTED_HEADER)),
    "ID token's signature": lambda: id_token(f"{HEAD}.{BODY}.{b64(PLANT.encode())}"),
    "ID token's foreign key": lambda: id_token(signed(claims(nonce=PLANT), key=rsa_key("attacker"))),
    "ID token's payload cut": lambda: id_token(signed(f'{{"nonce":"{PLANT}'.encode())),
    "ID token's nonce": lambda: id_token(signed(claims(nonce=PLANT + "x"))),
    "ID token without nonce": lambda: id_token(signed(claims(nonce=None))),
    "ID token's issuer": lambda: id_token(signed(claims(iss=PLANT, nonce=PLANT))),
    "ID token's subject": lambda: id_token(signed(claims(sub=PLANT * 20, nonce=PLANT))),
    "ID token's audience": lambda: id_token(signed(claims(aud=[CLIENT_ID, PLANT], nonce=PLANT))),
    "ID token's azp": lambda: id_token(signed(claims(azp=PLANT, nonce=PLANT))),
    "ID token's expiry": lambda: id_token(signed(claims(exp=PLANT, nonce=PLANT))),
    "ID token's acr": lambda: id_token(signed(claims(acr=PLANT, nonce=PLANT)), acr_values=("high",)),
    "ID token's at_hash": lambda: id_token(signed(claims(at_hash=PLANT, nonce=PLANT))),
    "ID token's HMAC": lambda: id_token(signed(claims(nonce=PLANT), alg="HS256"), alg="HS256"),
    "secret too short": lambda: id_token(signed(claims(nonce=PLANT), alg="HS512"), alg="HS512"),
    "userinfo cut": lambda: userinfo(f'{{"sub":"{PLANT}'.encode()),
    "userinfo of another": lambda: userinfo(f'{{"sub":"{PLANT}x"}}'.encode()),
    "userinfo without sub": lambda: userinfo(f'{{"name":"{PLANT}"}}'.encode()),
    "userinfo as HTML": lambda: userinfo(PLANT.encode(), "text/html"),
    "userinfo not ASCII": lambda: userinfo(PLANT.encode() + b"\xff", "application/jwt"),
    "userinfo's signature": lambda: userinfo(
        signed({"sub": PLANT}, key=rsa_key("attacker")).encode(), "application/jwt"
    ),
    "userinfo's issuer": lambda: userinfo(signed({"sub": PLANT, "iss": PLANT}).encode(), "application/jwt"),
    "keys with a private one": lambda: read_jwks(json_answer({"keys": [{**KEY, "d": PLANT}]})),
    "keys cut": lambda: read_jwks(answer(f'{{"keys":[{{"kid":"{PLANT}'.encode())),
    "keys unusable": lambda: read_jwks(json_answer({"keys": [{"kty": "RSA", "n": PLANT, "kid": PLANT}]})),
    "metadata's member": lambda: read_discovery(
        json_answer({"issuer": ISSUER, "authorization_endpoint": f"https://u:{PLANT}@op.example/"}), issuer=ISSUER
    ),
    "metadata cut": lambda: read_discovery(answer(f'{{"issuer":"{PLANT}'.encode()), issuer=ISSUER),
    "private key cut": lambda: private_keys(f"-----BEGIN PRIVATE KEY-----\n{PLANT}\n"),
    "private key as JSON": lambda: private_keys(json.dumps({"kty": "RSA", "d": PLANT, "n": PLANT, "e": "AQAB"})),
    "private key as broken JSON": lambda: private_keys(f'{{"kty":"{PLANT}'),
    "encrypted to another": lambda: decrypt(encrypted(PLANT, to=rsa_key("attacker"))),
    "encrypted header cut": lambda: decrypt(".".join([b64(f'{{"alg":"{PLANT}'.encode()), "AA", "AA", "AA", "AA"])),
    "encryption not agreed": lambda: decrypt(encrypted(PLANT, to=b"0123456789abcdef", header={"alg": "A128KW"})),
    "assertion's secret too short": lambda: authenticate(
        Client(client_id=CLIENT_ID, secret=Secret(PLANT), auth="client_secret_jwt"),
        {"code": PLANT},
        supported=(),
        issuer=ISSUER,
        now=NOW,
    ),
    "push cut": lambda: read_pushed(answer(f'{{"request_uri":"{PLANT}'.encode()), provider=provider(), now=NOW),
    "push without a place": lambda: pushed_request(provider(), metadata(), {"code_challenge": PLANT}, now=NOW),
    "introspection cut": lambda: read_introspection(
        answer(f'{{"sub":"{PLANT}'.encode()), provider=provider(), now=NOW
    ),
    "introspection without a place": lambda: introspection_request(provider(), metadata(), Secret(PLANT), now=NOW),
    "refresh cut": lambda: renewed(f'{{"access_token":"{PLANT}'.encode()),
    "refresh ended": lambda: renewed(b'{"error":"invalid_grant"}', status=400),
    "refresh refused": lambda: renewed(b'{"error":"invalid_scope"}', status=400),
    "revocation refused": lambda: read_revocation(
        answer(b'{"error":"unsupported_token_type"}', status=400), provider=provider(), now=NOW
    ),
    "verdict cut": lambda: read_revoked(answer(f'{{"revoked":"{PLANT}'.encode()), provider=provider(), now=NOW),
    "verdict as text": lambda: read_revoked(json_answer({"revoked": PLANT}), provider=provider(), now=NOW),
    "flow, tokens cut": lambda: login(answer(f'{{"access_token":"{PLANT}'.encode())),
    "flow, unknown key": lambda: login(
        json_answer({"access_token": PLANT, "token_type": "Bearer", "id_token": TOKEN}),
        key_set(public_jwk(rsa_key(), kid="old")),
        key_set(public_jwk(rsa_key(), kid="old")),
    ),
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
def test_no_error_holds_a_planted_secret(fail):
    """Whatever secret is fed in, no error that comes out may hold it, nor any error that hangs on it."""
    with pytest.raises(SignOnError) as error:
        fail()
    assert not holds_a_plant(everything(error.value))


def test_the_search_would_find_one():
    """The search itself must see a plant in a message, an attribute, a cause and a suppressed context."""
    hidden = OperatorError("code", "message")
    for attribute in ("__cause__", "__context__"):
        outer = OperatorError("code", "message")
        setattr(outer, attribute, ValueError(PLANT))
        outer.__suppress_context__ = True
        assert holds_a_plant(everything(outer))
    assert not holds_a_plant(everything(hidden))
    hidden.section = PLANT[:12]
    assert holds_a_plant(everything(hidden))
    assert holds_a_plant(everything(OperatorError("code", f"about {PLANT}")))
