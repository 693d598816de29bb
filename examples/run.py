"""Run an example, `python examples/run.py thaid`: against its practice provider on this machine, or against the
vendor where the settings that its document names are filled in.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import cast

import click
from cheroot.wsgi import Server
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask

from signon_demo.serve import on_free_port
from signon_idp import Idp, start
from signon_idp.demo import demo_client
from signon_idp.dialects import DIALECTS

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What a practice provider must know of a document's application, and what that calls its settings."""

    client_id: str
    """The setting whose presence says that the vendor is meant."""
    callback: str
    landing: str | None = None
    """The path that the provider sends people back to after its own sign-out."""
    unprefixed: frozenset[str] = frozenset()
    """Settings that the document names without the vendor's name before them."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Further settings; `{origin}` stands for the application's address."""
    applications: int = 1


EXAMPLES: Mapping[str, Example] = {
    "thaid": Example(client_id="THAID_CLIENT_ID", callback="/auth"),
    "authmachine": Example(
        client_id="AUTHMACHINE_CLIENT_ID",
        callback="/oidc-callback",
        landing="/oidc-logout-callback",
        more={"AUTHMACHINE_PERMISSIONS": "billing"},
        applications=2,
    ),
    "auth0": Example(
        client_id="CLIENT_ID",
        callback="/callback",
        landing="/",
        unprefixed=frozenset({"CLIENT_ID", "CLIENT_SECRET"}),
        more={"REDIRECT_URI": "{origin}/callback", "AUDIENCE": "https://orders.example/"},
    ),
}


def practice(name: str, origins: tuple[str, ...], port: int) -> Idp:
    """Start the practice provider of an example, which knows its applications at these addresses."""
    example = EXAMPLES[name]
    landings = () if example.landing is None else tuple(origin + example.landing for origin in origins)
    client = replace(
        demo_client(name),
        client_name=f"The {DIALECTS[name].label} example",
        redirect_uris=tuple(origin + example.callback for origin in origins),
        post_logout_redirect_uris=landings,
    )
    return start(dialect=name, port=port, clients=(client,))


def settings(name: str, idp: Idp, *, origin: str) -> dict[str, str]:
    """What the document's application has in its configuration, for this practice provider; nothing is kept."""
    example, (client,) = EXAMPLES[name], idp.clients.values()
    found = {
        key if key in example.unprefixed else f"{name}_{key}".upper(): value
        for key, value in idp.dialect.settings(idp.issuer, client).items()
    }
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    own = {"SIGNON_BASE_URL": origin, "SIGNON_SESSIONS": "memory:", "SIGNON_TOKEN_KEY": pem}
    keys = {name: secrets.token_urlsafe(32) for name in ("SIGNON_KEYS", "SIGNON_PSEUDONYM_KEY")}
    return {**found, **own, **keys, **{key: value.format(origin=origin) for key, value in example.more.items()}}


def load(name: str, environment: Mapping[str, str], *, folder: Path | None = None) -> Flask:
    """The application of an example as it is, with these settings beside the environment's."""
    path = (folder or FOLDER / name) / "app.py"
    spec = importlib.util.spec_from_file_location(f"{name}_example", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    before = dict(os.environ)
    os.environ.update(environment)
    sys.modules[spec.name] = module  # Flask looks there for the folder of the module that it is made in
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
        os.environ.clear()
        os.environ.update(before)
    return cast("Flask", module.app)


def names_the_vendor(name: str) -> bool:
    """Whether the setting that names the client is filled in: in the environment, `.env` or `config.py`."""
    setting, folder = EXAMPLES[name].client_id, FOLDER / name
    found = dict(os.environ)
    if (folder / ".env").is_file():
        from dotenv import dotenv_values

        found |= {key: value or "" for key, value in dotenv_values(folder / ".env").items()}
    for file in folder.glob("config.*"):
        config = Flask(name).config
        config.from_pyfile(str(file))
        found[setting] = config.get(setting) or found.get(setting, "")
    return bool(found.get(setting))


@contextmanager
def serving(name: str, *, port: int, idp_port: int) -> Iterator[tuple[str, ...]]:
    """Serve an example inside a with block, and give its addresses; where no vendor is named at a practice
    provider. Each port is the first free one from its number on.
    """
    real = names_the_vendor(name)
    with ExitStack() as running:
        servers = []
        for number in range(1 if real else EXAMPLES[name].applications):
            servers.append(on_free_port(_bind, port=port and port + number))
            running.callback(servers[-1].stop)
        origins = tuple(f"http://localhost:{server.bind_addr[1]}" for server in servers)
        idp = None
        if not real:
            idp = running.enter_context(on_free_port(partial(practice, name, origins), port=idp_port))
        for server, origin in zip(servers, origins, strict=True):
            server.wsgi_app = load(name, {} if idp is None else settings(name, idp, origin=origin))
            Thread(target=server.serve, daemon=True).start()
        yield origins


def _bind(port: int) -> Server:
    server = Server(("127.0.0.1", port), None, numthreads=8, shutdown_timeout=1)
    server.expiration_interval = 0.05  # seconds: how long a kept connection waits to be looked at again
    server.prepare()
    return server


@click.command()
@click.argument("name", type=click.Choice(sorted(EXAMPLES)))
@click.option("--port", default=5000, show_default=True, help="The application's port.")
def main(name: str, port: int) -> None:
    """Run the document's application NAME until interrupted."""
    try:
        with serving(name, port=port, idp_port=DIALECTS[name].port) as origins:
            what = "the vendor" if names_the_vendor(name) else "a practice provider on this computer"
            click.echo(f"The {DIALECTS[name].label} example, at {what}. Ctrl-C stops it.")
            for origin in origins:
                click.echo(f"Open {origin}/")
            Event().wait()
    except KeyboardInterrupt:
        click.echo("Stopped.")


if __name__ == "__main__":
    main()
