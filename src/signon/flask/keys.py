"""The application's own keys: from the settings, or on one machine from files that are made once."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from signon.core.values import Secret

MIN_KEY_CHARACTERS = 16
"""A shorter key can be guessed."""
KEY_BYTES = 32
"""Of the keys that we make."""
_FILE = "signon.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """Where keys may be kept that nobody has set: only for an application that serves this machine alone."""

    folder: Path
    allowed: bool
    problems: list[str]

    def key(self, name: str, *, setting: str) -> Secret | None:
        """The key in the file of that name, made at first use, readable by its owner only."""
        path = self.folder / name
        try:
            if not path.exists():
                _make(path)
            return Secret(path.read_text("ascii").strip())
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(
                f"{setting} is not set, and no key can be kept in {path} ({type(error).__name__}): set {setting}"
            )
            return None


def sealing_keys(files: KeyFiles, source: Mapping[str, object], own: str | None) -> tuple[Secret, ...]:
    """The keys that seal sessions: `SIGNON_KEYS`, else `SECRET_KEY` and its fallbacks, else a file's."""
    name, keys = "SIGNON_KEYS", _own_keys(own)
    if not keys:
        name, keys = "SECRET_KEY", _flask_keys(source)
    if any(len(key.reveal()) < MIN_KEY_CHARACTERS for key in keys):
        if not files.allowed:
            files.problems.append(
                f"{name} has a key of less than {MIN_KEY_CHARACTERS} characters: it can be guessed"
            )
        keys = tuple(_lengthened(key) for key in keys)
    if keys:
        return keys
    if files.allowed:
        key = files.key(_FILE, setting="SIGNON_KEYS")
        return () if key is None else (key,)
    files.problems.append("no key to seal sessions with: set SIGNON_KEYS to 32 random characters or more")
    return ()


def keys_from(files: KeyFiles, source: Mapping[str, object], own: str | None) -> str:
    """Where `sealing_keys` has them from: a setting's name, or the path of the file that was made."""
    if _own_keys(own):
        return "SIGNON_KEYS" if "SIGNON_KEYS" in source else "SIGNON_KEYS_FILE"
    return "SECRET_KEY" if _flask_keys(source) else str(files.folder / _FILE)


def _own_keys(own: str | None) -> tuple[Secret, ...]:
    return tuple(Secret(key) for key in (own or "").replace(",", " ").split())


def _lengthened(key: Secret) -> Secret:
    """On one machine a "dev" is common and harms nobody: hashing gives it the length, not the strength."""
    text = key.reveal()
    return key if len(text) >= MIN_KEY_CHARACTERS else Secret(hashlib.sha256(text.encode("utf-8")).hexdigest())


def pseudonym_key(files: KeyFiles, own: str | None) -> Secret | None:
    """The key behind our keys for people: set, or a file's. It stays the same for ever, so it is never derived."""
    if own:
        if len(own) < MIN_KEY_CHARACTERS:
            files.problems.append(f"SIGNON_PSEUDONYM_KEY has less than {MIN_KEY_CHARACTERS} characters")
        return Secret(own)
    if files.allowed:
        return files.key("signon-pseudonym.key", setting="SIGNON_PSEUDONYM_KEY")
    files.problems.append(
        "SIGNON_PSEUDONYM_KEY is not set: people whose subject is a national id are filed under a key of it;"
        " set it to 32 random characters or more, and never change it"
    )
    return None


def _make(path: Path) -> None:
    """Put a new key there in one step, so that a worker that starts beside us never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # mode 0600
        file.write(secrets.token_urlsafe(KEY_BYTES))
    try:
        os.link(file.name, path)
    except FileExistsError:
        pass  # another worker was quicker: its key is the one
    finally:
        Path(file.name).unlink()


def _flask_keys(source: Mapping[str, object]) -> tuple[Secret, ...]:
    fallbacks = source.get("SECRET_KEY_FALLBACKS")
    found = [source.get("SECRET_KEY"), *(fallbacks if isinstance(fallbacks, list | tuple) else ())]
    texts = (key.decode("latin-1") if isinstance(key, bytes) else key for key in found)
    return tuple(Secret(key) for key in texts if isinstance(key, str) and key)
