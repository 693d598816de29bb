"""The soak in a short form: two rounds in each store, half of the people. And what it calls a violation."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from bench.soak import PLANS, main
from bench.soak_round import Load, Tally

SHORT = ("--rounds", "plain", "killed", "--people", "100")
LOAD = Load(people=2, requests=3)


@pytest.mark.parametrize(
    "store",
    [
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        "sqlite",
    ],
)
def test_four_workers(store, monkeypatch, capsys):
    """One refresh for each session, nothing fails, nobody is signed out or loses tokens, also when workers die."""
    monkeypatch.setattr("sys.argv", ["soak", "--stores", store, *SHORT])
    with ThreadPoolExecutor(1) as own_thread:  # in this one a browser's test may have left its loop running
        status = own_thread.submit(main).result()
    printed = capsys.readouterr().out
    assert status == 0, printed
    assert [line.split()[:2] for line in printed.splitlines()[2:]] == [[store, "plain"], [store, "killed"]]


@pytest.fixture
def tally_of():
    """What a round of two people comes to when all is well, but for these changes."""

    def build(plan, **changes):
        well = {"answered": 6, "tokens": {0: {"a"}, 1: {"b"}}, "refreshes": {0: 1, 1: 1}}
        return Tally(plan=PLANS[plan], **{**well, **changes})

    return build


@pytest.mark.parametrize("plan", PLANS)
def test_a_round_that_went_well(tally_of, plan):
    """One refresh each and every request answered is no violation in any round."""
    assert tally_of(plan).violations(LOAD) == []


@pytest.mark.parametrize(
    ("plan", "changes", "violation"),
    [
        ("plain", {"failures": ["503 x", "503 x"]}, "2 x 503 x"),
        ("plain", {"signed_out": {1}}, "1 people were signed out"),
        ("plain", {"refreshes": {0: 2, 1: 1}}, "1 sessions had not exactly one refresh"),
        ("killed", {"refreshes": {0: 0, 1: 1}}, "1 sessions had no refresh"),
        ("plain", {"tokens": {0: {"a", "c"}, 1: {"b"}}}, "1 people got several tokens"),
        ("plain", {"answered": 5}, "5 requests were answered with a token, of 6"),
        ("killed", {"lost": {0}, "in_flight": {0}}, "1 people lost their tokens against the rule"),
        ("no-grace", {"lost": {0}, "in_flight": {1}}, "1 people lost their tokens against the rule"),
    ],
)
def test_a_violation_is_told(tally_of, plan, changes, violation):
    """Each thing that must not happen is named by a sentence of its own."""
    assert tally_of(plan, **changes).violations(LOAD) == [violation]


def test_tokens_may_be_lost_in_flight(tally_of):
    """Without grace, whose refresh was in flight at a kill may lose the tokens, and misses those answers only."""
    lost = {"lost": {0}, "in_flight": {0, 1}, "answered": 3, "tokens": {1: {"b"}}}
    assert tally_of("no-grace", **lost).violations(LOAD) == []
    assert tally_of("killed", refreshes={0: 2, 1: 1}).violations(LOAD) == []
