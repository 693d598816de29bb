"""An example as it is, at its practice provider, and visitors of it."""

import importlib.util
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import requests
from flask import Flask
from tests.journeys.visitor import Visitor

from signon.runtime import background
from signon.sessions.record import Session
from signon_idp import Idp

EXAMPLES = Path(__file__).parents[2] / "examples"
ORIGIN, OTHER = "http://localhost:5000", "http://localhost:5001"
SCRIPT = {"X-CSRF": "1", "Origin": ORIGIN, "Accept": "application/json"}
"""What a script of the first application's pages sends along."""


def _load_run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples_run", EXAMPLES / "run.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for the names in annotations
    spec.loader.exec_module(module)
    return module


run = _load_run()


@dataclass
class Stage:
    """Applications by their address, all of one example, and the provider that knows them."""

    apps: dict[str, Flask]
    idp: Idp

    @property
    def app(self) -> Flask:
        return self.apps[ORIGIN]

    def visitor(self) -> Visitor:
        """Somebody with an empty browser, whose requests leave no line in a log."""
        return Visitor(*self.apps.items(), (self.idp.base, self.idp.app))

    def sign_in(self, visitor: Visitor, persona: str | None = None, *, at: str = f"{ORIGIN}/login"):
        """Sign in as a persona, the first one where none is named; gives the page that this ends with."""
        page = visitor.get(at)
        return visitor.submit(page, persona=persona or self.idp.dialect.personas[0].id)

    def sign_out(self, visitor: Visitor, *, origin: str = ORIGIN, stop_at: str | None = None) -> requests.Response:
        """Press the page's button."""
        return visitor.post(f"{origin}/logout", {}, stop_at=stop_at, Origin=origin)

    def session(self, visitor: Visitor) -> Session | None:
        """What is kept of this visitor at the first application."""
        (name,) = visitor.sessions()
        return self.app.extensions["signon"].party.sessions.load(visitor.cookies[name], now=time.time())

    def wait_for_background(self) -> None:
        """Until what was left for after the answers is done."""
        done = threading.Event()
        assert background.submit(done.set)
        assert done.wait(10)
