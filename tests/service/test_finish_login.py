from dataclasses import replace

import pytest
from tests.flask.double import ISSUER
from tests.service.conftest import CALLBACK, NOW

from signon.core.authorize import Wishes
from signon.core.errors import (
    OperatorError,
    PersonError,
    PersonRefused,
    StoreUnavailable,
    SuspectError,
    TokenRejected,
)
from signon.core.provider import SignUp
from signon.core.values import Secret
from signon.service.finish_login import ask_application, filed, find_roles, finish_login, open_sign_in
from signon.service.party import Refused
from signon.service.start_login import start_login
from signon.sessions.sealer import Sealer
from signon.sessions.transactions import TRANSACTION_SECONDS

OTHER = "https://other.example"
PREFIX = "__Host-"


class Journey:
    """One sign-in up to the provider's answer."""

    def __init__(self, party, op, *, provider="oidc", next_path=None, wishes=None, **claims):
        start = start_login(
            party, party.providers[provider], redirect_uri=CALLBACK, next_path=next_path, wishes=wishes
        )
        self.party, self.provider = party, provider
        self.cookies = {PREFIX + start.cookie_name: start.cookie_value}
        self.pairs = tuple(op.authorize(start.url, **claims).items())

    def open(self, *, names=("oidc",), pairs=None, cookies=None):
        return open_sign_in(
            self.party,
            names,
            self.pairs if pairs is None else pairs,
            cookies=self.cookies if cookies is None else cookies,
        )

    def finish(self, *, mode="query", old=None, **options):
        transaction, _ = self.open(**options)
        return finish_login(self.party, transaction, self.pairs, mode=mode, old_session_id=old)


@pytest.fixture
def journey(party, op):
    return Journey(party, op, next_path="/me")


def code(kind, call, *args, **kwargs):
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is kind
    return caught.value.code


@pytest.mark.parametrize(
    ("echo", "pairs", "signed_up"),
    [
        (("register", "1"), (("register", "1"),), True),
        (("register", "1"), (("register", "0"),), False),
        (("register", "1"), (), False),
        (None, (("register", "1"),), False),
    ],
)
def test_new_account_is_told(make_party, make_provider, op, echo, pairs, signed_up):
    """A provider that says so tells of a new account; nobody else's parameter does, and `on_login` sees it."""
    seen = []
    provider = replace(make_provider(), sign_up=SignUp(echo=echo))
    journey = Journey(make_party(provider, on_login=lambda login: seen.append(login.signed_up)), op)
    journey.pairs += pairs
    finished = journey.finish()
    session = journey.party.sessions.load(finished.session_id, now=NOW)
    assert (session.login.signed_up, finished.session.login.signed_up, seen) == (signed_up, signed_up, [signed_up])


@pytest.mark.parametrize("keep", [{}, {"iceCream": "รสวานิลลา", "hat": "2"}])
def test_what_was_kept_is_the_logins(make_party, op, keep):
    """What the application kept must be in the login, where its rules see it, and then in the session."""
    seen = []
    party = make_party(
        on_login=lambda login: seen.append(login.kept), roles_from=lambda login: tuple(sorted(login.kept))
    )
    finished = Journey(party, op, wishes=Wishes(keep=keep)).finish()
    session = party.sessions.load(finished.session_id, now=NOW)
    assert (session.login.kept, finished.session.login.kept, seen) == (keep, keep, [keep])
    assert session.roles == tuple(sorted(keep))


def test_provider_without_sign_up_tells_of_none(journey):
    """Where nobody can sign up a parameter says nothing."""
    journey.pairs += (("register", "1"),)
    assert journey.finish().session.login.signed_up is False


def test_session_begins_by_the_stores_clock(journey, party):
    """When a sign-in began is kept by the store's clock; its creation and end are by ours."""
    transaction, _ = journey.open()
    transaction = replace(transaction, clock_offset_seconds=-59.5)
    session = finish_login(party, transaction, journey.pairs, mode="query").session
    assert (session.started_at, session.created_at, session.expires_at) == (NOW - 59.5, NOW, NOW + 3600)


def test_sign_in_finishes(journey, party):
    """A finished sign-in: a session with person, tokens, times and key, and the way back."""
    finished = journey.finish()
    session = party.sessions.load(finished.session_id, now=NOW)
    assert finished.next_path == "/me"
    assert (session.user_key, session.roles) == (f"{ISSUER}|person-1", ())
    assert (session.started_at, session.created_at, session.expires_at) == (NOW, NOW, NOW + 3600)
    assert session.login.person.name == "Somchai"
    assert session.tokens.access_token.reveal().startswith("access-")
    assert session.tokens.id_token.reveal().count(".") == 2
    assert finished.session_id not in repr(finished)


