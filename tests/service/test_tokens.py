import logging
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from types import SimpleNamespace

import pytest
from tests.flask.double import ISSUER, KEY, Ops, json_response
from tests.service.conftest import NOW
from tests.service.refreshing_worker import THREADS, make_worker
from tests.service.test_finish_login import Journey
from tests.service.token_op import LIFE, TokenOp

from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    ProviderRefused,
    ProviderUnavailable,
    StoreUnavailable,
    TokenRejected,
)
from signon.core.person import Login, Person
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon.runtime import background
from signon.runtime.transport import TOTAL_SECONDS
from signon.service import saving, tokens
from signon.service.party import Refused
from signon.service.saving import TokensEnded
from signon.service.tokens import AGAIN_SECONDS, LEASE_SECONDS, refresh, revoke, usable
from signon.sessions.memory import MemoryStore
from signon.sessions.record import Session
from signon.sessions.sealer import Sealer
from signon.sessions.sessions import Sessions
from signon.sessions.sqlite import SqliteStore

WORKER = Path(__file__).parent / "refreshing_worker.py"
OPERATIONS = [name for name in dir(MemoryStore) if not name.startswith("_")]


@pytest.fixture
def ops(monkeypatch, plant):
    """The usual provider, with refresh tokens."""
    plant(KEY)
    found = Ops({ISSUER: TokenOp(plant)})
    monkeypatch.setattr("signon.runtime.cache.transport_for", found.transport_for)
    return found


@pytest.fixture
def naps(monkeypatch):
    """Pauses that nobody sleeps; each moves the clock that counts them, and calls what is to happen then."""

    class Naps(list):
        now = 0.0
        during = None

        def sleep(self, seconds):
            self.append(seconds)
            self.now += seconds
            if self.during is not None:
                self.during()

    found = Naps()
    clock = SimpleNamespace(sleep=found.sleep, monotonic=lambda: found.now)
    for module in (tokens, saving, background):
        monkeypatch.setattr(module, "time", clock)
    return found


@pytest.fixture
def later(monkeypatch):
    """What is left for the background, done when the test says so: it stays in the list where it failed again."""
    jobs = []
    monkeypatch.setattr(background, "submit", lambda job: jobs.append(job) or True)
    return jobs


class Visitor:
    """Somebody who has signed in, and what one request of theirs does."""

    def __init__(self, party, op, **claims):
        self.party, self.op = party, op
        self.id = Journey(party, op, **claims).finish().session_id
        self.told = []

    def session(self, party=None):
        party = party or self.party
        return party.sessions.load(self.id, now=party.clock())

    def use(self, act=usable, *, session=None, party=None):
        party = party or self.party
        return act(party, self.id, session or self.session(party), refreshed=self.told.append)

    def fails(self, kind, act=usable, **options):
        with pytest.raises(kind) as caught:
            self.use(act, **options)
        assert type(caught.value) is kind
        return caught.value


@pytest.fixture
def person(party, op):
    return Visitor(party, op)


@pytest.fixture
def store_calls(party, monkeypatch):
    """The operations of the store, as they come."""
    seen = []

    def watch(name, operation):
        def watched(*args, **options):
            seen.append(name)
            return operation(*args, **options)

        return watched

    for name in OPERATIONS:
        monkeypatch.setattr(party.sessions.store, name, watch(name, getattr(party.sessions.store, name)))
    return seen


def access(session):
    return session.tokens.access_token.reveal()


# When


def test_good_token_costs_nothing(person, clock, op, store_calls):
    """A token that is good for another minute is given as it is: no look at the store, nothing asked."""
    session = person.session()
    clock.now = NOW + LIFE - 60.1
    store_calls.clear()
    assert person.use(session=session) is session
    assert not store_calls
    assert op.refreshes == 0


def test_token_without_an_end_is_good(party, person, clock):
    """A token of which nobody said how long it lasts is used as long as the session lasts."""
    session = person.session()
    session = replace(session, tokens=replace(session.tokens, expires_at=None))
    clock.now = NOW + 3000
    assert usable(party, person.id, session) is session


