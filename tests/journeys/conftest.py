"""A stage for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from tests.journeys.stage import Stage, client_for, settings_for

from signon_idp import Idp


@pytest.fixture
def new_stage(
    signon_idp: Idp, load_minimal: Callable[..., Flask], plant: Callable[..., None], tmp_path: Path
) -> Iterator[Callable[..., Stage]]:
    """Build a stage: keywords change the provider's settings, `client` what the provider knows of us.

    Whatever the provider hands out on it is looked for in every log record of the run.
    """

    def build(*, client: dict[str, object] | None = None, signon: dict[str, str] | None = None, **keywords: str):
        registered = signon_idp.register(client_for(**(client or {})))
        settings = settings_for(signon_idp, registered, **keywords)
        app = load_minimal(SIGNON_PROVIDERS="oidc", **settings, **(signon or {}))
        return Stage(app=app, idp=signon_idp, store=tmp_path / "sessions.sqlite3")

    yield build
    plant(*signon_idp.secrets)


@pytest.fixture
def stage(new_stage: Callable[..., Stage]) -> Stage:
    """The usual stage."""
    return new_stage()
