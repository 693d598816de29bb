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
from signon.sessions.sessions import CLOCK_SKEW_SECONDS, Each, Ended

_PURPOSE = "logout-jti"


def backchannel_logout(party: RelyingParty, provider: Provider, token: Secret, *, each: Each) -> None:
    """End what a logout token names (OIDC Back-Channel Logout 1.0, 2.6 and 2.7).

    `each` is called with every session as soon as it has ended: after that the store may fail, or another request
    with the same token turn out to be the first. An unknown session is no error. Raises what judging the token
    raises, `SuspectError` (`logout_replayed`, `logout_sub_mismatch`), and `StoreUnavailable` where sessions may
    still live: the provider tries again.
    """
    metadata = party.runtime.metadata(provider)
    flow = judge_logout(provider=provider, metadata=metadata, token=token, now=party.clock())
    notice = party.runtime.run(provider, flow)
    claims, now = party.sessions.claims, party.clock()
    if claims.known(_PURPOSE, notice.issuer, notice.jti, now=now):
        raise _replayed()
    ended = _end(party, notice, each=each, now=now)
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


def _end(party: RelyingParty, notice: LogoutNotice, *, each: Each, now: float) -> Ended:
    """`sid` names one session, which must be the person's where `sub` is there, too; without it all of `sub`'s."""
    if notice.sid is not None:
        return party.sessions.end_sid(notice.issuer, notice.sid, subject=notice.subject, now=now, each=each)
    return party.sessions.end_subject(notice.issuer, notice.subject or "", now=now, each=each)


def _replayed() -> SuspectError:
    return SuspectError(
        "logout_replayed",
        "the logout_token was used before",
        section="OIDC Back-Channel Logout 1.0, 2.6, step 8",
    )


def frontchannel_logout(
    party: RelyingParty, provider: Provider, *, issuer: str | None, sid: str | None, each: Each
) -> None:
    """End the session that a provider's frame names (OIDC Front-Channel Logout 1.0, 2); `each` is called with it.

    The standard lets both be absent, for whose cookie comes along; here both must be there, and anything but
    this provider's own `issuer` ends nothing. Whoever knows a `sid` can ask for this, so that nothing but our
    own session may end by it: the tokens stay as they are.
    """
    if issuer and sid and issuer == party.runtime.metadata(provider).issuer:
        party.sessions.end_sid(issuer, sid, now=party.clock(), each=each)


def loses_tokens(session: Session) -> bool:
    """Whether the tokens of a session that its provider has ended are to be revoked, too.

    Those with `offline_access` were given to outlive it (OIDC Back-Channel Logout 1.0, 2.7).
    """
    return session.tokens is not None and "offline_access" not in session.tokens.scope