def test_due_token_is_refreshed(person, clock, op):
    """A minute before its end a token is refreshed, saved for all, and told of once."""
    before = person.session()
    clock.now = NOW + LIFE - 60
    after = person.use()
    assert op.refreshes == 1
    assert access(after) != access(before)
    assert after.tokens.refresh_token != before.tokens.refresh_token
    assert after.tokens.expires_at == clock.now + LIFE
    assert person.told == [after] == [person.session()]
    assert after.version == person.session().version == 2
    assert person.use() == after
    assert op.refreshes == 1


def test_what_the_new_token_says_is_kept(person, clock, op):
    """The new ID token's claims and the ID token itself are in the session from then on."""
    op.claims["name"] = "Somsak"
    clock.now = NOW + LIFE
    before, after = person.session(), person.use()
    assert after.login.person.name == "Somsak"
    assert after.tokens.id_token != before.tokens.id_token
    assert (after.login.auth_time, after.roles) == (before.login.auth_time, before.roles)


@pytest.mark.parametrize("rule", ["groups", lambda login: login.claims["groups"]])
def test_roles_are_found_anew(make_party, op, clock, rule):
    """A role that the provider has taken away is gone with the refresh that says so, for every worker."""
    op.claims["groups"] = ["staff", "admin"]
    person = Visitor(make_party(roles_from=rule), op)
    assert person.session().roles == ("staff", "admin")
    op.claims["groups"] = ["staff"]
    clock.now = NOW + LIFE
    assert person.use().roles == person.session().roles == ("staff",)


def test_application_is_asked_for_roles_only_where_something_has_changed(make_party, op, clock):
    """Claims that stay as they are cost no look at roles; who may come in is decided at the sign-in alone."""
    asked = []

    def rule(name):
        return lambda login: asked.append((name, login.person.name)) or ()

    party = make_party(roles_from=rule("roles"), on_login=lambda login: rule("in")(login) or None)
    person = Visitor(party, op)
    person.use(refresh)
    assert asked == [("in", "Somchai"), ("roles", "Somchai")]
    op.claims["name"] = "Somsak"
    person.use(refresh)
    assert asked[2:] == [("roles", "Somsak")]


@pytest.mark.parametrize(
    ("failure", "why"),
    [(KeyError("what-no-log-may-hold"), "KeyError"), (Refused("No."), "Refused"), (None, "roles_not_texts")],
)
def test_rule_for_roles_that_fails_costs_no_tokens(make_party, op, clock, caplog, failure, why):
    """The new tokens are nowhere else: they are saved, the old roles stay, and one line says so."""

    def rule(login):
        if login.person.name == "Somchai":
            return ["staff"]
        if failure is None:
            return [5]
        raise failure

    person = Visitor(make_party(roles_from=rule), op)
    before = person.session()
    op.claims["name"] = "Somsak"
    clock.now = NOW + LIFE
    with caplog.at_level(logging.WARNING, logger="signon"):
        after = person.use()
    assert (after.roles, after.login.person.name) == (("staff",), "Somsak")
    assert access(after) != access(before)
    assert after == person.session()
    (line,) = caplog.messages
    assert line == f"no roles were found after a refresh, the old ones stay: {why} provider=oidc"


def test_roles_that_were_found_survive_another_write(make_party, op, clock):
    """Where the record was written meanwhile the new roles are merged into it with the new tokens."""
    op.claims["groups"] = ["staff"]
    person = Visitor(make_party(roles_from="groups"), op)
    op.claims["groups"] = []
    clock.now = NOW + LIFE
    other = replace(person.session(), browser="Firefox on Linux")
    op.before_answer.append(lambda: person.party.sessions.replace(person.id, other, now=clock.now))
    assert (person.use().roles, person.session().roles) == ((), ())
    assert person.session().browser == "Firefox on Linux"


def test_old_refresh_token_stays_where_none_comes(person, clock, op):
    """A provider that doesn't rotate is asked with the same refresh token again."""
    op.rotates = False
    before = person.session()
    for times in (1, 2):
        clock.now += LIFE
        assert person.use().tokens.refresh_token == before.tokens.refresh_token
        assert op.refreshes == times


