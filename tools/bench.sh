#!/usr/bin/env bash
# Every part of the benchmark, one after the other; fails where one of them missed a limit. Takes some 20 minutes.
set -uo pipefail
cd "$(dirname "$0")/.."
status=0
.venv/bin/python bench/run.py "$@" || status=1
.venv/bin/python bench/guard.py || status=1
.venv/bin/python -m bench.pages || status=1
.venv/bin/python -m bench.scale || status=1
exit $status
