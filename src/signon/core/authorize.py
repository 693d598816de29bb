"""The authorization request (OIDC Core 3.1.2.1), and the transaction that its answer is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from signon.core.client_auth import authenticate
from signon.core.errors import MalformedAnswer, OperatorError
from signon.core.http import HttpRequest, HttpResponse, add_query, form_request, read_json_answer
from signon.core.metadata import Metadata
from signon.core.pkce import challenge_s256, new_nonce_and_verifier
from signon.core.provider import Provider, ResponseMode
from signon.core.refusal import raise_refusal
from signon.core.values import text_member

_CREATED = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What one sign-in asks for beyond its provider's settings. None and empty mean: not asked."""

    prompt: str | None = None
    max_age_seconds: int | None = None
    acr_values: tuple[str, ...] = ()
    login_hint: str | None = None
    ui_locales: str | None = None
    id_token_hint: str | None = field(default=None, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    """More of the provider's own parameters; those of the protocol can't be among them."""
    sign_up: bool = False
    """To get an account, where the provider has a place for that."""
    keep: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The application's own texts, for `Login.kept` when the sign-in is finished. They travel sealed, in this
    browser's cookie, and never to the provider: a few hundred bytes."""


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
    """Empty where the provider is sent no code challenge: it takes none, or gives no code."""
    response_type: str = "code"
    response_mode: ResponseMode
    started_at: float
    """POSIX seconds."""
    clock_offset_seconds: float = 0.0
    """How far the clock that ends of sessions go by was ahead then: `started_at` is a machine's own."""
    scopes: tuple[str, ...] = ()
    next: str | None = None
    max_age_seconds: int | None = None
    fresh: bool = False
    acr_values: tuple[str, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    """The provider's own parameters of this sign-in, which its extra checks may want to see."""
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The application's own texts, for the finished sign-in."""


_OURS = frozenset(
    {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge"),
        *("code_challenge_method", "response_mode", "prompt", "max_age", "acr_values", "request", "request_uri"),
    }
)


def prepare(
    provider: Provider,
    metadata: Metadata,
    *,
    redirect_uri: str,
    state: str,
    now: float,
    next_path: str | None = None,
    wishes: Wishes | None = None,
) -> tuple[dict[str, str], Transaction]:
    """Put together the parameters of a request, and what must be remembered until the browser is back.

    state, nonce and PKCE S256 are always sent (RFC 9700 2.1). The caller makes `state`, so as to know it again.
    Raises `OperatorError`: `authorize_parameter_reserved` for an extra one of the protocol's, `kept_not_texts`.
    """
    wishes = wishes or Wishes()
    extra = _extra(provider, wishes)
    prompt = wishes.prompt or extra.get("prompt") or provider.prompt
    max_age = provider.max_age_seconds if wishes.max_age_seconds is None else wishes.max_age_seconds
    nonce, verifier = new_nonce_and_verifier()
    transaction = Transaction(
        provider=provider.name,
        issuer=metadata.issuer,
        client_id=provider.client.client_id,
        redirect_uri=redirect_uri,
        state=state,
        nonce=nonce,
        verifier=verifier if provider.pkce and "code" in provider.response_type else "",
        response_type=provider.response_type,
        response_mode=provider.response_mode,
        started_at=now,
        scopes=provider.scopes,
        next=next_path,
        max_age_seconds=max_age,
        fresh=max_age == 0 or "login" in (prompt or "").split(),
        acr_values=wishes.acr_values or provider.acr_values,
        asked=dict(wishes.parameters),
        kept=_texts(wishes.keep) if wishes.keep else wishes.keep,
    )
    return {**extra, **_request(transaction), **_optional(transaction, wishes, prompt)}, transaction


def _extra(provider: Provider, wishes: Wishes) -> dict[str, str]:
    """The provider's own parameters. Of the protocol's only `prompt` may be among them, since sign-up uses it."""
    sign_up = provider.sign_up.parameters if wishes.sign_up and provider.sign_up is not None else {}
    extra = {**provider.authorize_parameters, **wishes.parameters, **sign_up}
    reserved = _OURS & (extra.keys() - {"prompt"})
    if reserved:
        raise OperatorError(
            "authorize_parameter_reserved",
            f"{', '.join(sorted(reserved))} can't be set as an extra parameter of {provider.name}",
        )
    return extra


def _texts(keep: Mapping[str, str]) -> dict[str, str]:
    """A copy of what is to be kept; anything but text would come back as something else, or not at all."""
    kept = dict(keep)
    held: list[object] = [*kept, *kept.values()]
    if not all(isinstance(one, str) for one in held):
        raise OperatorError(
            "kept_not_texts", "what a sign-in should keep must be texts, under names that are texts"
        )
    return kept


def begin(metadata: Metadata, parameters: Mapping[str, str], *, at: str | None = None) -> str:
    """The address that the browser goes to: the authorization endpoint, or a page of the provider's at `at`."""
    return add_query(at or metadata.authorization_endpoint, parameters)


def pushed_request(
    provider: Provider, metadata: Metadata, parameters: Mapping[str, str], *, now: float
) -> HttpRequest:
    """Push the parameters over the back channel (RFC 9126 2.1), with our authentication."""
    endpoint = metadata.pushed_authorization_request_endpoint
    if endpoint is None:
        raise OperatorError(
            "par_unsupported", f"{provider.name} has no endpoint for pushed requests", section="RFC 9126 5"
        )
    headers, form = authenticate(
        provider.client,
        parameters,
        supported=metadata.token_endpoint_auth_methods_supported,
        issuer=metadata.issuer,
        now=now,
    )
    return form_request(endpoint, form, document="par", headers={**provider.headers, **headers})


def read_pushed(response: HttpResponse, *, provider: Provider, now: float) -> dict[str, str]:
    """Read the answer to a pushed request (RFC 9126 2.2): the parameters for the browser to carry.

    Codes: `par_request_uri_missing`, those of every JSON answer, and for OAuth errors `par_invalid_client`
    and `par_refused`. Nothing falls back to a plain request (RFC 9126 5).
    """
    raise_refusal(response, provider, document="par", now=now)
    created = replace(response, status=200) if response.status == _CREATED else response
    answer = read_json_answer(created, document="par")
    uri = text_member(answer, "request_uri", document="par")
    if uri is None:
        raise MalformedAnswer(
            "par_request_uri_missing", "the par answer has no request_uri", section="RFC 9126 2.2"
        )
    return {"client_id": provider.client.client_id, "request_uri": uri}


def _request(transaction: Transaction) -> dict[str, str]:
    request = {
        "response_type": transaction.response_type,
        "client_id": transaction.client_id,
        "redirect_uri": transaction.redirect_uri,
        "scope": " ".join(transaction.scopes),
        "state": transaction.state,
        "nonce": transaction.nonce,
    }
    if not transaction.verifier:
        return request
    return {**request, "code_challenge": challenge_s256(transaction.verifier), "code_challenge_method": "S256"}


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
