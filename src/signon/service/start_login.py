"""Start a sign-in. Nothing is written to the store: a flood of starts costs no storage."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from signon.core.authorize import Wishes, begin, prepare
from signon.core.errors import PersonError
from signon.core.flow import push
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.service.party import RelyingParty
from signon.sessions.transactions import cookie_name, seal_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Where the browser goes, and the cookie that it takes along."""

    url: str = field(repr=False)
    cookie_name: str
    cookie_value: str = field(repr=False)


def start_login(
    party: RelyingParty,
    provider: Provider,
    *,
    redirect_uri: str,
    next_path: str | None = None,
    wishes: Wishes | None = None,
) -> Started:
    """Build the authorization request. Raises `ProviderUnavailable` while the provider's metadata can't be had."""
    metadata = party.runtime.metadata(provider)
    wishes = wishes or Wishes()
    page = _sign_up_page(provider, metadata) if wishes.sign_up else None
    now = party.clock()
    offset = party.sessions.clock_offset(now)
    parameters, transaction = prepare(
        provider,
        metadata,
        redirect_uri=redirect_uri,
        state=party.sealer.stamp(now=now),
        now=now,
        next_path=next_path,
        wishes=wishes,
    )
    if offset:
        transaction = replace(transaction, clock_offset_seconds=offset)
    sealed = seal_transaction(party.sealer, transaction)  # before anything is asked: it may be too large
    if page is None and (provider.par or metadata.require_pushed_authorization_requests):
        pushing = push(provider=provider, metadata=metadata, parameters=parameters, now=now)
        parameters = party.runtime.run(provider, pushing)
    return Started(
        url=begin(metadata, parameters, at=page),
        cookie_name=cookie_name(transaction.state, now=now),
        cookie_value=sealed,
    )


def _sign_up_page(provider: Provider, metadata: Metadata) -> str | None:
    """The provider's own page for new accounts, None where that is at the authorization endpoint."""
    if provider.sign_up is None:
        raise PersonError("sign_up_unavailable", f"{provider.name} has no sign-up that an application can start")
    if not provider.sign_up.at_registration_endpoint:
        return None
    if metadata.registration_endpoint is None:
        raise PersonError("sign_up_unavailable", f"the metadata of {provider.name} names no sign-up page")
    return metadata.registration_endpoint