def test_open_says_which_cookie(journey):
    """The transaction comes with the name of its cookie, so that no other is deleted."""
    transaction, name = journey.open(cookies={f"{PREFIX}signon-tx-1-0123456789abcdef": "x", **journey.cookies})
    assert {name} == journey.cookies.keys()
    assert transaction.state == dict(journey.pairs)["state"]


def test_states_are_told_apart(journey, party, clock):
    """Each cause has its own code: missing, repeated, unknown, used, other browser, other provider, expired."""
    state = ("state", dict(journey.pairs)["state"])
    assert code(SuspectError, journey.open, pairs=()) == "state_missing"
    assert code(SuspectError, journey.open, pairs=(state, state)) == "state_repeated"
    assert code(SuspectError, journey.open, pairs=(("state", "x"),)) == "state_unknown"
    assert code(SuspectError, journey.open, cookies={}) == "state_other_browser"
    assert code(SuspectError, journey.open, names=("other",)) == "state_other_provider"
    journey.open()
    assert code(SuspectError, journey.open) == "state_used"
    assert code(SuspectError, journey.open, cookies={}) == "state_used"
    clock.now += TRANSACTION_SECONDS + 1
    assert code(SuspectError, journey.open, cookies={}) == "state_used"


def test_state_of_another_application_is_unknown(journey, make_party):
    """A state sealed under a key that isn't ours is none of ours, cookie or not."""
    stranger = Journey.__new__(Journey)
    stranger.party = make_party(sealer=Sealer([Secret("a-key-of-another-application")]))
    stranger.pairs, stranger.cookies = journey.pairs, journey.cookies
    assert code(SuspectError, stranger.open) == "state_unknown"


def test_sign_in_expires(party, op, clock):
    """A sign-in may take 15 minutes and no more, with its cookie and without, with one status."""
    first, second = Journey(party, op), Journey(party, op)
    clock.now += TRANSACTION_SECONDS
    first.open()
    clock.now += 1
    statuses = set()
    for cookies in (second.cookies, {}):
        with pytest.raises(PersonError) as caught:
            second.open(cookies=cookies)
        assert caught.value.code == "state_expired"
        statuses.add(caught.value.status)
    assert statuses == {400}


def test_cookie_of_another_state_is_no_proof(party, op):
    """A transaction that was put under another's name must not open, nor use up the answer."""
    mine, theirs = Journey(party, op), Journey(party, op)
    swapped = dict(zip(mine.cookies, theirs.cookies.values(), strict=True))
    assert code(SuspectError, mine.open, cookies=swapped) == "state_other_browser"
    mine.open()


