"""Which buttons go to the real vendor: those whose credentials the environment has, whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signon.core.provider import Provider
from signon.providers import FACTORIES
from signon_demo.practice import Practice


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The settings of the real vendors, the names of these, and what to say of each that was tried."""

    settings: Mapping[str, str]
    names: frozenset[str]
    notes: tuple[str, ...]


def find_vendors(practices: tuple[Practice, ...], environment: Mapping[str, str], *, application: str) -> Found:
    """Look for each vendor's credentials; `application` is the demo's base URL, which vendors must know.

    Nobody is asked: that the credentials are whole is judged by their names and forms alone.
    """
    settings: dict[str, str] = {}
    names, notes = set(), []
    for practice in practices:
        prefix = f"{practice.name.upper()}_"
        told = {name: value for name, value in environment.items() if name.startswith(prefix) and value}
        if not any(prefix + keyword.upper() in told for keyword in ("client_id", *practice.told_by)):
            continue
        provider = FACTORIES[practice.vendor](name=practice.name, settings=told)
        if provider.problems:
            notes.append(f"{provider.label} stays a practice provider: {'; '.join(provider.problems)}.")
            continue
        settings |= told
        names.add(practice.name)
        notes.append(f"{provider.label} is the real one: it must know {_callback(provider, application)}.")
    return Found(settings=settings, names=frozenset(names), notes=tuple(notes))


def _callback(provider: Provider, application: str) -> str:
    return application + (provider.callback_path or f"/auth/callback/{provider.name}")
