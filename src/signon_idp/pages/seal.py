"""Tokens that bind a form to the browser it was shown to, so that no other site can send it."""

import hashlib
import hmac
from typing import TYPE_CHECKING

from signon_idp.errors import PageError

if TYPE_CHECKING:
    from signon_idp.provider import Idp

_FORM_SECONDS = 1800


def seal_form(idp: "Idp", browser: str, *, purpose: str, text: str) -> str:
    """A token that lets this browser send the form `purpose` about `text` for half an hour."""
    made = str(int(idp.now()))
    return f"{made}.{_mac(idp.form_key, browser, purpose, made, text)}"


def check_form(idp: "Idp", browser: str, *, purpose: str, text: str, token: str) -> None:
    """PageError unless this browser was shown this very form a short while ago."""
    made, _, mac = token.partition(".")
    session = idp.state.sessions.get(browser)
    # Several tabs may show the sign-in page; the first that is used gives the browser a new id.
    former = session.before if session is not None and purpose == "sign_in" else ()
    rights = [_mac(idp.form_key, known, purpose, made, text) for known in (browser, *former)]
    if not any(hmac.compare_digest(mac.encode(), right.encode()) for right in rights):
        raise PageError("form_of_other_browser", "the form was not made for this browser")
    if idp.now() - int(made) > _FORM_SECONDS:
        raise PageError("form_too_old", "the form has been open for too long")


def _mac(key: bytes, *parts: str) -> str:
    # Each part is hashed first, so that no two lists of parts run together into the same text.
    text = b"".join(hashlib.sha256(part.encode()).digest() for part in parts)
    return hmac.new(key, text, hashlib.sha256).hexdigest()
