"""Providers by name, as `SIGNON_PROVIDERS` lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from signon.core.errors import ConfigurationError
from signon.core.provider import Provider
from signon.providers.auth0 import auth0
from signon.providers.authmachine import authmachine
from signon.providers.oidc import oidc
from signon.providers.pingone import pingone
from signon.providers.sgid import sgid
from signon.providers.thaid import thaid

FACTORIES: Mapping[str, Callable[..., Provider]] = MappingProxyType(
    {"thaid": thaid, "authmachine": authmachine, "auth0": auth0, "pingone": pingone, "sgid": sgid, "oidc": oidc}
)
"""The factories by vendor name. Any other name is a generic OpenID provider of that name."""
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def from_names(text: str, *, settings: Mapping[str, object]) -> tuple[Provider, ...]:
    """Make the providers of a list such as `thaid, staff, partners:auth0`.

    A vendor's name picks its factory, `partners:auth0` is Auth0's under a name of one's own, any other name
    is `oidc(name=...)`. Raises `ConfigurationError` for names that can't be.
    """
    providers, problems = [], []
    for entry in re.split(r"[,\s]+", text.strip(", \t\n")):
        name, _, vendor = entry.partition(":")
        factory = FACTORIES.get(vendor or name, oidc)
        if not _NAME.match(name):
            problems.append(f"SIGNON_PROVIDERS: {entry!r} is no name: small letters, digits and _, a letter first")
        elif vendor and vendor not in FACTORIES:
            problems.append(f"SIGNON_PROVIDERS: {entry!r} names no vendor; there are {', '.join(FACTORIES)}")
        else:
            providers.append(factory(name=name, settings=settings))
    if problems:
        raise ConfigurationError(tuple(problems))
    return tuple(providers)


def name_problems(providers: tuple[Provider, ...]) -> list[str]:
    """What is wrong with the names together: the same twice, or one whose settings look like another's."""
    names = [provider.name for provider in providers]
    problems = [f"two providers are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    problems += [f"{name!r} can't be a provider's name" for name in names if not _NAME.match(name)]
    problems += [
        f"the providers {first!r} and {second!r} can't go together: a setting {second.upper()}_… could be either's"
        for first in names
        for second in names
        if second.startswith(f"{first}_")
    ]
    return problems
