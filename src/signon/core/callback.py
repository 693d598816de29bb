"""The authorization response (OIDC Core 3.1.2.5, 3.3.2.5; RFC 9207): state, issuer, error, code, tokens."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from signon.core.authorize import Transaction
from signon.core.claims import VerifiedClaims
from signon.core.errors import (
    PersonRefused,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    SuspectError,
    printable,
)
from signon.core.metadata import Metadata
from signon.core.provider import Provider, ResponseMode
from signon.core.values import Secret, is_visible_ascii

Pairs = Sequence[tuple[str, str]]
"""The parameters as they came, repeats included."""

KNOWN = (
    *("state", "code", "iss", "error", "error_description", "error_uri", "id_token", "access_token", "response"),
    *("token_type", "expires_in", "scope"),
)
_UNREQUESTED = ("id_token", "access_token", "response")
_BRINGS = {"code": "code", "id_token": "id_token", "token": "access_token"}
"""What each word of a response type brings (OAuth 2.0 Multiple Response Types 2)."""
_PERSON = frozenset(
    ("access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required")
)
_SEAL = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCallback:
    """A code that may be redeemed, and the transaction it belongs to. Only `read_callback` makes one."""

    code: Secret
    transaction: Transaction
    seal: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            msg = "a VerifiedCallback comes from read_callback only"
            raise TypeError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontChannelAnswer:
    """Tokens that came by the browser, as they were sent: nothing vouches for them yet. Only `read_callback` makes
    one. What comes with an access token is None where it didn't come (RFC 6749 4.2.2).
    """

    id_token: Secret
    code: Secret | None
    access_token: Secret | None
    token_type: str | None
    expires_in: str | None
    scope: str | None
    transaction: Transaction
    seal: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            msg = "a FrontChannelAnswer comes from read_callback only"
            raise TypeError(msg)


def redeemable(answer: FrontChannelAnswer, code: Secret, _holds_its_hash: VerifiedClaims) -> VerifiedCallback:
    """The code of a hybrid answer, once the ID token beside it is verified, which holds the code's hash."""
    return VerifiedCallback(code=code, transaction=answer.transaction, seal=_SEAL)


def read_state(pairs: Pairs) -> str:
    """The response's state, by which its transaction is found: `state_repeated`, `state_missing`."""
    states = [value for name, value in pairs if name == "state"]
    if len(states) > 1:
        raise _repeated("state")
    if not states or not states[0]:
        raise SuspectError("state_missing", "the response has no state", section="RFC 6749 4.1.2")
    return states[0]


def read_callback(
    pairs: Pairs,
    *,
    mode: ResponseMode,
    transaction: Transaction,
    provider: Provider,
    metadata: Metadata,
    now: float,
) -> VerifiedCallback | FrontChannelAnswer:
    """Judge a response: the right transaction, its issuer, no error, what was asked for and nothing else.

    Codes: `state_mismatch`, `state_other_provider`, `callback_wrong_mode`, `<parameter>_repeated`,
    `iss_mismatch`, `iss_missing`, `callback_unrequested_<parameter>`, `code_and_error`, `<parameter>_missing` and
    `<parameter>_invalid` for the code and the tokens, and for the provider's own errors those of `_refusal`.
    """
    values = _known_values(pairs)
    _check_state(values["state"], transaction, provider, metadata.issuer)
    _check_mode(mode, transaction)
    _check_issuer(values["iss"], transaction, metadata)
    if values["error"] is not None:
        if values["code"] is not None:
            raise ProviderError(
                "code_and_error", "the response has both a code and an error", section="RFC 6749 4.1.2.1"
            )
        raise _refusal(values, provider, now)
    if transaction.response_type != "code":
        return _front_channel(values, transaction)
    for name in _UNREQUESTED:
        if values[name] is not None:
            raise _unrequested(name)
    if not values["code"]:
        raise ProviderError("code_missing", "the response has neither code nor error", section="RFC 6749 4.1.2")
    if not is_visible_ascii(values["code"]):
        raise ProviderError(
            "code_invalid", "the response's code has characters that no code has", section="RFC 6749 A.11"
        )
    return VerifiedCallback(code=Secret(values["code"]), transaction=transaction, seal=_SEAL)


