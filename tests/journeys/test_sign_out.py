"""Sign-out as far as it must reach: every worker at once, whatever is in flight, by the provider's word alone."""

import threading
from dataclasses import replace

import pytest
from flask import jsonify
from tests.journeys.serving import serving
from tests.journeys.stage import ORIGIN, SECRET, Stage, code_of, settings_for
from tests.journeys.visitor import Visitor, sign_in

from signon.flask import current_login, current_user
from signon.runtime import background
from signon_idp import Idp
from signon_idp.faults import LOGOUT_FAULTS

ME = f"{ORIGIN}/me"
PATIENCE = 10.0


def told_at(port: int) -> str:
    return f"http://127.0.0.1:{port}/auth/backchannel-logout/oidc"


@pytest.fixture
def workers(new_stage, load_minimal, signon_idp: Idp):
    """Two workers on one store, as two stages; the provider tells the second of sign-outs."""

    def build(**keywords: str) -> tuple[Stage, Stage]:
        first = new_stage(**keywords)
        client = signon_idp.clients["signon-at-oidc"]
        app = load_minimal(SIGNON_PROVIDERS="oidc", **settings_for(signon_idp, client, **keywords))
        return first, replace(first, app=app)

    return build


@pytest.fixture
def told(workers, signon_idp: Idp):
    """The first of two workers; the provider tells the second of sign-outs."""
    first, second = workers()
    with serving(second.app) as port:
        client = signon_idp.clients["signon-at-oidc"]
        signon_idp.register(replace(client, backchannel_logout_uri=told_at(port)))
        yield first


def who(visitor: Visitor) -> str | None:
    page = visitor.get(ME, Accept="application/json")
    return page.json()["preferred_username"] if page.ok else None


def signed_in(stage: Stage, persona: str = "somying") -> Visitor:
    visitor = stage.visitor()
    assert sign_in(visitor, ME, persona=persona).ok
    return visitor


def thief_of(visitor: Visitor, stage: Stage) -> Visitor:
    """Somebody who has copied the session cookie, at a worker."""
    thief = stage.visitor()
    (name,) = visitor.sessions()
    thief.session.cookies.set(name, visitor.cookies[name], domain="localhost.local", path="/")
    assert who(thief) is not None
    return thief


def deliveries(idp: Idp) -> list[tuple[int | None, str]]:
    return [(delivery.status, delivery.error) for delivery in idp.wait_for_logouts()]


# By its owner


def test_copied_cookie_is_dead_on_every_worker_at_once(workers):
    """No worker takes the cookie after the sign-out, however lately it has used the session."""
    first, second = workers()
    visitor = signed_in(first)
    thieves = [thief_of(visitor, stage) for stage in (first, second)]
    assert visitor.submit(visitor.get(f"{ORIGIN}/auth/logout")).url == f"{ORIGIN}/auth/signed-out"
    for thief in thieves:
        page = thief.get(ME, Accept="application/json")
        assert (page.status_code, code_of(page)) == (401, "login_needed")


def in_flight(stage: Stage, visitor: Visitor, path: str) -> tuple[threading.Thread, list]:
    """Ask for a page of a worker from a thread of its own, with the cookies of a visitor."""
    other, answers = stage.visitor(), []
    other.session.cookies.update(visitor.session.cookies)
    thread = threading.Thread(
        target=lambda: answers.append(other.get(f"{ORIGIN}{path}", Accept="application/json"))
    )
    thread.start()
    return thread, answers


def test_page_in_flight(workers):
    """A page that has read the session before the sign-out finishes, and brings nothing back to life."""
    first, second = workers()
    inside, go_on = threading.Event(), threading.Event()

    def slow():
        name = current_user.preferred_username
        inside.set()
        assert go_on.wait(PATIENCE)
        return jsonify(name)

    second.app.add_url_rule("/slow", "slow", slow)
    visitor = signed_in(first)
    thief = thief_of(visitor, second)
    page, answers = in_flight(second, visitor, "/slow")
    assert inside.wait(PATIENCE)
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert who(thief) is None, "while the page is still under way"
    go_on.set()
    page.join(PATIENCE)
    assert (answers[0].json(), who(thief)) == ("somying", None)


