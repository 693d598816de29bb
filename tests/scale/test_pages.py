"""The benchmark of pages in its smallest form."""

import subprocess
import sys

import pytest


@pytest.mark.redis
def test_both_stores_are_judged():
    """Each store has a line of figures and a verdict, whatever that is."""
    command = [sys.executable, "-m", "bench.pages", "--rounds", "3"]
    # A process of its own, since it ties itself to one processor.
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {0, 1}, done.stderr
    *_, first, second, blank, sqlite, redis = done.stdout.splitlines()
    assert [line.split()[1] for line in (first, second)] == ["sqlite", "redis"]
    assert not blank
    assert [line.split()[1] for line in (sqlite, redis)] == ["sqlite:", "redis:"]
    assert done.returncode == any(line.startswith("FAIL") for line in (sqlite, redis))
