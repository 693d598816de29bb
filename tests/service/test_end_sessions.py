import threading
from dataclasses import replace

import pytest
from tests.flask.double import ISSUER
from tests.service.conftest import NOW
from tests.service.test_finish_login import Journey

from signon.core.errors import PersonError, ProviderUnavailable, StoreUnavailable, SuspectError, TokenRejected
from signon.core.values import Secret
from signon.service.end_sessions import backchannel_logout, frontchannel_logout, loses_tokens
from signon.sessions.sessions import CLOCK_SKEW_SECONDS

OTHER = "https://other.example"


def tell(party, token, *, provider="oidc"):
    ended = []
    backchannel_logout(party, party.providers[provider], Secret(token), each=ended.append)
    return tuple(ended)


def refused(kind, party, token, **options):
    with pytest.raises(kind) as error:
        tell(party, token, **options)
    return error.value.code


@pytest.fixture
def sign_in(party, op):
    """Sign somebody in: the id of their session."""

    def sign_in(**claims):
        return Journey(party, op, **claims).finish().session_id

    return sign_in


def lives(party, session_id) -> bool:
    return party.sessions.load(session_id, now=party.clock()) is not None


def subjects(sessions) -> list[str]:
    return [session.login.person.subject for session in sessions]


# Whose sessions end


def test_sid_ends_that_session_only(party, op, sign_in):
    """A session that is named must end, and no other of the same person (2.7)."""
    first, second = sign_in(sid="s1"), sign_in(sid="s2")
    assert subjects(tell(party, op.logout_token(sid="s1"))) == ["person-1"]
    assert (lives(party, first), lives(party, second)) == (False, True)


def test_sid_alone_is_enough(party, op, sign_in):
    """A token without a subject must end the session that it names."""
    first = sign_in(sid="s1")
    tell(party, op.logout_token(sid="s1", sub=None))
    assert not lives(party, first)


def test_subject_ends_all_of_that_person(party, op, sign_in):
    """Without a session's id all sessions of the subject must end, also those that have one, and nobody else's."""
    mine = [sign_in(sid="s1"), sign_in(sid="s2"), sign_in()]
    theirs = sign_in(sub="person-2")
    assert len(tell(party, op.logout_token())) == 3
    assert not any(lives(party, session_id) for session_id in mine)
    assert lives(party, theirs)


@pytest.mark.parametrize("claims", [{"sid": "unknown"}, {"sub": "nobody"}, {"sid": "unknown", "sub": None}])
def test_unknown_session_is_no_error(party, op, sign_in, claims):
    """What isn't known here must be taken for done (2.7)."""
    session_id = sign_in(sid="s1")
    assert tell(party, op.logout_token(**claims)) == ()
    assert lives(party, session_id)


def test_sid_of_somebody_else(party, op, sign_in):
    """A subject that is not the session's must be refused, and the session live (2.7)."""
    session_id = sign_in(sid="s1")
    token = op.logout_token(sid="s1", sub="person-2")
    assert refused(SuspectError, party, token) == "logout_sub_mismatch"
    assert lives(party, session_id)


def test_sid_that_two_people_share(party, op, sign_in):
    """Where a provider gives one id to two people's sessions, the subject's must end and the other live."""
    mine, theirs = sign_in(sid="s1"), sign_in(sid="s1", sub="person-2")
    assert subjects(tell(party, op.logout_token(sid="s1"))) == ["person-1"]
    assert (lives(party, mine), lives(party, theirs)) == (False, True)


def test_provider_ends_its_own_sessions_only(make_party, make_provider, ops, op):
    """A token of one provider must end nothing of another, and be refused where the other's are taken."""
    party = make_party(make_provider(), make_provider("other", OTHER))
    session_id = Journey(party, op, sid="s1").finish().session_id
    foreign = ops[OTHER].logout_token(sid="s1")
    assert refused(TokenRejected, party, foreign) == "logout_token_iss"
    assert tell(party, foreign, provider="other") == ()
    assert lives(party, session_id)


# Once


def test_token_is_good_for_once(party, op, sign_in, clock):
    """A second use must be refused for as long as the token could be used, and its age refuse it from then on."""
    token = op.logout_token()
    tell(party, token)
    session_id = sign_in()
    assert refused(SuspectError, party, token) == "logout_replayed"
    clock.now += 120 + 59.9
    assert refused(SuspectError, party, token) == "logout_replayed"
    clock.now += 0.1
    assert refused(TokenRejected, party, token) == "logout_token_expired"
    assert lives(party, session_id)


