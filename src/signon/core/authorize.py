"""The authorization request (OIDC Core 3.1.2.1), and the transaction that its answer is judged by."""

from __future__ import annotations

from dataclasses import dataclass, field

from signon.core.errors import OperatorError
from signon.core.http import add_query
from signon.core.metadata import Metadata
from signon.core.pkce import challenge_s256, new_random, new_verifier
from signon.core.provider import Provider, ResponseMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What one sign-in asks for beyond its provider's settings. None and empty mean: not asked."""

    prompt: str | None = None
    max_age_seconds: int | None = None
    acr_values: tuple[str, ...] = ()
    login_hint: str | None = None
    ui_locales: str | None = None
    id_token_hint: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What this browser must remember of a sign-in that it has started. Sealed into a cookie of its own."""

    provider: str
    issuer: str
    client_id: str
    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    response_mode: ResponseMode
    started_at: float
    """POSIX seconds."""
    scopes: tuple[str, ...] = ()
    next: str | None = None
    max_age_seconds: int | None = None
    fresh: bool = False
    acr_values: tuple[str, ...] = ()


_OURS = frozenset(
    {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge"),
        *("code_challenge_method", "response_mode", "prompt", "max_age", "acr_values", "request", "request_uri"),
    }
)


def begin(
    provider: Provider,
    metadata: Metadata,
    *,
    redirect_uri: str,
    state: str,
    now: float,
    next_path: str | None = None,
    wishes: Wishes | None = None,
) -> tuple[str, Transaction]:
    """Build the address that the browser goes to, and what must be remembered until it is back.

    state, nonce and PKCE S256 are always sent (RFC 9700 2.1). `state` comes from the caller, who can tell
    its own states from strangers'. Raises `OperatorError` (`authorize_parameter_reserved`) where a provider's
    extra parameters name one of the protocol's.
    """
    reserved = _OURS & provider.authorize_parameters.keys()
    if reserved:
        raise OperatorError(
            "authorize_parameter_reserved",
            f"{', '.join(sorted(reserved))} can't be set as an extra parameter of {provider.name}",
        )
    wishes = wishes or Wishes()
    prompt = wishes.prompt or provider.prompt
    max_age = provider.max_age_seconds if wishes.max_age_seconds is None else wishes.max_age_seconds
    transaction = Transaction(
        provider=provider.name,
        issuer=provider.issuer,
        client_id=provider.client.client_id,
        redirect_uri=redirect_uri,
        state=state,
        nonce=new_random(),
        verifier=new_verifier(),
        response_mode=provider.response_mode,
        started_at=now,
        scopes=provider.scopes,
        next=next_path,
        max_age_seconds=max_age,
        fresh=max_age == 0 or "login" in (prompt or "").split(),
        acr_values=wishes.acr_values or provider.acr_values,
    )
    parameters = {
        **provider.authorize_parameters,
        **_request(transaction),
        **_optional(transaction, wishes, prompt),
    }
    return add_query(metadata.authorization_endpoint, parameters), transaction


def _request(transaction: Transaction) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": transaction.client_id,
        "redirect_uri": transaction.redirect_uri,
        "scope": " ".join(transaction.scopes),
        "state": transaction.state,
        "nonce": transaction.nonce,
        "code_challenge": challenge_s256(transaction.verifier),
        "code_challenge_method": "S256",
    }


def _optional(transaction: Transaction, wishes: Wishes, prompt: str | None) -> dict[str, str]:
    mode, max_age = transaction.response_mode, transaction.max_age_seconds
    asked = {
        "response_mode": None if mode == "query" else mode,
        "prompt": prompt,
        "max_age": None if max_age is None else str(max_age),
        "acr_values": " ".join(transaction.acr_values),
        "login_hint": wishes.login_hint,
        "ui_locales": wishes.ui_locales,
        "id_token_hint": wishes.id_token_hint,
    }
    return {name: value for name, value in asked.items() if value}
