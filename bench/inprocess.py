"""The same applications called as WSGI callables, with no server between.

A process of its own, because the applications read the environment at import; `run.py` sets it. Prints one JSON
object of CPU seconds by round: {"public": {site: [...]}, "sign_in": {contender: [...]}}. A sign-in is the call of
the login page and that of the callback; what the browser and the provider do between them isn't counted.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from contenders import CONTENDERS, SIGNON
from driver import LOCATION, Connection, Failed
from werkzeug.test import EnvironBuilder

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BASE_URL = os.environ["SIGNON_BASE_URL"]
# Short blocks, many of them: what else the machine does then falls on few of the ratios.
PUBLIC_ROUNDS = 301
PUBLIC_PAGES = 40
SIGN_IN_ROUNDS = 41
SIGN_INS = 15


class Page(NamedTuple):
    """An answer of a WSGI application."""

    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.headers if field.lower() == name]


def get(target: str, cookies: str = "") -> dict[str, Any]:
    """The WSGI environment of a GET."""
    headers = [("Cookie", cookies)] if cookies else []
    path, _, query = target.partition("?")
    return EnvironBuilder(path, base_url=BASE_URL, query_string=query, headers=headers).get_environ()


def called(app: WSGIApplication, environs: list[dict[str, Any]]) -> tuple[list[Page], float]:
    """The answers to requests made one after the other, and the CPU seconds of this process for each."""
    answers = []
    start = time.process_time()
    for environ in environs:
        head: list[Any] = []
        body = b"".join(app(environ, lambda *answer, head=head: head.extend(answer)))
        answers.append(Page(head[1], body))
    return answers, (time.process_time() - start) / len(environs)


def sign_in(app: WSGIApplication, login_path: str, provider: Connection) -> float:
    """CPU seconds of one login and one callback, from as many of the one and then of the other."""
    logins, login_seconds = called(app, [get(login_path) for _ in range(SIGN_INS)])
    callbacks, callback_seconds = called(app, [sent_back(login, provider) for login in logins])
    for callback in callbacks:
        if [relative(url) for url in callback.all("location")] != ["/me"]:
            raise Failed(f"callback: {callback.body[:200]!r}")
    return login_seconds + callback_seconds


def sent_back(login: Page, provider: Connection) -> dict[str, Any]:
    """The request that the browser makes after a visit to the provider."""
    location = LOCATION.search(provider.request(relative(login.all("location")[0])).head)
    if location is None:
        raise Failed("the provider refuses the authorization request")
    cookies = "; ".join(cookie.partition(";")[0] for cookie in login.all("set-cookie"))
    return get(relative(location[1].decode()), cookies)


def relative(url: str) -> str:
    """The path and query of an absolute or relative URL."""
    return url if url.startswith("/") else "/" + url.split("/", 3)[3]


def public_pages(app: WSGIApplication) -> float:
    """CPU seconds of one page."""
    request = get("/public")
    pages, seconds = called(app, [request.copy() for _ in range(PUBLIC_PAGES)])
    if any(page.body != b"Hello" for page in pages):
        raise Failed("/public does not answer")
    return seconds


def compare_public_pages() -> dict[str, list[float]]:
    """The same Flask application bare, bare once more (what the measurement itself is worth), and with Signon."""
    module = importlib.import_module(SIGNON.module)
    sites = {"bare": module.public_site(), "bare again": module.public_site(), "Signon": module.app}
    seconds: dict[str, list[float]] = {name: [] for name in sites}
    for number in range(-1, PUBLIC_ROUNDS):
        names = list(sites)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            took = public_pages(sites[name])
            if number >= 0:  # the round before the first is for warming up
                seconds[name].append(took)
    return seconds


def compare_sign_ins(provider: Connection) -> dict[str, list[float]]:
    apps = [(each, importlib.import_module(each.module).app) for each in CONTENDERS]
    seconds: dict[str, list[float]] = {each.name: [] for each in CONTENDERS}
    for number in range(-1, SIGN_IN_ROUNDS):
        first = number % len(apps)
        for each, app in apps[first:] + apps[:first]:
            took = sign_in(app, each.login_path, provider)
            if number >= 0:
                seconds[each.name].append(took)
    return seconds


if __name__ == "__main__":
    line = Connection(os.environ["OIDC_ISSUER"])
    json.dump({"public": compare_public_pages(), "sign_in": compare_sign_ins(line)}, sys.stdout)
