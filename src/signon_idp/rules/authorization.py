"""The authorization request (RFC 6749 4.1.1, OIDC Core 3.1.2.1, RFC 7636 4.3)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from signon_idp.errors import CallbackError, PageError
from signon_idp.model import Client
from signon_idp.rules.parameters import Pairs, Parameters, given, repeated
from signon_idp.rules.response_type import Kind, kind, kinds, usual_mode

RESPONSE_MODES = ("query", "fragment", "form_post")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_AGE = re.compile(r"[0-9]{1,9}")
JudgeRequest = Callable[[Parameters, Client], None]
_UNSUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


def anything_goes(_found: Parameters, _client: Client) -> None:
    """The rule of a vendor without rules of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnAddress:
    """Where the answer goes, known before anything else is judged."""

    client: Client
    redirect_uri: str
    state: str | None
    response_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that may go on to the person; `text` is it again, urlencoded, for the forms to carry.

    `asked` holds all of its parameters, for what a vendor does with its own.
    """

    back: ReturnAddress
    kind: Kind
    text: str
    scopes: tuple[str, ...]
    nonce: str | None
    code_challenge: str | None
    prompt: frozenset[str]
    max_age: int | None
    acr_values: tuple[str, ...]
    login_hint: str
    ui_locales: str
    id_token_hint: str | None
    asked: Parameters


def read_return_address(pairs: Pairs, clients: Mapping[str, Client]) -> ReturnAddress:
    """Client and redirect URI, or PageError: nothing may be sent to an address that is not registered."""
    twice = repeated(pairs) & {"client_id", "redirect_uri"}
    if twice:
        raise PageError("invalid_request", f"{', '.join(sorted(twice))} must not be repeated")
    found = given(pairs)
    client = clients.get(found.get("client_id", ""))
    if client is None:
        raise PageError("unknown_client", "client_id is missing or names no registered client")
    redirect_uri = found.get("redirect_uri")
    if redirect_uri is None:
        raise PageError("invalid_request", "redirect_uri is missing")
    if redirect_uri not in client.redirect_uris:
        raise PageError(
            "redirect_uri_mismatch", "redirect_uri is not registered for this client, letter by letter"
        )
    usual = usual_mode(kind(found.get("response_type", "")))
    modes = tuple(mode for mode in RESPONSE_MODES if mode != "query" or usual == "query")
    mode = found.get("response_mode", usual)
    return ReturnAddress(
        client=client,
        redirect_uri=redirect_uri,
        state=None if "state" in repeated(pairs) else found.get("state"),
        response_mode=mode if mode in modes else usual,
    )


def read_authorization(
    pairs: Pairs,
    back: ReturnAddress,
    *,
    judge: JudgeRequest = anything_goes,
    openid_required: bool = False,
    response_types: tuple[str, ...] = ("code",),
) -> AuthorizationRequest:
    """The whole request, or CallbackError with the registered code; `judge` has the vendor's own rules, and
    `response_types` are those that it speaks.
    """
    twice = repeated(pairs)
    if twice:
        raise CallbackError("invalid_request", f"{', '.join(sorted(twice))} must not be repeated")
    found = given(pairs)
    asked = _kind(found, back.client, response_types)
    judge(found, back.client)
    scopes = tuple(found.get("scope", "").split())
    if (openid_required or "id_token" in asked) and "openid" not in scopes:
        raise CallbackError("invalid_scope", "scope must contain openid")
    if "id_token" in asked and "nonce" not in found:
        raise CallbackError("invalid_request", "nonce is missing (OIDC Core 3.2.2.1)")
    return AuthorizationRequest(
        back=back,
        kind=asked,
        text=urlencode(pairs),
        scopes=scopes,
        nonce=found.get("nonce"),
        code_challenge=_code_challenge(found, back.client) if "code" in asked else None,
        prompt=_prompt(found),
        max_age=_max_age(found),
        acr_values=tuple(found.get("acr_values", "").split()),
        login_hint=found.get("login_hint", ""),
        ui_locales=found.get("ui_locales", ""),
        id_token_hint=found.get("id_token_hint"),
        asked=found,
    )


def _kind(found: Parameters, client: Client, supported: tuple[str, ...]) -> Kind:
    """What is asked for, if the provider speaks it and the client is registered for it."""
    for name, error in _UNSUPPORTED.items():
        if name in found:
            raise CallbackError(error, f"{name} is not supported")
    if "response_type" not in found:
        raise CallbackError("invalid_request", "response_type is missing")
    asked = kind(found["response_type"])
    if asked not in kinds(supported):
        raise CallbackError("unsupported_response_type", f"response_type is one of: {', '.join(supported)}")
    mode = found.get("response_mode", usual_mode(asked))
    if mode not in RESPONSE_MODES:
        raise CallbackError("invalid_request", f"response_mode is one of {', '.join(RESPONSE_MODES)}")
    if mode == "query" != usual_mode(asked):
        raise CallbackError("invalid_request", "tokens never go into a query")
    if asked not in kinds(client.response_types):
        raise CallbackError("unauthorized_client", "this client is not registered for that response_type")
    if "code" in asked and "authorization_code" not in client.grant_types:
        raise CallbackError("unauthorized_client", "this client is not registered for the code flow")
    return asked


def _code_challenge(found: Parameters, client: Client) -> str | None:
    challenge = found.get("code_challenge")
    if challenge is None:
        if client.require_pkce or "code_challenge_method" in found:
            raise CallbackError("invalid_request", "code_challenge is missing (RFC 7636)")
        return None
    if found.get("code_challenge_method", "plain") != "S256":
        raise CallbackError("invalid_request", "code_challenge_method must be S256; plain is refused")
    if not _S256_CHALLENGE.fullmatch(challenge):
        raise CallbackError("invalid_request", "code_challenge is not 43 characters of base64url")
    return challenge


def _prompt(found: Parameters) -> frozenset[str]:
    prompt = frozenset(found.get("prompt", "").split())
    if not prompt <= PROMPTS:
        raise CallbackError("invalid_request", f"prompt knows {', '.join(sorted(PROMPTS))}")
    if "none" in prompt and len(prompt) > 1:
        raise CallbackError("invalid_request", "prompt=none stands alone")
    return prompt


def _max_age(found: Parameters) -> int | None:
    text = found.get("max_age")
    if text is None:
        return None
    if not _MAX_AGE.fullmatch(text):
        raise CallbackError("invalid_request", "max_age is a whole number of seconds, 0 or more")
    return int(text)
