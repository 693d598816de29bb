"""Auth0's mail with a link to a new password (Authentication API, Change Password). The API asks for no secret."""

from __future__ import annotations

import json
from collections.abc import Generator

from signon.core.errors import MalformedAnswer, OperatorError, ProviderRefused, SignOnError
from signon.core.flow import Answer, Step, send
from signon.core.http import HttpRequest, HttpResponse, read_success
from signon.core.person import text_claim
from signon.core.provider import Provider
from signon.core.values import read_json_object

CONNECTION = "Username-Password-Authentication"
"""What the vendor calls the database of people and passwords that each tenant begins with."""
_DOCUMENT = "password_mail"
_BAD_REQUEST = 400
_UNKNOWN = 404


def ask_for_mail(provider: Provider, email: str, *, connection: str) -> Generator[Step, Answer, None]:
    """Have the mail sent. Raises as the request and its reader."""
    response = yield from send(mail_request(provider, email, connection=connection))
    read_mail(response, provider=provider)


def mail_request(provider: Provider, email: str, *, connection: str) -> HttpRequest:
    """Ask for the mail to whoever has this address in this database connection.

    Raises `OperatorError` (`password_mail_unsupported`) for a provider without such a mail.
    """
    if provider.password_mail_url is None:
        raise OperatorError("password_mail_unsupported", f"{provider.name} sends no mail for a forgotten password")
    members = {"client_id": provider.client.client_id, "email": email, "connection": connection}
    organization = provider.authorize_parameters.get("organization", "")
    # The API takes an organization's id and not its name.
    if organization.startswith("org_"):
        members["organization"] = organization
    return HttpRequest(
        method="POST",
        url=provider.password_mail_url,
        document=_DOCUMENT,
        headers={"Content-Type": "application/json"},
        body=json.dumps(members, separators=(",", ":")).encode("utf-8"),
    )


def read_mail(response: HttpResponse, *, provider: Provider) -> None:
    """Read the answer, a sentence of plain text that means nothing. That nobody has the address is no error, since
    whoever asks must not learn it.

    Codes: `password_mail_refused`, and for any other status `password_mail_redirect`, `_server_error`, `_status`.
    """
    if response.status == _UNKNOWN:
        return
    if response.status == _BAD_REQUEST:
        raise _refusal(response, provider)
    read_success(response, document=_DOCUMENT, media_types=frozenset({response.media_type}))


def _refusal(response: HttpResponse, provider: Provider) -> SignOnError:
    """Its code alone: its sentence may quote the address."""
    try:
        answer = read_json_object(response.body, document=_DOCUMENT)
    except MalformedAnswer:
        answer = {}
    return ProviderRefused(
        "password_mail_refused",
        f"{provider.name} would not send a mail for a new password: is the connection right?",
        error=text_claim(answer, "code") or text_claim(answer, "error") or "400",
    )
