from signon_idp.model import BrowserSession
from signon_idp.personas import PERSONAS
from signon_idp.state import Shelf, State


def test_entries_expire(clock):
    """An entry is there until its time, and not at it."""
    shelf = Shelf(clock)
    shelf.put("a", 1, until=clock() + 10)
    clock.time += 9.9
    assert shelf.get("a") == 1
    clock.time += 0.1
    assert shelf.get("a") is None
    assert shelf.get("b") is None


def test_expired_entries_are_pruned(clock):
    """Putting one in throws out those whose time has come."""
    shelf = Shelf(clock)
    for number in range(10):
        shelf.put(str(number), number, until=clock() + 10)
    clock.time += 10
    shelf.put("new", 1, until=clock() + 10)
    assert len(shelf) == 1


def test_ceiling(clock):
    """A full shelf loses its oldest: memory is bounded whatever comes."""
    shelf = Shelf(clock, ceiling=3)
    for number in range(5):
        shelf.put(str(number), number, until=clock() + 10)
    assert [key for key, _ in shelf.entries()] == ["2", "3", "4"]


def test_drop(clock):
    """Dropping forgets, and an unknown key is no error."""
    shelf = Shelf(clock)
    shelf.put("a", 1, until=clock() + 10)
    shelf.drop("a")
    shelf.drop("a")
    assert shelf.get("a") is None


def test_sessions_end_once(clock):
    """Sessions that are ended are handed back, those whose time had come too, and are gone then."""
    state = State(clock)
    for sid in ("a", "b"):
        session = BrowserSession(persona=PERSONAS[0], sid=sid, auth_time=0.0, acr="", expires_at=clock() + 10)
        state.sessions.put(f"browser-{sid}", session, until=session.expires_at)
    clock.time += 10
    assert [session.sid for session in state.end_sessions(lambda session: session.sid == "a")] == ["a"]
    assert state.end_sessions(lambda session: session.sid == "a") == []
    assert [key for key, _ in state.sessions.entries()] == ["browser-b"]


def test_minted(clock):
    """Minted values are random, remembered, and at most so many."""
    state = State(clock)
    values = {state.mint() for _ in range(100)}
    assert len(values) == 100
    assert state.minted() == values
    assert min(map(len, values)) >= 43
    for number in range(20_001):
        state.remember(str(number))
    assert len(state.minted()) == 20_000
