"""A provider called in-process, a browser that walks through its pages, and a clock that is set by hand."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from signon_idp import Client, Idp
from signon_idp.dialects.oidc import OIDC

CALLBACK = "http://localhost:5000/auth/callback/oidc"
AFTER_LOGOUT = "http://localhost:5000/auth/logout/callback/oidc"
SECRET = "practice-secret-of-the-demo-client"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()

DEMO = Client(
    client_id="demo",
    client_secret=SECRET,
    client_name="Demo application",
    redirect_uris=(CALLBACK,),
    post_logout_redirect_uris=(AFTER_LOGOUT,),
    extra_scopes=("orders.read", "orders.write"),
)


class Clock:
    """POSIX seconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "form":
            self.forms.append((found["action"], {}))
        if tag == "input" and found.get("type") == "hidden":
            self.forms[-1][1][found["name"]] = found.get("value", "")


def forms_of(html: str) -> list[tuple[str, dict[str, str]]]:
    """Action and hidden fields of each form of a page."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


@dataclass
class Walk:
    """One browser and one application at `idp`, in-process."""

    idp: Idp
    client: Client = DEMO
    http: Any = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.idp.app.test_client()

    def path(self, name: str) -> str:
        """The path of an endpoint, named as in `Paths`."""
        return urlsplit(self.idp.base + getattr(self.idp.dialect.paths, name)).path

    def parameters(self, **changes: str | None) -> dict[str, str]:
        usual = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uris[0],
            "scope": "openid profile email offline_access",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def authorize(self, **changes: str | None):
        return self.http.get(self.path("authorize"), query_string=self.parameters(**changes))

    def submit(self, page, *, form: int = 0, **fields: str):
        """Send a form of `page` with more fields."""
        action, hidden = forms_of(page.text)[form]
        return self.http.post(urlsplit(action).path, data={**hidden, **fields})

    def sign_in(self, persona: str = "somying", **changes: str | None):
        """From the application to the answer, the sign-in page filled in where it is shown."""
        response = self.authorize(**changes)
        if response.status_code == 200 and "form_token" in response.text:
            response = self.submit(response, persona=persona)
        return response

    def code(self, persona: str = "somying", **changes: str | None) -> str:
        return answer(self.sign_in(persona, **changes))["code"]

    def token(self, **fields: str | None):
        """A token request; authenticated by Basic unless a `client_id` is among the fields."""
        form = {name: value for name, value in fields.items() if value is not None}
        auth = None if "client_id" in form else (self.client.client_id, self.client.client_secret)
        return self.http.post(self.path("token"), data=form, auth=auth)

    def exchange(self, code: str | None, **changes: str | None):
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uris[0],
            "code_verifier": VERIFIER,
        }
        return self.token(**{**usual, **changes})

    def tokens(self, persona: str = "somying", **changes: str | None) -> dict[str, Any]:
        response = self.exchange(self.code(persona, **changes))
        assert response.status_code == 200, response.text
        return response.json

    def userinfo(self, access_token: str):
        return self.http.get(self.path("userinfo"), headers={"Authorization": f"Bearer {access_token}"})


def answer(response) -> dict[str, str]:
    """The parameters of an authorization response that came by redirect."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query, keep_blank_values=True))


def claims_of(token: str) -> dict[str, Any]:
    """The payload of a JWS, unverified."""
    text = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def header_of(token: str) -> dict[str, Any]:
    """The header of a JWS."""
    text = token.split(".", maxsplit=1)[0]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def idp(clock: Clock) -> Idp:
    return Idp(dialect=OIDC, origin="http://127.0.0.1:9000", clients=(DEMO,), now=clock)


@pytest.fixture
def walk(idp: Idp) -> Walk:
    return Walk(idp)


@pytest.fixture
def helpers():
    """What conftest offers, for test modules that cannot import it."""
    import types

    return types.SimpleNamespace(
        Walk=Walk,
        DEMO=DEMO,
        CALLBACK=CALLBACK,
        AFTER_LOGOUT=AFTER_LOGOUT,
        SECRET=SECRET,
        VERIFIER=VERIFIER,
        CHALLENGE=CHALLENGE,
        answer=answer,
        claims_of=claims_of,
        header_of=header_of,
        forms_of=forms_of,
    )
