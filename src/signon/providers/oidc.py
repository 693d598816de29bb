"""Any OpenID provider, by discovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack, cast

from signon.core.client_auth import Client, Method
from signon.core.jose import ALGS
from signon.core.provider import Provider, ResponseMode, UserinfoPolicy
from signon.core.values import Secret
from signon.providers.keywords import COMMON, Common, Reader

_SAME_KEY = {"EdDSA": frozenset({"EdDSA", "Ed25519"}), "Ed25519": frozenset({"EdDSA", "Ed25519"})}
"""RFC 9864 gave EdDSA with Ed25519 a name of its own: two spellings of one algorithm."""


def oidc(*, name: str = "oidc", settings: Mapping[str, object] | None = None, **given: Unpack[Common]) -> Provider:
    """Describe a provider that is known by its issuer alone, from `OIDC_ISSUER`, `OIDC_CLIENT_ID` and so on.

    `name` is the provider's own and begins its settings' names. `settings` replaces the environment.
    What is wrong is in `problems` of the result; the start prints it.
    """
    read = Reader(provider=name, given=cast("Mapping[str, object]", given), settings=settings, keywords=COMMON)
    issuer = read.required("issuer")
    client = Client(
        client_id=read.required("client_id"),
        secret=read.secret("client_secret"),
        auth=cast("Method | None", read.text("client_auth")),
    )
    alg = read.text("id_token_alg") or "RS256"
    scopes = read.words("scope")
    max_age = read.text("max_age")
    read.problems += _contradictions(read, client, alg=alg, scopes=scopes)
    return Provider(
        name=name,
        label=read.text("label") or ("OpenID" if name == "oidc" else name.replace("_", " ").capitalize()),
        issuer=issuer,
        client=client,
        scopes=scopes,
        id_token_algs=_SAME_KEY.get(alg, frozenset({alg})),
        response_mode=cast("ResponseMode", read.text("response_mode")),
        prompt=read.text("prompt"),
        max_age_seconds=None if max_age is None else int(max_age),
        acr_values=read.words("acr_values"),
        userinfo=cast("UserinfoPolicy", read.text("userinfo")),
        userinfo_alg=read.text("userinfo_alg"),
        callback_path=read.text("callback_path"),
        logout_callback_path=read.text("logout_callback_path"),
        post_logout_path=read.text("post_logout_path"),
        ca_file=read.text("ca_file"),
        proxy=read.text("proxy"),
        problems=tuple(read.problems),
    )


def _contradictions(read: Reader, client: Client, *, alg: str, scopes: tuple[str, ...]) -> list[str]:
    """What is wrong with values that are right each alone."""
    problems = []
    if "openid" not in scopes:
        problems.append(f"{read.setting('scope')} must contain openid (OIDC Core 3.1.2.1)")
    if client.auth not in {None, "none"} and not client.secret:
        problems.append(
            f"{read.setting('client_auth')} is {client.auth}, and {read.setting('client_secret')} is not set"
        )
    for keyword, value in (("id_token_alg", alg), ("userinfo_alg", read.text("userinfo_alg"))):
        if value and ALGS[value].kty == "oct" and _short(client.secret, ALGS[value].minimum_bits):
            problems.append(
                f"{read.setting(keyword)} is {value}, which needs a {read.setting('client_secret')} of at least"
                f" {ALGS[value].minimum_bits // 8} characters (RFC 7518 3.2)"
            )
    return problems


def _short(secret: Secret | None, bits: int) -> bool:
    return secret is None or 8 * len(secret.reveal().encode("utf-8")) < bits
