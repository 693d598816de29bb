"""Sign out: here first, then at the provider where it has a place for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from signon.core.errors import SignOnError
from signon.core.logout import end_session_url, has_sign_out
from signon.core.pkce import new_random
from signon.core.provider import Provider, SignOutScope
from signon.service.party import RelyingParty
from signon.sessions.record import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    """What was ended, and where the browser goes next: None where it stays here."""

    session: Session | None
    url: str | None = field(repr=False)


def sign_out(
    party: RelyingParty,
    session_id: str | None,
    *,
    landing: Callable[[Provider], str],
    provider_name: str | None = None,
    scope: SignOutScope | None = None,
) -> SignedOut:
    """End the session, then say where the provider's own sign-out is (RP-Initiated Logout 2).

    `landing` gives the address that a provider sends people back to. `provider_name` is for a person without
    a session here, who was refused, or has pressed the button twice: the provider may still know them. `scope` is
    the person's choice; None is the provider's own, or everywhere for those who have no session here. A provider
    that can't be asked for its metadata costs nobody the local sign-out. Raises `StoreUnavailable` where the
    session may still live.
    """
    now = party.clock()
    session = None if session_id is None else party.sessions.end(session_id, now=now)
    name = session.login.person.provider if session is not None else provider_name
    provider = party.providers.get(name) if name is not None else None
    if provider is None:
        return SignedOut(session=session, url=None)
    # Who was refused has nothing to leave but the provider's.
    usual = "everywhere" if session is None else provider.sign_out_scope
    if (scope or usual) == "here":
        return SignedOut(session=session, url=None)
    return SignedOut(session=session, url=_at_provider(party, provider, landing(provider), session))


def can_leave(party: RelyingParty, provider: Provider) -> bool:
    """Whether people can be sent to sign out at the provider; not while its metadata can't be had."""
    try:
        return has_sign_out(provider, party.runtime.metadata(provider))
    except SignOnError:
        return False


def _at_provider(party: RelyingParty, provider: Provider, landing: str, session: Session | None) -> str | None:
    try:
        metadata = party.runtime.metadata(provider)
    except SignOnError:
        return None
    return end_session_url(
        provider,
        metadata,
        id_token=session.tokens.id_token if session is not None and session.tokens is not None else None,
        post_logout_redirect_uri=landing,
        state=None if provider.post_logout_path else new_random(),
        logout_hint=session.login.sid if session is not None else None,
    )