def test_forced_refresh(person, op):
    """A refresh that is asked for happens also while the token is good, once for all who ask with the same one."""
    before = person.session()
    after = person.use(refresh)
    assert (op.refreshes, access(after) != access(before)) == (1, True)
    assert person.use(refresh, session=before) == after
    assert op.refreshes == 1
    assert access(person.use(refresh)) != access(after)
    assert op.refreshes == 2


def test_forced_refresh_needs_a_refresh_token(party, person):
    """Without a refresh token it can't be, which is for the operator to mend; nothing is given up."""
    session = person.session()
    session = replace(session, tokens=replace(session.tokens, refresh_token=None))
    error = person.fails(OperatorError, refresh, session=session)
    assert error.code == "refresh_token_missing"
    assert person.session().tokens_ended is None


# Only one


@pytest.fixture(params=["memory", "sqlite"])
def workers(request, make_party, tmp_path):
    """Eight relying parties on one store, as eight workers have: each with sessions and caches of its own."""
    sealer = Sealer([Secret(KEY)])
    memory = MemoryStore()
    with ExitStack() as opened:

        def worker():
            store = memory if request.param == "memory" else SqliteStore(str(tmp_path / "sessions.sqlite3"))
            opened.callback(store.close)
            return make_party(sessions=Sessions(store, sealer, session_seconds=3600), sealer=sealer)

        yield [worker() for _ in range(8)]


@pytest.mark.parametrize("act", [usable, refresh])
def test_eight_workers_refresh_once(workers, clock, op, act):
    """Of eight that need a new token at the same moment one refreshes; the others wait and get the same."""
    person = Visitor(workers[0], op)
    clock.now += LIFE
    sessions = [person.session(worker) for worker in workers]
    at_once, asked = threading.Barrier(len(workers)), threading.Event()
    op.before_answer.append(lambda: asked.wait(0.2))

    def work(worker, session):
        at_once.wait()
        return person.use(act, session=session, party=worker)

    with ThreadPoolExecutor(len(workers)) as pool:
        found = list(pool.map(work, workers, sessions))
    assert op.refreshes == 1
    assert not op.dead
    assert len({access(session) for session in found}) == 1
    assert len(person.told) == 1


def test_two_processes_refresh_once(tmp_path, httpserver):
    """Two processes of four threads each, on one SQLite file, must refresh once over the network."""
    issuer, path = httpserver.url_for("").rstrip("/"), str(tmp_path / "sessions.sqlite3")
    answer = {"access_token": "the-new-access-token", "token_type": "Bearer", "expires_in": 300}
    httpserver.expect_oneshot_request("/token", method="POST").respond_with_json(answer)
    now = time.time()
    spent = TokenSet(access_token=Secret("spent"), scope=(), expires_at=now - 1, refresh_token=Secret("used-once"))
    person = Person(provider="op", issuer=issuer, subject="person-1", public_subject="person-1")
    login = Login(person=person, claims={"sub": "person-1"}, signed_in_at=now)
    session = Session(
        login=login, user_key="u", tokens=spent, started_at=now, created_at=now, expires_at=now + 3600
    )
    party = make_worker(issuer, path)
    with closing(party.sessions.store):
        session_id = party.sessions.start(session, now=now)
    command = [sys.executable, str(WORKER), issuer, path, session_id]
    programs = [subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) for _ in range(2)]
    try:
        assert [program.stdout.readline() for program in programs] == ["ready\n", "ready\n"]
        for program in programs:
            program.stdin.write("go\n")
            program.stdin.flush()
        answers = [program.communicate(timeout=20)[0].split() for program in programs]
    finally:
        for program in programs:
            program.kill()
            program.wait()
    assert answers == [["the-new-access-token"] * THREADS] * 2
    assert len(httpserver.log) == 1


def test_killed_worker_leaves_its_lease_to_run_out(person, clock, party, op, naps):
    """While the lease of a dead worker lasts nobody refreshes, and all are told to come back; the next does."""
    clock.now = NOW + LIFE
    held = party.sessions.claims.only_one("refresh", person.id, now=clock.now, seconds=LEASE_SECONDS)
    held.__enter__()  # and never the other end
    assert person.fails(ProviderUnavailable).code == "refresh_waiting"
    assert 9 < sum(naps) <= 10
    clock.now += LEASE_SECONDS - 0.1
    assert person.fails(ProviderUnavailable).status == 503
    assert op.refreshes == 0
    clock.now += 0.1
    assert person.use().tokens.expires_at == clock.now + LIFE
    assert op.refreshes == 1


