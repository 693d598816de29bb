"""A mail with a link to a new password, for people who have forgotten theirs."""

from __future__ import annotations

import logging
import re

from signon.core.errors import PersonError
from signon.core.provider import Provider
from signon.providers.auth0.passwords import CONNECTION, ask_for_mail
from signon.service.party import RelyingParty

MAX_ADDRESS_CHARACTERS = 254
"""RFC 5321 4.5.3.1.3, without the brackets."""
_ADDRESS = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+\Z")
"""No more than what keeps nonsense from the provider: which addresses there are only a mail can tell."""

log = logging.getLogger("signon")


def send_password_mail(
    party: RelyingParty, provider: Provider, email: str, *, connection: str = CONNECTION
) -> None:
    """Have the provider send its mail to whoever has this address in this database connection.

    Returns in the same way whether somebody has it or not. Whoever asks proves nothing: limit how often. People
    who come by another connection (Google, a company's directory) have no password there and get no mail.
    Raises `PersonError` (`email_invalid`), `OperatorError` (`password_mail_unsupported`), `ProviderRefused`
    (`password_mail_refused`), `ProviderUnavailable`.
    """
    if len(email) > MAX_ADDRESS_CHARACTERS or not _ADDRESS.match(email):
        raise PersonError("email_invalid", "what was typed is no e-mail address", status=400)
    party.runtime.run(provider, ask_for_mail(provider, email, connection=connection))
    log.info("a mail for a new password was asked for provider=%s", provider.name)
