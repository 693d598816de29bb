"""End sessions because a provider says so: back-channel and front-channel logout.

Both find sessions by the store's indexes, never by a cookie: no browser needs to come along, and browsers that
keep cookies out of frames change nothing.
"""

from __future__ import annotations

from signon.core.errors import SuspectError
from signon.core.flow import judge_logout
from signon.core.logout_token import LogoutNotice
from signon.core.provider import Provider
from signon.core.values import Secret
from signon.service.party import RelyingParty
from signon.sessions.record import Session
from signon.sessions.sessions import CLOCK_SKEW_SECONDS, Ended

_PURPOSE = "logout-jti"


def backchannel_logout(party: RelyingParty, provider: Provider, token: Secret) -> tuple[Session, ...]:
    """End what a logout token names, and return it (OIDC Back-Channel Logout 1.0, 2.6 and 2.7).

    An unknown session is no error. Raises what judging the token raises, `SuspectError` (`logout_replayed`,
    `logout_sub_mismatch`), and `StoreUnavailable` where sessions may still live: the provider tries again.
    """
    metadata = party.runtime.metadata(provider)
    flow = judge_logout(provider=provider, metadata=metadata, token=token, now=party.clock())
    notice = party.runtime.run(provider, flow)
    claims, now = party.sessions.claims, party.clock()
    if claims.known(_PURPOSE, notice.issuer, notice.jti, now=now):
        raise _replayed()
    ended = _end(party, notice, now)
    if ended.others and not ended.sessions:
        raise SuspectError(
            "logout_sub_mismatch",
            "the logout_token names a session of somebody else than its sub",
            section="OIDC Back-Channel Logout 1.0, 2.7",
        )
    # Only now: a second try after a failure of ours is no replay. Of two at the same time one is.
    lasting = notice.expires_at - now + CLOCK_SKEW_SECONDS
    if not claims.first(_PURPOSE, notice.issuer, notice.jti, now=now, seconds=lasting):
        raise _replayed()
    return ended.sessions


def _end(party: RelyingParty, notice: LogoutNotice, now: float) -> Ended:
    """`sid` names one session, which must be the person's where `sub` is there, too; without it all of `sub`'s."""
    if notice.sid is not None:
        return party.sessions.end_sid(notice.issuer, notice.sid, subject=notice.subject, now=now)
    return party.sessions.end_subject(notice.issuer, notice.subject or "", now=now)


def _replayed() -> SuspectError:
    return SuspectError(
        "logout_replayed",
        "the logout_token was used before",
        section="OIDC Back-Channel Logout 1.0, 2.6, step 8",
    )


def frontchannel_logout(
    party: RelyingParty, provider: Provider, *, issuer: str | None, sid: str | None
) -> tuple[Session, ...]:
    """End the session that a provider's frame names, and return it (OIDC Front-Channel Logout 1.0, 2).

    The standard lets both be absent, for whose cookie comes along; here both must be there, and anything but
    this provider's own `issuer` ends nothing. Whoever knows a `sid` can ask for this, so that nothing but our
    own session may end by it: the tokens stay as they are.
    """
    if not issuer or not sid or issuer != party.runtime.metadata(provider).issuer:
        return ()
    return party.sessions.end_sid(issuer, sid, now=party.clock()).sessions


def loses_tokens(session: Session) -> bool:
    """Whether the tokens of a session that its provider has ended are to be revoked, too.

    Those with `offline_access` were given to outlive it (OIDC Back-Channel Logout 1.0, 2.7).
    """
    return session.tokens is not None and "offline_access" not in session.tokens.scope
