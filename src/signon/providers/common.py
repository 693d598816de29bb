"""From keywords to the fields that every provider has."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from signon.core.client_auth import Client, Method
from signon.core.errors import OperatorError
from signon.core.header import ALGS
from signon.core.jose import PrivateKey, private_keys
from signon.core.values import Secret
from signon.providers.keywords import Reader

_SAME_KEY = {"EdDSA": frozenset({"EdDSA", "Ed25519"}), "Ed25519": frozenset({"EdDSA", "Ed25519"})}
"""RFC 9864 gave EdDSA with Ed25519 a name of its own: two spellings of one algorithm."""


def common_fields(read: Reader, *, label: str) -> dict[str, Any]:
    """The fields of `Provider` that follow from the common keywords, all but `issuer` and `problems`."""
    keys = read_private_keys(read)
    alg = read.text("id_token_alg") or "RS256"
    max_age = read.text("max_age")
    client = _client(read, keys)
    read.problems += _contradictions(read, client, alg)
    return {
        "name": read.provider,
        "label": read.text("label") or label,
        "client": client,
        "scopes": read.words("scope"),
        "id_token_algs": _SAME_KEY.get(alg, frozenset({alg})),
        "response_mode": read.text("response_mode"),
        "prompt": read.text("prompt"),
        "max_age_seconds": None if max_age is None else int(max_age),
        "acr_values": read.words("acr_values"),
        "userinfo": read.text("userinfo"),
        "userinfo_alg": read.text("userinfo_alg"),
        "callback_path": read.text("callback_path"),
        "logout_callback_path": read.text("logout_callback_path"),
        "post_logout_path": read.text("post_logout_path"),
        "ca_file": read.text("ca_file"),
        "proxy": read.text("proxy"),
        "private_keys": keys,
        "id_token_encryption": read.text("id_token_encryption"),
        "userinfo_encryption": read.text("userinfo_encryption"),
        "par": read.switch("par"),
    }


def require_a_bond(read: Reader, *, pkce: bool, nonce_may_be_missing: bool) -> None:
    """Without PKCE and without a nonce nothing ties a code to the browser that asked for it (RFC 9700 2.1.1)."""
    if nonce_may_be_missing and not pkce:
        read.problems.append(
            f"{read.setting('pkce')}=false and {read.setting('nonce')}=tolerated can't go together: a stolen code"
            " would work in any browser"
        )


def require_openid(read: Reader, scopes: tuple[str, ...]) -> None:
    """Note a problem where `openid` is not asked for: without it nothing says who signs in."""
    if "openid" not in scopes:
        read.problems.append(f"{read.setting('scope')} must contain openid (OIDC Core 3.1.2.1)")


def read_private_keys(read: Reader) -> tuple[PrivateKey, ...]:
    """Our private keys, from the text of the keyword or the file that it names."""
    text = read.text("private_key")
    if text is None:
        return ()
    try:
        if "-----BEGIN" not in text and not text.lstrip().startswith("{"):
            text = Path(text).read_text("utf-8")
        return private_keys(text)
    except (OSError, ValueError):
        read.problems.append(f"{read.setting('private_key')} is no key, and names no file that can be read")
    except OperatorError as error:
        read.problems.append(f"{read.setting('private_key')}: {error.args[0]}")
    return ()


def _client(read: Reader, keys: tuple[PrivateKey, ...]) -> Client:
    return Client(
        client_id=read.required("client_id"),
        secret=read.secret("client_secret"),
        auth=cast("Method | None", read.text("client_auth")),
        key=keys[0] if keys else None,
        assertion_alg=read.text("client_assertion_alg"),
        assertion_typ=read.text("client_assertion_typ") or "JWT",
    )


def _contradictions(read: Reader, client: Client, alg: str) -> list[str]:
    """What is wrong with values that are right each alone."""
    problems = []
    if client.auth == "private_key_jwt" and client.key is None and read.text("private_key") is None:
        problems.append(f"{read.setting('client_auth')} is {client.auth}: set {read.setting('private_key')}, too")
    if client.auth not in {None, "none", "private_key_jwt"} and not client.secret:
        problems.append(
            f"{read.setting('client_auth')} is {client.auth}: set {read.setting('client_secret')}, too"
        )
    assertion_alg = client.assertion_alg or "HS256"
    uses = {
        "id_token_alg": alg,
        "userinfo_alg": read.text("userinfo_alg"),
        "client_auth": assertion_alg if client.auth == "client_secret_jwt" else None,
    }
    for keyword, value in uses.items():
        if value and ALGS[value].kty == "oct" and _short(client.secret, ALGS[value].minimum_bits):
            problems.append(
                f"{read.setting(keyword)} means {value}, which needs a {read.setting('client_secret')} of at least"
                f" {ALGS[value].minimum_bits // 8} characters (RFC 7518 3.2)"
            )
    problems += [
        f"{read.setting(keyword)} is set: set {read.setting('private_key')}, too"
        for keyword in ("id_token_encryption", "userinfo_encryption")
        if read.text(keyword) and read.text("private_key") is None
    ]
    return problems


def _short(secret: Secret | None, bits: int) -> bool:
    return secret is None or 8 * len(secret.reveal().encode("utf-8")) < bits
