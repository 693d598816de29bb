"""Stages of the examples, with the environment that their documents speak of and nothing else."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.examples.stage import ORIGIN, Stage, run

_SETTING = re.compile(
    r"(SIGNON|THAID|AUTHMACHINE|AUTH0|PINGONE|SGID)_|"
    r"(CLIENT_ID|CLIENT_SECRET|REDIRECT_URI|AUDIENCE|AUTH_URL|API_URL|ENVIRONMENT_ID|LOGOUT_URI|GRANT_TYPE|"
    r"RESPONSE_TYPE|TOKEN_AUTH_METHOD|OAUTH_REDIRECT_PATH)$"
)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have some."""
    for name in [name for name in os.environ if _SETTING.match(name)]:
        monkeypatch.delenv(name)


@pytest.fixture
def stage_of(plant: Callable[..., None]) -> Iterator[Callable[..., Stage]]:
    """Build a stage: `origins` are the addresses of the example's applications, `folder` is a copy of the example
    that keeps its settings in its own file, keywords are settings of the environment's.

    Whatever the provider hands out is looked for in every log record of the run.
    """
    with ExitStack() as running:
        idps = []

        def build(
            name: str, *, origins: tuple[str, ...] = (ORIGIN,), folder: Path | None = None, **more: str
        ) -> Stage:
            idps.append(running.enter_context(run.practice(name, origins, 0)))
            apps = {}
            for origin in origins:
                settings = run.settings(name, idps[-1], origin=origin)
                if folder is not None:
                    settings = write_settings(folder, settings)
                apps[origin] = run.load(name, {**settings, **more}, folder=folder)
            return Stage(apps=apps, idp=idps[-1])

        yield build
        for idp in idps:
            plant(*idp.secrets, *(one.sub for one in idp.dialect.personas if len(one.sub) == 13))


def write_settings(folder: Path, settings: dict[str, str]) -> dict[str, str]:
    """Write what a document keeps in its file into the file of a copy; gives what is left for the environment."""
    mine = {name: value for name, value in settings.items() if not name.startswith("SIGNON_")}
    file = next(iter(folder.glob("config.*")), None)
    if file is not None:
        file.write_text(file.read_text() + "\n".join(f"{name} = {value!r}" for name, value in mine.items()))
    else:
        (folder / ".env").write_text("\n".join(f"{name}={value}" for name, value in mine.items()))
    return {name: value for name, value in settings.items() if name not in mine}
