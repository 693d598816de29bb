"""Somebody without script who is signed in to the served demo, by each of its providers."""

import re

from tests.journeys.visitor import Visitor, sign_in

PERSONAS = {
    "thaid": "somchai",
    "authmachine": "mara.k",
    "auth0": "mia",
    "pingone": "mia",
    "sgid": "hafiz",
    "oidc": "somying",
}
CAN = {
    "thaid": ("introspect", "explain", "refresh", "revoke"),
    "authmachine": ("explain",),
    "auth0": ("explain", "refresh", "revoke"),
    "pingone": ("introspect", "explain", "refresh", "revoke"),
    "sgid": ("explain",),
    "oidc": ("introspect", "explain", "refresh", "revoke"),
}
"""What each provider lets people do with their tokens, in the order of the buttons."""


def signed_in(served, name, *, persona=None, path="/profile"):
    """A visitor whom the provider called `name` has signed in, and the page that they came to."""
    visitor = Visitor()
    address = f"{served.address}/auth/login/{name}?next={path}"
    page = sign_in(visitor, address, persona=persona or PERSONAS[name])
    assert page.url == served.address + path, page.text
    return visitor, page


def text_of(page):
    """What a page says, without its markup."""
    main = page.text.partition("<main>")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())
