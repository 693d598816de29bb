"""`flask signon`: look at how sign-in is set up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

import click
from flask import current_app
from flask.cli import AppGroup
from werkzeug.routing import Rule

from signon.core.claims import LEEWAY_SECONDS
from signon.core.errors import SignOnError
from signon.core.flow import send
from signon.core.keys import jwks_request, read_jwks
from signon.core.provider import Provider
from signon.core.values import read_seconds
from signon.flask.key_commands import keys
from signon.flask.messages import duration
from signon.flask.session_commands import sessions
from signon.flask.site import site_at
from signon.flask.state import state
from signon.sessions.circuit import Circuit

signon = AppGroup("signon", help="Sign-in with OpenID Connect.")
signon.add_command(keys)
signon.add_command(sessions)


@signon.command("routes")
def routes() -> None:
    """List Signon's routes, and the addresses to register with each provider."""
    ours = [rule for rule in current_app.url_map.iter_rules() if rule.endpoint.startswith("signon.")]
    width = max(len(_methods(rule)) for rule in ours)
    for rule in sorted(ours, key=lambda rule: rule.rule):
        click.echo(f"{_methods(rule):{width}}  {rule.rule}")
    here = site_at(state().settings.base_url or "http://localhost:5000")
    for name, provider in state().party.providers.items():
        click.echo(f"\nRegister with {provider.label} ({name}):")
        for what, path in _to_register(name, provider):
            click.echo(f"  {what:24}  {here.url(path)}")
    if state().settings.base_url is None:
        click.echo("\nSIGNON_BASE_URL is not set: only this machine is served, each port with its own addresses.")


def _methods(rule: Rule) -> str:
    """What a route is for; the back channel takes the other methods only to refuse them in words of its own."""
    refusing = rule.endpoint.startswith("signon.backchannel_logout_")
    return "POST" if refusing else ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))


def _to_register(name: str, provider: Provider) -> Iterator[tuple[str, str]]:
    """What a provider calls the addresses that it must know, and the path of each."""
    paths = state()
    yield "redirect URI", paths.callback_paths[name]
    yield "post logout redirect URI", provider.post_logout_path or paths.logout_callback_paths[name]
    if "backchannel" in provider.tells_by:
        yield "back-channel logout URI", paths.backchannel_logout_paths[name]
    if "frontchannel" in provider.tells_by:
        yield "front-channel logout URI", paths.frontchannel_logout_paths[name]
    yield "initiate login URI", paths.initiate_paths[name]
    if provider.private_keys:
        yield "JWKS URI", paths.settings.jwks_path


@signon.command("check")
@click.pass_context
def check(context: click.Context) -> None:
    """Ask each provider for its metadata and keys, compare clocks, try the session store; say what is wrong."""
    wrong = 0
    for provider in state().party.providers.values():
        wrong += _say(f"provider {provider.name} ({provider.issuer})", _provider_problem(provider))
    wrong += _say("session store", _store_problem())
    if wrong:
        context.exit(1)


@signon.command("init-store")
def init_store() -> None:
    """Make the tables of the session store, or bring them up to date; harmless where that is done."""
    store = state().party.sessions.store
    behind = store.store if isinstance(store, Circuit) else store
    prepare = getattr(behind, "prepare", None)
    if prepare is None:
        click.echo("nothing to do: this session store makes what it needs by itself")
        return
    try:
        click.echo(prepare())
    except SignOnError as error:
        raise click.ClickException(str(error)) from None


def _say(what: str, problem: str | None) -> int:
    click.echo(f"{'ok ' if problem is None else 'BAD'} {what}" + (f": {problem}" if problem else ""))
    return int(problem is not None)


def _provider_problem(provider: Provider) -> str | None:
    party = state().party
    try:
        metadata = party.runtime.metadata(provider)
        response = party.runtime.run(provider, send(jwks_request(metadata.jwks_uri)))
        read_jwks(response)
    except SignOnError as error:
        return str(error)
    return _clock_problem(response.headers, now=party.clock())


def _clock_problem(headers: Mapping[str, str], *, now: float) -> str | None:
    """How far the clocks are apart by the Date of an answer (RFC 9110 6.6.1), where that is too far for tokens.
    An answer without one says nothing. One out of a cache was made its Age before (RFC 9111 5.1).
    """
    age = read_seconds(headers.get("age", "")) or 0
    try:
        apart = now - age - parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    if abs(apart) <= LEEWAY_SECONDS:
        return None
    where = "ahead of" if apart > 0 else "behind"
    return f"this machine's clock is {duration(abs(apart))} {where} the provider's: its tokens will be refused"


def _store_problem() -> str | None:
    party = state().party
    try:
        party.sessions.state_was_claimed(party.sealer.stamp(now=party.clock()), now=party.clock())
    except SignOnError as error:
        return str(error)
    return None
