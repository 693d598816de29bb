"""Who is told of an ended session, and what; the clients' addresses lead to a server of the test's own."""

from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from werkzeug import Response

from signon_idp import Client, Idp
from signon_idp.dialects.pingone import PINGONE
from signon_idp.sign_off import clients_of, logout_tokens


@pytest.fixture
def inbox(idp, httpserver, helpers):
    """Two clients that take logout tokens, and the claims that came, by client."""
    found: dict[str, list[dict[str, object]]] = {"demo": [], "other": []}

    def take(request) -> Response:
        (token,) = parse_qs(request.get_data(as_text=True))["logout_token"]
        found[request.path.strip("/")].append(helpers.claims_of(token))
        return Response(status=200)

    httpserver.expect_request("/demo", method="POST").respond_with_handler(take)
    httpserver.expect_request("/other", method="POST").respond_with_handler(take)
    idp.register(replace(helpers.DEMO, backchannel_logout_uri=httpserver.url_for("/demo")))
    idp.register(
        Client(
            client_id="other",
            client_secret="other-secret",
            redirect_uris=("http://localhost:5001/cb",),
            backchannel_logout_uri=httpserver.url_for("/other"),
        )
    )
    yield found
    idp.stop()


@pytest.fixture
def other(walk, helpers):
    """The same browser at the other application."""
    second = helpers.Walk(walk.idp, Client(client_id="other", client_secret="other-secret"))
    second.client = replace(second.client, redirect_uris=("http://localhost:5001/cb",))
    second.http = walk.http
    return second


def sid_of(walk, helpers, persona: str = "somying") -> str:
    return helpers.claims_of(walk.tokens(persona)["id_token"])["sid"]


def about(inbox) -> dict[str, list[tuple[object, object]]]:
    return {name: [(claims.get("sub"), claims.get("sid")) for claims in came] for name, came in inbox.items()}


def test_both_clients_of_a_session(idp, walk, other, inbox, helpers):
    """Each client that the session was used for gets one token about person and session, and no other does."""
    sid = sid_of(walk, helpers)
    assert sid_of(other, helpers) == sid, "one browser, one session"
    stranger = helpers.Walk(idp)
    sid_of(stranger, helpers, "mei")
    assert idp.end_session(sid=sid) == 1
    assert [(done.status, done.error) for done in idp.wait_for_logouts()] == [(200, ""), (200, "")]
    assert about(inbox) == {name: [("5c1f0b7e-somying", sid)] for name in ("demo", "other")}
    assert {done.client_id for done in idp.logout_deliveries} == {"demo", "other"}
    assert walk.authorize().status_code == 200
    assert stranger.authorize().status_code == 303


def test_client_that_nobody_used(idp, walk, inbox, helpers):
    """A client that got nothing in the session isn't told."""
    idp.end_session(sid=sid_of(walk, helpers))
    idp.wait_for_logouts()
    assert [len(inbox[name]) for name in ("demo", "other")] == [1, 0]


def test_code_that_is_not_redeemed_yet(idp, walk, inbox, helpers):
    """A client with a code is told, since its sign-in may be on its way while the session ends."""
    code = walk.code()
    (session,) = [session for _, session in idp.state.sessions.entries()]
    idp.end_session(sid=session.sid)
    idp.wait_for_logouts()
    assert about(inbox)["demo"] == [("5c1f0b7e-somying", session.sid)]
    assert walk.exchange(code).status_code == 200


def test_person_in_two_browsers(idp, walk, inbox, helpers):
    """Ending a person ends each of their sessions, with one token for each; other people stay."""
    second, mei = helpers.Walk(idp), helpers.Walk(idp)
    sids = {sid_of(walk, helpers), sid_of(second, helpers)}
    sid_of(mei, helpers, "mei")
    assert idp.end_session(sub="5c1f0b7e-somying") == 2
    idp.wait_for_logouts()
    assert {sid for _, sid in about(inbox)["demo"]} == sids
    assert mei.authorize().status_code == 303


def test_by_sub(idp, walk, inbox, helpers):
    """By sub one token names the person alone and stands for all sessions of a client."""
    sid_of(walk, helpers)
    sid_of(helpers.Walk(idp), helpers)
    assert idp.end_session(sub="5c1f0b7e-somying", by_sub=True) == 2
    idp.wait_for_logouts()
    assert about(inbox)["demo"] == [("5c1f0b7e-somying", None)]


