"""`flask signon sessions`: what the operator may see of people's sessions, and their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import click
from flask.cli import AppGroup

from signon.core.errors import SignOnError
from signon.core.provider import Provider
from signon.flask.ended import tell
from signon.flask.messages import moment
from signon.flask.state import state
from signon.service.my_sessions import to_place
from signon.service.revoke import revoke_tokens
from signon.sessions.record import Session

F = TypeVar("F", bound=Callable[..., object])

sessions = AppGroup("sessions", help="People's sessions.")


def _whose(command: F) -> F:
    """The options that say whose sessions are meant."""
    for option, text in (
        ("--sid", "Those begun in this session of the provider's."),
        ("--subject", "Those of this person."),
        ("--issuer", "The provider, as its issuer is written."),
    ):
        command = click.option(option, help=text)(command)
    return command


@sessions.command("list")
@_whose
def list_sessions(*, issuer: str | None, subject: str | None, sid: str | None) -> None:
    """List living sessions by provider, browser, beginning and last use, and by nothing that says who it is."""
    issuer, subject, sid = _checked(issuer, subject, sid)
    party, now = state().party, state().party.clock()
    with _reaching_the_store():
        if subject is None:
            found = party.sessions.listed_sid(issuer, sid, now=now)
        else:
            found = party.sessions.listed(issuer, subject, now=now)
    if not found:
        _check_issuer(issuer)
    click.echo(_count(len(found)))
    for place in (to_place(party, one) for one in found):
        times = f"since {moment(place.signed_in_at)}, last seen {moment(place.last_seen_at)}"
        click.echo(f"{place.provider}, {place.browser or 'unknown browser'}, {times}")


@sessions.command("end")
@_whose
@click.option("--all", "everybody", is_flag=True, help="Everybody's.")
@click.option("--yes", is_flag=True, help="Don't ask whether everybody's are meant.")
def end(*, issuer: str | None, subject: str | None, sid: str | None, everybody: bool, yes: bool) -> None:
    """End sessions, and sign-ins that are under way, and revoke their tokens at the provider.

    With --all the tokens stay as they are, since no session is opened to find them, and whoever is just signing
    in gets in.
    """
    if everybody:
        _end_everybodys(issuer, subject, sid, yes=yes)
        return
    issuer, subject, sid = _checked(issuer, subject, sid)
    party, now, ended = state().party, state().party.clock(), list[Session]()
    try:
        with _reaching_the_store():
            if subject is None:
                party.sessions.end_sid(issuer, sid, now=now, each=ended.append)
            else:
                party.sessions.end_subject(issuer, subject, now=now, each=ended.append)
    finally:  # also where the store has failed midway: a second try doesn't find these
        tell(ended, reason="operator")
        for session in ended:
            revoke_tokens(party, session)
    if not ended:
        _check_issuer(issuer)
    click.echo(f"{_count(len(ended))} ended")


def _end_everybodys(*names: str | None, yes: bool) -> None:
    if any(name is not None for name in names):
        raise click.UsageError("--all means everybody's: it goes with no --issuer, --subject or --sid")
    if not yes:
        click.confirm("Sign everybody out?", abort=True)
    with _reaching_the_store():
        state().party.sessions.end_everything()
    click.echo("all sessions ended: every worker knows within a second")


def _checked(issuer: str | None, subject: str | None, sid: str | None) -> tuple[str, str | None, str]:
    if issuer is None or (subject is None) == (sid is None):
        raise click.UsageError("whose sessions: --issuer, and either --subject or --sid")
    return issuer, subject, sid or ""


def _check_issuer(issuer: str) -> None:
    """Nobody's sessions were found: say so in another way where the issuer may be why, an absent slash perhaps."""
    issuers = [_issuer(provider) for provider in state().party.providers.values()]
    if issuer not in issuers:
        raise click.ClickException(f"no provider has the issuer {issuer}; there are {', '.join(issuers)}")


def _issuer(provider: Provider) -> str:
    """The issuer as sessions have it: of two spellings the one that the provider's metadata has."""
    if provider.either_slash:
        with suppress(SignOnError):
            return state().party.runtime.metadata(provider).issuer
    return provider.issuer


def _count(number: int) -> str:
    return f"{number} {'session' if number == 1 else 'sessions'}"


@contextmanager
def _reaching_the_store() -> Iterator[None]:
    """A store that is away, or out of a command's reach, is said in a line."""
    if state().settings.sessions == "memory:":
        raise click.ClickException("each worker has its sessions in its own memory: no command gets there")
    try:
        yield
    except SignOnError as error:
        raise click.ClickException(str(error)) from None
