"""The browser's family from its User-Agent, for a person's own list of sessions. Nothing is decided by it."""

from __future__ import annotations

MAX_CHARACTERS = 512
"""What is looked at of a User-Agent: real ones say everything in half of that."""

# Each names those that it descends from, so the youngest comes first.
_BROWSERS = (
    ("Samsung Internet", ("SamsungBrowser/",)),
    ("Opera", ("OPR/", "OPT/", "OPiOS/", "Opera/")),
    ("Edge", ("Edg/", "EdgA/", "EdgiOS/", "Edge/")),
    ("Firefox", ("Firefox/", "FxiOS/")),
    ("Chrome", ("Chrome/", "CriOS/", "Chromium/")),
    ("Safari", ("Safari/",)),
)
_SYSTEMS = (
    ("iPad", ("iPad",)),
    ("iPhone", ("iPhone",)),
    ("Android", ("Android",)),
    ("ChromeOS", ("CrOS",)),
    ("Windows", ("Windows",)),
    ("macOS", ("Macintosh",)),
    ("Linux", ("Linux",)),
)


def browser_family(user_agent: str | None) -> str:
    """Such as "Firefox on Linux"; browser or system alone where only that is known, "" where neither is."""
    text = (user_agent or "")[:MAX_CHARACTERS]
    browser, system = _first(_BROWSERS, text), _first(_SYSTEMS, text)
    return f"{browser} on {system}" if browser and system else browser or system


def _first(families: tuple[tuple[str, tuple[str, ...]], ...], text: str) -> str:
    for name, marks in families:
        for mark in marks:
            if mark in text:
                return name
    return ""
