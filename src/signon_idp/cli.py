"""The command `idp`: run a practice provider until interrupted."""

import shlex
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signon_idp.model import Client
    from signon_idp.provider import Idp

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OF_THE_PROVIDER = ("dialect", "host", "port", "path", "access_token_seconds", "refresh_grace_seconds")


@click.command("idp")
@click.option("--dialect", default="oidc", show_default=True, help="Which provider to play.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, and in the issuer.")
@click.option(
    "--port", default=None, type=int, help="Port to listen on, each dialect's own if left out; 0: a free one."
)
@click.option("--path", default="", help="Path of the issuer, for example /tenant/a.")
@click.option("--client-id", default="demo", show_default=True, help="The one client's identifier.")
@click.option("--client-secret", default=None, help="Its secret; a published practice one when left out.")
@click.option("--redirect-uri", multiple=True, help="Redirect URI of the client; repeatable.")
@click.option("--post-logout-redirect-uri", multiple=True, help="Where it may send people after signing out.")
@click.option("--backchannel-logout-uri", default=None, help="Where it takes logout tokens.")
@click.option("--frontchannel-logout-uri", default=None, help="Its page for frames of the signed-out page.")
@click.option(
    "--auth-method", default=None, help="client_secret_basic, client_secret_post or none; usually the dialect's."
)
@click.option("--alg", default=None, help="Signs ID tokens: RS256 PS256 ES256 EdDSA HS256; usually the dialect's.")
@click.option("--consent", is_flag=True, help="Ask people for consent.")
@click.option(
    "--access-token-seconds", default=None, type=click.IntRange(1), help="Their life; usually the dialect's."
)
@click.option(
    "--refresh-grace",
    "refresh_grace_seconds",
    default=0.0,
    type=click.FloatRange(0),
    help="Seconds in which a used refresh token works again; 0: that ends its family.",
)
@click.option("--fault", default=None, metavar="NAME", help="Be wrong in this one way; see --list-faults.")
@click.option("--list-faults", is_flag=True, help="Print the faults and stop.")
def idp(*, list_faults: bool, fault: str | None, **options: object) -> None:
    """Run an OpenID provider of fictional people on this computer, to sign in with and to test against."""
    if list_faults:
        _print_faults()
        return
    provider = _begin(fault, **options)
    try:
        with provider:
            _introduce(provider, fault)
            wait_until_stopped(provider)
    except KeyboardInterrupt:
        click.echo("Stopped.")


def wait_until_stopped(provider: "Idp") -> None:
    """Wait for Ctrl-C, which raises KeyboardInterrupt here, or for the provider's end."""
    provider.stopped.wait()


def _begin(fault: str | None, **options: object) -> "Idp":
    from signon_idp.server import find_dialect, start

    settings = {name: options.pop(name) for name in _OF_THE_PROVIDER}
    try:
        spoken = find_dialect(str(settings["dialect"]))
        client = _client(spoken.name, **options)
        settings["port"] = spoken.port if settings["port"] is None else settings["port"]
        provider = start(clients=(client,), **settings)  # type: ignore[arg-type]  # click has checked each option's type
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
    try:
        provider.set_fault(fault)
    except ValueError as error:
        provider.stop()
        raise click.ClickException(f"{error}; --list-faults prints them all") from None
    return provider


def _client(dialect: str, **options: object) -> "Client":
    from dataclasses import replace

    from signon_idp.demo import CLIENT_SECRET, demo_client

    usual = demo_client(dialect)
    method = str(options["auth_method"] or usual.token_endpoint_auth_method)
    changes: dict[str, object] = {
        "client_id": options["client_id"],
        "client_secret": None if method == "none" else options["client_secret"] or CLIENT_SECRET,
        "token_endpoint_auth_method": method,
        "id_token_signed_response_alg": options["alg"] or usual.id_token_signed_response_alg,
        "require_consent": options["consent"],
        "redirect_uris": options["redirect_uri"] or usual.redirect_uris,
        "post_logout_redirect_uris": options["post_logout_redirect_uri"] or usual.post_logout_redirect_uris,
    }
    for channel in ("backchannel", "frontchannel"):
        uri = options[f"{channel}_logout_uri"]
        changes |= {f"{channel}_logout_uri": uri, f"{channel}_logout_session_required": uri is not None}
    return replace(usual, **changes)  # type: ignore[arg-type]  # click has checked each option's type


def _introduce(provider: "Idp", fault: str | None) -> None:
    (client,) = provider.clients.values()
    name = provider.dialect.name
    click.echo(f"Practice provider: plays {provider.dialect.label} at {provider.issuer}")
    if provider.host not in _LOOPBACK:
        click.echo("Warning: other computers can reach it, and anybody can sign in as anybody.", err=True)
    for uri in client.redirect_uris:
        click.echo(f"  sends people back to  {uri}")
    for uri in client.post_logout_redirect_uris:
        click.echo(f"  and signed out to     {uri}")
    if fault:
        click.echo(f"  with the fault        {fault}: {provider.fault_now.sentence}")
    click.echo("\nFor the application's environment:\n")
    for line in environment_lines(name, provider.dialect.settings(provider.issuer, client)):
        click.echo(f"  export {line}")
    click.echo("\nCtrl-C stops it.")


def environment_lines(name: str, settings: "Mapping[str, str]") -> list[str]:
    """`NAME=value` for each setting that an application needs, as a shell reads it."""
    values = {"SIGNON_PROVIDERS": name, **{f"{name}_{key}".upper(): value for key, value in settings.items()}}
    return [f"{key}={shlex.quote(value)}" for key, value in values.items()]


def _print_faults() -> None:
    from signon_idp.faults import FAULTS

    width = max(map(len, FAULTS), default=0)
    for name, fault in FAULTS.items():
        click.echo(f"{name:<{width}}  {fault.sentence}")
