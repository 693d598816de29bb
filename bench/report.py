"""What the rounds say: medians with quartiles, tables, and the targets that were met or missed."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from contenders import FLOOR, SIGNON
from gateway import LOGINS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway import Round

SIGN_IN_LIMITS = {"http": 1.5, "https": 1.6}
PUBLIC_LIMIT = 1.03
DECRYPTION_LIMIT = 1.6


class Ratio(NamedTuple):
    """The median of the rounds' ratios between its quartiles."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


class Target(NamedTuple):
    """A sentence about a figure, and whether it holds."""

    sentence: str
    met: bool


def ratio(of: Iterable[float], to: Iterable[float]) -> Ratio:
    """Each round is compared with the same round of the other: what disturbs one disturbs both."""
    return Ratio(*statistics.quantiles([a / b for a, b in zip(of, to, strict=True)], n=4, method="inclusive"))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (columns, *rows)]
    rule = "|---|" + "---:|" * (len(columns) - 1)
    return "\n".join([title, "", lines[0], rule, *lines[1:], ""])


def sign_in_ratio(results: dict[str, list[Round]], name: str) -> Ratio:
    return ratio(
        (each.login_cpu_seconds for each in results[name]),
        (each.login_cpu_seconds for each in results[FLOOR.name]),
    )


def per_login(counts: Iterable[int]) -> float:
    return statistics.fmean(counts) / LOGINS


def gateway_table(scheme: str, results: dict[str, list[Round]]) -> str:
    floor = results[FLOOR.name]
    rows = []
    for name, rounds in results.items():
        me, public = [each.me_cpu_seconds for each in rounds], [each.public_cpu_seconds for each in rounds]
        speeds = [each.logins_per_second for each in rounds]
        rows.append(
            (
                name,
                f"{1000 * statistics.median(each.login_cpu_seconds for each in rounds):.2f}",
                str(sign_in_ratio(results, name)),
                f"{statistics.median(speeds):.0f}",
                str(ratio(speeds, (each.logins_per_second for each in floor))),
                f"{per_login(each.outgoing for each in rounds):.3f}",
                f"{per_login(each.connections for each in rounds):.3f}",
                f"{1000 * statistics.median(me):.3f}",
                str(ratio(me, (each.me_cpu_seconds for each in floor))),
                str(ratio(me, public)),
            )
        )
    columns = ["application", "CPU/login ms", "x floor (quartiles)", "logins/s", "x floor", "requests/login"]
    columns += ["connections/login", "CPU/GET me ms", "x floor", "x its public page"]
    return table(f"Provider over {scheme}, {len(floor)} rounds", columns, rows)


def in_process_tables(inside: dict[str, dict[str, list[float]]]) -> str:
    """CPU microseconds without a server."""
    sites, logins = inside["public"], inside["sign_in"]
    return "\n".join(
        table(title, (first, "CPU us", f"x {base} (quartiles)"), rows_against(base, seconds))
        for title, first, base, seconds in (
            ("In-process: login + callback", "application", FLOOR.name, logins),
            ("In-process: a public page", "the same application", "bare", sites),
            ("In-process: sgID's userinfo, six fields", "opened by", FLOOR.name, inside["decryption"]),
        )
    )


def rows_against(base: str, seconds: dict[str, list[float]]) -> list[tuple[str, str, str]]:
    return [
        (
            name,
            f"{1e6 * statistics.median(took):.0f}",
            "{1:.3f} ({0:.3f}-{2:.3f})".format(*ratio(took, seconds[base])),
        )
        for name, took in seconds.items()
    ]


def targets(gateway: dict[str, dict[str, list[Round]]], inside: dict[str, dict[str, list[float]]]) -> list[Target]:
    judged = [target for scheme, results in gateway.items() for target in gateway_targets(scheme, results)]
    page = ratio(inside["public"][SIGNON.name], inside["public"]["bare"]).median
    sentence = f"in-process: a public page costs {page:.3f} x the same without Signon (at most {PUBLIC_LIMIT})"
    opened = ratio(inside["decryption"][SIGNON.name], inside["decryption"][FLOOR.name]).median
    fields = (
        f"in-process: opening sgID's userinfo costs {opened:.2f} x bare cryptography (at most {DECRYPTION_LIMIT})"
    )
    return [*judged, Target(sentence, page <= PUBLIC_LIMIT), Target(fields, opened <= DECRYPTION_LIMIT)]


def gateway_targets(scheme: str, results: dict[str, list[Round]]) -> list[Target]:
    rounds, limit = results[SIGNON.name], SIGN_IN_LIMITS[scheme]
    logins = LOGINS * len(rounds)
    cpu = sign_in_ratio(results, SIGNON.name).median
    outgoing = sum(each.outgoing for each in rounds)
    opened = sum(each.connections for each in rounds)
    failures = [f"{name}: {failure}" for name, all_ in results.items() for r in all_ for failure in r.failures]
    first = f", the first {failures[0]}" if failures else ""
    return [
        Target(f"{scheme}: a sign-in costs {cpu:.2f} x the floor's CPU (at most {limit})", cpu <= limit),
        Target(f"{scheme}: {outgoing} outgoing requests in {logins} sign-ins (one each)", outgoing == logins),
        Target(f"{scheme}: {opened} new connections in {logins} sign-ins (none)", opened == 0),
        Target(f"{scheme}: {len(failures)} failures of all applications (none){first}", not failures),
    ]
