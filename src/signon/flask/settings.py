"""Settings: read once at the start, from the configuration and the environment, all problems together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from flask import Flask

from signon.core.errors import printable
from signon.core.values import MAX_SECONDS_DIGITS, Secret, is_loopback_host, read_seconds, url_problem
from signon.flask.keys import KeyFiles, keys_from, pseudonym_key, sealing_keys
from signon.flask.token_settings import read_own_tokens
from signon.service.own_tokens import OwnTokens

DEFAULTS: Mapping[str, str | None] = MappingProxyType(
    {
        "SIGNON_PROVIDERS": None,
        "SIGNON_BASE_URL": None,
        "SIGNON_PREFIX": "/auth",
        "SIGNON_KEYS": None,
        "SIGNON_PSEUDONYM_KEY": None,
        "SIGNON_SESSIONS": "sqlite:///signon.sqlite3",
        "SIGNON_SESSION_SECONDS": "28800",
        "SIGNON_IDLE_SECONDS": "3600",
        "SIGNON_TOUCH_SECONDS": "60",
        "SIGNON_PERMANENT": "false",
        "SIGNON_LOGIN_PATH": None,
        "SIGNON_SIGNUP_PATH": None,
        "SIGNON_LOGOUT_PATH": None,
        "SIGNON_JWKS_PATH": None,
        "SIGNON_SIGNED_OUT_PATH": None,
        "SIGNON_SESSIONS_PATH": None,
        "SIGNON_PASSWORD_PATH": None,
        "SIGNON_TOKEN_KEY": None,
        "SIGNON_TOKEN_SECONDS": "300",
        "SIGNON_TOKEN_AUDIENCE": None,
        "SIGNON_TOKEN_SCOPE": None,
        "SIGNON_TOKEN_STORAGE": None,
        "SIGNON_TOKEN_PATH": None,
        "SIGNON_AFTER_LOGIN": "/",
        "SIGNON_AFTER_LOGOUT": None,
        "SIGNON_CORS_ORIGINS": "",
        "SIGNON_COOKIE_SAMESITE": "Lax",
        "SIGNON_SESSION_PATH": None,
        "SIGNON_AUTH_URL_PATH": None,
        "SIGNON_SESSION_CLAIMS": (
            "sub name given_name family_name preferred_username email email_verified picture locale"
        ),
    }
)
"""Every setting of the extension and its default; None: worked out, or not set."""
_FROM_FILE = frozenset({"SIGNON_KEYS", "SIGNON_PSEUDONYM_KEY", "SIGNON_SESSIONS", "SIGNON_TOKEN_KEY"})
"""Secrets, and the store's address, which may have a password in it."""
_PATHS = (
    ("login_path", "SIGNON_LOGIN_PATH", "/login"),
    ("signup_path", "SIGNON_SIGNUP_PATH", "/signup"),
    ("logout_path", "SIGNON_LOGOUT_PATH", "/logout"),
    ("jwks_path", "SIGNON_JWKS_PATH", "/jwks.json"),
    ("signed_out_path", "SIGNON_SIGNED_OUT_PATH", "/signed-out"),
    ("sessions_path", "SIGNON_SESSIONS_PATH", "/sessions"),
    ("password_path", "SIGNON_PASSWORD_PATH", "/password"),
    ("token_path", "SIGNON_TOKEN_PATH", "/token"),
    ("session_path", "SIGNON_SESSION_PATH", "/session"),
    ("auth_url_path", "SIGNON_AUTH_URL_PATH", "/auth-url"),
    ("after_login", "SIGNON_AFTER_LOGIN", ""),
)
"""The field, the setting, and where it is under the prefix by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one application, checked."""

    base_url: str | None
    """Without a slash at the end; None: loopback hosts only, each with its own origin."""
    keys: tuple[Secret, ...]
    keys_from: str
    """The name of the setting that has them, or the path of the file."""
    pseudonym_key: Secret | None
    """Makes our keys for people whose subject is a national id. Never derived from another key."""
    sessions: str
    session_seconds: float
    """The longest life of a session."""
    idle_seconds: float
    """How long a session may go unused."""
    touch_seconds: float
    """A use of a session is noted once in this time."""
    permanent: bool
    """Whether browsers keep the session's cookie when they are closed, until its longest life is over."""
    login_path: str
    signup_path: str
    logout_path: str
    jwks_path: str
    signed_out_path: str
    sessions_path: str
    password_path: str
    token_path: str
    prefix: str
    after_login: str
    after_logout: str
    cors_origins: frozenset[str]
    """Origins whose scripts may read our answers to them, and act for whoever is signed in."""
    own_tokens: OwnTokens | None
    """How the application issues tokens of its own; None: it does not."""
    token_storage: str | None
    """The item of a browser's local storage that a page of ours puts one into; None: there is no such page."""
    cookie_same_site: str
    """`Lax`, or `None` for a frontend on another site."""
    session_path: str
    auth_url_path: str
    session_claims: tuple[str, ...]
    """What scripts are told of a person."""