def test_refresh_in_flight(workers, signon_idp: Idp, monkeypatch):
    """New tokens that arrive after the sign-out sign nobody in, and are revoked like the old ones."""
    first, second = workers(scope="openid profile offline_access")
    inside, go_on = threading.Event(), threading.Event()
    second.app.add_url_rule("/token", "token", lambda: jsonify(current_login.refresh()))
    visitor = signed_in(first)
    thief = thief_of(visitor, second)
    count = signon_idp.count_refresh

    def hold(grant):
        count(grant)
        inside.set()
        assert go_on.wait(PATIENCE)

    monkeypatch.setattr(signon_idp, "count_refresh", hold)
    page, answers = in_flight(second, visitor, "/token")
    assert inside.wait(PATIENCE)
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert who(thief) is None
    go_on.set()
    page.join(PATIENCE)
    assert (answers[0].status_code, code_of(answers[0])) == (401, "login_needed")
    assert who(thief) is None
    wait_for_background()
    assert living_tokens(signon_idp) == []


def wait_for_background() -> None:
    done = threading.Event()
    assert background.submit(done.set)
    assert done.wait(PATIENCE)


def living_tokens(idp: Idp) -> list[str]:
    """The kinds of those tokens that somebody could still use."""
    now = idp.now()
    return [
        token.kind
        for _, token in idp.state.tokens.entries()
        if not (token.revoked or token.grant.ended or token.used_at) and token.expires_at > now
    ]


def test_tokens_are_revoked_when_the_answer_is_there(workers, signon_idp: Idp):
    """After a sign-out no token of the session is good for anything at the provider."""
    first, _ = workers(scope="openid profile offline_access")
    visitor = signed_in(first)
    assert sorted(living_tokens(signon_idp)) == ["access_token", "refresh_token"]
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    wait_for_background()
    assert living_tokens(signon_idp) == []


def test_tokens_of_a_replaced_session_are_revoked(workers, signon_idp: Idp):
    """Who signs in again has one session's tokens, and not two."""
    first, _ = workers(scope="openid profile offline_access")
    visitor = signed_in(first)
    assert visitor.get(f"{ORIGIN}/auth/login?next=/me").ok
    wait_for_background()
    assert sorted(living_tokens(signon_idp)) == ["access_token", "refresh_token"]
    assert who(visitor) == "somying"


def test_this_application_only(new_stage):
    """With `sign_out=here` people stay signed in at the provider, unless they choose otherwise."""
    stage = new_stage(sign_out="here")
    visitor = signed_in(stage)
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
    assert who(visitor) is None
    assert visitor.get(ME).json()["preferred_username"] == "somying", "silently: the provider knows them"
    visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"), scope="everywhere")
    assert 'name="persona"' in visitor.get(ME).text


# By the provider's word


def test_administrator_ends_one_session(told, signon_idp: Idp):
    """What the provider names ends on the worker that was not told, and no other session of the person."""
    first, second, somebody = signed_in(told), signed_in(told), signed_in(told, "omar")
    sids = [session.sid for _, session in signon_idp.state.sessions.entries() if session.persona.id == "somying"]
    assert signon_idp.end_session(sid=sids[0]) == 1
    assert deliveries(signon_idp) == [(200, "")]
    assert [who(first), who(second)].count(None) == 1
    assert who(somebody) == "omar"


def test_administrator_ends_a_person(told, signon_idp: Idp):
    """All sessions of the subject end, on every worker, and nobody else's."""
    mine, somebody = [signed_in(told), signed_in(told)], signed_in(told, "omar")
    (sub,) = {s.persona.sub for _, s in signon_idp.state.sessions.entries() if s.persona.id == "somying"}
    assert signon_idp.end_session(sub=sub, by_sub=True) == 2
    assert deliveries(signon_idp) == [(200, "")]
    assert [who(visitor) for visitor in mine] == [None, None]
    assert who(somebody) == "omar"


def test_end_that_arrives_during_a_sign_in(told, signon_idp: Idp):
    """Somebody whose session at the provider ends while they are on their way back gets no session."""
    visitor = told.visitor()
    answer = told.begin(visitor)
    (sid,) = [session.sid for _, session in signon_idp.state.sessions.entries()]
    signon_idp.end_session(sid=sid)
    assert deliveries(signon_idp) == [(200, "")]
    page = visitor.get(answer)
    assert (page.status_code, code_of(page)) == (403, "session_ended_meanwhile")
    assert told.rows()["records"] == 0


