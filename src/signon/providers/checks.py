"""What may stand in a setting: each check says what is wrong with a text, or None."""

from __future__ import annotations

from pathlib import Path

from signon.core.values import MAX_SECONDS_DIGITS, is_visible_ascii, read_seconds, url_problem


def issuer(text: str) -> str | None:
    """An issuer has no query and no fragment (OIDC Discovery 3)."""
    return url_problem(text, query=False)


def path(text: str) -> str | None:
    """A path of this application."""
    fine = (
        text.startswith("/")
        and not text.startswith("//")
        and text.isprintable()
        and not set(text) & set("<>?#\\ ")
    )
    return None if fine else "is not a path that begins with /"


def seconds(text: str) -> str | None:
    """A whole number, 0 or more."""
    problem = f"is not a whole number of seconds, of {MAX_SECONDS_DIGITS} digits at most"
    return problem if read_seconds(text) is None else None


def file(text: str) -> str | None:
    """A file that is there."""
    return None if Path(text).is_file() else "names no file"


def header(text: str) -> str | None:
    """What a header may have in it."""
    return None if is_visible_ascii(text) else "has characters that no header may have"


def proxy(text: str) -> str | None:
    """An http proxy."""
    return None if text.startswith("http://") else "is not the address of an http proxy"
