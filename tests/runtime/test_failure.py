from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine, IncompleteRead, LineTooLong, RemoteDisconnected

import pytest
from urllib3.exceptions import NewConnectionError, ProtocolError, SSLError

from signon.core.errors import MalformedAnswer, ProviderUnavailable
from signon.core.http import HttpRequest
from signon.runtime.failure import failure, reason

REQUEST = HttpRequest(
    method="POST", url="https://provider.example:8443/token?a=planted", document="token", body=b"planted"
)


def caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


def bad_chunk() -> IncompleteRead:
    error = IncompleteRead(b"planted")
    error.__context__ = ValueError("planted")  # as http.client raises it for a chunk size that is no number
    return error


@pytest.mark.parametrize(
    ("problem", "error", "code", "words"),
    [
        (TimeoutError(), ProviderUnavailable, "token_timeout", "in time"),
        (caused(NewConnectionError(None, ""), TimeoutError()), ProviderUnavailable, "token_timeout", "in time"),
        (
            caused(NewConnectionError(None, ""), ConnectionRefusedError(111, "Connection refused")),
            ProviderUnavailable,
            "token_unreachable",
            "Connection refused",
        ),
        (
            caused(NewConnectionError(None, ""), socket.gaierror(-2, "Name or service not known")),
            ProviderUnavailable,
            "token_unreachable",
            "Name or service not known",
        ),
        (
            ProtocolError("Connection aborted.", RemoteDisconnected("planted")),
            ProviderUnavailable,
            "token_unreachable",
            "closed or refused",
        ),
        (
            ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer")),
            ProviderUnavailable,
            "token_unreachable",
            "reset by peer",
        ),
        (SSLError(ssl.SSLError(1, "wrong version number")), ProviderUnavailable, "token_tls_failed", "CA file"),
        (SSLError(ssl.SSLEOFError(8, "EOF")), ProviderUnavailable, "token_unreachable", "EOF"),
        (
            caused(ProtocolError("planted"), IncompleteRead(b"planted", 3)),
            ProviderUnavailable,
            "token_unreachable",
            "broke off",
        ),
        (caused(ProtocolError("planted"), bad_chunk()), MalformedAnswer, "token_not_http", "in HTTP"),
        (ProtocolError("planted", BadStatusLine("planted")), MalformedAnswer, "token_not_http", "in HTTP"),
        (ProtocolError("planted", LineTooLong("planted")), MalformedAnswer, "token_not_http", "in HTTP"),
    ],
)
def test_each_cause_has_its_code_and_quotes_nothing(problem, error, code, words):
    """The innermost cause decides, and neither request nor answer is in the message."""
    made = failure(problem, request=REQUEST)
    assert type(made) is error
    assert made.code == code
    assert words in str(made)
    assert "provider.example:8443" in str(made)
    assert "planted" not in str(made)


def test_a_refused_certificate_says_what_to_set():
    """The operator reads OpenSSL's reason, and of the CA file."""
    refused = ssl.SSLCertVerificationError(1, "x")
    refused.verify_message = "self-signed certificate"
    made = failure(SSLError(refused), request=REQUEST)
    assert made.code == "token_tls_failed"
    assert "(self-signed certificate)" in str(made)
    assert "set the CA file of the provider" in str(made)


def test_a_failing_proxy_is_named():
    """Where the proxy failed, the endpoint isn't blamed."""
    made = failure(OSError("Tunnel connection failed: planted"), request=REQUEST, at_proxy=True)
    assert made.code == "token_unreachable"
    assert "the proxy on the way to the token endpoint" in str(made)
    assert "planted" not in str(made)


def test_what_was_handled_before_is_no_cause():
    """An error that was being handled when the exchange began doesn't decide its code."""
    refused = ConnectionRefusedError(111, "Connection refused")
    refused.__context__ = TimeoutError()
    assert failure(refused, request=REQUEST).code == "token_unreachable"


def test_a_reason_is_the_systems_own():
    """A text that somebody else may have written is no reason."""
    assert reason(OSError(2, "No such file or directory")) == "No such file or directory"
    assert reason(OSError("planted")) == "closed or refused"
