"""A browser's way through the provider's pages, for tests that have none."""

import re
from html import unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signon_idp.provider import Idp

_ACTION = re.compile(r'<form method="post" action="([^"]*)"')
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_MOST_PAGES = 3
_OK = 200


def visit(idp: "Idp", url: str, *, persona: str) -> str:
    """Follow an authorization request as a new browser, sign in as that person and allow what is asked.

    Gives the address that the browser is sent back to, a refusal's too. ValueError, with the status and the page's
    title, where the provider does not send it back: for an application it doesn't know, say, or by `form_post`.
    """
    browser = idp.app.test_client()
    page = browser.get(url)
    for _ in range(_MOST_PAGES):
        action = _ACTION.search(page.text)
        if page.status_code != _OK or action is None:
            break
        proof = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        page = browser.post(unescape(action[1]), data={**proof, "persona": persona, "answer": "allow"})
    if page.location is None:
        title = re.search(r"<title>(.*?)</title>", page.text)
        raise ValueError(f"the provider sends nobody back: {page.status_code}, {title and unescape(title[1])!r}")
    return page.location
