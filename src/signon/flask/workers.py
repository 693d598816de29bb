"""How many worker processes serve the application, as far as its server says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

_OPTION = re.compile(r"(?:-w|--workers[= ]?)\s*(\d+)\Z")


def worker_count(environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """The workers that gunicorn was asked for: `-w`, `--workers`, or `WEB_CONCURRENCY`; 1 where nothing is said.

    Other servers, and gunicorn's configuration file, say nothing that can be read.
    """
    asked = environ.get("WEB_CONCURRENCY", "")
    for first, second in pairwise((*arguments, "")):
        match = _OPTION.match(first) or _OPTION.match(f"{first} {second}")
        if match is not None:
            asked = match[1]
    return int(asked) if asked.isascii() and asked.isdigit() else 1
