"""The benchmark of sign-ins: what one costs with Signon, as a multiple of the least that Flask can do.

    python bench/run.py [--rounds 15] [--quick]

The floor (apps/floor.py), Signon and Authlib run under gunicorn side by side; each round gives each of them
60 sign-ins of 8 browsers at once and 300 views of a protected and of a public page. CPU is what the application's
own processes used, user and system. Only the ratios inside one run say anything: they are taken round by round,
and the median is printed between its quartiles. Then the same applications are called in-process.
Last, sgID's encrypted userinfo is opened by Signon, by joserfc alone and by bare `cryptography`.
Everything runs on 127.0.0.1 and ends with this process. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gateway
import report

import servers

LIMIT_SECONDS = 1200
IN_PROCESS_SECONDS = 300
QUICK_ROUNDS = 3


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, choices=range(3, 101), metavar="3-100")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds: a smoke test")
    return parser.parse_args()


def in_process(directory: Path) -> dict[str, dict[str, list[float]]]:
    """What inprocess.py prints, its provider over http."""
    env = servers.environment(directory)
    with servers.provider(env, None) as provider:
        settings = servers.application_settings(
            provider.origin, "http://127.0.0.1:5000", directory / "inprocess.db"
        )
        command = [sys.executable, str(servers.BENCH / "inprocess.py")]
        os.sched_setaffinity(0, servers.APPLICATION_CPUS)  # inherited; this process only waits from here on
        done = subprocess.run(
            command, env=env | settings, stdout=subprocess.PIPE, timeout=IN_PROCESS_SECONDS, check=True
        )
    measured: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    return measured


def decryption() -> dict[str, list[float]]:
    """What decryption.py prints; it needs no server."""
    command = [sys.executable, str(servers.BENCH / "decryption.py")]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=IN_PROCESS_SECONDS, check=True)
    measured: dict[str, list[float]] = json.loads(done.stdout)
    return measured


def end(number: int, _: Any) -> None:
    """Leave by the ordinary way out, so that every server is stopped."""
    sys.exit(f"ended by signal {signal.Signals(number).name}")


def main() -> int:
    options = arguments()
    rounds = QUICK_ROUNDS if options.quick else options.rounds
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, end)
    signal.alarm(LIMIT_SECONDS)
    os.sched_setaffinity(0, servers.OTHER_CPUS)
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {len(servers.CPUS)} CPUs, load {load:.1f} at the start\n")
    through_gunicorn = {}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for scheme, files in (("http", None), ("https", servers.certificates(directory))):
            through_gunicorn[scheme] = gateway.measure(directory, files, rounds)
            print(report.gateway_table(scheme, through_gunicorn[scheme]), flush=True)
        inside = in_process(directory)
    inside["decryption"] = decryption()
    print(report.in_process_tables(inside))
    judged = report.targets(through_gunicorn, inside)
    for target in judged:
        print("pass" if target.met else "FAIL", target.sentence)
    return 0 if all(target.met for target in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