def sources(app: Flask) -> Mapping[str, object]:
    """The configuration over the environment; an empty value counts as unset."""
    found: dict[str, object] = dict(os.environ)
    found.update({name: value for name, value in app.config.items() if value is not None and value != ""})
    return {name: value for name, value in found.items() if value != ""}


def read_settings(
    app: Flask, source: Mapping[str, object], problems: list[str], *, national_ids: bool = False
) -> Settings:
    """Read every `SIGNON_…`; what is wrong is added to `problems`, with the nearest right name.

    `national_ids` says that some provider's subjects are national ids, so that a pseudonym key is needed.
    """
    problems += _misspelt(source)
    text = partial(read_text, source, problems)
    seconds = partial(_seconds, text, problems)
    base_url = _base_url(text("SIGNON_BASE_URL"), problems)
    prefix = _path("SIGNON_PREFIX", text("SIGNON_PREFIX"), problems).rstrip("/")
    paths = _paths(text, prefix, problems)
    after_logout = text("SIGNON_AFTER_LOGOUT") or paths["signed_out_path"]
    files = KeyFiles(folder=Path(app.instance_path), allowed=is_local(base_url), problems=problems)
    own_keys = text("SIGNON_KEYS")
    return Settings(
        base_url=base_url,
        prefix=prefix,
        keys=sealing_keys(files, source, own_keys),
        keys_from=keys_from(files, source, own_keys),
        pseudonym_key=pseudonym_key(files, text("SIGNON_PSEUDONYM_KEY")) if national_ids else None,
        sessions=_in_instance(app, text("SIGNON_SESSIONS") or ""),
        session_seconds=seconds("SIGNON_SESSION_SECONDS"),
        idle_seconds=seconds("SIGNON_IDLE_SECONDS"),
        touch_seconds=seconds("SIGNON_TOUCH_SECONDS"),
        permanent=_switch("SIGNON_PERMANENT", text, problems),
        after_logout=_path("SIGNON_AFTER_LOGOUT", after_logout, problems, query=True),
        own_tokens=read_own_tokens(text, seconds, base_url=base_url, problems=problems),
        token_storage=text("SIGNON_TOKEN_STORAGE"),
        cors_origins=_origins(text("SIGNON_CORS_ORIGINS"), problems),
        cookie_same_site=_same_site(text, base_url, problems),
        session_claims=tuple((text("SIGNON_SESSION_CLAIMS") or "").split()),
        **paths,
    )


def is_local(base_url: str | None) -> bool:
    """Whether an application with this base URL is for this machine only."""
    return base_url is None or is_loopback_host(urlsplit(base_url).hostname or "")


def read_text(source: Mapping[str, object], problems: list[str], name: str) -> str | None:
    """A setting as text, a list with blanks between; anything else is a problem, and the default holds."""
    value = source.get(name)
    path = source.get(f"{name}_FILE") if name in _FROM_FILE and value is None else None
    if isinstance(path, str | Path):
        try:
            return Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}_FILE can't be read: {type(error).__name__}")
    if value is None:
        return DEFAULTS[name]
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    if isinstance(value, int) and not isinstance(value, bool) and name.endswith("_SECONDS"):
        most = 10**MAX_SECONDS_DIGITS  # too much in any case, and Python writes no number of thousands of digits
        return str(max(-most, min(value, most)))
    if isinstance(value, str):
        return value
    problems.append(f"{name} is {type(value).__name__} and not text: put quotes around it where it is set")
    return DEFAULTS[name]


