"""Start a sign-in. Nothing is written to the store: a flood of starts costs no storage."""

from __future__ import annotations

from dataclasses import dataclass, field

from signon.core.authorize import Wishes, begin
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
    now = party.clock()
    url, transaction = begin(
        provider,
        metadata,
        redirect_uri=redirect_uri,
        state=party.sealer.stamp(now=now),
        now=now,
        next_path=next_path,
        wishes=wishes,
    )
    return Started(
        url=url,
        cookie_name=cookie_name(transaction.state, now=now),
        cookie_value=seal_transaction(party.sealer, transaction),
    )