def test_claim_is_the_last_thing(journey, party, monkeypatch):
    """A store that fails at the claim leaves everything as it was, so that another try works."""

    def fail(*_args, **_options):
        raise StoreUnavailable("store_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(party.sessions, "claim_state", fail)
        assert code(StoreUnavailable, journey.open) == "store_unavailable"
    assert journey.finish().session.login.person.name == "Somchai"


def test_other_provider_uses_nothing_up(make_party, make_provider, op):
    """An answer at the wrong address must be refused before it is claimed: the right address still takes it."""
    party = make_party(make_provider(), make_provider("other", OTHER))
    journey = Journey(party, op)
    assert code(SuspectError, journey.open, names=("other",)) == "state_other_provider"
    assert journey.finish(names=("other", "oidc")).session.login.person.provider == "oidc"


def test_answer_of_the_wrong_mode(journey):
    """The answer must come the way that was asked for."""
    assert code(SuspectError, journey.finish, mode="form_post") == "callback_wrong_mode"


def test_persons_no_is_no_session(journey):
    """An error of the provider must be its own error, with nothing redeemed."""
    journey.pairs = (journey.pairs[1], ("error", "access_denied"))
    assert code(PersonRefused, journey.finish) == "access_denied"


def test_rejected_token_is_no_session(party, op):
    """A token that fails a check must leave no session."""
    journey = Journey(party, op, aud="another-client")
    assert code(TokenRejected, journey.finish) == "id_token_aud"
    assert party.sessions.store.sweep(now=float("inf")) == 1, "the claimed state, and nothing else"


def test_old_session_is_ended(party, op):
    """A new session ends the one before it, and says which that was; an id that is none is no matter."""
    first = Journey(party, op).finish()
    second = Journey(party, op, sub="person-2").finish(old=first.session_id)
    assert party.sessions.load(first.session_id, now=NOW) is None
    assert party.sessions.load(second.session_id, now=NOW).login.person.subject == "person-2"
    assert (first.replaced, second.replaced.login.person.subject) == (None, "person-1")
    assert Journey(party, op).finish(old="no-session-id").replaced is None


def test_refused_person_has_no_session_and_keeps_the_old(make_party, op):
    """`Refused` must come out as it is, before there is a session, and end nothing."""

    def judge(login):
        if login.person.subject == "person-2":
            raise Refused("no")

    party = make_party(on_login=judge)
    first = Journey(party, op).finish()
    with pytest.raises(Refused, match="refused") as caught:
        Journey(party, op, sub="person-2").finish(old=first.session_id)
    assert caught.value.reason == "no"
    assert party.sessions.load(first.session_id, now=NOW) is not None


@pytest.mark.parametrize(
    ("answer", "key"), [("user-7", "user-7"), ("", f"{ISSUER}|person-1"), (None, f"{ISSUER}|person-1")]
)
def test_application_files_the_person(make_party, op, answer, key):
    """The application's key wins; without one the person is issuer and subject."""
    party = make_party(on_login=lambda _login: answer)
    assert Journey(party, op).finish().session.user_key == key


@pytest.mark.parametrize("key", [5, True, b"x", ["x"]])
def test_key_is_text(make_party, journey, key):
    """Anything else than text is the operator's error."""
    party = make_party(on_login=lambda _login: key)
    login = journey.finish().session.login
    assert code(OperatorError, ask_application, party, login) == "user_key_not_text"


@pytest.mark.parametrize(
    ("rule", "roles"),
    [
        (None, ()),
        ("groups", ("a", "b")),
        ("words", ("a", "b")),
        ("missing", ()),
        ("number", ()),
        ("object", ()),
        (lambda login: [login.person.name], ("Somchai",)),
        (lambda _login: (), ()),
        (lambda _login: iter(["x", "y"]), ("x", "y")),
    ],
)
def test_roles(make_party, op, rule, roles):
    """Roles are a claim's texts or words, or what a function finds."""
    party = make_party(roles_from=rule)
    claims = {"groups": ["a", 5, "b"], "words": "a b", "number": 7, "object": {"a": 1}}
    session = Journey(party, op, **claims).finish().session
    assert session.roles == roles


@pytest.mark.parametrize("roles", ["text", 5, None, [5], [None, "a"]])
def test_roles_are_texts(make_party, journey, roles):
    """A function that finds something else is the operator's error."""
    party = make_party(roles_from=lambda _login: roles)
    login = journey.finish().session.login
    assert code(OperatorError, find_roles, party, login) == "roles_not_texts"


@pytest.mark.parametrize("new_one_can_be_ended", [True, False])
def test_old_session_that_can_not_be_ended(party, op, monkeypatch, new_one_can_be_ended):
    """Where the old session may still live the sign-in fails, and leaves no second session if that can be had."""
    old, end, asked = Journey(party, op).finish().session_id, party.sessions.end, []

    def fail_first(session_id, *, now):
        asked.append(session_id)
        if len(asked) == 1 or not new_one_can_be_ended:
            raise StoreUnavailable(f"failure_{len(asked)}", "away")
        return end(session_id, now=now)

    monkeypatch.setattr(party.sessions, "end", fail_first)
    assert code(StoreUnavailable, Journey(party, op).finish, old=old) == "failure_1"
    assert (len(asked), asked[0]) == (2, old)
    left = [listed.handle for listed in party.sessions.listed(ISSUER, "person-1", now=NOW)]
    assert party.sessions.handle(old) in left
    assert (party.sessions.handle(asked[1]) in left) is not new_one_can_be_ended


def test_national_id_is_filed_under_our_key(make_party, make_provider, op):
    """A subject that is a national id must be in no key: ours stands there, always the same for one person."""
    provider = replace(make_provider(), subject_is_national_id=True)
    party = make_party(provider, pseudonym_key=Secret("a-key-for-pseudonyms"))
    keys = {Journey(party, op, sub="1100700999998").finish().session.user_key for _ in range(2)}
    (key,) = keys
    assert "1100700999998" not in key
    assert key == f"{ISSUER}|{party.pseudonym(ISSUER, '1100700999998')}"
    other = Journey(party, op, sub="3100700999991").finish().session
    assert other.user_key != key
    assert other.login.person.subject == "3100700999991"


def test_other_subjects_are_their_own_key(journey, party):
    """Where a subject is no national id the login must stay as it is."""
    login = journey.finish().session.login
    assert filed(party, party.providers["oidc"], login) is login
