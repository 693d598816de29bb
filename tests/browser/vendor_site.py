"""The minimal example at a practice provider that plays a vendor, with pages of the test's own, for Chromium."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from playwright.sync_api import Page
from tests.journeys.browsing import Recorder, Site
from tests.journeys.serving import free_port, serving

from signon_idp import Idp
from signon_idp.demo import demo_client


@contextmanager
def vendor_site(
    load_minimal: Callable[..., object],
    idp: Idp,
    *,
    pages: Mapping[str, Callable[[], object]] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Serve an application on a free port of localhost that knows this provider by its vendor's own names.

    `settings` are all others; `{origin}` in one stands for the application's.
    """
    name, port = idp.dialect.name, free_port()
    origin = f"http://localhost:{port}"
    client = idp.register(
        replace(
            demo_client(name),
            client_id=f"client-at-{port}",
            redirect_uris=(f"{origin}/auth/callback/{name}",),
            post_logout_redirect_uris=(f"{origin}/auth/logout/callback/{name}",),
        )
    )
    told = {f"{name}_{key}".upper(): value for key, value in idp.dialect.settings(idp.issuer, client).items()}
    more = {key: value.format(origin=origin) for key, value in (settings or {}).items()}
    app = load_minimal(SIGNON_PROVIDERS=name, **{**told, **more})
    for path, view in (pages or {}).items():
        app.add_url_rule(path, path, view)
    recorder = Recorder(app)
    with serving(recorder, port=port):
        yield Site(origin=origin, idp=idp, recorder=recorder)


def choose(page: Page, persona: str) -> None:
    """Press a persona's button on the provider's page."""
    page.locator(f'button[name="persona"][value="{persona}"]').click()


def leave(place: Site, page: Page) -> None:
    """Sign out by the page that asks."""
    page.goto(f"{place.origin}/auth/logout")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url(f"{place.origin}/auth/signed-out**")
