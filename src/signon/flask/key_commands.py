"""`flask signon keys`: the keys that seal sessions. None that is in use is ever shown."""

from __future__ import annotations

import secrets

import click
from flask.cli import AppGroup

from signon.flask.keys import KEY_BYTES
from signon.flask.messages import duration
from signon.flask.state import state

keys = AppGroup("keys", help="The keys that seal sessions.")


@keys.command("new")
def new() -> None:
    """Print a fresh key, and how to put it in front of those in use without signing anybody out."""
    click.echo(secrets.token_urlsafe(KEY_BYTES))
    # On the other channel, so that the key alone can be piped to where secrets are kept.
    click.echo(_how_to_change(), err=True)


@keys.command("list")
def list_keys() -> None:
    """List the ids of the keys in use, which of them seals, and where they come from."""
    ids = state().party.sealer.key_ids
    click.echo(f"{len(ids)} {'key' if len(ids) == 1 else 'keys'} from {state().settings.keys_from}")
    for number, key_id in enumerate(ids):
        click.echo(f"{key_id}  {'opens' if number else 'seals and opens'}")


def _how_to_change() -> str:
    settings = state().settings
    where = settings.keys_from
    if where == "SECRET_KEY":
        step = "Make it the SECRET_KEY, with the one before it first in SECRET_KEY_FALLBACKS"
    elif where.startswith("SIGNON_KEYS"):
        step = f"Put it first in {where}, with a comma behind it and the keys there are"
    else:
        step = f"Set SIGNON_KEYS to it, a comma, and the key in {where}"
    return (
        f"{step}; then restart every worker.\n"
        "With several machines let all of them open it first, as the last key, and put it in front afterwards:\n"
        "a worker without the key takes whoever has a session under it for signed out.\n"
        f"After {duration(settings.session_seconds)} nothing that lives needs the older keys, and they can go."
    )
