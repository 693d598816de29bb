"""The routes. Each view reads the request, calls one service function and turns the answer into a response."""

from __future__ import annotations

from functools import partial

from flask import Response, after_this_request, jsonify, request

from signon.core.authorize import Transaction, Wishes
from signon.core.callback import KNOWN, Pairs
from signon.core.errors import SignOnError, SuspectError
from signon.core.jose import public_jwk
from signon.core.provider import Provider, SignOutScope
from signon.core.values import is_visible_ascii
from signon.flask import cookies, crosssite, fragment
from signon.flask.begin import go_to_provider, login_address
from signon.flask.current import NOBODY, forget_session, load_session, user_of
from signon.flask.ended import revoke_afterwards, tell
from signon.flask.errors import answer
from signon.flask.pages import page
from signon.flask.signals import signed_in, signed_out
from signon.flask.site import safe_next
from signon.flask.state import application, memo, site, state, the_request
from signon.service.finish_login import Finished, finish_login, open_sign_in
from signon.service.own_tokens import own_jwks
from signon.service.party import Refused
from signon.service.sign_out import can_leave, sign_out

MAX_FORWARDED = 128
"""Characters of one parameter that goes on to a provider: they travel in the sign-in's cookie."""
JWKS_SECONDS = 300
"""How long a provider may keep our keys before it looks again."""


def login(provider: str | None = None) -> Response:
    """Start a sign-in, or let the person choose with whom."""
    return _start(provider, sign_up=False)


def signup(provider: str | None = None) -> Response:
    """Start a sign-up at a provider that has one, or let the person choose with whom."""
    return _start(provider, sign_up=True)


def _start(provider: str | None, *, sign_up: bool) -> Response:
    known = memo()
    known["provider"] = provider
    next_path = known["next"] = wanted_page()
    how = crosssite.judge_login(the_request())
    chosen = state().only_provider if provider is None else state().party.provider(provider)
    if chosen is None:
        return page("chooser.html", choices=_choices(next_path, sign_up=sign_up), sign_up=sign_up)
    known["provider"] = chosen.name
    parameters = forwarded(chosen)
    if how == "ask":
        address = login_address(chosen.name, next_path=next_path, parameters=parameters, sign_up=sign_up)
        return page("start.html", provider=chosen, address=address, sign_up=sign_up)
    return go_to_provider(chosen, next_path=next_path, wishes=Wishes(parameters=parameters, sign_up=sign_up))


def forwarded(provider: Provider) -> dict[str, str]:
    """The parameters of this request that its profile sends on; nothing else of a query ever gets there."""
    asked = ((name, request.args.get(name, "")) for name in provider.forwarded)
    return {name: value for name, value in asked if 0 < len(value) <= MAX_FORWARDED and is_visible_ascii(value)}


def callback(names: tuple[str, ...]) -> Response:
    """Receive a provider's answer; `names` are the providers whose answers come to this address."""
    memo()["provider"] = names[0]
    asked = the_request()
    try:
        if crosssite.is_speculative(asked):
            raise SuspectError("callback_speculative", "an answer is used by a navigation only", status=405)
        if asked.method == "POST" and crosssite.is_foreign_post(asked, site()):
            return _post_again()
        return _received(names)
    except SignOnError as error:
        if error.code == "state_missing" and fragment.may_hold_the_answer(names):
            return fragment.carry_over(names)
        return _failed(error)


def _received(names: tuple[str, ...]) -> Response:
    asked, here = the_request(), site()
    arguments = asked.form if asked.method == "POST" else asked.args
    pairs = tuple(arguments.items(multi=True))
    transaction, cookie = open_sign_in(state().party, names, pairs, cookies=cookies.transactions(asked, here))
    memo().update(provider=transaction.provider, next=transaction.next, asked=transaction.asked)
    try:
        response = _signed_in(_finish(transaction, pairs))
    except SignOnError as error:
        response = _failed(error)
    cookies.drop_transaction(response, here, cookie)
    return cookies.make_private(response)


def _failed(error: SignOnError) -> Response:
    response = answer(error)
    if not isinstance(error, Refused):  # whose page has a form: without a referrer its Origin would be null
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _finish(transaction: Transaction, pairs: Pairs) -> Finished:
    asked = the_request()
    return finish_login(
        state().party,
        transaction,
        pairs,
        mode=fragment.posted_mode(asked) if asked.method == "POST" else "query",
        old_session_id=cookies.session_id(asked, site()),
        user_agent=asked.environ.get("HTTP_USER_AGENT"),
    )


