"""A provider that refreshes as the strict ones do: each refresh token once, and a second use ends the family."""

import secrets
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tests.flask.double import Op, json_response

from signon.core.http import HttpRequest, HttpResponse

LIFE = 300
"""Seconds of an access token, as `Op` gives them."""


@dataclass
class TokenOp(Op):
    """`Op` with refresh tokens, revocation, introspection and AuthMachine's question."""

    rotates: bool = True
    sends_id_token: bool = True
    refreshes: int = 0
    dead: bool = False
    """The family of refresh tokens has ended."""
    good: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    revoked: list[tuple[str, str]] = field(default_factory=list)
    """Kind and token, in the order in which they were revoked."""
    active: bool = True
    verdict: bool = False
    before_answer: list = field(default_factory=list)
    """Called one by one, each before one answer to a refresh."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.metadata |= {
            "revocation_endpoint": f"{self.issuer}/revoke",
            "introspection_endpoint": f"{self.issuer}/introspect",
        }

    def _token(self, request: HttpRequest) -> HttpResponse:
        form = dict(parse_qsl(request.body.decode()))
        if form["grant_type"] == "refresh_token":
            return self._refresh(form["refresh_token"])
        self.token.setdefault("refresh_token", self._new_refresh_token())
        return super()._token(request)

    def _new_refresh_token(self) -> str:
        token = f"refresh-{secrets.token_hex(12)}"
        self.plant(token)
        self.good.add(token)
        return token

    def _refresh(self, token: str) -> HttpResponse:
        with self.lock:
            self.refreshes += 1
            if token in self.used and self.rotates:
                self.dead = True
            if self.dead or token not in self.good:
                return json_response({"error": "invalid_grant"}, status=400)
            self.used.add(token)
            before = self.before_answer.pop(0) if self.before_answer else None
        if before is not None:
            before()
        answer = {"access_token": f"access-{secrets.token_hex(12)}", "token_type": "Bearer", "expires_in": LIFE}
        if self.rotates:
            answer["refresh_token"] = self._new_refresh_token()
        if self.sends_id_token:
            answer["id_token"] = self.id_token(**{**self.claims, "auth_time": None})
        self.plant(*(answer[name] for name in ("access_token", "id_token") if name in answer))
        return json_response({**answer, **{k: v for k, v in self.token.items() if k != "refresh_token"}})

    def _revocation(self, request: HttpRequest) -> HttpResponse:
        form = dict(parse_qsl(request.body.decode()))
        self.revoked.append((form["token_type_hint"], form["token"]))
        self.good.discard(form["token"])
        return HttpResponse(status=200, headers={}, body=b"")

    def _introspection(self, _request: HttpRequest) -> HttpResponse:
        return json_response({"active": self.active, "sub": self.claims["sub"]})

    def _revoked_check(self, _request: HttpRequest) -> HttpResponse:
        return json_response({"revoked": self.verdict})
