"""The application that fault tests and the soak serve: a public page, who has signed in, and that person's token.

Run it as `tests.faults.application:create_app()`, configured by its environment. What a test wants of one request
is in that request's headers; `REFRESH_NOTES` names a file that says which refreshes each process began and ended.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, has_request_context, request

from signon.flask import SignOn, current_login, current_user, login_required
from signon.sessions.store import SessionStore

BROWSER = "X-Browser"
"""Which browser asks, for the notes."""
DIE_AT = "X-Die-At"
"""The step of the request before which its process is killed: its store operations from 1 on, then its answer."""
AHEAD = "X-Ahead"
"""By how many seconds the clock is ahead during the request."""
SECONDS = "X-Seconds"
"""In each answer: how long it took from the moment that a thread had the request."""
_STEPS, _BEGAN = "tests.steps", "tests.began"


def create_app(settings: dict[str, str] | None = None) -> Flask:
    """An application with these settings over its environment."""
    app = Flask(__name__)
    app.config.update(settings or {})
    SignOn(app)

    @app.get("/public")
    def public() -> str:
        return "Hello"

    @app.get("/who")
    def who() -> tuple[dict[str, str | None], int]:
        # Not login_required, which asks those to sign in again whose tokens have ended: they are signed in.
        return {"sub": current_user.sub}, 200 if current_user else 401

    @app.get("/token")
    @login_required
    def token() -> dict[str, object]:
        digest = hashlib.sha256(current_login.access_token().encode()).hexdigest()
        return {"sub": current_user.sub, "token": digest[:16]}

    return app


def create_fragile_app() -> Flask:
    """The same for tests that end its processes in the middle of a request, or move its clock."""
    app = create_app()
    store = app.extensions["signon"].party.sessions.store
    notes = os.environ.get("REFRESH_NOTES")
    if notes is not None:
        _note_refreshes(store, notes)
    for name in [name for name in vars(SessionStore) if not name.startswith("_")]:
        setattr(store, name, _counted(getattr(store, name)))
    if hasattr(store, "create_indexed"):
        store.create_indexed = _counted(store.create_indexed)
    _move_time()

    @app.before_request
    def begin() -> None:
        request.environ[_BEGAN] = time.monotonic()

    @app.after_request
    def answer(response: Response) -> Response:
        _step()
        response.headers[SECONDS] = f"{time.monotonic() - request.environ[_BEGAN]:.3f}"
        return response

    return app


def _step() -> None:
    if not has_request_context() or DIE_AT not in request.headers:
        return
    step = request.environ[_STEPS] = request.environ.get(_STEPS, 0) + 1
    if step == int(request.headers[DIE_AT]):
        os.kill(os.getpid(), signal.SIGKILL)


def _counted(operation: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **keywords: Any) -> Any:
        _step()
        return operation(*arguments, **keywords)

    return run


def _move_time() -> None:
    real = time.time

    def moved() -> float:
        return real() + (float(request.headers.get(AHEAD, "0")) if has_request_context() else 0.0)

    time.time = moved


def _note_refreshes(store: SessionStore, path: str) -> None:
    """Write a line when a lease is taken, which is before a refresh, and one before it is given back."""
    lease, release = store.lease, store.release

    def note(what: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{os.getpid()} {what} {request.headers[BROWSER]}\n".encode())
        os.close(descriptor)

    def noted_lease(key: bytes, owner: bytes, **times: float) -> bool:
        taken = lease(key, owner, **times)
        if taken:
            note("begin")
        return taken

    def noted_release(key: bytes, owner: bytes) -> None:
        note("end")
        release(key, owner)

    store.lease, store.release = noted_lease, noted_release