def test_lease_outlives_any_answer():
    """The lease must be longer than all that a refresh may wait for, also by a clock that is a minute ahead."""
    assert LEASE_SECONDS >= TOTAL_SECONDS + 2.0 + 60


def test_still_valid_token_is_used_meanwhile(person, clock, party, op, naps):
    """In its last minute a token still serves those who aren't the one that refreshes: nobody waits."""
    clock.now = NOW + LIFE - 1
    with party.sessions.claims.only_one("refresh", person.id, now=clock.now, seconds=LEASE_SECONDS):
        session = person.session()
        assert person.use(session=session) is session
        assert person.fails(ProviderUnavailable, refresh).code == "refresh_waiting"
    assert op.refreshes == 0


def test_who_waits_gets_what_the_other_saved(person, clock, party, naps):
    """Those who wait look again after growing pauses, and take the new token from the record."""
    clock.now = NOW + LIFE
    stale = person.session()
    new = replace(stale.tokens, access_token=Secret("from-another-worker"), expires_at=clock.now + LIFE)

    def save():
        if len(naps) == 4:
            party.sessions.replace(person.id, replace(stale, tokens=new), now=clock.now)

    naps.during = save
    with party.sessions.claims.only_one("refresh", person.id, now=clock.now, seconds=LEASE_SECONDS):
        assert access(person.use(session=stale)) == "from-another-worker"
    assert len(naps) == 4
    assert list(naps) == sorted(naps)


def test_winner_looks_before_it_asks(person, clock, op):
    """Whoever gets its turn just after another has finished takes that one's token: no second request."""
    clock.now = NOW + LIFE
    stale = person.session()
    after = person.use()
    assert person.use(session=stale) == after
    assert op.refreshes == 1


@pytest.mark.parametrize("when", ["waiting", "turn"])
def test_session_that_ended_meanwhile_is_nobodys(person, clock, party, op, naps, when):
    """Where the session has gone while one waited, or before it was one's turn, nobody is signed in."""
    clock.now = NOW + LIFE
    stale = person.session()
    party.sessions.end(person.id, now=clock.now)
    with ExitStack() as stack:
        if when == "waiting":
            claims = party.sessions.claims
            stack.enter_context(claims.only_one("refresh", person.id, now=clock.now, seconds=LEASE_SECONDS))
        error = person.fails(TokensEnded, session=stale)
    assert (error.code, error.status) == ("login_needed", 401)
    assert op.refreshes == 0


# What becomes of the answer


def test_change_of_the_record_is_kept(person, clock, party, op):
    """What somebody else has written into the record during a refresh stays, beside the new tokens."""
    clock.now = NOW + LIFE

    def change():
        party.sessions.replace(person.id, replace(person.session(), browser="Firefox"), now=clock.now)

    op.before_answer.append(change)
    after = person.use()
    assert (after.browser, after.tokens.expires_at) == ("Firefox", clock.now + LIFE)
    assert after == person.session()
    assert after.version == person.session().version == 3


@pytest.mark.parametrize(("seconds", "whose"), [(-1, "ours"), (0, "ours"), (1, "theirs")])
def test_later_tokens_stay(person, clock, party, op, seconds, whose):
    """Of two refreshes that both went well, since one's lease had run out, the later tokens are kept."""
    clock.now = NOW + LIFE

    def refresh_elsewhere():
        session = person.session()
        moment = clock.now + seconds
        new = replace(session.tokens, access_token=Secret("theirs"), issued_at=moment, expires_at=moment + LIFE)
        party.sessions.replace(person.id, replace(session, tokens=new), now=clock.now)

    op.before_answer.append(refresh_elsewhere)
    after = person.use()
    assert (access(after) == "theirs") is (whose == "theirs")
    assert after == person.session()


