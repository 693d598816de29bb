"""Chromium, the system's own, for the tests that need a browser."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from signon_demo.practice import PRACTICES
from signon_demo.serve import Running, serving

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox",  # root in a container has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _executable() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        missing = "no Chromium here: `make deps` installs it (Debian and Ubuntu: apt-get install chromium)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the whole run; where there is none, a skip, or a failure with CI=true."""
    executable = _executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile: no cookies, no cache. Pages give up on what they wait for after 10 s."""
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Bangkok")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture(scope="session")
def demo() -> Iterator[Running]:
    """The demo with all its practice providers, for tests that only visit it."""
    with serving(PRACTICES, port=0, idp_port=0, environment={}) as running:
        yield running
