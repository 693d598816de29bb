"""What the extension keeps on the application: `app.extensions["signon"]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, current_app, request

from signon.core.provider import Provider
from signon.flask.settings import Settings
from signon.flask.site import Site, find_site
from signon.service.party import RelyingParty

KEY = "signon"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One application's settings, relying party and paths."""

    settings: Settings
    party: RelyingParty
    callback_paths: Mapping[str, str]
    logout_callback_paths: Mapping[str, str]
    backchannel_logout_paths: Mapping[str, str]
    frontchannel_logout_paths: Mapping[str, str]
    initiate_paths: Mapping[str, str]

    @property
    def only_provider(self) -> Provider | None:
        """The provider, where there is one only and so nothing to choose."""
        providers = tuple(self.party.providers.values())
        return providers[0] if len(providers) == 1 else None


# Flask's proxies find the object anew for each attribute that is read, by three calls; these give it by one.
the_request: Callable[[], Request] = request._get_current_object  # type: ignore[attr-defined]  # noqa: SLF001 - werkzeug's documented way
"""The current request itself, and not the proxy for it."""
application: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]  # noqa: SLF001 - the same
"""The current application itself, and not the proxy for it."""


def state() -> State:
    """The current application's state."""
    found: State | None = application().extensions.get(KEY)
    if found is None:
        msg = "this application has no SignOn: make one with SignOn(app) or call its init_app(app)"
        raise RuntimeError(msg)
    return found


def memo() -> dict[str, Any]:
    """What this request has found out so far: its `site`, `session`, `user`, `provider` and `next`.

    Kept on the request and not in `g`: an application context that somebody has pushed by hand outlives the
    request, and everybody who comes later would be the person who came first.
    """
    found: dict[str, Any] = the_request().__dict__.setdefault("_signon", {})
    return found


def site() -> Site:
    """The application's address in this request, worked out once."""
    known = memo()
    found: Site | None = known.get("site")
    if found is None:
        found = known["site"] = find_site(state().settings, the_request())
    return found