def test_refusal_elsewhere_does_not_drop_new_tokens(person, clock, party, op):
    """Tokens that another worker has given up meanwhile, since the old refresh token was used, are good again."""
    clock.now = NOW + LIFE

    def give_up():
        session = person.session()
        party.sessions.replace(person.id, replace(session, tokens_ended="invalid_grant"), now=clock.now)

    op.before_answer.append(give_up)
    after = person.use()
    assert (after.tokens_ended, after.tokens.expires_at) == (None, clock.now + LIFE)
    assert after == person.session()


def test_session_that_ended_during_the_refresh(person, clock, party, op):
    """Where the session was ended while the provider answered, the new tokens are revoked and nobody is let in."""
    clock.now = NOW + LIFE
    op.before_answer.append(lambda: party.sessions.end(person.id, now=clock.now))
    assert person.fails(TokensEnded).code == "login_needed"
    assert person.session() is None
    (revoked,) = op.revoked
    assert revoked[0] == "refresh_token"
    assert revoked[1] not in op.good
    assert not person.told


def test_revoked_during_the_refresh(person, clock, party, op):
    """Where the application had the tokens revoked meanwhile, the new ones go the same way."""
    clock.now = NOW + LIFE
    op.before_answer.append(lambda: revoke(party, person.id, person.session()))
    assert person.fails(TokensEnded).code == "tokens_ended"
    assert person.session().tokens_ended == "revoked"
    assert [kind for kind, _ in op.revoked] == ["refresh_token", "refresh_token"]


def test_store_that_fails_while_saving_is_asked_again(person, clock, party, op, naps, monkeypatch):
    """New tokens are nowhere else: a store that fails for a moment must not lose them."""
    clock.now = NOW + LIFE
    update, failures = party.sessions.store.update, iter([True, True, False])

    def failing(*args, **options):
        if next(failures):
            raise StoreUnavailable("store_unavailable", "away")
        return update(*args, **options)

    monkeypatch.setattr(party.sessions.store, "update", failing)
    assert person.use() == person.session()
    assert (op.refreshes, len(person.told)) == (1, 1)
    assert sum(naps) < 1


def test_write_whose_answer_was_lost(person, clock, party, naps, monkeypatch):
    """A write that went through without its answer is recognised: saved once, told of once, with its version."""
    clock.now = NOW + LIFE
    update, first = party.sessions.store.update, iter([True])

    def losing(*args, **options):
        written = update(*args, **options)
        if next(first, False):
            raise StoreUnavailable("store_unavailable", "reset")
        return written

    monkeypatch.setattr(party.sessions.store, "update", losing)
    after = person.use()
    assert (after, after.version) == (person.session(), person.session().version)
    assert len(person.told) == 1


@pytest.fixture
def away(party, naps, monkeypatch):
    """A store that takes no new tokens; each try takes a second if it `hangs`. Called, it is back."""
    update = party.sessions.store.update
    state = SimpleNamespace(hangs=False)

    def fail(*_args, **_options):
        naps.now += 1.0 if state.hangs else 0.0
        raise StoreUnavailable("store_unavailable", "away")

    state.back = lambda: monkeypatch.setattr(party.sessions.store, "update", update)
    monkeypatch.setattr(party.sessions.store, "update", fail)
    return state


@pytest.mark.parametrize("hangs", [True, False])
def test_store_that_stays_away(person, clock, naps, away, later, hangs):
    """A request gives up after one try that hangs, or half a second of failures: it is the store's failure."""
    clock.now = NOW + LIFE
    away.hangs = hangs
    assert person.fails(StoreUnavailable).code == "store_unavailable"
    assert naps.now <= 1.0
    assert len(later) == 1


def test_tokens_are_saved_once_the_store_is_back(person, clock, op, away, later):
    """New tokens that the store would not take are saved later; nobody refreshes with the old ones meanwhile."""
    clock.now = NOW + LIFE
    person.fails(StoreUnavailable)
    later.pop()()
    assert person.fails(ProviderUnavailable).code == "refresh_waiting"
    assert len(later) == 1
    away.back()
    later.pop()()
    assert person.session().tokens.expires_at == clock.now + LIFE
    assert (op.refreshes, len(person.told), later) == (1, 1, [])
    clock.now += LIFE
    assert person.use().tokens.expires_at == clock.now + LIFE


