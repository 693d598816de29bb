"""What went wrong with an exchange, in our words. Nothing of a request or an answer is quoted."""

from __future__ import annotations

import ssl
from http.client import IncompleteRead, RemoteDisconnected
from urllib.parse import urlsplit

from signon.core.errors import MalformedAnswer, ProviderError, ProviderUnavailable
from signon.core.http import HttpRequest


def failure(problem: Exception, *, request: HttpRequest, at_proxy: bool = False) -> ProviderError:
    """The error for what the HTTP library raised.

    Codes, each after `<document>_`: `timeout`, `tls_failed`, `unreachable` (refused, unknown, reset, broken off),
    `not_http`.
    """
    root = _root(problem)
    document = request.document
    who = f"the {document} endpoint ({urlsplit(request.url).netloc})"
    if at_proxy:
        who = f"the proxy on the way to {who}"
    if isinstance(root, TimeoutError):
        return ProviderUnavailable(f"{document}_timeout", f"{who} did not answer in time")
    if isinstance(root, ssl.SSLCertVerificationError):
        return ProviderUnavailable(
            f"{document}_tls_failed",
            f"the certificate of {who} is not accepted ({root.verify_message}); if it comes from a CA that this"
            " machine doesn't know, set the CA file of the provider",
        )
    if isinstance(root, ssl.SSLError) and not isinstance(root, ssl.SSLEOFError):
        return ProviderUnavailable(
            f"{document}_tls_failed", f"TLS with {who} failed ({reason(root)}); see to its address and CA file"
        )
    if isinstance(root, OSError | RemoteDisconnected):
        return ProviderUnavailable(f"{document}_unreachable", f"{who} can't be reached ({reason(root)})")
    if isinstance(root, IncompleteRead) and not isinstance(root.__context__, ValueError):
        return ProviderUnavailable(f"{document}_unreachable", f"{who} broke off in its answer")
    return MalformedAnswer(f"{document}_not_http", f"{who} did not answer in HTTP", section="RFC 9112")


def reason(problem: BaseException) -> str:
    """The system's or OpenSSL's own words for it."""
    words = getattr(problem, "reason", None) or getattr(problem, "strerror", None)
    return str(words) if words else "closed or refused"


def _root(problem: BaseException) -> BaseException:
    """The first cause. urllib3 hands it on as the cause or among the arguments."""
    while inner := problem.__cause__ or next((arg for arg in problem.args if isinstance(arg, Exception)), None):
        problem = inner
    return problem
