"""What the extension keeps on the application: `app.extensions["signon"]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from flask import current_app, g, request

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

    @property
    def only_provider(self) -> Provider | None:
        """The provider, where there is one only and so nothing to choose."""
        providers = tuple(self.party.providers.values())
        return providers[0] if len(providers) == 1 else None


def state() -> State:
    """The current application's state."""
    try:
        return cast("State", current_app.extensions[KEY])
    except KeyError:
        msg = "this application has no SignOn: make one with SignOn(app) or call its init_app(app)"
        raise RuntimeError(msg) from None


def site() -> Site:
    """The application's address in this request, worked out once."""
    found: Site | None = g.get("_signon_site")
    if found is None:
        found = g._signon_site = find_site(state().settings, request)  # noqa: SLF001 - g is ours to write on
    return found