def test_tokens_of_a_session_that_ended_are_not_saved_later(person, clock, party, op, away, later):
    """Where the person signs out before the store takes the tokens, these are revoked."""
    clock.now = NOW + LIFE
    person.fails(StoreUnavailable)
    party.sessions.end(person.id, now=clock.now)
    away.back()
    later.pop()()
    assert [kind for kind, _ in op.revoked] == ["refresh_token"]
    assert (person.session(), person.told, later) == (None, [], [])


def test_saving_ends_with_the_lease(person, clock, naps, away, later, caplog):
    """A store that stays away for as long as the lease costs the new tokens; a line in the log says so."""
    clock.now = NOW + LIFE
    person.fails(StoreUnavailable)
    naps.now += tokens.SAVING_SECONDS
    with pytest.raises(StoreUnavailable):
        later.pop()()
    assert not later


# When the provider says no


def test_final_refusal_ends_the_tokens(person, clock, op, caplog):
    """After the provider's final no the refresh token is gone and the code kept; the person stays signed in."""
    clock.now = NOW + LIFE
    op.dead = True
    before = person.session()
    with caplog.at_level(logging.INFO, logger="signon"):
        error = person.fails(TokensEnded)
    assert (error.code, error.status) == ("tokens_ended", 401)
    after = person.session()
    assert (after.tokens_ended, after.tokens.refresh_token) == ("invalid_grant", None)
    assert after.tokens.id_token == before.tokens.id_token
    assert "invalid_grant" in caplog.text
    assert person.fails(TokensEnded).code == "tokens_ended"
    assert person.fails(TokensEnded, refresh).code == "tokens_ended"
    assert op.refreshes == 1


def test_final_refusal_also_in_the_last_minute(person, clock, op):
    """A token that is still good for a minute is given up with the rest: the next sign-in may as well be now."""
    clock.now = NOW + LIFE - 30
    op.dead = True
    assert person.fails(TokensEnded).code == "tokens_ended"


def test_record_is_read_once_more_before_giving_up(person, clock, party, op):
    """Refused since another worker, whose lease had run out, was quicker: its tokens are used, and kept."""
    clock.now = NOW + LIFE
    session = person.session()
    new = replace(session.tokens, access_token=Secret("from-another-worker"), expires_at=clock.now + LIFE)

    def refuse(_request):
        party.sessions.replace(person.id, replace(session, tokens=new), now=clock.now)
        return json_response({"error": "invalid_grant"}, status=400)

    op._token = refuse
    assert access(person.use()) == "from-another-worker"
    assert person.session().tokens_ended is None


def test_tokens_that_are_due_again_are_no_help(person, clock, party, op):
    """Newer tokens that are over, too, are no reason to give up: the next request tries again."""
    clock.now = NOW + LIFE
    session = person.session()
    new = replace(session.tokens, access_token=Secret("over-as-well"), expires_at=clock.now)

    def refuse(_request):
        party.sessions.replace(person.id, replace(session, tokens=new), now=clock.now)
        return json_response({"error": "invalid_grant"}, status=400)

    op._token = refuse
    assert person.fails(ProviderUnavailable).code == "refresh_unavailable"
    assert person.session().tokens_ended is None


def test_giving_up_meets_another_write(person, clock, party, op, monkeypatch):
    """A change of the record while the tokens are given up is kept; new tokens in it are used instead."""
    clock.now = NOW + LIFE
    op.dead = True
    replace_record, changes = party.sessions.replace, iter([{"browser": "Firefox"}])

    def replace_after_another(session_id, session, *, now):
        for change in changes:
            assert replace_record(session_id, replace(person.session(), **change), now=now)
        return replace_record(session_id, session, now=now)

    monkeypatch.setattr(party.sessions, "replace", replace_after_another)
    person.fails(TokensEnded)
    assert (person.session().browser, person.session().tokens_ended) == ("Firefox", "invalid_grant")


