"""From keywords to the fields that every provider has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from signon.core.client_auth import Client, Method
from signon.core.errors import OperatorError
from signon.core.header import ALGS
from signon.core.jose import PrivateKey, may_sign, private_keys
from signon.core.provider import AccessTokenProfile, Deviation
from signon.core.values import Secret
from signon.providers.keywords import SWITCH, Keyword, Reader

_SAME_KEY = {"EdDSA": frozenset({"EdDSA", "Ed25519"}), "Ed25519": frozenset({"EdDSA", "Ed25519"})}
"""RFC 9864 gave EdDSA with Ed25519 a name of its own: two spellings of one algorithm."""


UNTYPED = Deviation(
    name="access_token_untyped",
    why="access tokens don't say in their header that they are; they are told from ID tokens by their claims",
    evidence="the provider's own profile is older than RFC 9068",
    date="2026-11",
)
NO_AUDIENCE = Deviation(
    name="introspection_without_audience",
    why="introspection doesn't say whom a token is for: one that was given to any of its clients is accepted",
    evidence="switched on by access_token_profile=introspected-without-audience",
    date="2026-11",
)
ACCESS_TOKEN_PROFILES: Mapping[str, AccessTokenProfile] = MappingProxyType(
    {
        "rfc9068": AccessTokenProfile(),
        "untyped": AccessTokenProfile(
            kind_may_be_unsaid=True, azp_may_stand_in=True, jti_may_be_missing=True, deviations=(UNTYPED,)
        ),
        "introspected": AccessTokenProfile(introspected=True),
        "introspected-without-audience": AccessTokenProfile(
            introspected=True, audience_may_be_missing=True, deviations=(NO_AUDIENCE,)
        ),
    }
)


def common_fields(read: Reader, *, label: str) -> dict[str, Any]:
    """The fields of `Provider` that follow from the common keywords, all but `issuer` and `problems`."""
    keys = read_private_keys(read)
    alg = read.text("id_token_alg") or "RS256"
    max_age = read.text("max_age")
    client = _client(read, keys)
    answer = _answer(read)
    read.problems += _contradictions(read, client, keys, alg)
    return {
        "name": read.provider,
        "label": read.text("label") or label,
        "client": client,
        "scopes": read.words("scope"),
        "id_token_algs": _SAME_KEY.get(alg, frozenset({alg})),
        **answer,
        "prompt": read.text("prompt"),
        "max_age_seconds": None if max_age is None else int(max_age),
        "acr_values": read.words("acr_values"),
        "userinfo": read.text("userinfo"),
        "userinfo_alg": read.text("userinfo_alg"),
        "callback_path": read.text("callback_path"),
        "logout_callback_path": read.text("logout_callback_path"),
        "post_logout_path": read.text("post_logout_path"),
        "backchannel_logout_path": read.text("backchannel_logout_path"),
        "frontchannel_logout_path": read.text("frontchannel_logout_path"),
        "initiate_path": read.text("initiate_path"),
        "sign_out_scope": read.text("sign_out"),
        "ca_file": read.text("ca_file"),
        "proxy": read.text("proxy"),
        "private_keys": keys,
        "id_token_encryption": read.text("id_token_encryption"),
        "userinfo_encryption": read.text("userinfo_encryption"),
        "par": read.switch("par"),
        "access_tokens": _access_tokens(read),
        "introspection_alg": read.text("introspection_alg"),
    }


def _answer(read: Reader) -> dict[str, Any]:
    """What the provider's answer brings and how; what doesn't go together is a problem."""
    kind = read.text("response_type") or "code"
    brings_tokens = kind != "code"
    mode = read.text("response_mode") or ("fragment" if brings_tokens else "query")
    setting = f"{read.setting('response_type')}={kind}"
    if brings_tokens and mode == "query":
        read.problems.append(
            f"{setting} and {read.setting('response_mode')}=query can't go together: a query with tokens stays in"
            " logs (OAuth 2.0 Multiple Response Types 3); use form_post or fragment"
        )
    if brings_tokens and "openid" not in read.words("scope"):
        read.problems.append(f"{setting} needs openid in {read.setting('scope')} (OIDC Core 3.2.2.1)")
    if kind == "id_token" and read.text("userinfo") == "always":
        read.problems.append(f"{setting} brings no access token, which {read.setting('userinfo')}=always needs")
    return {"response_type": kind, "response_mode": mode}


def _access_tokens(read: Reader) -> AccessTokenProfile:
    alg = read.text("access_token_alg") or "RS256"
    profile = ACCESS_TOKEN_PROFILES[read.text("access_token_profile") or "rfc9068"]
    return replace(profile, algs=_SAME_KEY.get(alg, frozenset({alg})))


def bond_keywords(*, pkce: str) -> tuple[Keyword, Keyword]:
    """What a vendor that is silent about nonce and PKCE may be let off; `pkce` says what is known of that."""
    return (
        Keyword(
            name="nonce",
            says="whether the ID token must come with our nonce, or may come without one (never with another)",
            default="required",
            choices=("required", "tolerated"),
        ),
        Keyword(name="pkce", says=pkce, default="true", choices=SWITCH),
    )


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
        key=next((key for key in keys if key.use != "enc"), None),
        assertion_alg=read.text("client_assertion_alg"),
        assertion_typ=read.text("client_assertion_typ") or "JWT",
    )


def _contradictions(read: Reader, client: Client, keys: tuple[PrivateKey, ...], alg: str) -> list[str]:
    """What is wrong with values that are right each alone."""
    problems = []
    if client.auth == "private_key_jwt" and client.key is None and read.text("private_key") is None:
        problems.append(f"{read.setting('client_auth')} is {client.auth}: set {read.setting('private_key')}, too")
    problems += _assertion_problems(read, client, keys)
    if client.auth not in {None, "none", "private_key_jwt"} and not client.secret:
        problems.append(
            f"{read.setting('client_auth')} is {client.auth}: set {read.setting('client_secret')}, too"
        )
    assertion_alg = client.assertion_alg or "HS256"
    uses = {
        "id_token_alg": alg,
        "userinfo_alg": read.text("userinfo_alg"),
        "introspection_alg": read.text("introspection_alg"),
        "client_auth": assertion_alg if client.auth == "client_secret_jwt" else None,
    }
    for keyword, value in uses.items():
        if value and ALGS[value].kty == "oct" and _short(client.secret, ALGS[value].minimum_bits):
            problems.append(
                f"{read.setting(keyword)} means {value}, which needs a {read.setting('client_secret')} of at least"
                f" {ALGS[value].minimum_bits // 8} characters (RFC 7518 3.2)"
            )
    return problems + _encryption_problems(read, keys)


def _encryption_problems(read: Reader, keys: tuple[PrivateKey, ...]) -> list[str]:
    """What comes encrypted needs a key of ours that may open it (RFC 7517 4.2)."""
    key = read.setting("private_key")
    wanted = [read.setting(name) for name in ("id_token_encryption", "userinfo_encryption") if read.text(name)]
    if read.text("private_key") is None:
        return [f"{name} is set: set {key}, too" for name in wanted]
    if keys and all(key.use == "sig" for key in keys):
        return [f"{key} has no key that may decrypt, which {name} needs" for name in wanted]
    return []


def _assertion_problems(read: Reader, client: Client, keys: tuple[PrivateKey, ...]) -> list[str]:
    """Assertions need an algorithm that goes with what signs them (RFC 7518 3.1)."""
    alg, name, key = client.assertion_alg, read.setting("client_assertion_alg"), read.setting("private_key")
    if client.auth == "client_secret_jwt" and alg is not None and ALGS[alg].kty != "oct":
        return [f"{name}={alg} is signed with a private key, and {read.setting('client_auth')} is {client.auth}"]
    if client.auth != "private_key_jwt" or not keys:
        return []
    if client.key is None:
        return [f"{key} has no key that may sign, which {read.setting('client_auth')}={client.auth} needs"]
    if not may_sign(client.key, alg or client.key.alg):
        return [f"{name}={alg} does not go with the key that signs, the first of {key} that may"]
    return []


def _short(secret: Secret | None, bits: int) -> bool:
    return secret is None or 8 * len(secret.reveal().encode("utf-8")) < bits
