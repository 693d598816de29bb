"""The benchmark of large stores in its smallest form, and that it stops where its figures would mean nothing."""

import subprocess
import sys
import time

import pytest
from bench.scale import LIMITS, OPERATIONS, fill
from bench.scale_people import RECORD_BYTES, People
from bench.scale_stores import PLACES

SMALLEST = ("--sessions", "100", "300", "--rounds", "3")


@pytest.mark.parametrize(
    "store",
    [
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        "sqlite",
    ],
)
def test_every_limit_is_judged(store):
    """Each size has a line of figures and each limit a verdict, whatever that is; nothing is left of the run."""
    command = [sys.executable, "-m", "bench.scale", "--stores", store, *SMALLEST]
    # A process of its own, since it ties itself to one processor.
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {0, 1}, done.stderr
    *_, first, second, blank, load, save, end = done.stdout.splitlines()
    assert [line.split()[1] for line in (first, second)] == ["100", "300"]
    assert not blank
    assert [line.split()[1:3] for line in (load, save, end)] == [[f"{store}:", each] for each in OPERATIONS]
    assert done.returncode == any(line.startswith("FAIL") for line in (load, save, end))


def test_limits():
    """Every operation has a limit in every store."""
    assert {store: tuple(limits) for store, limits in LIMITS.items()} == dict.fromkeys(PLACES, OPERATIONS)


def test_records_have_their_size():
    """What is sealed for a person has 1 KB, whoever they are."""
    people = People(2000, now=time.time())
    assert {len(people.row(number).value) for number in (0, 7, 1999)} == {RECORD_BYTES}


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda _: [],
        lambda row: [{**row, "value": row["value"][:-1]}],
        lambda row: [{**row, "indexes": (row["indexes"][0], b"x" * 32)}],
    ],
    ids=["nothing", "a cut record", "one index"],
)
def test_a_store_without_the_sessions(tmp_path, spoilt):
    """A store that was not filled as it would have filled itself is not measured."""

    def spoil(rows):
        for row in rows:
            members = {name: getattr(row, name) for name in row.__slots__}
            yield from (type(row)(**changed) for changed in spoilt(members))

    with PLACES["sqlite"](tmp_path) as place:
        badly = place._replace(fill=lambda rows: place.fill(spoil(rows)))
        with pytest.raises(SystemExit, match="the store doesn't find what was written in bulk"):
            fill(badly, 100, 3)