def test_giving_up_meets_new_tokens(person, clock, party, op, monkeypatch):
    """Where new tokens were saved at the very moment of giving up, they are used."""
    clock.now = NOW + LIFE
    op.dead = True
    session = person.session()
    new = replace(session.tokens, access_token=Secret("from-another-worker"), expires_at=clock.now + LIFE)
    replace_record, once = party.sessions.replace, iter([True])

    def replace_after_another(session_id, changed, *, now):
        if next(once, False):
            assert replace_record(session_id, replace(session, tokens=new), now=now)
        return replace_record(session_id, changed, now=now)

    monkeypatch.setattr(party.sessions, "replace", replace_after_another)
    assert access(person.use()) == "from-another-worker"
    assert person.session().tokens_ended is None


def test_token_that_is_over_and_cannot_be_refreshed(person, clock, party, op):
    """Without a refresh token a token serves to its last moment; then it has ended, and the code says why."""
    session = person.session()
    bare = replace(session, tokens=replace(session.tokens, refresh_token=None))
    assert party.sessions.replace(person.id, bare, now=NOW)
    clock.now = NOW + LIFE - 0.1
    assert access(person.use()) == access(session)
    clock.now = NOW + LIFE
    assert person.fails(TokensEnded).code == "tokens_ended"
    assert person.session().tokens_ended == "token_expired"
    assert op.refreshes == 0


def test_session_without_tokens(party, person):
    """A session that was made without tokens has none to give, nor would a new one have: the operator's error."""
    bare = replace(person.session(), tokens=None)
    for act in (usable, refresh):
        assert person.fails(OperatorError, act, session=bare).code == "tokens_missing"
    assert revoke(party, person.id, bare) is bare


def test_provider_that_was_taken_out(make_party, party, person, clock):
    """Tokens of a provider that the application no longer has can't be refreshed by anybody."""
    clock.now = NOW + LIFE
    later = make_party(sessions=party.sessions, providers={})
    assert person.fails(TokensEnded, party=later).code == "tokens_ended"
    assert person.session().tokens_ended == "provider_unknown"


# When the provider is slow or failing

