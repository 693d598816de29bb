"""A fast stub OpenID provider: one process, connections kept alive, everything counted.

It answers at once and checks only what tells a broken relying party from a working one: client authentication,
PKCE, the code and its redirect_uri. Every sign-in is another person. Run by `run.py`, which hands over the
listening socket: `provider.py FD [CERTIFICATE_AND_KEY.pem]`, with OIDC_CLIENT_ID and OIDC_CLIENT_SECRET set.

`GET /_counts` gives {"requests": {path: n}, "connections": {path of the first request: n}}, `POST /_reset` clears
them, and `POST /_delay?seconds=0.2` holds back token answers, so that several are under way together.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import secrets
import socket
import ssl
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTERS = frozenset({"/_counts", "/_reset", "/_delay"})
LIFETIME_SECONDS = 3600


class Refused(Exception):
    """The request earns a 400 with this OAuth error code."""


class Request(NamedTuple):
    """What the endpoints look at; `fields` are the query's or, of a form, the body's."""

    path: str
    fields: dict[str, str]
    authorization: str


class Grant(NamedTuple):
    """What an authorization code stands for."""

    redirect_uri: str
    nonce: str
    code_challenge: str


def b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def public_jwk(key: rsa.RSAPrivateKey, kid: str) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": b64url(numbers.n.to_bytes(256, "big")),
        "e": b64url(numbers.e.to_bytes(3, "big")),
    }


class Provider:
    """The endpoints, the keys, and what has been issued and counted so far."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.basic = "Basic " + b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self.key = rsa.generate_private_key(65537, 2048)
        retired = rsa.generate_private_key(65537, 2048)
        self.keys = compact({"keys": [public_jwk(retired, "retired"), public_jwk(self.key, "current")]})
        self.header = b64url(compact({"alg": "RS256", "kid": "current", "typ": "JWT"}))
        self.people = itertools.count(1)
        self.grants: dict[str, Grant] = {}
        self.tokens: dict[str, dict[str, str]] = {}
        self.requests: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()
        self.delay_seconds = 0.0
        self.endpoints: dict[str, Callable[[Request], bytes]] = {
            "/.well-known/openid-configuration": self.discovery,
            "/jwks": self.jwks,
            "/authorize": self.authorize,
            "/token": self.token,
            "/userinfo": self.userinfo,
            "/_counts": self.counts,
            "/_reset": self.reset,
            "/_delay": self.delay,
        }

    def respond(self, request: Request) -> bytes:
        try:
            endpoint = self.endpoints[request.path]
        except KeyError:
            return answer(b"{}", status="404 Not Found")
        try:
            return endpoint(request)
        except Refused as refused:
            return answer(compact({"error": str(refused)}), status="400 Bad Request")

    def discovery(self, _: Request) -> bytes:
        metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "scopes_supported": ["openid", "profile", "email"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return answer(compact(metadata), headers="Cache-Control: max-age=3600\r\n")

    def jwks(self, _: Request) -> bytes:
        return answer(self.keys, headers="Cache-Control: max-age=3600\r\n")

    def authorize(self, request: Request) -> bytes:
        asked = request.fields
        if asked.get("client_id") != self.client_id or asked.get("code_challenge_method") != "S256":
            raise Refused("invalid_request")
        code = secrets.token_urlsafe(16)
        try:
            self.grants[code] = Grant(asked["redirect_uri"], asked["nonce"], asked["code_challenge"])
            query = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        except KeyError:
            raise Refused("invalid_request") from None
        location = f"{asked['redirect_uri']}?{query}"
        return answer(b"", status="302 Found", headers=f"Location: {location}\r\n")

    def token(self, request: Request) -> bytes:
        sent = request.fields
        grant = self.grants.pop(sent.get("code", ""), None)
        if request.authorization != self.basic:
            raise Refused("invalid_client")
        challenge = b64url(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
        if grant is None or grant[0] != sent.get("redirect_uri") or grant.code_challenge != challenge:
            raise Refused("invalid_grant")
        access_token = secrets.token_urlsafe(24)
        person = self.person()
        self.tokens[access_token] = person
        body = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "scope": "openid profile email",
            "id_token": self.id_token(person, nonce=grant.nonce, access_token=access_token),
        }
        return answer(compact(body), headers="Cache-Control: no-store\r\n")

    def person(self) -> dict[str, str]:
        number = next(self.people)
        return {"sub": f"person-{number}", "name": f"Person {number}", "email": f"p{number}@example.com"}

    def id_token(self, person: dict[str, str], *, nonce: str, access_token: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "nonce": nonce,
            "at_hash": b64url(hashlib.sha256(access_token.encode()).digest()[:16]),
            **person,
        }
        signed = f"{self.header}.{b64url(compact(claims))}"
        return f"{signed}.{b64url(self.key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"

    def userinfo(self, request: Request) -> bytes:
        person = self.tokens.get(request.authorization.removeprefix("Bearer "))
        if person is None:
            raise Refused("invalid_token")
        return answer(compact(person))

    def counts(self, _: Request) -> bytes:
        return answer(compact({"requests": self.requests, "connections": self.connections}))

    def reset(self, _: Request) -> bytes:
        self.requests.clear()
        self.connections.clear()
        return answer(b"{}")

    def delay(self, request: Request) -> bytes:
        self.delay_seconds = float(request.fields["seconds"])
        return answer(b"{}")


class Connection(asyncio.Protocol):
    """One kept-alive connection; clients here never send a second request before the first is answered."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.buffer = b""
        self.fresh = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, body = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        request_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if len(body) < int(headers.get("content-length", "0")):
            return
        self.buffer = b""
        path, _, query = request_line.split(" ")[1].partition("?")
        fields = dict(parse_qsl(body.decode() or query, keep_blank_values=True))
        self.count(path)
        response = self.provider.respond(Request(path, fields, headers.get("authorization", "")))
        if path == "/token" and self.provider.delay_seconds:
            asyncio.get_running_loop().call_later(self.provider.delay_seconds, self.transport.write, response)
        else:
            self.transport.write(response)

    def count(self, path: str) -> None:
        if path in COUNTERS:
            return
        self.provider.requests[path] += 1
        if self.fresh:
            self.provider.connections[path] += 1
        self.fresh = False


async def serve(listener: socket.socket, certificate: str | None) -> None:
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    host, port = listener.getsockname()[:2]
    issuer = f"{'https' if context else 'http'}://{host}:{port}"
    provider = Provider(issuer, os.environ["OIDC_CLIENT_ID"], os.environ["OIDC_CLIENT_SECRET"])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(provider), sock=listener, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
