"""Finish a sign-in: from the provider's answer and this browser's cookie to a session."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from signon.core.authorize import Transaction
from signon.core.callback import FrontChannelAnswer, Pairs, VerifiedCallback, read_callback, read_state
from signon.core.errors import OperatorError, PersonError, StoreUnavailable, SuspectError
from signon.core.flow import SignedIn, complete_login
from signon.core.front_channel import complete_front_channel
from signon.core.metadata import Metadata
from signon.core.person import Login
from signon.core.provider import Provider, ResponseMode
from signon.service.browsers import browser_family
from signon.service.party import RelyingParty
from signon.sessions.record import Session
from signon.sessions.transactions import TRANSACTION_SECONDS, names_state, open_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A new session, and where the person wanted to go."""

    session_id: str = field(repr=False)
    session: Session
    next_path: str | None
    replaced: Session | None = None
    """The session that this browser had before, which the new one has ended."""


def open_sign_in(
    party: RelyingParty, names: Collection[str], pairs: Pairs, *, cookies: Mapping[str, str]
) -> tuple[Transaction, str]:
    """Find the transaction that an answer belongs to: (transaction, its cookie's name).

    `names` are the providers whose answers come to this address. Tells the causes apart: `state_missing`,
    `state_repeated`, `state_unknown` (never one of ours), `state_used`, `state_expired`,
    `state_other_browser`, `state_other_provider`. The answer is claimed last: only the first use gets on,
    and a store that fails (`StoreUnavailable`) leaves the cookie for another try.
    """
    state = read_state(pairs)
    now = party.clock()
    name = next((name for name in cookies if names_state(name, state)), None)
    transaction = open_transaction(party.sealer, cookies[name], now=now) if name is not None else None
    if name is None or transaction is None or transaction.state != state:
        raise _without_cookie(party, state, now)
    if transaction.provider not in names:
        raise SuspectError(
            "state_other_provider",
            f"the sign-in was started with {transaction.provider}, whose answers don't come here",
            section="RFC 9700 4.4",
        )
    if not party.sessions.claim_state(state, now=now):
        raise _used()
    return transaction, name


def finish_login(
    party: RelyingParty,
    transaction: Transaction,
    pairs: Pairs,
    *,
    mode: ResponseMode,
    old_session_id: str | None = None,
    user_agent: str | None = None,
) -> Finished:
    """Judge the answer, redeem the code, ask the application, make the session, end the old one."""
    provider = party.provider(transaction.provider)
    metadata = party.runtime.metadata(provider)
    callback = read_callback(
        pairs, mode=mode, transaction=transaction, provider=provider, metadata=metadata, now=party.clock()
    )
    signed_in = _complete(party, provider, metadata, callback)
    login = filed(party, provider, signed_in.login)
    if provider.sign_up is not None and provider.sign_up.echo in pairs:
        login = replace(login, signed_up=True)
    if transaction.kept:
        login = replace(login, kept=transaction.kept)
    user_key = ask_application(party, login)
    now = party.clock()
    session = Session(
        login=login,
        user_key=user_key or login.person.key,
        roles=find_roles(party, login),
        tokens=signed_in.tokens,
        started_at=transaction.started_at + transaction.clock_offset_seconds,
        created_at=now,
        expires_at=now + party.session_seconds,
        browser=browser_family(user_agent),
    )
    session_id = party.sessions.start(session, now=now)
    replaced = None if old_session_id is None else _replace(party, old_session_id, session_id, now=now)
    return Finished(session_id=session_id, session=session, next_path=transaction.next, replaced=replaced)


def _replace(party: RelyingParty, old_session_id: str, session_id: str, *, now: float) -> Session | None:
    """End the session that this browser had before; where the store fails, the new one, too: never two."""
    try:
        return party.sessions.end(old_session_id, now=now)
    except StoreUnavailable:
        with suppress(StoreUnavailable):
            party.sessions.end(session_id, now=now)
        raise


def _complete(
    party: RelyingParty, provider: Provider, metadata: Metadata, callback: VerifiedCallback | FrontChannelAnswer
) -> SignedIn:
    now = party.clock()
    if isinstance(callback, VerifiedCallback):
        flow = complete_login(provider=provider, metadata=metadata, callback=callback, now=now)
    else:
        flow = complete_front_channel(provider=provider, metadata=metadata, answer=callback, now=now)
    return party.runtime.run(provider, flow)


def filed(party: RelyingParty, provider: Provider, login: Login) -> Login:
    """The login of a person under what may be shown as their subject."""
    if not provider.subject_is_national_id:
        return login
    person = login.person
    return replace(login, person=replace(person, public_subject=party.pseudonym(person.issuer, person.subject)))


def ask_application(party: RelyingParty, login: Login) -> str | None:
    """The application's own key for the person, or None; it may raise `Refused`.

    Anything but text is `user_key_not_text`: the session could not be read again.
    """
    user_key: object = party.on_login(login) if party.on_login else None
    if user_key is None or isinstance(user_key, str):
        return user_key
    raise OperatorError("user_key_not_text", f"on_login returned {type(user_key).__name__}: return text, or None")


def find_roles(party: RelyingParty, login: Login) -> tuple[str, ...]:
    """The person's roles, by the application's rule."""
    if party.roles_from is None:
        return ()
    if callable(party.roles_from):
        return _texts(party.roles_from(login))
    claim = login.claims.get(party.roles_from)
    values = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else ()
    return tuple(value for value in values if isinstance(value, str))


def _texts(roles: object) -> tuple[str, ...]:
    if isinstance(roles, Iterable) and not isinstance(roles, str):
        found = tuple(roles)
        if all(isinstance(role, str) for role in found):
            return found
    raise OperatorError("roles_not_texts", "roles_from returned something else than texts, one for each role")


def _without_cookie(party: RelyingParty, state: str, now: float) -> PersonError | SuspectError:
    """Why an answer's transaction is not in this browser."""
    made_at = party.sealer.read_stamp(state)
    if made_at is None:
        return SuspectError(
            "state_unknown", "the response's state is not one that this application made", section="RFC 6749 10.12"
        )
    if party.sessions.state_was_claimed(state, now=now):
        return _used()
    if now - made_at > TRANSACTION_SECONDS:
        return PersonError("state_expired", "the sign-in was started too long ago", status=400)
    return SuspectError(
        "state_other_browser",
        "the sign-in was started in another browser, or this one has lost its cookies",
        section="RFC 6749 10.12",
    )


def _used() -> SuspectError:
    return SuspectError("state_used", "this answer was used before", section="RFC 6749 4.1.2")
