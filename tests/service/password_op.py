"""A provider without a socket that has PingOne's API for passwords, and answers what it is told to."""

import json
from dataclasses import dataclass, field

from tests.flask.double import CLIENT_ID, CLIENT_SECRET, ISSUER, Op, json_response

from signon.core.http import HttpRequest, HttpResponse
from signon.providers import pingone

API = "https://api.op.example/v1"
ENVIRONMENT = "e1"
SCOPES = "p1:read:userPassword p1:reset:userPassword"
CURRENT = "the-present-password-of-somchai"
NEW = "the-next-password-of-somchai"
APPLICATIONS_TOKEN = "access-of-the-application-itself"


def password_error(
    target: str, *, code: str = "INVALID_VALUE", spelling: str = "innerError", **inner: object
) -> dict[str, object]:
    """The body of an API error with one detail."""
    detail = {"code": code, "target": target, "message": "debugging text", **({spelling: inner} if inner else {})}
    return {"id": "b1d6-77", "code": "INVALID_DATA", "message": "debugging text", "details": [detail]}


def pingone_at(issuer: str = ISSUER, **given: object):
    """PingOne's profile for the provider of a test."""
    usual = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "id_token_alg": "ES256",
        "environment_id": ENVIRONMENT,
        "api_url": API,
        "scope": f"openid profile email {SCOPES}",
    }
    provider = pingone(settings={}, issuer=issuer, **{**usual, **given})
    assert provider.problems == ()
    return provider


@dataclass
class PasswordOp(Op):
    """`Op` with the API. `refusal` is the body of the next refusals; without one the password changes."""

    state: dict = field(default_factory=lambda: {"status": "OK", "lastChangedAt": "2026-04-01T10:00:00.000Z"})
    policy: dict = field(default_factory=lambda: {"length": {"min": 8, "max": 255}, "history": {"count": 6}})
    refusal: dict | None = None
    status: int = 400
    changes: list[HttpRequest] = field(default_factory=list)

    def _password(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET":
            return json_response({**self.state, "_embedded": {"passwordPolicy": self.policy}})
        self.changes.append(request)
        if self.refusal is not None:
            return json_response(self.refusal, status=self.status)
        return json_response(self.state)

    def _token(self, request: HttpRequest) -> HttpResponse:
        if b"client_credentials" in request.body:
            self.plant(APPLICATIONS_TOKEN)
            return json_response({"access_token": APPLICATIONS_TOKEN, "token_type": "Bearer", "expires_in": 300})
        return super()._token(request)

    def sent(self) -> dict[str, str]:
        """The body of the last change."""
        return json.loads(self.changes[-1].body)
