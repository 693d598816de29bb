"""Answers in the fragment of an address, which no server ever sees: a page of ours brings them here by a form
(OAuth 2.0 Multiple Response Types 5).
"""

from __future__ import annotations

from flask import Request, Response

from signon.core.callback import KNOWN
from signon.core.provider import ResponseMode
from signon.flask.begin import login_address
from signon.flask.pages import page
from signon.flask.state import site, state, the_request

MARK = "signon_fragment"
"""The field by which our page's form is told from a provider's; what another site posts loses it."""


def may_hold_the_answer(names: tuple[str, ...]) -> bool:
    """Whether a request without an answer may have it in its fragment; `names` are the providers of this path."""
    asked, providers = the_request(), state().party.providers
    empty = asked.method == "GET" and not any(name in asked.args for name in KNOWN)
    return empty and any(providers[name].response_mode == "fragment" for name in names)


def carry_over(names: tuple[str, ...]) -> Response:
    """A page that posts what its fragment holds to the same path, and takes it out of the address."""
    return page(
        "fragment.html",
        address=site().path(the_request().path),
        known=KNOWN,
        carried=MARK,
        again=login_address(names[0] if len(names) == 1 else None),
    )


def posted_mode(asked: Request) -> ResponseMode:
    """How the answer in a form came to the browser that posts it."""
    return "fragment" if MARK in asked.form else "form_post"
