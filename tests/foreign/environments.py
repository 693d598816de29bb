"""The environments of foreign clients that can't live in ours, and how to run a program in one."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".foreign"


def python_of(name: str) -> str:
    """A foreign client's interpreter; without it a skip that says what to do, in CI a failure."""
    if not (ENVIRONMENTS / name / ".ready").exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"the environment of the foreign client {name} is missing: `make deps`, or tools/foreign-venvs.sh"
        )
    return str(ENVIRONMENTS / name / "bin" / "python")


def converse(name: str, script: str, told: dict[str, object], reply: Callable[[dict], dict]) -> dict:
    """Run a script that reads a line, asks by one, reads `reply`'s, and tells by the last what it learned."""
    with subprocess.Popen(
        [python_of(name), str(HERE / script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        program.stdin.write(json.dumps(told) + "\n")
        program.stdin.flush()
        line = program.stdout.readline()
        answer = reply(json.loads(line)) if line else {}
        out, errors = program.communicate(json.dumps(answer) + "\n", timeout=60)
    assert program.returncode == 0, errors
    learned: dict = json.loads(out)
    return learned
