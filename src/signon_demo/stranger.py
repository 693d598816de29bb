"""A stranger's page, on an origin of its own: it tries what a hostile page would, and shows what comes of it."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from dataclasses import asdict, dataclass

from flask import Blueprint, Flask, Response, jsonify, make_response, render_template, request

KEPT = 200
"""Answers that are remembered: far more than one visit brings about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One request that a stranger's page had a browser send to the application, and what became of it."""

    number: int
    request: str
    cookie: bool
    status: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Something that the page tries; its script knows how, by the name."""

    name: str
    title: str
    text: str


ATTEMPTS = (
    Attempt(name="read", title="Read who you are", text="Asks with a script who is signed in."),
    Attempt(
        name="preflight",
        title="Read it with the right header",
        text="Sends X-CSRF: 1, too. For that the browser first asks the application for leave.",
    ),
    Attempt(name="sign_in", title="Sign you in as somebody else", text="Loads the sign-in address as an image."),
    Attempt(
        name="image",
        title="Sign you out by an image",
        text="Loads the sign-out address as an image.",
    ),
    Attempt(name="form", title="Sign you out by a form", text="Sends a form into a frame that nobody sees."),
    Attempt(name="fetch", title="Sign you out by a script", text="Sends a POST that asks for no leave (no-cors)."),
    Attempt(name="token", title="Take a token", text="Asks the application for one of its own, in your name."),
    Attempt(name="proxy", title="Call the API in your name", text="Asks through the proxy of the application."),
    Attempt(name="password", title="Change your password", text="Sends a new password as a form would."),
)


class Heard:
    """What the application has answered to requests from strangers' pages. Shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._kept: deque[Answered] = deque(maxlen=KEPT)

    def note(self, *, request: str, cookie: bool, status: int, code: str) -> None:
        """Remember one answer."""
        with self._lock:
            self._count += 1
            answered = Answered(number=self._count, request=request, cookie=cookie, status=status, code=code)
            self._kept.append(answered)

    def since(self, number: int) -> list[Answered]:
        """Those after that number, the oldest first."""
        with self._lock:
            return [answered for answered in self._kept if answered.number > number]


def origins(address: str) -> frozenset[str]:
    """The origins of the page at `address`: at 127.0.0.1 it is of another site than the application, at localhost
    of the same one if that has no TLS either, so that its requests bring the cookies along.
    """
    return frozenset({address, address.replace("127.0.0.1", "localhost")})


def create_stranger(*, target: str, address: str, heard: Heard) -> Flask:
    """The application that serves the page, against the one at `target`; it knows nothing else of it.

    `heard` is what a real stranger never learns: here it is shown beside what the browser says.
    """
    app = Flask("signon_demo", static_folder="static", static_url_path="/static")
    app.register_blueprint(Blueprint("look", "signon.flask", template_folder="templates"))

    @app.get("/")
    def page() -> Response:
        here = request.host_url.rstrip("/")
        return _page(target, others=sorted(origins(address) - {here}))

    @app.get("/heard")
    def heard_since() -> Response:
        after = request.args.get("after", 0, type=int)
        return jsonify([asdict(answered) for answered in heard.since(after)])

    return app


def _page(target: str, *, others: list[str]) -> Response:
    nonce = secrets.token_urlsafe(16)
    # Another scheme is another site.
    same_site = request.host.startswith("localhost") and target.startswith("http:")
    known = {"nonce": nonce, "target": target, "attempts": ATTEMPTS, "others": others, "same_site": same_site}
    response = make_response(render_template("demo/stranger_page.html", **known))
    # Nothing here holds the page back from its target: what refuses is the application.
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'self'; connect-src 'self' {target};"
        f" img-src data: {target}; frame-src {target}; form-action {target}; base-uri 'none';"
        " frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
