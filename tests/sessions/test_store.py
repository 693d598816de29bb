"""Both stores against a model: what a dictionary would say after any order of operations and times."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from signon.sessions.memory import MemoryStore
from signon.sessions.sqlite import SqliteStore

KEYS = st.sampled_from([bytes([n]) * 32 for n in range(3)])
OWNERS = st.sampled_from([bytes([n]) * 16 for n in range(2)])
VERSIONS = st.integers(1, 4)
STEPS = st.integers(0, 4)
LIVES = st.integers(0, 6)


class StoreMachine(RuleBasedStateMachine):
    """Time moves in whole seconds, so that expiry and now often meet."""

    make = MemoryStore

    def __init__(self):
        super().__init__()
        self.store = self.make()
        self.now = 100
        self.records, self.marks, self.members = {}, {}, {}
        self.held = {"claim": {}, "lease": {}}
        self.count = 0

    def teardown(self):
        self.store.close()

    def living(self, table, key):
        entry = table.get(key)
        return entry if entry is not None and self.now < entry[-1] else None

    @rule(seconds=STEPS)
    def wait(self, seconds):
        self.now += seconds

    @rule(key=KEYS, life=LIVES)
    def create(self, key, life):
        free = self.living(self.records, key) is None
        assert self.store.create(key, b"new", now=self.now, expires_at=self.now + life) == free
        if free:
            self.records[key] = (b"new", 1, self.now, self.now + life)

    @rule(key=KEYS)
    def load(self, key):
        expected = self.living(self.records, key)
        stored = self.store.load(key, now=self.now)
        assert (stored and (stored.value, stored.version, stored.touched_at)) == (expected and expected[:3])

    @rule(key=KEYS, version=VERSIONS, life=LIVES)
    def update(self, key, version, life):
        held = self.living(self.records, key)
        fits = held is not None and held[1] == version
        expires_at = self.now + life
        assert self.store.update(key, b"up", version=version, now=self.now, expires_at=expires_at) == fits
        if fits:
            self.records[key] = (b"up", version + 1, self.now, expires_at)

    @rule(key=KEYS, life=LIVES)
    def touch(self, key, life):
        held = self.living(self.records, key)
        assert self.store.touch(key, now=self.now, expires_at=self.now + life) == (held is not None)
        if held is not None:
            self.records[key] = (*held[:2], self.now, self.now + life)

    @rule(key=KEYS)
    def delete(self, key):
        was_there = self.living(self.records, key) is not None
        assert self.store.delete(key) >= was_there  # one that is over may be gone already, or not
        self.records.pop(key, None)

    @rule(kind=st.sampled_from(["claim", "lease"]), key=KEYS, owner=OWNERS, life=LIVES)
    def take(self, kind, key, owner, life):
        held = self.living(self.held[kind], key)
        free = held is None or held[0] == owner
        assert getattr(self.store, kind)(key, owner, now=self.now, expires_at=self.now + life) == free
        if free:
            self.held[kind][key] = (owner, self.now + life)

    @rule(key=KEYS)
    def was_claimed(self, key):
        expected = self.living(self.held["claim"], key) is not None
        assert self.store.was_claimed(key, now=self.now) == expected

    @rule(key=KEYS, owner=OWNERS)
    def release(self, key, owner):
        self.store.release(key, owner)
        if self.held["lease"].get(key, (None,))[0] == owner:
            del self.held["lease"][key]

    @rule(index=KEYS, member=KEYS, life=LIVES)
    def index_add(self, index, member, life):
        self.store.index_add(index, member, now=self.now, expires_at=self.now + life)
        self.members.setdefault(index, {})[member] = self.now + life

    @rule(index=KEYS, member=KEYS)
    def index_remove(self, index, member):
        self.store.index_remove(index, member)
        self.members.get(index, {}).pop(member, None)

    @rule(index=KEYS)
    def index_list(self, index):
        living = sorted((end, m) for m, end in self.members.get(index, {}).items() if self.now < end)
        assert self.store.index_list(index, now=self.now) == tuple(m for _, m in living)

    @rule(key=KEYS, behind=STEPS, life=st.integers(1, 6))
    def mark(self, key, behind, life):
        """A mark may come from a clock that is a little behind, but not by more than a mark's life."""
        living = self.living(self.marks, key)
        at, until = living or (0, 0)
        behind = behind if living else 0
        self.store.mark_ended(key, now=self.now - behind, expires_at=self.now + life)
        self.marks[key] = (max(at, self.now - behind), max(until, self.now + life))

    @rule(key=KEYS, back=STEPS)
    def ended_since(self, key, back):
        mark = self.living(self.marks, key)
        expected = mark is not None and mark[0] > self.now - back
        assert self.store.ended_since(key, since=self.now - back, now=self.now) == expected

    @rule()
    def next_epoch(self):
        self.count += 1
        assert self.store.next_epoch() == self.count == self.store.epoch()

    @rule(limit=st.integers(1, 5))
    def sweep(self, limit):
        assert 0 <= self.store.sweep(now=self.now, limit=limit) <= limit


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_store_agrees_with_the_model(kind, tmp_path):
    """After any order of operations, over any times, a store says what the model says."""
    files = iter(range(10_000))

    class Machine(StoreMachine):
        def make(self):
            if kind == "memory":
                return MemoryStore()
            return SqliteStore(str(tmp_path / f"{next(files)}.db"))

    test = Machine.TestCase
    test.settings = settings(max_examples=60, stateful_step_count=60, deadline=None, database=None)
    test("runTest").runTest()
