"""Once more: a stronger or more recent sign-in than the one there is (RFC 9470)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from signon.core.authorize import Wishes
from signon.core.claims import LEEWAY_SECONDS
from signon.core.errors import OperatorError
from signon.core.person import Login
from signon.core.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """What a page or an API asks of a sign-in. Empty and None mean: not asked."""

    acr_values: tuple[str, ...] = ()
    """Ways of signing in, one of which must have been used."""
    max_age_seconds: int | None = None


def is_enough(login: Login, wanted: StepUp, *, now: float) -> bool:
    """Whether a sign-in was done this well and this recently."""
    if wanted.acr_values and login.acr not in wanted.acr_values:
        return False
    seen_at = login.signed_in_at if login.auth_time is None else login.auth_time
    return wanted.max_age_seconds is None or now - seen_at <= wanted.max_age_seconds + LEEWAY_SECONDS


def to_wishes(provider: Provider, wanted: StepUp) -> Wishes:
    """What to ask the provider for. Its ID token is held to it when the browser is back (OIDC Core 3.1.3.7, steps
    12 and 13), so that a provider that won't or can't ends in an error and not in a second try.

    Raises `OperatorError` (`step_up_unsigned`) for a provider that is asked for no ID token.
    """
    if provider.identity_from_introspection and "openid" not in provider.scopes:
        raise OperatorError(
            "step_up_unsigned", f"{provider.name} can't be held to a kind of sign-in without the scope openid"
        )
    return Wishes(acr_values=wanted.acr_values, max_age_seconds=wanted.max_age_seconds)


def same_again(provider: Provider, login: Login, wishes: Wishes) -> Wishes:
    """Wishes for somebody who has signed in and has to do it once more: for the same organization, say. Without it
    the provider would ask which, or sign them in to none.
    """
    known = {parameter: login.claims.get(claim) for claim, parameter in provider.asked_again.items()}
    parameters = {name: value for name, value in known.items() if isinstance(value, str) and value}
    return replace(wishes, parameters={**parameters, **wishes.parameters}) if parameters else wishes
