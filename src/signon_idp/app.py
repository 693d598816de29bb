"""The Flask application: each endpoint at its dialect's path, counted, its refusals put into their form."""

import errno
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from signon_idp import pages
from signon_idp.endpoints import authorize, discovery, interaction, logout, management, pushed, token, userinfo
from signon_idp.errors import OAuthError, PageError
from signon_idp.faults.jose import FOREIGN_JWKS_PATH
from signon_idp.faults.shapes import MOVED_PATH
from signon_idp.replies import DROP, json_reply, to_response

if TYPE_CHECKING:
    from signon_idp.provider import Idp

_MAX_FORM_BYTES = 128 * 1024

View = Callable[["Idp"], Response]


def build_app(idp: "Idp") -> Flask:
    """The WSGI application of `idp`; nothing in it reads the Host header."""
    app = Flask("signon_idp", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=_MAX_FORM_BYTES, MAX_FORM_MEMORY_SIZE=_MAX_FORM_BYTES)
    prefix = urlsplit(idp.base).path
    for name, path, methods, view in _routes(idp):
        if path is not None:
            app.add_url_rule(prefix + path, name, partial(_counted, idp, name, view), methods=methods)
    app.register_error_handler(OAuthError, partial(_oauth_error, idp))
    app.register_error_handler(PageError, partial(pages.problem, idp))
    app.register_error_handler(HTTPException, partial(_http_error, idp))
    app.wsgi_app = _Droppable(app.wsgi_app)  # type: ignore[method-assign]  # Flask's own way to add middleware
    return app


def _routes(idp: "Idp") -> Iterable[tuple[str, str | None, list[str], View]]:
    paths = idp.dialect.paths
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    return (
        ("discovery", paths.discovery, get, discovery.metadata),
        ("jwks", paths.jwks, get, discovery.jwks),
        ("authorize", paths.authorize, both, authorize.authorize),
        ("token", paths.token, post, token.token),
        ("userinfo", paths.userinfo, both, userinfo.userinfo),
        ("introspection", paths.introspection, post, management.introspect),
        ("revocation", paths.revocation, post, management.revoke),
        ("end_session", paths.end_session, both, logout.end_session),
        ("pushed", paths.pushed, post, pushed.push),
        ("sign_up", paths.sign_up, get, authorize.authorize),
        ("sign_in", pages.SIGN_IN_PATH, post, interaction.sign_in),
        ("consent", pages.CONSENT_PATH, post, interaction.consent),
        ("sign_out", pages.SIGN_OUT_PATH, post, logout.confirmed),
        ("style", pages.STYLE_PATH, get, pages.style),
        ("moved", MOVED_PATH, both, discovery.moved),
        ("foreign_jwks", FOREIGN_JWKS_PATH, get, discovery.foreign_jwks),
        *((own.name, own.path, list(own.methods), own.view) for own in idp.dialect.own_routes),
    )


def _counted(idp: "Idp", name: str, view: View, **_of_the_path: str) -> Response:
    idp.count(name)
    return view(idp)


def _oauth_error(idp: "Idp", error: OAuthError) -> Response:
    members = {"error": error.error, "error_description": error.description}
    headers = (("WWW-Authenticate", error.challenge),) if error.challenge else ()
    members = idp.dialect.error_members(members, idp.scene())
    status = idp.dialect.error_statuses.get(members.get("error", ""), error.status)
    return to_response(json_reply(members, status=status, headers=headers), request.environ)


def _http_error(idp: "Idp", error: HTTPException) -> Response:
    return pages.http_problem(idp, error.code or 500, error.name)


class _Droppable:
    """WSGI middleware that ends the connection without an answer where the reply asks for that."""

    def __init__(self, wsgi_app: Any) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._wsgi_app(environ, start_response)
        if environ.get(DROP):
            # cheroot takes a reset for the peer's own and sends nothing.
            raise ConnectionResetError(errno.ECONNRESET, "dropped on purpose")
        return answer
