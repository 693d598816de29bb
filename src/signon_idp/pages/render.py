"""Templates into responses, with the headers that every page carries."""

import secrets
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from signon_idp.pages.texts import TEXTS, language_of

if TYPE_CHECKING:
    from signon_idp.provider import Idp

STYLE_PATH = "/style.css"
_NOT_IN_A_SOURCE = str.maketrans({" ": "%20", ",": "%2C", ";": "%3B"})


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("signon_idp"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(
    idp: "Idp",
    template: str,
    *,
    status: int = 200,
    leads_to: str = "",
    frames: tuple[str, ...] = (),
    ui_locales: str = "",
    **values: object,
) -> Response:
    """A page of `template`; `leads_to` is the address that its form ends at, by way of redirects.

    `frames` are the addresses that it may show in frames, and no others.
    """
    nonce = secrets.token_urlsafe(16)
    language = language_of(ui_locales, request.accept_languages.values())
    shared = {
        "dialect": idp.dialect,
        "issuer": idp.issuer,
        "style": idp.base + STYLE_PATH,
        "nonce": nonce,
        "language": language,
        "t": TEXTS[language],
    }
    text = _templates().get_template(template).render(**shared, frames=frames, **values)
    response = Response(text, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _policy(nonce, leads_to, frames)
    response.headers["Cache-Control"] = "no-store"
    # With no-referrer a browser would send `Origin: null` on this page's own forms.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def style(idp: "Idp") -> Response:
    """The style sheet, with the dialect's tint."""
    tint = idp.dialect.tint
    text = (
        f"{_style_sheet()}\n:root {{ --tint: {tint.light}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ --tint: {tint.dark}; }} }}\n"
    )
    response = Response(text, content_type="text/css; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@cache
def _style_sheet() -> str:
    return resources.files("signon_idp").joinpath("static", "idp.css").read_text(encoding="utf-8")


def _policy(nonce: str, leads_to: str, frames: tuple[str, ...]) -> str:
    # Chromium applies form-action to every redirect after the post, and where an application sends its
    # visitor after the callback is its own affair: so any web origin, and the scheme of a native one.
    scheme = urlsplit(leads_to).scheme
    own = f" {scheme}:" if scheme not in {"", "http", "https"} else ""
    # A source expression has no query, and no blank, comma or semicolon (CSP 2.3.1).
    framed = {frame.partition("?")[0].translate(_NOT_IN_A_SOURCE) for frame in frames}
    frame_src = f"frame-src {' '.join(sorted(framed))}; " if framed else ""
    return (
        f"default-src 'none'; {frame_src}base-uri 'none'; frame-ancestors 'none'; style-src 'self'; "
        f"img-src data:; script-src 'nonce-{nonce}'; form-action 'self' http: https:{own}"
    )
