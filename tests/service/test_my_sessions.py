from dataclasses import asdict, replace

import pytest
from tests.service.conftest import NOW
from tests.service.test_finish_login import Journey

from signon.core.errors import PersonError
from signon.service.finish_login import finish_login
from signon.service.my_sessions import end_one, end_others, list_places
from signon.sessions.sessions import Ended


@pytest.fixture
def mine(party, op):
    """A session, as a sign-in leaves it: (id, session)."""
    return begin(party, op)


def begin(party, op, **claims):
    finished = Journey(party, op, **claims).finish()
    return finished.session_id, finished.session


def living(party, *ids):
    return [party.sessions.load(session_id, now=party.clock()) is not None for session_id in ids]


def test_list_begins_with_the_one_that_asks(party, op, mine, clock):
    """Whoever asks is first and marked; then the newest, each with its times."""
    clock.now += 60
    middle, _ = begin(party, op)
    clock.now += 60
    newest, _ = begin(party, op)
    found = list_places(party, *mine)
    handles = [party.sessions.handle(session_id) for session_id in (mine[0], newest, middle)]
    assert [place.handle for place in found] == handles
    assert [place.current for place in found] == [True, False, False]
    assert [place.signed_in_at for place in found] == [NOW, NOW + 120, NOW + 60]
    assert {place.provider for place in found} == {"OpenID"}


def test_list_has_nothing_secret(party, mine):
    """No id, token, claim or subject may be in what is shown."""
    (place,) = list_places(party, *mine)
    shown = repr(asdict(place))
    session = mine[1]
    hidden = [mine[0], "person-1", "Somchai", session.tokens.access_token.reveal()]
    assert not [text for text in hidden if text in shown]


def test_one_who_is_gone_meanwhile_lists_the_others(party, op, mine):
    """A session that ends while its owner looks is in the list no more, and no other is marked."""
    begin(party, op)
    party.sessions.end(mine[0], now=NOW)
    assert [place.current for place in list_places(party, *mine)] == [False]


def test_one_is_ended(party, op, mine):
    """The session of the handle ends and is returned; the one that asks lives."""
    other, session = begin(party, op)
    assert end_one(party, mine[1], party.sessions.handle(other)) == session
    assert living(party, mine[0], other) == [True, False]


@pytest.mark.parametrize("whose", ["person-2", None])
def test_one_of_nobody_or_somebody_else_is_unknown(party, op, mine, whose):
    """Somebody else's handle, and none at all, are the same: 404 `session_unknown`, and nothing ends."""
    other, _ = begin(party, op, sub=whose or "person-1")
    handle = party.sessions.handle(other) if whose else "no-handle"
    with pytest.raises(PersonError) as caught:
        end_one(party, mine[1], handle)
    assert (caught.value.code, caught.value.status) == ("session_unknown", 404)
    assert living(party, mine[0], other) == [True, True]


def test_all_others_end(party, op, mine):
    """The person's other sessions end and are returned; theirs and other people's live."""
    others = [begin(party, op) for _ in range(2)]
    stranger, _ = begin(party, op, sub="person-2")
    ended = []
    end_others(party, *mine, each=ended.append)
    assert len(ended) == 2
    assert all(session in ended for _, session in others)
    assert living(party, mine[0], stranger, *(session_id for session_id, _ in others)) == [
        True,
        True,
        False,
        False,
    ]
    end_others(party, *mine, each=ended.append)
    assert len(ended) == 2


def test_all_others_are_those_of_the_identity(party, op, mine, monkeypatch):
    """The end is asked for by issuer and subject of the session itself, never by what a request says."""
    asked = []

    def note(*names, **options):
        asked.append((names, options["keep"]))
        return Ended(sessions=())

    monkeypatch.setattr(party.sessions, "end_subject", note)
    person = mine[1].login.person
    end_others(party, *mine, each=asked.append)
    assert asked == [((person.issuer, person.subject), mine[0])]


def test_provider_without_a_label_is_its_name(party, mine):
    """A session of a provider that was taken out is listed under the provider's name."""
    (place,) = list_places(replace(party, providers={}), *mine)
    assert place.provider == "oidc"


def test_sign_in_keeps_the_browsers_family(party, op):
    """What the list shows of a browser was found out at the sign-in, from its User-Agent."""
    journey = Journey(party, op)
    transaction, _ = journey.open()
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
    finished = finish_login(party, transaction, journey.pairs, mode="query", user_agent=agent)
    (place,) = list_places(party, finished.session_id, finished.session)
    assert place.browser == "Firefox on Linux"
    assert party.sessions.load(finished.session_id, now=NOW).browser == "Firefox on Linux"
