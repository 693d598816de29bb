"""The command `providers`: the vendors that are known by heart, and every setting of each."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping

import click

from signon.providers.auth0 import KEYWORDS as AUTH0
from signon.providers.authmachine import KEYWORDS as AUTHMACHINE
from signon.providers.keywords import Keyword
from signon.providers.oidc import KEYWORDS as OIDC
from signon.providers.pingone import KEYWORDS as PINGONE
from signon.providers.sgid import KEYWORDS as SGID
from signon.providers.thaid import KEYWORDS as THAID

TABLES: Mapping[str, tuple[Keyword, ...]] = {
    "thaid": THAID,
    "authmachine": AUTHMACHINE,
    "auth0": AUTH0,
    "pingone": PINGONE,
    "sgid": SGID,
    "oidc": OIDC,
}
_LABELS = {
    "thaid": "ThaID, the digital id of Thailand",
    "authmachine": "AuthMachine, an identity server that organizations run themselves",
    "auth0": "Auth0",
    "pingone": "PingOne",
    "sgid": "sgID, Singapore's federated sign-in",
    "oidc": "any other OpenID provider, by its issuer; so is every name that is no vendor's",
}
_WIDTH = 100


@click.command()
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def providers(*, name: str | None, as_json: bool) -> None:
    """List the providers that are known by heart; with NAME every setting of that one."""
    if name is None:
        _list(as_json=as_json)
        return
    if name not in TABLES:
        raise click.ClickException(f"no provider is called {name!r}; there are {', '.join(TABLES)}")
    if as_json:
        settings = [_members(name, keyword) for keyword in TABLES[name]]
        click.echo(json.dumps({"name": name, "label": _LABELS[name], "settings": settings}, ensure_ascii=False))
        return
    click.echo(f"{_LABELS[name]}. Its settings, in the environment or in app.config:")
    for keyword in TABLES[name]:
        click.echo(f"\n{_setting(name, keyword)}")
        click.echo(textwrap.fill(_sentence(name, keyword), _WIDTH, initial_indent="  ", subsequent_indent="  "))


def _list(*, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([{"name": name, "label": label} for name, label in _LABELS.items()]))
        return
    for name, label in _LABELS.items():
        click.echo(f"{name:<12} {label}")
    click.echo("\n`signon providers NAME` tells every setting; SIGNON_PROVIDERS=thaid,auth0 uses two of them.")


def _setting(name: str, keyword: Keyword) -> str:
    return f"{name}_{keyword.name}".upper()


def _members(name: str, keyword: Keyword) -> dict[str, object]:
    """One setting as JSON: null where there is no default, an empty list where any text may stand."""
    return {
        "setting": _setting(name, keyword),
        "keyword": keyword.name,
        "default": keyword.default,
        "choices": list(keyword.choices),
        "secret": keyword.secret,
        "says": keyword.says,
    }


def _sentence(name: str, keyword: Keyword) -> str:
    parts = [f"{keyword.says}."]
    if keyword.choices:
        parts.append(f"One of {', '.join(keyword.choices)}.")
    if keyword.default is not None:
        parts.append(f"Usually {keyword.default}.")
    if keyword.secret:
        parts.append(f"A secret: {_setting(name, keyword)}_FILE may name a file that holds it.")
    return " ".join(parts)
