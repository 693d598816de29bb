"""The command `demo`: the application and its practice providers, until interrupted."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Event, Thread

import click


@click.command("demo")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="The application's.")
@click.option(
    "--idp-port", default=9000, show_default=True, type=click.IntRange(0, 65535), help="The first provider's."
)
def demo(*, port: int, idp_port: int) -> None:
    """Run a demo application and a practice provider on this computer, to sign in with in a browser.

    Nothing leaves this computer, and nothing is kept. A taken port gives way to the next free one.
    """
    with ExitStack() as running:
        try:
            address = _start(running, port=port, idp_port=idp_port)
            click.echo(f"Open {address}/ in a browser to sign in.\nCtrl-C stops it.")
            Event().wait()
        except OSError as error:
            raise click.ClickException(f"{error}: {error.__cause__}") from None
        except KeyboardInterrupt:
            click.echo("Stopped.")


def _start(running: ExitStack, *, port: int, idp_port: int) -> str:
    """Start everything, to be stopped by `running`; the application's base URL."""
    from signon.providers import from_names
    from signon_demo.app import create_app
    from signon_demo.ports import bind, on_free_port
    from signon_demo.practice import PRACTICES, provider_names, provider_settings, start_practice

    server = on_free_port(bind, port=port)
    running.callback(server.stop)
    _say_moved("the application", port, server.bind_addr[1])
    address = f"http://localhost:{server.bind_addr[1]}"
    settings: dict[str, str] = {}
    for practice in PRACTICES:
        idp = on_free_port(lambda free: start_practice(practice, port=free, application=address), port=idp_port)  # noqa: B023 - called before the loop goes on
        running.enter_context(idp)
        _say_moved(f"the provider {practice.name}", idp_port, idp.port)
        idp_port = idp.port + 1
        settings |= provider_settings(practice, idp)
    server.wsgi_app = create_app(from_names(provider_names(PRACTICES), settings=settings), base_url=address)
    Thread(target=server.serve, name="signon-demo", daemon=True).start()
    return address


def _say_moved(who: str, wanted: int, got: int) -> None:
    if wanted not in {0, got}:
        click.echo(f"Port {wanted} is taken: {who} is on {got}.", err=True)
