"""Settings: read once at the start, from the configuration and the environment, all problems together."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from flask import Flask

from signon.core.values import Secret, is_loopback_host, url_problem

MIN_KEY_CHARACTERS = 16
"""A shorter key can be guessed; `flask signon check` and the start say so."""

DEFAULTS: Mapping[str, str | None] = MappingProxyType(
    {
        "SIGNON_PROVIDERS": None,
        "SIGNON_BASE_URL": None,
        "SIGNON_PREFIX": "/auth",
        "SIGNON_KEYS": None,
        "SIGNON_SESSIONS": "sqlite:///signon.sqlite3",
        "SIGNON_SESSION_SECONDS": "28800",
        "SIGNON_LOGIN_PATH": None,
        "SIGNON_LOGOUT_PATH": None,
        "SIGNON_SIGNED_OUT_PATH": None,
        "SIGNON_AFTER_LOGIN": "/",
        "SIGNON_AFTER_LOGOUT": None,
        "SIGNON_CORS_ORIGINS": "",
    }
)
"""Every setting of the extension and its default; None: worked out, or not set."""
_FROM_FILE = frozenset({"SIGNON_KEYS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one application, checked."""

    base_url: str | None
    """Without a slash at the end; None: loopback hosts only, each with its own origin."""
    keys: tuple[Secret, ...]
    sessions: str
    session_seconds: float
    login_path: str
    logout_path: str
    signed_out_path: str
    prefix: str
    after_login: str
    after_logout: str
    cors_origins: frozenset[str]

    @property
    def is_local(self) -> bool:
        """Whether this application is for this machine only."""
        return self.base_url is None or is_loopback_host(urlsplit(self.base_url).hostname or "")


def sources(app: Flask) -> Mapping[str, object]:
    """The configuration over the environment; an empty value counts as unset."""
    found: dict[str, object] = dict(os.environ)
    found.update({name: value for name, value in app.config.items() if value is not None and value != ""})
    return {name: value for name, value in found.items() if value != ""}


def read_settings(app: Flask, source: Mapping[str, object], problems: list[str]) -> Settings:
    """Read every `SIGNON_…`; what is wrong is added to `problems`, with the nearest right name."""
    problems += _misspelt(source)
    text = _Texts(source, problems)
    base_url = _base_url(text("SIGNON_BASE_URL"), problems)
    prefix = _path("SIGNON_PREFIX", text("SIGNON_PREFIX"), problems).rstrip("/")
    paths = {
        name: _path(key, text(key) or prefix + tail, problems)
        for name, key, tail in (
            ("login_path", "SIGNON_LOGIN_PATH", "/login"),
            ("logout_path", "SIGNON_LOGOUT_PATH", "/logout"),
            ("signed_out_path", "SIGNON_SIGNED_OUT_PATH", "/signed-out"),
            ("after_login", "SIGNON_AFTER_LOGIN", ""),
        )
    }
    after_logout = text("SIGNON_AFTER_LOGOUT") or paths["signed_out_path"]
    settings = Settings(
        base_url=base_url,
        prefix=prefix,
        keys=(),
        sessions=_in_instance(app, text("SIGNON_SESSIONS") or ""),
        session_seconds=_seconds("SIGNON_SESSION_SECONDS", text("SIGNON_SESSION_SECONDS"), problems),
        after_logout=_path("SIGNON_AFTER_LOGOUT", after_logout, problems),
        cors_origins=frozenset((text("SIGNON_CORS_ORIGINS") or "").split()),
        **paths,
    )
    keys = _keys(app, source, text("SIGNON_KEYS"), local=settings.is_local, problems=problems)
    return _with_keys(settings, keys)


def _with_keys(settings: Settings, keys: tuple[Secret, ...]) -> Settings:
    from dataclasses import replace

    return replace(settings, keys=keys)


class _Texts:
    """Reads settings as text, and says so where one is something else."""

    def __init__(self, source: Mapping[str, object], problems: list[str]) -> None:
        self._source, self._problems = source, problems

    def __call__(self, name: str) -> str | None:
        value = self._source.get(name, DEFAULTS[name])
        path = self._source.get(f"{name}_FILE") if name in _FROM_FILE and value is None else None
        if isinstance(path, str):
            try:
                return Path(path).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                self._problems.append(f"{name}_FILE can't be read: {type(error).__name__}")
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return " ".join(value)
        if isinstance(value, int) and not isinstance(value, bool) and name.endswith("_SECONDS"):
            return str(value)
        if value is None or isinstance(value, str):
            return value
        self._problems.append(
            f"{name} is {type(value).__name__} and not text: put quotes around it where it is set"
        )
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
        problems.append(f"SIGNON_BASE_URL={url!r} {wrong}; plain http is for this machine only")
        return None
    return url.rstrip("/")


def _path(name: str, path: str | None, problems: list[str]) -> str:
    path = path or "/"
    if not path.startswith("/") or path.startswith("//") or not path.isprintable() or set(path) & set("<>#\\ "):
        problems.append(f"{name}={path!r} is not a path that begins with /")
        return "/"
    return path


def _seconds(name: str, text: str | None, problems: list[str]) -> float:
    if text is None or not (text.isascii() and text.isdigit() and int(text) > 0):
        problems.append(f"{name}={text!r} is not a whole number of seconds above 0")
        return 1.0
    return float(text)


def _in_instance(app: Flask, url: str) -> str:
    """A relative SQLite path is in the instance folder."""
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or Path(path).is_absolute():
        return url
    return f"sqlite:///{Path(app.instance_path) / path}"


def _keys(
    app: Flask, source: Mapping[str, object], own: str | None, *, local: bool, problems: list[str]
) -> tuple[Secret, ...]:
    """The sealing keys: `SIGNON_KEYS`, else `SECRET_KEY` and its fallbacks, else (on loopback) a file's."""
    if own:
        keys = tuple(Secret(key) for key in own.replace(",", " ").split())
        name = "SIGNON_KEYS"
    else:
        keys, name = _flask_keys(source), "SECRET_KEY"
    if any(len(key.reveal()) < MIN_KEY_CHARACTERS for key in keys):
        if not local:
            problems.append(f"{name} has a key of less than {MIN_KEY_CHARACTERS} characters, which can be guessed")
        # On this machine a "dev" is common and harms nobody; hashing gives it the length, not the strength.
        keys = tuple(Secret(hashlib.sha256(key.reveal().encode("utf-8")).hexdigest()) for key in keys)
    if keys:
        return keys
    if local:
        return (_local_key(app, problems),)
    problems.append("no key to seal sessions with: set SIGNON_KEYS to 32 random characters or more")
    return ()


def _flask_keys(source: Mapping[str, object]) -> tuple[Secret, ...]:
    fallbacks = source.get("SECRET_KEY_FALLBACKS")
    found = [source.get("SECRET_KEY"), *(fallbacks if isinstance(fallbacks, list | tuple) else ())]
    texts = (key.decode("latin-1") if isinstance(key, bytes) else key for key in found)
    return tuple(Secret(key) for key in texts if isinstance(key, str) and key)


def _local_key(app: Flask, problems: list[str]) -> Secret:
    """A key of this checkout's own, made once, readable by its owner only."""
    path = Path(app.instance_path) / "signon.key"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            text = path.read_text("ascii").strip()
        else:
            text = secrets.token_urlsafe(32)
            with os.fdopen(handle, "w") as file:
                file.write(text)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"no key is set, and none can be kept in {path} ({type(error).__name__}): set SIGNON_KEYS")
        return Secret(secrets.token_urlsafe(32))
    return Secret(text)
