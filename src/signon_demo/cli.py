"""The command `demo`: the application and its practice providers, until interrupted."""

from __future__ import annotations

from threading import Event

import click

_PORT = click.IntRange(0, 65535)


@click.command("demo")
@click.option("--port", default=5000, show_default=True, type=_PORT, help="The application's port.")
@click.option("--idp-port", default=9000, show_default=True, type=_PORT, help="The practice provider's port.")
def demo(*, port: int, idp_port: int) -> None:
    """Run a demo application and a practice provider on this computer, to sign in with in a browser.

    Nothing leaves this computer, and nothing is kept. A taken port gives way to the next free one.
    """
    from signon_demo.practice import PRACTICES
    from signon_demo.serve import serving

    try:
        with serving(PRACTICES, port=port, idp_port=idp_port) as running:
            _say_moved("the application", port, running.port)
            _say_moved("the practice provider", idp_port, next(iter(running.idps.values())).port)
            click.echo(f"Open {running.address}/ in a browser to sign in.\nCtrl-C stops it.")
            Event().wait()
    except OSError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("Stopped.")


def _say_moved(who: str, wanted: int, got: int) -> None:
    if wanted not in {0, got}:
        click.echo(f"Port {wanted} is taken: {who} is on {got}.", err=True)
