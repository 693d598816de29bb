"""Passwords at a provider that has an API for them: people change their own, the application resets and recovers.

Nothing of a password is kept, logged or put into an error.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from signon.core.errors import OperatorError, PersonError
from signon.core.http import HttpRequest
from signon.core.provider import PasswordApi, Provider
from signon.core.values import Secret
from signon.providers.pingone.passwords import (
    PasswordState,
    change_request,
    look_up,
    operate,
    own_password,
    password_url,
    recover_request,
    recovery_code_request,
    reset_request,
)
from signon.service.party import RelyingParty
from signon.service.saving import tokens_of
from signon.service.service_tokens import service_token
from signon.sessions.record import Session

log = logging.getLogger("signon")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """The password of a session's person, and the token that opens it."""

    provider: Provider
    url: str
    token: Secret


def offers_change(provider: Provider) -> bool:
    """Whether people can change their password from here: the API is known, and its scopes are asked for."""
    return provider.passwords is not None and set(provider.passwords.scopes) <= set(provider.scopes)


def own_state(party: RelyingParty, session: Session) -> PasswordState:
    """The state of a person's own password and the policy for the next one, by the session's access token.

    The token must be good for a while yet (`tokens.usable`). Raises `PersonError`: `password_unsupported`,
    `password_scope_missing`, and `password_elsewhere` or `password_none` where the provider keeps none of theirs;
    what `tokens_of` raises of a session without tokens, and what the API's answer means.
    """
    own = _own(party, session)
    state = party.runtime.run(own.provider, look_up(own.url, own.token))
    if state.status == "EXTERNAL":
        raise PersonError("password_elsewhere", "this person signs in at another provider behind this one")
    if state.status == "NO_PASSWORD":
        raise PersonError("password_none", "this person has no password at the provider")
    return state


def change_own(party: RelyingParty, session: Session, *, current: Secret, new: Secret) -> None:
    """Change a person's own password, by the session's access token; the API judges both.

    Raises as `own_state`, and `PasswordRefused` with each problem and its field.
    """
    own = _own(party, session)
    party.runtime.run(own.provider, operate(change_request(own.url, own.token, current=current, new=new)))
    log.info("somebody has changed their password provider=%s", own.provider.name)


def reset_password(
    party: RelyingParty, provider: Provider, user_id: str, *, new: Secret, environment_id: str | None = None
) -> None:
    """Give somebody a new password, as an administrator: they must change it when they next sign in.

    For the application's own views, which must see to it that only administrators get here. The provider must
    have given the application a role for that (PingOne: a worker application, Identity Data Admin).
    `environment_id` is needed only where neither the issuer nor a keyword names it.
    Raises `OperatorError` (`password_api_missing`), `PasswordRefused`, `ProviderRefused`
    (`password_not_allowed`, `password_user_unknown`), and what a token of the application's own raises.
    """
    url = password_url(_api(provider), user_id, environment_id=environment_id)
    _as_application(party, provider, reset_request(url, _own_token(party, provider), new=new))
    log.info("a password was reset by the application provider=%s", provider.name)


def send_recovery_code(
    party: RelyingParty, provider: Provider, user_id: str, *, environment_id: str | None = None
) -> None:
    """Send somebody who has forgotten their password a code by mail. Raises as `reset_password`.

    Whoever asks proves nothing: limit how often, and never tell them whether there is such a person.
    """
    url = password_url(_api(provider), user_id, environment_id=environment_id)
    _as_application(party, provider, recovery_code_request(url, _own_token(party, provider)))


def recover_password(
    party: RelyingParty,
    provider: Provider,
    user_id: str,
    *,
    code: Secret,
    new: Secret,
    environment_id: str | None = None,
) -> None:
    """Set a new password by the code that was sent. Raises as `reset_password`; a wrong or late code is
    `PasswordRefused` (`password_recovery_code_wrong`).
    """
    url = password_url(_api(provider), user_id, environment_id=environment_id)
    _as_application(party, provider, recover_request(url, _own_token(party, provider), code=code, new=new))
    log.info("a password was recovered provider=%s", provider.name)


def _own(party: RelyingParty, session: Session) -> _Own:
    provider = party.provider(session.login.person.provider)
    if provider.passwords is None:
        raise PersonError("password_unsupported", f"{provider.name} has no API for passwords", status=404)
    tokens = tokens_of(session)
    # What was granted, and not what was asked for: people of other providers behind this one don't get these.
    if not set(provider.passwords.scopes) <= set(tokens.scope):
        raise PersonError("password_scope_missing", "the access token is not good for changing a password")
    url = own_password(provider.passwords, session.login.claims)
    return _Own(provider=provider, url=url, token=tokens.access_token)


def _api(provider: Provider) -> PasswordApi:
    if provider.passwords is None:
        raise OperatorError("password_api_missing", f"{provider.name} has no API for passwords")
    return provider.passwords


def _own_token(party: RelyingParty, provider: Provider) -> Secret:
    return service_token(party, provider).access_token


def _as_application(party: RelyingParty, provider: Provider, request: HttpRequest) -> None:
    party.runtime.run(provider, operate(request))