def _misspelt(source: Mapping[str, object]) -> list[str]:
    known = {*DEFAULTS, *(f"{name}_FILE" for name in _FROM_FILE)}
    problems = []
    for name in sorted(name for name in source if name.startswith("SIGNON_") and name not in known):
        near = get_close_matches(name, known, n=1)
        problems.append(f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else ""))
    return problems


def _base_url(url: str | None, problems: list[str]) -> str | None:
    if url is None:
        return None
    wrong = url_problem(url, query=False)
    if wrong:
        shown = "" if "@" in url else f"={url!r}"
        problems.append(f"SIGNON_BASE_URL{shown} {wrong}; plain http is for this machine only")
        return None
    return url.rstrip("/")


def _origins(text: str | None, problems: list[str]) -> frozenset[str]:
    """Origins as browsers write them: nothing else could ever equal one."""
    origins = (text or "").split()
    problems += [
        f"SIGNON_CORS_ORIGINS: {origin!r} is no origin such as https://app.example.org"
        for origin in origins
        if url_problem(origin) or origin != origin_of(origin)
    ]
    return frozenset(origins)


def _same_site(text: Callable[[str], str | None], base_url: str | None, problems: list[str]) -> str:
    """None for a frontend on another site: browsers take that with https alone, and it must be on the list."""
    same_site = text("SIGNON_COOKIE_SAMESITE") or "Lax"
    if same_site not in {"Lax", "None"}:
        problems.append(f"SIGNON_COOKIE_SAMESITE={same_site!r} is neither Lax nor None")
    elif same_site == "None" and not (base_url or "").startswith("https://"):
        problems.append("SIGNON_COOKIE_SAMESITE=None needs https: set SIGNON_BASE_URL to an https address")
    elif same_site == "None" and not text("SIGNON_CORS_ORIGINS"):
        problems.append(
            "SIGNON_COOKIE_SAMESITE=None is for a frontend on another site: list it in SIGNON_CORS_ORIGINS"
        )
    return same_site


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL as browsers write them: lower case, no default port (RFC 6454 6.2)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(':443' if parts.scheme == 'https' else ':80')}"


def _paths(text: Callable[[str], str | None], prefix: str, problems: list[str]) -> dict[str, str]:
    return {
        name: _path(key, text(key) or prefix + tail, problems, query=name == "after_login")
        for name, key, tail in _PATHS
    }


def _path(name: str, path: str | None, problems: list[str], *, query: bool = False) -> str:
    path = path or "/"
    never = set("<>#\\ ") | set("" if query else "?")
    if not path.startswith("/") or path.startswith("//") or not path.isprintable() or set(path) & never:
        problems.append(f"{name}={path!r} is not a path that begins with /")
        return "/"
    return path


def _seconds(text_of: Callable[[str], str | None], problems: list[str], name: str) -> float:
    text = text_of(name) or ""
    seconds = read_seconds(text)
    if not seconds:
        shown, most = printable(text, limit=MAX_SECONDS_DIGITS), f"of {MAX_SECONDS_DIGITS} digits at most"
        problems.append(f"{name}={shown!r} is not a whole number of seconds above 0, {most}")
        return 1.0
    return float(seconds)


def _switch(name: str, text: Callable[[str], str | None], problems: list[str]) -> bool:
    value = text(name)
    if value not in {"true", "false"}:
        problems.append(f"{name}={value!r} is neither true nor false")
    return value == "true"


def _in_instance(app: Flask, url: str) -> str:
    """A relative SQLite path is in the instance folder."""
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or path in {"", ":memory:"} or Path(path).is_absolute():
        return url
    with suppress(OSError):  # the store says what is wrong with the folder when it is used
        Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{Path(app.instance_path) / path}"
