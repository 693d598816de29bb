"""The pages of the demo that need a script: tokens against an API, a single-page application, a stranger's page;
and a payment that wants a stronger sign-in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Flask, Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from signon.core.provider import Provider
from signon.flask import SignOn, current_login, login_required, step_up
from signon.flask.api import METADATA_PATH
from signon_demo.guarded_api import OTHER_AUDIENCE, SCOPE, STRONGER, STRONGER_SECONDS, add_api
from signon_demo.page import offered, own_provider, show
from signon_demo.stranger import Heard, origins

HEARD = "signon_demo.heard"
"""Under this name the application's extensions hold what strangers were answered."""


def add_script_pages(pages: Blueprint) -> None:
    """The routes of this module."""
    pages.add_url_rule("/api-token", "api", api)
    pages.add_url_rule("/single-page", "single_page", single_page)
    pages.add_url_rule("/payment", "payment", payment)
    pages.add_url_rule("/payment/confirm", "confirm_payment", confirm_payment, methods=["GET", "POST"])
    pages.add_url_rule("/stronger", "stronger", stronger)
    add_api(pages)


def install_script_pages(app: Flask, signon: SignOn, *, backend: str | None) -> None:
    """Let scripts ask the backend at that address through the application, with each provider's tokens; and listen
    to strangers.
    """
    app.extensions[HEARD] = Heard()
    app.after_request(_hear)
    with app.app_context():
        names = [provider.name for provider in offered()] if backend is not None else []
    for name in names:
        signon.proxy(app, f"/backend/{name}", to=f"{backend}/{name}", provider=name)
    app.config["DEMO_BACKENDS"] = names


@login_required
def api() -> Response:
    """The application's own token, and an API that wants one."""
    return show(
        "api.html",
        script=True,
        scope=SCOPE,
        audience=OTHER_AUDIENCE,
        metadata=METADATA_PATH,
        can_be_stronger=_stronger_way() is not None,
    )


def single_page() -> Response:
    """An application whose script asks who is there. Open to all."""
    names = current_app.config["DEMO_BACKENDS"]
    return show("single_page.html", script=True, providers=offered(), backends=" ".join(names))


@login_required
def payment() -> Response:
    """What is to be paid, and what that will take."""
    can = [provider for provider in offered() if provider.name in STRONGER]
    return _payment("start", stronger=_stronger_way(), can=can)


@login_required
def confirm_payment() -> AnyResponse:
    """The payment itself: only after a stronger sign-in, which the guard asks for once."""
    return _stronger_first(_confirm if request.method == "GET" else _pay)


@login_required
def stronger() -> AnyResponse:
    """Sign in more strongly, and back to the page with tokens."""
    return _stronger_first(lambda: redirect(url_for("demo.api")))


def _confirm() -> AnyResponse:
    return _payment("confirm", proven_at=current_login.auth_time or current_login.signed_in_at)


def _pay() -> AnyResponse:
    return _payment("paid")


def _payment(
    step: str, *, stronger: str | None = None, can: Sequence[Provider] = (), proven_at: float | None = None
) -> Response:
    """The page at one step; nothing is kept of it."""
    return show(
        "payment.html",
        step=step,
        label=own_provider().label,
        login=current_login,
        stronger=stronger,
        can=can,
        proven_at=proven_at,
    )


def _stronger_first(view: Callable[[], AnyResponse]) -> AnyResponse:
    """The view behind a stronger sign-in, in the word of the provider that this person has come by."""
    acr = _stronger_way()
    if acr is None:
        return redirect(url_for("demo.payment"))
    return step_up(acr=acr, max_age_seconds=STRONGER_SECONDS)(view)()


def _stronger_way() -> str | None:
    """What this person's provider calls a stronger sign-in; one without a button is the same as its neighbour."""
    issuer = own_provider().issuer
    return next((STRONGER[one.name] for one in offered() if one.issuer == issuer and one.name in STRONGER), None)


def _hear(response: Response) -> Response:
    """Remember what a stranger's page was answered."""
    address = current_app.config["DEMO_STRANGER"]
    sender = request.headers.get("Origin") or request.headers.get("Referer", "")
    if address is not None and sender.removesuffix("/") in origins(address):
        heard: Heard = current_app.extensions[HEARD]
        problem = response.get_json(silent=True) if response.is_json else None
        code = problem.get("code", "") if isinstance(problem, dict) else ""
        asked = f"{request.method} {request.path}"
        heard.note(request=asked, cookie=bool(request.cookies), status=response.status_code, code=code)
    return response