def test_use_is_remembered_where_clocks_differ(party, op, clock):
    """A machine whose clock is behind must know the use, too, for as long as it takes the token."""
    token = op.logout_token(jti="j")
    tell(party, token)
    clock.now += 180 + CLOCK_SKEW_SECONDS - 0.1
    assert party.sessions.claims.known("logout-jti", ISSUER, "j", now=clock.now)
    clock.now += 0.1
    assert not party.sessions.claims.known("logout-jti", ISSUER, "j", now=clock.now)


def test_refused_token_uses_nothing_up(party, op):
    """A forgery must not use up the id of the genuine token."""
    assert refused(TokenRejected, party, op.logout_token(jti="j", aud="another")) == "logout_token_aud"
    assert tell(party, op.logout_token(jti="j")) == ()


@pytest.mark.parametrize("operation", ["index_list", "delete", "claim", "mark_ended"])
def test_second_try_after_our_own_failure_is_no_replay(party, op, sign_in, monkeypatch, operation):
    """A store that fails anywhere on the way must be said, and the same token be taken again."""
    session_id = sign_in(sid="s1")
    token = op.logout_token(sid="s1")

    def fail(*_args, **_options):
        raise StoreUnavailable("store_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(party.sessions.store, operation, fail)
        assert refused(StoreUnavailable, party, token) == "store_unavailable"
    tell(party, token)
    assert not lives(party, session_id)
    assert refused(SuspectError, party, token) == "logout_replayed"


@pytest.mark.parametrize("outcome", ["the store fails", "another was the first"])
@pytest.mark.parametrize("claims", [{"sid": "s1"}, {}])
def test_what_has_ended_is_told_whatever_comes_after(party, op, sign_in, monkeypatch, outcome, claims):
    """A session that has ended is found by no second try: it must have been told of, also by a refused one."""
    sign_in(sid="s1")
    told, provider = [], party.providers["oidc"]

    def not_first(*_args, **_options):
        if outcome == "the store fails":
            raise StoreUnavailable("store_unavailable", "away")
        return False

    monkeypatch.setattr(party.sessions.claims, "first", not_first)
    with pytest.raises(StoreUnavailable if outcome == "the store fails" else SuspectError):
        backchannel_logout(party, provider, Secret(op.logout_token(**claims)), each=told.append)
    assert subjects(told) == ["person-1"]


def test_store_that_can_not_say_whether_it_was_used(party, op, sign_in, monkeypatch):
    """Where nobody knows whether it is a replay nothing must end: it fails closed."""
    session_id = sign_in(sid="s1")

    def fail(*_args, **_options):
        raise StoreUnavailable("store_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(party.sessions.store, "was_claimed", fail)
        assert refused(StoreUnavailable, party, op.logout_token(sid="s1")) == "store_unavailable"
    assert lives(party, session_id)


def test_same_token_twice_at_the_same_time(party, op, monkeypatch):
    """Of any number of uses that none has seen the others of exactly one must be told that it was the first."""
    token = op.logout_token()
    barrier, outcomes, end = threading.Barrier(6), [], party.sessions.end_subject

    def end_together(*args, **options):
        barrier.wait(5)
        return end(*args, **options)

    monkeypatch.setattr(party.sessions, "end_subject", end_together)

    def use() -> None:
        try:
            tell(party, token)
            outcomes.append("done")
        except SuspectError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(outcomes) == ["done", *["logout_replayed"] * 5]


# What arrives during a sign-in


@pytest.mark.parametrize("claims", [{"sid": "s1"}, {"sid": "s1", "sub": None}, {}])
def test_end_that_arrives_during_a_sign_in(party, op, clock, claims):
    """An end that is newer than the start of a sign-in must reach it, whether it names session or person."""
    journey = Journey(party, op, sid="s1")
    clock.now += 5
    assert tell(party, op.logout_token(**claims)) == ()
    with pytest.raises(PersonError) as error:
        journey.finish()
    assert error.value.code == "session_ended_meanwhile"


def test_end_that_arrives_while_the_session_is_saved(party, op, clock, monkeypatch):
    """An end between the record's creation and the look at the marks must be seen by that look."""
    journey = Journey(party, op, sid="s1")
    clock.now += 5
    create = party.sessions.store.create

    def create_then_end(*args, **options):
        made = create(*args, **options)
        tell(party, op.logout_token(sid="s1"))
        return made

    monkeypatch.setattr(party.sessions.store, "create", create_then_end)
    with pytest.raises(PersonError) as error:
        journey.finish()
    assert error.value.code == "session_ended_meanwhile"


@pytest.mark.parametrize("arrives", [False, True])
def test_end_before_a_sign_in_begins_leaves_it_alone(party, op, clock, arrives):
    """Who signs in again after the end must get in; also in a session of the provider's by another name."""
    tell(party, op.logout_token(sid="s1"))
    clock.now += 1
    journey = Journey(party, op, sid="s2")
    if arrives:
        clock.now += 1
        tell(party, op.logout_token(sid="s1"))
    assert lives(party, journey.finish().session_id)


def test_ends_and_sign_ins_at_the_same_time(party, op, clock):
    """However sign-ins and an end of them fall together, none that began before the end is left."""
    party.runtime.cache(party.providers["oidc"]).keys()
    journeys = [Journey(party, op, sid="s1") for _ in range(6)]
    clock.now += 5
    token = op.logout_token(sid="s1")
    barrier, made, refusals = threading.Barrier(7), [], set()

    def finish(journey) -> None:
        barrier.wait(5)
        try:
            made.append(journey.finish().session_id)
        except PersonError as error:
            refusals.add(error.code)

    def end() -> None:
        barrier.wait(5)
        tell(party, token)

    threads = [threading.Thread(target=finish, args=(j,)) for j in journeys] + [threading.Thread(target=end)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not [session_id for session_id in made if lives(party, session_id)]
    assert refusals <= {"session_ended_meanwhile"}


# Who can't be asked


def test_provider_that_can_not_be_asked_for_its_keys(party, op):
    """Where the keys can't be had the token may be genuine: that must be said as our failure."""
    op.failing["jwks"] = ProviderUnavailable("jwks_timeout", "no answer")
    assert refused(ProviderUnavailable, party, op.logout_token()) == "jwks_timeout"


# The front channel


def frame(party, *, provider="oidc", **given):
    ended, names = [], {"issuer": ISSUER, "sid": "s1", **given}
    frontchannel_logout(party, party.providers[provider], **names, each=ended.append)
    return tuple(ended)


def test_frame_ends_what_it_names(party, sign_in):
    """The session that issuer and id name must end, and no other; a second time changes nothing."""
    first, second = sign_in(sid="s1"), sign_in(sid="s2")
    assert subjects(frame(party)) == ["person-1"]
    assert (lives(party, first), lives(party, second)) == (False, True)
    assert frame(party) == ()


@pytest.mark.parametrize(
    "given",
    [
        {"issuer": None},
        {"issuer": ""},
        {"issuer": f"{ISSUER}/"},
        {"issuer": OTHER},
        {"sid": None},
        {"sid": ""},
        {"sid": "s2"},
        {"issuer": None, "sid": None},
    ],
)
def test_frame_that_does_not_name_both_ends_nothing(party, sign_in, given):
    """Anything but this issuer and a session of its own must end nothing (2)."""
    session_id = sign_in(sid="s1")
    assert frame(party, **given) == ()
    assert lives(party, session_id)


def test_frame_reaches_a_sign_in_under_way(party, op, clock):
    """A frame that comes while somebody signs in must be as good as a logout token."""
    journey = Journey(party, op, sid="s1")
    clock.now += 1
    frame(party)
    with pytest.raises(PersonError) as error:
        journey.finish()
    assert error.value.code == "session_ended_meanwhile"


# Tokens


@pytest.mark.parametrize(
    ("scope", "lost"), [(("openid",), True), (("openid", "offline_access"), False), ((), True)]
)
def test_tokens_that_were_given_to_outlive_the_session_are_kept(party, op, scope, lost):
    """Tokens go with the session unless offline access was granted; without any there is nothing to lose (2.7)."""
    session = Journey(party, op).finish().session
    assert loses_tokens(replace(session, tokens=replace(session.tokens, scope=scope))) is lost
    assert not loses_tokens(replace(session, tokens=None))


def test_session_was_loaded_at_the_time_of_the_end(party, op, sign_in):
    """A page that has loaded the session before the end must not be able to write it back."""
    session_id = sign_in(sid="s1")
    loaded = party.sessions.load(session_id, now=NOW)
    tell(party, op.logout_token(sid="s1"))
    assert not party.sessions.replace(session_id, loaded, now=NOW)
    assert not lives(party, session_id)


def test_frame_of_one_provider_ends_nothing_of_another(make_party, make_provider, ops):
    """A provider's own address must be good for its own sessions alone, whoever knows another's issuer and id."""
    party = make_party(make_provider(), make_provider("other", OTHER))
    journey = Journey(party, ops[OTHER], provider="other", sid="s1")
    session_id = journey.finish(names=("other",)).session_id
    assert frame(party, issuer=OTHER) == ()
    assert lives(party, session_id)
    assert len(frame(party, provider="other", issuer=OTHER)) == 1
