"""A provider behind the transport's `send`, and a visitor with a browser: whole sign-ins without a socket."""

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from jwcrypto import jwk, jwt

from signon.core.errors import StoreUnavailable
from signon.core.http import HttpRequest, HttpResponse
from signon.flask.state import KEY as EXTENSION

ISSUER = "https://op.example"
CLIENT_ID = "client-1"
CLIENT_SECRET = "a-client-secret-that-nobody-may-log"
KEY = "a-sealing-key-that-nobody-may-log-either"
HTTPS = "https://app.example.org"
LOCAL = "http://localhost"

HTML = {"Accept": "text/html"}
TYPED = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
CLICKED = {**TYPED, "Sec-Fetch-Site": "same-origin"}
LINKED = {**TYPED, "Sec-Fetch-Site": "cross-site"}
FETCHED = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}

_SIGNING_KEY = jwk.JWK.generate(kty="EC", crv="P-256", kid="k1", use="sig", alg="ES256")


def json_response(value: object, *, status: int = 200) -> HttpResponse:
    body = json.dumps(value).encode()
    return HttpResponse(status=status, headers={"content-type": "application/json"}, body=body)


@dataclass
class Op:
    """An OpenID provider of one client. `claims` and `userinfo` are the person who signs in next."""

    plant: Callable[..., None]
    issuer: str = ISSUER
    claims: dict = field(default_factory=lambda: {"sub": "person-1", "name": "Somchai", "email": "s@example.org"})
    userinfo: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=dict)
    """Members of the metadata document to add; None takes one away."""
    failing: dict = field(default_factory=dict)
    """By document: the error to raise, or the answer to give, in place of the right one."""
    token: dict = field(default_factory=dict)
    """Members of the token answer to add."""
    asked: list[HttpRequest] = field(default_factory=list)
    codes: dict = field(default_factory=dict)

    def send(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        failure = self.failing.get(request.document)
        if isinstance(failure, Exception):
            raise failure
        return failure or getattr(self, f"_{request.document}")(request)

    def documents(self) -> list[str]:
        return [request.document for request in self.asked]

    def authorize(self, location: str, **claims: object) -> dict[str, str]:
        """The person signs in and agrees: what comes back with them."""
        target, query = urlsplit(location), dict(parse_qsl(urlsplit(location).query))
        assert f"{target.scheme}://{target.netloc}{target.path}" == f"{self.issuer}/authorize"
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        code = f"code-{secrets.token_hex(12)}"
        self.plant(code, query["state"], query["nonce"])
        self.codes[code] = (query, {**self.claims, **claims})
        return {"code": code, "state": query["state"]}

    def _metadata(self, _request: HttpRequest) -> HttpResponse:
        usual = {
            "issuer": self.issuer,
            **{name: f"{self.issuer}/{name.partition('_')[0]}" for name in ("token_endpoint", "jwks_uri")},
            "authorization_endpoint": f"{self.issuer}/authorize",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
        }
        members = {**usual, **self.metadata}
        return json_response({name: value for name, value in members.items() if value is not None})

    def _jwks(self, _request: HttpRequest) -> HttpResponse:
        return json_response({"keys": [_SIGNING_KEY.export_public(as_dict=True)]})

    def _token(self, request: HttpRequest) -> HttpResponse:
        form = dict(parse_qsl(request.body.decode()))
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        assert request.headers["Authorization"] == f"Basic {basic}"
        query, claims = self.codes.pop(form["code"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        assert (query["code_challenge"], query["redirect_uri"]) == (challenge.decode(), form["redirect_uri"])
        answer = {
            "access_token": f"access-{secrets.token_hex(12)}",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.id_token(nonce=query["nonce"], **claims),
            **self.token,
        }
        self.plant(form["code_verifier"], answer["access_token"], answer["id_token"])
        return json_response(answer)

    def id_token(self, **claims: object) -> str:
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "auth_time": now}
        body = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        token = jwt.JWT(header={"alg": "ES256", "kid": "k1"}, claims=body)
        token.make_signed_token(_SIGNING_KEY)
        return token.serialize()

    def logout_token(self, *, typ: str | None = "logout+jwt", **changes: object) -> str:
        """A logout token for the person who signs in next, with changes; None takes a claim away."""
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "sub": self.claims["sub"],
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        body = {name: value for name, value in {**usual, **changes}.items() if value is not None}
        header = {"alg": "ES256", "kid": "k1", "typ": typ}
        token = jwt.JWT(header={k: v for k, v in header.items() if v is not None}, claims=body)
        token.make_signed_token(_SIGNING_KEY)
        self.plant(token.serialize())
        return token.serialize()

    def _userinfo(self, request: HttpRequest) -> HttpResponse:
        assert request.headers["Authorization"].startswith("Bearer access-")
        return json_response({"sub": self.claims["sub"], **self.userinfo})


class Ops(dict):
    """The providers of a test by issuer; the only network there is."""

    def transport_for(self, provider) -> SimpleNamespace:
        return SimpleNamespace(send=self[provider.issuer].send)


def by_hand(view):
    """An async view as a plain one, as Flask makes it: with no loop, since a browser may have one here."""

    def run():
        with pytest.raises(StopIteration) as done:
            view().send(None)
        return done.value.value

    return run


class Visitor:
    """One browser. Its `headers` go with each request."""

    def __init__(self, app: Flask, op: Op, *, at: str = LOCAL, headers: dict[str, str] | None = None) -> None:
        self.client = app.test_client()
        self.op = op
        self.at = at
        self.headers = HTML if headers is None else headers

    def get(self, path: str, *, method: str = "GET", data=None, at: str | None = None, **headers: str):
        """Ask for a path, with header names written with underscores."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        # A test client that keeps cookies drops a Cookie header.
        client = self.client.application.test_client(use_cookies=False) if "Cookie" in sent else self.client
        return client.open(
            path, method=method, data=data, base_url=at or self.at, headers=[(k, v) for k, v in sent.items() if v]
        )

    def post(self, path: str, data=None, **headers: str):
        return self.get(path, method="POST", data=data, **headers)

    def head(self, path: str, **headers: str):
        return self.get(path, method="HEAD", **headers)

    def start(self, path: str = "/auth/login", **headers: str) -> str:
        """Begin a sign-in: the provider's address that the browser is sent to."""
        response = self.get(path, **headers)
        assert response.status_code == 302, (response.status_code, response.text)
        return response.headers["Location"]

    def answer(self, location: str, pairs=None, **claims: object):
        """Come back from the provider, with its answer or with these pairs."""
        target = urlsplit(dict(parse_qsl(urlsplit(location).query))["redirect_uri"])
        pairs = self.op.authorize(location, **claims) if pairs is None else pairs
        path = target.path.removeprefix(urlsplit(self.at).path)
        return self.get(f"{path}?{urlencode(pairs)}")

    def sign_in(self, path: str = "/auth/login", **claims: object):
        """A whole sign-in, up to the redirect to the page that was wanted."""
        response = self.answer(self.start(path), **claims)
        self.op.plant(*(value for value in self.cookies().values() if value))
        return response

    def cookies(self) -> dict[str, str]:
        """What the browser holds for the host, whatever its port."""
        return {c.key: c.value for c in self.client._cookies.values()}

    def transactions(self) -> list[str]:
        return [name for name in self.cookies() if "signon-tx-" in name]

    def sessions(self) -> list[str]:
        return [name for name in self.cookies() if "signon" in name and "signon-tx-" not in name]

    def who(self) -> str:
        return self.get("/who").text


def break_store(app, monkeypatch, *operations):
    """Let operations of the store fail; without names, all."""
    store = app.extensions[EXTENSION].party.sessions.store

    def fail(*_args, **_options):
        raise StoreUnavailable("store_unavailable", "the store is away")

    for name in operations or [name for name in dir(type(store)) if not name.startswith("_")]:
        monkeypatch.setattr(store, name, fail, raising=True)


def fail_after_the_first(monkeypatch, app, operation):
    """Let the first call of an operation of the store through, and none after it."""
    store, calls = app.extensions[EXTENSION].party.sessions.store, iter([True])
    through = getattr(store, operation)

    def fail(*args, **options):
        if next(calls, False):
            return through(*args, **options)
        raise StoreUnavailable("store_unavailable", "the store is away")

    monkeypatch.setattr(store, operation, fail)


def code_of(response) -> str | None:
    """The error code that a page shows at its foot, or problem+json holds."""
    if "json" in response.content_type:
        return response.json.get("code")
    found = re.search(r'<p class="reference"><code>([a-z0-9_]+)</code>', response.text)
    return found and found[1]


def reference_of(response) -> str:
    if "json" in response.content_type:
        return response.json["reference"]
    return re.search(r"reference <code>([0-9a-f]+)</code>", response.text)[1]


def query_of(location: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))


def set_cookies(response) -> dict[str, tuple[str, set[str]]]:
    """Each Set-Cookie: name -> (value, attributes)."""
    found = {}
    for line in response.headers.getlist("Set-Cookie"):
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        found[name] = (value, set(attributes))
    return found
