"""OAuth error answers of the endpoints that we call ourselves (RFC 6749 5.2)."""

from __future__ import annotations

from signon.core.errors import MalformedAnswer, OperatorError, ProviderRefused, SignOnError, printable
from signon.core.http import HttpResponse
from signon.core.provider import Provider
from signon.core.values import JsonObject, read_json_object

_OPERATOR_ERRORS = frozenset({"invalid_client", "unauthorized_client"})


def raise_refusal(response: HttpResponse, provider: Provider, *, document: str, now: float) -> None:
    """Raise for an OAuth error answer; any other answer is left to the reader.

    Codes: `<document>_invalid_grant`, `<document>_invalid_client` (an `OperatorError`), `<document>_refused`.
    """
    if response.status not in {400, 401, 403}:
        return
    try:
        theirs = read_json_object(response.body, document=document)
        answer = provider.read_error(theirs, now)
    except MalformedAnswer:
        return
    error = answer.get("error")
    if isinstance(error, str):
        # The log shows the vendor's own word, not what its profile makes of that.
        answer = {**answer, "error": theirs.get("error", error)}
        raise refusal(error, answer, provider=provider, document=document, status=response.status)


def refusal(error: str, answer: JsonObject, *, provider: Provider, document: str, status: int) -> SignOnError:
    """An OAuth error, answered with HTTP `status`, as ours; `answer` has the provider's own word for it."""
    own = str(answer.get("error", error))
    shown = printable(own, limit=64)
    if error in _OPERATOR_ERRORS:
        return OperatorError(
            f"{document}_invalid_client",
            f"{provider.name} does not accept this application ({status} {shown}): check its client id, its"
            f" secret, and whether {provider.client.auth or 'this way of sending them'} is what was registered",
            section="RFC 6749 5.2",
        )
    description, uri = (answer.get(name) for name in ("error_description", "error_uri"))
    return ProviderRefused(
        f"{document}_invalid_grant" if error == "invalid_grant" else f"{document}_refused",
        f"{provider.name} refused the {document} request: {status} {shown}",
        error=own,
        description=description if isinstance(description, str) else "",
        error_uri=uri if isinstance(uri, str) else "",
        section="RFC 6749 5.2",
    )