def test_by_sub_where_a_sid_is_required(idp, walk, inbox, helpers):
    """A client that requires a sid gets it all the same, one token for each session (2.2)."""
    idp.register(replace(idp.clients["demo"], backchannel_logout_session_required=True))
    sids = {sid_of(walk, helpers), sid_of(helpers.Walk(idp), helpers)}
    idp.end_session(sub="5c1f0b7e-somying", by_sub=True)
    idp.wait_for_logouts()
    assert {sid for _, sid in about(inbox)["demo"]} == sids


def test_sid_and_sub_together(idp, walk, inbox, helpers):
    """A sid of somebody else ends nothing."""
    sid = sid_of(walk, helpers)
    assert idp.end_session(sid=sid, sub="8d2a64c9-mei") == 0
    assert idp.end_session(sid="unknown") == 0
    assert idp.wait_for_logouts() == ()
    assert walk.authorize().status_code == 303


def test_once_only(idp, walk, inbox, helpers):
    """A session that has ended ends no second time."""
    sid = sid_of(walk, helpers)
    assert [idp.end_session(sid=sid), idp.end_session(sid=sid)] == [1, 0]
    assert len(idp.wait_for_logouts()) == 1


def test_signing_in_again_keeps_the_clients(idp, walk, other, inbox, helpers):
    """The same person signing in once more goes on in the session; somebody else starts one of their own."""
    sid = sid_of(walk, helpers)
    other.sign_in(prompt="login")
    (session,) = [session for _, session in idp.state.sessions.entries()]
    assert (session.sid, session.clients) == (sid, {"demo", "other"})
    walk.sign_in("mei", prompt="login")
    (session,) = [session for _, session in idp.state.sessions.entries()]
    assert session.sid != sid
    assert [client.client_id for client in clients_of(idp, session)] == ["demo"]


def test_replay_is_sent_twice(idp, walk, inbox, helpers):
    """Under the replay fault the very same token comes twice."""
    sid = sid_of(walk, helpers)
    with idp.fault("logout_replayed"):
        idp.end_session(sid=sid)
    assert len(idp.wait_for_logouts()) == 2
    first, second = inbox["demo"]
    assert first == second


def test_reset_forgets(idp, walk, inbox, helpers):
    """A reset forgets deliveries, and what still waited is not counted for the next test."""
    idp.end_session(sid=sid_of(walk, helpers))
    idp.wait_for_logouts()
    idp.reset()
    assert idp.logout_deliveries == idp.wait_for_logouts() == ()


def test_without_address(idp, walk, helpers):
    """A client without an address isn't told, and nothing is sent."""
    assert idp.end_session(sid=sid_of(walk, helpers)) == 1
    assert idp.wait_for_logouts() == ()


def test_nobody_named(idp):
    """An end of nobody's session is a mistake of the caller's."""
    with pytest.raises(ValueError, match="needs a sid or a sub"):
        idp.end_session()


def test_token_for_tests(idp, helpers):
    """A test gets a signed token with its own changes, None taking a claim away; it is among the secrets."""
    token = idp.backchannel_logout_token("demo", sub="somebody", sid=None, nonce="n", jti=None, exp=5)
    claims = helpers.claims_of(token)
    assert (claims["sub"], claims["nonce"], claims["exp"]) == ("somebody", "n", 5)
    assert not {"sid", "jti"} & claims.keys()
    assert idp.keys.verify(token) is not None
    assert token in idp.secrets
    with idp.fault("logout_wrong_typ"):
        bent = idp.backchannel_logout_token("demo", sid="s-1")
    assert helpers.header_of(bent)["typ"] == "at+jwt"


def test_vendor_without_logout_tokens(clock, helpers):
    """A vendor that knows no back-channel logout makes no tokens, and takes no client that wants them."""
    idp = Idp(dialect=PINGONE, origin="http://127.0.0.1:9004", clients=(helpers.DEMO,), now=clock)
    with pytest.raises(ValueError, match="pingone sends no logout tokens"):
        logout_tokens(idp, helpers.DEMO, sub="a", sid=None)
    with pytest.raises(ValueError, match="pingone has no back-channel logout"):
        idp.register(replace(helpers.DEMO, backchannel_logout_uri="http://localhost:5000/out"))
    with pytest.raises(ValueError, match="pingone has no front-channel logout"):
        idp.register(replace(helpers.DEMO, frontchannel_logout_uri="http://localhost:5000/out"))
