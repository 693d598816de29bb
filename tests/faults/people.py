"""Hundreds of people with a browser each, in one thread: a connection a request, cookies and redirects kept.

All of them are signed in at the practice provider already, each as somebody of their own.
"""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.faults.application import BROWSER, SECONDS

from signon_idp import Client, Idp, Persona
from signon_idp.model import BrowserSession

SCOPE = "openid profile offline_access"
ANSWER_SECONDS = 60
_CLIENT_ID, _CLIENT_SECRET = "fleet", "practice-secret-of-the-whole-fleet"


class Answer(NamedTuple):
    """Status, headers with names in lower case, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")

    def json(self) -> dict[str, Any]:
        return json.loads(self.body) if "json" in self.header("content-type") else {}

    @property
    def code(self) -> str:
        """The error's, in problem+json."""
        return self.json().get("code", "")

    @property
    def seconds(self) -> float:
        """How long the application took, not counting the time before a thread was free for it."""
        return float(self.header(SECONDS.lower()) or 0)


async def ask(origin: str, target: str, headers: dict[str, str], *, method: str = "GET") -> Answer:
    """One request on a connection of its own. Raises OSError where no whole answer comes, also after a minute."""
    parts = urlsplit(origin)
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close", "Content-Length: 0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            received = await reader.read()
        finally:
            writer.close()
    head, blank, body = received.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    found = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in fields))
    answer = Answer(int(status[9:12] or 0), found, body)
    if not blank or len(body) < int(answer.header("content-length") or 0):
        raise ConnectionResetError("closed before the answer was whole")
    return answer


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody with a browser. `sub` is who they are to the provider, `sid` its session with this browser."""

    number: int
    sub: str
    sid: str
    application: str
    provider: str
    provider_cookie: str = field(repr=False)
    cookies: dict[str, str] = field(default_factory=dict, repr=False)

    async def get(self, path: str, **headers: str) -> Answer:
        """A page of the application, as a script asks for it: no redirects, errors as problem+json."""
        return await self._ask(path, {"Accept": "application/json", **headers})

    async def begin(self) -> Answer:
        """Login and provider: the provider's answer, a redirect to the callback, or the first that isn't one."""
        answer = await self._ask("/auth/login", {"Accept": "text/html"})
        to_provider = answer.header("location")
        if not to_provider.startswith(self.provider):
            return answer
        return await ask(self.provider, to_provider.removeprefix(self.provider), {"Cookie": self.provider_cookie})

    async def finish(self, begun: Answer, **headers: str) -> Answer:
        """The callback; a fault comes as problem+json."""
        path = begun.header("location").removeprefix(self.application)
        return await self.get(path, **headers)

    async def sign_in(self) -> Answer:
        """Login, provider, callback: its answer, or the first one that led no further."""
        begun = await self.begin()
        return await self.finish(begun) if begun.header("location").startswith(self.application) else begun

    async def sign_out(self, **headers: str) -> Answer:
        """By the button; the browser doesn't go on to the provider."""
        sent = {"Accept": "application/json", "Origin": self.application, **headers}
        return await self._ask("/auth/logout", sent, method="POST")

    @property
    def has_session(self) -> bool:
        """Whether the browser has a session's cookie."""
        return any("-tx-" not in name for name in self.cookies)

    async def _ask(self, target: str, headers: dict[str, str], *, method: str = "GET") -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {BROWSER: str(self.number), **({"Cookie": cookies} if cookies else {}), **headers}
        answer = await ask(self.application, target, sent, method=method)
        for name, value in answer.headers:
            if name == "set-cookie":
                self._keep(value)
        return answer

    def _keep(self, header: str) -> None:
        for name, morsel in SimpleCookie(header).items():
            if morsel["max-age"] == "0" or not morsel.value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


def client_at(origin: str) -> Client:
    """The application at this origin as the provider knows it."""
    return Client(
        client_id=_CLIENT_ID,
        client_secret=_CLIENT_SECRET,
        redirect_uris=(f"{origin}/auth/callback/oidc",),
        post_logout_redirect_uris=(f"{origin}/auth/logout/callback/oidc",),
    )


def settings_at(idp: Idp, origin: str, store: str) -> dict[str, str]:
    """What the operator of an application at this origin sets."""
    return {
        "SIGNON_PROVIDERS": "oidc",
        "SIGNON_BASE_URL": origin,
        "SIGNON_KEYS": secrets.token_hex(32),
        "SIGNON_SESSIONS": store,
        "OIDC_ISSUER": idp.issuer,
        "OIDC_CLIENT_ID": _CLIENT_ID,
        "OIDC_CLIENT_SECRET": _CLIENT_SECRET,
        "OIDC_SCOPE": SCOPE,
    }


def people_at(idp: Idp, origin: str, count: int) -> list[Person]:
    """So many people, each with a session at the provider, and with none yet at the application."""
    people = []
    for number in range(count):
        persona = Persona(
            id=f"p{number}", sub=f"person-{number}", note="one of many", claims={"name": f"P {number}"}
        )
        browser, sid = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        session = BrowserSession(
            persona=persona,
            sid=sid,
            auth_time=idp.now(),
            acr=next(iter(idp.dialect.acrs)),
            expires_at=idp.now() + idp.dialect.lifetimes.session,
        )
        idp.state.sessions.put(browser, session, until=session.expires_at)
        people.append(
            Person(
                number=number,
                sub=persona.sub,
                sid=sid,
                application=origin,
                provider=idp.origin,
                provider_cookie=f"{idp.cookie_name}={browser}",
            )
        )
    return people