FAILURES = {
    "timeout": ProviderUnavailable("token_timeout", "no answer"),
    "500": json_response({}, status=500),
    "refused for now": json_response({"error": "temporarily_unavailable"}, status=400),
    "client": json_response({"error": "invalid_client"}, status=401),
    "not JSON": json_response([], status=200),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_still_valid_token_outlasts_a_failure(person, clock, op, failure, caplog):
    """While a token is good a failing refresh costs a line in the log, and isn't repeated by every request."""
    session = person.session()
    op.failing["token"] = failure
    op.asked.clear()
    clock.now = NOW + LIFE - 30
    for _ in range(5):
        assert person.use() == session
    assert op.documents().count("token") == 1
    assert caplog.text.count("the old ones still serve") == 1
    clock.now += AGAIN_SECONDS - 0.1
    person.use()
    assert op.documents().count("token") == 1
    clock.now += 0.1
    person.use()
    assert op.documents().count("token") == 2
    del op.failing["token"]
    clock.now += AGAIN_SECONDS
    assert person.use().tokens.expires_at == clock.now + LIFE


CODES = {
    "timeout": (ProviderUnavailable, "refresh_unavailable"),
    "500": (ProviderUnavailable, "refresh_unavailable"),
    "refused for now": (ProviderRefused, "token_refused"),
    "client": (OperatorError, "token_invalid_client"),
    "not JSON": (MalformedAnswer, "token_not_object"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_without_a_good_token_a_failure_is_told(person, clock, op, name):
    """With no token left the one who asked is told the cause, and the others to come back; nothing is given up."""
    kind, code = CODES[name]
    op.failing["token"] = FAILURES[name]
    op.asked.clear()
    clock.now = NOW + LIFE
    assert person.fails(kind).code == code
    assert person.fails(ProviderUnavailable).code == "refresh_unavailable"
    assert person.fails(ProviderUnavailable, refresh).code == "refresh_unavailable"
    assert op.documents().count("token") == 1
    assert person.session().tokens_ended is None
    del op.failing["token"]
    clock.now += AGAIN_SECONDS
    assert person.use().tokens.expires_at == clock.now + LIFE


def test_who_waits_is_told_of_the_failure(person, clock, party, op, naps):
    """Those who wait for one whose try fails don't wait any longer."""
    clock.now = NOW + LIFE
    claims = party.sessions.claims
    naps.during = lambda: claims.first("refresh-failed", person.id, now=clock.now, seconds=AGAIN_SECONDS)
    with claims.only_one("refresh", person.id, now=clock.now, seconds=LEASE_SECONDS):
        assert person.fails(ProviderUnavailable).code == "refresh_unavailable"
    assert len(naps) == 1


def test_provider_that_cannot_be_asked_for_its_metadata(party, person, clock, op):
    """Metadata or keys that can't be had are a failure like any other, and use up no refresh token."""
    party.runtime._caches.clear()
    op.failing["metadata"] = ProviderUnavailable("metadata_timeout", "no answer")
    clock.now = NOW + LIFE
    assert person.fails(ProviderUnavailable).code == "refresh_unavailable"
    assert op.refreshes == 0


def test_answer_that_fails_a_check_leaves_no_new_token(person, clock, op):
    """A new ID token of somebody else must leave the old tokens as they are, and none of the new ones."""
    before = person.session()
    op.claims["sub"] = "person-2"
    clock.now = NOW + LIFE - 30
    assert person.use() == before
    clock.now += 30 + AGAIN_SECONDS
    op.dead, op.used = False, set()
    assert person.fails(TokenRejected).code == "id_token_sub_changed"
    assert person.session() == before


def test_failure_with_a_failing_store(person, clock, party, op, monkeypatch):
    """Where not even the failure can be noted, a good token is given all the same."""
    clock.now = NOW + LIFE - 30
    op.failing["token"] = FAILURES["500"]

    def fail(*_args, **_options):
        raise StoreUnavailable("store_unavailable", "away")

    monkeypatch.setattr(party.sessions.store, "claim", fail)
    assert person.use() == person.session()


# Revoking


def test_application_revokes(party, person, op):
    """The refresh token is revoked at the provider and given up here; the person stays signed in."""
    before = person.session()
    after = revoke(party, person.id, before)
    assert op.revoked == [("refresh_token", before.tokens.refresh_token.reveal())]
    assert after == person.session()
    assert after.version == person.session().version
    assert (after.tokens_ended, after.tokens.refresh_token) == ("revoked", None)
    assert after.tokens.id_token == before.tokens.id_token
    assert person.fails(TokensEnded).code == "tokens_ended"
    assert revoke(party, person.id, after) is after
    assert len(op.revoked) == 1


def test_revocation_that_fails_gives_nothing_up(party, person, op):
    """Where the provider can't be reached the application is told, and can try again."""
    op.failing["revocation"] = ProviderUnavailable("revocation_timeout", "no answer")
    with pytest.raises(ProviderUnavailable) as error:
        revoke(party, person.id, person.session())
    assert error.value.code == "revocation_timeout"
    assert person.session().tokens_ended is None


def test_revocation_reaches_tokens_of_a_refresh_meanwhile(party, person, clock, op):
    """Tokens that another request has just got must be revoked, too."""
    stale = person.session()
    person.use(refresh)
    assert revoke(party, person.id, stale).tokens_ended == "revoked"
    assert [kind for kind, _ in op.revoked] == ["refresh_token", "refresh_token"]
    assert len({token for _, token in op.revoked}) == 2


def test_revocation_of_a_session_that_ended(party, person):
    """A session that ended meanwhile is said to have."""
    stale = person.session()
    party.sessions.end(person.id, now=NOW)
    with pytest.raises(TokensEnded) as error:
        revoke(party, person.id, stale)
    assert error.value.code == "login_needed"


def test_no_token_is_told(party, person, clock, op, caplog):
    """No token may be in an error, a repr or a line of the log."""
    clock.now = NOW + LIFE
    op.dead = True
    session = person.session()
    error = person.fails(TokensEnded)
    shown = f"{error!r} {error} {session!r} {caplog.text}"
    for token in (session.tokens.access_token, session.tokens.refresh_token, session.tokens.id_token):
        assert token.reveal() not in shown
