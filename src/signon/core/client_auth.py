"""Who we are to a provider, and how we prove it (RFC 6749 2.3, OIDC Core 9)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote_plus

from signon.core.errors import OperatorError
from signon.core.values import Secret

Method: TypeAlias = Literal["client_secret_basic", "client_secret_post", "none"]
METHODS: tuple[Method, ...] = ("client_secret_basic", "client_secret_post", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """This application as a provider knows it."""

    client_id: str
    secret: Secret | None = None
    auth: Method | None = None
    """The registered method; None lets `authentication_method` choose by the provider's metadata."""
    raw_basic: bool = False
    """Send Basic credentials without the form encoding of RFC 6749 2.3.1: some servers decode none."""


def authentication_method(client: Client, supported: Sequence[str]) -> Method:
    """The one method to use: the registered one; else `none` without a secret, post where the provider lists
    it and not basic, and basic otherwise (OIDC Discovery 3). Never a second try with another.
    """
    if client.auth is not None:
        return client.auth
    if client.secret is None:
        return "none"
    if "client_secret_post" in supported and "client_secret_basic" not in supported:
        return "client_secret_post"
    return "client_secret_basic"


def authenticate(
    client: Client, form: Mapping[str, str], *, supported: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Add our authentication to a form: (headers, form)."""
    method = authentication_method(client, supported)
    if method == "none":
        return {}, {**form, "client_id": client.client_id}
    if not client.secret:
        raise OperatorError(
            "client_secret_missing",
            f"{method} needs a client secret, and none is set",
            section="RFC 6749 2.3.1",
        )
    secret = client.secret.reveal()
    if method == "client_secret_post":
        return {}, {**form, "client_id": client.client_id, "client_secret": secret}
    return {"Authorization": _basic(client.client_id, secret, raw=client.raw_basic)}, dict(form)


def _basic(client_id: str, secret: str, *, raw: bool) -> str:
    """Basic credentials, each part form-urlencoded first (RFC 6749 2.3.1): `:` and `%` then survive."""
    encode = str if raw else quote_plus
    pair = f"{encode(client_id)}:{encode(secret)}"
    return "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")
