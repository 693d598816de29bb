"""Third-party initiated login (OIDC Core 4): a page with one button, which starts what another site asks for."""

from __future__ import annotations

from flask import Response

from signon.core.authorize import Wishes
from signon.flask import crosssite
from signon.flask.begin import go_to_provider
from signon.flask.pages import page
from signon.flask.site import safe_next
from signon.flask.state import application, memo, site, state, the_request
from signon.service.initiate import check_initiator, login_hint, target_path

_SEE_OTHER = 303


def initiate(name: str) -> Response:
    """Ask the person, whoever sent them; start when our own page's button is pressed. `name` is the provider's."""
    asked, here = the_request(), site()
    memo()["provider"] = name
    provider = state().party.provider(name)
    is_post = asked.method == "POST"
    pairs = tuple((asked.form if is_post else asked.args).items(multi=True))
    check_initiator(provider, pairs)
    hint = login_hint(pairs)
    target = safe_next(application(), here, target_path(pairs, origin=here.origin))
    memo()["next"] = target
    if is_post and crosssite.is_own_post(asked, here):
        response = go_to_provider(provider, next_path=target, wishes=Wishes(login_hint=hint))
        response.status_code = _SEE_OTHER
        return response
    fields = {"iss": provider.issuer, "login_hint": hint, "target_link_uri": target}
    return page("initiate.html", provider=provider, address=here.url(asked.path), fields=fields)
