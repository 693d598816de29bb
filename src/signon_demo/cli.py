"""The command `demo`: the application and its practice providers, until interrupted."""

from __future__ import annotations

from threading import Event

import click

_PORT = click.IntRange(0, 65535)


@click.command("demo")
@click.option("--port", default=5000, show_default=True, type=_PORT, help="The application's port.")
@click.option(
    "--idp-port",
    default=9000,
    show_default=True,
    type=_PORT,
    help="The standard practice provider's port; those that play a vendor come after it.",
)
@click.option("--https", is_flag=True, help="Serve the application over TLS, with a certificate made on the fly.")
def demo(*, port: int, idp_port: int, https: bool) -> None:
    """Run a demo application and practice providers on this computer, to sign in with in a browser.

    Nothing leaves this computer, and nothing is kept. A taken port gives way to the next free one. With a
    vendor's credentials in the environment (THAID_CLIENT_ID and so on) its button goes to the real vendor.
    """
    from signon_demo.practice import PRACTICES
    from signon_demo.serve import serving

    try:
        with serving(PRACTICES, port=port, idp_port=idp_port, https=https) as running:
            for note in running.notes:
                click.echo(note, err=True)
            if https:
                click.echo("The browser will ask once whether to trust the certificate.", err=True)
            click.echo(f"Open {running.address}/ in a browser to sign in.\nCtrl-C stops it.")
            Event().wait()
    except OSError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("Stopped.")
