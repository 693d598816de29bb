"""The application with several workers, its provider, and people who can sign in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.fleet import Fleet, fleet, listening
from tests.faults.people import Person, client_at, people_at, settings_at

from signon_idp import Idp, start

GRACE_SECONDS = 300
"""How long the provider takes a used refresh token again: its new one is lost where the store can't keep it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What runs, the settings it runs with, and who is about."""

    fleet: Fleet
    idp: Idp
    settings: dict[str, str]
    people: list[Person]


@contextmanager
def scene(
    store: str,
    folder: Path,
    *,
    people: int,
    workers: int = 3,
    preload: bool = True,
    access_token_seconds: int | None = None,
    refresh_grace_seconds: float = GRACE_SECONDS,
    environment: dict[str, str] | None = None,
) -> Iterator[Scene]:
    """Start the provider and the application with its sessions in this store; nobody is signed in yet."""
    with listening() as listener:
        origin = f"http://localhost:{listener.getsockname()[1]}"
        provider = start(
            clients=(client_at(origin),),
            access_token_seconds=access_token_seconds,
            refresh_grace_seconds=refresh_grace_seconds,
        )
        with provider as idp:
            settings = settings_at(idp, origin, store)
            about = people_at(idp, origin, people)
            with fleet(
                listener, {**settings, **(environment or {})}, folder, workers=workers, preload=preload
            ) as running:
                yield Scene(fleet=running, idp=idp, settings=settings, people=about)
