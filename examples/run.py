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
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, cast

import click
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask, Response, json, send_from_directory

from signon_demo.certificate import make_certificate
from signon_demo.serve import on_free_port
from signon_idp import Idp, start
from signon_idp.demo import demo_client
from signon_idp.dialects import DIALECTS
from signon_idp.dialects.pingone_people import ENVIRONMENT_ID

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What a practice provider must know of a document's application, and what that calls its settings."""

    client_id: str
    """The setting whose presence says that the vendor is meant."""
    callback: str
    """The paths that the provider sends people back to, with blanks between."""
    landing: str | None = None
    """The path that the provider sends people back to after its own sign-out."""
    unprefixed: frozenset[str] = frozenset()
    """Settings that the document names without the vendor's name before them."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Further settings; `{origin}` stands for the application's address, `{frontend}` for its frontend's, and
    `{idp.port}` for the practice provider's port.
    """
    registered: Mapping[str, Any] = field(default_factory=dict)
    """What the practice provider knows of the application beside its addresses."""
    client_auth: str | None = None
    """The setting that says how the application shows who it is: the practice provider takes no other way."""
    applications: int = 1
    port: int = 5000
    frontend_port: int | None = None
    """Where the folder `frontend` is served, for a single-page application on an origin of its own."""


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
    "pingone": Example(
        client_id="CLIENT_ID",
        callback="/callback1 /callback",
        landing="/",
        unprefixed=frozenset({"API_URL", "CLIENT_ID", "CLIENT_SECRET"}),
        more={
            "AUTH_URL": "http://127.0.0.1:{idp.port}",
            "ENVIRONMENT_ID": ENVIRONMENT_ID,
            "LOGOUT_URI": "{origin}/",
        },
        registered={
            "response_types": ("code", "code id_token", "id_token", "id_token token"),
            "grant_types": ("authorization_code", "implicit", "client_credentials", "refresh_token"),
        },
        client_auth="TOKEN_AUTH_METHOD",
        port=8080,
    ),
    "sgid": Example(
        client_id="SGID_CLIENT_ID",
        callback="/api/redirect",
        more={
            "SGID_SCOPE": "openid myinfo.name pocdex.public_officer_details",
            "SGID_FRONTEND_HOST": "{frontend}",
        },
        port=5001,
        frontend_port=5173,
    ),
}


def practice(name: str, origins: tuple[str, ...], port: int) -> Idp:
    """Start the practice provider of an example, which knows its applications at these addresses."""
    example = EXAMPLES[name]
    landings = () if example.landing is None else tuple(origin + example.landing for origin in origins)
    client = replace(
        demo_client(name),
        client_name=f"The {DIALECTS[name].label} example",
        redirect_uris=tuple(origin + path for origin in origins for path in example.callback.split()),
        post_logout_redirect_uris=landings,
        **example.registered,
    )
    method = found(name, example.client_auth) if example.client_auth else None
    if method in {"client_secret_post", "none"}:
        secret = None if method == "none" else client.client_secret
        client = replace(client, token_endpoint_auth_method=method, client_secret=secret)
    return start(dialect=name, port=port, clients=(client,))


def settings(name: str, idp: Idp, *, origin: str, frontend: str = "") -> dict[str, str]:
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
    known = {"origin": origin, "frontend": frontend, "idp": idp}
    more = {key: value.format(**known) for key, value in example.more.items()}
    return {**found, **own, **keys, **more}


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
    """Whether the setting that names the client is filled in."""
    return found(name, EXAMPLES[name].client_id) is not None


def found(name: str, setting: str) -> str | None:
    """What is filled in for a setting of an example, in the environment, `.env` or `config.py`; None: nothing."""
    folder = FOLDER / name
    values = [os.environ.get(setting)]
    if (folder / ".env").is_file():
        from dotenv import dotenv_values

        values.append(dotenv_values(folder / ".env").get(setting))
    for file in folder.glob("config.*"):
        config = Flask(name).config
        config.from_pyfile(str(file))
        values.append(config.get(setting))
    return next((str(value) for value in values if value), None)


def pages(folder: Path, *, backend: str) -> Flask:
    """A single-page application: the files of a folder, and its first page at every path that it knows itself."""
    app = Flask("frontend", static_folder=folder, static_url_path="")

    @app.get("/config.mjs")
    def config() -> Response:
        return Response(f"export const BACKEND = {json.dumps(backend)};\n", mimetype="text/javascript")

    @app.errorhandler(404)
    def page(_error: Exception) -> Response:
        return send_from_directory(folder, "index.html")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {backend};"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return app


@contextmanager
def serving(name: str, *, port: int, idp_port: int, https: bool = False) -> Iterator[tuple[str, ...]]:
    """Serve an example inside a with block, and give its addresses, a frontend's first; where no vendor is named
    at a practice provider. Each port is the first free one from its number on. With https by a certificate that
    is made for this one run.
    """
    real, frontend = names_the_vendor(name), ""
    with ExitStack() as running:
        tls = make_certificate(Path(running.enter_context(TemporaryDirectory()))) if https else None
        bind, scheme = partial(_bind, tls=tls), "https" if https else "http"
        servers = []
        for number in range(1 if real else EXAMPLES[name].applications):
            servers.append(on_free_port(bind, port=port and port + number))
            running.callback(servers[-1].stop)
        origins = tuple(f"{scheme}://localhost:{server.bind_addr[1]}" for server in servers)
        frontend_port, idp = EXAMPLES[name].frontend_port, None
        if frontend_port is not None:
            server = on_free_port(bind, port=port and frontend_port)
            running.callback(server.stop)
            server.wsgi_app = pages(FOLDER / name / "frontend", backend=origins[0])
            Thread(target=server.serve, daemon=True).start()
            frontend = f"{scheme}://localhost:{server.bind_addr[1]}"
        if not real:
            idp = running.enter_context(on_free_port(partial(practice, name, origins), port=idp_port))
        for server, origin in zip(servers, origins, strict=True):
            told = {} if idp is None else settings(name, idp, origin=origin, frontend=frontend)
            server.wsgi_app = load(name, told)
            Thread(target=server.serve, daemon=True).start()
        yield (frontend, *origins) if frontend else origins


def _bind(port: int, *, tls: tuple[Path, Path] | None) -> Server:
    server = Server(("127.0.0.1", port), None, numthreads=8, shutdown_timeout=1)
    if tls is not None:
        server.ssl_adapter = BuiltinSSLAdapter(str(tls[0]), str(tls[1]))
    server.expiration_interval = 0.05  # seconds: how long a kept connection waits to be looked at again
    server.prepare()
    return server


@click.command()
@click.argument("name", type=click.Choice(sorted(EXAMPLES)))
@click.option("--port", type=int, help="The application's port; else the one that its document has.")
@click.option("--https", is_flag=True, help="Over https, by a certificate that no browser knows yet.")
def main(name: str, port: int | None, *, https: bool) -> None:
    """Run the document's application NAME until interrupted."""
    try:
        port = EXAMPLES[name].port if port is None else port
        with serving(name, port=port, idp_port=DIALECTS[name].port, https=https) as origins:
            what = f"a practice provider on this computer, since {EXAMPLES[name].client_id} is not set"
            if names_the_vendor(name):
                what = "the vendor"
            click.echo(f"The {DIALECTS[name].label} example, at {what}. Ctrl-C stops it.")
            for origin in origins[:1] if EXAMPLES[name].frontend_port else origins:
                click.echo(f"Open {origin}/")
            Event().wait()
    except KeyboardInterrupt:
        click.echo("Stopped.")


if __name__ == "__main__":
    main()
