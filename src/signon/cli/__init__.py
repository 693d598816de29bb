"""The `signon` command. Each command imports what it needs when it is called: extras stay optional."""

from __future__ import annotations

import sys

import click


class _Commands(click.Group):
    """Commands by name, loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx  # the list is the same for all
        return ["demo", "idp", "providers"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name == "idp":
            from signon_idp.cli import idp

            return idp
        if cmd_name == "demo":
            from signon_demo.cli import demo

            return demo
        if cmd_name == "providers":
            from signon.cli.providers import providers

            return providers
        return None


@click.group(cls=_Commands)
@click.version_option(package_name="signon")
def signon() -> None:
    """Sign people in with OpenID Connect."""


def main() -> None:
    """Run the command; say which extra is missing where one is."""
    try:
        signon()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"", "signon", "signon_idp", "signon_demo"}:
            raise  # a mistake of ours, and no extra that is missing
        click.echo(f"This command needs {error.name}: pip install 'signon[demo]'", err=True)
        sys.exit(1)
