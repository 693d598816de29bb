#!/usr/bin/env bash
# Runs the tests with branch coverage. With GATE=1 the coverage must reach what pyproject.toml and the core ask for.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -f .coverage .coverage.*
if [ $# -gt 0 ]; then
  exec .venv/bin/python -m pytest "$@"
fi
.venv/bin/coverage run -m pytest -n 2 --dist loadfile
.venv/bin/coverage combine -q
if [ "${GATE:-}" = 1 ]; then
  .venv/bin/coverage report --include='src/signon/core/*' --fail-under=100
  .venv/bin/coverage report
else
  .venv/bin/coverage report --fail-under=0 | tail -n 1
fi
