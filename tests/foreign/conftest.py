"""Providers by others, each started once for the tests that need it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.foreign.certified import CLIENTS, PATH
from tests.journeys.serving import free_port, running

HERE = Path(__file__).parent
_NODE = 20


def _missing_node() -> str | None:
    node = shutil.which("node")
    if node is None:
        return f"there is no Node.js here: install version {_NODE} or later"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < _NODE:
        return f"Node.js {version} is too old: install version {_NODE} or later"
    if not (HERE / "node_modules" / "oidc-provider").is_dir():
        return "the packages of tests/foreign are missing: `make deps`, or `npm ci` in that folder"
    return None


@pytest.fixture(scope="session")
def certified_issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The issuer of a running npm `oidc-provider`, which knows `CLIENTS`.

    Without Node a skip that says what to install, or a failure with CI=true.
    """
    missing = _missing_node()
    if missing is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    port = free_port()
    issuer = f"http://127.0.0.1:{port}{PATH}"
    told = json.dumps({"port": port, "path": PATH, "clients": list(CLIENTS.values())})
    output = tmp_path_factory.mktemp("oidc-provider") / "output"
    ready = f"{issuer}/.well-known/openid-configuration"
    with running(["node", "provider.mjs", told], ready=ready, output=output, settings={}, folder=HERE):
        yield issuer
