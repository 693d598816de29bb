"""Send a browser to sign in: to the provider at once, or to the chooser."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from flask import Response

from signon.core.authorize import Wishes
from signon.core.http import add_query
from signon.core.provider import Provider
from signon.flask import cookies
from signon.flask.site import HOST_MARK, other_host_redirect, safe_next
from signon.flask.state import application, site, state, the_request
from signon.service.start_login import start_login

_IN_QUERY = "%!$&'()*+,;=:@/?[]"
"""What stays as it is in a query (RFC 3986 3.4), and what is encoded there already."""


def go_to_provider(provider: Provider, *, next_path: str | None, wishes: Wishes | None = None) -> Response:
    """Start a sign-in: one redirect, one cookie, nothing in the store.

    On another host name than the base URL's the browser is first sent there, since its cookie would be lost.
    """
    here, asked = site(), the_request()
    elsewhere = other_host_redirect(here, asked)
    if elsewhere is not None:
        return _redirect(elsewhere)
    started = start_login(
        state().party,
        provider,
        redirect_uri=here.url(state().callback_paths[provider.name]),
        next_path=next_path,
        wishes=wishes,
    )
    response = _redirect(started.url)
    cookies.add_transaction(asked, response, here, name=started.cookie_name, value=started.cookie_value)
    return cookies.make_private(response)


def start_sign_in(
    provider: str | None = None, *, next_path: str | None = None, wishes: Wishes | None = None
) -> Response:
    """For an application's own views: send the browser to sign in, with wishes of this one sign-in.

    `provider` may be left out where there is one only; with several the person chooses, and wishes are lost.
    `next_path` is a path of this application. Raises what a sign-in that can't start raises.
    """
    next_path = safe_next(application(), site(), next_path)
    if provider is None:
        return go_to_sign_in(next_path=next_path, wishes=wishes)
    return go_to_provider(state().party.provider(provider), next_path=next_path, wishes=wishes)


def go_to_sign_in(*, next_path: str | None, wishes: Wishes | None = None) -> Response:
    """Start with the only provider; with several go to the chooser."""
    provider = state().only_provider
    if provider is not None:
        return go_to_provider(provider, next_path=next_path, wishes=wishes)
    return cookies.make_private(_redirect(login_address(next_path=next_path)))


def login_address(
    provider: str | None = None,
    *,
    next_path: str | None = None,
    parameters: Mapping[str, str] | None = None,
    sign_up: bool = False,
) -> str:
    """The path of the login or sign-up route, for links."""
    settings = state().settings
    path = (settings.signup_path if sign_up else settings.login_path) + (f"/{provider}" if provider else "")
    return add_query(site().path(path), {**(parameters or {}), **({"next": next_path} if next_path else {})})


def this_page() -> str | None:
    """The path to come back to: this one for a GET; a form that was sent can't be sent again."""
    asked = the_request()
    if asked.method != "GET":
        return None
    parts = asked.query_string.split(b"&")
    query = b"&".join(part for part in parts if not part.startswith(f"{HOST_MARK}=".encode()))
    # Encoded here, since browsers leave characters such as | in a query that no URL has.
    page = site().prefix + quote(asked.path) + (f"?{quote(query, safe=_IN_QUERY)}" if query else "")
    return safe_next(application(), site(), page)


def _redirect(url: str) -> Response:
    # Flask's redirect() has a page with the address in a link: one more copy of state and nonce.
    response = application().response_class(status=302)
    response.headers.add("Location", url)
    return response
