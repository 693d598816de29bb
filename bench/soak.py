"""The soak: four workers, 200 signed-in people with expired tokens, 20 requests of each at once.

The provider rotates refresh tokens and ends a family when one comes twice, so that a race between workers would
show at once. In each store: exactly one refresh for each session, no request fails, nobody is signed out. Then
with a worker killed each second: with a provider whose grace for a used token is as long as our lease nobody loses
tokens; with no grace those lose them whose refresh was in flight at a kill, and their session stays.

Run it as `python -m bench.soak`.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.soak_round import Load, Plan, Tally, run_round
from tests.faults.stores import prepared_postgresql
from tests.servers.redis import redis_server

from signon.service.tokens import LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANS = {
    plan.name: plan
    for plan in (
        Plan(name="plain"),
        Plan(name="preloaded", preload=True),
        Plan(name="killed", preload=True, kills=True, grace_seconds=LEASE_SECONDS),
        Plan(name="no-grace", preload=True, kills=True),
    )
}
STORES = ("redis", "postgresql", "sqlite")
TITLES = ("store", "round", "s", "tokens", "slowest s", "503", "resets", "kills", "refreshes", "in flight", "lost")


@contextlib.contextmanager
def store_at(name: str, folder: Path) -> Iterator[str]:
    """The address of a store that is there until the block is left."""
    if name == "sqlite":
        yield f"sqlite:///{folder}/sessions.sqlite3"
    elif name == "redis":
        with redis_server() as server:
            yield server.url
    else:
        with prepared_postgresql() as server:
            yield server.url


def line(cells: tuple[str, ...]) -> str:
    return "  ".join(f"{cell:>{max(10, len(title))}}" for cell, title in zip(cells, TITLES, strict=True))


def row(store: str, tally: Tally) -> str:
    counts = sorted(tally.refreshes.values())
    return line(
        (
            store,
            tally.plan.name,
            f"{tally.seconds:.1f}",
            str(tally.answered),
            f"{tally.slowest_seconds:.1f}",
            str(tally.refused),
            str(tally.resets),
            str(tally.kills),
            f"{counts[0]}-{counts[-1]} each",
            str(len(tally.in_flight)),
            str(len(tally.lost)),
        )
    )


def arguments() -> argparse.Namespace:
    usual = Load()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    parser.add_argument("--rounds", nargs="+", choices=PLANS, default=tuple(PLANS))
    parser.add_argument("--people", type=int, default=usual.people)
    parser.add_argument("--requests", type=int, default=usual.requests, help="of each person")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    load = Load(people=options.people, requests=options.requests)
    print(f"{load.people} people, {load.requests} requests each, at most {load.open} open\n{line(TITLES)}")
    violated = False
    for store in options.stores:
        with tempfile.TemporaryDirectory() as name, store_at(store, Path(name)) as url:
            for plan in options.rounds:
                tally = run_round(PLANS[plan], load, url, Path(name))
                print(row(store, tally), flush=True)
                for violation in tally.violations(load):
                    violated = True
                    print(f"  FAIL {violation}")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
