"""What a session costs among a thousand others, a hundred thousand, a million: in Redis, PostgreSQL and SQLite.

Each size has a server or file of its own, filled in bulk with records of 1 KB; then they take turns. In a round
100 sessions that nobody here has open are loaded, changed and saved, and 20 people's sessions are ended by their
subject; its figure is the median of each. The largest store is compared with the smallest round by round.
Exit status 1 when a limit is missed by more than a tenth, which is noise.

Run it as `python -m bench.scale`; `--stores redis --sessions 1000 10000` is a quick look.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from bench import servers
from bench.scale_people import ISSUER, People
from bench.scale_report import Judged, ratio, table, verdict
from bench.scale_stores import PLACES, Place, demand

from signon.sessions.open import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from signon.sessions.store import SessionStore

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS, FEWEST_ROUNDS = 31, 3
LOADS, ENDS = 100, 20
CHECKED = 50
OPERATIONS = ("load", "save", "end")
LIMITS = {
    "redis": {"load": 1.5, "save": 2.0, "end": 1.5},
    "postgresql": {"load": 1.5, "save": 2.0, "end": 1.5},
    "sqlite": {"load": 5.0, "save": 5.0, "end": 5.0},  # bare sqlite3 pays 3 to 4 once a table outgrows its cache
}


class Filled(NamedTuple):
    """A store with its people: who stays, and who leaves in the course of the rounds."""

    people: People
    store: SessionStore
    bytes_each: float
    staying: list[int]
    leaving: list[int]


class Times(NamedTuple):
    """The medians of one round, in seconds."""

    load: float
    save: float
    end: float


def fill(place: Place, size: int, rounds: int) -> Filled:
    """A store with `size` sessions, and those that the rounds will end."""
    people = People(size + (rounds + 1) * ENDS, now=time.time())
    store = open_store(place.url, create_tables=True)
    numbers = list(range(people.count))
    first = people.sessions(store).start(people.session(0), now=people.now)  # makes whatever a store needs first
    people.sessions(store).end(first, now=people.now)
    store.close()
    before = place.bytes_used()
    place.fill(map(people.row, numbers))
    bytes_each = (place.bytes_used() - before) / people.count
    random.shuffle(numbers)
    filled = Filled(people, store, bytes_each, numbers[: -(rounds + 1) * ENDS], numbers[-(rounds + 1) * ENDS :])
    check(filled, numbers[:CHECKED])
    return filled


def check(filled: Filled, numbers: Iterable[int]) -> None:
    """What was written in bulk is what the store itself would have written: found by its id and by each index."""
    people, sessions = filled.people, filled.people.sessions(filled.store)
    for number in numbers:
        session = people.session(number)
        listed = sessions.listed(ISSUER, people.subject(number), now=people.now)
        by_sid = sessions.listed_sid(ISSUER, people.sid(number), now=people.now)
        loaded = sessions.load(people.session_id(number), now=people.now)
        found = [loaded, *(each.session for each in (*listed, *by_sid))]
        demand(found == [session] * 3, "the store doesn't find what was written in bulk")


def one_round(filled: Filled, number: int) -> Times:
    people, now = filled.people, filled.people.now
    sessions = people.sessions(filled.store)  # new ones, which hold no record open
    start = number * LOADS % len(filled.staying)
    staying = [people.session_id(each) for each in (filled.staying * 2)[start : start + LOADS]]
    leaving = [people.subject(filled.leaving.pop()) for _ in range(ENDS)]
    sessions.load("x" * 43, now=now)  # connected, and with an epoch that holds for as long as `now` stays

    load, loaded = timed(lambda session_id: sessions.load(session_id, now=now), staying)
    changes = [(session_id, people.changed(session)) for session_id, session in zip(staying, loaded, strict=True)]
    save, _ = timed(lambda change: sessions.replace(*change, now=now), changes)
    end, ended = timed(lambda subject: sessions.end_subject(ISSUER, subject, now=now), leaving)
    demand(all(len(each.sessions) == 1 for each in ended), "not everybody had one session to end")
    return Times(load, save, end)


def timed(operation: Callable[[Any], Any], arguments: Sequence[Any]) -> tuple[float, list[Any]]:
    """The median of the seconds that it takes with each argument, and what it gives."""
    seconds, results = [], []
    for argument in arguments:
        start = perf_counter()
        result = operation(argument)
        seconds.append(perf_counter() - start)
        results.append(result)
    demand(all(results), "the store has lost sessions")
    return statistics.median(seconds), results


def measure(name: str, sizes: Sequence[int], rounds: int) -> dict[int, tuple[float, list[Times]]]:
    """For each size the bytes of a session, and the rounds."""
    with ExitStack() as stack:
        filled = {}
        for size in sizes:
            os.sched_setaffinity(0, servers.OTHER_CPUS)  # what a server that is started now inherits
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            place = stack.enter_context(PLACES[name](folder))
            os.sched_setaffinity(0, servers.APPLICATION_CPUS)
            filled[size] = fill(place, size, rounds)
            stack.callback(filled[size].store.close)
        times: dict[int, list[Times]] = {size: [] for size in sizes}
        for number in range(-1, rounds):  # the round before the first is for warming up
            first = number % len(sizes)
            for size in [*sizes[first:], *sizes[:first]]:
                taken = one_round(filled[size], number + 1)
                times[size] += [taken] * (number >= 0)
        return {size: (filled[size].bytes_each, times[size]) for size in sizes}


def report(name: str, measured: dict[int, tuple[float, list[Times]]]) -> list[Judged]:
    """Print the figures of one store, and compare the largest size with the smallest."""
    sizes = sorted(measured)
    smallest, rows, ratios = measured[sizes[0]][1], [], {}
    for size in sizes:
        bytes_each, times = measured[size]
        cells = [f"{size:,}", f"{bytes_each:,.0f}"]
        for number, operation in enumerate(OPERATIONS):
            of, to = ([each[number] for each in rounds] for rounds in (times, smallest))
            ratios[operation] = ratio(of, to)
            cells += [f"{1e6 * statistics.median(of):.0f}", str(ratios[operation])]
        rows.append(cells)
    columns = [f"{name}: sessions", "bytes each"]
    columns += [cell for operation in OPERATIONS for cell in (f"{operation} us", f"x {sizes[0]:,} (quartiles)")]
    print(table(columns, rows), flush=True)
    what = f"among {sizes[-1]:,} sessions against {sizes[0]:,}"
    limits = LIMITS[name]
    return [Judged(f"{name}: {each} {what}", ratios[each], limits[each]) for each in OPERATIONS]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", nargs="+", choices=PLACES, default=tuple(PLACES))
    parser.add_argument("--sessions", nargs="+", type=int, default=SIZES, metavar="N", help=f"from {LOADS} up")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"from {FEWEST_ROUNDS} up")
    options = parser.parse_args()
    if min(options.sessions) < LOADS or options.rounds < FEWEST_ROUNDS:
        parser.error(f"at least {LOADS} sessions and {FEWEST_ROUNDS} rounds")
    return options


def main() -> int:
    options = arguments()
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM")
    )  # by the way on which servers are stopped
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {len(servers.CPUS)} CPUs, load {load:.1f} at the start\n")
    judged = []
    for name in options.stores:
        judged += report(name, measure(name, sorted(set(options.sessions)), options.rounds))
    return verdict(judged)


if __name__ == "__main__":
    sys.exit(main())
