"""Guarding an API: the least that `cryptography` can do, Signon with and without its memory, and Authlib.

The same Flask view behind each, called as WSGI callables with RS256 access tokens of RFC 9068, their keys ready.
Prints a table of CPU microseconds for one request and exits with 1 where a limit is missed. (--quick: few rounds)
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from authlib.integrations.flask_oauth2 import ResourceProtector
from authlib.integrations.flask_oauth2 import current_token as authlib_token
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, request
from joserfc.jwk import KeySet
from report import Target, ratio, rows_against, table
from werkzeug.test import EnvironBuilder

from signon.core.client_auth import Client
from signon.core.http import HttpResponse
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.flask import SignOn
from signon.flask.api import GUARD, current_token, token_required
from signon.runtime import cache

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication

ISSUER, AUDIENCE, SCOPE = "https://op.example/", "https://api.example/", "read:orders"
ROUNDS, QUICK_ROUNDS, TOKENS = 101, 21, 64
WITHOUT_MEMORY_LIMIT, WITH_MEMORY_LIMIT = 1.6, 0.8
FLOOR, OURS, OURS_AGAIN, AUTHLIB = "floor", "Signon, first time seen", "Signon, seen before", "Authlib rfc9068"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token(key: rsa.RSAPrivateKey, number: int) -> str:
    """An access token of some 765 characters."""
    now = int(time.time())
    header = {"alg": "RS256", "kid": "k1", "typ": "at+jwt"}
    claims = {
        "iss": ISSUER,
        "sub": f"auth0|{number:024x}",
        "aud": [AUDIENCE, f"{ISSUER}userinfo"],
        "iat": now,
        "exp": now + 3600,
        "client_id": "client-1",
        "jti": f"{number:032x}",
        "scope": f"openid profile email {SCOPE} write:orders",
    }
    data = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    return f"{data}.{encode(key.sign(data.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    n, e = (encode(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (numbers.n, numbers.e))
    return {"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", "n": n, "e": e}


def floor_app(key: rsa.RSAPrivateKey) -> Flask:
    """What anybody would write who wants no library: every check that counts, and nothing else."""
    app, keys = Flask("floor"), {"k1": key.public_key()}

    @app.get("/orders")
    def orders() -> Any:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        try:
            signed, _, signature = text.rpartition(".")
            header, payload = signed.split(".")
            said = json.loads(decode(header))
            if scheme != "Bearer" or said["alg"] != "RS256" or said["typ"] != "at+jwt":
                return "", 401
            keys[said["kid"]].verify(decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims = json.loads(decode(payload))
        except (ValueError, KeyError, InvalidSignature):
            return "", 401
        if claims["iss"] != ISSUER or AUDIENCE not in claims["aud"] or claims["exp"] <= time.time():
            return "", 401
        return (claims["sub"], 200) if SCOPE in claims["scope"].split() else ("", 403)

    return app


def signon_app(key: rsa.RSAPrivateKey) -> Flask:
    jwks = HttpResponse(
        status=200,
        headers={"content-type": "application/json"},
        body=json.dumps({"keys": [jwk(key)]}).encode(),
    )
    cache.transport_for = lambda _provider: SimpleNamespace(send=lambda _request: jwks)
    endpoints = {f"{name}_endpoint": f"{ISSUER}{name}" for name in ("authorization", "token")}
    metadata = Metadata(issuer=ISSUER, jwks_uri=f"{ISSUER}jwks", **endpoints)
    provider = Provider(name="op", label="Op", issuer=ISSUER, client=Client(client_id="app"), metadata=metadata)
    app = Flask("signon_app", instance_path=tempfile.mkdtemp())
    app.config.update(SIGNON_SESSIONS="memory:", SIGNON_KEYS="a key that nothing is sealed with here")
    SignOn(app, providers=[provider])

    @app.get("/orders")
    @token_required(scopes=SCOPE, audience=AUDIENCE)
    def orders() -> Any:
        return current_token.subject

    return app


def authlib_app(key: rsa.RSAPrivateKey) -> Flask:
    """As its documentation has it, with the keys imported once."""
    app, protect, keys = Flask("authlib"), ResourceProtector(), KeySet.import_key_set({"keys": [jwk(key)]})

    class Validator(JWTBearerTokenValidator):
        def get_jwks(self) -> KeySet:
            return keys

    protect.register_token_validator(Validator(issuer=ISSUER, resource_server=AUDIENCE))

    @app.get("/orders")
    @protect(SCOPE)
    def orders() -> Any:
        return authlib_token["sub"]

    return app


def requests(tokens: list[str]) -> list[dict[str, Any]]:
    """The WSGI environment of a request with each token."""
    return [
        EnvironBuilder("/orders", headers=[("Authorization", f"Bearer {text}")]).get_environ() for text in tokens
    ]


def block(app: WSGIApplication, environs: list[dict[str, Any]], forget: Callable[[], object]) -> float:
    """CPU seconds of one request, from one with each token."""
    forget()
    sent = [environ.copy() for environ in environs]
    statuses: list[str] = []
    start = time.process_time()
    for environ in sent:
        b"".join(app(environ, lambda status, *_: statuses.append(status)))
    seconds = (time.process_time() - start) / len(sent)
    if set(statuses) != {"200 OK"}:
        sys.exit(f"an application answers {set(statuses)}")
    return seconds


def compare(rounds: int) -> dict[str, list[float]]:
    """CPU seconds of one request, round by round, each beginning with another contender."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    environs = requests([token(key, number) for number in range(TOKENS)])
    ours = signon_app(key)
    contenders: dict[str, tuple[WSGIApplication, Callable[[], object]]] = {
        FLOOR: (floor_app(key), lambda: None),
        f"{FLOOR} again": (floor_app(key), lambda: None),
        OURS: (ours, partial(ours.extensions.pop, GUARD, None)),
        OURS_AGAIN: (ours, lambda: block(ours, environs, lambda: None)),
        AUTHLIB: (authlib_app(key), lambda: None),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(-1, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            app, forget = contenders[name]
            took = block(app, environs, forget)
            if number >= 0:  # the round before the first is for warming up
                seconds[name].append(took)
    return seconds


def judge(seconds: dict[str, list[float]]) -> list[Target]:
    first, again = (ratio(seconds[name], seconds[FLOOR]).median for name in (OURS, OURS_AGAIN))
    authlib = ratio(seconds[OURS], seconds[AUTHLIB]).median
    return [
        Target(
            f"a token seen for the first time costs {first:.2f} x the floor (at most {WITHOUT_MEMORY_LIMIT})",
            first <= WITHOUT_MEMORY_LIMIT,
        ),
        Target(
            f"a token seen before costs {again:.2f} x the floor (at most {WITH_MEMORY_LIMIT})",
            again <= WITH_MEMORY_LIMIT,
        ),
        Target(f"a token seen for the first time costs {authlib:.2f} x Authlib (below 1)", authlib < 1),
    ]


if __name__ == "__main__":
    measured = compare(QUICK_ROUNDS if "--quick" in sys.argv[1:] else ROUNDS)
    columns = ("guarded by", "CPU us", f"x {FLOOR} (quartiles)")
    print(table("In-process: an API's view, RS256", columns, rows_against(FLOOR, measured)))
    targets = judge(measured)
    for target in targets:
        print("met   " if target.met else "MISSED", target.sentence)
    sys.exit(0 if all(target.met for target in targets) else 1)
