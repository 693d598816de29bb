"""The ends of browser sessions, and how the clients of one learn of it."""

from typing import TYPE_CHECKING

from signon_idp.courier import Letter
from signon_idp.logout_token import logout_token_claims, write_logout_tokens
from signon_idp.model import BrowserSession, Client

if TYPE_CHECKING:
    from signon_idp.provider import Idp


def end_sessions(
    idp: "Idp", *, sid: str | None = None, sub: str | None = None, by_sub: bool = False
) -> list[BrowserSession]:
    """End the browser sessions called `sid`, of the person `sub`, or both; tell their clients in the background.

    `by_sub` names the person alone, where a client does not require a `sid` (Back-Channel Logout 1.0, 2.2).
    """
    ended = idp.state.end_sessions(
        lambda session: sid in {None, session.sid} and sub in {None, session.persona.sub}
    )
    # A person's sessions may share clients, and one token about the person is enough for each.
    notices: dict[tuple[str, str, str | None], Client] = {}
    for session in ended:
        for client in clients_of(idp, session):
            sid_named = session.sid if client.backchannel_logout_session_required or not by_sub else None
            notices[client.client_id, session.persona.sub, sid_named] = client
    for (_, person, sid_named), client in notices.items():
        _tell(idp, client, sub=person, sid=sid_named)
    return ended


def clients_of(idp: "Idp", session: BrowserSession) -> list[Client]:
    """The registered clients that the session was used for."""
    return [client for client_id, client in idp.clients.items() if client_id in session.clients]


def logout_tokens(
    idp: "Idp", client: Client, *, sub: str | None, sid: str | None, **changes: object
) -> tuple[str, ...]:
    """The posts about one end, one in health, with `changes` made to the claims; None takes a claim away."""
    rules = idp.dialect.backchannel
    if rules is None:
        raise ValueError(f"{idp.dialect.name} sends no logout tokens")
    scene = idp.scene(client)
    claims = {**logout_token_claims(scene, rules, sub=sub, sid=sid), **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    posts = write_logout_tokens(kept, scene, idp.fault_now, rules=rules)
    return tuple(idp.state.remember(token) for token in posts)


def _tell(idp: "Idp", client: Client, *, sub: str, sid: str | None) -> None:
    uri = client.backchannel_logout_uri
    if uri is None:
        return
    for token in logout_tokens(idp, client, sub=sub, sid=sid):
        idp.courier.send(Letter(client_id=client.client_id, uri=uri, logout_token=token))
