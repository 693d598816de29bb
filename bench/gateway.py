"""Sign-ins through gunicorn, all applications interleaved: CPU, time, and what the provider saw."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contenders import CONTENDERS, Contender
from driver import Browser, Connection, Failed, drive

import servers

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

BROWSERS = 8
LOGINS = 60
PAGES = 300
GATHER_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One application's turn; times in seconds, counts for all its sign-ins together."""

    login_cpu_seconds: float
    logins_per_second: float
    outgoing: int
    connections: int
    me_cpu_seconds: float
    public_cpu_seconds: float
    failures: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A running application with its browsers and a line to the provider's counters."""

    contender: Contender
    server: servers.Server
    browsers: list[Browser]
    counters: Connection

    def sign_in(self, browser: Browser) -> None:
        browser.sign_in(self.contender.login_path)

    def cpu_of(self, visit: Callable[[Browser], None], total: int) -> tuple[float, float, list[str]]:
        """CPU seconds for each of `total` visits, visits per second, failures."""
        before = servers.cpu_seconds(self.server.pid)
        batch = drive(self.browsers, visit, total)
        used = servers.cpu_seconds(self.server.pid) - before
        return used / total, total / batch.seconds, batch.failures


def measure(directory: Path, files: servers.Certificates | None, rounds: int) -> dict[str, list[Round]]:
    """The rounds of each contender by name, with the provider over https if there are certificates."""
    env = servers.environment(directory) | servers.trusting(files)
    context = servers.client_context(files) if files else None
    results: dict[str, list[Round]] = {contender.name: [] for contender in CONTENDERS}
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(servers.provider(env, files))
        stands = [stack.enter_context(stand(each, env, provider, context)) for each in CONTENDERS]
        for each in stands:
            warm_up(each)
        for number in range(rounds):
            first = number % len(stands)  # nobody always follows the same neighbour
            for each in stands[first:] + stands[:first]:
                results[each.contender.name].append(one_round(each))
    return results


@contextlib.contextmanager
def stand(
    contender: Contender, env: dict[str, str], provider: servers.Server, context: ssl.SSLContext | None
) -> Iterator[Stand]:
    with servers.application(contender.module, env, provider.origin) as server:
        browsers = [Browser(server.origin, provider.origin, context) for _ in range(BROWSERS)]
        counters = Connection(provider.origin, context)
        try:
            yield Stand(contender=contender, server=server, browsers=browsers, counters=counters)
        finally:
            for connection in [counters, *(c for b in browsers for c in b.connections.values())]:
                connection.close()


def warm_up(stand: Stand) -> None:
    """Until metadata, keys and as many connections as there are threads are there; any failure ends the run."""
    stand.sign_in(stand.browsers[0])
    stand.counters.request(f"/_delay?seconds={GATHER_SECONDS}", method="POST")
    gathered = drive(stand.browsers, stand.sign_in, 2 * BROWSERS)
    stand.counters.request("/_delay?seconds=0", method="POST")
    settled = drive(stand.browsers, stand.sign_in, LOGINS)
    if failures := gathered.failures + settled.failures:
        raise Failed(f"{stand.contender.name}: {len(failures)} failed, first {failures[0]}")


def one_round(stand: Stand) -> Round:
    stand.counters.request("/_reset", method="POST")
    login_cpu_seconds, logins_per_second, failures = stand.cpu_of(stand.sign_in, LOGINS)
    counts = json.loads(stand.counters.request("/_counts").body)
    me_cpu_seconds, _, me_failures = stand.cpu_of(lambda browser: browser.read("/me"), PAGES)
    public_cpu_seconds, _, public_failures = stand.cpu_of(
        lambda browser: browser.read("/public", as_nobody=True), PAGES
    )
    return Round(
        login_cpu_seconds=login_cpu_seconds,
        logins_per_second=logins_per_second,
        outgoing=of_the_application(counts["requests"]),
        connections=of_the_application(counts["connections"]),
        me_cpu_seconds=me_cpu_seconds,
        public_cpu_seconds=public_cpu_seconds,
        failures=failures + me_failures + public_failures,
    )


def of_the_application(counts: dict[str, int]) -> int:
    """What the relying party itself sent: all but the browsers' visits to /authorize."""
    return sum(count for path, count in counts.items() if path != "/authorize")