def _front_channel(values: Mapping[str, str | None], transaction: Transaction) -> FrontChannelAnswer:
    """A response of the implicit or the hybrid flow (OIDC Core 3.2.2.5, 3.3.2.5): all that its type brings."""
    # An ID token in any case: nothing else vouches for what the browser brings.
    asked = {"id_token", *(_BRINGS[word] for word in transaction.response_type.split())}
    found: dict[str, Secret] = {}
    for name in ("code", *_UNREQUESTED):
        value = values[name]
        if name not in asked:
            if value is not None:
                raise _unrequested(name)
        elif not value:
            raise ProviderError(
                f"{name}_missing", f"the response has neither {name} nor error", section="OIDC Core 3.3.2.5"
            )
        elif not is_visible_ascii(value):
            raise ProviderError(
                f"{name}_invalid", f"the response's {name} has characters that none has", section="RFC 6749 A"
            )
        else:
            found[name] = Secret(value)
    return FrontChannelAnswer(
        id_token=found["id_token"],
        code=found.get("code"),
        access_token=found.get("access_token"),
        token_type=values["token_type"],
        expires_in=values["expires_in"],
        scope=values["scope"],
        transaction=transaction,
        seal=_SEAL,
    )


def _unrequested(name: str) -> SuspectError:
    return SuspectError(
        f"callback_unrequested_{name}",
        f"the response has a parameter {name} that was not asked for",
        section="RFC 9700 4.6",
    )


def _known_values(pairs: Pairs) -> dict[str, str | None]:
    """The response's parameters of the protocol, None for those that it doesn't have; each may come once."""
    values: dict[str, str | None] = dict.fromkeys(KNOWN)
    for name, value in pairs:
        if name not in values:
            continue
        if values[name] is not None:
            raise _repeated(name)
        values[name] = value
    return values


def _repeated(name: str) -> SuspectError:
    return SuspectError(f"{name}_repeated", f"the response has {name} more than once", section="RFC 6749 3.1")


def _check_state(state: str | None, transaction: Transaction, provider: Provider, issuer: str) -> None:
    # Half a character (a lone surrogate) has no UTF-8: any spelling of it is a mismatch.
    if not state or not hmac.compare_digest(state.encode("utf-8", "replace"), transaction.state.encode()):
        raise SuspectError("state_mismatch", "the response belongs to another sign-in", section="RFC 6749 10.12")
    ours = (provider.name, issuer, provider.client.client_id)
    if (transaction.provider, transaction.issuer, transaction.client_id) != ours:
        raise SuspectError(
            "state_other_provider",
            f"the sign-in was started with another provider than {provider.name}",
            section="RFC 9700 4.4",
        )


def _check_mode(mode: ResponseMode, transaction: Transaction) -> None:
    if mode != transaction.response_mode:
        raise SuspectError(
            "callback_wrong_mode",
            f"the response came by {mode}, and {transaction.response_mode} was asked for",
            section="OAuth 2.0 Multiple Response Types 2.1",
        )


def _check_issuer(iss: str | None, transaction: Transaction, metadata: Metadata) -> None:
    if iss is None:
        if metadata.authorization_response_iss_parameter_supported:
            raise SuspectError("iss_missing", "the response does not say who sent it", section="RFC 9207 2.4")
    elif iss != transaction.issuer:
        raise SuspectError(
            "iss_mismatch",
            f"the response says it is from {printable(iss, limit=200)!r}, expected {transaction.issuer!r}",
            section="RFC 9207 2.4",
        )


def _refusal(values: Mapping[str, str | None], provider: Provider, now: float) -> ProviderError:
    """The provider's error as ours: its own code for what a person did, `provider_server_error`,
    `provider_temporarily_unavailable`, else `provider_refused`.
    """
    error, description, uri = (values[name] or "" for name in ("error", "error_description", "error_uri"))
    standard = str(provider.read_error({"error": error}, now).get("error"))
    if standard in _PERSON:
        return PersonRefused(
            standard,
            f"{provider.name} answered {standard}",
            error=error,
            description=description,
            error_uri=uri,
            section="OIDC Core 3.1.2.6",
        )
    if standard in {"temporarily_unavailable", "server_error"}:
        return ProviderUnavailable(f"provider_{standard}", f"{provider.name} answered {standard}")
    shown = printable(error, limit=64)
    return ProviderRefused(
        "provider_refused",
        f"{provider.name} answered the error {shown!r}",
        error=error,
        description=description,
        error_uri=uri,
        section="RFC 6749 4.1.2.1",
    )
