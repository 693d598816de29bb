"""The page on passwords: the change of one's own, and a mail for those who have forgotten theirs."""

from __future__ import annotations

from flask import Blueprint, Response, request

from signon.core.errors import PersonError, SignOnError
from signon.core.provider import Provider
from signon.flask import current_user, send_password_mail
from signon.flask.messages import message_for
from signon.service.passwords import offers_change
from signon_demo.page import offered, own_provider, show


def add_password_page(pages: Blueprint) -> None:
    """Add the page to the demo's."""
    pages.add_url_rule("/password", "password", password, methods=["GET", "POST"])


def password() -> Response:
    """Lead to the change of a password (GET), or have a mail sent (POST); open to all, since people forget."""
    mailing = next((provider for provider in offered() if provider.password_mail_url is not None), None)
    sent, wrong, trouble, status = False, None, None, 200
    if request.method == "POST" and mailing is not None:
        try:
            send_password_mail(request.form.get("email", "").strip(), provider=mailing.name)
            sent = True
        except PersonError as error:
            wrong, status = _text(error, mailing), error.status
        except SignOnError as error:
            trouble, status = f"{_text(error, mailing)} ({error.code})", error.status
    return show(
        "password.html",
        status=status,
        changing=next(filter(offers_change, offered()), None),
        mailing=mailing,
        own=own_provider() if current_user else None,
        email=request.form.get("email", ""),
        sent=sent,
        wrong=wrong,
        trouble=trouble,
    )


def _text(error: SignOnError, provider: Provider) -> str:
    return message_for(error, provider=provider.label, limit="").text
