"""What a page costs that wants to know who is asking, as a multiple of one that doesn't: on SQLite, on Redis.

The same application twice under gunicorn, each with eight signed-in browsers at once. A round gives each page 160
views, in short turns; CPU is what the application's own processes used, user and system. The two pages are
compared round by round. Exit status 1 when a limit is missed by more than a tenth, which is noise.

Run it as `python -m bench.pages`.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import servers
from bench.driver import Browser, Failed, drive
from bench.scale_report import Judged, ratio, table, verdict
from tests.servers.redis import redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMITS = {"sqlite": 1.4, "redis": 1.6}
ROUNDS, FEWEST_ROUNDS = 61, 3
TURNS, VIEWS = 2, 80
BROWSERS = 8
LOGIN_PATH = "/auth/login/oidc"


class Stand(NamedTuple):
    """A running application with its signed-in browsers."""

    server: servers.Server
    browsers: list[Browser]

    def cpu_of(self, view: Callable[[Browser], None], views: int) -> float:
        """CPU seconds of that many views."""
        before = servers.cpu_seconds(self.server.pid)
        batch = drive(self.browsers, view, views)
        used = servers.cpu_seconds(self.server.pid) - before
        if batch.failures:
            raise Failed(f"{len(batch.failures)} of {views} views failed, first {batch.failures[0]}")
        return used


class Round(NamedTuple):
    """CPU seconds of one view of each page."""

    protected: float
    public: float


def protected(browser: Browser) -> None:
    browser.read("/me")


def public(browser: Browser) -> None:
    browser.read("/public", as_nobody=True)


@contextmanager
def stand(env: dict[str, str], provider: servers.Server, sessions: str) -> Iterator[Stand]:
    with servers.application("pages_app", {**env, "BENCH_SESSIONS": sessions}, provider.origin) as server:
        browsers = [Browser(server.origin, provider.origin, None) for _ in range(BROWSERS)]
        try:
            for browser in browsers:
                browser.sign_in(LOGIN_PATH)
            yield Stand(server, browsers)
        finally:
            for connection in (each for browser in browsers for each in browser.connections.values()):
                connection.close()


def one_round(stand: Stand) -> Round:
    """In turns so short that what else the machine does falls on both pages."""
    seconds = {protected: 0.0, public: 0.0}
    for turn in range(TURNS):
        for page in (protected, public) if turn % 2 else (public, protected):
            seconds[page] += stand.cpu_of(page, VIEWS)
    return Round(*(used / (TURNS * VIEWS) for used in seconds.values()))


def measure(folder: Path, rounds: int) -> dict[str, list[Round]]:
    """The rounds of each store, in turns; those before the first are for warming up."""
    env = servers.environment(folder)
    with ExitStack() as stack:
        provider = stack.enter_context(servers.provider(env, None))
        redis = stack.enter_context(redis_server())
        stores = {"sqlite": f"sqlite:///{folder}/sessions.sqlite3", "redis": redis.url}
        stands = {name: stack.enter_context(stand(env, provider, url)) for name, url in stores.items()}
        results: dict[str, list[Round]] = {name: [] for name in stands}
        for number in range(-1, rounds):
            for name in list(stands) if number % 2 else reversed(stands):
                results[name] += [one_round(stands[name])] * (number >= 0)
        return results


def report(results: dict[str, list[Round]]) -> list[Judged]:
    judged, rows = [], []
    for name, rounds in results.items():
        compared = ratio((each.protected for each in rounds), (each.public for each in rounds))
        medians = (statistics.median(column) for column in zip(*rounds, strict=True))
        rows.append((name, *(f"{1000 * each:.3f}" for each in medians), str(compared)))
        judged.append(Judged(f"{name}: a protected page against a public one", compared, LIMITS[name]))
    columns = ("sessions in", "protected page, CPU ms", "public page, CPU ms", "x (quartiles)")
    print(table(columns, rows))
    return judged


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"from {FEWEST_ROUNDS} up, which is a smoke test"
    )
    options = parser.parse_args()
    if options.rounds < FEWEST_ROUNDS:
        parser.error(f"at least {FEWEST_ROUNDS} rounds")
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM")
    )  # by the way on which servers are stopped
    os.sched_setaffinity(0, servers.OTHER_CPUS)
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {len(servers.CPUS)} CPUs, load {load:.1f} at the start\n")
    with tempfile.TemporaryDirectory() as name:
        return verdict(report(measure(Path(name), options.rounds)))


if __name__ == "__main__":
    sys.exit(main())