def _signed_in(finished: Finished) -> Response:
    forget_session()
    here, settings = site(), state().settings
    if finished.replaced is not None:  # first: a receiver may refuse the new session, and the old one is over
        after_this_request(partial(revoke_afterwards, sessions=(finished.replaced,)))
        tell((finished.replaced,), reason="replaced")
    if signed_in.receivers:
        signed_in.send(application(), user=user_of(finished.session), login=finished.session.login)
    # Judged a second time: the cookie may be older than the routes it was judged by.
    next_path = safe_next(application(), here, finished.next_path)
    response = see(next_path or here.path(settings.after_login))
    response.headers["Referrer-Policy"] = "no-referrer"
    max_age = int(settings.session_seconds) if settings.permanent else None
    cookies.set_session(response, here, finished.session_id, max_age=max_age)
    return response


def _post_again() -> Response:
    """A page that posts the provider's answer to the same path once more: from this origin, so with cookies."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name in KNOWN]
    return page("post_again.html", fields=fields, address=site().path(request.path))


def logout() -> Response:
    """Sign out: at once for a click on a page of ours, else after a press of a button.

    A script that posts is told the address of the provider's own sign-out, or null where there is none to go to.
    """
    if request.method == "POST":
        crosssite.check_unsafe(request, site(), state().settings)
    elif not crosssite.is_own_navigation(request):
        return _sign_out_page()
    return leave(as_json=crosssite.is_fetch(request))


def leave(*, as_json: bool) -> Response:
    """Sign out, whoever asks: for a view that has judged that. The answer leads to the provider's own sign-out, or
    `as_json` tells its address to a script.
    """
    here = site()
    ended = sign_out(
        state().party,
        cookies.session_id(request, here),
        landing=landing,
        provider_name=request.values.get("provider"),
        scope=_scope(),
    )
    forget_session()
    after = here.path(state().settings.after_logout)
    response = jsonify(url=ended.url) if as_json else see(ended.url or after)
    if ended.session is not None:
        signed_out.send(application(), user=user_of(ended.session))
        tell((ended.session,), reason="signed_out")
        revoke_afterwards(response, (ended.session,))
    cookies.drop_session(response, here)
    return cookies.make_private(response)


def _sign_out_page() -> Response:
    """Ask before signing somebody out. Where the provider can be left, too, the choice is theirs, and also that of
    people without a session here: it may still know them, and whom it has denied it would deny again.
    """
    session, providers = load_session(), state().party.providers
    if session is not None:
        provider = providers.get(session.login.person.provider)
    else:
        provider = providers.get(request.args.get("provider", "")) or state().only_provider
    leaves = provider if provider is not None and can_leave(state().party, provider) else None
    user = user_of(session) if session is not None else NOBODY
    return page("sign_out.html", address=site().path(request.path), user=user, provider=leaves)


def _scope() -> SignOutScope | None:
    """How far the person wants to go; None where they haven't said so."""
    choices: tuple[SignOutScope, ...] = ("everywhere", "here")
    return next((choice for choice in choices if choice == request.form.get("scope")), None)


def logout_callback() -> Response:
    """Where a provider sends people back to after its own sign-out; a wrong or missing state changes nothing."""
    return see(site().path(state().settings.after_logout))


def signed_out_page() -> Response:
    """Say that the sign-out is done, and offer to sign in again."""
    return page("signed_out.html", address=login_address(), home=site().path("/"))


def landing(provider: Provider) -> str:
    """The address that a provider sends people back to after its own sign-out."""
    return site().url(provider.post_logout_path or state().logout_callback_paths[provider.name])


def wanted_page() -> str | None:
    """The return path that a request for a sign-in names, where it is one of ours."""
    query = the_request().args
    return safe_next(application(), site(), query["next"]) if "next" in query else None


def _choices(next_path: str | None, *, sign_up: bool) -> list[tuple[Provider, str]]:
    providers = state().party.providers.values()
    return [
        (provider, login_address(provider.name, next_path=next_path, sign_up=sign_up))
        for provider in providers
        if provider.sign_up is not None or not sign_up
    ]


def jwks() -> Response:
    """Our public keys: providers check our client assertions with them, and encrypt to them (OIDC Core 10.1.1);
    APIs check our own tokens with them.
    """
    providers = state().party.providers.values()
    keys = {key.kid: public_jwk(key) for provider in providers for key in provider.private_keys}
    own = state().settings.own_tokens
    response = jsonify({"keys": [*keys.values(), *(own_jwks(own) if own is not None else ())]})
    response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
    return response


def see(path: str) -> Response:
    """Send the browser on, by a GET and without a form, whatever brought it here (303, RFC 9110 15.4.4)."""
    response = application().response_class(status=303)
    response.headers.add("Location", path)
    return response
