"""`send_password_mail`: for an application's own "forgotten password?" form."""

from __future__ import annotations

from signon.core.errors import OperatorError
from signon.flask.state import state
from signon.providers.auth0.passwords import CONNECTION
from signon.service import password_mail


def send_password_mail(email: str, *, provider: str | None = None, connection: str = CONNECTION) -> None:
    """Have a provider mail a link to a new password to whoever has this address, if somebody has it.

    `provider` may be left out where one alone sends such a mail. `connection` is the vendor's name of the database
    that has the passwords. Limit how often it can be asked for.
    Raises `OperatorError` (`password_mail_provider`), and what `signon.service.password_mail` raises.
    """
    party = state().party
    able = [each for each in party.providers.values() if each.password_mail_url is not None]
    found = [each for each in able if provider in {None, each.name}]
    if len(found) != 1:
        known = ", ".join(each.name for each in able) or "none does"
        raise OperatorError(
            "password_mail_provider", f"send_password_mail must name a provider that sends such a mail: {known}"
        )
    password_mail.send_password_mail(party, found[0], email, connection=connection)