CODES = {
    "logout_no_iss": "logout_token_iss_missing",
    "logout_wrong_iss": "logout_token_iss",
    "logout_no_aud": "logout_token_aud_missing",
    "logout_wrong_aud": "logout_token_aud",
    "logout_no_iat": "logout_token_iat_missing",
    "logout_future_iat": "logout_token_iat_future",
    "logout_no_exp": "logout_token_exp_missing",
    "logout_expired": "logout_token_expired",
    "logout_no_jti": "logout_token_jti_missing",
    "logout_jti_number": "logout_token_jti_missing",
    "logout_nonce": "logout_token_nonce",
    "logout_no_events": "logout_token_events",
    "logout_events_array": "logout_token_events",
    "logout_other_event": "logout_token_events",
    "logout_event_text": "logout_token_events",
    "logout_no_sub_no_sid": "logout_token_nobody",
    "logout_sub_number": "logout_token_sub_invalid",
    "logout_sid_number": "logout_token_sid_invalid",
    "logout_alg_none": "logout_token_alg_none",
    "logout_hs256_public_key": "logout_token_alg_mismatch",
    "logout_other_alg": "logout_token_alg_mismatch",
    "logout_unknown_key": "logout_token_unknown_key",
    "logout_wrong_typ": "logout_token_typ",
    "logout_id_token": "logout_token_events",
    "logout_altered": "logout_token_signature",
}


def test_every_fault_has_its_code():
    """Each fault of a logout token that the practice provider knows is in the table, but for the replay."""
    assert set(CODES) == set(LOGOUT_FAULTS) - {"logout_replayed"}


def test_forged_tokens_end_nothing(told, signon_idp: Idp):
    """Each fault gets 400 with its own code, and whoever is signed in stays so; the genuine token ends it."""
    visitor = signed_in(told)
    (session,) = [session for _, session in signon_idp.state.sessions.entries()]
    about = {"sub": session.persona.sub, "sid": session.sid}
    provider = Visitor((ORIGIN, told.app))

    def told_of(token: str):
        return provider.post(f"{ORIGIN}/auth/backchannel-logout/oidc", {"logout_token": token})

    found = {}
    for name in CODES:
        with signon_idp.fault(name):
            answer = told_of(signon_idp.backchannel_logout_token("signon-at-oidc", **about))
        found[name] = answer.json()["code"]
        assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store"), name
    assert found == CODES
    assert who(visitor) == "somying"
    assert told_of(signon_idp.backchannel_logout_token("signon-at-oidc", **about)).status_code == 200
    assert who(visitor) is None


def test_replay_is_refused_by_the_other_worker(told, signon_idp: Idp):
    """The provider sends the same token twice: one worker takes the first, another refuses the second."""
    visitor = signed_in(told)
    (session,) = [session for _, session in signon_idp.state.sessions.entries()]
    token = signon_idp.backchannel_logout_token("signon-at-oidc", sub=session.persona.sub, sid=session.sid)
    first, provider = Visitor((ORIGIN, told.app)), Visitor()
    uri = signon_idp.clients["signon-at-oidc"].backchannel_logout_uri
    assert provider.post(uri, {"logout_token": token}).status_code == 200
    assert who(visitor) is None
    replay = first.post(f"{ORIGIN}/auth/backchannel-logout/oidc", {"logout_token": token})
    assert (replay.status_code, code_of(replay)) == (400, "logout_replayed")


def test_provider_says_a_sign_out_of_one_application_to_the_other(new_stage, load_minimal, signon_idp, tmp_path):
    """Who signs out of one application is signed out of the other that they had gone on to, and of none else."""
    here = new_stage()
    other = replace(signon_idp.clients["signon-at-oidc"], client_id="the-other", client_secret=SECRET)
    settings = settings_for(signon_idp, other)
    app = load_minimal(SIGNON_PROVIDERS="oidc", SIGNON_SESSIONS=f"sqlite:///{tmp_path}/other.sqlite3", **settings)
    with serving(app) as port:
        signon_idp.register(replace(other, backchannel_logout_uri=told_at(port)))
        visitor, bystander = signed_in(here), signed_in(replace(here, app=app), "omar")
        there = replace(here, app=app).visitor()
        there.session.cookies.update(visitor.session.cookies)
        assert there.get(ME).json()["preferred_username"] == "somying"
        visitor.submit(visitor.get(f"{ORIGIN}/auth/logout"))
        assert deliveries(signon_idp) == [(200, "")]
        assert (who(visitor), who(there), who(bystander)) == (None, None, "omar")
