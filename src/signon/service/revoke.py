"""Revoke a session's tokens at the provider."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from signon.core.errors import SignOnError
from signon.core.flow import revoke
from signon.core.provider import Provider, TokenKind
from signon.core.revocation import revocable
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon.service.introspect import forget
from signon.service.party import RelyingParty
from signon.sessions.record import Session

REVOKED = "revoked"
"""Why the tokens of a session have ended where the application itself had them revoked."""

log = logging.getLogger("signon")


def revoke_tokens(party: RelyingParty, session: Session) -> None:
    """Revoke what can be revoked of a session that has ended. A failure is a line in the log: tokens run out."""
    provider = party.providers.get(session.login.person.provider)
    tokens = session.tokens
    if provider is None or tokens is None or session.tokens_ended == REVOKED:
        return
    try:
        for kind, token in to_revoke(party, provider, tokens):
            try:
                revoke_one(party, provider, kind, token)
            except SignOnError as error:
                log.warning("the %s was not revoked: %s provider=%s", kind, error, provider.name)
    except SignOnError as error:
        log.warning("no token was revoked: %s provider=%s", error, provider.name)


def to_revoke(party: RelyingParty, provider: Provider, tokens: TokenSet) -> Iterator[tuple[TokenKind, Secret]]:
    """What there is to revoke. Raises what asking for the provider's metadata raises."""
    yield from revocable(provider, party.runtime.metadata(provider), tokens, now=party.clock())
    forget(provider, tokens.access_token)  # at the end: somebody may have asked about it meanwhile


def revoke_one(party: RelyingParty, provider: Provider, kind: TokenKind, token: Secret) -> None:
    """Revoke one token (RFC 7009). Raises what the provider's answer, or its absence, means."""
    metadata = party.runtime.metadata(provider)
    flow = revoke(provider=provider, metadata=metadata, token=token, kind=kind, now=party.clock())
    party.runtime.run(provider, flow)
